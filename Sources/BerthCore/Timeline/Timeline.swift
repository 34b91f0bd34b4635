import Foundation

/// What the timeline page draws over a span, in columns: rows of one kind are arrays of equal length. Instants are
/// whole minutes from the span's begin, rounded outwards; what is `…Index` counts in another list of the answer.
public struct Timeline: Sendable, Equatable {
    /// Bookings, by number.
    public struct Bookings: Sendable, Equatable {
        /// Numbers of references: 1042 for BK-1042.
        public var ids: [Int] = []
        /// Versions, for edits.
        public var versions: [Int] = []
        /// When each begins.
        public var starts: [Int] = []
        /// How long each is: to its release, where it was released.
        public var lengths: [Int] = []
        /// Its state.
        public var states: [Booking.State] = []
        /// Its mode.
        public var modes: [Booking.Mode] = []
        /// Its team.
        public var teamIndexes: [Int] = []
        /// Its title.
        public var titleIndexes: [Int] = []
        /// Minutes that are held before it.
        public var setups: [Int] = []
        /// Minutes that are held after it.
        public var teardowns: [Int] = []
        /// What else is drawn of it; see ``Flag``.
        public var flags: [Int] = []

        /// Nothing.
        public init() {}
    }

    /// A bit of ``Bookings/flags``.
    public enum Flag: Int, Sendable, CaseIterable {
        /// It is one of a series.
        case series = 1
        /// It was released before its end.
        case released = 2
        /// An edit of it is undecided.
        case edited = 4
        /// Somebody has checked in.
        case checkedIn = 8
        /// It is kept as a record: it was imported when it had ended.
        case record = 16
    }

    /// On which rows bookings are drawn.
    public struct Lines: Sendable, Equatable {
        /// The booking.
        public var bookingIndexes: [Int] = []
        /// The row.
        public var environmentIndexes: [Int] = []
        /// Through which environment it is held, where it is a part; -1 where the booking names it.
        public var viaIndexes: [Int] = []
        /// 1 where nobody else may be on the row with it, 0 where others may.
        public var exclusives: [Int] = []

        /// Nothing.
        public init() {}
    }

    /// Occurrences of change windows, maintenance and freezes.
    public struct Windows: Sendable, Equatable {
        /// Numbers of references; one that recurs is there several times.
        public var ids: [Int] = []
        /// What it is.
        public var kinds: [ChangeWindow.Kind] = []
        /// Its state.
        public var states: [ChangeWindow.State] = []
        /// When it begins.
        public var starts: [Int] = []
        /// How long it is.
        public var lengths: [Int] = []
        /// Its title.
        public var titleIndexes: [Int] = []
        /// The occurrence that a row has.
        public var lineWindowIndexes: [Int] = []
        /// The row.
        public var lineEnvironmentIndexes: [Int] = []

        /// Nothing.
        public init() {}
    }

    /// Logged changes, as they stand.
    public struct Changes: Sendable, Equatable {
        /// Their numbers.
        public var ids: [Int] = []
        /// The row.
        public var environmentIndexes: [Int] = []
        /// When it happened.
        public var ats: [Int] = []
        /// How it is judged.
        public var controls: [Change.Control] = []
        /// Whose it is; -1: nobody's.
        public var teamIndexes: [Int] = []

        /// Nothing.
        public init() {}
    }

    /// What it shows.
    public var span: Range<Date>
    /// When it was read.
    public var at: Date
    /// Where a stream of changes goes on from what this shows.
    public var position: String
    /// The rows, by key.
    public var environments: [TestEnvironment]
    /// Names of teams, each once.
    public var teams: [String] = []
    /// Titles, each once.
    public var titles: [String] = []
    /// Bookings.
    public var bookings = Bookings()
    /// On which rows they are drawn.
    public var lines = Lines()
    /// Windows.
    public var windows = Windows()
    /// Changes.
    public var changes = Changes()

    /// A timeline without anything on its rows.
    public init(
        span: Range<Date>, at: Date, position: String, environments: [TestEnvironment]
    ) {
        self.span = span
        self.at = at
        self.position = position
        self.environments = environments
    }

    /// Minutes from the span's begin, rounded down.
    public func minute(_ instant: Date) -> Int {
        Int((instant.timeIntervalSince(span.lowerBound) / 60).rounded(.down))
    }

    /// Minutes from the span's begin, rounded up.
    public func minuteAfter(_ instant: Date) -> Int {
        Int((instant.timeIntervalSince(span.lowerBound) / 60).rounded(.up))
    }
}
