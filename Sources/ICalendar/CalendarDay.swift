/// A day of the calendar with what rules ask of it.
struct CalendarDay {
    /// Days since 1970-01-01.
    let number: Int
    let year: Int
    let month: Int
    let day: Int
    /// 1 for the first of January.
    let dayOfYear: Int
    let weekday: Weekday

    var daysInMonth: Int { Self.days(inMonth: month, of: year) }
    var daysInYear: Int { Self.days(inYear: year) }

    init(number: Int) {
        let time = CivilTime(seconds: number * 86_400)
        self.number = number
        year = time.year
        month = time.month
        day = time.day
        dayOfYear = number - Self.number(ofYear: time.year) + 1
        weekday = Self.weekday(number)
    }

    static func weekday(_ number: Int) -> Weekday {
        let index = (number + 3) % 7
        return Weekday.allCases[index < 0 ? index + 7 : index]
    }

    /// The number of the first of January.
    static func number(ofYear year: Int) -> Int {
        let past = year - 1
        return past * 365 + past / 4 - past / 100 + past / 400 - 719_162
    }

    /// The number of the first of a month, counted on beyond December.
    static func number(ofMonth month: Int, year: Int) -> Int {
        let year = year + (month - 1) / 12
        let month = (month - 1) % 12 + 1
        return number(ofYear: year)
            + (1..<month).reduce(0) { $0 + days(inMonth: $1, of: year) }
    }

    static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: days(inYear: year) - 337
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    static func days(inYear year: Int) -> Int {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365
    }

    /// The week that the day belongs to, counted from the first week of its year with four days or more, and
    /// from the last (-1): ISO 8601, with weeks that start on the given day.
    func week(startingOn start: Weekday) -> (fromFirst: Int, fromLast: Int) {
        let intoWeek = (weekday.rawValue - start.rawValue + 7) % 7
        // The day in the middle of a week decides which year it belongs to.
        let middle = CalendarDay(number: number - intoWeek + 3)
        let week = (middle.dayOfYear - 1) / 7 + 1
        let weeks = week + (middle.daysInYear - middle.dayOfYear) / 7
        return (week, week - weeks - 1)
    }
}
