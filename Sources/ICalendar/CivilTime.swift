/// A date and time of day as a clock on a wall shows it: no zone, no offset, whole seconds.
///
/// In the proleptic Gregorian calendar, years 0 to 9999, as RFC 3339 section 1 and ISO 8601 have
/// it.
public struct CivilTime: Hashable, Comparable, Sendable {
    /// Seconds from 1970-01-01 00:00:00 to this reading, on a clock that is never put forward or
    /// back. Not an instant: two zones show the same reading at different instants.
    public let seconds: Int

    /// The reading so many seconds after 1970-01-01 00:00:00 on a clock that is never changed.
    ///
    /// - Parameter seconds: may be negative.
    public init(seconds: Int) {
        self.seconds = seconds
    }

    /// The reading with these parts.
    ///
    /// - Throws: ``Fault`` naming the first part that is out of its range. A leap second (60) is
    ///   out of range, as is hour 24.
    public init(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
    ) throws(Fault) {
        guard (0...9999).contains(year) else { throw .year(year) }
        guard (1...12).contains(month) else { throw .month(month) }
        guard day >= 1, day <= Self.days(inMonth: month, of: year) else {
            throw .day(day, month: month, year: year)
        }
        guard (0...23).contains(hour) else { throw .hour(hour) }
        guard (0...59).contains(minute) else { throw .minute(minute) }
        guard (0...59).contains(second) else { throw .second(second) }
        let days = Self.days(toYear: year, month: month, day: day)
        seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
    }

    /// Whether this reading comes before another on the same clock.
    public static func < (left: CivilTime, right: CivilTime) -> Bool {
        left.seconds < right.seconds
    }

    /// The year, 0 to 9999 for a reading made from parts.
    public var year: Int { parts.year }
    /// The month, 1 to 12.
    public var month: Int { parts.month }
    /// The day of the month, 1 to 31.
    public var day: Int { parts.day }
    /// The hour, 0 to 23.
    public var hour: Int { secondOfDay / 3_600 }
    /// The minute, 0 to 59.
    public var minute: Int { secondOfDay % 3_600 / 60 }
    /// The second, 0 to 59.
    public var second: Int { secondOfDay % 60 }
    /// The day of the week, 1 for Monday to 7 for Sunday, as ISO 8601 numbers them.
    public var weekday: Int { Self.modulo(dayNumber + 3, 7) + 1 }

    var secondOfDay: Int { Self.modulo(seconds, 86_400) }
    var dayNumber: Int { (seconds - secondOfDay) / 86_400 }

    private static func modulo(_ value: Int, _ divisor: Int) -> Int {
        let rest = value % divisor
        return rest < 0 ? rest + divisor : rest
    }

    // A year that starts in March puts the leap day last, so that months have a linear formula;
    // an era is the 400 years (146,097 days) after which the calendar repeats.
    private static func days(toYear year: Int, month: Int, day: Int) -> Int {
        let marchYear = month <= 2 ? year - 1 : year
        let yearOfEra = modulo(marchYear, 400)
        let era = (marchYear - yearOfEra) / 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// All three at the cost of one.
    var parts: (year: Int, month: Int, day: Int) {
        let shifted = dayNumber + 719_468
        let dayOfEra = Self.modulo(shifted, 146_097)
        let era = (shifted - dayOfEra) / 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = (marchMonth + 2) % 12 + 1
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension CivilTime {
    /// Which part of a reading no calendar or clock has.
    public enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// Outside 0 to 9999.
        case year(Int)
        /// Outside 1 to 12.
        case month(Int)
        /// Not in that month of that year.
        case day(Int, month: Int, year: Int)
        /// Outside 0 to 23.
        case hour(Int)
        /// Outside 0 to 59.
        case minute(Int)
        /// Outside 0 to 59.
        case second(Int)

        /// What is wrong and what to write instead, without the text it was read from.
        public var description: String {
            switch self {
            case .year(let year): "year \(year) is outside 0 to 9999"
            case .month(let month): "there is no month \(month); write 1 to 12"
            case .day(let day, let month, let year):
                "month \(month) of \(year) has no day \(day)"
            case .hour(24): "there is no hour 24; write 00:00 of the next day"
            case .hour(let hour): "there is no hour \(hour); write 0 to 23"
            case .minute(let minute): "there is no minute \(minute); write 0 to 59"
            case .second(60): "leap seconds are not kept; write second 59"
            case .second(let second): "there is no second \(second); write 0 to 59"
            }
        }
    }
}

extension CivilTime: CustomStringConvertible {
    /// `2027-03-01 09:00`, with seconds only where they are not zero.
    public var description: String {
        let (year, month, day) = parts
        let clock = "\(Self.padded(hour, 2)):\(Self.padded(minute, 2))"
        let tail = second == 0 ? "" : ":\(Self.padded(second, 2))"
        let date = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
        return "\(date) \(clock)\(tail)"
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
