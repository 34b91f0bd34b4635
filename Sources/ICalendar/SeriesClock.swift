import Foundation

/// The clock by which a series recurs: a zone, and the time of day that its first start shows there.
public struct SeriesClock: Hashable, Sendable {
    /// The zone.
    public let zone: ZoneRules
    private let secondOfDay: Int

    /// The clock of a series that begins at an instant.
    public init(_ zone: ZoneRules, first: Date) {
        self.zone = zone
        secondOfDay = zone.civilTime(at: first).secondOfDay
    }

    /// What the rule says of one of its starts. Where clocks skip that time, they show another at the start: but it
    /// is the rule's that EXDATE and RECURRENCE-ID are compared with.
    func reading(of start: Date) -> CivilTime {
        let shown = zone.civilTime(at: start)
        let ruled = CivilTime(seconds: shown.seconds - shown.secondOfDay + secondOfDay)
        return zone.calendarInstant(of: ruled) == start ? ruled : shown
    }

    /// Whether clocks are changed between two instants, or skipped the reading of the first. Clients then disagree on
    /// what a rule's occurrence means: its end may be counted on the clock or exactly.
    public func isChanged(from start: Date, to end: Date) -> Bool {
        zone.offset(at: start) != zone.offset(at: end)
            || reading(of: start) != zone.civilTime(at: start)
    }
}
