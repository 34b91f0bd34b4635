import Foundation

extension CalendarEvent {
    /// The periods of the event, ascending, each start once: of one that recurs, all of its recurrence set (RFC
    /// 5545, section 3.8.5), overrides apart. Its own start is always the first of them, unless excluded: so do
    /// the calendars that people look at, where the rule alone would leave it out.
    ///
    /// A rule without an end is refused, or followed for as much of it as meets the span given for such rules.
    ///
    /// Throws ``RecurrenceFault`` for a rule that is wrong, has no end, gives more than `atMost`, or
    /// goes on after the year 9999. Cost as
    /// ``RecurrenceRule/starts(from:in:until:atMost:)``.
    public func occurrences(
        atMost most: Int, endless span: Range<Date>? = nil
    ) throws(RecurrenceFault) -> [Range<Date>] {
        var starts = Set(additions)
        starts.insert(start)
        if let rule {
            let rule = try RecurrenceRule(rule, beginning: zone.civilTime(at: start))
            if rule.end == nil {
                guard let span else {
                    throw RecurrenceFault("has no end: add COUNT or UNTIL")
                }
                starts.formUnion(
                    try Recurrence(rule).starts(
                        from: start, in: zone, until: span.upperBound, atMost: Self.mostFollowed))
                starts = starts.filter {
                    $0 < span.upperBound && length.end(from: $0, in: zone) > span.lowerBound
                }
            } else {
                starts.formUnion(
                    try Recurrence(rule).starts(from: start, in: zone, atMost: most))
            }
        }
        guard starts.count <= most else {
            throw RecurrenceFault("gives more than \(most) occurrences: end it sooner")
        }
        let periods = starts.subtracting(exclusions).sorted().map { start in
            start..<(additionEnds[start] ?? length.end(from: start, in: zone))
        }
        guard periods.allSatisfy({ $0.upperBound <= Self.latest }) else {
            throw RecurrenceFault("goes on after the year 9999")
        }
        return periods
    }
}

extension CalendarEvent {
    /// How far a rule without an end is followed to where it is wanted: each day of 270 years.
    private static let mostFollowed = 100_000

    /// Whether it recurs without an end.
    public var isEndless: Bool {
        guard let rule else { return false }
        return (try? RecurrenceRule(rule, beginning: zone.civilTime(at: start)))?.end == nil
    }
}

extension RecurrenceRule {
    /// The rule of what begins at a local time. Lotus Notes, among others, says that time's parts once more, as
    /// BYHOUR, BYMINUTE and BYSECOND; what says another time of day is refused.
    init(_ text: String, beginning first: CivilTime) throws(RecurrenceFault) {
        let parts = text.split(separator: ";").filter { part in
            let sides = part.uppercased().split(separator: "=")
            guard sides.count == 2, let number = Int(sides[1]) else { return true }
            switch sides[0] {
            case "BYHOUR": return number != first.hour
            case "BYMINUTE": return number != first.minute
            case "BYSECOND": return number != first.second
            default: return true
            }
        }
        try self.init(parts.joined(separator: ";"))
    }
}
