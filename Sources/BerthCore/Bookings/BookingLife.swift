import Foundation

/// What a booking is going through. Most bookings go through nothing, and all of it is empty.
public struct BookingLife: Sendable, Equatable {
    /// What the owners of its environments say, one for each that asks.
    public var approvals: [Approval] = []
    /// Until when a request holds its claim.
    public var holdExpiresAt: Date?
    /// The version that stands while an edit waits for approval.
    public var approvedVersion: Int?
    /// How long after its start it waits for a check-in, in minutes; nil when it need not check in.
    public var checkInMinutes: Int?
    /// When its team turned up.
    public var checkedInAt: Date?
    /// How long a lease runs without being renewed, in seconds.
    public var leaseSeconds: Int?
    /// When the lease runs out, unless renewed.
    public var leaseExpiresAt: Date?
    /// Until when it waits in line.
    public var waitUntil: Date?
    /// It waits for the next free time of its length, not for a certain one.
    public var startsWhenFree = false
    /// Its place among those in line for its environments and time, from 1; nil when it does not wait.
    public var waitPosition: Int?
    /// The reference of what it had to give way to.
    public var displacedBy: String?
    /// What gave way to it; known to the answer that made it alone.
    public var displaces: [Conflict] = []
    /// The series that it is an occurrence of.
    public var occurrence: Occurrence?

    /// A life without events.
    public init() {}

    /// The place of a booking in its series.
    public struct Occurrence: Sendable, Equatable {
        /// The series.
        public var series: SeriesReference
        /// When the rule has it, wherever it was moved since (RFC 5545, section 3.8.4.4).
        public var recurrenceID: Date
        /// How the series recurs.
        public var recurrence: RecurrenceText

        /// A place in a series.
        public init(series: SeriesReference, recurrenceID: Date, recurrence: RecurrenceText) {
            self.series = series
            self.recurrenceID = recurrenceID
            self.recurrence = recurrence
        }
    }
}

/// How people name a series: `SR-7`.
public struct SeriesReference: Sendable, Hashable, CustomStringConvertible {
    /// Its number in the database.
    public let id: Int64

    /// The reference of the series with this id.
    public init(id: Int64) {
        self.id = id
    }

    /// Reads `SR-7`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard text.hasPrefix("SR-"), let id = Int64(text.dropFirst(3)), id > 0, "SR-\(id)" == text
        else { return nil }
        self.id = id
    }

    /// The form that people read.
    public var description: String { "SR-\(id)" }
}

/// How a series recurs, as asked for: RFC 5545 in the booking's zone.
public struct RecurrenceText: Sendable, Equatable {
    /// A recurrence rule (RFC 5545, section 3.3.10), with an end.
    public var rrule: String
    /// Occurrences of the rule that are left out.
    public var exdates: [Date]
    /// Further starts beside the rule's.
    public var rdates: [Date]

    /// A rule with its exceptions.
    public init(rrule: String, exdates: [Date] = [], rdates: [Date] = []) {
        self.rrule = rrule
        self.exdates = exdates
        self.rdates = rdates
    }
}
