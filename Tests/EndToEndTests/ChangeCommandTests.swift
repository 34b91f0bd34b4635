import BerthTestSupport
import Foundation
import Testing

@Suite("berth gate, changes and the imports of history", .gated)
struct ChangeCommandTests {
    @Test("berth gate that reaches nobody says so at once, in a line, and exits with 2")
    func gateWithoutServer() async throws {
        for (url, reason) in [
            ("http://127.0.0.1:1", "Connection refused"),
            ("http://nowhere.invalid", "no host of that name is known"),
        ] {
            let gate = try await Berth.run(
                ["gate", "uat-1", "--url", url], variables: ["BERTH_TOKEN=x"])
            #expect(gate.code == 2)
            #expect(
                gate.log.trimmingCharacters(in: .newlines)
                    == "Error: the server cannot be reached: \(url): \(reason)")
        }
    }

    @Test("The gate exits 0 when it is open, 1 when it is closed, 2 when nobody can say")
    func gate() async throws {
        try await Server.onDatabase { server, _ in
            try await server.make(["uat-1"])
            let variables = [
                "BERTH_URL=http://127.0.0.1:\(server.port)", "BERTH_TOKEN=\(server.token)",
            ]
            let closed = try await Berth.run(["gate", "uat-1"], variables: variables)
            #expect(closed.code == 1, "\(closed.log)")
            #expect(closed.output.contains("uat-1 is closed"))
            #expect(closed.output.contains("no-window"))
            let planned = try await server.post(
                "/v1/change-windows", #"{"kind":"change","environments":["uat-1"],"minutes":5}"#)
            #expect(planned.status == 201, "\(planned.text)")
            let open = try await Berth.run(["gate", "uat-1"], variables: variables)
            #expect(open.code == 0, "\(open.log)")
            #expect(open.output.contains("uat-1 is open"))
            for (arguments, variables) in [
                (["gate", "nowhere"], variables), (["gate", "uat-1"], [variables[0]]),
                (["gate", "uat-1"], ["BERTH_URL=http://127.0.0.1:1", variables[1]]),
                (["gate", "uat-1", "--for", "fun"], variables),
            ] {
                let failed = try await Berth.run(arguments, variables: variables)
                #expect(failed.code == 2, "\(failed.log)")
                #expect(!failed.log.contains(server.token))
            }
        }
    }

    @Test("A calendar's events become windows, once, and those that cannot are told by line")
    func calendar() async throws {
        let postgres = try await TestServer.shared.value
        try await TestDatabase.with { database in
            let url = postgres.connectionString(database: database.name)
            try await database.environment("prod")
            let path = try await Scratch.path("windows") + ".ics"
            try """
            BEGIN:VCALENDAR
            BEGIN:VEVENT
            UID:a
            DTSTART;TZID=America/Los_Angeles:20270301T060000
            DURATION:PT1H
            RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH;COUNT=8
            SUMMARY:Deployments
            CATEGORIES:change
            LOCATION:prod
            END:VEVENT
            BEGIN:VEVENT
            UID:b
            DTSTART:20270301T060000Z
            LOCATION:prod
            END:VEVENT
            END:VCALENDAR
            """.write(toFile: path, atomically: true, encoding: .utf8)
            let arguments = ["import", "windows", path, "--create-teams", "--database-url", url]
            let first = try await Berth.run(arguments)
            #expect(first.code == 1)
            #expect(first.log.contains("1 imported, 0 there already, 1 rejected"), "\(first.log)")
            #expect(first.log.contains("line 11:"))
            #expect(try await Berth.run(arguments).log.contains("0 imported, 1 there already"))
        }
    }

    @Test("History is imported, verified, and a broken chain exits 1")
    func history() async throws {
        let postgres = try await TestServer.shared.value
        try await TestDatabase.with { database in
            let url = postgres.connectionString(database: database.name)
            try await database.environment("prod") { $0.timeZone = "UTC" }
            let windows = try await Scratch.file(
                "windows",
                """
                kind,environments,from,minutes,rrule,approvedAt
                change,prod,2026-01-05 08:00,60,FREQ=DAILY;COUNT=3,2026-01-01
                freeze,nowhere,2026-01-05 08:00,60,,

                """)
            let planned = try await Berth.run(
                "import", "windows", windows, "--create-teams", "--rejects",
                try await Scratch.path("rejects"),
                "--database-url", url)
            #expect(planned.code == 1)
            #expect(
                planned.log.contains("1 imported, 0 there already, 1 rejected"), "\(planned.log)")
            let changes = try await Scratch.file(
                "changes",
                """
                occurred_at,summary
                2026-01-06T08:30:00Z,in its window
                2026-01-06T09:00:00Z,too late

                """)
            let arguments = [
                "import", "changes", changes, "--create-teams", "--environment", "prod",
                "--database-url", url,
            ]
            #expect(try await Berth.run(arguments + ["--dry-run"]).log.contains("2 imported"))
            #expect(try await Berth.run(arguments).log.contains("2 imported, 0 there already"))
            #expect(try await Berth.run(arguments).log.contains("0 imported, 2 there already"))

            let verify = ["changes", "verify", "--database-url", url]
            let whole = try await Berth.run(verify)
            #expect(whole.code == 0, "\(whole.log)")
            #expect(whole.output.hasPrefix("2:"))
            #expect(try await Berth.run(verify + ["--head", whole.output]).code == 0)
            let other = "2:" + String(repeating: "0", count: 64)
            let broken = try await Berth.run(verify + ["--head", other])
            #expect(broken.code == 1)
            #expect(broken.log.contains("broken at entry 2"), "\(broken.log)")
            #expect(try await Berth.run(verify + ["--head", "nonsense"]).code == 2)
        }
    }
}
