import Foundation

/// What the owner of one environment says to a booking that names it.
public struct Approval: Sendable, Equatable, Codable {
    /// What was said so far.
    public enum State: String, Sendable, Codable, CaseIterable {
        case pending, approved, rejected
    }

    /// The environment's key.
    public var environment: String
    /// The team that owned it when it was asked; nil: admins decide.
    public var ownerTeam: String?
    /// What was said so far.
    public var state: State
    /// Who said it: a token's name.
    public var by: String?
    /// When it was said.
    public var at: Date?
    /// What was said with it.
    public var note: String?

    /// An approval that is asked for, or was given.
    public init(
        environment: String, ownerTeam: String?, state: State = .pending, by: String? = nil,
        at: Date? = nil, note: String? = nil
    ) {
        self.environment = environment
        self.ownerTeam = ownerTeam
        self.state = state
        self.by = by
        self.at = at
        self.note = note
    }
}
