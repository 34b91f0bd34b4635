import Foundation

extension CivilTime {
    /// Reads the basic form of RFC 5545, sections 3.3.4 and 3.3.5: `20270301`, which is the day's first or last
    /// second, or `20270301T090000`; nil for anything else.
    init?(basicText text: Substring, isEndOfDay: Bool) {
        let bytes = Array(text.utf8)
        guard bytes.count == 8 || (bytes.count == 15 && bytes[8] | 0x20 == UInt8(ascii: "t")) else {
            return nil
        }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8) else {
            return nil
        }
        guard bytes.count == 15 else {
            guard let first = try? CivilTime(year: year, month: month, day: day) else { return nil }
            self.init(seconds: first.seconds + (isEndOfDay ? 86_399 : 0))
            return
        }
        guard let hour = number(9..<11), let minute = number(11..<13), let second = number(13..<15),
            let time = try? CivilTime(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        self = time
    }

    /// `20270301T090000`, as RFC 5545, section 3.3.5, form 1 has it.
    var basicText: String {
        func digits(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return digits(year, 4) + digits(month, 2) + digits(day, 2) + "T" + digits(hour, 2)
            + digits(minute, 2) + digits(second, 2)
    }

    /// What a clock in UTC shows at an instant.
    init(utc instant: Date) {
        self.init(seconds: Int(instant.timeIntervalSince1970.rounded(.down)))
    }

    /// The instant at which a clock in UTC shows it.
    var utcInstant: Date {
        Date(timeIntervalSince1970: Double(seconds))
    }
}
