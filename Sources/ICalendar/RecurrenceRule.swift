import Foundation

/// How something recurs: RFC 5545, section 3.3.10, by days and longer periods.
///
/// A value: expanding it needs only a first local time and, for an end in UTC, a zone.
public struct RecurrenceRule: Hashable, Sendable {
    /// The period that the other parts choose days of.
    public enum Frequency: String, Hashable, Sendable, CaseIterable {
        case daily = "DAILY"
        case weekly = "WEEKLY"
        case monthly = "MONTHLY"
        case yearly = "YEARLY"
    }

    /// Where the rule ends.
    public enum End: Hashable, Sendable {
        /// After so many occurrences of the rule, those excluded included.
        case count(Int)
        /// At that instant, it included.
        case instant(Date)
        /// At that local time, it included.
        case local(CivilTime)
    }

    /// A day of the week: every one of the period, or the first, second, last … one.
    public struct Day: Hashable, Sendable {
        /// 1 for the first, -1 for the last; nil for every one.
        public var ordinal: Int?
        /// The day of the week.
        public var weekday: Weekday

        /// One or all such days of a period.
        public init(_ weekday: Weekday, ordinal: Int? = nil) {
            self.weekday = weekday
            self.ordinal = ordinal
        }
    }

    /// FREQ.
    public var frequency: Frequency
    /// INTERVAL: every so many periods.
    public var interval = 1
    /// COUNT or UNTIL; nil when the rule never ends.
    public var end: End?
    /// BYMONTH, 1 to 12.
    public var months: [Int] = []
    /// BYWEEKNO, ±1 to ±53, as ISO 8601 numbers weeks that start on `weekStart`.
    public var weeks: [Int] = []
    /// BYYEARDAY, ±1 to ±366.
    public var yearDays: [Int] = []
    /// BYMONTHDAY, ±1 to ±31.
    public var monthDays: [Int] = []
    /// BYDAY.
    public var days: [Day] = []
    /// BYSETPOS: which of a period's days, ±1 to ±366; empty: all.
    public var positions: [Int] = []
    /// WKST: the day on which weeks start.
    public var weekStart = Weekday.monday

    /// Every period, without an end.
    public init(_ frequency: Frequency) {
        self.frequency = frequency
    }
}
