import Foundation
import Testing

@testable import ICalendar

@Suite("Recurrence beside its peers")
struct RecurrencePeerTests {
    private struct Case {
        var line: Int
        var rule: String
        var zone: String
        var start: CivilTime
        var days: [Int]
        var minutes: [Int]?

        init?(_ line: Int, _ text: Substring) {
            let fields = text.split(separator: "\t")
            let digits = fields.count == 5 ? fields[2].filter { $0 != "-" && $0 != ":" } : ""
            guard let start = CivilTime(basicText: digits[...], isEndOfDay: false) else {
                return nil
            }
            self.line = line
            rule = String(fields[0])
            zone = String(fields[1])
            self.start = start
            days = fields[3].split(separator: ",").compactMap { Int($0) }
            minutes =
                fields[4] == "-" ? nil : fields[4].split(separator: ",").compactMap { Int($0) }
        }
    }

    private static func cases() throws -> [Case] {
        let file = try #require(
            Bundle.module.url(
                forResource: "recurrences", withExtension: "tsv", subdirectory: "Fixtures"))
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").enumerated()
            .map { try #require(Case($0.offset + 1, $0.element)) }
    }

    private static let zones: [String: ZoneRules] = {
        let names = [
            "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC",
        ]
        return Dictionary(
            uniqueKeysWithValues: names.compactMap { name in
                TimeZone(identifier: name).map { (name, ZoneRules($0)) }
            })
    }()

    @Test("Rules give the local starts that python-dateutil gives them")
    func localStarts() throws {
        let cases = try Self.cases()
        #expect(cases.count >= 2_000)
        for sample in cases {
            let zone = try #require(Self.zones[sample.zone])
            let starts = try RecurrenceRule(sample.rule).starts(
                from: sample.start, in: zone, atMost: 400)
            let days = starts.map { $0.dayNumber - sample.start.dayNumber }
            #expect(days == sample.days, "line \(sample.line): \(sample.rule)")
        }
    }

    @Test("Rules give the instants that recurring-ical-events gives them")
    func instants() throws {
        let cases = try Self.cases().filter { $0.minutes != nil }
        #expect(cases.count >= 500)
        for sample in cases {
            let zone = try #require(Self.zones[sample.zone])
            let first = zone.calendarInstant(of: sample.start)
            let starts = try Recurrence(RecurrenceRule(sample.rule)).starts(
                from: first, in: zone, atMost: 400)
            let minutes = starts.map { Int($0.timeIntervalSince(first) / 60) }
            #expect(minutes == sample.minutes, "line \(sample.line): \(sample.rule) \(sample.zone)")
        }
    }

    @Test("A rule that is written and read again is the same rule")
    func roundTrip() throws {
        for sample in try Self.cases() {
            let rule = try RecurrenceRule(sample.rule)
            #expect(try RecurrenceRule(rule.description) == rule)
            #expect(try RecurrenceRule(sample.rule.lowercased()) == rule)
        }
    }
}
