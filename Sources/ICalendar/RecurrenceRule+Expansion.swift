import Foundation

extension RecurrenceRule {
    /// The starts that the rule gives, ascending, from the first local time on. Where that does not match the
    /// rule, it is not among them (RFC 5545 leaves this open; python-dateutil has it so).
    ///
    /// Ends with the rule, with ``ZoneRules/years``, or before `until`. Cost: at most a look at each day until
    /// then (84,000 days: 5 ms), whatever the rule says. Throws when there are more than `atMost`.
    public func starts(
        from first: CivilTime, in zone: ZoneRules, until: Date? = nil, atMost: Int
    ) throws(RecurrenceFault) -> [CivilTime] {
        var starts: [CivilTime] = []
        var left = Int.max
        if case .count(let count) = end {
            guard count <= atMost || until != nil else { throw Self.tooMany(atMost) }
            left = count
        }
        var periods = RecurrencePeriods(self, from: first)
        while let days = periods.next() {
            for day in days {
                let start = CivilTime(seconds: day * 86_400 + first.secondOfDay)
                guard start >= first else { continue }
                guard left > 0, !isPast(start, in: zone), !isAfter(until, start, in: zone) else {
                    return starts
                }
                guard starts.count < atMost else { throw Self.tooMany(atMost) }
                starts.append(start)
                left -= 1
            }
            if left == 0 { break }
        }
        return starts
    }

    private static func tooMany(_ most: Int) -> RecurrenceFault {
        RecurrenceFault("gives more than \(most) occurrences: end it sooner, with COUNT or UNTIL")
    }

    private func isPast(_ start: CivilTime, in zone: ZoneRules) -> Bool {
        switch end {
        case .instant(let instant): zone.calendarInstant(of: start) > instant
        case .local(let local): start > local
        case .count, nil: false
        }
    }

    private func isAfter(_ until: Date?, _ start: CivilTime, in zone: ZoneRules) -> Bool {
        guard let until else { return false }
        return zone.calendarInstant(of: start) >= until
    }
}

/// The periods of a rule, one after the other, each as the numbers of the days that the rule chooses.
private struct RecurrencePeriods {
    private let rule: RecurrenceRule
    private let first: CalendarDay
    private let lastNumber: Int
    private var index = 0

    init(_ rule: RecurrenceRule, from first: CivilTime) {
        self.first = CalendarDay(number: first.dayNumber)
        self.rule = rule.withDays(of: self.first)
        lastNumber = CalendarDay.number(ofYear: ZoneRules.years.upperBound + 1) - 1
    }

    /// The chosen days of the next period, ascending, maybe none; nil after the last period.
    mutating func next() -> [Int]? {
        let (period, overflows) = index.multipliedReportingOverflow(by: rule.interval)
        guard !overflows, let span = span(period), span.lowerBound <= lastNumber else { return nil }
        index += 1
        let chosen = span.clamped(to: span.lowerBound..<lastNumber + 1).filter { number in
            rule.chooses(CalendarDay(number: number))
        }
        return rule.positioned(chosen)
    }

    private func span(_ period: Int) -> Range<Int>? {
        // Beyond this many periods even days are past the last year.
        guard period <= lastNumber else { return nil }
        switch rule.frequency {
        case .daily:
            return first.number + period..<first.number + period + 1
        case .weekly:
            let intoWeek = (first.weekday.rawValue - rule.weekStart.rawValue + 7) % 7
            let start = first.number - intoWeek + period * 7
            return start..<start + 7
        case .monthly:
            let month = first.month + period
            guard first.year + month / 12 <= ZoneRules.years.upperBound + 1 else { return nil }
            return CalendarDay.number(
                ofMonth: month, year: first.year)..<CalendarDay.number(
                    ofMonth: month + 1, year: first.year)
        case .yearly:
            let year = first.year + period
            guard year <= ZoneRules.years.upperBound else { return nil }
            return CalendarDay.number(ofYear: year)..<CalendarDay.number(ofYear: year + 1)
        }
    }
}

extension RecurrenceRule {
    /// The rule with the day that it leaves to the start said.
    fileprivate func withDays(of first: CalendarDay) -> RecurrenceRule {
        guard yearDays.isEmpty, monthDays.isEmpty, days.isEmpty else { return self }
        var rule = self
        guard weeks.isEmpty else {
            rule.days = [Day(first.weekday)]
            return rule
        }
        switch frequency {
        case .daily: break
        case .weekly: rule.days = [Day(first.weekday)]
        case .monthly: rule.monthDays = [first.day]
        case .yearly:
            if months.isEmpty { rule.months = [first.month] }
            rule.monthDays = [first.day]
        }
        return rule
    }

    fileprivate func chooses(_ day: CalendarDay) -> Bool {
        if !months.isEmpty, !months.contains(day.month) { return false }
        if !monthDays.isEmpty, !monthDays.contains(day.day),
            !monthDays.contains(day.day - day.daysInMonth - 1)
        {
            return false
        }
        if !yearDays.isEmpty, !yearDays.contains(day.dayOfYear),
            !yearDays.contains(day.dayOfYear - day.daysInYear - 1)
        {
            return false
        }
        if !days.isEmpty, !days.contains(where: { matches($0, day) }) { return false }
        if !weeks.isEmpty {
            let week = day.week(startingOn: weekStart)
            return weeks.contains(week.fromFirst) || weeks.contains(week.fromLast)
        }
        return true
    }

    /// A number counts the days of that name within the month; within the year where YEARLY has no months.
    private func matches(_ choice: Day, _ day: CalendarDay) -> Bool {
        guard choice.weekday == day.weekday else { return false }
        guard let ordinal = choice.ordinal else { return true }
        let isOfYear = frequency == .yearly && months.isEmpty
        let place = isOfYear ? day.dayOfYear : day.day
        let length = isOfYear ? day.daysInYear : day.daysInMonth
        return ordinal > 0 ? (place - 1) / 7 + 1 == ordinal : (length - place) / 7 + 1 == -ordinal
    }

    fileprivate func positioned(_ chosen: [Int]) -> [Int] {
        guard !positions.isEmpty else { return chosen }
        let places = positions.map { $0 > 0 ? $0 - 1 : chosen.count + $0 }
        return Set(places).sorted().compactMap { chosen.indices.contains($0) ? chosen[$0] : nil }
    }
}
