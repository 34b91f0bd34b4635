import Foundation

/// What a planned window bears on, how risky it is and why, and who to warn.
public struct WindowImpact: Sendable, Equatable {
    /// One thing that speaks for risk.
    public struct Factor: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// What was found, in words.
        public var fact: String
        /// What it adds: 0, 1 or 2.
        public var points: Int
    }

    /// How risky it is.
    public enum Risk: String, Sendable {
        case low, medium, high
    }

    /// Somebody whose booking it touches, or who is next.
    public struct Concerned: Sendable, Equatable {
        /// Whose booking.
        public var booking: Conflict
        /// It begins within a day after the window, rather than in it.
        public var isNext: Bool

        /// A booking's holder.
        public init(booking: Conflict, isNext: Bool) {
            self.booking = booking
            self.isNext = isNext
        }
    }

    /// What was found out about a window.
    public struct Facts: Sendable, Equatable {
        /// Bookings in its periods.
        public var bookings = 0
        /// Environments outside it that contain what it is on.
        public var sharing = 0
        /// Uncontrolled changes of its environments in the last 90 days.
        public var uncontrolled = 0
        /// Reviews of these that said no.
        public var rejectedReviews = 0
        /// The hours between it and the nearest freeze on its environments; 0: in one.
        public var hoursToFreeze: Int?
        /// Its first occurrence to come, on the clock of its zone: 1 is Monday, and the hour.
        public var weekday = 1
        /// The hour at which it begins.
        public var hour = 0

        /// Nothing found yet.
        public init() {}
    }

    /// How points make a risk.
    public static let rule = "0 or 1 points are low, 2 or 3 medium, 4 or more high"

    /// The window.
    public var window: WindowReference
    /// What it lies over.
    public var hits: [Conflict]
    /// Whom to warn.
    public var warn: [Concerned]
    /// What speaks for risk, each with its fact.
    public var factors: [Factor]

    /// An impact, its factors by the stated rules.
    public init(
        window: WindowReference, hits: [Conflict], warn: [Concerned], facts: Facts
    ) {
        self.window = window
        self.hits = hits
        self.warn = warn
        factors = Self.factors(facts)
    }

    /// The sum of all points.
    public var points: Int { factors.reduce(0) { $0 + $1.points } }

    /// How risky it is, by ``rule``.
    public var risk: Risk { points <= 1 ? .low : points <= 3 ? .medium : .high }

    private static func factors(_ facts: Facts) -> [Factor] {
        let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        let isLate = facts.weekday >= 6 || (facts.weekday == 5 && facts.hour >= 15)
        let freeze = facts.hoursToFreeze
        return [
            Factor(
                name: "bookings", fact: "\(facts.bookings.of("booking")) in its periods",
                points: facts.bookings == 0 ? 0 : facts.bookings <= 3 ? 1 : 2),
            Factor(
                name: "shared-parts",
                fact: facts.sharing == 1
                    ? "1 other environment contains what it is on"
                    : "\(facts.sharing) other environments contain what it is on",
                points: facts.sharing == 0 ? 0 : facts.sharing <= 2 ? 1 : 2),
            Factor(
                name: "time",
                fact: "it begins on \(days[(facts.weekday + 6) % 7]) at \(facts.hour):00",
                points: isLate ? 1 : 0),
            Factor(
                name: "history",
                fact: "\(facts.uncontrolled.of("uncontrolled change")) there in 90 days",
                points: facts.uncontrolled == 0 ? 0 : facts.uncontrolled <= 2 ? 1 : 2),
            Factor(
                name: "reviews",
                fact: "\(facts.rejectedReviews.of("rejected review")) there in 90 days",
                points: facts.rejectedReviews == 0 ? 0 : 1),
            Factor(
                name: "freeze",
                fact: freeze.map { $0 == 0 ? "in a freeze" : "\($0.of("hour")) from a freeze" }
                    ?? "no freeze within 2 days",
                points: freeze == 0 ? 2 : freeze == nil ? 0 : 1),
        ]
    }
}
