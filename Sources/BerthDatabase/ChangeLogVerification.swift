import BerthCore
import Crypto
import Foundation
import Postgres

/// What a verification of the change log found.
public enum LogVerdict: Sendable, Equatable {
    /// Every entry follows from the one before, and every head seen is in the chain.
    case whole(LogHead)
    /// The first entry that does not, and why.
    case broken(id: Int64, detail: String)
}

/// The end of the change log, as somebody saw it: `17:9f86…`.
public struct LogHead: Sendable, Hashable, CustomStringConvertible {
    /// The number of the last entry; 0 for an empty log.
    public var id: Int64
    /// Its hash, in hexadecimal.
    public var hash: String

    /// A head.
    public init(id: Int64, hash: String) {
        self.id = id
        self.hash = hash
    }

    /// Reads what ``description`` wrote; nil for anything else.
    public init?(_ text: String) {
        let sides = text.split(separator: ":")
        guard sides.count == 2, let id = Int64(sides[0]), id >= 0, sides[1].utf8.count == 64 else {
            return nil
        }
        self.init(id: id, hash: sides[1].lowercased())
    }

    /// `17:9f86…`
    public var description: String { "\(id):\(hash)" }
}

extension BerthDatabase {
    private static let entriesTogether = 5_000

    /// Computes the chain of the change log anew, from the entries alone and not by the functions that wrote
    /// it, and compares it with its head, with the heads that earlier verifications saw, and with those
    /// given. Keeps the head that it saw when the chain is whole. Cost: reads the log once, 5,000 entries
    /// at a time.
    public func verifyChangeLog(known: [LogHead], now: Date) async throws -> LogVerdict {
        try await translatingErrors {
            // The head first: entries appended while it is read come after it.
            let head = try await logHead()
            let seen = try await headsSeen() + known
            var expected = Dictionary(grouping: seen, by: \.id).mapValues { Set($0.map(\.hash)) }
            var chain = LogChain()
            if let mismatch = chain.compare(&expected) { return mismatch }
            while chain.id < head.id {
                let entries = try await entries(after: chain.id, upTo: head.id)
                guard !entries.isEmpty else {
                    return .broken(id: chain.id + 1, detail: "it is missing, and its successors")
                }
                for entry in entries {
                    if let fault = chain.append(entry) { return fault }
                    if let mismatch = chain.compare(&expected) { return mismatch }
                }
            }
            guard chain.hash == head.hash else {
                return .broken(id: head.id, detail: "its hash is not the head's")
            }
            if let cut = expected.keys.filter({ $0 > head.id }).min() {
                return .broken(
                    id: head.id + 1,
                    detail: "the log ended at \(cut) when it was seen before: a tail was cut off")
            }
            try await client.query(
                """
                INSERT INTO change_log_heads_seen (id, hash, seen_at)
                VALUES (\(head.id), decode(\(head.hash), 'hex'), \(now)) ON CONFLICT DO NOTHING
                """)
            return .whole(head)
        }
    }

    private func logHead() async throws -> LogHead {
        let rows = try await client.query(
            "SELECT h.id, encode(h.hash, 'hex') FROM change_log_head h")
        guard let row = rows.first else { return LogHead(id: 0, hash: "") }
        let (id, hash) = try row.decode(Int64.self, String.self)
        return LogHead(id: id, hash: hash)
    }

    private func headsSeen() async throws -> [LogHead] {
        try await client.query("SELECT s.id, encode(s.hash, 'hex') FROM change_log_heads_seen s")
            .map {
                let (id, hash) = try $0.decode(Int64.self, String.self)
                return LogHead(id: id, hash: hash)
            }
    }

    private func entries(after id: Int64, upTo last: Int64) async throws -> [LogEntry] {
        let rows = try await client.query(
            """
            SELECT c.id, encode(c.hash, 'hex'), ARRAY[
                c.id::text, c.root_id::text, c.entry, c.environment_id::text,
                (extract(epoch FROM c.occurred_at) * 1000000)::bigint::text,
                (extract(epoch FROM c.recorded_at) * 1000000)::bigint::text,
                c.recorded_by, c.source, c.source_id, c.actor, c.team_id::text, c.kind, c.summary,
                c.component, c.component_version, c.ticket, c.emergency_reason, c.corrects::text, c.control,
                array_to_string(c.reasons, ','), c.window_id::text, array_to_string(c.bookings_hit, ','),
                c.is_late::text, c.approved_late::text, c.review, c.review_note]
                || CASE WHEN c.claimed_team IS NULL THEN '{}' ELSE ARRAY[c.claimed_team] END
            FROM change_log c WHERE c.id > \(id) AND c.id <= \(last)
            ORDER BY c.id LIMIT \(Self.entriesTogether)
            """, deadline: .seconds(30))
        return try rows.map {
            let (id, hash, fields) = try $0.decode(Int64.self, String.self, [String?].self)
            return LogEntry(id: id, hash: hash, fields: fields)
        }
    }
}

/// An entry as it stands in the table.
private struct LogEntry {
    var id: Int64
    var hash: String
    /// All its columns but the hash, as texts, in the order in which they are hashed.
    var fields: [String?]
}

/// The chain as far as it was computed.
private struct LogChain {
    private(set) var id: Int64 = 0
    private var digest = Data(SHA256.hash(data: Data("berth change log".utf8)))

    var hash: String { digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// What is wrong with the entry that comes next; nil when it follows.
    mutating func append(_ entry: LogEntry) -> LogVerdict? {
        guard entry.id == id + 1 else { return .broken(id: id + 1, detail: "it is missing") }
        var sha = SHA256()
        sha.update(data: digest)
        for field in entry.fields {
            var length = Int32(field?.utf8.count ?? -1).bigEndian
            withUnsafeBytes(of: &length) { sha.update(bufferPointer: $0) }
            if let field { sha.update(data: Data(field.utf8)) }
        }
        digest = Data(sha.finalize())
        id = entry.id
        guard hash == entry.hash else {
            return .broken(
                id: id, detail: "its hash does not follow from it and the one before: it was edited"
            )
        }
        return nil
    }

    /// What is wrong with a head that was seen here before; nil when none was, or it was the same.
    func compare(_ expected: inout [Int64: Set<String>]) -> LogVerdict? {
        guard let hashes = expected.removeValue(forKey: id), hashes != [hash] else { return nil }
        return .broken(
            id: id, detail: "it had another hash when it was seen before: the chain was rewritten")
    }
}
