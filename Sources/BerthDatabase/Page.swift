import BerthCore

/// Which part of a list is asked for.
public struct Page: Sendable {
    /// The most items.
    public var limit: Int
    /// Where the previous page ended, as ``Listing/next`` said; nil for the first page.
    public var after: String?

    /// A page.
    public init(limit: Int, after: String? = nil) {
        self.limit = limit
        self.after = after
    }
}

/// One page of a list.
public struct Listing<Item: Sendable>: Sendable {
    /// The items of this page.
    public var items: [Item]
    /// Where the next page begins; nil when this one is the last.
    public var next: String?

    /// A page from one row more than it may hold: the extra row says that there is another page.
    init(_ fetched: [Item], limit: Int, position: (Item) -> String) {
        items = Array(fetched.prefix(limit))
        next = fetched.count > limit ? items.last.map(position) : nil
    }
}

extension Page {
    /// The id that the previous page ended with; nil for the first page. Throws when it is no id.
    func id() throws -> Int64? {
        guard let after else { return nil }
        guard let id = Int64(after) else { throw Self.foreignCursor }
        return id
    }

    private static var foreignCursor: Error {
        BerthError.invalid("cursor", "is not one that this list gave: start again without it")
    }
}
