import Foundation
import ICalendar
import Testing

@Suite("Zones of calendars")
struct CalendarZoneTests {
    /// An event at nine in July 2027 with that TZID, in a calendar with these lines.
    private static func start(_ id: String, _ lines: String = "") throws -> String {
        let text = """
            BEGIN:VCALENDAR
            BEGIN:VEVENT
            UID:1
            DTSTART;TZID=\(id):20270701T090000
            END:VEVENT
            \(lines)
            END:VCALENDAR
            """
        let file = try CalendarFileTests.read(text)
        if let fault = file.faults.first { throw fault }
        return try #require(file.events.first).start.formatted(.iso8601)
    }

    private static func zone(_ id: String, location: String = "", _ parts: String...) -> String {
        (["BEGIN:VTIMEZONE", "TZID:\(id)", location] + parts + ["END:VTIMEZONE"])
            .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func observance(
        _ kind: String, _ start: String, _ from: String, _ to: String, _ more: String = "X:"
    ) -> String {
        """
        BEGIN:\(kind)
        DTSTART:\(start)
        TZOFFSETFROM:\(from)
        TZOFFSETTO:\(to)
        \(more)
        END:\(kind)
        """
    }

    private static let berlin = [
        observance(
            "STANDARD", "16010101T030000", "+0200", "+0100",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10"),
        observance(
            "DAYLIGHT", "16010101T020000", "+0100", "+0200",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"),
    ].joined(separator: "\n")

    @Test(
        "A TZID leads to its IANA zone by itself, by its Windows name, or by the end of its path",
        arguments: [
            "Europe/Berlin", "\"Europe/Berlin\"", "W. Europe Standard Time",
            "/citadel.org/20190914_1/Europe/Berlin", "/mozilla.org/20050126_1/Europe/Berlin",
        ])
    func names(id: String) throws {
        #expect(try Self.start(id) == "2027-07-01T07:00:00Z")
    }

    @Test("A path may end in a name of three parts")
    func longNames() throws {
        let id = "/freeassociation.sourceforge.net/Tzfile/America/Argentina/Buenos_Aires"
        #expect(try Self.start(id) == "2027-07-01T12:00:00Z")
    }

    @Test("A zone of the calendar's own is read from its rules, wherever it stands")
    func own() throws {
        let id = "\"(UTC+01:00) Amsterdam, Berlin\""
        let zone = Self.zone("(UTC+01:00) Amsterdam, Berlin", Self.berlin)
        #expect(try Self.start(id, zone) == "2027-07-01T07:00:00Z")
    }

    @Test(
        "The same instants as the IANA zone's, on every day of fifty years",
        arguments: ["000000", "013000", "023000", "030000", "123000"])
    func peers(time: String) throws {
        var lines = ["BEGIN:VCALENDAR", Self.zone("Customized Time Zone", Self.berlin)]
        var day = Date(timeIntervalSince1970: 1_735_689_600)
        for _ in 0..<730 {
            let text = day.formatted(.iso8601.year().month().day().dateSeparator(.omitted))
            for id in ["Customized Time Zone", "Europe/Berlin"] {
                lines += ["BEGIN:VEVENT", "DTSTART;TZID=\(id):\(text)T\(time)", "END:VEVENT"]
            }
            day.addTimeInterval(25 * 86_400)
        }
        let file = try CalendarFileTests.read((lines + ["END:VCALENDAR"]).joined(separator: "\n"))
        #expect(file.events.count == 1460)
        for pair in stride(from: 0, to: file.events.count, by: 2) {
            #expect(file.events[pair].start == file.events[pair + 1].start)
        }
        #expect(file.events.first?.timeZone == nil)
    }

    @Test("Where a zone's component names an IANA zone, that one is taken")
    func locations() throws {
        let wrong = Self.observance("STANDARD", "19700101T000000", "+0000", "+0000")
        let zone = Self.zone("Mine", location: "X-LIC-LOCATION:Europe/Berlin", wrong)
        #expect(try Self.start("Mine", zone) == "2027-07-01T07:00:00Z")
    }

    @Test("A fixed offset, dates listed in RDATE, and rules that ended are read")
    func fixed() throws {
        let fixed = Self.observance("STANDARD", "19700101T000000", "+0530", "+053000")
        #expect(try Self.start("Mine", Self.zone("Mine", fixed)) == "2027-07-01T03:30:00Z")
        let listed = Self.observance(
            "DAYLIGHT", "20260301T020000", "+0100", "+0200", "RDATE:20270301T020000")
        #expect(try Self.start("Mine", Self.zone("Mine", listed)) == "2027-07-01T07:00:00Z")
        let ended = Self.observance(
            "DAYLIGHT", "20000326T020000", "+0000", "+0300",
            "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20100101T000000Z")
        #expect(try Self.start("Mine", Self.zone("Mine", ended)) == "2027-07-01T06:00:00Z")
    }

    @Test(
        "A zone that nothing describes, or that is described wrongly, refuses its events",
        arguments: [
            "", zone("Other", berlin), zone("Mine"),
            zone("Mine", observance("STANDARD", "1970", "+0000", "+0000")),
            zone("Mine", observance("STANDARD", "19700101T000000", "0000", "+0000")),
            zone("Mine", observance("STANDARD", "19700101T000000", "+2400", "+0000")),
            zone("Mine", observance("STANDARD", "19700101T000000", "+0000", "-99999999")),
            zone(
                "Mine",
                observance("STANDARD", "19700101T000000", "+0000", "+0100", "RRULE:FREQ=DAILY")),
            zone(
                "Mine",
                observance(
                    "STANDARD", "00010101T000000", "+0000", "+0100",
                    "RRULE:FREQ=SECONDLY;COUNT=999999999")),
        ])
    func faults(lines: String) {
        #expect { try Self.start("Mine", lines) } throws: { ($0 as? CalendarFault)?.line == 4 }
    }

    @Test("Offsets that contradict one another crash nothing")
    func contradictions() throws {
        let days = (1...28).map { "2027070\($0)".suffix(8) }.map { "\($0)T000000" }
        let parts = (0..<24).map { hour in
            Self.observance(
                "STANDARD", days[hour], hour.isMultiple(of: 2) ? "-2359" : "+2359",
                hour.isMultiple(of: 3) ? "+2359" : "-2300")
        }
        let zone = Self.zone("Mine", parts.joined(separator: "\n"))
        _ = try? Self.start("Mine", zone)
    }

    @Test("Days, and times without a zone, are read in the zone that the calendar names")
    func calendarZone() throws {
        let text = """
            BEGIN:VCALENDAR
            X-WR-TIMEZONE:Europe/Berlin
            BEGIN:VEVENT
            DTSTART;VALUE=DATE:20270701
            END:VEVENT
            END:VCALENDAR
            BEGIN:VCALENDAR
            BEGIN:VEVENT
            DTSTART;VALUE=DATE:20270701
            END:VEVENT
            END:VCALENDAR
            """
        let starts = try CalendarFileTests.read(text).events.map { $0.start.formatted(.iso8601) }
        #expect(starts == ["2027-06-30T22:00:00Z", "2027-06-30T23:00:00Z"])
    }
}
