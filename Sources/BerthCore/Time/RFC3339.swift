import Foundation

/// Instants as the API writes them: RFC 3339 with an offset in, UTC `Z` in whole seconds out.
public enum RFC3339 {
    /// Why a text is not an instant that Berth takes.
    public enum Fault: Error, Sendable, Equatable {
        case malformed
        case noOffset

        /// What is wrong, and the remedy.
        public var detail: String {
            switch self {
            case .malformed: "is not a time: write it as 2027-03-01T09:00:00Z or with +01:00"
            case .noOffset: "has no offset: end it with Z or with one like +01:00"
            }
        }
    }

    /// The instant in UTC, in whole seconds, as 20 bytes of ASCII: `2027-03-01T09:00:00Z`.
    public static func string(_ instant: Date) -> String {
        let seconds = Int(instant.timeIntervalSince1970.rounded(.down))
        let (days, second) = seconds.flooredDivision(by: 86_400)
        let (year, month, day) = civil(daysSince1970: days)
        return String(unsafeUninitializedCapacity: 20) { bytes in
            func put(_ value: Int, digits: Int, at offset: Int) {
                var value = value
                for index in stride(from: offset + digits - 1, through: offset, by: -1) {
                    bytes[index] = UInt8(ascii: "0") + UInt8(value % 10)
                    value /= 10
                }
            }
            put(year, digits: 4, at: 0)
            bytes[4] = UInt8(ascii: "-")
            put(month, digits: 2, at: 5)
            bytes[7] = UInt8(ascii: "-")
            put(day, digits: 2, at: 8)
            bytes[10] = UInt8(ascii: "T")
            put(second / 3600, digits: 2, at: 11)
            bytes[13] = UInt8(ascii: ":")
            put(second / 60 % 60, digits: 2, at: 14)
            bytes[16] = UInt8(ascii: ":")
            put(second % 60, digits: 2, at: 17)
            bytes[19] = UInt8(ascii: "Z")
            return 20
        }
    }

    /// Reads `2027-03-01T09:00:00+01:00`. A space where `+` stood in a query is read as `+`; `T` and `Z`
    /// may be lower case (RFC 3339, section 5.6). A fraction of a second, as JavaScript writes one, is cut
    /// off. Throws ``Fault``.
    public static func date(_ text: String) throws(Fault) -> Date {
        var digits = Digits(text)
        let year = try digits.number(4)
        try digits.expect("-")
        let month = try digits.number(2)
        try digits.expect("-")
        let day = try digits.number(2)
        try digits.expect("T", "t", " ")
        let hour = try digits.number(2)
        try digits.expect(":")
        let minute = try digits.number(2)
        try digits.expect(":")
        let second = try digits.number(2)
        guard year >= 1, (1...12).contains(month), (1...days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second < 60
        else { throw .malformed }
        let offset = try offset(&digits)
        let days = daysSince1970(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Date(timeIntervalSince1970: Double(seconds))
    }

    private static func offset(_ digits: inout Digits) throws(Fault) -> Int {
        guard let sign = try digits.nextAfterFraction() else { throw .noOffset }
        switch sign {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            guard digits.next() == nil else { throw .malformed }
            return 0
        case UInt8(ascii: "+"), UInt8(ascii: " "), UInt8(ascii: "-"):
            let hours = try digits.number(2)
            try digits.expect(":")
            let minutes = try digits.number(2)
            guard hours < 24, minutes < 60, digits.next() == nil else { throw .malformed }
            let seconds = hours * 3600 + minutes * 60
            return sign == UInt8(ascii: "-") ? -seconds : seconds
        default: throw .malformed
        }
    }

    /// Days from 1970-01-01 to a day of the proleptic Gregorian calendar.
    static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted.flooredDivision(by: 400).quotient
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    private static func civil(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = (days + 719_468).flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Reads fixed-width numbers from ASCII.
private struct Digits {
    private var bytes: Substring.UTF8View

    init(_ text: String) {
        bytes = text[...].utf8
    }

    mutating func next() -> UInt8? {
        bytes.popFirst()
    }

    /// What comes next, or after a fraction of a second of one digit or more.
    mutating func nextAfterFraction() throws(RFC3339.Fault) -> UInt8? {
        guard bytes.first == UInt8(ascii: ".") else { return next() }
        let rest = bytes.dropFirst().drop {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        guard rest.count < bytes.count - 1 else { throw .malformed }
        bytes = rest
        return next()
    }

    mutating func number(_ width: Int) throws(RFC3339.Fault) -> Int {
        var value = 0
        for _ in 0..<width {
            guard let byte = bytes.popFirst(),
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            else { throw .malformed }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }

    mutating func expect(_ allowed: Unicode.Scalar...) throws(RFC3339.Fault) {
        guard let byte = bytes.popFirst(), allowed.contains(Unicode.Scalar(byte)) else {
            throw .malformed
        }
    }
}

extension Int {
    /// Division that rounds towards minus infinity, with a remainder of the divisor's sign.
    func flooredDivision(by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
