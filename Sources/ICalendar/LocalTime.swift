import Foundation

/// What a local date and time means in a zone: one instant, none, or several.
public enum LocalTime: Hashable, Sendable {
    /// Clocks show it exactly once.
    case once(Date)
    /// Clocks never show it: at the instant `at` they jump from the reading `from` to `to`.
    case skipped(from: CivilTime, to: CivilTime, at: Date)
    /// Clocks show it at each of these instants, ascending, because they were put back.
    case repeated([Date])
}
