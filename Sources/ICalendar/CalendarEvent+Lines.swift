import Foundation

extension CalendarEvent {
    /// The last second of the year 9999.
    static let latest = Date(timeIntervalSince1970: 253_402_300_799)

    /// An event from its lines. Throws ``CalendarFault`` with the line of the first property that is wrong.
    init(_ part: CalendarParts.Part, in zones: inout CalendarZones) throws(CalendarFault) {
        guard let starts = part.first(.dtstart) else {
            throw CalendarFault(line: part.line, detail: "the event has no DTSTART")
        }
        let begin = try CalendarTime(starts, in: &zones)
        line = part.line
        uid = part.first(.uid)?.text ?? ""
        sequence = part.first(.sequence).flatMap { Int($0.token) } ?? 0
        start = begin.instant
        zone = begin.zone.rules
        timeZone = begin.zone.name
        let ends = part.first(.dtend)
        length = try Self.length(from: begin, to: ends, or: part.first(.duration), in: &zones)
        end = length.end(from: start, in: zone)
        guard end <= Self.latest else {
            throw CalendarFault(
                line: (ends ?? part.first(.duration) ?? starts).line,
                detail: "ends after the year 9999")
        }
        summary = part.first(.summary)?.text ?? ""
        description = part.first(.description)?.text ?? ""
        location = part.first(.location)?.text ?? ""
        categories = part.lines.filter { $0.name == .categories }.flatMap(\.list)
        status = part.first(.status).flatMap { Status(rawValue: $0.token) }
        isTransparent = part.first(.transp)?.token == "TRANSPARENT"
        let rules = part.lines.filter { $0.name == .rrule }
        if rules.count > 1 {
            throw CalendarFault(line: rules[1].line, detail: "is a second RRULE: only one is read")
        }
        if let exclusion = part.first(.exrule) {
            throw CalendarFault(line: exclusion.line, detail: "EXRULE is not read: list EXDATE")
        }
        rule = rules.first.map { String($0.value.trimmingSpaces) }
        exclusions = try part.starts(.exdate, beside: begin, in: &zones).map(\.start)
        let further = try part.starts(.rdate, beside: begin, in: &zones)
        additions = further.map(\.start)
        additionEnds = [:]
        for case (let start, let end?) in further { additionEnds[start] = end }
        recurrenceID = try Self.recurrenceID(part.first(.recurrenceID), of: begin, in: &zones)
    }

    private static func length(
        from begin: CalendarTime, to ends: ContentLine?, or lasts: ContentLine?,
        in zones: inout CalendarZones
    ) throws(CalendarFault) -> CalendarLength {
        if let ends {
            let end = try CalendarTime(ends, in: &zones)
            guard end.instant >= begin.instant else {
                throw CalendarFault(line: ends.line, detail: "DTEND is before DTSTART")
            }
            // Of days, the clock's: an occurrence of one day is one day also where clocks change.
            if begin.isDay, end.isDay {
                return CalendarLength(
                    days: end.local.dayNumber - begin.local.dayNumber, seconds: 0)
            }
            let seconds = end.instant.timeIntervalSince(begin.instant)
            return CalendarLength(days: 0, seconds: Int(seconds))
        }
        guard let lasts else { return CalendarLength(days: begin.isDay ? 1 : 0, seconds: 0) }
        guard let length = CalendarLength(lasts.token) else {
            throw CalendarFault(
                line: lasts.line,
                detail: "DURATION is none, or negative: \(lasts.value.prefix(40))")
        }
        return length
    }

    private static func recurrenceID(
        _ property: ContentLine?, of begin: CalendarTime, in zones: inout CalendarZones
    ) throws(CalendarFault) -> Date? {
        guard let property else { return nil }
        guard property.parameter("RANGE") == nil else {
            throw CalendarFault(
                line: property.line,
                detail:
                    "RECURRENCE-ID with RANGE is not read: change each occurrence, or begin a new series"
            )
        }
        return try CalendarTime(property, in: &zones).instant
    }
}

extension CalendarParts.Part {
    /// The most starts that an event excludes, and the most that it adds.
    private static let mostDates = 10_000

    /// The starts that properties of a name list; of periods, with their ends (RFC 5545, section 3.8.5). A day
    /// beside an event with a time means that time of the day, as calendars write it.
    fileprivate func starts(
        _ name: ContentLine.Name, beside begin: CalendarTime, in zones: inout CalendarZones
    ) throws(CalendarFault) -> [(start: Date, end: Date?)] {
        var starts: [(start: Date, end: Date?)] = []
        for index in lines.indices where lines[index].name == name {
            let property = lines[index]
            for value in property.value.split(separator: ",") {
                guard starts.count < Self.mostDates else {
                    throw CalendarFault(
                        line: property.line,
                        detail: "\(name.rawValue) lists more than \(Self.mostDates) dates")
                }
                let sides = value.split(separator: "/", maxSplits: 1)
                guard let first = sides.first else { continue }
                let time = try CalendarTime(first, of: property, in: &zones)
                let isDayOfTime = time.isDay && !begin.isDay
                let start = isDayOfTime ? begin.instant(onDayOf: time) : time.instant
                guard sides.count == 2 else {
                    starts.append((start, nil))
                    continue
                }
                starts.append((start, try end(sides[1], of: property, from: time, in: &zones)))
            }
        }
        return starts
    }

    private func end(
        _ text: Substring, of property: ContentLine, from time: CalendarTime,
        in zones: inout CalendarZones
    ) throws(CalendarFault) -> Date {
        if let length = CalendarLength(text.uppercased()) {
            return length.end(from: time.instant, in: time.zone.rules)
        }
        let end = try CalendarTime(text, of: property, in: &zones).instant
        guard end >= time.instant else {
            throw CalendarFault(line: property.line, detail: "a period ends before it begins")
        }
        return end
    }
}
