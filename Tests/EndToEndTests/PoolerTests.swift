import BerthTestSupport
import Foundation
import Testing

@Suite("A pooler before the database", .gated)
struct PoolerTests {
    private static let program = "/usr/sbin/pgbouncer"

    /// Runs pgbouncer before a database of its own, with these settings; gives the URL of the database through it.
    private func throughPooler(
        _ settings: String, _ body: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        let postgres = try await TestServer.shared.value
        try await TestDatabase.with { database in
            let folder = try await Scratch.path("pooler")
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o777])
            try """
            [databases]
            * = host=\(postgres.directory) user=postgres
            [pgbouncer]
            unix_socket_dir = \(folder)
            listen_port = 6432
            auth_type = any
            \(settings)
            """.write(toFile: "\(folder)/ini", atomically: false, encoding: .utf8)
            // As root it refuses to run; who it runs as has to get to PostgreSQL's socket.
            let user = getuid() == 0 ? ["-u", "postgres"] : []
            let pooler = Process()
            // It ends with the test, and does not outlive tests that were killed.
            pooler.executableURL = URL(filePath: "/usr/bin/timeout")
            pooler.arguments =
                ["-s", "KILL", "120", Self.program, "-q"] + user + ["\(folder)/ini"]
            pooler.standardInput = FileHandle.nullDevice
            pooler.standardOutput = FileHandle.nullDevice
            pooler.standardError = FileHandle.nullDevice
            try pooler.run()
            defer { pooler.terminate() }
            try await eventually("pgbouncer") {
                FileManager.default.fileExists(atPath: "\(folder)/.s.PGSQL.6432")
            }
            try await body("host=\(folder) port=6432 user=postgres dbname=\(database.name)")
        }
    }

    @Test(
        "In transaction mode Berth stops at start with what to set, also where the pooler hides parameters",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: program), "there is no pgbouncer here")
    )
    func transactionMode() async throws {
        try await throughPooler("pool_mode = transaction") { url in
            let refused = try await Berth.run("serve", "--port", "0", "--database-url", url)
            #expect(refused.code == 2)
            #expect(
                refused.log.contains("ignore_startup_parameters = options and pool_mode = session"),
                "\(refused.log)")
        }
        for size in [1, 20] {
            let settings = """
                pool_mode = transaction
                ignore_startup_parameters = options,extra_float_digits
                default_pool_size = \(size)
                """
            try await throughPooler(settings) { url in
                let refused = try await Berth.run("serve", "--port", "0", "--database-url", url)
                #expect(refused.code == 2, "\(size)")
                #expect(refused.log.contains("set pool_mode = session"), "\(size) \(refused.log)")
            }
        }
    }

    @Test(
        "In session mode Berth works",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: program), "there is no pgbouncer here")
    )
    func sessionMode() async throws {
        try await throughPooler("pool_mode = session\nignore_startup_parameters = options") { url in
            let listed = try await Berth.run("token", "list", "--database-url", url)
            #expect(listed.code == 0, "\(listed.log)")
        }
    }
}
