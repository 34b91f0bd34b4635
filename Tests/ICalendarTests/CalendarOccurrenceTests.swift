import Foundation
import ICalendar
import Testing

@Suite("Occurrences of a calendar's event")
struct CalendarOccurrenceTests {
    private static func event(_ lines: String...) throws -> CalendarEvent {
        let text = (["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1"] + lines)
            .joined(separator: "\n")
        let file = try CalendarFileTests.read(text + "\nEND:VEVENT\nEND:VCALENDAR")
        if let fault = file.faults.first { throw fault }
        return try #require(file.events.first)
    }

    private static func periods(_ event: CalendarEvent, atMost most: Int = 366) throws -> [String] {
        try event.occurrences(atMost: most).map {
            $0.lowerBound.formatted(.iso8601) + "/" + $0.upperBound.formatted(.iso8601)
        }
    }

    @Test("RRULE, RDATE and EXDATE make the set; the time of day is kept where clocks change")
    func set() throws {
        let event = try Self.event(
            "DTSTART;TZID=Europe/London:20270320T090000",
            "DTEND;TZID=Europe/London:20270320T100000",
            "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;TZID=Europe/London:20270327T090000",
            "RDATE;TZID=Europe/London:20270321T090000,20270322T090000")
        #expect(
            try Self.periods(event) == [
                "2027-03-20T09:00:00Z/2027-03-20T10:00:00Z",
                "2027-03-21T09:00:00Z/2027-03-21T10:00:00Z",
                "2027-03-22T09:00:00Z/2027-03-22T10:00:00Z",
                "2027-04-03T08:00:00Z/2027-04-03T09:00:00Z",
            ])
    }

    @Test("Days stay days where clocks change")
    func days() throws {
        let event = try Self.event("DTSTART;VALUE=DATE:20270327", "RRULE:FREQ=DAILY;COUNT=3")
        #expect(
            try Self.periods(event) == [
                "2027-03-27T00:00:00Z/2027-03-28T00:00:00Z",
                "2027-03-28T00:00:00Z/2027-03-28T23:00:00Z",
                "2027-03-28T23:00:00Z/2027-03-29T23:00:00Z",
            ])
    }

    @Test("A period in RDATE has an end of its own")
    func additionalPeriods() throws {
        let event = try Self.event(
            "DTSTART:20270301T090000Z", "DURATION:PT1H",
            "RDATE;VALUE=PERIOD:20270302T090000Z/PT3H,20270303T090000Z/20270303T093000Z")
        #expect(
            try Self.periods(event) == [
                "2027-03-01T09:00:00Z/2027-03-01T10:00:00Z",
                "2027-03-02T09:00:00Z/2027-03-02T12:00:00Z",
                "2027-03-03T09:00:00Z/2027-03-03T09:30:00Z",
            ])
    }

    @Test("A day in EXDATE leaves out what starts on that day")
    func excludedDays() throws {
        let event = try Self.event(
            "DTSTART;TZID=America/New_York:20270301T210000", "DURATION:PT1H",
            "RRULE:FREQ=DAILY;COUNT=2", "EXDATE;VALUE=DATE:20270302")
        #expect(try Self.periods(event) == ["2027-03-02T02:00:00Z/2027-03-02T03:00:00Z"])
    }

    @Test("The event's own start is an occurrence, also where its rule leaves it out")
    func ownStart() throws {
        let event = try Self.event(
            "DTSTART:20270301T090000Z", "DURATION:PT1H",
            "RRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=20270303")
        #expect(
            try Self.periods(event) == [
                "2027-03-01T09:00:00Z/2027-03-01T10:00:00Z",
                "2027-03-02T09:00:00Z/2027-03-02T10:00:00Z",
            ])
    }

    @Test(
        "A rule that is wrong, endless or a bomb is refused when it is expanded",
        arguments: [
            "FREQ=SECONDLY", "FREQ=DAILY", "FREQ=DAILY;COUNT=367", "FREQ=HOURLY;COUNT=5",
            "FREQ=DAILY;COUNT=999999999999999999999", "FREQ=YEARLY;UNTIL=99999999T000000Z", "",
            "FREQ=DAILY;UNTIL=21991231T000000Z",
        ])
    func bombs(rule: String) throws {
        let event = try Self.event("DTSTART:20270301T090000Z", "DURATION:PT1H", "RRULE:\(rule)")
        #expect(throws: RecurrenceFault.self) { try event.occurrences(atMost: 366) }
    }

    @Test("A rule may say the start's time of day once more, and no other")
    func timeOfDay() throws {
        let rule = "RRULE:FREQ=DAILY;COUNT=2;BYMINUTE=0;BYHOUR="
        let start = "DTSTART;TZID=Europe/Berlin:20270301T090000"
        #expect(try Self.event(start, rule + "9").occurrences(atMost: 2).count == 2)
        #expect(throws: RecurrenceFault.self) {
            try Self.event(start, rule + "9,17").occurrences(atMost: 9)
        }
    }

    @Test("Occurrences that end after the year 9999 are refused")
    func farEnds() throws {
        for lines in ["RDATE;VALUE=PERIOD:99990101T000000Z/P1000000W", "RRULE:FREQ=DAILY;COUNT=9"] {
            let event = try Self.event("DTSTART:20270301", "DTEND:99991231", lines)
            #expect(throws: RecurrenceFault.self) { try event.occurrences(atMost: 366) }
        }
    }

    @Test("An override keeps the start that it stands for")
    func overrides() throws {
        let event = try Self.event(
            "RECURRENCE-ID;TZID=Europe/London:20270701T090000", "DTSTART:20270702T090000Z")
        #expect(event.recurrenceID?.formatted(.iso8601) == "2027-07-01T08:00:00Z")
    }
}
