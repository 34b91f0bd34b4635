import Foundation

/// A bearer token as recorded: everything but its secret.
public struct Token: Sendable, Equatable {
    public var id: Int64
    public var name: String
    public var role: Role
    public var team: String?
    public var labels: [String: String]
    public var createdAt: Date
    public var createdBy: String
    public var revokedAt: Date?

    /// A token as recorded.
    public init(
        id: Int64, name: String, role: Role, team: String?, labels: [String: String],
        createdAt: Date, createdBy: String, revokedAt: Date?
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.team = team
        self.labels = labels
        self.createdAt = createdAt
        self.createdBy = createdBy
        self.revokedAt = revokedAt
    }
}

/// What is asked for when a token is made.
public struct TokenDraft: Sendable, Equatable {
    public var name: String
    public var role: Role
    public var team: String?
    public var labels: [String: String]

    /// A draft.
    public init(name: String, role: Role, team: String? = nil, labels: [String: String] = [:]) {
        self.name = name
        self.role = role
        self.team = team
        self.labels = labels
    }
}
