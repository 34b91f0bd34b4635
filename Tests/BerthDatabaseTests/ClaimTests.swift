import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Postgres
import Testing

@Suite("Claims, locks and history", .gated)
struct ClaimTests {
    @Test("After any random sequence of changes, claims equal what their bookings imply")
    func randomChanges() async throws {
        try await TestDatabase.with { database in
            for key in ["stub", "region", "uat-1", "uat-2", "uat-3"] {
                try await database.environment(key) { $0.policy.teardownMinutes = 10 }
            }
            var random = SeededRandom(seed: 42)
            var made: [Booking] = []
            for step in 0..<250 {
                let now = TestDatabase.now.addingTimeInterval(Double(step) * 60)
                try? await change(step, database, &made, now: now, &random)
            }
            #expect(made.count > 20)
            let differences = try await database.client.query(
                """
                -- What is over keeps the claims that it had: new parts bind only what is to come.
                WITH live AS (
                    SELECT id FROM bookings WHERE state IN ('requested', 'confirmed', 'active')),
                held AS (
                    SELECT c.booking_id, c.environment_id, c.period, c.share_key
                    FROM claims c JOIN live l ON l.id = c.booking_id),
                implied AS (
                    SELECT d.booking_id, d.environment_id, d.period, d.share_key
                    FROM derive_claims(array(SELECT id FROM live)) d)
                (TABLE held EXCEPT TABLE implied) UNION ALL (TABLE implied EXCEPT TABLE held)
                """)
            #expect(differences.isEmpty)
            #expect(try await database.doubleBookings() == 0)
        }
    }

    /// One change of a kind that the dice choose; refusals are part of the game.
    private func change(
        _ step: Int, _ database: TestDatabase, _ made: inout [Booking], now: Date,
        _ random: inout SeededRandom
    ) async throws {
        let keys = ["stub", "region", "uat-1", "uat-2", "uat-3"].shuffled(using: &random)
        let from = Double(Int.random(in: 5..<40, using: &random)) / 2
        let mode: Booking.Mode = Bool.random(using: &random) ? .shared : .exclusive
        var draft = TestDatabase.draft(from: from, to: from + 1.5, mode: mode)
        draft.environments = Array(keys.prefix(Int.random(in: 1...2, using: &random)))
        let admin = TestDatabase.admin
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5: made.append(try await database.book(draft, now: now))
        case 5, 6:
            guard let booking = made.randomElement(using: &random) else { return }
            let present = try await database.berth.booking(booking.reference)
            let edited = draft
            _ = try await database.berth.updateBooking(
                BookingMoveCall(booking.reference, expecting: present.version, by: admin, now: now)
            ) { _ in edited }
        case 7:
            guard let booking = made.randomElement(using: &random) else { return }
            _ = try await database.berth.cancelBooking(
                BookingMoveCall(booking.reference, by: admin, now: now), reason: nil)
        case 8:
            guard let booking = made.randomElement(using: &random) else { return }
            _ = try await database.berth.releaseBooking(
                BookingMoveCall(booking.reference, by: admin, now: now), reason: nil)
        default:
            let part = TestEnvironment.Part(
                key: ["stub", "region"][step % 2],
                usage: TestEnvironment.Part.Usage.allCases[step % 3])
            _ = try await database.berth.updateEnvironment(
                "uat-\(1 + step % 3)", expecting: nil, by: admin, now: now, dryRun: false
            ) {
                var draft = EnvironmentDraft($0)
                draft.parts = step % 4 == 0 ? [] : [part]
                return draft
            }
        }
    }

    @Test("A loser's half does not refuse a stranger, and who came first stays first")
    func losersAndStrangers() async throws {
        try await TestDatabase.with { database in
            for key in ["a", "b", "c"] { try await database.environment(key) }
            try await database.book(TestDatabase.draft("a", from: 1, to: 2))
            // The first wants a (taken) and b; the second b; the third b and c; the fourth c.
            let outcomes = try await database.outcomes(
                ofBooking: [["a", "b"], ["b"], ["b", "c"], ["c"]], from: 1, to: 2)
            #expect(outcomes == ["refused", "booked", "refused", "booked"])
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("A booking of several environments gets all of them or none")
    func allOrNothing() async throws {
        try await TestDatabase.with { database in
            for key in ["a", "b"] { try await database.environment(key) }
            try await database.book(TestDatabase.draft("b", from: 1, to: 2))
            #expect(try await database.isRefused(TestDatabase.draft("a", "b", from: 1, to: 2)))
            try await database.book(TestDatabase.draft("a", from: 1, to: 2))
        }
    }

    @Test("Bookings that want the same environments in any order deadlock never")
    func noDeadlock() async throws {
        try await TestDatabase.with(connections: 12) { database in
            let keys = (0..<6).map { "env-\($0)" }
            for key in keys { try await database.environment(key) }
            let servers = (0..<4).map { _ in BerthDatabase(client: database.client) }
            await withTaskGroup(of: Void.self) { group in
                for client in 0..<200 {
                    group.addTask {
                        var random = SeededRandom(seed: UInt64(client))
                        let start = Double(Int.random(in: 0..<50, using: &random))
                        var draft = TestDatabase.draft(from: start, to: start + 1)
                        draft.environments = Array(keys.shuffled(using: &random).prefix(3))
                        _ = try? await servers[client % 4].book(
                            draft, by: TestDatabase.admin, now: TestDatabase.now, dryRun: false,
                            idempotency: nil)
                    }
                }
            }
            // A session reports its numbers when it is idle or ends; asked for, at once.
            let deadlocks = try await database.client.query(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            #expect(try deadlocks[0].decode(Int.self) == 0)
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("At a higher isolation level than READ COMMITTED a booking is refused")
    func isolation() async throws {
        try await TestDatabase.with { database in
            let environment = try await database.environment("uat-1")
            let booking = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
            for level in ["REPEATABLE READ", "SERIALIZABLE"] {
                let error = await #expect(throws: PostgresError.self) {
                    try await database.psql(
                        """
                        BEGIN ISOLATION LEVEL \(level);
                        UPDATE bookings SET ends_at = ends_at + interval '1 hour'
                        WHERE id = \(booking.reference.id);
                        COMMIT
                        """)
                }
                #expect(error?.sqlState == "25000")
            }
            #expect(environment.version == 1)
        }
    }

    @Test("History is neither changed nor removed, whoever tries")
    func history() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let booking = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
            try await database.psql(
                "UPDATE bookings SET title = 'By hand' WHERE id = \(booking.reference.id)")
            let versions = try await database.berth.bookingHistory(
                booking.reference, Page(limit: 10)
            ).items
            #expect(versions.map(\.booking.title) == ["By hand", booking.title])
            #expect(versions.map(\.booking.version) == [2, 1])
            for attempt in [
                "UPDATE booking_versions SET title = 'never so'", "DELETE FROM booking_versions",
                "TRUNCATE booking_versions", "DELETE FROM environment_versions",
                "DELETE FROM bookings", "TRUNCATE environments CASCADE",
            ] {
                let error = await #expect(throws: PostgresError.self, "\(attempt)") {
                    try await database.psql(attempt)
                }
                #expect(error?.sqlState == "23000", "\(attempt)")
            }
        }
    }

    @Test("What a booking names is there, stays there, and keeps its id")
    func references() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let booking = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
            for (column, value, constraint) in [
                ("team_id", "99", "booking_team_exists"),
                ("environment_ids", "'{99}'", "booking_environment_exists"),
            ] {
                let columns = """
                    state, starts_at, ends_at, time_zone, title, mode, requested_by, created_at,
                    updated_at, updated_by
                    """
                let other = column == "team_id" ? "environment_ids" : "team_id"
                for attempt in [
                    "UPDATE bookings SET \(column) = \(value) WHERE id = \(booking.reference.id)",
                    """
                    INSERT INTO bookings (\(column), \(other), \(columns))
                    SELECT \(value), \(other), state, ends_at, ends_at + interval '1 hour', time_zone,
                           title, mode, requested_by, created_at, updated_at, updated_by
                    FROM bookings WHERE id = \(booking.reference.id)
                    """,
                ] {
                    let error = await #expect(throws: PostgresError.self, "\(attempt)") {
                        try await database.psql(attempt)
                    }
                    #expect(error?.constraintName == constraint, "\(attempt)")
                }
            }
            for attempt in [
                "DELETE FROM teams", "TRUNCATE teams CASCADE", "UPDATE teams SET id = id + 100",
                "UPDATE environments SET id = id + 100", "UPDATE bookings SET id = id + 100",
            ] {
                let error = await #expect(throws: PostgresError.self, "\(attempt)") {
                    try await database.psql(attempt)
                }
                #expect(error?.sqlState == "23000", "\(attempt)")
            }
        }
    }

    @Test("A claim is not smuggled in beside another transaction's booking")
    func smuggledClaim() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let environment = try await database.environment("uat-2")
            try await database.client.withConnection { smuggler in
                try await smuggler.script(
                    """
                    BEGIN;
                    INSERT INTO claims (booking_id, environment_id, period, share_key)
                    VALUES (1000, \(environment.id), '[2030-01-01,2030-01-02)', 1000)
                    """)
                let booking = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
                #expect(booking.reference.id == 1000)
                await #expect(throws: PostgresError.self) {
                    try await smuggler.script("COMMIT")
                }
            }
        }
    }
}

extension TestDatabase {
    /// What `book()` says of requests that come in one batch.
    fileprivate func outcomes(
        ofBooking wishes: [[String]], from: Double, to: Double
    ) async throws -> [String] {
        var ids: [String: Int64] = [:]
        for key in Set(wishes.joined()) { ids[key] = try await berth.environment(key).id }
        let count = wishes.count
        let literals = wishes.map { wish in
            "{\(wish.compactMap { ids[$0] }.map(String.init).joined(separator: ","))}"
        }
        let ones = wishes.map { "{\($0.map { _ in "1" }.joined(separator: ","))}" }
        let starts = Array(repeating: Self.now.addingTimeInterval(from * 3600), count: count)
        let ends = Array(repeating: Self.now.addingTimeInterval(to * 3600), count: count)
        func all(_ text: String) -> [String] { Array(repeating: text, count: count) }
        let none = [String?](repeating: nil, count: count)
        let rows = try await client.query(
            """
            SELECT outcome FROM book(
                \(Self.now), \(literals), \(ones), \(all("confirmed")), \(starts), \(ends),
                \(all("UTC")), \(all("Wish")), array_fill(1::bigint, ARRAY[\(Int32(count))]), \(none),
                \(all("exclusive")), \(none), \(none), array_fill('{}'::jsonb, ARRAY[\(Int32(count))]),
                \(all("normal")), \(all("ada")), array_fill(NULL::bigint, ARRAY[\(Int32(count))]), \(none),
                \(none), array_fill(NULL::bytea, ARRAY[\(Int32(count))]),
                array_fill(NULL::bytea, ARRAY[\(Int32(count))]),
                array_fill(NULL::jsonb, ARRAY[\(Int32(count))]), true)
            ORDER BY ordinal
            """)
        return try rows.map { try $0.decode("outcome", as: String.self) }
    }
}
