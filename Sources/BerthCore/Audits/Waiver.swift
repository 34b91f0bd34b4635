import Foundation

/// Somebody answers for leaving what is found as it is, for a reason and until a day.
public struct Waiver: Sendable, Equatable {
    /// What is waived.
    public enum Scope: Sendable, Equatable {
        /// One finding, by its fingerprint.
        case finding(String)
        /// All that a check finds: on one environment, or everywhere.
        case check(String, environment: String?)
    }

    /// Its number.
    public var id: Int64
    /// What is waived.
    public var scope: Scope
    /// Why it may stay as it is.
    public var reason: String
    /// Who answers for it: the name of a token.
    public var approvedBy: String
    /// When it was made.
    public var createdAt: Date
    /// When it ends.
    public var endsAt: Date
    /// When somebody took it back.
    public var revokedAt: Date?

    /// A waiver.
    public init(
        id: Int64, scope: Scope, reason: String, approvedBy: String, createdAt: Date, endsAt: Date,
        revokedAt: Date? = nil
    ) {
        self.id = id
        self.scope = scope
        self.reason = reason
        self.approvedBy = approvedBy
        self.createdAt = createdAt
        self.endsAt = endsAt
        self.revokedAt = revokedAt
    }

    /// Whether it covers a finding, its time left aside.
    public func covers(_ finding: Finding) -> Bool {
        switch scope {
        case .finding(let fingerprint): finding.fingerprint == fingerprint
        case .check(let check, let environment):
            finding.check == check && (environment == nil || environment == finding.environment)
        }
    }
}

/// A waiver as asked for.
public struct WaiverDraft: Sendable, Equatable {
    /// What is to be waived.
    public var scope: Waiver.Scope
    /// Why it may stay as it is.
    public var reason: String
    /// Until when.
    public var endsAt: Date

    /// A waiver to be made.
    public init(scope: Waiver.Scope, reason: String, endsAt: Date) {
        self.scope = scope
        self.reason = reason
        self.endsAt = endsAt
    }
}
