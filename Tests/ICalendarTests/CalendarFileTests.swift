import Foundation
import ICalendar
import Testing

@Suite("Reading calendars")
struct CalendarFileTests {
    static func zone(_ name: String) -> (name: String, rules: ZoneRules)? {
        guard name.contains("/") || name == "UTC" else { return nil }
        return TimeZone(identifier: name).map { (name, ZoneRules($0)) }
    }

    static func read(_ text: String) throws -> CalendarFile {
        try CalendarFile(
            Data(text.utf8),
            zone: ("Europe/London", ZoneRules(TimeZone(identifier: "Europe/London") ?? .gmt)),
            named: zone)
    }

    @Test("Folds are undone, also inside a character, and escapes")
    func text() throws {
        var bytes = Data(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20270301T090000Z\r\nSUMMARY:Gr".utf8)
        bytes += [0xC3] + Data("\r\n ".utf8) + [0xBC]
        bytes += Data("n\\, blau\\; rot\\\\\\nzwei\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n".utf8)
        let file = try CalendarFile(bytes, zone: ("UTC", ZoneRules(.gmt)), named: Self.zone)
        #expect(file.events.first?.summary == "Grün, blau; rot\\\nzwei")
    }

    @Test(
        "Times are read in UTC, in their zone, or in the given one; days end a day later",
        arguments: [
            (
                ["DTSTART:20270701T090000Z", "DURATION:PT90M"], "2027-07-01T09:00:00Z",
                "2027-07-01T10:30:00Z"
            ),
            (
                [
                    "DTSTART;TZID=\"America/New_York\":20270701T090000",
                    "DTEND;TZID=America/New_York:20270701T100000",
                ],
                "2027-07-01T13:00:00Z", "2027-07-01T14:00:00Z"
            ),
            (
                ["DTSTART:20270701T090000", "DTEND:20270701T100000"], "2027-07-01T08:00:00Z",
                "2027-07-01T09:00:00Z"
            ),
            (["DTSTART;VALUE=DATE:20270327"], "2027-03-27T00:00:00Z", "2027-03-28T00:00:00Z"),
            // The clocks go forward on the 28th: a day is 23 hours, 24 hours are 24.
            (
                ["DTSTART:20270327T120000", "DURATION:P1D"], "2027-03-27T12:00:00Z",
                "2027-03-28T11:00:00Z"
            ),
            (
                ["DTSTART:20270327T120000", "DURATION:PT24H"], "2027-03-27T12:00:00Z",
                "2027-03-28T12:00:00Z"
            ),
        ])
    func times(lines: [String], start: String, end: String) throws {
        let text = (["BEGIN:VCALENDAR", "BEGIN:VEVENT"] + lines + ["END:VEVENT", "END:VCALENDAR"])
            .joined(separator: "\n")
        let event = try #require(try Self.read(text).events.first)
        #expect(event.start.formatted(.iso8601) == start)
        #expect(event.end.formatted(.iso8601) == end)
    }

    @Test("One wrong event is told with its line, and the others are read")
    func faults() throws {
        let text = """
            BEGIN:VCALENDAR
            BEGIN:VEVENT
            DTSTART;TZID=Nowhere:20270301T090000
            END:VEVENT
            BEGIN:VEVENT
            SUMMARY:none
            END:VEVENT
            BEGIN:VEVENT
            DTSTART:20270301T090000Z
            RRULE:FREQ=DAILY;COUNT=2
            EXDATE:20270302T090000Z
            CATEGORIES:Freeze,Other
            BEGIN:VALARM
            DTSTART:nonsense
            END:VALARM
            END:VEVENT
            END:VCALENDAR
            """
        let file = try Self.read(text)
        #expect(file.faults.map(\.line) == [3, 5])
        #expect(file.events.count == 1)
        #expect(file.events.first?.rule == "FREQ=DAILY;COUNT=2")
        #expect(file.events.first?.exclusions.count == 1)
        #expect(file.events.first?.categories == ["Freeze", "Other"])
    }

    @Test(
        "What is no calendar is refused with its line",
        arguments: [
            ("", 1), ("hello", 1), ("BEGIN:VCALENDAR\nEND:VEVENT", 2),
            ("BEGIN:VCALENDAR\nBEGIN:VEVENT", 2),
            ("BEGIN:VCALENDAR\n" + String(repeating: "BEGIN:X\n", count: 10_000), 33),
            ("BEGIN:VCALENDAR\nSUMMARY:" + String(repeating: "x", count: 2 << 20), 2),
        ])
    func refusals(text: String, line: Int) {
        #expect { try Self.read(text) } throws: { ($0 as? CalendarFault)?.line == line }
    }

    @Test("What is no UTF-8 is refused with its line")
    func encoding() {
        let bytes = Data("BEGIN:VCALENDAR\nSUMMARY:".utf8) + [0xFF, 0xFE]
        #expect {
            try CalendarFile(bytes, zone: ("UTC", ZoneRules(.gmt)), named: Self.zone)
        } throws: {
            ($0 as? CalendarFault)?.line == 2
        }
    }
}
