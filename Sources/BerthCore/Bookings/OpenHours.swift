import Foundation

/// When an environment is open, in its own zone.
struct OpenHours {
    private struct Hours {
        var weekdays: Set<Int>
        var from: (hour: Int, minute: Int)
        var to: (hour: Int, minute: Int)
    }

    private let calendar: Calendar
    private let hours: [Hours]

    init(_ hours: [Policy.OpeningHours], in zone: TimeZone) {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        self.calendar = calendar
        self.hours = hours.compactMap { entry in
            guard let from = Self.clock(entry.from), let to = Self.clock(entry.to) else {
                return nil
            }
            return Hours(
                weekdays: Set(
                    entry.days.compactMap { Self.weekdays.firstIndex(of: $0) }.map { $0 + 1 }),
                from: from, to: to)
        }
    }

    /// The first instant of a period at which it is closed, or nil.
    func firstClosed(in period: Range<Date>) -> Date? {
        var covered = period.lowerBound
        var day = calendar.startOfDay(for: period.lowerBound)
        while covered < period.upperBound, day < period.upperBound {
            for open in openings(on: day) where open.lowerBound <= covered {
                covered = max(covered, open.upperBound)
            }
            guard let next = calendar.date(byAdding: .day, value: 1, to: day) else { break }
            if covered < min(next, period.upperBound) { return covered }
            day = next
        }
        return nil
    }

    /// When it is open on the days of a period, in order, what touches joined.
    func openings(in period: Range<Date>) -> [Range<Date>] {
        var joined: [Range<Date>] = []
        var day = calendar.startOfDay(for: period.lowerBound)
        while day < period.upperBound {
            for open in openings(on: day) {
                if let last = joined.last, open.lowerBound <= last.upperBound {
                    let end = max(last.upperBound, open.upperBound)
                    joined[joined.count - 1] = last.lowerBound..<end
                } else {
                    joined.append(open)
                }
            }
            guard let next = calendar.date(byAdding: .day, value: 1, to: day) else { break }
            day = next
        }
        return joined
    }

    private func openings(on day: Date) -> [Range<Date>] {
        let weekday = calendar.component(.weekday, from: day)
        return hours.filter { $0.weekdays.contains(weekday) }
            .compactMap { entry in
                guard let from = instant(entry.from, on: day), let to = instant(entry.to, on: day),
                    from < to
                else { return nil }
                return from..<to
            }
            .sorted { $0.lowerBound < $1.lowerBound }
    }

    private func instant(_ clock: (hour: Int, minute: Int), on day: Date) -> Date? {
        if clock.hour == 24 { return calendar.date(byAdding: .day, value: 1, to: day) }
        return calendar.date(bySettingHour: clock.hour, minute: clock.minute, second: 0, of: day)
    }

    /// As `Calendar` counts them: Sunday is 1.
    static let weekdays = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"]

    /// Reads `HH:MM`, up to `24:00`.
    static func clock(_ text: String) -> (hour: Int, minute: Int)? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
            let hour = Int(parts[0]), let minute = Int(parts[1]),
            (0..<24).contains(hour) && (0..<60).contains(minute) || (hour == 24 && minute == 0)
        else { return nil }
        return (hour, minute)
    }
}
