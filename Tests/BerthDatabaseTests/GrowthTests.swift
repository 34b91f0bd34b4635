import BerthCore
import BerthTestSupport
import Foundation
import Logging
import Postgres
import Testing

@testable import BerthDatabase

/// Reads are held by the pages that they touch, never by a clock.
@Suite("What a read costs as tables grow", .gated)
struct GrowthTests {
    private static let quiet = "env-41"
    private static let page = Page(limit: 20)

    /// A read that answers as few rows however many others there are.
    struct Read {
        let name: String
        let run: @Sendable (TestDatabase) async throws -> Void

        init(_ name: String, _ run: @escaping @Sendable (TestDatabase) async throws -> Void) {
            self.name = name
            self.run = run
        }
    }

    @Test("What is few is found in about as many pages among sixteen times as many others")
    func steady() async throws {
        try await TestDatabase.with(connections: 1) { database in
            try await Self.seed(database)
            try await Self.grow(database, to: 1...200)
            var few: [Int] = []
            for read in Self.reads {
                few.append(try await Self.pages(database) { try await read.run(database) })
            }
            try await Self.grow(database, to: 201...3200)
            for (read, few) in zip(Self.reads, few) {
                let many = try await Self.pages(database) { try await read.run(database) }
                #expect(many <= few + few / 4 + 12, "\(read.name): \(few) pages, then \(many)")
            }
        }
    }

    private static let reads: [Read] = [
        Read("a window is compared with the claims of its own time, not with all there are") {
            database in
            _ = try await database.client.query(
                "SELECT count(*) FROM window_clashes(array(SELECT w.id FROM change_windows w))")
        },
        Read("what a window hits is found by its time, not among all claims of its environments") {
            database in
            _ = try await database.client.query(
                """
                SELECT count(*) FROM window_hits(
                    array(SELECT e.id FROM environments e), ARRAY[\(Self.at(hours: 2))],
                    interval '1 hour', NULL, \(TestDatabase.now), 1000)
                """)
        },
        Read("bookings of an environment that has few are found among many of others") { database in
            var filter = BookingFilter()
            filter.environment = Self.quiet
            let found = try await database.berth.bookings(filter, Self.page)
            #expect(found.items.count == 1)
        },
        Read("a rare text is found among many bookings") { database in
            var filter = BookingFilter()
            filter.text = "Quokka_1"
            let found = try await database.client.query(filter.query(Self.page, newest: 10))
            #expect(found.count == 1)
        },
        Read("a rare label is found among many bookings") { database in
            var filter = BookingFilter()
            filter.labels = ["audit": "yes"]
            let found = try await database.client.query(filter.query(Self.page, newest: 10))
            #expect(found.count == 1)
        },
        Read("bookings of a day are found among those of many days") { database in
            var filter = BookingFilter()
            filter.from = Self.at(hours: -48)
            filter.to = Self.at(hours: -24)
            let found = try await database.client.query(filter.query(Self.page, newest: 10))
            #expect(found.count == 1)
        },
        Read("notices of somebody who has few are found among many of others") { database in
            let caller = Caller(
                tokenID: 2, name: "quiet", role: .booker, team: "quiet", labels: [:])
            let found = try await database.berth.notices(
                for: caller, unreadOnly: false, Self.page)
            #expect(found.items.count == 2)
        },
        Read("changes that hit a booking are found among many that did not") { database in
            let rows = try await database.client.query(
                "SELECT b.id FROM bookings b WHERE b.title LIKE '%quokka%' ORDER BY b.id LIMIT 1")
            var filter = ChangeFilter()
            filter.booking = BookingReference(id: try #require(rows.first).decode(Int64.self))
            let found = try await database.berth.changes(filter, Self.page)
            #expect(found.items.count == 1)
        },
        Read("a calendar by labels reads the bookings of its environments alone") { database in
            let contents = try await database.berth.contents(
                of: .labels(["kind": "quiet"]), FeedHorizon(TestDatabase.now), omitsCancelled: false
            )
            #expect(contents.bookings.count == 1)
        },
        Read("the report of a day reads the bookings of that day") { database in
            let lines = try await database.berth.utilisation(
                of: Self.at(hours: -48)..<Self.at(hours: -24), by: .environment,
                now: TestDatabase.now)
            #expect(lines.reduce(0) { $0 + $1.bookings } == 1)
        },
        Read("a change of parts reads the bookings of what it bears on") { database in
            try await database.psql(
                """
                UPDATE environments SET part_ids = array(SELECT id FROM environments WHERE key = 'stub'),
                    part_usages = '{shared}' WHERE key = '\(Self.quiet)';
                UPDATE environments SET part_ids = '{}', part_usages = '{}' WHERE key = '\(Self.quiet)';
                """)
        },
    ]

    @Test("A refusal on a full shared environment is linear in its capacity")
    func fullEnvironment() async throws {
        try await TestDatabase.with(connections: 1) { database in
            try await Self.seed(database)
            var pages: [Int] = []
            for capacity in [15, 60] {
                try await database.environment("full-\(capacity)") { $0.capacity = capacity }
                for place in 0..<capacity {
                    try await database.book(
                        TestDatabase.draft(
                            "full-\(capacity)", from: 10 + Double(place) / 60, to: 20,
                            mode: .shared))
                }
                pages.append(
                    try await Self.pages(database) {
                        let found = try await database.client.query(
                            """
                            SELECT b.booking_id FROM blockers(
                                array(SELECT e.id FROM environments e WHERE e.key = \("full-\(capacity)")),
                                'shared', \(Self.at(hours: 10)), \(Self.at(hours: 20)), '{}', 1000) b
                            """)
                        #expect(found.count == capacity)
                        _ = try await database.client.query(
                            """
                            SELECT count(*) FROM overbooked(array(
                                SELECT b.id FROM bookings b JOIN environments e
                                    ON e.id = b.environment_ids[1] AND e.key = \("full-\(capacity)")))
                            """)
                    })
            }
            #expect(pages[1] < 8 * pages[0])
        }
    }

    @Test("All that has served is forgotten at once, by one server at a time")
    func forgetting() async throws {
        try await TestDatabase.with { database in
            try await database.psql(
                """
                INSERT INTO outbox (at, kind, subject_id, version)
                SELECT '2027-02-01', 'booking.created', n, 1 FROM generate_series(1, 25000) n;
                INSERT INTO outbox (at, kind, subject_id, version)
                VALUES ('2027-03-01', 'booking.created', 1, 1);
                """)
            let clockwork = Clockwork(database.berth, logger: Logger(label: "test"))
            func left() async throws -> Int {
                let rows = try await database.client.query("SELECT count(*) FROM outbox")
                return try #require(rows.first).decode(Int.self)
            }
            try await database.client.transaction { other in
                try await other.query(
                    "SELECT pg_advisory_xact_lock(hashtextextended('berth.forgetting', 0))")
                try await clockwork.forget(before: TestDatabase.now)
                #expect(try await left() == 25_001)
            }
            try await clockwork.forget(before: TestDatabase.now)
            #expect(try await left() == 1)
        }
    }

    private static func at(hours: Double) -> Date {
        TestDatabase.now.addingTimeInterval(hours * 3600)
    }

    /// Pages of tables and indexes that are touched: of the second time, when everything is planned.
    private static func pages(
        _ database: TestDatabase, _ read: () async throws -> Void
    ) async throws -> Int {
        try await read()
        let before = try await touched(database)
        try await read()
        return try await touched(database) - before
    }

    private static func touched(_ database: TestDatabase) async throws -> Int {
        try await database.client.query("SELECT pg_stat_force_next_flush()")
        let rows = try await database.client.query(
            """
            SELECT sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit + idx_blks_read, 0))::bigint
            FROM pg_statio_user_tables
            """)
        return try #require(rows.first).decode(Int.self)
    }

    /// What is few: an environment with one booking, in the past, that a change hit; two notices; one window.
    private static func seed(_ database: TestDatabase) async throws {
        // What is small is read as what is large would be.
        try await database.client.query("SET enable_seqscan = off")
        try await database.psql(
            """
            INSERT INTO teams (name, created_at, updated_at)
            SELECT n, '2027-01-01', '2027-01-01' FROM unnest('{crm,quiet}'::text[]) n;
            INSERT INTO environments (key, name, tier, time_zone, labels, created_at, updated_at, updated_by)
            SELECT k, k, 'test', 'UTC',
                   CASE k WHEN '\(quiet)' THEN '{"kind": "quiet"}' ELSE '{}' END::jsonb, '2027-01-01',
                   '2027-01-01', 'seed'
            FROM (SELECT 'env-' || i FROM generate_series(1, 41) i UNION ALL SELECT 'stub') e (k);
            INSERT INTO bookings (
                state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode, labels,
                requested_by, created_at, updated_at, updated_by)
            SELECT 'completed', ARRAY[e.id], '2027-02-27T12:00Z', '2027-02-27T13:00Z', 'UTC',
                   'A quokka_1', t.id, 'exclusive', '{"audit": "yes"}', 'quiet', '2027-02-01',
                   '2027-02-01', 'seed'
            FROM environments e, teams t WHERE e.key = '\(quiet)' AND t.name = 'quiet';
            INSERT INTO notices (at, kind, subject, text, team_id, person)
            SELECT '2027-02-01', 'booking.approved', 'BK-1', 'was approved', t.id, NULL
            FROM teams t WHERE t.name = 'quiet';
            INSERT INTO notices (at, kind, subject, text, person)
            VALUES ('2027-02-01', 'booking.approved', 'BK-1', 'was approved', 'quiet');
            INSERT INTO change_windows (
                kind, state, environment_ids, title, requested_by, approved_at, starts_at, ends_at,
                time_zone, occurrence_starts, created_at, updated_at, updated_by)
            SELECT 'maintenance', 'approved', ARRAY[e.id], 'Patch', 'seed', '2027-02-01',
                   '2027-03-02', '2027-03-03', 'UTC', '{2027-03-02}', '2027-02-01', '2027-02-01', 'seed'
            FROM environments e WHERE e.key = '\(quiet)';
            \(change(of: "b.title LIKE '%quokka%'", rows: 1...1));
            """)
    }

    /// Many bookings of others after now, with changes and notices.
    private static func grow(_ database: TestDatabase, to rows: ClosedRange<Int>) async throws {
        try await database.psql(
            """
            INSERT INTO bookings (
                state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode, ticket,
                labels, requested_by, created_at, updated_at, updated_by)
            SELECT 'confirmed', ARRAY[e.id], s.at, s.at + interval '1 hour', 'UTC', 'Regression', t.id,
                   'exclusive', 'QA-' || n, '{"release": "r"}', 'ada', '2027-02-28', '2027-02-28', 'seed'
            FROM generate_series(\(rows.lowerBound), \(rows.upperBound)) n
            JOIN environments e ON e.key = 'env-' || 1 + n % 40
            JOIN teams t ON t.name = 'crm'
            CROSS JOIN LATERAL (
                SELECT '2027-03-01T10:00Z'::timestamptz + n / 40 * interval '2 hours') s (at);
            INSERT INTO notices (at, kind, subject, text, team_id, person)
            SELECT '2027-02-28', 'booking.approved', 'BK-2', 'was approved', t.id, 'ada'
            FROM generate_series(\(rows.lowerBound), \(rows.upperBound)) n
            JOIN teams t ON t.name = 'crm';
            \(change(of: "b.title = 'Regression'", rows: rows));
            """)
        try await database.client.query("VACUUM ANALYZE")
    }

    /// Written past the chain, which takes longer for each row of a statement.
    private static func change(of bookings: String, rows: ClosedRange<Int>) -> String {
        """
        ALTER TABLE change_log DISABLE TRIGGER USER;
        INSERT INTO change_log (
            id, root_id, entry, environment_id, occurred_at, recorded_at, recorded_by, source, actor, kind,
            summary, control, reasons, bookings_hit, is_late, approved_late, hash)
        SELECT n.id, n.id, 'change', k.environment_ids[1], k.starts_at, '2027-02-28', 'seed', 'api',
               'ada', 'deploy', 'A deployment', 'uncontrolled', '{no-window}', ARRAY[k.id], false, false,
               sha256('')
        FROM (SELECT b.id, b.environment_ids, b.starts_at, row_number() OVER (ORDER BY b.id) AS place
              FROM bookings b WHERE \(bookings) ORDER BY b.id LIMIT \(rows.count)) k
        CROSS JOIN LATERAL (
            SELECT k.place + coalesce(max(c.id), 0) FROM change_log c) n (id)
        """
    }
}
