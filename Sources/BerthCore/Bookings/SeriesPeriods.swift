import Foundation
import ICalendar

/// The periods of a series, of bookings or of a window: each begins when the rule says and lasts as long as the first, exactly
/// (RFC 5545, section 3.8.5.3).
public struct SeriesPeriods: Sendable {
    /// Ascending.
    public let periods: [Range<Date>]

    /// The periods of a series that begins with `first`, in the zone of that name. Throws `.invalid` for a rule
    /// that is wrong, endless or gives more than `most`, or that the first start is no occurrence of. Cost: at
    /// most 5 ms for 366.
    public init(
        _ text: RecurrenceText, first: Range<Date>, in timeZone: String, atMost most: Int
    ) throws {
        let starts: [Date]
        do throws(RecurrenceFault) {
            let rule = try RecurrenceRule(text.rrule)
            guard rule.end != nil else {
                throw .endless
            }
            let recurrence = Recurrence(rule, exclusions: text.exdates, additions: text.rdates)
            starts = try recurrence.starts(
                from: first.lowerBound, in: .named(timeZone), atMost: most)
        } catch {
            throw BerthError.invalid("/recurrence/rrule", error.description)
        }
        guard let earliest = starts.first else {
            throw BerthError.invalid("/recurrence/rrule", "gives no occurrence at all")
        }
        guard starts.contains(first.lowerBound) || text.exdates.contains(first.lowerBound) else {
            throw BerthError.invalid(
                "/startsAt",
                "is no occurrence of the rule: the first is \(RFC3339.string(earliest))")
        }
        let length = first.upperBound.timeIntervalSince(first.lowerBound)
        periods = starts.map { $0..<$0.addingTimeInterval(length) }
        guard
            periods.allSatisfy({
                $0.upperBound.timeIntervalSince1970 <= Double(Limits.latestSecond)
            })
        else { throw BerthError.invalid("/recurrence/rrule", "goes on after the year 9999") }
    }

    /// Throws `.invalid` when periods overlap, or leave less than so many minutes for what comes before and
    /// after each.
    public static func requireApart(_ periods: [Range<Date>], minutes: Int) throws {
        for (one, next) in zip(periods, periods.dropFirst()) {
            guard next.lowerBound >= one.upperBound.addingTimeInterval(Double(minutes) * 60) else {
                throw BerthError.invalid(
                    "/recurrence/rrule",
                    "gives occurrences that overlap: \(RFC3339.string(one.lowerBound)) and "
                        + "\(RFC3339.string(next.lowerBound)), with setup and teardown")
            }
        }
    }
}

extension RecurrenceFault {
    /// A series of bookings has an end.
    fileprivate static var endless: RecurrenceFault {
        RecurrenceFault("has no end: add COUNT or UNTIL")
    }
}
