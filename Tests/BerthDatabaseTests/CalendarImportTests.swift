import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import ICalendar
import Testing

@Suite("Importing a calendar's bookings", .gated)
struct CalendarImportTests {
    private typealias Imported = (read: BookingCalendar, result: CalendarImportResult)

    private static func event(_ uid: String, _ start: String, _ lines: String...) -> String {
        let all = ["BEGIN:VEVENT", "UID:\(uid)", "DTSTART:\(start)", "DURATION:PT1H"] + lines
        let title = lines.contains { $0.hasPrefix("SUMMARY") } ? [] : ["SUMMARY:\(uid)"]
        let place = lines.contains { $0.hasPrefix("LOCATION") } ? [] : ["LOCATION:uat-1"]
        return (all + title + place + ["END:VEVENT"]).joined(separator: "\n")
    }

    private static func run(
        _ database: TestDatabase, dryRun: Bool = false, team: String? = "crm", _ events: String...
    ) async throws -> Imported {
        let text = (["BEGIN:VCALENDAR"] + events + ["END:VCALENDAR", ""]).joined(separator: "\n")
        let file = try CalendarFile(Data(text.utf8), zone: ("UTC", ZoneRules(.gmt))) {
            ZoneName.zone($0)
        }
        let read = BookingCalendar(
            file, options: BookingCalendar.Options(team: team),
            names: try await database.berth.knownNames())
        let imports = CalendarImport(
            into: database.berth, by: TestDatabase.admin, now: TestDatabase.now)
        return (read, try await imports.run(read.series, dryRun: dryRun))
    }

    /// All bookings that are not over, in order: reference, start and title.
    private static func bookings(_ database: TestDatabase) async throws -> [String] {
        let rows = try await database.client.query(
            """
            SELECT 'BK-' || id || to_char(starts_at AT TIME ZONE 'UTC', ' MM-DD HH24:MI ') || title
            FROM bookings WHERE state IN ('confirmed', 'active') ORDER BY starts_at, id
            """)
        return try rows.map { try $0.decode(String.self) }
    }

    @Test("Imported again, a calendar changes nothing; changed, it changes its bookings")
    func again() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let moved = Self.event("moved", "20270302T090000Z")
            let titled = Self.event("titled", "20270303T090000Z")
            let cancelled = Self.event("cancelled", "20270304T090000Z", "STATUS:TENTATIVE")
            let first = try await Self.run(database, moved, titled, cancelled).result
            #expect(first.booked == 3 && first.rejects.isEmpty)
            let before = try await Self.bookings(database)
            #expect(
                before == [
                    "BK-1000 03-02 09:00 moved", "BK-1001 03-03 09:00 titled",
                    "BK-1002 03-04 09:00 cancelled",
                ])
            let second = try await Self.run(database, moved, titled, cancelled).result
            #expect(second.unchanged == 3 && second.booked + second.changed + second.cancelled == 0)
            let versions = try await database.client.query("SELECT sum(version) FROM bookings")
            #expect(try versions[versions.startIndex].decode(Int.self) == 3)

            let changes = [
                Self.event("moved", "20270305T100000Z"),
                Self.event("titled", "20270303T090000Z", "SUMMARY:Another"),
                Self.event("cancelled", "20270304T090000Z", "STATUS:CANCELLED"),
                Self.event("new", "20270304T090000Z"),
            ]
            let text = changes.joined(separator: "\n")
            let dry = try await Self.run(database, dryRun: true, text).result
            #expect(dry.changed == 2 && dry.cancelled == 1)
            #expect(try await Self.bookings(database) == before)
            let third = try await Self.run(database, text).result
            #expect(third.changed == 2 && third.cancelled == 1 && third.booked == 1)
            #expect(third.rejects.isEmpty)
            let after = try await Self.bookings(database)
            #expect(after.map { $0.prefix(19) }.contains("BK-1000 03-05 10:00"))
            #expect(after.contains("BK-1001 03-03 09:00 Another"))
            #expect(!after.contains { $0.hasPrefix("BK-1002") } && after.count == 3)
            let fourth = try await Self.run(database, text).result
            #expect(fourth.unchanged == 3 && fourth.cancelled == 0)
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("A series is its occurrences: excluded, moved and called off one by one")
    func series() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let rule = "RRULE:FREQ=DAILY;COUNT=4"
            let first = try await Self.run(
                database, Self.event("s", "20270302T090000Z", rule, "EXDATE:20270303T090000Z")
            ).result
            #expect(first.booked == 3)
            let second = try await Self.run(
                database,
                Self.event("s", "20270302T090000Z", rule, "EXDATE:20270302T090000Z"),
                Self.event(
                    "s", "20270304T150000Z", "RECURRENCE-ID:20270304T090000Z", "SUMMARY:late"),
                Self.event(
                    "s", "20270305T090000Z", "RECURRENCE-ID:20270305T090000Z", "STATUS:CANCELLED")
            ).result
            #expect(second.booked == 1 && second.changed == 1 && second.cancelled == 2)
            #expect(
                try await Self.bookings(database).map { $0.drop { $0 != " " } } == [
                    " 03-03 09:00 s", " 03-04 15:00 late",
                ])
        }
    }

    @Test("One occurrence alone in a calendar leaves the others of its series")
    func overrideAlone() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let rule = "RRULE:FREQ=DAILY;COUNT=3"
            _ = try await Self.run(database, Self.event("s", "20270302T090000Z", rule))
            let moved = try await Self.run(
                database,
                Self.event("s", "20270303T150000Z", "RECURRENCE-ID:20270303T090000Z")
            ).result
            #expect(moved.changed == 1 && moved.cancelled == 0)
            let cancelled = try await Self.run(
                database,
                Self.event(
                    "s", "20270304T090000Z", "RECURRENCE-ID:20270304T090000Z", "STATUS:CANCELLED")
            ).result
            #expect(cancelled.cancelled == 1)
            #expect(try await Self.bookings(database).count == 2)
        }
    }

    @Test("A series with an occurrence that cannot be read is left as it was")
    func brokenSeries() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let series = Self.event("s", "20270302T090000Z", "RRULE:FREQ=DAILY;COUNT=3")
            _ = try await Self.run(database, series)
            let broken = try await Self.run(
                database, series.replacingOccurrences(of: "T09", with: "T10"),
                "BEGIN:VEVENT\nUID:s\nRECURRENCE-ID:20270303T090000Z\nDTSTART:x\nEND:VEVENT")
            #expect(broken.read.rejects.map(\.line) == [2, 13])
            #expect(broken.result.cancelled == 0 && broken.result.booked == 0)
            #expect(try await Self.bookings(database).count == 3)
        }
    }

    @Test("What is over is history; it holds nothing and is known again")
    func history() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let events =
                Self.event("a", "20270201T090000Z") + "\n"
                + Self.event("b", "20270201T093000Z")
            let first = try await Self.run(database, events).result
            #expect(first.recorded.count == 2 && first.recorded.last?.overlaps.count == 1)
            let again = try await Self.run(database, events).result
            #expect(again.recorded.isEmpty && again.unchanged == 2)
        }
    }

    @Test("Bookings that take one another's places in turn all move")
    func chain() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            _ = try await Self.run(
                database, Self.event("a", "20270302T090000Z"), Self.event("b", "20270302T100000Z"))
            let moved = try await Self.run(
                database, Self.event("a", "20270302T100000Z"), Self.event("b", "20270302T110000Z")
            ).result
            #expect(moved.changed == 2 && moved.rejects.isEmpty)
        }
    }

    @Test(
        "What cannot be a booking is rejected with its line and reason",
        arguments: [
            (["LOCATION:nowhere"], RejectReason.unknownEnvironment),
            (["LOCATION:"], .invalid), (["SUMMARY:"], .invalid),
            (["RRULE:FREQ=DAILY"], .invalid), (["RRULE:FREQ=SECONDLY"], .invalid),
            (["RRULE:FREQ=DAILY;COUNT=367"], .invalid),
            (["LOCATION:taken"], .conflict), (["LOCATION:closed"], .policy),
        ])
    func rejects(lines: [String], reason: RejectReason) async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let start = TestDatabase.now.addingTimeInterval(86_400)
            try await database.environment("taken")
            try await database.environment("closed") { $0.policy.horizonDays = 1 }
            _ = try await database.book(
                BookingDraft(
                    environments: ["taken"], startsAt: start,
                    endsAt: start.addingTimeInterval(7_200), title: "First", team: "crm"))
            let events = ["BEGIN:VEVENT", "UID:1", "DTSTART:20270302T093000Z", "DURATION:P1D"]
            let rest = ["SUMMARY:x", "LOCATION:uat-1", "END:VEVENT"].filter { line in
                !lines.contains { $0.prefix(4) == line.prefix(4) }
            }
            let imported = try await Self.run(
                database, (events + lines + rest).joined(separator: "\n"))
            let rejects = imported.read.rejects + imported.result.rejects
            #expect(rejects.map(\.reason) == [reason])
            #expect(rejects.map(\.line) == [2])
            #expect(rejects.first?.fields.count == BookingCalendar.header.count)
        }
    }

    @Test("Environments are named by key or name, the team by a category; transparent is skipped")
    func names() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1") {
                $0.name = "Customer, Tests"
                $0.ownerTeam = "crm"
            }
            try await database.environment("uat-2") { $0.name = "Billing Tests" }
            let category = "CATEGORIES:Work,CRM"
            let imported = try await Self.run(
                database, team: nil,
                Self.event("a", "20270302T090000Z", category, "LOCATION:customer\\, tests"),
                Self.event("b", "20270303T090000Z", category, "LOCATION:UAT-1\\; billing tests"),
                Self.event("c", "20270304T090000Z", category, "LOCATION:uat-1 uat-2"),
                Self.event("d", "20270305T090000Z", category, "TRANSP:TRANSPARENT"),
                Self.event("e", "20270306T090000Z"))
            #expect(imported.result.booked == 3)
            #expect(imported.read.transparent == 1)
            #expect(
                imported.read.rejects.map(\.detail) == [
                    "CATEGORIES: names no team; import with --team"
                ])
            let rows = try await database.client.query(
                "SELECT cardinality(environment_ids) FROM bookings ORDER BY starts_at")
            let counts = try rows.map { try $0.decode(Int32.self) }
            #expect(counts == [1, 2, 2])
        }
    }

    @Test("A calendar of too many bookings is rejected from there on")
    func tooMany() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let each = (0..<60).map {
                Self.event("\($0)", "20300101T090000Z", "RRULE:FREQ=DAILY;COUNT=366")
            }
            let file = ["BEGIN:VCALENDAR"] + each + ["END:VCALENDAR"]
            let read = BookingCalendar(
                try CalendarFile(
                    Data(file.joined(separator: "\n").utf8), zone: ("UTC", ZoneRules(.gmt)),
                    named: { _ in nil }),
                options: BookingCalendar.Options(team: "crm"),
                names: try await database.berth.knownNames())
            #expect(read.rejects.count == 60 - Limits.calendarBookings / 366)
        }
    }

    @Test("A calendar of too many events that recur is rejected from there on")
    func tooManySeries() throws {
        let count = Limits.calendarSeries + 1
        let each = (1...count).map {
            Self.event("\($0)", "20300101T090000Z", "RDATE:20300102T090000Z")
        }
        let file = ["BEGIN:VCALENDAR"] + each + ["END:VCALENDAR"]
        let read = BookingCalendar(
            try CalendarFile(
                Data(file.joined(separator: "\n").utf8), zone: ("UTC", ZoneRules(.gmt)),
                named: { _ in nil }),
            options: BookingCalendar.Options(team: "crm"),
            names: KnownNames(environments: [("uat-1", "", "UTC", false)], teams: []))
        #expect(read.rejects.map(\.fields.first) == ["\(count)"])
    }
}
