import Foundation

/// The use of one or more environments for a period.
public struct Booking: Sendable, Equatable {
    /// How it uses what it books.
    public enum Mode: String, Sendable, CaseIterable {
        case exclusive, shared
    }

    /// Where it is in its life.
    public enum State: String, Sendable, CaseIterable {
        case requested, waitlisted, confirmed, active, completed, rejected, cancelled, expired
        case displaced

        /// Whether it stands in line for a place.
        public var isWaiting: Bool { self == .waitlisted || self == .displaced }

        /// Whether nothing more can happen to it.
        public var isOver: Bool {
            switch self {
            case .requested, .waitlisted, .confirmed, .active, .displaced: false
            case .completed, .rejected, .cancelled, .expired: true
            }
        }
    }

    /// Who comes first where not all can be served.
    public enum Priority: String, Sendable, CaseIterable, Comparable {
        case low, normal, high, urgent

        /// Ranks from the least to the most.
        public static func < (left: Priority, right: Priority) -> Bool {
            left.rank < right.rank
        }

        private var rank: Int {
            switch self {
            case .low: 0
            case .normal: 1
            case .high: 2
            case .urgent: 3
            }
        }
    }

    /// How people name it.
    public var reference: BookingReference
    /// Where it is in its life.
    public var state: State
    /// Why it is in that state.
    public var stateReason: String?
    /// Keys, in the order they were asked for.
    public var environments: [String]
    /// `[startsAt, endsAt)`, in whole seconds.
    public var startsAt: Date
    /// The first instant that is no longer part of it.
    public var endsAt: Date
    /// The IANA zone in which people think of it.
    public var timeZone: String
    /// What it is for.
    public var title: String
    /// The team's name.
    public var team: String
    /// How to reach who asked for it.
    public var contact: String?
    /// How it uses what it books.
    public var mode: Mode
    /// A ticket elsewhere that it belongs to.
    public var ticket: String?
    /// Anything else worth saying.
    public var notes: String?
    /// Free pairs of key and value, to select by.
    public var labels: [String: String]
    /// Its place where not all can be served.
    public var priority: Priority
    /// Who asked for it: a token's name.
    public var requestedBy: String
    /// Claimed before and after it, in minutes; fixed when it was made or moved.
    public var setupMinutes: Int
    /// Minutes claimed after each booking.
    public var teardownMinutes: Int
    /// When it was given back, if before its end.
    public var releasedAt: Date?
    /// What it goes through: approval, check-in, lease, the line, a series.
    public var life: BookingLife
    /// Which version it is, from 1.
    public var version: Int
    /// When it was made.
    public var createdAt: Date
    /// When it last changed.
    public var updatedAt: Date

    /// A booking as recorded.
    public init(
        reference: BookingReference, state: State, stateReason: String?, environments: [String],
        startsAt: Date, endsAt: Date, timeZone: String, title: String, team: String,
        contact: String?, mode: Mode, ticket: String?, notes: String?, labels: [String: String],
        priority: Priority, requestedBy: String, setupMinutes: Int, teardownMinutes: Int,
        releasedAt: Date?, life: BookingLife = BookingLife(), version: Int, createdAt: Date,
        updatedAt: Date
    ) {
        self.reference = reference
        self.state = state
        self.stateReason = stateReason
        self.environments = environments
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.timeZone = timeZone
        self.title = title
        self.team = team
        self.contact = contact
        self.mode = mode
        self.ticket = ticket
        self.notes = notes
        self.labels = labels
        self.priority = priority
        self.requestedBy = requestedBy
        self.setupMinutes = setupMinutes
        self.teardownMinutes = teardownMinutes
        self.releasedAt = releasedAt
        self.life = life
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// How people name a booking: `BK-1042`.
public struct BookingReference: Sendable, Hashable, CustomStringConvertible {
    /// Its number in the database.
    public let id: Int64

    /// The reference of the booking with this id.
    public init(id: Int64) {
        self.id = id
    }

    /// Reads `BK-1042`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard text.hasPrefix("BK-"), text.utf8.count <= 22 else { return nil }
        let digits = text.dropFirst(3)
        guard let first = digits.utf8.first,
            (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(first),
            let id = Int64(digits)
        else { return nil }
        self.id = id
    }

    /// The form that people read.
    public var description: String { "BK-\(id)" }
}

/// What a booking was, from when to when, and who made it so.
public struct BookingVersion: Sendable, Equatable {
    /// What the booking was.
    public var booking: Booking
    /// Since when it was so.
    public var validFrom: Date
    /// Nil for the present version.
    public var validUntil: Date?
    /// Who made it so.
    public var by: String

    /// A version and its time.
    public init(booking: Booking, validFrom: Date, validUntil: Date?, by: String) {
        self.booking = booking
        self.validFrom = validFrom
        self.validUntil = validUntil
        self.by = by
    }
}
