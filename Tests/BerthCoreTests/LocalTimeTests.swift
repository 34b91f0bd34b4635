import Foundation
import ICalendar
import Testing

@testable import BerthCore

struct LocalTimeTests {
    static func rules(_ name: String) throws -> ZoneRules {
        ZoneRules(try #require(TimeZone(identifier: name)))
    }

    @Test("local times mean the instants that Python's zoneinfo says, in 19 zones")
    func fixture() throws {
        let url = try #require(
            Bundle.module.url(
                forResource: "local-times", withExtension: "csv", subdirectory: "Fixtures"))
        var reader = CSVReader(try Data(contentsOf: url), delimiter: .comma)
        var zones: [String: ZoneRules] = [:]
        var count = 0
        while let record = try reader.next() {
            let name = record.fields[0]
            let zone = try zones[name] ?? Self.rules(name)
            zones[name] = zone
            guard case .local(let local) = try TimeText(record.fields[1]) else {
                Issue.record("\(record.fields[1]) has no offset")
                continue
            }
            let expected = record.fields.dropFirst(2).compactMap { Double($0) }
            let found: [Date] =
                switch zone.reading(of: local) {
                case .once(let instant): [instant]
                case .repeated(let instants): instants
                case .skipped: []
                }
            #expect(found.map(\.timeIntervalSince1970) == expected, "\(name) \(local)")
            for instant in found { #expect(zone.civilTime(at: instant) == local) }
            count += 1
        }
        #expect(count > 4_000)
    }

    @Test("a time that does not exist is refused with the nearest valid ones")
    func gaps() throws {
        let cases = [
            ("Europe/London", "2027-03-28 01:30", "2027-03-28 00:59 and 2027-03-28 02:00"),
            ("Europe/Berlin", "2027-03-28 02:00", "2027-03-28 01:59 and 2027-03-28 03:00"),
            ("America/New_York", "2027-03-14 02:59:59", "2027-03-14 01:59 and 2027-03-14 03:00"),
            ("Australia/Lord_Howe", "2027-10-03 02:15", "2027-10-03 01:59 and 2027-10-03 02:30"),
            ("Pacific/Apia", "2011-12-30", "2011-12-29 23:59 and 2011-12-31 00:00"),
        ]
        for (name, text, nearest) in cases {
            let zone = try Self.rules(name)
            let error = #expect(throws: LocalTimeError.self) {
                try TimeText(text).instant(in: zone)
            }
            let message = try #require(error).description
            #expect(message.contains("does not exist in \(name)"), "\(message)")
            #expect(message.hasSuffix(nearest), "\(message)")
        }
    }

    @Test("an ambiguous time is refused with both readings")
    func folds() throws {
        let cases = [
            (
                "Europe/London", "2027-10-31 01:30",
                "2027-10-31T01:30:00+01:00 or 2027-10-31T01:30:00Z"
            ),
            (
                "Australia/Lord_Howe", "2027-04-04 01:45",
                "2027-04-04T01:45:00+11:00 or 2027-04-04T01:45:00+10:30"
            ),
            (
                "America/New_York", "2027-11-07 01:00",
                "2027-11-07T01:00:00-04:00 or 2027-11-07T01:00:00-05:00"
            ),
            (
                "Africa/Casablanca", "2027-02-07 02:30",
                "2027-02-07T02:30:00+01:00 or 2027-02-07T02:30:00Z"
            ),
        ]
        for (name, text, readings) in cases {
            let zone = try Self.rules(name)
            let error = #expect(throws: LocalTimeError.self) {
                try TimeText(text).instant(in: zone)
            }
            #expect(try #require(error).description.hasSuffix("write " + readings))
        }
    }

    @Test("the ends of a gap and of a fold are ordinary times")
    func edges() throws {
        let london = try Self.rules("Europe/London")
        for text in [
            "2027-03-28 00:59:59", "2027-03-28 02:00", "2027-10-31 00:59:59", "2027-10-31 02:00",
        ] {
            #expect(throws: Never.self) { try TimeText(text).instant(in: london) }
        }
        let kolkata = try Self.rules("Asia/Kolkata")
        let instant = try TimeText("2027-03-28 05:30").instant(in: kolkata)
        #expect(RFC3339.text(instant) == "2027-03-28T00:00:00Z")
    }

    @Test("civil times keep their parts, and days that do not exist are refused")
    func civil() throws {
        for (year, month, day, weekday) in [
            (1970, 1, 1, 4), (2000, 2, 29, 2), (2027, 3, 1, 1), (0, 3, 1, 3), (9999, 12, 31, 5),
        ] {
            let time = try CivilTime(year: year, month: month, day: day, hour: 23, minute: 5)
            #expect((time.year, time.month, time.day) == (year, month, day))
            #expect((time.hour, time.minute, time.second) == (23, 5, 0))
            #expect(time.weekday == weekday)
        }
        #expect(throws: CivilTime.Fault.day(29, month: 2, year: 2027)) {
            try CivilTime(year: 2027, month: 2, day: 29)
        }
        #expect(throws: CivilTime.Fault.hour(24)) {
            try CivilTime(year: 2027, month: 2, day: 1, hour: 24)
        }
    }
}
