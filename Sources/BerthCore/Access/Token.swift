import Foundation

/// A bearer token as recorded: everything but its secret.
public struct Token: Sendable, Equatable {
    /// Its number in the database.
    public var id: Int64
    /// Its name.
    public var name: String
    /// What its bearer may do.
    public var role: Role
    /// The team's name.
    public var team: String?
    /// Free pairs of key and value, to select by.
    public var labels: [String: String]
    /// Made to report other teams' changes.
    public var reports: Bool
    /// When it was made.
    public var createdAt: Date
    /// Who made it: a token's name.
    public var createdBy: String
    /// When it was ended; nil while in use.
    public var revokedAt: Date?

    /// A token as recorded.
    public init(
        id: Int64, name: String, role: Role, team: String?, labels: [String: String],
        reports: Bool, createdAt: Date, createdBy: String, revokedAt: Date?
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.team = team
        self.labels = labels
        self.reports = reports
        self.createdAt = createdAt
        self.createdBy = createdBy
        self.revokedAt = revokedAt
    }
}

/// What is asked for when a token is made.
public struct TokenDraft: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// What its bearer may do.
    public var role: Role
    /// The team's name.
    public var team: String?
    /// Free pairs of key and value, to select by.
    public var labels: [String: String]
    /// Made to report other teams' changes.
    public var reports: Bool

    /// A draft.
    public init(
        name: String, role: Role, team: String? = nil, labels: [String: String] = [:],
        reports: Bool = false
    ) {
        self.name = name
        self.role = role
        self.team = team
        self.labels = labels
        self.reports = reports
    }
}
