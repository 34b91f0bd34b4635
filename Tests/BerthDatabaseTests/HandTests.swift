import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Logging
import Postgres
import Testing

/// What a hand in psql is bound by.
@Suite("By hand", .gated)
struct HandTests {
    private func refusal(
        _ database: TestDatabase, _ sql: String
    ) async throws -> String? {
        do {
            try await database.psql(sql)
            return nil
        } catch let error as PostgresError {
            return error.constraintName ?? error.sqlState
        }
    }

    @Test("Capacity is not changed at a higher isolation level than READ COMMITTED")
    func capacity() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1") { $0.capacity = 3 }
            let refused = try await refusal(
                database,
                """
                BEGIN ISOLATION LEVEL REPEATABLE READ;
                UPDATE environments SET capacity = 1 WHERE key = 'uat-1';
                COMMIT
                """)
            #expect(refused == "25000")
        }
    }

    @Test("A window stays the kind that it was planned as, and an emergency stays one")
    func windows() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            try await database.psql(
                """
                INSERT INTO change_windows (kind, state, environment_ids, title, requested_by, approved_at,
                    starts_at, ends_at, time_zone, occurrence_starts, created_at, updated_at, updated_by)
                SELECT 'change', 'approved', ARRAY[e.id], 'Patch', 'ana', now(), '2027-04-01', '2027-04-02',
                    'UTC', ARRAY['2027-04-01'::timestamptz], now(), now(), 'ana'
                FROM environments e
                """)
            for change in ["kind = 'maintenance'", "team_id = 1, emergency_reason = 'down'"] {
                #expect(
                    try await refusal(database, "UPDATE change_windows SET \(change)")
                        == "window_kind_stays")
            }
            #expect(try await refusal(database, "UPDATE change_windows SET title = 'Other'") == nil)
        }
    }

    @Test("An undecided edit names a version that the booking had")
    func approvedVersion() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
            for version in [0, 2, 77] {
                #expect(
                    try await refusal(
                        database,
                        "UPDATE bookings SET state = 'requested', approved_version = \(version)")
                        == "booking_approved_version_exists")
            }
            #expect(
                try await refusal(
                    database, "UPDATE bookings SET state = 'requested', approved_version = 1")
                    == nil)
            #expect(try await database.isRefused(TestDatabase.draft("uat-1", from: 1, to: 2)))
        }
    }

    @Test("An id given by hand is not given again by the sequence; one far ahead is refused")
    func ids() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
            func insert(_ id: Int) -> String {
                """
                INSERT INTO bookings (id, state, environment_ids, starts_at, ends_at, time_zone, title,
                    team_id, mode, requested_by, created_at, updated_at, updated_by)
                SELECT \(id), 'confirmed', ARRAY[e.id], '2027-05-01', '2027-05-02', 'UTC', 'By hand', t.id,
                    'exclusive', 'psql', now(), now(), 'psql'
                FROM environments e, teams t
                """
            }
            #expect(try await refusal(database, insert(1003)) == nil)
            let next = try await database.book(TestDatabase.draft("uat-1", from: 3, to: 4))
            #expect(next.reference.id > 1003)
            #expect(
                try await refusal(database, insert(9_000_000_000)) == "booking_ids_are_numbered")
            try await database.psql(
                """
                INSERT INTO teams (id, name, created_at, updated_at) VALUES (9, 'hand', now(), now());
                INSERT INTO tokens (id, name, role, secret_hash, created_at, created_by)
                VALUES (5, 'hand', 'viewer', sha256('x'), now(), 'psql')
                """)
            _ = try await database.berth.createToken(
                TokenDraft(name: "bob", role: .booker, team: "new-team"), by: TestDatabase.admin,
                now: TestDatabase.now)
        }
    }

    /// A booking by hand of whatever environment there is, in the tables of this schema.
    private func booking(schema: String = "public") -> String {
        """
        INSERT INTO \(schema).bookings (state, environment_ids, starts_at, ends_at, time_zone, title, team_id,
            mode, requested_by, created_at, updated_at, updated_by)
        SELECT 'confirmed', ARRAY[e.id], '2027-05-01', '2027-05-02', 'UTC', 'By hand', t.id, 'exclusive',
            'psql', now(), now(), 'psql'
        FROM \(schema).environments e, \(schema).teams t
        """
    }

    @Test("A temporary table of the same name leads no function astray", arguments: [true, false])
    func temporaryTables(replays: Bool) async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1") { $0.ownerTeam = "crm" }
            try await database.psql(booking())
            for table in ["claims", "environment_reach", "bookings", "teams"] {
                let refused = try await refusal(
                    database,
                    """
                    BEGIN;
                    \(replays ? "SET LOCAL session_replication_role = replica;" : "")
                    CREATE TEMPORARY TABLE \(table) (LIKE public.\(table)) ON COMMIT DROP;
                    \(booking());
                    COMMIT
                    """)
                #expect(refused == "no_double_booking")
            }
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("A session without a search_path, as a replica's apply has, writes by the same rules")
    func emptySearchPath() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1") { $0.ownerTeam = "crm" }
            let bare = """
                BEGIN; SET LOCAL search_path = ''; SET LOCAL session_replication_role = replica;
                \(booking()); COMMIT
                """
            #expect(try await refusal(database, bare) == nil)
            #expect(try await refusal(database, bare) == "no_double_booking")
        }
    }

    @Test(
        "No function is without a search_path of its own or a bound body, and every trigger always holds"
    )
    func pinned() async throws {
        try await TestDatabase.with { database in
            let loose = try await database.client.query(
                """
                SELECT p.proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
                WHERE p.pronamespace = 'public'::regnamespace AND l.lanname IN ('sql', 'plpgsql')
                  AND p.prosqlbody IS NULL AND NOT EXISTS (
                    SELECT FROM unnest(p.proconfig) c (setting) WHERE c.setting = 'search_path=public, pg_temp')
                """)
            let names = try loose.map { try $0.decode(String.self) }
            #expect(names.isEmpty)
        }
    }

    @Test("Triggers that a restore left weaker are strong again once a server has started")
    func weakTriggers() async throws {
        try await TestDatabase.with { database in
            func weak() async throws -> Int {
                try await database.client.query(
                    "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'A'")[
                        0
                    ]
                    .decode(Int.self)
            }
            #expect(try await weak() == 0)
            try await database.psql(
                """
                ALTER TABLE claims DISABLE TRIGGER ALL; ALTER TABLE claims ENABLE TRIGGER ALL;
                ALTER TABLE bookings DISABLE TRIGGER bookings_inserted
                """)
            #expect(try await weak() > 1)
            try await SchemaMigrator(client: database.client, logger: Logger(label: "test"))
                .migrate()
            #expect(try await weak() == 0)
        }
    }
}
