import Foundation

extension ZoneRules {
    private static let mostObservances = 256
    private static let mostRules = 16
    private static let mostStarts = 10_000

    /// The table of a VTIMEZONE (RFC 5545, section 3.6.5). Its rules may be yearly ones of one month, as all
    /// that are in use, which bounds the cost: 1 ms a rule. Throws ``CalendarFault`` with the line that is wrong.
    init(_ part: CalendarParts.Part, identifier: String) throws(CalendarFault) {
        if let fault = part.fault { throw fault }
        guard !part.observances.isEmpty, part.observances.count <= Self.mostObservances else {
            throw CalendarFault(
                line: part.line,
                detail: "a VTIMEZONE has from 1 to \(Self.mostObservances) STANDARD and DAYLIGHT")
        }
        var changes: [Int: (from: Int, to: Int)] = [:]
        var rules = 0
        for observance in part.observances {
            let from = try observance.offset(.tzoffsetfrom)
            let to = try observance.offset(.tzoffsetto)
            rules += observance.lines.count { $0.name == .rrule }
            let starts = try observance.starts(offsetFrom: from)
            for start in starts { changes[start.seconds - from] = (from, to) }
            guard rules <= Self.mostRules, changes.count <= Self.mostStarts else {
                throw CalendarFault(line: part.line, detail: "a VTIMEZONE has too many changes")
            }
        }
        var starts: [Int] = []
        var offsets: [Int] = []
        for (start, change) in changes.sorted(by: { $0.key < $1.key }) {
            if offsets.isEmpty { offsets = [change.from] }
            guard offsets.last != change.to else { continue }
            starts.append(start)
            offsets.append(change.to)
        }
        self.init(identifier: identifier, starts: starts, offsets: offsets)
    }
}

extension CalendarParts.Part {
    /// When an observance begins, on the clock before it.
    fileprivate func starts(offsetFrom: Int) throws(CalendarFault) -> [CivilTime] {
        guard let begins = first(.dtstart),
            let first = Self.local(begins.value)
        else { throw CalendarFault(line: line, detail: "has no DTSTART on its own clock") }
        var starts = [first]
        for property in lines where property.name == .rdate {
            for value in property.value.split(separator: ",") {
                guard let start = Self.local(value) else {
                    throw CalendarFault(line: property.line, detail: "RDATE is no date or time")
                }
                starts.append(start)
            }
        }
        for property in lines where property.name == .rrule {
            do throws(RecurrenceFault) {
                starts += try Self.starts(of: property, from: first, offsetFrom: offsetFrom)
            } catch {
                throw CalendarFault(line: property.line, detail: "RRULE \(error)")
            }
        }
        return starts
    }

    private static func local(_ text: Substring) -> CivilTime? {
        let time = CivilTime(basicText: text.trimmingSpaces, isEndOfDay: false)
        return time.flatMap { $0.year > 0 ? $0 : nil }
    }

    private static func starts(
        of property: ContentLine, from first: CivilTime, offsetFrom: Int
    ) throws(RecurrenceFault) -> [CivilTime] {
        var rule = try RecurrenceRule(String(property.value.trimmingSpaces), beginning: first)
        if rule.months.isEmpty { rule.months = [first.month] }
        guard rule.frequency == .yearly, rule.months.count == 1, rule.weeks.isEmpty,
            rule.yearDays.isEmpty
        else { throw RecurrenceFault("is not yearly in one month") }
        if rule.days.isEmpty, rule.monthDays.isEmpty { rule.monthDays = [first.day] }
        // The same, looking at that month's days alone.
        rule.frequency = .monthly
        rule.interval = min(rule.interval, 10_000) * 12
        var year = first.year
        // Outlook begins in 1601. A count is kept by counting from there.
        if case .count = rule.end {
        } else if rule.interval == 12 {
            year = max(year, ZoneRules.years.lowerBound - 1)
        }
        let month = CalendarDay.number(ofMonth: rule.months[0], year: year)
        let start = CivilTime(seconds: month * 86_400 + first.secondOfDay)
        rule.months = []
        let fixed = ZoneRules(identifier: "", starts: [], offsets: [offsetFrom])
        return try rule.starts(from: start, in: fixed, atMost: 3_000).filter { $0 > first }
    }

    /// TZOFFSETFROM or TZOFFSETTO in seconds (RFC 5545, section 3.3.14).
    fileprivate func offset(_ name: ContentLine.Name) throws(CalendarFault) -> Int {
        guard let property = first(name) else {
            throw CalendarFault(line: line, detail: "has no \(name.rawValue)")
        }
        let text = property.token.utf8
        let digits = text.dropFirst().map { Int($0) - 48 }
        guard text.first == UInt8(ascii: "+") || text.first == UInt8(ascii: "-"),
            digits.count == 4 || digits.count == 6, digits.allSatisfy({ (0...9).contains($0) })
        else { throw CalendarFault(line: property.line, detail: "\(name.rawValue) is no ±hhmm") }
        let pairs = stride(from: 0, to: digits.count, by: 2).map {
            digits[$0] * 10 + digits[$0 + 1]
        }
        guard pairs[0] < 24, pairs.dropFirst().allSatisfy({ $0 < 60 }) else {
            throw CalendarFault(line: property.line, detail: "\(name.rawValue) is no ±hhmm")
        }
        let seconds = pairs[0] * 3_600 + pairs[1] * 60 + (pairs.count > 2 ? pairs[2] : 0)
        return text.first == UInt8(ascii: "-") ? -seconds : seconds
    }
}
