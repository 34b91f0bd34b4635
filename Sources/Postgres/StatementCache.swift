/// What one connection has prepared, by text and parameter types, within a bound.
///
/// Types belong to the key: a statement prepared for `bigint` misreads a binary `integer`.
/// Finding one costs a hash of the text. Making room costs a look at all entries, but only when a
/// statement is prepared, which is far dearer.
struct StatementCache {
    struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    /// Names that were evicted, and that the server still has.
    private(set) var evicted: [String] = []

    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private var names: UInt64 = 0

    init(capacity: Int) {
        self.capacity = capacity
        entries.reserveCapacity(min(capacity, 64))
    }

    var isEnabled: Bool { capacity > 0 }

    /// The name to execute, and whether it has to be prepared under it first. The caller removes
    /// the entry if preparing fails.
    mutating func find(_ key: Key) -> (name: String, isNew: Bool) {
        uses += 1
        if let index = entries.index(forKey: key) {
            entries.values[index].lastUse = uses
            return (entries.values[index].name, false)
        }
        if entries.count >= capacity { evictOldest() }
        names += 1
        let name = "s\(names)"
        entries[key] = Entry(name: name, lastUse: uses)
        return (name, true)
    }

    /// Forgets a statement that the server does not have, or has no more use for.
    mutating func remove(_ key: Key, deallocate: Bool) {
        guard let entry = entries.removeValue(forKey: key), deallocate else { return }
        evicted.append(entry.name)
    }

    /// Tells that the server has let go of an evicted statement.
    mutating func confirmDeallocation(of name: String) {
        evicted.removeAll { $0 == name }
    }

    private mutating func evictOldest() {
        guard let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
        remove(oldest.key, deallocate: true)
    }
}
