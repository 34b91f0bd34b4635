import Foundation

/// What gets booked: `uat-1`. Named so because the HTTP library exports an `Environment` of its own.
public struct TestEnvironment: Sendable, Equatable {
    /// Whether it can be used.
    public enum Status: String, Sendable, CaseIterable {
        case available, degraded, unavailable, retired
    }

    /// Something this environment contains: another environment, or a component shared with others.
    public struct Part: Sendable, Hashable {
        /// How a booking of the whole uses the part: as the whole is booked, or always in one way.
        public enum Usage: String, Sendable, CaseIterable {
            case same, shared, exclusive
        }

        /// The part's key.
        public var key: String
        /// How the part is used.
        public var usage: Usage

        /// A part and its use.
        public init(key: String, usage: Usage) {
            self.key = key
            self.usage = usage
        }
    }

    /// Its number in the database.
    public var id: Int64
    /// Its slug: unique, and for ever; it stands in URLs, selectors and files.
    public var key: String
    /// Its name.
    public var name: String
    /// `dev`, `sit`, `uat`, `preprod`: whatever the house calls it.
    public var tier: String
    /// The name of the team that owns it.
    public var ownerTeam: String?
    /// An IANA time zone's name.
    public var timeZone: String
    /// Free pairs of key and value, to select by.
    public var labels: [String: String]
    /// The most shared bookings at an instant; nil: no limit.
    public var capacity: Int?
    /// Whether it can be used.
    public var status: Status
    /// Why the status is what it is.
    public var statusReason: String?
    /// Until when the status is expected to last.
    public var statusUntil: Date?
    /// What it contains.
    public var parts: [Part]
    /// Its rules.
    public var policy: Policy
    /// Markdown.
    public var runbook: String
    /// Which version it is, from 1.
    public var version: Int

    /// An environment as recorded.
    public init(
        id: Int64, key: String, name: String, tier: String, ownerTeam: String?, timeZone: String,
        labels: [String: String], capacity: Int?, status: Status, statusReason: String?,
        statusUntil: Date?, parts: [Part], policy: Policy, runbook: String, version: Int
    ) {
        self.id = id
        self.key = key
        self.name = name
        self.tier = tier
        self.ownerTeam = ownerTeam
        self.timeZone = timeZone
        self.labels = labels
        self.capacity = capacity
        self.status = status
        self.statusReason = statusReason
        self.statusUntil = statusUntil
        self.parts = parts
        self.policy = policy
        self.runbook = runbook
        self.version = version
    }
}

/// What is asked for when an environment is made, or what it is to be after an edit.
public struct EnvironmentDraft: Sendable, Equatable {
    /// Its slug.
    public var key: String
    /// Its name.
    public var name: String
    /// What the house calls its kind: `dev`, `sit`, `uat`.
    public var tier: String
    /// The name of the team that owns it.
    public var ownerTeam: String?
    /// An IANA time zone's name.
    public var timeZone: String
    /// Free pairs of key and value, to select by.
    public var labels: [String: String]
    /// The most shared bookings at an instant; nil: no limit.
    public var capacity: Int?
    /// Whether it can be used.
    public var status: TestEnvironment.Status
    /// Why the status is what it is.
    public var statusReason: String?
    /// Until when the status is expected to last.
    public var statusUntil: Date?
    /// What it contains.
    public var parts: [TestEnvironment.Part]
    /// Its rules.
    public var policy: Policy
    /// What to do when it breaks, in Markdown.
    public var runbook: String

    /// A draft with the defaults of everything but the key.
    public init(
        key: String, name: String? = nil, tier: String = "test", ownerTeam: String? = nil,
        timeZone: String = "UTC", labels: [String: String] = [:], capacity: Int? = nil,
        status: TestEnvironment.Status = .available, statusReason: String? = nil,
        statusUntil: Date? = nil, parts: [TestEnvironment.Part] = [], policy: Policy = Policy(),
        runbook: String = ""
    ) {
        self.key = key
        self.name = name ?? key
        self.tier = tier
        self.ownerTeam = ownerTeam
        self.timeZone = timeZone
        self.labels = labels
        self.capacity = capacity
        self.status = status
        self.statusReason = statusReason
        self.statusUntil = statusUntil
        self.parts = parts
        self.policy = policy
        self.runbook = runbook
    }

    /// What an environment is now: the start of an edit.
    public init(_ environment: TestEnvironment) {
        self.init(
            key: environment.key, name: environment.name, tier: environment.tier,
            ownerTeam: environment.ownerTeam, timeZone: environment.timeZone,
            labels: environment.labels, capacity: environment.capacity, status: environment.status,
            statusReason: environment.statusReason, statusUntil: environment.statusUntil,
            parts: environment.parts, policy: environment.policy, runbook: environment.runbook)
    }
}

/// What an environment was, from when to when, and who made it so.
public struct EnvironmentVersion: Sendable, Equatable {
    /// The environment.
    public var environment: TestEnvironment
    /// Since when it was so.
    public var validFrom: Date
    /// Nil for the present version.
    public var validUntil: Date?
    /// Who made it so.
    public var by: String

    /// A version and its time.
    public init(environment: TestEnvironment, validFrom: Date, validUntil: Date?, by: String) {
        self.environment = environment
        self.validFrom = validFrom
        self.validUntil = validUntil
        self.by = by
    }
}
