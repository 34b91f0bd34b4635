import Foundation

/// Which calendar is asked for: what it is about.
public enum Feed: Sendable, Hashable {
    /// What uses or concerns an environment, bookings of what contains it included.
    case environment(String)
    /// A team's bookings and windows.
    case team(String)
    /// What somebody asked for.
    case person(String)
    /// All environments with these labels; without any, all.
    case labels([String: String])
    /// One booking.
    case booking(BookingReference)

    /// The hours after which clients should ask again.
    public static let refreshHours = 1
    /// How long what is over stays, in days.
    public static let pastDays = 90
    /// How long what was cancelled stays, in days.
    public static let cancelledDays = 30
    /// Raised when the same records are written otherwise: every client fetches anew then.
    public static let format = 2

    /// What clients call it.
    public var name: String {
        switch self {
        case .environment(let key): key
        case .team(let name): name
        case .person(let name): name
        case .labels(let labels) where labels.isEmpty: "All environments"
        case .labels: selector
        case .booking(let reference): reference.description
        }
    }

    /// What its file is called, without what follows the dot.
    public var fileName: String {
        selector.isEmpty ? "all" : selector
    }

    /// What it is about, as a feed token says it: labels sorted by key.
    public var selector: String {
        guard case .labels(let labels) = self else { return name }
        return labels.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(
            separator: ",")
    }
}

/// How a calendar is written.
public struct FeedOptions: Sendable, Hashable {
    /// Only that something is taken, not what for nor by whom.
    public var isBusyOnly: Bool
    /// Without what was cancelled.
    public var omitsCancelled: Bool
    /// Where people reach Berth, without a slash at the end: `https://berth.example.com`.
    public var publicURL: String

    /// Everything, unless said otherwise.
    public init(publicURL: String, isBusyOnly: Bool = false, omitsCancelled: Bool = false) {
        self.publicURL = publicURL
        self.isBusyOnly = isBusyOnly
        self.omitsCancelled = omitsCancelled
    }
}

/// What a calendar of a day shows: a function of the UTC day, so that it stays the same for as long.
public struct FeedHorizon: Sendable, Hashable {
    /// The day's first instant, in UTC.
    public let day: Date

    /// The horizon of the day of an instant.
    public init(_ now: Date) {
        day = Date(
            timeIntervalSince1970: (now.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400)
    }

    /// What ended before is left out.
    public var past: Date { day.addingTimeInterval(-86_400 * Double(Feed.pastDays)) }
    /// What was cancelled before is left out.
    public var cancelled: Date { day.addingTimeInterval(-86_400 * Double(Feed.cancelledDays)) }
}
