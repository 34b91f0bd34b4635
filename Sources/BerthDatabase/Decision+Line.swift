import BerthCore
import Foundation
import Postgres

extension Decision {
    private static let mostServed = 200

    /// Gives what was given back on these locked environments to those in line: by priority, then age. While
    /// one of them needs more than is locked, the line's calls stay, and the clockwork serves him.
    ///
    /// Before that the quotas of what was just booked are checked, so that all teams are locked at once, in their
    /// order. Throws `.policy`.
    func serveLine(locked: [Int64], checkingQuotasOf booked: [Int64] = []) async throws {
        let waiters = try await waitersToServe(locked: locked)
        let ids = waiters.map(\.reference.id)
        if !booked.isEmpty || !ids.isEmpty {
            try await transaction.query("SELECT lock_teams_of(\(booked + ids))")
        }
        try await requireQuotas(of: booked)
        for booking in waiters { _ = try await serve(booking, on: booking.environments) }
    }

    /// Takes the line's calls for what is locked, and locks those whom they let in, the first in line first.
    private func waitersToServe(locked: [Int64]) async throws -> [Booking] {
        let rows = try await transaction.query(
            "SELECT c.id FROM line_calls c WHERE c.environment_id = ANY (\(locked))")
        let calls = try rows.map { try $0.decode(Int64.self) }
        guard !calls.isEmpty else { return [] }
        let waiting = try await waiting(forCalls: calls)
        let reachable = waiting.filter { Set($0.environmentIDs).isSubset(of: locked) }
        if reachable.count == waiting.count, reachable.count <= Self.mostServed {
            try await transaction.query("DELETE FROM line_calls WHERE id = ANY (\(calls))")
        }
        let ids = reachable.prefix(Self.mostServed).map(\.id)
        guard !ids.isEmpty else { return [] }
        return try await lock(bookings: ids, locked: locked).filter(\.state.isWaiting)
            .sorted(by: Self.comesFirst)
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
                  AND NOT EXISTS (
                    SELECT FROM quota_holds h WHERE h.booking_id = w.id AND h.try_again_at > \(now))
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
    func serve(
        _ id: Int64, anyOf selection: BookingOptions.Selection
    ) async throws -> SelectionService {
        guard let booking = try await bookings([id]).first,
            let slot = try await slot(for: booking, on: environments(booking.environments))
        else { return .keptOut }
        let chosen: SelectionQuery.Choice
        do {
            chosen = try await SelectionQuery(
                selection: selection, mode: booking.mode, period: slot.period, now: now
            ).choose(from: transaction)
        } catch BerthError.invalid {
            // Fewer match by now than are wanted.
            return .nothingFree
        }
        guard chosen.areFree else { return .nothingFree }
        let locked = try await lock(
            environments: environments(chosen.environments + booking.environments).map(\.id))
        guard let present = try await lock(bookings: [id], locked: locked).first,
            present.state.isWaiting
        else { return .keptOut }
        try await transaction.query("SELECT lock_teams_of(\([id]))")
        return try await serve(present, on: chosen.environments) ? .served : .keptOut
    }

    /// Whether it got its place.
    private func serve(_ booking: Booking, on keys: [String]) async throws -> Bool {
        let environments = try await environments(keys)
        guard let slot = try await slot(for: booking, on: environments),
            BookingRules.violations(of: slot.period, on: environments, now: now)
                .allSatisfy({ $0.rule == "minLeadMinutes" })
        else { return false }
        let terms = BookingTerms(
            of: slot.period, on: environments, leaseSeconds: booking.life.leaseSeconds, now: now)
        let ids = environments.map(\.id)
        let rows = try await transaction.query(
            """
            SELECT serve_waiter(
                \(booking.reference.id), \(ids), \(terms.state), \(slot.period.lowerBound),
                \(slot.period.upperBound), \(slot.setupMinutes), \(slot.teardownMinutes),
                \(StoredExtras(terms, occurrence: nil).map(PostgresJSON.init)), \(now))
            FROM bookings w CROSS JOIN LATERAL awaited_slot(w, \(ids), \(now)) a
            WHERE w.id = \(booking.reference.id) AND NOT EXISTS (
                SELECT FROM blockers(\(ids), w.mode, lower(a.period), upper(a.period), ARRAY[w.id], 1))
            """)
        return try rows.first?.decode(Bool.self) ?? false
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

/// What became of one in line that takes any environments that match.
enum SelectionService {
    case served
    /// Not so many are free: nor are they for others who want the same.
    case nothingFree
    /// A rule or a quota keeps it out, or it waits no longer.
    case keptOut
}
