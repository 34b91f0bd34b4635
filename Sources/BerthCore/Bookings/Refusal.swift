import Foundation

/// Why a booking was refused: what stands in its way, and what is free instead.
public struct Refusal: Sendable, Equatable {
    public var conflicts: [Conflict]
    public var alternatives: [Alternative]

    /// The reasons and the ways out.
    public init(conflicts: [Conflict], alternatives: [Alternative]) {
        self.conflicts = conflicts
        self.alternatives = alternatives
    }
}

/// One thing that stands in the way of a use.
public struct Conflict: Sendable, Equatable {
    /// What kind of thing it is.
    public enum Kind: String, Sendable {
        case booking, maintenance, freeze, change
    }

    /// The environment asked for.
    public var environment: String
    /// The parts through which the two meet, from below the environment asked for to where they meet;
    /// empty when they meet on the environment itself.
    public var via: [String]
    public var kind: Kind
    public var reference: String
    public var title: String
    public var team: String
    /// Who asked for it.
    public var holder: String
    public var contact: String?
    public var startsAt: Date
    public var endsAt: Date
    /// What it claims, buffers included.
    public var blocksFrom: Date
    public var blocksUntil: Date
    public var mode: Booking.Mode

    /// A conflict as found.
    public init(
        environment: String, via: [String], kind: Kind, reference: String, title: String,
        team: String, holder: String, contact: String?, startsAt: Date, endsAt: Date,
        blocksFrom: Date, blocksUntil: Date, mode: Booking.Mode
    ) {
        self.environment = environment
        self.via = via
        self.kind = kind
        self.reference = reference
        self.title = title
        self.team = team
        self.holder = holder
        self.contact = contact
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.blocksFrom = blocksFrom
        self.blocksUntil = blocksUntil
        self.mode = mode
    }
}

/// Something free that would do instead.
public struct Alternative: Sendable, Equatable {
    public var environments: [String]
    public var startsAt: Date
    public var endsAt: Date

    /// Free environments and their time.
    public init(environments: [String], startsAt: Date, endsAt: Date) {
        self.environments = environments
        self.startsAt = startsAt
        self.endsAt = endsAt
    }
}
