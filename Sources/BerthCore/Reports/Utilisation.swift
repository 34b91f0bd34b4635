import Foundation

/// How environments were used over a span: the monthly page. Times are seconds, and of each environment: a
/// booking of two of them for an hour is two hours.
public struct Utilisation: Sendable, Equatable {
    /// What each line is about.
    public enum Grouping: String, CaseIterable, Sendable {
        case environment, team, tier
    }

    /// An environment's key, a team's name or a tier.
    public var key: String
    /// Open and not unavailable; nil for a team, which has no hours of its own.
    public var bookable: Int?
    /// Open, but with the status `unavailable`; nil for a team.
    public var unavailable: Int?
    /// Held by at least one booking; the rest of one that ended early is not, and buffers are not.
    public var booked = 0
    /// Held by one that had turned up, until now: less than ``booked`` by no-shows and late check-ins.
    public var used = 0
    /// Asked for and refused, because others had it or a rule was against it.
    public var refused = 0
    /// Spent in line.
    public var waited = 0
    /// Bookings that held something.
    public var bookings = 0
    /// Bookings that nobody turned up for.
    public var noShows = 0
    /// Times that a booking was given a later end.
    public var extensions = 0
    /// Bookings that were given a later end once they had begun.
    public var overruns = 0

    /// A line with nothing in it.
    public init(key: String, bookable: Int? = nil, unavailable: Int? = nil) {
        self.key = key
        self.bookable = bookable
        self.unavailable = unavailable
    }

    /// How much of what was bookable was used, in percent; nil when nothing was. Over 100 when it was used while
    /// closed.
    public var usedPercent: Int? {
        guard let bookable, bookable > 0 else { return nil }
        return Int((Double(used) * 100 / Double(bookable)).rounded())
    }
}
