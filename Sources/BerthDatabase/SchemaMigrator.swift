import BerthCore
import BerthSQL
import Crypto
import Foundation
import Logging
import Postgres

/// Brings a database to the schema that this program knows.
public struct SchemaMigrator: Sendable {
    /// Why a database cannot be brought there.
    public enum Fault: Error, Sendable, Equatable, CustomStringConvertible {
        /// A newer program made it: this one must not touch it.
        case newerSchema(found: Int, known: Int)
        /// A migration that was applied is not the one that this program carries.
        case differentMigration(version: Int, name: String)
        /// Not a primary that takes writes, or one that forgets commits.
        case unsuitable(String)

        /// The form that people read.
        public var description: String {
            switch self {
            case .newerSchema(let found, let known):
                "the database has schema \(found), this program knows up to \(known): "
                    + "run the newer berth"
            case .differentMigration(let version, let name):
                "migration \(version) (\(name)) was applied with another text: "
                    + "this database was not made by this program's line of migrations"
            case .unsuitable(let reason): reason
            }
        }
    }

    private let client: PostgresClient
    private let logger: Logger

    /// A migrator over a pool.
    public init(client: PostgresClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// The schema of this program.
    public static let newestVersion = (try? BerthSQL.migrations().last?.version) ?? 0

    /// Applies what is missing, each migration in a transaction of its own with its ledger row first.
    /// Safe when several start at once: one works, the others wait and find nothing to do.
    /// Returns the versions that it applied. Throws ``Fault``.
    @discardableResult
    public func migrate() async throws -> [Int] {
        try await checkSuitable()
        let migrations = try BerthSQL.migrations()
        var applied: [Int] = []
        for migration in migrations {
            if try await apply(migration, known: Self.newestVersion) {
                logger.notice(
                    "migrated",
                    metadata: ["version": "\(migration.version)", "name": "\(migration.name)"])
                applied.append(migration.version)
            }
        }
        try await strengthenTriggers()
        return applied
    }

    /// Triggers hold in every session, and a restore that disabled them enables them for ordinary ones only: what was
    /// written meanwhile was not checked, and what a replica applies would not be.
    private func strengthenTriggers() async throws {
        let rows = try await client.query(
            """
            SELECT t.tgrelid::regclass::text, t.tgname,
                   format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.tgrelid::regclass, t.tgname)
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal
              AND t.tgenabled <> 'A'
            ORDER BY 1, 2
            """)
        for row in rows {
            let (table, trigger, cure) = try row.decode(String.self, String.self, String.self)
            try await client.query("\(unescaped: cure)")
            logger.warning(
                "a trigger was weaker than it was made, and is as strong again: what was written meanwhile was not checked",
                metadata: ["table": "\(table)", "trigger": "\(trigger)"])
        }
    }

    /// Berth keeps its word only on a primary that writes commits down before it answers.
    private func checkSuitable() async throws {
        try await requireSessions()
        let row = try await client.query(
            """
            SELECT pg_is_in_recovery(), current_setting('synchronous_commit'),
                   current_setting('server_version_num')::integer
            """
        ).first
        guard let row else { return }
        let (standby, synchronousCommit, version) = try row.decode(
            Bool.self, String.self, Int.self)
        if standby {
            throw Fault.unsuitable(
                "the database is a standby: name the primary, or several hosts with "
                    + "target_session_attrs=read-write")
        }
        if synchronousCommit == "off" {
            throw Fault.unsuitable(
                "the database has synchronous_commit = off, which may lose acknowledged bookings: "
                    + "set it to on")
        }
        if version < 150_000 {
            throw Fault.unsuitable(
                "the database is PostgreSQL \(version / 10_000): use 15 or later")
        }
    }

    /// Throws when a pooler stands between that gives a connection another session for each transaction: what Berth
    /// prepares, and what it listens to, is then lost. A pooler shows by the process that it names; whether it keeps
    /// sessions shows while one connection is in a transaction: another must still have the session that it had.
    private func requireSessions() async throws {
        let pooled = Fault.unsuitable(
            "a pooler gives Berth another session for each transaction: connect to PostgreSQL itself, or set "
                + "pool_mode = session in pgbouncer, for this database")
        do {
            let isKept = try await client.withConnection { connection in
                let before = try await connection.query("SELECT pg_backend_pid()")
                if try await before[0].decode(Int.self) == connection.serverProcessID {
                    return true
                }
                return try await client.transaction { transaction in
                    try await transaction.query("SELECT pg_backend_pid(), 'held'")
                    let after = try await connection.query(
                        "SELECT pg_backend_pid(), 'still'", deadline: .seconds(5))
                    return try before[0].decode(Int.self)
                        == after[0].decode(Int.self, String.self).0
                }
            }
            guard isKept else { throw pooled }
        } catch let error as PostgresError
            where error.kind == .deadlineExceeded || ["26000", "42P05"].contains(error.sqlState)
        {
            throw pooled
        }
    }

    private func apply(_ migration: BerthSQL.Migration, known: Int) async throws -> Bool {
        let checksum = Data(SHA256.hash(data: Data(migration.sql.utf8)))
        return try await client.withConnection { connection in
            do {
                try await connection.script(Self.opening)
                let newest = try await connection.query(
                    "SELECT coalesce(max(version), 0) FROM schema_migrations")
                if let found = try newest.first?.decode(Int.self), found > known {
                    throw Fault.newerSchema(found: found, known: known)
                }
                let rows = try await connection.query(
                    "SELECT checksum FROM schema_migrations WHERE version = \(migration.version)")
                if let row = rows.first {
                    guard try row.decode(Data.self) == checksum else {
                        throw Fault.differentMigration(
                            version: migration.version, name: migration.name)
                    }
                    try await connection.script("ROLLBACK")
                    return false
                }
                try await connection.query(
                    """
                    INSERT INTO schema_migrations (version, name, checksum, applied_at)
                    VALUES (\(migration.version), \(migration.name), \(checksum), clock_timestamp())
                    """)
                try await connection.script(migration.sql, deadline: .seconds(600))
                try await connection.script("COMMIT")
                return true
            } catch {
                try? await connection.script("ROLLBACK")
                throw error
            }
        }
    }

    /// Begins, and lets one migrator work at a time. The number is Berth's own: `berth` in ASCII.
    private static let opening = """
        BEGIN;
        SELECT pg_advisory_xact_lock(422977794152);
        CREATE TABLE IF NOT EXISTS schema_migrations (
            version integer NOT NULL,
            name text NOT NULL,
            checksum bytea NOT NULL,
            applied_at timestamptz NOT NULL,
            CONSTRAINT schema_migrations_pkey PRIMARY KEY (version)
        );
        """
}
