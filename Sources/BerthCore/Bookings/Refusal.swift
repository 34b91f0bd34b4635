import Foundation

/// Why a booking was refused: what stands in its way, and what is free instead.
public struct Refusal: Sendable, Equatable {
    /// What stands in the way.
    public var conflicts: [Conflict]
    /// What is free instead.
    public var alternatives: [Alternative]
    /// What else would do, in words.
    public var advice: String?

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
    /// What kind of thing it is.
    public var kind: Kind
    /// How people name it.
    public var reference: String
    /// What it is for.
    public var title: String
    /// The team's name; nil: a window that is everybody's.
    public var team: String?
    /// Who asked for it.
    public var holder: String
    /// How to reach who asked for it.
    public var contact: String?
    /// Its first instant.
    public var startsAt: Date
    /// The first instant that is no longer part of it.
    public var endsAt: Date
    /// What it claims, buffers included.
    public var blocksFrom: Date
    /// Until when it blocks, buffers included.
    public var blocksUntil: Date
    /// How it uses the place where they meet, which may be a part that it reaches otherwise than it books; nil: a
    /// window.
    public var mode: Booking.Mode?
    /// Whether it still waits for approval, and holds its place until that is decided or its hold runs out.
    public var isPending = false
    /// Of a series that was asked for: the occurrence that it stands in the way of.
    public var recurrenceID: Date?
    /// Of bookings that were to be moved together: the one that it stands in the way of.
    public var moving: BookingReference?

    /// A conflict as found.
    public init(
        environment: String, via: [String], kind: Kind, reference: String, title: String,
        team: String?, holder: String, contact: String?, startsAt: Date, endsAt: Date,
        blocksFrom: Date, blocksUntil: Date, mode: Booking.Mode?
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
    /// Their keys.
    public var environments: [String]
    /// Its first instant.
    public var startsAt: Date
    /// The first instant that is no longer part of it.
    public var endsAt: Date
    /// Of a shift: by how many days all can be moved; the place is the first booking's.
    public var days: Int?

    /// Free environments and their time.
    public init(environments: [String], startsAt: Date, endsAt: Date) {
        self.environments = environments
        self.startsAt = startsAt
        self.endsAt = endsAt
    }
}
