import Foundation

/// What a search for free time asks for.
public struct SlotQuestion: Sendable {
    /// A selector of environments: all pairs must match; `tier`, `owner` and `status` are reserved keys.
    public var labels: [String: String]
    /// How they are to be used.
    public var mode: Booking.Mode
    /// How many environments at the same time.
    public var count: Int
    /// How long, in seconds.
    public var length: TimeInterval
    /// The slot starts at this instant at the earliest, and never before now.
    public var from: Date
    /// The slot has ended by then; buffers may reach beyond.
    public var to: Date
    /// The most slots to find.
    public var limit: Int

    /// A question about a span.
    public init(
        labels: [String: String] = [:], mode: Booking.Mode = .exclusive, count: Int = 1,
        length: TimeInterval, from: Date, to: Date, limit: Int = Limits.defaultSlots
    ) {
        self.labels = labels
        self.mode = mode
        self.count = count
        self.length = length
        self.from = from
        self.to = to
        self.limit = limit
    }
}

/// A time at which environments can be booked together.
public struct Slot: Sendable, Equatable {
    /// Their keys, the best first.
    public var environments: [String]
    /// The start.
    public var startsAt: Date
    /// The end.
    public var endsAt: Date
    /// Why it stands where it stands, in words.
    public var reasons: [String]

    /// A slot with its reasons.
    public init(environments: [String], startsAt: Date, endsAt: Date, reasons: [String]) {
        self.environments = environments
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.reasons = reasons
    }
}

/// An environment that a search looks at, with what stands in its way.
public struct SlotCandidate: Sendable {
    /// Its key.
    public var key: String
    /// Whether its status is `degraded`.
    public var isDegraded: Bool
    /// Seconds claimed before each booking: the most among all that it reaches.
    public var setup: TimeInterval
    /// Seconds claimed after each booking: the most among all that it reaches.
    public var teardown: TimeInterval
    /// In how many places booking it keeps others out.
    public var places: Int
    /// When its rules and its status let a booking start.
    public var starts: [ClosedRange<Date>]
    /// When it cannot be used.
    public var busy: [Range<Date>]

    /// A candidate.
    public init(
        key: String, isDegraded: Bool = false, setup: TimeInterval = 0,
        teardown: TimeInterval = 0, places: Int = 0,
        starts: [ClosedRange<Date>], busy: [Range<Date>]
    ) {
        self.key = key
        self.isDegraded = isDegraded
        self.setup = setup
        self.teardown = teardown
        self.places = places
        self.starts = starts
        self.busy = busy
    }
}
