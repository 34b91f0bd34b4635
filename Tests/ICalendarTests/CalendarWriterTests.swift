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
