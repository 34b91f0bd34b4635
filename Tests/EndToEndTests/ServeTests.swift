import BerthTestSupport
import Foundation
import Postgres
import Testing

@Suite("berth serve", .gated)
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

    @Test("A port that is taken or none: exit code 2, with the port, before anything is made")
    func takenPort() async throws {
        try await Server.onDatabase { server, _ in
            let directory = try await Scratch.path("data")
            let second = try await Berth.run(
                "serve", "--data-dir", directory, "--port", "\(server.port)")
            #expect(second.code == 2)
            #expect(second.log.contains(":\(server.port)"), "\(second.log)")
            let third = try await Berth.run("serve", "--data-dir", directory, "--port", "99999")
            #expect(third.code == 2)
            #expect(third.log.contains("a port is a number from 0 to 65535"), "\(third.log)")
            #expect(!FileManager.default.fileExists(atPath: directory))
        }
    }

    @Test("A database with synchronous_commit off is refused: a crash could undo a booking")
    func synchronousCommitOff() async throws {
        let postgres = try await TestServer.shared.value
        try await TestDatabase.with { database in
            let url = postgres.connectionString(database: database.name)
            let said = try await Berth.run(
                "serve", "--port", "0", "--database-url",
                url + " options='-c synchronous_commit=off'")
            #expect(said.code == 2)
            #expect(said.log.contains("synchronous_commit"), "\(said.log)")

            try await database.psql(
                "ALTER DATABASE \(database.name) SET synchronous_commit = off")
            let set = try await Berth.run("serve", "--port", "0", "--database-url", url)
            #expect(set.code == 2)
            #expect(set.log.contains("synchronous_commit"), "\(set.log)")
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

    @Test("A data directory that is mistyped is told, and no database is made in it")
    func mistypedDirectory() async throws {
        let directory = try await Scratch.path("mistyped")
        for command in [
            ["audit"], ["token", "list"], ["token", "create", "--name", "a", "--role", "viewer"],
        ] {
            let run = try await Berth.run(command + ["--data-dir", directory])
            #expect(run.code == 2)
            #expect(run.log.contains("there is no database in \(directory)"), "\(run.log)")
        }
        #expect(!FileManager.default.fileExists(atPath: directory))
        let blank = try await Berth.run(
            "token", "create", "--name", " ", "--role", "viewer", "--data-dir", directory)
        #expect(blank.code == 2 && blank.log.contains("--name is blank"))
        let version = try await Berth.run("--version")
        #expect(version.code == 0 && version.output.contains(", schema "))
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
