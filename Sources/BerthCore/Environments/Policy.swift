/// The rules of an environment, every one optional. Stored and answered as JSON under these names.
public struct Policy: Sendable, Equatable, Codable {
    /// Hours on some days of the week, local to the environment, in which it can be used.
    public struct OpeningHours: Sendable, Hashable, Codable {
        /// RFC 5545 weekdays: `MO` … `SU`.
        public var days: [String]
        /// Local times, `HH:MM`; `to` is later than `from`, and may be `24:00`.
        public var from: String
        /// The end of the span.
        public var to: String

        /// Hours on some days.
        public init(days: [String], from: String, to: String) {
            self.days = days
            self.from = from
            self.to = to
        }
    }

    /// Who says yes to a booking.
    public enum Approval: String, Sendable, Codable, CaseIterable {
        case none, manager
    }

    /// Whether a change outside other teams' bookings and freezes needs a window.
    public enum Changes: String, Sendable, Codable, CaseIterable {
        case closed, open
    }

    /// Who may make an environment a part of another: who manages both, or anybody who manages that other one.
    public enum AsPart: String, Sendable, Codable, CaseIterable {
        case owner, open
    }

    /// The longest booking, in hours.
    public var maxHours: Int?
    /// How long before its start a booking must be made, in minutes.
    public var minLeadMinutes: Int?
    /// How far ahead a booking may start, in days.
    public var horizonDays: Int?
    /// Who says yes to a booking.
    public var approval: Approval?
    /// How long a request holds its claim, in minutes.
    public var requestHoldMinutes: Int?
    /// Minutes claimed before and after each booking.
    public var setupMinutes: Int?
    /// Minutes claimed after each booking.
    public var teardownMinutes: Int?
    /// How long a booking waits for its check-in, in minutes.
    public var checkInMinutes: Int?
    /// Whether a higher priority may displace a booking.
    public var displaceable: Bool?
    /// When it can be used; nil or empty: always.
    public var openingHours: [OpeningHours]?
    /// The most hours that one team may book in a week.
    public var teamHoursPerWeek: Int?
    /// The most bookings that one team may have ahead.
    public var teamBookingsAtOnce: Int?
    /// Whether changes need a window.
    public var changes: Changes?
    /// Who may make it a part of another environment; nil: its owner.
    public var asPart: AsPart?

    /// No rule at all.
    public init() {}
}
