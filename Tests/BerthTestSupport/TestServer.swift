import Foundation
import Logging
import Postgres
import PostgresCluster

/// A private PostgreSQL: unix socket only, in a temporary folder, without fsync.
///
/// It ends with the process, however that ends: a shell reads from a pipe that only this process
/// holds, and stops the server and removes its folder when the pipe closes.
public final class TestServer: Sendable {
    /// The server that tests share; started by the first of them.
    public static let shared = Task { try await TestServer() }

    /// Where its socket and its data are.
    public let directory: String
    fileprivate let programs: String

    /// A server of one's own, to stop or freeze.
    public init() async throws {
        programs = try await PostgresInstallation.find().binDirectory
        let name = "berth-pg-\(UUID().uuidString.prefix(8))"
        directory = FileManager.default.temporaryDirectory.appending(path: name).path
        try Self.shell("mkdir -m 700 \(directory)")
        if getuid() == 0 { try Self.shell("chown postgres \(directory)") }
        try Self.shell(
            asPostgres("initdb -A trust -U postgres -N -E UTF8 --locale=C.UTF-8 \(directory)/data"))
        try start()
        let stop = asPostgres("pg_ctl -D \(directory)/data -m immediate stop")
        // Never closed by hand: the pipe is open exactly as long as this process lives.
        guard popen("{ cat; \(stop); rm -rf \(directory); } >/dev/null 2>&1", "we") != nil else {
            throw ShellFailure(command: "cat")
        }
    }

    /// A libpq connection string to one of its databases.
    public func connectionString(database: String = "postgres") -> String {
        "host=\(directory) user=postgres dbname=\(database)"
    }

    /// Starts it again after ``stop()``.
    public func start() throws {
        let settings = "-c fsync=off -c listen_addresses= -c max_connections=400 -k \(directory)"
        try Self.shell(
            asPostgres(
                "pg_ctl -D \(directory)/data -w -l \(directory)/data/log -o '\(settings)' start"))
    }

    /// Stops it as an administrator would.
    public func stop() throws {
        try Self.shell(asPostgres("pg_ctl -D \(directory)/data -m fast -w stop"))
    }

    /// Where the server writes what it has to say.
    public var logFile: String { "\(directory)/data/log" }

    /// The process that accepts connections.
    public func postmaster() throws -> pid_t {
        let file = try String(contentsOfFile: "\(directory)/data/postmaster.pid", encoding: .utf8)
        return pid_t(file.prefix { $0.isNumber }) ?? 0
    }

    /// A client of one of its databases, with waits that suit dozens of tests on few cores.
    public func client(
        database: String = "postgres", _ adjust: (inout PostgresConfiguration) -> Void = { _ in }
    ) throws -> PostgresClient {
        var configuration = PostgresConfiguration(
            connectionString: connectionString(database: database))
        configuration.maxConnections = 4
        configuration.acquireTimeout = .seconds(20)
        configuration.acquireLimit = .seconds(20)
        configuration.queryTimeout = .seconds(20)
        adjust(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try PostgresClient(configuration: configuration, logger: logger)
    }

    private func asPostgres(_ command: String) -> String {
        let path = "\(programs)/\(command)"
        return getuid() == 0 ? "cd / && runuser -u postgres -- \(path)" : path
    }

    // Not Foundation's Process: it waits for a socket that the server inherits.
    fileprivate static func shell(_ command: String) throws {
        guard system("{ \(command); } >/dev/null 2>&1 </dev/null") == 0 else {
            throw ShellFailure(command: command)
        }
    }

    private struct ShellFailure: Error {
        let command: String
    }
}

extension TestServer {
    /// The schema of one of its databases, as `pg_dump` writes it, without what differs from dump to dump.
    public func schema(of database: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(database).sql")
        defer { try? FileManager.default.removeItem(at: file) }
        try Self.shell(
            "\(programs)/pg_dump --schema-only --no-owner --no-privileges --file=\(file.path) "
                + "'\(connectionString(database: database))'")
        return try String(contentsOf: file, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("\\") && !$0.hasPrefix("-- Dumped") }
            .joined(separator: "\n")
    }
}
