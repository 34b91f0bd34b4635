import Foundation

/// How long an event takes: so many days on the clock, and then so many seconds exactly (RFC 5545, sections 3.3.6
/// and 3.8.5.3).
public struct CalendarLength: Hashable, Sendable {
    /// Days as the clock has them: 23 to 25 hours.
    public var days: Int
    /// Seconds after those days.
    public var seconds: Int

    /// A length.
    public init(days: Int, seconds: Int) {
        self.days = days
        self.seconds = seconds
    }

    /// Reads a DURATION that is not negative: `P1W`, `P1D`, `PT90M`, `P1DT2H`; nil for anything else, and for
    /// more than a million of a unit.
    init?(_ text: String) {
        var rest = text.utf8[...]
        if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard rest.popFirst() == UInt8(ascii: "P"), !rest.isEmpty else { return nil }
        self.init(days: 0, seconds: 0)
        // Each unit at most once, the larger first; T stands before those of the clock.
        var units = "WDTHMS".utf8[...]
        while !rest.isEmpty {
            let digits = rest.prefix { (48...57).contains($0) }
            rest = rest[digits.endIndex...]
            guard let unit = rest.popFirst(), let place = units.firstIndex(of: unit) else {
                return nil
            }
            let isOfClock = !units.contains(UInt8(ascii: "T"))
            units = units[units.index(after: place)...]
            if unit == UInt8(ascii: "T") {
                guard digits.isEmpty, !rest.isEmpty else { return nil }
                continue
            }
            guard (1...7).contains(digits.count),
                let count = Int(String(decoding: digits, as: UTF8.self)),
                count <= 1_000_000
            else { return nil }
            switch unit {
            case UInt8(ascii: "W"): days += 7 * count
            case UInt8(ascii: "D"): days += count
            case UInt8(ascii: "H") where isOfClock: seconds += 3_600 * count
            case UInt8(ascii: "M") where isOfClock: seconds += 60 * count
            case UInt8(ascii: "S") where isOfClock: seconds += count
            default: return nil
            }
        }
    }

    /// The end of what begins at an instant, in a zone.
    public func end(from start: Date, in zone: ZoneRules) -> Date {
        guard days != 0 else { return start.addingTimeInterval(Double(seconds)) }
        let local = zone.civilTime(at: start)
        let day = zone.calendarInstant(of: CivilTime(seconds: local.seconds + days * 86_400))
        return day.addingTimeInterval(Double(seconds))
    }
}
