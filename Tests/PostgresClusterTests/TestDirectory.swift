import Foundation
import Logging

@testable import PostgresCluster

/// A data directory of one test, and the processes that work on it.
struct TestDirectory {
    /// What to hand to `open`; does not exist at first.
    let path: String

    var cluster: String { "\(path)/postgres" }

    /// Lends a directory; afterwards stops what still runs in it and removes it.
    static func lend(
        named name: String = "data", _ body: (TestDirectory) async throws -> Void
    ) async throws {
        let root = "/tmp/berth-test-\(UInt64.random(in: 1...UInt64.max))"
        try make(root)
        let directory = TestDirectory(path: "\(root)/\(name)")
        do {
            try await body(directory)
        } catch {
            try await directory.remove(root)
            throw error
        }
        try await directory.remove(root)
    }

    static func make(_ path: String, mode: Int = 0o755) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: mode])
    }

    func open(
        exclusive: Bool = false, settings: [String: String] = [:],
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> PostgresCluster {
        try await PostgresCluster.open(
            dataDirectory: path, settings: ["fsync": "off"].merging(settings) { $1 },
            logger: logger, exclusive: exclusive, environment: environment)
    }

    /// The postmaster that runs on it.
    var postmaster: ProcessHandle? {
        PostmasterFile(cluster: cluster)?.runningPostmaster(of: cluster)
    }

    var names: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    }

    /// Returns while initdb runs, or when it is too late for that.
    func creationBegins() async {
        while !names.contains(where: { $0.hasPrefix("initdb-") || $0 == "postgres" }) {
            await Task.yield()
        }
    }

    /// The error that `open` throws.
    func refusal(
        exclusive: Bool = false, settings: [String: String] = [:],
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> PostgresClusterError? {
        do {
            let cluster = try await open(
                exclusive: exclusive, settings: settings, environment: environment)
            await cluster.close()
            return nil
        } catch let error as PostgresClusterError {
            return error
        }
    }

    private func remove(_ root: String) async throws {
        if let left = postmaster {
            left.send(SIGQUIT)
            try await left.waitForExit()
            left.reap()
        }
        try? FileManager.default.removeItem(
            atPath: SocketDirectory(dataDirectory: path).path)
        try FileManager.default.removeItem(atPath: root)
    }
}

extension PostgresCluster {
    /// What psql prints for a statement, run as the user who runs the tests.
    @discardableResult
    nonisolated func psql(_ statement: String) async throws -> String {
        let outcome = try await Command(
            executable: installation.program("psql"),
            arguments: ["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, connectionString],
            account: .ourselves
        ).run()
        guard outcome.succeeded else { throw PsqlFailure(output: outcome.output) }
        return outcome.output.trimmingCharacters(in: .newlines)
    }
}

struct PsqlFailure: Error {
    let output: String
}
