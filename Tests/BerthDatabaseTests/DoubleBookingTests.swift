import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Postgres
import Testing

/// The six kinds of double-booking bug on record in today's systems (DESIGN.md), each by its name.
@Suite("No path can double-book", .gated)
struct DoubleBookingTests {
    @Test("Check-then-insert race: of 64 who want one slot at once, one gets it")
    func race() async throws {
        try await TestDatabase.with(connections: 16) { database in
            try await database.environment("uat-1")
            let booked = try await withThrowingTaskGroup(of: Bool.self) { group in
                for client in 0..<64 {
                    group.addTask {
                        try await !database.isRefused(
                            TestDatabase.draft("uat-1", from: 1, to: 2, title: "Client \(client)"))
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(booked == 1)
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("Check-then-insert race: two servers, random slots and parts, nothing overlaps")
    func raceOfServers() async throws {
        try await TestDatabase.with(connections: 16) { database in
            try await database.environment("stub")
            for key in ["uat-1", "uat-2", "uat-3"] {
                try await database.environment(key) {
                    $0.parts = [.init(key: "stub", usage: .same)]
                    $0.policy.setupMinutes = 15
                }
            }
            let servers = [database.berth, BerthDatabase(client: database.client)]
            var random = SeededRandom(seed: 26)
            let drafts = (0..<300).map { _ in
                let from = Double(Int.random(in: 0..<40, using: &random)) / 2
                let keys = ["uat-1", "uat-2", "uat-3", "stub"].shuffled(using: &random).prefix(2)
                var draft = TestDatabase.draft(
                    from: from, to: from + Double(Int.random(in: 1...4, using: &random)) / 2,
                    mode: Bool.random(using: &random) ? .shared : .exclusive)
                draft.environments = Array(keys)
                return draft
            }
            let booked = try await withThrowingTaskGroup(of: Bool.self) { group in
                for (index, draft) in drafts.enumerated() {
                    group.addTask {
                        do {
                            _ = try await servers[index % 2].book(
                                draft, by: TestDatabase.admin, now: TestDatabase.now, dryRun: false,
                                idempotency: nil)
                            return true
                        } catch BerthError.conflict {
                            return false
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(booked > 3)
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test(
        "Approval without a re-check: a pending request holds its slot, so approving cannot conflict"
    )
    func approval() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let pending = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 3))
            try await database.psql(
                "UPDATE bookings SET state = 'requested' WHERE id = \(pending.reference.id)")
            #expect(try await database.isRefused(TestDatabase.draft("uat-1", from: 2, to: 4)))
            try await database.psql(
                "UPDATE bookings SET state = 'confirmed' WHERE id = \(pending.reference.id)")
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("Approval without a re-check: reviving a cancelled booking over another is refused")
    func revival() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let first = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 3))
            _ = try await database.berth.cancelBooking(
                BookingMoveCall(first.reference, by: TestDatabase.admin, now: TestDatabase.now),
                reason: nil)
            try await database.book(TestDatabase.draft("uat-1", from: 2, to: 4))
            await #expect(throws: PostgresError.self) {
                try await database.psql(
                    "UPDATE bookings SET state = 'confirmed' WHERE id = \(first.reference.id)")
            }
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("Edit, move or series that skips it: a booking cannot be moved onto another")
    func move() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            try await database.environment("uat-2")
            let held = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 3))
            let moved = try await database.book(TestDatabase.draft("uat-2", from: 1, to: 3))
            let edits: [@Sendable (inout BookingDraft) -> Void] = [
                { $0.environments = ["uat-1"] }, { $0.environments = ["uat-2", "uat-1"] },
            ]
            for edit in edits {
                let error = await #expect(throws: BerthError.self) {
                    try await database.berth.updateBooking(
                        BookingMoveCall(
                            moved.reference, expecting: 1, by: TestDatabase.admin,
                            now: TestDatabase.now)
                    ) {
                        var draft = BookingDraft($0)
                        edit(&draft)
                        return draft
                    }
                }
                guard case .conflict(let refusal)? = error else {
                    Issue.record("\(String(describing: error)) is no conflict")
                    continue
                }
                #expect(refusal.conflicts.map(\.reference) == [held.reference.description])
            }
            #expect(try await database.berth.booking(moved.reference).environments == ["uat-2"])
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("Admin, API or import that skips it: a hand in psql cannot insert, move or unclaim")
    func handInPsql() async throws {
        try await TestDatabase.with { database in
            let environment = try await database.environment("uat-1")
            let held = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 3))
            let next = try await database.book(TestDatabase.draft("uat-1", from: 3, to: 5))
            let id = held.reference.id
            let copy = """
                INSERT INTO bookings (state, environment_ids, starts_at, ends_at, time_zone, title,
                    team_id, mode, requested_by, created_at, updated_at, updated_by)
                SELECT state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode,
                       requested_by, created_at, updated_at, updated_by
                FROM bookings WHERE id = \(id)
                """
            let attempts = [
                copy,
                "UPDATE bookings SET starts_at = starts_at - interval '1 hour' WHERE id = \(next.reference.id)",
                "UPDATE claims SET share_key = 0",
                "DELETE FROM claims WHERE booking_id = \(id); \(copy)",
                "TRUNCATE claims",
                "TRUNCATE claims, bookings, booking_versions CASCADE",
                "DELETE FROM bookings WHERE id = \(id)",
                "INSERT INTO claims (booking_id, environment_id, period, share_key) "
                    + "VALUES (\(id), 7, '[2027-01-01,2027-01-02)', 0)",
                "INSERT INTO claims (booking_id, environment_id, period, share_key) "
                    + "VALUES (99999, \(environment.id), '[2028-01-01,2028-01-02)', 99999)",
                "UPDATE environment_reach SET part_id = 9",
                "DELETE FROM environment_reach",
                "DELETE FROM environments",
                "UPDATE bookings SET record_only = true WHERE id = \(id)",
                "BEGIN ISOLATION LEVEL SERIALIZABLE; \(copy); COMMIT",
                "SET session_replication_role = replica; \(copy)",
            ]
            for attempt in attempts {
                await #expect(throws: PostgresError.self, "\(attempt)") {
                    try await database.psql(attempt)
                }
                try? await database.psql("ROLLBACK; RESET session_replication_role")
            }
            #expect(try await database.doubleBookings() == 0)
            #expect(try await database.isRefused(TestDatabase.draft("uat-1", from: 1, to: 3)))
        }
    }

    @Test(
        "Boundary handling: a booking may start when another ends, and one second earlier it may not"
    )
    func boundaries() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            try await database.book(TestDatabase.draft("uat-1", from: 1, to: 3))
            try await database.book(TestDatabase.draft("uat-1", from: 3, to: 4))
            try await database.book(TestDatabase.draft("uat-1", from: 0, to: 1))
            let second = 1.0 / 3600
            #expect(
                try await database.isRefused(
                    TestDatabase.draft("uat-1", from: 4 - second, to: 5)))
            #expect(
                try await database.isRefused(
                    TestDatabase.draft("uat-1", from: 1.5, to: 1.5 + second)))
            for period in ["empty", "[,)", "[2027-01-01,)", "(2027-01-01,2027-01-02]"] {
                await #expect(throws: PostgresError.self, "\(period)") {
                    try await database.psql(
                        "INSERT INTO claims (booking_id, environment_id, period, share_key) "
                            + "VALUES (99999, 1, '\(period)', 0)")
                }
            }
        }
    }

    @Test("Buffers, parts or holds outside the predicate: setup and teardown are claimed")
    func buffers() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1") {
                $0.policy.setupMinutes = 30
                $0.policy.teardownMinutes = 30
            }
            try await database.book(TestDatabase.draft("uat-1", from: 2, to: 3))
            #expect(try await database.isRefused(TestDatabase.draft("uat-1", from: 3.9, to: 5)))
            #expect(try await database.isRefused(TestDatabase.draft("uat-1", from: 0, to: 1.1)))
            try await database.book(TestDatabase.draft("uat-1", from: 4, to: 5))
            try await database.book(TestDatabase.draft("uat-1", from: 0, to: 1))
        }
    }

    @Test("Buffers, parts or holds outside the predicate: who shares a part meets in it")
    func parts() async throws {
        try await TestDatabase.with { database in
            try await database.environment("region")
            try await database.environment("mainframe") {
                $0.parts = [.init(key: "region", usage: .same)]
            }
            try await database.environment("uat-1") {
                $0.parts = [.init(key: "mainframe", usage: .exclusive)]
            }
            try await database.environment("uat-2") {
                $0.parts = [.init(key: "mainframe", usage: .same)]
            }
            try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2, mode: .shared))
            #expect(
                try await database.isRefused(
                    TestDatabase.draft("uat-2", from: 1, to: 2, mode: .shared)))
            #expect(try await database.isRefused(TestDatabase.draft("region", from: 1.5, to: 3)))
            try await database.book(TestDatabase.draft("uat-2", from: 2, to: 3, mode: .shared))
            try await database.book(TestDatabase.draft("region", from: 2, to: 3, mode: .shared))
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("Buffers, parts or holds outside the predicate: new parts bind the bookings that stand")
    func newParts() async throws {
        try await TestDatabase.with { database in
            try await database.environment("stub")
            try await database.environment("uat-1")
            try await database.environment("uat-2")
            try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
            try await database.book(TestDatabase.draft("uat-2", from: 1, to: 2))
            _ = try await database.berth.updateEnvironment(
                "uat-1", expecting: 1, by: TestDatabase.admin, now: TestDatabase.now, dryRun: false
            ) {
                var draft = EnvironmentDraft($0)
                draft.parts = [.init(key: "stub", usage: .same)]
                return draft
            }
            #expect(try await database.isRefused(TestDatabase.draft("stub", from: 1, to: 2)))
            await #expect(throws: BerthError.self) {
                try await database.berth.updateEnvironment(
                    "uat-2", expecting: 1, by: TestDatabase.admin, now: TestDatabase.now,
                    dryRun: false
                ) {
                    var draft = EnvironmentDraft($0)
                    draft.parts = [.init(key: "stub", usage: .same)]
                    return draft
                }
            }
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("Shared use stays within capacity at every instant")
    func capacity() async throws {
        try await TestDatabase.with { database in
            try await database.environment("perf-1") { $0.capacity = 2 }
            try await database.book(TestDatabase.draft("perf-1", from: 0.5, to: 2, mode: .shared))
            try await database.book(TestDatabase.draft("perf-1", from: 2, to: 4, mode: .shared))
            try await database.book(TestDatabase.draft("perf-1", from: 1, to: 3, mode: .shared))
            #expect(
                try await database.isRefused(
                    TestDatabase.draft("perf-1", from: 1.5, to: 2.5, mode: .shared)))
            try await database.book(TestDatabase.draft("perf-1", from: 3, to: 4, mode: .shared))
            await #expect(throws: PostgresError.self) {
                try await database.psql(
                    """
                    UPDATE bookings SET ends_at = ends_at + interval '4 hours'
                    WHERE starts_at = (SELECT min(starts_at) FROM bookings)
                    """)
            }
            await #expect(throws: BerthError.self) {
                try await database.berth.updateEnvironment(
                    "perf-1", expecting: 1, by: TestDatabase.admin, now: TestDatabase.now,
                    dryRun: false
                ) {
                    var draft = EnvironmentDraft($0)
                    draft.capacity = 1
                    return draft
                }
            }
        }
    }
}
