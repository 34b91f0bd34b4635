import Foundation

extension ZoneRules {
    /// Writes the zone as a VTIMEZONE (RFC 5545, section 3.6.5), exact for the span. Changes that come back each
    /// year by one rule are written as that rule, because some clients read no others; the rest are listed.
    func write(covering span: Range<Date>, to lines: inout ContentWriter) {
        lines.begin("VTIMEZONE")
        lines.property("TZID", plain: identifier)
        for observance in observances(in: span) { observance.write(to: &lines) }
        lines.end("VTIMEZONE")
    }

    /// The changes, those of one kind together: first the runs that one rule gives, then the rest.
    private func observances(in span: Range<Date>) -> [Observance] {
        var kinds: [(offsetFrom: Int, offsetTo: Int, starts: [CivilTime])] = []
        for change in changes(in: span) {
            if let index = kinds.firstIndex(where: {
                $0.offsetFrom == change.offsetFrom && $0.offsetTo == change.offsetTo
            }) {
                kinds[index].starts.append(change.local)
            } else {
                kinds.append((change.offsetFrom, change.offsetTo, [change.local]))
            }
        }
        let end = CivilTime(utc: span.upperBound)
        return kinds.flatMap { kind in
            Observance.parts(of: kind.starts, until: end).map { starts, rule in
                Observance(
                    offsetFrom: kind.offsetFrom, offsetTo: kind.offsetTo, starts: starts,
                    rule: rule)
            }
        }
    }

    /// The changes of offset that bear on a span, from the last one before it; where there is none, the offset
    /// in force.
    private func changes(
        in span: Range<Date>
    ) -> [(local: CivilTime, offsetFrom: Int, offsetTo: Int)] {
        let inside = transitions(in: span)
        guard inside.isEmpty || inside[0].at > span.lowerBound else {
            return inside.map(Self.local)
        }
        if let before = lastTransition(before: span.lowerBound) {
            // A year earlier too, so that both halves of a yearly rule have a start before the span.
            let year = before.at.addingTimeInterval(-366 * 86_400)..<before.at
            return (transitions(in: year) + [before] + inside).map(Self.local)
        }
        let offset = offset(at: span.lowerBound)
        return [(CivilTime(seconds: 0), offset, offset)] + inside.map(Self.local)
    }

    private static func local(
        _ change: (at: Date, offsetFrom: Int, offsetTo: Int)
    ) -> (local: CivilTime, offsetFrom: Int, offsetTo: Int) {
        // DTSTART of an observance is read with the offset before it.
        (
            CivilTime(seconds: Int(change.at.timeIntervalSince1970) + change.offsetFrom),
            change.offsetFrom, change.offsetTo
        )
    }
}

/// One STANDARD or DAYLIGHT part of a zone: an offset and when it begins.
private struct Observance {
    var offsetFrom: Int
    var offsetTo: Int
    /// Ascending.
    var starts: [CivilTime]
    /// What gives all starts from the first; nil: they are listed.
    var rule: YearlyRule?

    func write(to lines: inout ContentWriter) {
        let isDaylight = offsetTo > offsetFrom
        isDaylight ? lines.begin("DAYLIGHT") : lines.begin("STANDARD")
        lines.property("DTSTART", local: [starts[0]])
        lines.property("TZOFFSETFROM", plain: Self.text(offset: offsetFrom))
        lines.property("TZOFFSETTO", plain: Self.text(offset: offsetTo))
        if let rule {
            let last = starts[starts.count - 1].seconds - offsetFrom
            lines.property("RRULE", plain: rule.text(until: rule.ends ? last : nil).description)
        } else {
            // ical.js reads only the first date of a line.
            for start in starts.dropFirst() { lines.property("RDATE", local: [start]) }
        }
        isDaylight ? lines.end("DAYLIGHT") : lines.end("STANDARD")
    }

    /// The starts of one kind of change, cut into runs that a rule gives; what fits no rule comes last, together.
    static func parts(
        of starts: [CivilTime], until end: CivilTime
    ) -> [(starts: [CivilTime], rule: YearlyRule?)] {
        var parts: [(starts: [CivilTime], rule: YearlyRule?)] = []
        var rest: [CivilTime] = []
        var run = starts[...]
        while let first = run.first {
            var count = 1
            var rule: YearlyRule?
            while count < run.count, let longer = YearlyRule(run.prefix(count + 1), until: end) {
                rule = longer
                count += 1
            }
            if let rule {
                parts.append((Array(run.prefix(count)), rule))
            } else {
                rest.append(first)
            }
            run = run.dropFirst(count)
        }
        if !rest.isEmpty { parts.append((rest, nil)) }
        return parts
    }

    /// RFC 5545, section 3.3.14.
    private static func text(offset: Int) -> String {
        func digits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let size = abs(offset)
        let seconds = size % 60 == 0 ? "" : digits(size % 60)
        return (offset < 0 ? "-" : "+") + digits(size / 3_600) + digits(size / 60 % 60) + seconds
    }
}
