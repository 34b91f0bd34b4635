import BerthCore
import Foundation
import Postgres

extension Decision {
    private static let mostServed = 200

    /// Gives what was given back on these locked environments to those in line: by priority, then age. While
    /// one of them needs more than is locked, the line's calls stay, and the clockwork serves him.
    func serveLine(locked: [Int64]) async throws {
        let rows = try await transaction.query(
            "SELECT c.id FROM line_calls c WHERE c.environment_id = ANY (\(locked))")
        let calls = try rows.map { try $0.decode(Int64.self) }
        guard !calls.isEmpty else { return }
        let waiting = try await waiting(forCalls: calls)
        let reachable = waiting.filter { Set($0.environmentIDs).isSubset(of: locked) }
        if reachable.count == waiting.count, reachable.count <= Self.mostServed {
            try await transaction.query("DELETE FROM line_calls WHERE id = ANY (\(calls))")
        }
        let ids = reachable.prefix(Self.mostServed).map(\.id)
        for booking in try await lock(bookings: ids).sorted(by: Self.comesFirst)
        where booking.state.isWaiting {
            try await serve(booking, on: booking.environments)
        }
    }

    private static func comesFirst(_ left: Booking, _ right: Booking) -> Bool {
        if left.priority != right.priority { return left.priority > right.priority }
        return (left.createdAt, left.reference.id) < (right.createdAt, right.reference.id)
    }

    /// Who waits for something that these calls of the line are about and may get it, the first in line first.
    private func waiting(
        forCalls calls: [Int64]
    ) async throws -> [(id: Int64, environmentIDs: [Int64])] {
        let rows = try await transaction.query(
            """
            WITH called AS MATERIALIZED (
                SELECT w.id, w.environment_ids, w.mode, a.period, priority_rank(w.priority) AS rank, w.created_at
                FROM bookings w CROSS JOIN LATERAL awaited_slot(w, w.environment_ids, \(now)) a
                WHERE w.state IN ('waitlisted', 'displaced')
                  AND EXISTS (
                    SELECT FROM line_calls c JOIN environment_reach r ON r.part_id = c.environment_id
                    WHERE c.id = ANY (\(calls)) AND r.environment_id = ANY (w.environment_ids)
                      AND c.period && a.period))
            SELECT w.id, w.environment_ids FROM called w
            -- Most who wait are still kept out, and must not be read one by one under the locks.
            WHERE NOT EXISTS (
                SELECT FROM blockers(
                    w.environment_ids, w.mode, lower(w.period), upper(w.period), ARRAY[w.id], 1))
            ORDER BY w.rank DESC, w.created_at, w.id
            LIMIT \(Self.mostServed + 1)
            """)
        return try rows.map {
            let (id, environmentIDs) = try $0.decode(Int64.self, [Int64].self)
            return (id, environmentIDs)
        }
    }

    /// Serves one that takes any environments that match, with those that are free now.
    func serve(_ id: Int64, anyOf selection: BookingOptions.Selection) async throws {
        guard let booking = try await bookings([id]).first,
            let slot = try await slot(for: booking, on: environments(booking.environments))
        else { return }
        let chosen = try await SelectionQuery(
            selection: selection, mode: booking.mode, period: slot.period, now: now
        ).choose(from: transaction)
        guard chosen.areFree else { return }
        _ = try await lock(
            environments: environments(chosen.environments + booking.environments).map(\.id))
        guard let locked = try await lock(bookings: [id]).first, locked.state.isWaiting else {
            return
        }
        try await serve(locked, on: chosen.environments)
    }

    private func serve(_ booking: Booking, on keys: [String]) async throws {
        let environments = try await environments(keys)
        guard let slot = try await slot(for: booking, on: environments),
            BookingRules.violations(of: slot.period, on: environments, now: now)
                .allSatisfy({ $0.rule == "minLeadMinutes" })
        else { return }
        let terms = BookingTerms(
            of: slot.period, on: environments, leaseSeconds: booking.life.leaseSeconds, now: now)
        let ids = environments.map(\.id)
        try await transaction.query(
            """
            SELECT serve_waiter(
                \(booking.reference.id), \(ids), \(terms.state), \(slot.period.lowerBound),
                \(slot.period.upperBound), \(slot.setupMinutes), \(slot.teardownMinutes),
                \(StoredExtras(terms, occurrence: nil).map(PostgresJSON.init)), \(now))
            FROM bookings w CROSS JOIN LATERAL awaited_slot(w, \(ids), \(now)) a
            WHERE w.id = \(booking.reference.id) AND NOT EXISTS (
                SELECT FROM blockers(\(ids), w.mode, lower(a.period), upper(a.period), ARRAY[w.id], 1))
            """)
    }

    /// What one in line would get of these environments now; nil when nothing is left of its time.
    private func slot(
        for booking: Booking, on environments: [TestEnvironment]
    ) async throws -> (period: Range<Date>, setupMinutes: Int, teardownMinutes: Int)? {
        let rows = try await transaction.query(
            """
            SELECT a.starts_at, a.ends_at, a.setup_minutes, a.teardown_minutes
            FROM bookings w CROSS JOIN LATERAL awaited_slot(w, \(environments.map(\.id)), \(now)) a
            WHERE w.id = \(booking.reference.id)
            """)
        guard let row = rows.first else { return nil }
        let (start, end, setup, teardown) = try row.decode(Date.self, Date.self, Int.self, Int.self)
        return (start..<end, setup, teardown)
    }
}
