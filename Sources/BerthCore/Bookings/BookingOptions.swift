import Foundation

/// How a booking is to be made, beyond what it is.
public struct BookingOptions: Sendable, Equatable {
    /// What is done where somebody else holds what is asked for.
    public enum OnConflict: String, Sendable, CaseIterable {
        /// Nothing is booked.
        case refuse
        /// It waits in line.
        case waitlist
        /// Of a series, that occurrence is left out.
        case skip
    }

    /// Any environments that match, in place of named ones.
    public struct Selection: Sendable, Equatable {
        /// A selector; `tier`, `owner` and `status` are reserved keys.
        public var labels: [String: String]
        /// How many are wanted together.
        public var count: Int

        /// Any so many that match.
        public init(labels: [String: String], count: Int) {
            self.labels = labels
            self.count = count
        }
    }

    /// Any that match, in place of named environments.
    public var selection: Selection?
    /// Come back as this says.
    public var recurrence: RecurrenceText?
    /// What is done where somebody else holds what is asked for.
    public var onConflict: OnConflict = .refuse
    /// How long to wait in line; nil: until the start, or for a day where it may start when it is free.
    public var waitUntil: Date?
    /// Released when not renewed for so many seconds.
    public var leaseSeconds: Int?
    /// It was asked for now: in line, it takes the next free time of its length.
    public var startsNow = false

    /// Nothing special.
    public init() {}

    /// Whether one call of `book()` decides it, beside others.
    public var isPlain: Bool {
        selection == nil && recurrence == nil && onConflict == .refuse
    }
}
