import BerthCore
import BerthDatabase
import Foundation
import Logging
import Postgres

/// A migrated database of one test's own, cloned from a template.
public struct TestDatabase: Sendable {
    /// Its name on the shared server.
    public let name: String
    /// Its pool of connections.
    public let client: PostgresClient
    /// What is tested.
    public let berth: BerthDatabase

    /// 2027-03-01T09:00:00Z, a Monday: the clock that tests pass in.
    public static let now = Date(timeIntervalSince1970: 1_803_891_600)
    /// Who may do everything.
    public static let admin = Caller(tokenID: 1, name: "ada", role: .admin, team: nil, labels: [:])

    /// Runs a test on a database of its own.
    public static func with<Value: Sendable>(
        connections: Int = 8, _ body: @Sendable (TestDatabase) async throws -> Value
    ) async throws -> Value {
        let server = try await TestServer.shared.value
        let template = try await self.template.value
        let maintenance = try await self.maintenance.value
        let name = "test_\(UUID().uuidString.lowercased().replacing("-", with: "_"))"
        try await maintenance.query(
            "CREATE DATABASE \(unescaped: name) TEMPLATE \(unescaped: template)",
            deadline: .seconds(60))
        let client = try server.client(database: name) {
            $0.maxConnections = connections
            $0.sessionParameters += [("jit", "off"), ("berth.lock_order", "asserted")]
        }
        let running = Task { try await client.run() }
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await body(
                    TestDatabase(name: name, client: client, berth: BerthDatabase(client: client))))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try? await running.value
        try await maintenance.query(
            "DROP DATABASE \(unescaped: name) WITH (FORCE)", deadline: .seconds(60))
        return try result.get()
    }

    /// Runs SQL as a hand in `psql` would, in one transaction of its own.
    public func psql(_ sql: String) async throws {
        try await client.withConnection { try await $0.script(sql) }
    }

    private static let maintenance = Task {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 2 }
        Task { try await client.run() }
        return client
    }

    private static let template = Task {
        let name = "berth_template"
        try await maintenance.value.query(
            "CREATE DATABASE \(unescaped: name)", deadline: .seconds(60))
        let client = try await TestServer.shared.value.client(database: name)
        let running = Task { try await client.run() }
        try await SchemaMigrator(client: client, logger: Logger(label: "test")).migrate()
        running.cancel()
        try? await running.value
        return name
    }
}
