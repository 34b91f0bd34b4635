import BerthTestSupport
import Foundation
import Testing

/// Calendar clients that people have, on the feeds of the real server. Each comes from PyPI or Debian; where one
/// cannot be had, its test says so and skips.
@Suite("Feeds in calendar clients", .gated)
struct CalendarClientTests {
    /// A server with a booking, a series with a cancelled occurrence and a freeze; and the address of a feed of all.
    private func withFeed(
        _ body: @escaping @Sendable (Server, String) async throws -> Void
    ) async throws {
        try await Server.onDatabase { server, _ in
            try await server.make(["uat-1", "uat-2"])
            for draft in [
                #"{"environments":["uat-1"],"startsAt":"2027-03-01T09:00:00Z","minutes":60,"title":"One; two, \\ three"}"#,
                #"""
                {"environments":["uat-2"],"startsAt":"2027-03-02T09:00:00Z","minutes":60,"title":"Weekly",
                 "timeZone":"Europe/London","recurrence":{"rrule":"FREQ=WEEKLY;COUNT=6"}}
                """#,
            ] {
                let made = try await server.post("/v1/bookings", draft)
                #expect(made.status == 201, "\(made.text)")
            }
            #expect(try await server.post("/v1/bookings/BK-1003/cancel", "{}").status == 200)
            let freeze = try await server.post(
                "/v1/change-windows",
                #"{"kind":"freeze","environments":["uat-1"],"startsAt":"2027-03-05T00:00:00Z","minutes":1440,"title":"Month end"}"#
            )
            #expect(freeze.status == 201, "\(freeze.text)")
            let token = try await server.post("/v1/feed-tokens", #"{"labels":{}}"#)
            let members =
                try JSONSerialization.jsonObject(with: Data(token.text.utf8)) as? [String: Any]
            let url = try #require(members?["url"] as? String)
            // The server was told port 0, so that its links cannot know the port.
            let path = try #require(url.range(of: "/calendars/")).lowerBound
            try await body(server, "http://127.0.0.1:\(server.port)\(url[path...])")
        }
    }

    @Test(
        "vdirsyncer copies every event once, and khal lists them",
        .enabled("no PyPI here") { await CalendarClients.areThere })
    func synchronised() async throws {
        try await withFeed { _, url in
            let programs = try #require(await CalendarClients.folder) + "/bin"
            let folder = try await Scratch.path("vdirsyncer")
            try FileManager.default.createDirectory(
                atPath: "\(folder)/calendar", withIntermediateDirectories: true)
            try """
            [general]
            status_path = "\(folder)/status/"
            [pair feed]
            a = "server"
            b = "folder"
            collections = null
            [storage server]
            type = "http"
            url = "\(url)"
            [storage folder]
            type = "filesystem"
            path = "\(folder)/calendar/"
            fileext = ".ics"
            """.write(toFile: "\(folder)/config", atomically: true, encoding: .utf8)
            func vdirsyncer(_ command: String) async -> CalendarClients.Outcome {
                await CalendarClients.run(
                    "\(programs)/vdirsyncer", ["-c", "\(folder)/config", command],
                    input: "y\ny\n")
            }
            #expect(await vdirsyncer("discover").status == 0)
            let first = await vdirsyncer("sync")
            #expect(first.status == 0, "\(first.errors)")
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/calendar")
            #expect(files.count == 3)
            let second = await vdirsyncer("sync")
            #expect(second.status == 0 && !(second.output + second.errors).contains("Copying"))
            try """
            [calendars]
            [[berth]]
            path = \(folder)/calendar
            type = calendar
            [locale]
            local_timezone = Europe/London
            default_timezone = Europe/London
            timeformat = %H:%M
            dateformat = %Y-%m-%d
            longdateformat = %Y-%m-%d
            datetimeformat = %Y-%m-%d %H:%M
            longdatetimeformat = %Y-%m-%d %H:%M
            """.write(toFile: "\(folder)/khal.conf", atomically: true, encoding: .utf8)
            let listed = await CalendarClients.run(
                "\(programs)/khal",
                [
                    "-c", "\(folder)/khal.conf", "list", "--format",
                    "{start-time} {title} {status}",
                    "2027-03-01", "50d",
                ], environment: ["XDG_DATA_HOME": folder, "XDG_CACHE_HOME": folder])
            #expect(listed.status == 0, "\(listed.errors)")
            let lines = listed.output.split(separator: "\n")
            // After clocks are changed it is still nine in London.
            #expect(lines.count { $0.hasPrefix("09:00 uat-2: Weekly") } == 5)
            #expect(lines.count { $0.hasPrefix("09:00 Cancelled: uat-2: Weekly") } == 1)
            #expect(lines.contains { $0.contains("uat-1: Freeze: Month end") })
        }
    }

    @Test(
        "calcurse imports every event and skips none",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/calcurse")))
    func imported() async throws {
        try await withFeed { server, url in
            let feed = try await server.get(
                String(url[try #require(url.range(of: "/calendars/")).lowerBound...]))
            let file = try await Scratch.file("feed", feed.text)
            let folder = try await Scratch.path("calcurse")
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            let done = await CalendarClients.run("/usr/bin/calcurse", ["-D", folder, "-i", file])
            #expect(done.status == 0, "\(done.errors)")
            #expect((done.output + done.errors).contains("0 skipped"), "\(done.output)")
        }
    }

    @Test(
        "libical finds no property where none may be, and none missing",
        .enabled("no libical here") {
            await CalendarClients.run("/usr/bin/env", ["python3", "-c", load]).status == 0
        })
    func restrictions() async throws {
        try await withFeed { server, url in
            let path = String(url[try #require(url.range(of: "/calendars/")).lowerBound...])
            for path in [path, "/calendars/environments/uat-2.ifb"] {
                let feed = try await server.get(path)
                let checked = await CalendarClients.run(
                    "/usr/bin/env", ["python3", "-c", Self.load + Self.check], input: feed.text)
                #expect(checked.output == "1 0\n", "\(checked.output) \(checked.errors)")
            }
        }
    }

    @Test("The command writes what the server serves")
    func exported() async throws {
        try await withFeed { server, _ in
            let file = try await Scratch.path("export") + ".ics"
            let options = [
                "--environment", "uat-2", "--output", file, "--public-url", "http://127.0.0.1:0",
            ]
            let done = try await Berth.run(["calendar", "export"] + options + server.database)
            #expect(done.code == 0, "\(done.log)")
            let served = try await server.get("/calendars/environments/uat-2.ics")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == served.text)
            let missing = try await Scratch.path("missing")
            let none = try await Berth.run(
                ["calendar", "export", "--environment", "nowhere", "--output", missing]
                    + server.database)
            #expect(none.code == 2 && none.log.contains("there is nothing called nowhere"))
            #expect(!FileManager.default.fileExists(atPath: missing))
        }
    }

    private static let load = """
        import ctypes, sys
        lib = ctypes.CDLL("libical.so.3")
        """

    private static let check = """

        lib.icalparser_parse_string.restype = ctypes.c_void_p
        lib.icalparser_parse_string.argtypes = [ctypes.c_char_p]
        lib.icalrestriction_check.argtypes = [ctypes.c_void_p]
        lib.icalcomponent_count_errors.argtypes = [ctypes.c_void_p]
        calendar = lib.icalparser_parse_string(sys.stdin.buffer.read())
        print(lib.icalrestriction_check(calendar), lib.icalcomponent_count_errors(calendar))
        """
}
