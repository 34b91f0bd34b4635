import BerthTestSupport
import Foundation
import Testing

@Suite("berth audit", .gated)
struct AuditCommandTests {
    /// A database with one booking on an environment that became unavailable.
    private func withFault(
        _ body: @Sendable (TestDatabase, String) async throws -> Void
    ) async throws {
        let postgres = try await TestServer.shared.value
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            try await database.book(TestDatabase.draft("uat-1", from: 24, to: 26))
            try await database.psql("UPDATE environments SET status = 'unavailable'")
            try await body(database, postgres.connectionString(database: database.name))
        }
    }

    private let at = "2027-03-01T10:00:00Z"

    @Test("It prints what is wrong, keeps the run, and exits by --fail-on")
    func exitCodes() async throws {
        try await withFault { database, url in
            func audit(_ arguments: String...) async throws -> Berth.Outcome {
                try await Berth.run(["audit", "--database-url", url, "--at", at] + arguments)
            }
            let first = try await audit("--fail-on", "new")
            #expect(first.code == 1, "\(first.log)")
            #expect(first.output.hasPrefix("Audit 1 of 2027-03-01 10:00 UTC: 1 new"))
            #expect(try await audit("--fail-on", "new").code == 0)
            #expect(try await audit().code == 1)
            #expect(try await audit("--fail-on", "never").code == 0)
            #expect(try await audit("--skip", "bookings-on-closed-environments").code == 0)
            #expect(try await audit("--check", "nothing").code == 2)
            #expect(try await audit("--format", "xml").code == 2)
            let away = try await Berth.run("audit", "--database-url", "host=127.0.0.1 port=1")
            #expect(away.code == 2)
        }
    }

    @Test("Each format says the same")
    func formats() async throws {
        try await withFault { _, url in
            for (format, begin) in [
                ("json", #"{"run":"#), ("csv", "run,at,check"), ("markdown", "# Audit "),
                ("html", "<!DOCTYPE html>"),
            ] {
                let outcome = try await Berth.run(
                    ["audit", "--database-url", url, "--at", at, "--format", format])
                #expect(outcome.output.hasPrefix(begin), "\(format): \(outcome.log)")
                #expect(outcome.output.contains("BK-1000"))
            }
        }
    }

    @Test("Reading from elsewhere, without a database to keep it in, the run is not recorded")
    func notRecorded() async throws {
        try await withFault { database, url in
            let outcome = try await Berth.run("audit", "--read-from", url, "--at", at)
            #expect(outcome.code == 1, "\(outcome.log)")
            #expect(outcome.output.hasPrefix("Audit, not recorded, of"))
            let rows = try await database.client.query("SELECT count(*) FROM audits")
            #expect(try rows[rows.startIndex].decode(Int.self) == 0)
            let kept = try await Berth.run(
                "audit", "--read-from", url, "--database-url", url, "--at", at)
            #expect(kept.output.hasPrefix("Audit 1 of"), "\(kept.log)")
        }
    }

    @Test("Two servers that audit at the same hour audit it once")
    func nightly() async throws {
        let postgres = try await TestServer.shared.value
        try await TestDatabase.with { database in
            let url = postgres.connectionString(database: database.name)
            let time = Date().formatted(
                .verbatim(
                    "\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits)",
                    timeZone: .gmt, calendar: Calendar(identifier: .gregorian)))
            let servers = try await [
                Berth(["serve", "--port", "0", "--database-url", url, "--audit-at", time]),
                Berth(["serve", "--port", "0", "--database-url", url, "--audit-at", time]),
            ]
            try await eventually("both have audited", within: .seconds(60)) {
                servers.allSatisfy { $0.log.contains("audited") }
            }
            for server in servers { server.signal(SIGTERM) }
            for server in servers { _ = try await server.exitCode() }
            let rows = try await database.client.query("SELECT count(*) FROM audits")
            #expect(try rows[rows.startIndex].decode(Int.self) == 1)
            let refused = try await Berth.run(
                "serve", "--port", "0", "--database-url", url, "--audit-at", "2am")
            #expect(refused.code == 2)
        }
    }

    private static let verifier = "/usr/bin/systemd-analyze"

    @Test(
        "The units for systemd are what systemd understands",
        .enabled("no systemd-analyze here") {
            FileManager.default.isExecutableFile(atPath: verifier)
        })
    func units() async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docker")
        try #require(FileManager.default.fileExists(atPath: folder.path))
        let base = try await Scratch.path("units")
        try FileManager.default.createDirectory(
            atPath: base, withIntermediateDirectories: true)
        let service = try String(
            contentsOf: folder.appending(path: "berth-audit.service"), encoding: .utf8)
        // The program is not installed here.
        try service.replacing("/usr/local/bin/berth", with: "/bin/true").write(
            toFile: "\(base)/berth-audit.service", atomically: true, encoding: .utf8)
        try FileManager.default.copyItem(
            at: folder.appending(path: "berth-audit.timer"),
            to: URL(filePath: "\(base)/berth-audit.timer"))
        let process = Process()
        process.executableURL = URL(filePath: Self.verifier)
        process.arguments = ["verify", "\(base)/berth-audit.service", "\(base)/berth-audit.timer"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
