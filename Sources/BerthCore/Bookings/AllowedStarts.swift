import Foundation

/// When bookings of a length may start on an environment, whoever else is there: ``BookingRules`` answered
/// for all instants of a span at once.
public enum AllowedStarts {
    /// The instants of a span, in whole seconds and in order, at which a booking of `length` seconds breaks
    /// none of the rules; an environment's status is no part of them. Cost: the days of the span where
    /// hours are restricted, else constant.
    public static func ranges(
        ofSeconds length: TimeInterval, under policy: Policy, timeZone: String,
        in span: ClosedRange<Date>, now: Date
    ) -> [ClosedRange<Date>] {
        if let most = policy.maxHours, length > Double(most) * 3600 { return [] }
        var first = span.lowerBound
        if let least = policy.minLeadMinutes {
            first = max(first, now.addingTimeInterval(Double(least) * 60))
        }
        var last = span.upperBound
        if let most = policy.horizonDays {
            last = min(last, now.addingTimeInterval(Double(most) * 86_400))
        }
        first = first.roundedUpToSecond
        guard first <= last else { return [] }
        guard let hours = policy.openingHours, !hours.isEmpty,
            let zone = TimeZone(identifier: timeZone)
        else { return [first...last] }
        return OpenHours(hours, in: zone)
            .openings(in: first..<last.addingTimeInterval(length + 1))
            .compactMap { open in
                let from = max(first, open.lowerBound)
                let until = min(last, open.upperBound.addingTimeInterval(-length))
                return from <= until ? from...until : nil
            }
    }
}

extension Date {
    /// This instant, or the next whole second: the API's instants are whole seconds.
    public var roundedUpToSecond: Date {
        Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.up))
    }
}
