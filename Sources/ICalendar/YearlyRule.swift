import Foundation

/// A change of the clock that comes each year: on a weekday of a month, the last or the first, second … one, or the first
/// on or after some day.
struct YearlyRule {
    private let rule: RecurrenceRule
    /// Whether it stops before it would come once more.
    let ends: Bool

    /// The rule that gives just these starts, one each year, and no other up to an end; nil where there is none.
    init?(_ starts: ArraySlice<CivilTime>, until end: CivilTime) {
        let days = starts.map { CalendarDay(number: $0.dayNumber) }
        guard let first = starts.first, let last = starts.last, let day = days.first,
            starts.allSatisfy({ $0.secondOfDay == first.secondOfDay }),
            days.allSatisfy({ $0.month == day.month && $0.weekday == day.weekday }),
            zip(days, days.dropFirst()).allSatisfy({ $0.year + 1 == $1.year })
        else { return nil }
        var rule = RecurrenceRule(.yearly)
        rule.months = [day.month]
        let ordinals = Set(days.map { ($0.day - 1) / 7 + 1 })
        if days.allSatisfy({ $0.day + 7 > $0.daysInMonth }) {
            rule.days = [RecurrenceRule.Day(day.weekday, ordinal: -1)]
        } else if let ordinal = ordinals.first, ordinals.count == 1 {
            rule.days = [RecurrenceRule.Day(day.weekday, ordinal: ordinal)]
        } else if let latest = days.map(\.day).max(), let earliest = days.map(\.day).min(),
            latest - earliest < 7
        {
            // Of the weeks that hold them all, the one that begins latest: Sunday on or after the second.
            rule.days = [RecurrenceRule.Day(day.weekday)]
            rule.monthDays = Array(max(1, latest - 6)...max(1, latest - 6) + 6)
        } else {
            return nil
        }
        self.rule = rule
        let lastDay = last.dayNumber
        let next = (lastDay + 300...lastDay + 400).first {
            Self.gives(CalendarDay(number: $0), rule)
        }
        ends = next.map { $0 * 86_400 + last.secondOfDay <= end.seconds } ?? true
    }

    private static func gives(_ day: CalendarDay, _ rule: RecurrenceRule) -> Bool {
        guard rule.months == [day.month], let wanted = rule.days.first,
            day.weekday == wanted.weekday
        else { return false }
        return switch wanted.ordinal {
        case .some(-1): day.day + 7 > day.daysInMonth
        case .some(let ordinal): (day.day - 1) / 7 + 1 == ordinal
        case .none: rule.monthDays.contains(day.day)
        }
    }

    /// The rule, up to and with an instant where one is given, in seconds since 1970.
    func text(until second: Int?) -> RecurrenceRule {
        var rule = rule
        if let second { rule.end = .instant(Date(timeIntervalSince1970: Double(second))) }
        return rule
    }
}
