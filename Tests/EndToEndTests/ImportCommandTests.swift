import BerthTestSupport
import Foundation
import Postgres
import Testing

@Suite("berth import", .gated)
struct ImportCommandTests {
    private static let sheet = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "shared/data/booking-sheet.csv").path

    @Test(
        "The shared sheet: 85 rows are rejected, again books nothing, a dry run writes nothing",
        .enabled(
            if: FileManager.default.fileExists(atPath: sheet),
            "the folder ../shared/data is not on this machine"))
    func sharedSheet() async throws {
        try await Self.onDatabase { url, database in
            let environments = try await Scratch.file(
                "environments",
                """
                key,timeZone
                sit-1,Europe/London
                sit-2,Europe/London
                uat-1,Europe/London
                uat-2,Europe/London
                perf-1,Europe/London
                preprod,Europe/London
                mainframe-t3,Europe/London
                uat-crm,Europe/Berlin
                uat-billing,Europe/Berlin
                training,America/New_York
                mobile-lab,Asia/Kolkata
                payments-stub,UTC

                """)
            let made = try await Berth.run(
                "import", "environments", environments, "--create-teams", "--database-url", url)
            #expect(made.code == 0, "\(made.log)")
            let rejects = try await Scratch.path("rejects")
            let arguments = [
                "import", "bookings", Self.sheet, "--create-teams", "--rejects", rejects,
                "--database-url", url,
            ]
            let dry = try await Berth.run(arguments + ["--dry-run"])
            #expect(dry.code == 1)
            #expect(dry.log.contains("dry run"), "\(dry.log)")
            #expect(!FileManager.default.fileExists(atPath: rejects))
            #expect(try await Self.bookings(database) == 0)

            let first = try await Berth.run(arguments)
            #expect(first.code == 1)
            #expect(first.log.contains("85 rejected"), "\(first.log)")
            #expect(try await Self.bookings(database) == 315)
            #expect(try await database.doubleBookings() == 0)
            #expect(try Self.rows(rejects) == 85)

            let second = try await Berth.run(arguments)
            #expect(second.code == 1)
            #expect(second.log.contains("0 booked, 0 past ones recorded, 315 there already"))
            #expect(try await Self.bookings(database) == 315)
        }
    }

    @Test("German headers and dates are read with --columns and --date-format, Ende exclusive")
    func germanSheet() async throws {
        try await Self.onDatabase { url, database in
            try await database.environment("uat-1") { $0.timeZone = "Europe/Berlin" }
            let sheet = try await Scratch.file(
                "buchungen",
                """
                Umgebung;Team;Beginn;Ende;Titel
                uat-1;crm;01.07.2031 09:00;01.07.2031 12:00;Prüfung
                uat-1;crm;01.07.2031 12:00;01.07.2031 13:00;Nachprüfung

                """)
            let columns = "environment=Umgebung,team=Team,from=Beginn,to=Ende,title=Titel"
            let read = try await Berth.run(
                "import", "bookings", sheet, "--create-teams", "--columns", columns,
                "--date-format",
                "dd.MM.yyyy HH:mm", "--database-url", url)
            #expect(read.code == 0, "\(read.log)")
            #expect(read.log.contains("2 booked"))
            let rows = try await database.client.query(
                """
                SELECT to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM bookings
                ORDER BY starts_at
                """)
            let starts = try rows.map { row -> String in try row.decode(String.self) }
            #expect(starts == ["2031-07-01 07:00", "2031-07-01 10:00"])
        }
    }

    @Test(
        "A team that nobody made is refused with the nearest known one, and made by --create-teams")
    func unknownTeam() async throws {
        try await Self.onDatabase { url, database in
            try await database.environment("uat-1") { $0.ownerTeam = "payments" }
            let sheet = try await Scratch.file(
                "typo",
                """
                environment,team,from,to,title
                uat-1,Payments,2031-07-01 09:00,2031-07-01 12:00,Any case
                uat-1,paymets,2031-07-02 09:00,2031-07-02 12:00,A typo

                """)
            let rejects = try await Scratch.path("rejects")
            let arguments = [
                "import", "bookings", sheet, "--rejects", rejects, "--database-url", url,
            ]
            let read = try await Berth.run(arguments)
            #expect(read.code == 1 && read.log.contains("1 booked"), "\(read.log)")
            let text = try String(contentsOfFile: rejects, encoding: .utf8)
            #expect(text.contains("there is no team paymets: is payments meant?"), "\(text)")
            let made = try await Berth.run(arguments + ["--create-teams"])
            #expect(made.code == 0 && made.log.contains("1 booked"), "\(made.log)")
        }
    }

    @Test("A date that can be read two ways is rejected without --date-format, with the reason")
    func ambiguousDate() async throws {
        try await Self.onDatabase { url, database in
            try await database.environment("uat-1")
            let sheet = try await Scratch.file(
                "ambiguous",
                """
                environment,team,from,to,title
                uat-1,crm,03/04/2031 09:00,03/04/2031 12:00,March or April

                """)
            let rejects = try await Scratch.path("rejects")
            let read = try await Berth.run(
                "import", "bookings", sheet, "--create-teams", "--rejects", rejects,
                "--database-url", url)
            #expect(read.code == 1)
            #expect(try Self.rows(rejects) == 1)
            let text = try String(contentsOfFile: rejects, encoding: .utf8)
            #expect(text.contains("date-format"), "\(text)")
            #expect(
                read.log.contains(
                    "2 dates are not written as 2027-03-01 09:00, “03/04/2031 09:00” on line 2 first"
                ),
                "\(read.log)")
            #expect(try await Self.bookings(database) == 0)
        }
    }

    @Test("A calendar's events are booked, rejected with their lines, and booked once")
    func calendar() async throws {
        try await Self.onDatabase { url, database in
            try await database.environment("uat-1") { $0.timeZone = "Europe/Berlin" }
            let path = try await Scratch.file(
                "calendar",
                """
                BEGIN:VCALENDAR
                BEGIN:VEVENT
                UID:1@example.org
                DTSTART;TZID=W. Europe Standard Time:20310701T090000
                DTEND;TZID=W. Europe Standard Time:20310701T120000
                RRULE:FREQ=WEEKLY;COUNT=2
                SUMMARY:Prüfung
                LOCATION:uat-1
                END:VEVENT
                BEGIN:VEVENT
                UID:2@example.org
                DTSTART:20310708
                SUMMARY:All day
                LOCATION:uat-1
                END:VEVENT
                BEGIN:VEVENT
                DTSTART:nonsense
                END:VEVENT
                END:VCALENDAR

                """)
            let file = path + ".ics"
            try FileManager.default.moveItem(atPath: path, toPath: file)
            let rejects = try await Scratch.path("rejects")
            let arguments = [
                "import", file, "--create-teams", "--team", "crm", "--rejects", rejects,
                "--database-url", url,
            ]
            let dry = try await Berth.run(arguments + ["--dry-run"])
            #expect(dry.code == 1)
            #expect(dry.log.contains("2 booked"), "\(dry.log)")
            #expect(try await Self.bookings(database) == 0)

            let first = try await Berth.run(arguments)
            #expect(first.code == 1)
            #expect(first.log.contains("2 booked"), "\(first.log)")
            #expect(first.log.contains("2 rejected"), "\(first.log)")
            #expect(try Self.rows(rejects) == 2)
            let text = try String(contentsOfFile: rejects, encoding: .utf8)
            #expect(text.contains("17,,invalid,DTSTART is no date or time"), "\(text)")
            #expect(text.contains("10,1,conflict,uat-1 is taken"), "\(text)")
            let second = try await Berth.run(arguments)
            #expect(second.log.contains("0 booked"), "\(second.log)")
            #expect(second.log.contains("2 there already"), "\(second.log)")
            #expect(try await Self.bookings(database) == 2)

            let none = try await Scratch.file("none", "BEGIN:VEVENT\n")
            try FileManager.default.moveItem(atPath: none, toPath: none + ".ics")
            let refused = try await Berth.run("import", none + ".ics", "--database-url", url)
            #expect(refused.code == 2)
            #expect(refused.log.contains("line 1"), "\(refused.log)")
        }
    }

    @Test("Usage errors exit with 2 and say what is wrong")
    func usage() async throws {
        let missing = try await Berth.run(
            "import", "bookings", "/nowhere/sheet.csv", "--database-url", "host=/nowhere")
        #expect(missing.code == 2)
        #expect(missing.log.contains("/nowhere/sheet.csv"), "\(missing.log)")
        let unknown = try await Berth.run("import", "bookings", "sheet.csv", "--frobnicate")
        #expect(unknown.code == 2)
        #expect(unknown.log.contains("frobnicate"))
        let role = try await Berth.run("token", "create", "--name", "x", "--role", "king")
        #expect(role.code == 2)
        #expect(try await Berth.run("--help").code == 0)
    }

    @Test(
        "A series that has no end is taken for a year, or until the time that is said, and that is told"
    )
    func endless() async throws {
        try await Self.onDatabase { url, database in
            try await database.environment("uat-1")
            let path = try await Scratch.file(
                "endless",
                """
                BEGIN:VCALENDAR
                BEGIN:VEVENT
                UID:1@example.org
                DTSTART:20200106T090000Z
                DTEND:20200106T100000Z
                RRULE:FREQ=WEEKLY
                SUMMARY:Regression
                LOCATION:uat-1
                END:VEVENT
                END:VCALENDAR

                """)
            try FileManager.default.moveItem(atPath: path, toPath: path + ".ics")
            let arguments = [
                "import", path + ".ics", "--create-teams", "--team", "crm", "--database-url", url,
            ]
            let month = Date().addingTimeInterval(28 * 86_400).ISO8601Format()
            let short = try await Berth.run(arguments + ["--until", month])
            #expect(short.code == 0 && short.log.contains("4 booked"), "\(short.log)")
            #expect(short.log.contains("1 series has no end: taken until \(month)"), "\(short.log)")
            let year = try await Berth.run(arguments)
            // 52 or 53 Mondays, less those that are there.
            #expect(year.code == 0 && year.log.contains(#/4[89] booked/#), "\(year.log)")
            #expect(year.log.contains("4 there already"), "\(year.log)")
            let bad = try await Berth.run(arguments + ["--until", "soon"])
            #expect(bad.code == 2 && bad.log.contains("--until"), "\(bad.log)")

            let windows = try await Berth.run(
                "import", "windows", path + ".ics", "--kind", "change", "--until", month,
                "--database-url", url)
            #expect(windows.code == 0 && windows.log.contains("1 imported"), "\(windows.log)")
            #expect(windows.log.contains("has no end: taken until"), "\(windows.log)")
        }
    }

    /// A sheet of so many bookings of uat-1, an hour each.
    private static func sheet(of count: Int) async throws -> String {
        let first = Date(timeIntervalSince1970: 1_924_992_000)
        let rows = (0..<count).map { row in
            let from = first.addingTimeInterval(Double(row) * 3_600).ISO8601Format()
            return "uat-1,crm,\(from),60,Row \(row)\n"
        }
        return try await Scratch.file(
            "many", "environment,team,from,minutes,title\n" + rows.joined())
    }

    @Test("Ctrl-C stops between two transactions, and what was done is said and is there")
    func interrupted() async throws {
        try await Self.onDatabase { url, database in
            try await database.environment("uat-1")
            let sheet = try await Self.sheet(of: 20_000)
            let arguments = ["import", sheet, "--create-teams", "--database-url", url]
            let berth = try await Berth(arguments)
            try await eventually("the first rows") { try await Self.bookings(database) > 0 }
            berth.signal(SIGINT)
            #expect(try await berth.exitCode() == 2)
            let booked = try await Self.bookings(database)
            #expect(booked < 20_000)
            #expect(berth.log.contains("\(booked) booked"), "\(berth.log)")
            #expect(
                berth.log.contains("Stopped after \(booked) of 20000 rows; import the file again"),
                "\(berth.log)")
        }
    }

    @Test("An import that fails in the middle says what was done before it says why")
    func failing() async throws {
        try await Self.onDatabase { url, database in
            try await database.environment("uat-1")
            let sheet = try await Self.sheet(of: 20_000)
            let berth = try await Berth(["import", sheet, "--create-teams", "--database-url", url])
            try await eventually("the first rows") { try await Self.bookings(database) > 0 }
            // From now on the database refuses every booking.
            try await database.psql(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE 'no room' USING ERRCODE = 'disk_full'; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON bookings EXECUTE FUNCTION refuse();
                """)
            #expect(try await berth.exitCode() == 2)
            let booked = try await Self.bookings(database)
            #expect(booked < 20_000)
            let lines = berth.log.split(separator: "\n").suffix(2)
            #expect(lines.first?.contains("\(booked) booked") == true, "\(berth.log)")
            #expect(lines.last?.contains("disk of the database is full") == true, "\(berth.log)")
        }
    }

    @Test("On a terminal a bar shows how far an import is, how fast, and how long it still takes")
    func terminal() async throws {
        try await Self.onDatabase { url, database in
            try await database.environment("uat-1")
            let sheet = try await Self.sheet(of: 600)
            let berth = Process()
            berth.executableURL = URL(filePath: "/usr/bin/script")
            berth.arguments = [
                "-qec",
                "\(try Berth.executable()) import \(sheet) --create-teams --database-url '\(url)'",
                "/dev/null",
            ]
            let output = Pipe()
            berth.standardOutput = output
            berth.standardInput = FileHandle.nullDevice
            try berth.run()
            let shown = try await onThread { try output.fileHandleForReading.readToEnd() ?? Data() }
            let text = String(decoding: shown, as: UTF8.self)
            #expect(
                text.contains("\r[##############################] 600 of 600 rows, "), "\(text)")
            #expect(text.contains("/s, 0 s left"), "\(text)")
            #expect(text.contains("600 booked"), "\(text)")
        }
    }

    private static func onDatabase(
        _ body: @Sendable (String, TestDatabase) async throws -> Void
    ) async throws {
        let postgres = try await TestServer.shared.value
        try await TestDatabase.with { database in
            try await body(postgres.connectionString(database: database.name), database)
        }
    }

    private static func bookings(_ database: TestDatabase) async throws -> Int {
        let rows = try await database.client.query("SELECT count(*) FROM bookings")
        return try rows[rows.startIndex].decode(Int.self)
    }

    /// The rows of a sheet below its header; a quoted cell may hold lines of its own.
    private static func rows(_ path: String) throws -> Int {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        var isQuoted = false
        var ends = 0
        for scalar in text.unicodeScalars {
            if scalar == "\"" { isQuoted.toggle() }
            if scalar == "\n", !isQuoted { ends += 1 }
        }
        return ends - 1
    }
}
