import Foundation
import ICalendar
import Testing

@Suite("Calendars that nobody should write", .serialized)
struct HostileCalendarTests {
    /// Two good events around what is wrong.
    private static func around(_ lines: String...) -> String {
        let good = "BEGIN:VEVENT\nDTSTART:20270301T090000Z\nEND:VEVENT\n"
        return "BEGIN:VCALENDAR\n" + good + lines.map { $0 + "\n" }.joined() + good
            + "END:VCALENDAR\n"
    }

    @Test(
        "A fault inside an event refuses that event with its line, and the others are read",
        arguments: [
            (["BEGIN:VEVENT", "DTSTART:00000301T090000Z", "END:VEVENT"], 6),
            (["BEGIN:VEVENT", "DTSTART:99999999T990000Z", "END:VEVENT"], 6),
            (["BEGIN:VEVENT", "DTSTART:20270229", "END:VEVENT"], 6),
            (["BEGIN:VEVENT", "DTSTART:２０２７0301", "END:VEVENT"], 6),
            (
                [
                    "BEGIN:VEVENT", "DTSTART:20270301T090000Z", "DTEND:20270301T080000Z",
                    "END:VEVENT",
                ], 7
            ),
            (["BEGIN:VEVENT", "DTSTART:20270301T090000Z", "DURATION:-PT1H", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301T090000Z", "DURATION:P", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301T090000Z", "DURATION:PT", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301T090000Z", "DURATION:P1M", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301T090000Z", "DURATION:PT1H1H", "END:VEVENT"], 7),
            (
                [
                    "BEGIN:VEVENT", "DTSTART:20270301T090000Z",
                    "DURATION:P99999999999999999999999W", "END:VEVENT",
                ], 7
            ),
            (["BEGIN:VEVENT", "DTSTART:20270301T090000Z", "DURATION:P1000000W", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301", "EXDATE:nonsense", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301", "RDATE:20270302/-P1D", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301", "EXRULE:FREQ=DAILY", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301", "no property", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART;TZID=\"Europe/London:20270301T090000", "END:VEVENT"], 6),
            (["BEGIN:VEVENT", "DTSTART:20270301", "SUMMARY:a\0b", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301", "BEGIN:VALARM", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301", "END:VALARM", "END:VEVENT"], 7),
            (["BEGIN:VEVENT", "DTSTART:20270301"], 5),
            (
                [
                    "BEGIN:VEVENT", "RECURRENCE-ID;RANGE=THISANDFUTURE:20270301",
                    "DTSTART:20270301", "END:VEVENT",
                ], 6
            ),
        ])
    func faults(lines: [String], line: Int) throws {
        let file = try CalendarFileTests.read(Self.around(lines.joined(separator: "\n")))
        #expect(file.events.count == 2)
        #expect(file.faults.map(\.line) == [line])
    }

    @Test("A fault tells which event it is of")
    func faultOfEvent() throws {
        let text = Self.around("BEGIN:VEVENT", "UID:7", "DTSTART:x", "END:VEVENT")
        #expect(try CalendarFileTests.read(text).faults.map(\.uid) == ["7"])
    }

    @Test("Latin-1 in an event refuses that event with its line")
    func latin1() throws {
        var bytes = Data("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270301\nSUMMARY:Gr".utf8)
        bytes += [0xFC] + Data("n\nEND:VEVENT\nEND:VCALENDAR\n".utf8)
        let file = try CalendarFile(
            bytes, zone: ("UTC", ZoneRules(.gmt)), named: CalendarFileTests.zone)
        #expect(file.faults.map(\.line) == [4])
    }

    @Test(
        "UTF-16 is refused as such",
        arguments: [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian])
    func utf16(encoding: String.Encoding) throws {
        let bytes = try #require(Self.around().data(using: encoding))
        #expect {
            try CalendarFile(bytes, zone: ("UTC", ZoneRules(.gmt)), named: CalendarFileTests.zone)
        } throws: {
            ($0 as? CalendarFault)?.detail.contains("UTF-16") == true
        }
    }

    @Test("A byte order mark, small letters, several calendars and blank lines are read")
    func tolerated() throws {
        let text =
            "\u{FEFF}begin:vcalendar\r\n\r\nbegin:vevent\r\ndtstart:20270301T090000z\r\n"
            + "end:vevent \r\nend:vcalendar\r\n\r\n" + Self.around()
        let file = try CalendarFileTests.read(text)
        #expect(file.events.count == 3, "\(file.faults)")
    }

    @Test(
        "A file whose structure is broken is refused with a line",
        arguments: [
            (Self.around().replacingOccurrences(of: "\n", with: "\r"), 1),
            (Self.around() + "BEGIN:VEVENT\n", 9), (Self.around() + "X:1\n", 9),
            ("BEGIN:VCALENDAR\nEND:VTODO\n", 2), ("BEGIN:VCALENDAR\n", 1), ("\n\n", 1),
        ])
    func structure(text: String, line: Int) {
        #expect { try CalendarFileTests.read(text) } throws: {
            ($0 as? CalendarFault)?.line == line
        }
    }

    @Test(
        "What is large is read, or refused with a line",
        arguments: [
            "BEGIN:VCALENDAR\n" + String(repeating: "x", count: 60_000_000),
            "BEGIN:VCALENDAR\nX:1\n" + String(repeating: " x\n", count: 1_900_000),
            "BEGIN:VCALENDAR\n" + String(repeating: "BEGIN:VEVENT\n", count: 200_000),
            around(String(repeating: "BEGIN:A\n", count: 10_000)),
            around("BEGIN:VEVENT\n" + String(repeating: "EXDATE:20270301\n", count: 200_000)),
            around(
                "BEGIN:VEVENT\nDTSTART:20270301\nEXDATE:"
                    + String(repeating: "20270301,", count: 100_000)),
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nX" + String(repeating: ";A=\"", count: 250_000),
            String(repeating: "\n", count: 3_000_000),
        ])
    func large(text: String) {
        // That it ends is what is shown: no hang, and no crash.
        let read = Result { try CalendarFileTests.read(text) }
        if case .failure(let error) = read { #expect((error as? CalendarFault)?.line ?? 0 > 0) }
    }

    @Test("A file of more than 64 mebibytes, and more than 10,000 dates of an event, are refused")
    func bounds() throws {
        #expect {
            try CalendarFileTests.read(String(repeating: "\n", count: (64 << 20) + 1))
        } throws: {
            ($0 as? CalendarFault)?.detail.contains("larger") == true
        }
        let dates = String(repeating: "20270301,", count: 10_001)
        let text = Self.around("BEGIN:VEVENT", "DTSTART:20270301", "EXDATE:\(dates)", "END:VEVENT")
        #expect(try CalendarFileTests.read(text).faults.map(\.line) == [7])
    }

    @Test("A hundred thousand lines are read")
    func many() throws {
        let event = """
            BEGIN:VEVENT
            UID:20270301-1@example.org
            DTSTAMP:20270101T000000Z
            DTSTART:20270301T090000Z
            DTEND:20270301T100000Z
            SUMMARY:Regression test of the payment run
            LOCATION:uat-1
            X-OTHER;VALUE=TEXT:something that nobody reads here
            STATUS:CONFIRMED
            END:VEVENT

            """
        let text = "BEGIN:VCALENDAR\n" + String(repeating: event, count: 100_000)
        #expect(try CalendarFileTests.read(text + "END:VCALENDAR\n").events.count == 100_000)
    }
}
