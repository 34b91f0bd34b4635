import BerthTestSupport
import Foundation
import Postgres
import Testing

@Suite("berth serve", .gated, .timeLimit(.minutes(8)))
struct ServeTests {
    @Test("A second server on a directory exits with 2 and names the directory and the first's pid")
    func secondServer() async throws {
        try await Server.inDirectory { server, directory in
            let second = try await Berth.run("serve", "--data-dir", directory, "--port", "0")
            #expect(second.code == 2)
            #expect(second.log.contains(directory))
            #expect(second.log.contains("pid \(server.berth.pid)"))
            #expect(try await server.isReady())
        }
    }

    @Test("A port that is taken: exit code 2, with the port, and the cluster is stopped again")
    func takenPort() async throws {
        try await Server.onDatabase { server, _ in
            let directory = try await Scratch.path("data")
            let second = try await Berth.run(
                "serve", "--data-dir", directory, "--port", "\(server.port)")
            #expect(second.code == 2)
            #expect(second.log.contains(":\(server.port)"), "\(second.log)")
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/postgres/postmaster.pid"))
        }
    }

    @Test("On a database with synchronous_commit off, no booking is made that a crash could undo")
    func synchronousCommitOff() async throws {
        let postgres = try await TestServer.shared.value
        try await TestDatabase.with { database in
            try await database.psql(
                """
                ALTER DATABASE \(database.name) SET synchronous_commit = off;
                CREATE TABLE seen (setting text NOT NULL);
                CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO seen VALUES (current_setting('synchronous_commit'));
                    RETURN NULL;
                END $$;
                CREATE TRIGGER see AFTER INSERT ON environments EXECUTE FUNCTION see();
                CREATE TRIGGER see AFTER INSERT ON bookings EXECUTE FUNCTION see();
                """)
            let url = postgres.connectionString(database: database.name)
            // Also where the connection string itself says so.
            for (number, options) in ["", " options='-c synchronous_commit=off'"].enumerated() {
                let berth = try await Berth(
                    ["serve", "--port", "0", "--database-url", url + options])
                try await eventually("serves or ends") {
                    berth.hasEnded || berth.log.contains("http://")
                }
                if berth.hasEnded {
                    #expect(try await berth.exitCode() == 2)
                    #expect(berth.log.contains("synchronous_commit"), "\(berth.log)")
                    continue
                }
                let token = try await Berth.run(
                    "token", "create", "--role", "admin", "--team", "crm", "--name",
                    "e2e-\(number)", "--database-url", url)
                let server = Server(
                    berth: berth, port: try await Server.port(of: berth), token: token.output,
                    database: [])
                try await server.make(["uat-\(number)"])
                let booked = try await server.post(
                    "/v1/bookings",
                    """
                    {"environments":["uat-\(number)"],"startsAt":"2031-01-01T08:00:00Z",\
                    "minutes":60,"title":"Durable"}
                    """)
                #expect(booked.status == 201, "\(booked.text)")
                berth.signal(SIGTERM)
                #expect(try await berth.exitCode() == 0)
                let seen = try await database.client.query("SELECT DISTINCT setting FROM seen")
                let settings = try seen.map { row -> String in try row.decode(String.self) }
                #expect(settings == ["on"], "\(options)")
            }
        }
    }

    @Test("A standby is refused with exit code 2, and the message says what to name instead")
    func standby() async throws {
        let postgres = try await TestServer()
        try postgres.stop()
        // Without a primary to follow it stays what it is: readable, never writable.
        let signal = "\(postgres.directory)/data/standby.signal"
        try Data().write(to: URL(filePath: signal))
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: signal)
        try postgres.start()
        let berth = try await Berth(
            ["serve", "--database-url", postgres.connectionString(), "--port", "0"])
        #expect(try await berth.exitCode() == 2)
        #expect(berth.log.contains("standby"), "\(berth.log)")
        #expect(berth.log.contains("target_session_attrs=read-write"))
        try postgres.stop()
    }

    @Test("A database that nobody answers for: exit code 2, without its password in the message")
    func noDatabase() async throws {
        let berth = try await Berth.run(
            "serve", "--port", "0", "--database-url",
            "postgres://berth:hunter2@127.0.0.1:1/berth")
        #expect(berth.code == 2)
        #expect(!berth.log.isEmpty)
        #expect(!berth.log.contains("hunter2"))
    }

    @Test("berth demo prints an invitation whose two requests work: a list, and a 409")
    func demo() async throws {
        let demo = try await Berth(["demo", "--port", "0"])
        let port = try await Server.port(of: demo)
        try await eventually("the invitation") { demo.log.contains("Stop with Ctrl-C") }
        let log = demo.log
        #expect(log.contains("admin token:") && log.contains("booker token:"))
        // The commands as they are printed, to the line.
        let lines = log.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let list = try #require(lines.first { $0.hasPrefix("curl") && $0.hasSuffix("bookings") })
        let book = try #require(lines.firstIndex { $0.hasPrefix("curl") && $0.hasSuffix("\\") })
        let listed = try await Self.shell(list)
        #expect(listed.contains(#""reference":"BK-"#), "\(listed)")
        let refused = try await Self.shell(lines[book...(book + 2)].joined(separator: "\n"))
        #expect(refused.contains("/problems/booking-conflict"), "\(refused)")
        #expect(refused.contains(#""alternatives":[{"#), "\(refused)")
        let page = try await onThread {
            try Connection(port: port).answer(to: .get("/openapi.yaml"))
        }
        #expect(page.status == 200)
        demo.signal(SIGINT)
        #expect(try await demo.exitCode() == 0)
    }

    /// What a shell prints for a command.
    private static func shell(_ command: String) async throws -> String {
        let path = try await Scratch.path("curl")
        return try await onThread {
            guard system("{ \(command); } >\(path) 2>/dev/null </dev/null") == 0 else {
                throw Failure(command)
            }
            return try String(contentsOfFile: path, encoding: .utf8)
        }
    }
}
