import BerthDatabase
import BerthSQL
import BerthTestSupport
import Foundation
import Logging
import Postgres
import Testing

@Suite("The schema and its migrations", .gated)
struct SchemaTests {
    private static let golden = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "sql/schema.sql")

    @Test("The migrations make the schema that sql/schema.sql shows")
    func goldenDump() async throws {
        let dump = try await TestDatabase.with {
            try await TestServer.shared.value.schema(of: $0.name)
        }
        if ProcessInfo.processInfo.environment["BERTH_UPDATE_SCHEMA"] == "1" {
            try dump.write(to: Self.golden, atomically: true, encoding: .utf8)
        }
        let kept = try String(contentsOf: Self.golden, encoding: .utf8)
        #expect(dump == kept, "run it with BERTH_UPDATE_SCHEMA=1, and read what changed")
    }

    @Test("Names that looked alike before they were refused stay, and can be ended")
    func oldNames() async throws {
        try await TestDatabase.with { database in
            try await database.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            let migrations = try BerthSQL.migrations()
            for migration in migrations where migration.version < 25 {
                try await database.psql(migration.sql)
            }
            try await database.psql(
                """
                INSERT INTO tokens (name, role, secret_hash, created_at, created_by)
                SELECT n, 'viewer', sha256('x'), now(), 'psql' FROM unnest('{ci,CI,"bob "}'::text[]) n
                """)
            for migration in migrations where migration.version >= 25 {
                try await database.psql(migration.sql)
            }
            try await database.psql("UPDATE tokens SET revoked_at = now()")
            await #expect(throws: PostgresError.self) {
                try await database.psql(
                    """
                    INSERT INTO tokens (name, role, secret_hash, created_at, created_by)
                    VALUES ('ci ', 'viewer', sha256('x'), now(), 'psql')
                    """)
            }
        }
    }

    @Test("Eight migrators that start at once leave one schema, each migration applied once")
    func concurrentMigrators() async throws {
        try await TestDatabase.with { database in
            try await database.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await SchemaMigrator(
                            client: database.client,
                            logger: Logger(label: "test") { _ in
                                SwiftLogNoOpLogHandler()
                            }
                        ).migrate()
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(try applied.sorted() == BerthSQL.migrations().map(\.version))
        }
    }

    @Test("A newer schema, and a migration with another text, are refused")
    func foreignSchemas() async throws {
        try await TestDatabase.with { database in
            let migrator = SchemaMigrator(client: database.client, logger: Logger(label: "test"))
            try await database.psql(
                "INSERT INTO schema_migrations VALUES (999, 'from_the_future', '\\x00', now())")
            let known = try #require(BerthSQL.migrations().last).version
            await #expect(throws: SchemaMigrator.Fault.newerSchema(found: 999, known: known)) {
                try await migrator.migrate()
            }
            try await database.psql(
                """
                DELETE FROM schema_migrations WHERE version = 999;
                UPDATE schema_migrations SET checksum = '\\x00' WHERE version = 2
                """)
            await #expect(
                throws: SchemaMigrator.Fault.differentMigration(
                    version: 2, name: "create_bookings")
            ) {
                try await migrator.migrate()
            }
        }
    }

    @Test("A database that forgets commits is refused")
    func asynchronousCommit() async throws {
        try await TestDatabase.with { database in
            let client = try await TestServer.shared.value.client(database: database.name) {
                $0.sessionParameters = [("synchronous_commit", "off")]
            }
            let error = await #expect(throws: SchemaMigrator.Fault.self) {
                try await SchemaMigrator(client: client, logger: Logger(label: "test")).migrate()
            }
            #expect(error?.description.contains("synchronous_commit") == true)
        }
    }
}
