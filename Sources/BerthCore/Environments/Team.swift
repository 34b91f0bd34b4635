/// A team that owns environments or books them.
public struct Team: Sendable, Equatable {
    /// Its number in the database.
    public var id: Int64
    /// Its name: unique, whatever its case; it stands in URLs and feeds, where a former one leads to it.
    public var name: String
    /// A CSS colour, `#rrggbb`, or nil.
    public var colour: String?
    /// How to reach it.
    public var contact: String?
    /// Which version it is, from 1.
    public var version: Int

    /// A team as recorded.
    public init(id: Int64, name: String, colour: String?, contact: String?, version: Int) {
        self.id = id
        self.name = name
        self.colour = colour
        self.contact = contact
        self.version = version
    }
}

/// What is asked for when a team is made, or what it is to be after an edit.
public struct TeamDraft: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// A CSS colour, `#rrggbb`.
    public var colour: String?
    /// How to reach who asked for it.
    public var contact: String?

    /// A draft.
    public init(name: String, colour: String? = nil, contact: String? = nil) {
        self.name = name
        self.colour = colour
        self.contact = contact
    }
}
