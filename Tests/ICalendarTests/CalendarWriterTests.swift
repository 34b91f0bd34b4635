import Foundation
import Testing

@testable import ICalendar

@Suite("Writing calendars")
struct CalendarWriterTests {
    private static let instant = Date(timeIntervalSince1970: 1_803_913_200)

    private func lines(_ entry: CalendarEntry) -> [String] {
        var writer = CalendarWriter(CalendarWriter.Head(productID: "-//Test//EN"))
        writer.write(entry)
        writer.end()
        return String(decoding: writer.take(), as: UTF8.self).components(separatedBy: "\r\n")
    }

    private func entry(_ summary: String) -> CalendarEntry {
        CalendarEntry(
            uid: "1@test", sequence: 0, createdAt: Self.instant, modifiedAt: Self.instant,
            start: Self.instant, end: Self.instant.addingTimeInterval(3_600), status: .confirmed,
            summary: summary)
    }

    @Test(
        "No line is longer than 75 octets, and no character is cut",
        arguments: ["x", "é", "日", "👩‍👩‍👧‍👦", "a日"], [10, 66, 67, 68, 200])
    func folds(_ character: String, _ count: Int) throws {
        let summary = String(repeating: character, count: count)
        let written = lines(entry(summary))
        for line in written { #expect(line.utf8.count <= 75) }
        // Read back byte by byte: to Swift, a fold inside a family of emoji is part of a character.
        let read = try CalendarFile(
            Data(written.joined(separator: "\r\n").utf8), zone: ("UTC", ZoneRules(.gmt))
        ) { _ in nil }
        #expect(read.events.map(\.summary) == [summary])
    }

    @Test("Text cannot make a line, a property or a component")
    func hostileText() {
        let hostile = "a\r\nEND:VEVENT\rBEGIN:VALARM\nX:1\u{0}\u{7F}\u{85}b\u{2028}c;d,e\\f\u{9B}"
        let written = lines(entry(hostile))
        #expect(written.count { $0.hasPrefix("BEGIN:") } == 2)
        #expect(written.contains(#"SUMMARY:a\nEND:VEVENT\nBEGIN:VALARM\nX:1\nb\nc\;d\,e\\f"#))
    }

    private func component(_ name: String, _ years: ClosedRange<Int>) throws -> [String] {
        let zone = try ZoneRules(#require(TimeZone(identifier: name)))
        let first = try CivilTime(year: years.lowerBound, month: 1, day: 4).utcInstant
        let last = try CivilTime(year: years.upperBound, month: 12, day: 4).utcInstant
        var writer = ContentWriter()
        zone.write(covering: first..<last, to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self).components(separatedBy: "\r\n")
    }

    @Test("A yearly change of clocks is written as a rule, an odd one as dates")
    func zones() throws {
        let london = try component("Europe/London", 2027...2027)
        #expect(london.contains("RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"))
        #expect(london.contains("RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU"))
        let kolkata = try component("Asia/Kolkata", 2027...2029)
        #expect(kolkata.contains("TZOFFSETTO:+0530"))
        #expect(!kolkata.contains { $0.hasPrefix("RRULE") })
        let casablanca = try component("Africa/Casablanca", 2027...2029)
        #expect(casablanca.contains { $0.hasPrefix("RDATE") })
        // Some clients read only the first date of a line.
        #expect(!casablanca.contains { $0.hasPrefix("RDATE") && $0.contains(",") })
        let santiago = try component("America/Santiago", 2027...2030)
        #expect(
            santiago.contains("RRULE:FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=2,3,4,5,6,7,8;BYDAY=SU"),
            "\(santiago)")
    }

    @Test(
        "A zone that is written is read back as it is, whatever its rules and whenever the span ends",
        arguments: [
            "Europe/Paris", "America/Santiago", "Asia/Gaza", "Africa/Casablanca",
            "America/New_York",
            "Australia/Lord_Howe", "Asia/Jerusalem", "Africa/Cairo", "Pacific/Apia", "Asia/Tehran",
            "America/Sao_Paulo", "Europe/Istanbul",
        ])
    func roundTrip(name: String) throws {
        let zone = try ZoneRules(#require(TimeZone(identifier: name)))
        for (from, days) in [(1_262_304_000, 3_650), (1_798_761_600, 400), (1_803_000_000, 1_100)] {
            let first = Date(timeIntervalSince1970: Double(from))
            for ends in stride(from: days, to: days + 360, by: 45) {
                let last = first.addingTimeInterval(Double(ends) * 86_400)
                var writer = ContentWriter()
                zone.write(covering: first..<last, to: &writer)
                var lines = ["BEGIN:VCALENDAR"]
                lines += String(decoding: writer.bytes, as: UTF8.self)
                    .replacing(name, with: "Mine").components(separatedBy: "\r\n").dropLast()
                var expected: [Date] = []
                for day in stride(from: 1, to: ends, by: 11) {
                    let instant = first.addingTimeInterval(Double(day) * 86_400 + 43_200)
                    let local = zone.civilTime(at: instant)
                    expected.append(instant)
                    lines += [
                        "BEGIN:VEVENT", "DTSTART;TZID=Mine:\(local.basicText)", "END:VEVENT",
                    ]
                }
                let file = try CalendarFileTests.read(
                    (lines + ["END:VCALENDAR"]).joined(separator: "\n"))
                #expect(file.faults == [])
                #expect(file.events.map(\.start) == expected, "\(first) \(ends)")
            }
        }
    }

    @Test("UNTIL is written in UTC beside a start with a zone")
    func until() throws {
        var event = entry("x")
        event.clock = SeriesClock(
            ZoneRules(try #require(TimeZone(identifier: "America/New_York"))), first: event.start)
        event.recurrence = Recurrence(try RecurrenceRule("FREQ=DAILY;UNTIL=20270310"))
        let written = lines(event)
        #expect(written.contains("RRULE:FREQ=DAILY;UNTIL=20270311T045959Z"))
        #expect(written.contains { $0.hasPrefix("DTSTART;TZID=America/New_York:") })
    }
}
