import Foundation

/// What a token lets its bearer do.
public enum Role: String, Sendable, CaseIterable, Comparable {
    /// Reads everything.
    case viewer
    /// Books for its team.
    case booker
    /// Also manages the environments that its team owns or its labels match.
    case manager
    /// Everything.
    case admin

    /// Ranks from the least to the most.
    public static func < (left: Role, right: Role) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .booker: 1
        case .manager: 2
        case .admin: 3
        }
    }
}

/// Who is asking: the bearer of a token.
public struct Caller: Sendable, Equatable {
    /// The token's number.
    public var tokenID: Int64
    /// The token's name; written to history.
    public var name: String
    /// What its bearer may do.
    public var role: Role
    /// The team's name.
    public var team: String?
    /// Environments with all these labels are managed by a manager with this token.
    public var labels: [String: String]
    /// Made to report other teams' changes: believed of them, through a mapping.
    public var reports: Bool
    /// Whether naming a team that nobody made makes it, where an admin names it: not where it may be a typo in a sheet.
    public var createsTeams = true
    /// When the last token of the same name before it ended: what is older belonged to that one.
    public var since: Date

    /// The bearer of a token.
    public init(
        tokenID: Int64, name: String, role: Role, team: String?, labels: [String: String],
        reports: Bool = false, since: Date = .distantPast
    ) {
        self.tokenID = tokenID
        self.name = name
        self.role = role
        self.team = team
        self.labels = labels
        self.reports = reports
        self.since = since
    }

    /// Whether the caller manages an environment: as admin, or as manager of the owning team, or by
    /// labels that all match (`tier` and `owner` count as labels, as in a selector).
    public func manages(_ environment: TestEnvironment) -> Bool {
        guard role >= .manager else { return false }
        if role == .admin { return true }
        if let team, team == environment.ownerTeam { return true }
        return !labels.isEmpty
            && labels.allSatisfy { key, value in environment.matches(key, value) }
    }

    /// Whether the caller answers for a team: as admin, or as its manager.
    public func manages(team: String) -> Bool {
        role == .admin || (role == .manager && self.team == team)
    }

    /// Whether the caller may book these environments for a team: its own, or any where it manages all.
    public func mayBook(_ environments: [TestEnvironment], for team: String) -> Bool {
        guard role >= .booker else { return false }
        return team == self.team || role == .admin || environments.allSatisfy(manages)
    }

    /// Whether something made under a token's name at an instant is this token's.
    public func owns(_ name: String, madeAt instant: Date) -> Bool {
        name == self.name && instant > since
    }
}

extension TestEnvironment {
    /// Whether a selector's pair matches: `tier`, `owner` and `status` are reserved keys.
    public func matches(_ key: String, _ value: String) -> Bool {
        switch key {
        case "tier": tier == value
        case "owner": ownerTeam == value
        case "status": status.rawValue == value
        default: labels[key] == value
        }
    }
}
