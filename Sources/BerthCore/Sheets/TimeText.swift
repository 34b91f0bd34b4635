import Foundation
import ICalendar

/// A time as somebody wrote it in a sheet.
public enum TimeText: Hashable, Sendable {
    /// Written with an offset: an instant, wherever it is read.
    case instant(Date)
    /// Written as a clock shows it: an instant only in a zone.
    case local(CivilTime)

    /// Reads RFC 3339 section 5.6 and the like: `2027-03-01T09:00:00+01:00`, `2027-03-01 09:00Z`,
    /// `2027-03-01 09:00`, `2027-03-01` (its midnight).
    ///
    /// Between date and time stands `T` or a space; seconds may be missing, and a
    /// fraction of one is cut off; an offset is `Z`,
    /// `+hh:mm` or `+hhmm`, after at most one space.
    ///
    /// - Parameters:
    ///   - text: without white space around it.
    ///   - pattern: another way in which times may be written; ISO times are still read.
    /// - Throws: ``TimeTextError`` saying what is wrong. Without a pattern, whatever is neither ISO nor
    ///   day, month and year between dots is refused, never guessed at: `03/04/27` is two different days.
    public init(_ text: String, pattern: DatePattern? = nil) throws(TimeTextError) {
        var scanner = DigitScanner(text)
        if let iso = try Self.iso(&scanner, text: text) {
            self = iso
        } else if let pattern {
            self = .local(try pattern.read(text))
        } else if let dotted = Self.dotted(text) {
            self = .local(dotted)
        } else {
            throw TimeTextError.unread(text)
        }
        try checkYear(text)
    }

    /// The instant, read in a zone where it was written without an offset.
    ///
    /// - Throws: ``LocalTimeError`` when clocks there never or twice show it.
    public func instant(in zone: ZoneRules) throws(LocalTimeError) -> Date {
        switch self {
        case .instant(let date): date
        case .local(let local): try zone.instant(of: local)
        }
    }

    private func checkYear(_ text: String) throws(TimeTextError) {
        let year =
            switch self {
            case .instant(let date): CivilTime(seconds: Int(date.timeIntervalSince1970)).year
            case .local(let local): local.year
            }
        guard Limits.years.contains(year) else { throw .yearOutOfRange(text) }
    }

    /// Between dots the day comes first, wherever dates are written so.
    private static let dottedPatterns = ["d.M.yyyy", "d.M.yyyy H:mm", "d.M.yyyy H:mm:ss"]
        .compactMap { try? DatePattern($0) }

    private static func dotted(_ text: String) -> CivilTime? {
        dottedPatterns.lazy.compactMap { try? $0.read(text) }.first
    }

    /// Nil when the text does not start like an ISO date, so that another pattern may read it.
    private static func iso(
        _ scanner: inout DigitScanner, text: String
    ) throws(TimeTextError) -> TimeText? {
        guard let year = scanner.number(4), scanner.skip("-"), let month = scanner.number(2),
            scanner.skip("-"), let day = scanner.number(2)
        else { return nil }
        if scanner.isAtEnd {
            return .local(try civil(text, year, month, day, 0, 0, 0))
        }
        guard scanner.skip("T") || scanner.skip("t") || scanner.skip(" ") else { return nil }
        guard let hour = scanner.number(2), scanner.skip(":"), let minute = scanner.number(2)
        else { return nil }
        var second = 0
        if scanner.skip(":") {
            guard let written = scanner.number(2) else { return nil }
            second = written
            // A fraction, as many tools write one, is cut off.
            if scanner.skip(".") || scanner.skip(",") {
                guard scanner.number(1) != nil else { return nil }
                while scanner.number(1) != nil {}
            }
        }
        let local = try civil(text, year, month, day, hour, minute, second)
        if scanner.isAtEnd { return .local(local) }
        guard let offset = try offset(&scanner, text: text) else { return nil }
        return .instant(Date(timeIntervalSince1970: Double(local.seconds - offset)))
    }

    private static func offset(
        _ scanner: inout DigitScanner, text: String
    ) throws(TimeTextError) -> Int? {
        _ = scanner.skip(" ")
        if scanner.skip("Z") || scanner.skip("z") { return scanner.isAtEnd ? 0 : nil }
        let east = scanner.skip("+")
        guard east || scanner.skip("-"), let hours = scanner.number(2) else { return nil }
        _ = scanner.skip(":")
        guard let minutes = scanner.number(2), scanner.isAtEnd else { return nil }
        guard hours <= 23, minutes <= 59 else { throw .offset(text) }
        return (east ? 1 : -1) * (hours * 3_600 + minutes * 60)
    }

    private static func civil(
        _ text: String, _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int,
        _ second: Int
    ) throws(TimeTextError) -> CivilTime {
        do {
            return try CivilTime(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        } catch {
            throw .noSuchTime(text, error)
        }
    }
}
