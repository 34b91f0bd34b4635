import Foundation

/// An IANA time zone as a table of its changes of offset, exact for ``years``.
///
/// Built once from `TimeZone` (about 1 ms for a zone with daylight saving), then pure: no lock, no
/// call into the system, O(log transitions) a look-up. Outside the years of the table the first or
/// last offset holds, which is not exact.
public struct ZoneRules: Hashable, Sendable {
    /// The years of the table.
    public static let years = 1970...2199

    /// The IANA name, such as `Europe/London`.
    public let identifier: String
    /// The instants of change, seconds since 1970, ascending.
    private let starts: [Int]
    /// The offsets in force: `offsets[0]` before all changes, `offsets[i + 1]` from `starts[i]` on.
    private let offsets: [Int]

    /// The rules of a zone, read from the system's data now.
    public init(_ zone: TimeZone) {
        let margin = 14 * 86_400
        var at = Date(
            timeIntervalSince1970: Double(
                Self.newYear(Self.years.lowerBound) - margin))
        let end = Self.newYear(Self.years.upperBound + 1) + margin
        var starts: [Int] = []
        var offsets = [zone.secondsFromGMT(for: at)]
        while let next = zone.nextDaylightSavingTimeTransition(after: at), next > at,
            next.timeIntervalSince1970 < Double(end)
        {
            let offset = zone.secondsFromGMT(for: next)
            // Some changes are of the name or of what counts as standard time, not of the clock.
            if offset != offsets.last {
                starts.append(Int(next.timeIntervalSince1970))
                offsets.append(offset)
            }
            at = next
        }
        // Foundation calls UTC GMT, which people would take for London's time.
        self.identifier = zone.identifier == "GMT" ? "UTC" : zone.identifier
        self.starts = starts
        self.offsets = offsets
    }

    /// A table of its own: `starts` ascending, each once, and one offset more, each within a day of UTC.
    init(identifier: String, starts: [Int], offsets: [Int]) {
        self.identifier = identifier
        self.starts = starts
        self.offsets = offsets
    }

    /// Seconds east of UTC in force at an instant.
    public func offset(at instant: Date) -> Int {
        offset(atSecond: Int(instant.timeIntervalSince1970.rounded(.down)))
    }

    /// What a clock in this zone shows at an instant, fractions of a second dropped.
    public func civilTime(at instant: Date) -> CivilTime {
        let second = Int(instant.timeIntervalSince1970.rounded(.down))
        return CivilTime(seconds: second + offset(atSecond: second))
    }

    /// Every instant at which a clock in this zone shows a reading.
    public func reading(of local: CivilTime) -> LocalTime {
        // Offsets lie within 24 hours, so only those in force inside this window can apply.
        let low = index(atSecond: local.seconds - 86_400)
        let high = index(atSecond: local.seconds + 86_400)
        if low == high {
            return .once(Self.date(local.seconds - offsets[low]))
        }
        var found: [Int] = []
        for candidate in Set(offsets[low...high]) {
            let second = local.seconds - candidate
            if offset(atSecond: second) == candidate { found.append(second) }
        }
        found.sort()
        if found.count == 1 { return .once(Self.date(found[0])) }
        if !found.isEmpty { return .repeated(found.map(Self.date)) }
        return gap(around: local, between: low, and: high)
    }

    /// The changes of offset at instants of a span, ascending.
    func transitions(in span: Range<Date>) -> [(at: Date, offsetFrom: Int, offsetTo: Int)] {
        let low = index(atSecond: Int(span.lowerBound.timeIntervalSince1970) - 1)
        let high = index(atSecond: Int(span.upperBound.timeIntervalSince1970) - 1)
        return (low..<high).map(transition)
    }

    /// The last change of offset before an instant; nil when the table has none.
    func lastTransition(before instant: Date) -> (at: Date, offsetFrom: Int, offsetTo: Int)? {
        let count = index(atSecond: Int(instant.timeIntervalSince1970) - 1)
        return count == 0 ? nil : transition(count - 1)
    }

    private func transition(_ change: Int) -> (at: Date, offsetFrom: Int, offsetTo: Int) {
        (Self.date(starts[change]), offsets[change], offsets[change + 1])
    }

    private func gap(around local: CivilTime, between low: Int, and high: Int) -> LocalTime {
        for change in low..<high {
            let before = CivilTime(seconds: starts[change] + offsets[change])
            let after = CivilTime(seconds: starts[change] + offsets[change + 1])
            if before <= local, local < after {
                return .skipped(from: before, to: after, at: Self.date(starts[change]))
            }
        }
        preconditionFailure("a reading that no offset explains lies in no gap of \(identifier)")
    }

    private func offset(atSecond second: Int) -> Int {
        offsets[index(atSecond: second)]
    }

    /// How many changes happened up to and at a second.
    private func index(atSecond second: Int) -> Int {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func date(_ second: Int) -> Date {
        Date(timeIntervalSince1970: Double(second))
    }

    private static func newYear(_ year: Int) -> Int {
        let leapDays = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 - 477
        return ((year - 1970) * 365 + leapDays) * 86_400
    }
}
