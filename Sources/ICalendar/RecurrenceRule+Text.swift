import Foundation

extension RecurrenceRule: CustomStringConvertible {
    /// The longest text that is read, in bytes.
    private static let longestText = 1_000

    /// Reads `FREQ=WEEKLY;COUNT=10;BYDAY=TU`. Letters may be of either case; parts may come in any order.
    /// Throws what is wrong with the first part that is.
    public init(_ text: String) throws(RecurrenceFault) {
        guard text.utf8.count <= Self.longestText else {
            throw RecurrenceFault("is longer than \(Self.longestText) bytes")
        }
        var values: [Substring: Substring] = [:]
        let upper = text.uppercased()
        for part in upper.split(separator: ";", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, !sides[1].isEmpty else {
                throw RecurrenceFault(
                    "has “\(part)”: write each part as NAME=value, between them ;")
            }
            guard values.updateValue(sides[1], forKey: sides[0]) == nil else {
                throw RecurrenceFault("has \(sides[0]) twice")
            }
        }
        guard let frequency = values.removeValue(forKey: "FREQ") else {
            throw RecurrenceFault("has no FREQ: it is DAILY, WEEKLY, MONTHLY or YEARLY")
        }
        guard let known = Frequency(rawValue: String(frequency)) else {
            throw RecurrenceFault("has FREQ=\(frequency): use DAILY, WEEKLY, MONTHLY or YEARLY")
        }
        self.init(known)
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { try read(name, value) }
        try check()
    }

    private mutating func read(_ name: Substring, _ value: Substring) throws(RecurrenceFault) {
        switch name {
        case "INTERVAL": interval = try Self.number(name, value, 1...1_000_000)
        case "COUNT":
            try setEnd(.count(Self.number(name, value, 1...1_000_000_000)))
        case "UNTIL": try setEnd(Self.until(value))
        case "BYMONTH": months = try Self.numbers(name, value, 1...12)
        case "BYWEEKNO": weeks = try Self.numbers(name, value, 1...53, signed: true)
        case "BYYEARDAY": yearDays = try Self.numbers(name, value, 1...366, signed: true)
        case "BYMONTHDAY": monthDays = try Self.numbers(name, value, 1...31, signed: true)
        case "BYSETPOS": positions = try Self.numbers(name, value, 1...366, signed: true)
        case "BYDAY": days = try Self.days(value)
        case "WKST":
            guard let day = Weekday(text: value) else {
                throw RecurrenceFault("has WKST=\(value): it is one of MO, TU, WE, TH, FR, SA, SU")
            }
            weekStart = day
        case "BYHOUR", "BYMINUTE", "BYSECOND":
            throw RecurrenceFault("has \(name): the time of day is that of the start")
        default:
            throw RecurrenceFault("has \(name), which Berth does not know")
        }
    }

    private mutating func setEnd(_ end: End) throws(RecurrenceFault) {
        guard self.end == nil else {
            throw RecurrenceFault("has COUNT and UNTIL: give one of the two")
        }
        self.end = end
    }

    /// What RFC 5545 forbids of parts together.
    private func check() throws(RecurrenceFault) {
        if days.contains(where: { $0.ordinal != nil }) {
            guard frequency == .monthly || (frequency == .yearly && weeks.isEmpty) else {
                throw RecurrenceFault(
                    "has BYDAY with a number: only MONTHLY, and YEARLY without BYWEEKNO, count days"
                )
            }
        }
        if !monthDays.isEmpty, frequency == .weekly {
            throw RecurrenceFault("has BYMONTHDAY, which WEEKLY cannot have: use MONTHLY")
        }
        if !yearDays.isEmpty, frequency != .yearly {
            throw RecurrenceFault("has BYYEARDAY, which only YEARLY can have")
        }
        if !weeks.isEmpty, frequency != .yearly {
            throw RecurrenceFault("has BYWEEKNO, which only YEARLY can have")
        }
        if !positions.isEmpty,
            months.isEmpty && weeks.isEmpty && yearDays.isEmpty && monthDays.isEmpty && days.isEmpty
        {
            throw RecurrenceFault("has BYSETPOS alone: it chooses from what another BY part gives")
        }
    }

    /// The rule in a canonical form, which reads as an equal rule.
    public var description: String {
        var parts = ["FREQ=\(frequency.rawValue)"]
        if interval != 1 { parts.append("INTERVAL=\(interval)") }
        switch end {
        case .count(let count): parts.append("COUNT=\(count)")
        case .instant(let instant): parts.append("UNTIL=\(CivilTime(utc: instant).basicText)Z")
        case .local(let local): parts.append("UNTIL=\(local.basicText)")
        case nil: break
        }
        for (name, numbers) in [
            ("BYMONTH", months), ("BYWEEKNO", weeks), ("BYYEARDAY", yearDays),
            ("BYMONTHDAY", monthDays),
        ] where !numbers.isEmpty {
            parts.append("\(name)=\(numbers.map(String.init).joined(separator: ","))")
        }
        if !days.isEmpty {
            let texts = days.map { day in (day.ordinal.map(String.init) ?? "") + day.weekday.text }
            parts.append("BYDAY=\(texts.joined(separator: ","))")
        }
        if !positions.isEmpty {
            parts.append("BYSETPOS=\(positions.map(String.init).joined(separator: ","))")
        }
        if weekStart != .monday { parts.append("WKST=\(weekStart.text)") }
        return parts.joined(separator: ";")
    }
}

extension RecurrenceRule {
    private static func number(
        _ name: Substring, _ value: Substring, _ bounds: ClosedRange<Int>
    ) throws(RecurrenceFault) -> Int {
        guard value.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(value),
            bounds.contains(number)
        else {
            throw RecurrenceFault(
                "has \(name)=\(value): it is a whole number from \(bounds.lowerBound) to "
                    + "\(bounds.upperBound)")
        }
        return number
    }

    private static func numbers(
        _ name: Substring, _ value: Substring, _ bounds: ClosedRange<Int>, signed: Bool = false
    ) throws(RecurrenceFault) -> [Int] {
        var numbers: [Int] = []
        for item in value.split(separator: ",", omittingEmptySubsequences: false) {
            let sign = signed ? item.first : nil
            let digits = sign == "-" || sign == "+" ? item.dropFirst() : item
            let number = try number(name, digits, bounds)
            numbers.append(sign == "-" ? -number : number)
        }
        return numbers
    }

    private static func days(_ value: Substring) throws(RecurrenceFault) -> [Day] {
        var days: [Day] = []
        for item in value.split(separator: ",", omittingEmptySubsequences: false) {
            guard let weekday = Weekday(text: item.suffix(2)) else {
                throw RecurrenceFault("has BYDAY=\(value): days are MO, TU, … or 1MO, -1FR, …")
            }
            let count = item.dropLast(2)
            let ordinals = try count.isEmpty ? [] : numbers("BYDAY", count, 1...53, signed: true)
            days.append(Day(weekday, ordinal: ordinals.first))
        }
        return days
    }

    private static func until(_ value: Substring) throws(RecurrenceFault) -> End {
        let isUTC = value.hasSuffix("Z")
        let text = isUTC ? value.dropLast() : value
        guard let local = CivilTime(basicText: text, isEndOfDay: true),
            !isUTC || text.utf8.count == 15
        else {
            throw RecurrenceFault(
                "has UNTIL=\(value): write it as 20270301, 20270301T090000 or 20270301T090000Z")
        }
        return isUTC ? .instant(local.utcInstant) : .local(local)
    }
}
