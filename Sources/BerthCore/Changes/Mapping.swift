/// What an outside source calls something, and what that is here.
public struct Mapping: Sendable, Equatable {
    /// What is named.
    public enum Kind: String, Sendable, CaseIterable {
        /// An environment.
        case environment
        /// Whoever does something: maps to a team.
        case actor
        /// Where something comes from: maps to a team.
        case repository
    }

    /// Its number; 0 before it is made.
    public var id: Int64
    /// Whose words these are; nil: any source's.
    public var source: String?
    /// What is named.
    public var kind: Kind
    /// The source's own name for it.
    public var name: String
    /// The environment's key, or the team's name.
    public var target: String

    /// A name and what it stands for.
    public init(id: Int64 = 0, source: String?, kind: Kind, name: String, target: String) {
        self.id = id
        self.source = source
        self.kind = kind
        self.name = name
        self.target = target
    }
}
