import Foundation

/// How long environments are open within a span. Environments with the same hours in the same zone share what is
/// worked out for one of them.
public struct BookableTime {
    private struct Hours: Hashable {
        var timeZone: String
        var openings: [Policy.OpeningHours]
    }

    private let span: Range<Date>
    private var openings: [Hours: [Range<Date>]] = [:]

    /// Nothing worked out yet. `span` is at most some years.
    public init(in span: Range<Date>) {
        self.span = span
    }

    /// The seconds of these periods, which are in order and do not overlap, in which an environment is open.
    /// Cost: the days of the span, once for each different set of hours; then the periods.
    public mutating func seconds(
        of periods: [Range<Date>], under policy: Policy, timeZone: String
    ) -> Int {
        let open = openings(policy.openingHours ?? [], timeZone)
        var seconds = 0.0
        var next = 0
        for period in periods {
            while next < open.count, open[next].upperBound <= period.lowerBound { next += 1 }
            for range in open[next...] {
                guard range.lowerBound < period.upperBound else { break }
                let both = range.clamped(to: period)
                seconds += both.upperBound.timeIntervalSince(both.lowerBound)
            }
        }
        return Int(seconds)
    }

    private mutating func openings(
        _ hours: [Policy.OpeningHours], _ timeZone: String
    ) -> [Range<Date>] {
        guard !hours.isEmpty, let zone = TimeZone(identifier: timeZone) else { return [span] }
        let key = Hours(timeZone: timeZone, openings: hours)
        if let known = openings[key] { return known }
        let found = OpenHours(hours, in: zone).openings(in: span)
            .filter { $0.overlaps(span) }.map { $0.clamped(to: span) }
        openings[key] = found
        return found
    }
}
