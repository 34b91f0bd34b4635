import Foundation
import ICalendar

/// Dates as headers have them: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
enum HTTPDate {
    private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// An instant, fractions of a second dropped.
    static func text(_ instant: Date) -> String {
        let time = CivilTime(seconds: Int(instant.timeIntervalSince1970.rounded(.down)))
        func digits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(weekdays[time.weekday - 1]), \(digits(time.day)) \(months[time.month - 1]) "
            + "\(time.year) \(digits(time.hour)):\(digits(time.minute)):\(digits(time.second)) GMT"
    }

    /// The instant that a header says; nil for anything else, the obsolete forms included, which leaves a
    /// precondition out.
    static func instant(_ text: String) -> Date? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT",
            let day = Int(parts[1]), let month = months.firstIndex(of: String(parts[2])),
            let year = Int(parts[3])
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3,
            let time = try? CivilTime(
                year: year, month: month + 1, day: day, hour: clock[0], minute: clock[1],
                second: clock[2])
        else { return nil }
        return Date(timeIntervalSince1970: Double(time.seconds))
    }
}
