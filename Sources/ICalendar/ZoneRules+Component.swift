import Foundation

extension ZoneRules {
    /// Writes the zone as a VTIMEZONE (RFC 5545, section 3.6.5), exact for the span. Changes that come back each
    /// year by one rule are written as that rule, because some clients read no others; the rest are listed.
    func write(covering span: Range<Date>, to lines: inout ContentWriter) {
        lines.begin("VTIMEZONE")
        lines.property("TZID", plain: identifier)
        let end = CivilTime(utc: span.upperBound)
        for observance in observances(in: span) { observance.write(until: end, to: &lines) }
        lines.end("VTIMEZONE")
    }

    private func observances(in span: Range<Date>) -> [Observance] {
        let changes = changes(in: span)
        var observances: [Observance] = []
        for change in changes {
            if let index = observances.firstIndex(where: {
                $0.offsetFrom == change.offsetFrom && $0.offsetTo == change.offsetTo
            }) {
                observances[index].starts.append(change.local)
            } else {
                observances.append(
                    Observance(
                        offsetFrom: change.offsetFrom, offsetTo: change.offsetTo,
                        starts: [change.local]))
            }
        }
        return observances
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

    func write(until end: CivilTime, to lines: inout ContentWriter) {
        let isDaylight = offsetTo > offsetFrom
        isDaylight ? lines.begin("DAYLIGHT") : lines.begin("STANDARD")
        lines.property("DTSTART", local: [starts[0]])
        lines.property("TZOFFSETFROM", plain: Self.text(offset: offsetFrom))
        lines.property("TZOFFSETTO", plain: Self.text(offset: offsetTo))
        if let rule = yearlyRule(until: end) {
            lines.property("RRULE", plain: rule.description)
        } else if starts.count > 1 {
            lines.property("RDATE", local: Array(starts.dropFirst()))
        }
        isDaylight ? lines.end("DAYLIGHT") : lines.end("STANDARD")
    }

    /// The rule that gives just these starts up to an end, one each year; nil where there is none.
    private func yearlyRule(until end: CivilTime) -> RecurrenceRule? {
        guard starts.count > 1, starts[starts.count - 1].seconds + 350 * 86_400 > end.seconds else {
            return nil
        }
        let days = starts.map { CalendarDay(number: $0.dayNumber) }
        let first = days[0]
        guard
            starts.allSatisfy({ $0.secondOfDay == starts[0].secondOfDay }),
            days.allSatisfy({ $0.month == first.month && $0.weekday == first.weekday }),
            zip(days, days.dropFirst()).allSatisfy({ $0.year + 1 == $1.year })
        else { return nil }
        let ordinals = Set(days.map { ($0.day - 1) / 7 + 1 })
        let isLast = days.allSatisfy { $0.day + 7 > $0.daysInMonth }
        guard isLast || ordinals.count == 1, let ordinal = ordinals.first else { return nil }
        var rule = RecurrenceRule(.yearly)
        rule.months = [first.month]
        rule.days = [RecurrenceRule.Day(first.weekday, ordinal: isLast ? -1 : ordinal)]
        return rule
    }

    /// RFC 5545, section 3.3.14.
    private static func text(offset: Int) -> String {
        func digits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let size = abs(offset)
        let seconds = size % 60 == 0 ? "" : digits(size % 60)
        return (offset < 0 ? "-" : "+") + digits(size / 3_600) + digits(size / 60 % 60) + seconds
    }
}
