import Foundation
import ICalendar

extension RFC3339 {
    /// `2027-03-01T09:00:00+01:00`, or with `Z` where the offset is zero.
    ///
    /// - Parameters:
    ///   - instant: fractions of a second are dropped.
    ///   - offset: seconds east of UTC. Seconds of an offset (only before 1972) cannot be written
    ///     and are dropped from both, so that the text still names the instant.
    public static func text(_ instant: Date, offset: Int = 0) -> String {
        let minutes = offset / 60
        let second = Int(instant.timeIntervalSince1970.rounded(.down))
        let local = CivilTime(seconds: second + minutes * 60)
        let reading = String(describing: local).split(separator: " ").joined(separator: "T")
        let whole = local.second == 0 ? reading + ":00" : reading
        if minutes == 0 { return whole + "Z" }
        let sign = minutes < 0 ? "-" : "+"
        return whole + sign + twoDigits(abs(minutes) / 60) + ":" + twoDigits(abs(minutes) % 60)
    }

    private static func twoDigits(_ value: Int) -> String {
        value < 10 ? "0\(value)" : "\(value)"
    }
}
