import Foundation

/// A recurrence set: a rule, starts beside it, and starts that are left out (RFC 5545, section 3.8.5).
public struct Recurrence: Hashable, Sendable {
    /// The rule.
    public var rule: RecurrenceRule
    /// EXDATE: starts that are left out; one that is none is no fault.
    public var exclusions: [Date]
    /// RDATE: further starts.
    public var additions: [Date]

    /// A rule with its exceptions.
    public init(_ rule: RecurrenceRule, exclusions: [Date] = [], additions: [Date] = []) {
        self.rule = rule
        self.exclusions = exclusions
        self.additions = additions
    }

    /// The instants of all starts, ascending, each once. `first` is read on the zone's clock, and all others
    /// show its time of day there.
    ///
    /// Throws when there are more than `atMost`, the excluded ones counted. Cost as
    /// ``RecurrenceRule/starts(from:in:until:atMost:)``.
    public func starts(
        from first: Date, in zone: ZoneRules, until: Date? = nil, atMost: Int
    ) throws(RecurrenceFault) -> [Date] {
        let local = zone.civilTime(at: first)
        var starts = Set<Date>()
        for start in try rule.starts(from: local, in: zone, until: until, atMost: atMost) {
            // The first is the instant that was given, even where clocks show its time twice.
            starts.insert(start == local ? first : zone.calendarInstant(of: start))
        }
        starts.formUnion(additions.filter { addition in until.map { addition < $0 } ?? true })
        guard starts.count <= atMost else {
            throw RecurrenceFault(
                "gives more than \(atMost) occurrences: end it sooner, with COUNT or UNTIL")
        }
        return starts.subtracting(exclusions).sorted()
    }
}
