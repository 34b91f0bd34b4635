import BerthCore

extension Policy {
    /// Writes the rules that are set.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.rule("maxHours", maxHours)
            json.rule("minLeadMinutes", minLeadMinutes)
            json.rule("horizonDays", horizonDays)
            json.rule("approval", approval?.rawValue)
            json.rule("requestHoldMinutes", requestHoldMinutes)
            json.rule("setupMinutes", setupMinutes)
            json.rule("teardownMinutes", teardownMinutes)
            json.rule("checkInMinutes", checkInMinutes)
            if let displaceable {
                json.name("displaceable")
                json.value(displaceable)
            }
            if let openingHours {
                json.name("openingHours")
                json.array(openingHours) { $1.write(&$0) }
            }
            json.rule("teamHoursPerWeek", teamHoursPerWeek)
            json.rule("teamBookingsAtOnce", teamBookingsAtOnce)
            json.rule("changes", changes?.rawValue)
            json.rule("asPart", asPart?.rawValue)
        }
    }

    /// Sets the rules that were sent; null takes one away.
    mutating func apply(_ fields: inout FieldReader) {
        fields.setOptional(&maxHours, "maxHours", .whole(1...8784))
        fields.setOptional(&minLeadMinutes, "minLeadMinutes", .whole(0...527_040))
        fields.setOptional(&horizonDays, "horizonDays", .whole(1...3660))
        fields.setOptional(&approval, "approval", .choice(Approval.allCases))
        fields.setOptional(&requestHoldMinutes, "requestHoldMinutes", .whole(1...527_040))
        fields.setOptional(&setupMinutes, "setupMinutes", .whole(0...Limits.bufferMinutes))
        fields.setOptional(&teardownMinutes, "teardownMinutes", .whole(0...Limits.bufferMinutes))
        fields.setOptional(&checkInMinutes, "checkInMinutes", .whole(1...10_080))
        fields.setOptional(&displaceable, "displaceable", .truth)
        fields.setOptional(&openingHours, "openingHours", .array(of: .openingHours, atMost: 50))
        fields.setOptional(&teamHoursPerWeek, "teamHoursPerWeek", .whole(1...100_000))
        fields.setOptional(&teamBookingsAtOnce, "teamBookingsAtOnce", .whole(1...100_000))
        fields.setOptional(&changes, "changes", .choice(Changes.allCases))
        fields.setOptional(&asPart, "asPart", .choice(AsPart.allCases))
    }
}

extension Policy.OpeningHours {
    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("days", days)
            json.member("from", from)
            json.member("to", to)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func rule(_ name: StaticString, _ value: Int?) {
        if let value { member(name, value) }
    }

    fileprivate mutating func rule(_ name: StaticString, _ value: String?) {
        if let value { member(name, value) }
    }
}

extension FieldForm where Value == Policy.OpeningHours {
    /// Hours on some days.
    fileprivate static var openingHours: FieldForm {
        FieldForm { sent, pointer, faults in
            guard case .object(let object) = sent else {
                faults.append(FieldFault(pointer, "must be an object, and is \(sent.kind)"))
                return nil
            }
            var fields = FieldReader(object, at: pointer, isPatch: false)
            fields.require("days", "from", "to")
            var hours = Policy.OpeningHours(days: [], from: "", to: "")
            fields.set(&hours.days, "days", .array(of: .weekday, atMost: 7, atLeast: 1))
            fields.set(&hours.from, "from", .timeOfDay)
            fields.set(&hours.to, "to", .timeOfDay)
            if Set(hours.days).count < hours.days.count {
                fields.fault("days", "names a day twice")
            }
            // Both are HH:MM, so their order as texts is their order as times.
            if fields.faults.isEmpty, hours.from >= hours.to {
                fields.fault("to", "is not after from")
            }
            fields.refuseUnknown()
            faults += fields.faults
            return fields.faults.isEmpty ? hours : nil
        }
    }
}

extension FieldForm where Value == String {
    /// An RFC 5545 weekday.
    fileprivate static var weekday: FieldForm {
        text("a weekday") { text throws(FormFault) in
            let days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
            guard days.contains(text) else {
                throw FormFault("must be one of \(days.joined(separator: ", "))")
            }
            return text
        }
    }

    /// A local time; the end of a day is `24:00`.
    fileprivate static var timeOfDay: FieldForm {
        text("a time of day") { text throws(FormFault) in
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, text.utf8.count == 5,
                parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy(isDigit) }),
                let hour = Int(parts[0]), let minute = Int(parts[1]),
                hour < 24 && minute < 60 || text == "24:00"
            else { throw FormFault("is not a time of day: write it as 08:00") }
            return text
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
