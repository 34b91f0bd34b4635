import Foundation

/// A VEVENT as read from a calendar (RFC 5545, section 3.6.1).
public struct CalendarEvent: Hashable, Sendable {
    /// The line of its BEGIN, from 1.
    public var line: Int
    /// What it is known by, for ever.
    public var uid: String
    /// It stands for one occurrence of the event with the same UID.
    public var isOverride: Bool
    /// Its first instant; of a series, of the first occurrence.
    public var start: Date
    /// The first instant that is no longer part of it.
    public var end: Date
    /// The zone's name, in which it recurs.
    public var timeZone: String
    /// What it is about.
    public var summary: String
    /// More about it.
    public var description: String
    /// Where it is.
    public var location: String
    /// What sort of event it is.
    public var categories: [String]
    /// `CONFIRMED`, `TENTATIVE`, `CANCELLED`; empty where it says nothing.
    public var status: String
    /// When it comes back.
    public var rule: String?
    /// Starts that are left out.
    public var exclusions: [Date]
    /// Further starts.
    public var additions: [Date]
}

/// The events of a calendar, each read or refused with its line; none is lost.
public struct CalendarFile: Sendable {
    /// The events that can be used, in the file's order.
    public private(set) var events: [CalendarEvent] = []
    /// What is wrong with the others.
    public private(set) var faults: [CalendarFault] = []

    /// How deep components may nest.
    private static let deepest = 32

    /// Reads a file. Times without a zone are read in `zone`, as are days without a time; `named` gives a zone
    /// by the TZID of an event. Throws ``CalendarFault`` for what is no calendar. O(bytes), and no
    /// recursion.
    public init(
        _ data: Data, zone: (name: String, rules: ZoneRules),
        named: (String) -> (name: String, rules: ZoneRules)?
    ) throws(CalendarFault) {
        let lines = try ContentLine.lines(of: data)
        guard let first = lines.first, first.name == "BEGIN",
            first.value.uppercased() == "VCALENDAR"
        else {
            throw CalendarFault(line: 1, detail: "is no calendar: it begins with BEGIN:VCALENDAR")
        }
        var open: [(name: String, line: Int)] = []
        var properties: [ContentLine] = []
        for line in lines {
            switch line.name {
            case "BEGIN":
                guard open.count < Self.deepest else {
                    throw CalendarFault(
                        line: line.line, detail: "nests deeper than \(Self.deepest)")
                }
                open.append((line.value.uppercased(), line.line))
                if open.last?.name == "VEVENT" { properties = [] }
            case "END":
                guard let last = open.popLast(), last.name == line.value.uppercased() else {
                    throw CalendarFault(line: line.line, detail: "ends what did not begin")
                }
                guard last.name == "VEVENT" else { continue }
                do throws(CalendarFault) {
                    events.append(
                        try CalendarEvent(properties, line: last.line, zone: zone, named: named))
                } catch {
                    faults.append(error)
                }
            default:
                if open.last?.name == "VEVENT" { properties.append(line) }
            }
        }
        if let unended = open.last {
            throw CalendarFault(line: unended.line, detail: "\(unended.name) has no END")
        }
    }
}

extension CalendarEvent {
    fileprivate typealias Zone = (name: String, rules: ZoneRules)

    fileprivate init(
        _ properties: [ContentLine], line: Int, zone: Zone, named: (String) -> Zone?
    ) throws(CalendarFault) {
        func first(_ name: String) -> ContentLine? { properties.first { $0.name == name } }
        func dates(_ name: String) throws(CalendarFault) -> [Date] {
            var dates: [Date] = []
            for property in properties where property.name == name {
                for value in property.value.split(separator: ",") {
                    // Of a period, the start.
                    let start = value.prefix { $0 != "/" }
                    dates.append(try Self.instant(start, of: property, zone, named).instant)
                }
            }
            return dates
        }
        guard let begins = first("DTSTART") else {
            throw CalendarFault(line: line, detail: "the event has no DTSTART")
        }
        let begin = try Self.instant(begins.value, of: begins, zone, named)
        self.line = line
        uid = first("UID")?.text ?? ""
        isOverride = first("RECURRENCE-ID") != nil
        start = begin.instant
        timeZone = begin.zone.name
        if let ends = first("DTEND") {
            end = try Self.instant(ends.value, of: ends, zone, named).instant
        } else if let lasts = first("DURATION") {
            end = try Self.end(after: lasts, begin)
        } else {
            end = begin.isDay ? begin.shifted(days: 1, seconds: 0) : start
        }
        summary = first("SUMMARY")?.text ?? ""
        description = first("DESCRIPTION")?.text ?? ""
        location = first("LOCATION")?.text ?? ""
        categories = properties.filter { $0.name == "CATEGORIES" }.flatMap {
            $0.text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        status = first("STATUS")?.text.uppercased() ?? ""
        rule = first("RRULE").map { String($0.value) }
        exclusions = try dates("EXDATE")
        additions = try dates("RDATE")
    }

    private struct Reading {
        var instant: Date
        var local: CivilTime
        var zone: Zone
        var isDay: Bool

        /// So many days later on its clock, and then so many seconds.
        func shifted(days: Int, seconds: Int) -> Date {
            let day = zone.rules.calendarInstant(
                of: CivilTime(seconds: local.seconds + days * 86_400))
            return day.addingTimeInterval(Double(seconds))
        }
    }

    private static func instant(
        _ text: Substring, of property: ContentLine, _ zone: Zone, _ named: (String) -> Zone?
    ) throws(CalendarFault) -> Reading {
        var zone = zone
        if let id = property.parameters["TZID"] {
            guard let found = named(id) else {
                throw CalendarFault(
                    line: property.line, detail: "TZID \(id) is no IANA zone; write Europe/London")
            }
            zone = found
        }
        let isUTC = text.hasSuffix("Z") || text.hasSuffix("z")
        guard let local = CivilTime(basicText: isUTC ? text.dropLast() : text, isEndOfDay: false)
        else {
            throw CalendarFault(
                line: property.line,
                detail: "\(property.name) is no date or time: \(text.prefix(40))")
        }
        if isUTC { zone = ("UTC", ZoneRules(.gmt)) }
        return Reading(
            instant: zone.rules.calendarInstant(of: local), local: local, zone: zone,
            isDay: text.utf8.count == 8)
    }

    /// RFC 5545, section 3.3.6: days and weeks are the clock's, the rest is exact.
    private static func end(
        after property: ContentLine, _ start: Reading
    ) throws(CalendarFault) -> Date {
        let fault = CalendarFault(
            line: property.line, detail: "DURATION is none: \(property.value.prefix(40))")
        var text = property.value.uppercased()[...]
        guard text.first == "P" else { throw fault }
        text = text.dropFirst()
        var days = 0
        var seconds = 0
        var number = ""
        for character in text {
            if character.isASCII, character.isNumber {
                number.append(character)
                continue
            }
            if character == "T" { continue }
            guard let count = Int(number), count < 1_000_000 else { throw fault }
            number = ""
            switch character {
            case "W": days += 7 * count
            case "D": days += count
            case "H": seconds += 3600 * count
            case "M": seconds += 60 * count
            case "S": seconds += count
            default: throw fault
            }
        }
        guard number.isEmpty else { throw fault }
        return start.shifted(days: days, seconds: seconds)
    }
}
