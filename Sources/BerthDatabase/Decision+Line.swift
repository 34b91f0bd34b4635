import BerthCore
import Foundation
import Postgres

/// One of those in line, with what it needs to be served.
private struct Waiter {
    var booking: Booking
    var environments: [TestEnvironment]
    var setupMinutes: Int
    var teardownMinutes: Int

    /// The time it would get at an instant: what it asked for, or what is left of it; where it may start
    /// when it is free, its whole length from now on.
    func period(at now: Date) -> Range<Date>? {
        let second = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down))
        let earliest = second.addingTimeInterval(Double(setupMinutes) * 60)
        if booking.life.startsWhenFree {
            let length = booking.endsAt.timeIntervalSince(booking.startsAt)
            return earliest..<earliest.addingTimeInterval(length)
        }
        let start = booking.startsAt >= second ? booking.startsAt : earliest
        return start < booking.endsAt ? start..<booking.endsAt : nil
    }
}

extension Decision {
    private static let mostServed = 200

    /// Gives what was given back on these locked environments to those in line: by priority, then age. Who
    /// needs more than is locked gets a call of the line in the same commit, and is served by the clockwork.
    func serveLine(locked: [Int64]) async throws {
        let calls = try await transaction.query(
            "DELETE FROM line_calls WHERE environment_id = ANY (\(locked)) RETURNING environment_id"
        )
        let freed = Array(Set<Int64>(try calls.map { try $0.decode(Int64.self) }))
        guard !freed.isEmpty else { return }
        let waiting = try await waiting(for: freed)
        let reachable = waiting.filter { Set($0.environmentIDs).isSubset(of: locked) }
        if reachable.count < waiting.count || reachable.count > Self.mostServed {
            try await transaction.query(
                "INSERT INTO line_calls (environment_id) SELECT unnest(\(freed))")
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

    /// Who waits for anything that needs one of these and may get it, the first in line first.
    private func waiting(
        for environments: [Int64]
    ) async throws -> [(id: Int64, environmentIDs: [Int64])] {
        let rows = try await transaction.query(
            """
            SELECT w.id, w.environment_ids FROM bookings w
            WHERE w.state IN ('waitlisted', 'displaced')
              AND w.environment_ids && array(
                SELECT r.environment_id FROM environment_reach r
                WHERE r.part_id = ANY (\(environments)))
              -- Most who wait are still kept out, and must not be read one by one under the locks.
              AND (w.starts_when_free OR w.starts_at <= \(now) OR NOT EXISTS (
                SELECT FROM blockers(
                    w.environment_ids, w.mode, w.starts_at, w.ends_at, ARRAY[w.id], 1)))
            ORDER BY priority_rank(w.priority) DESC, w.created_at, w.id
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
            let period = try await waiter(booking, on: booking.environments).period(at: now)
        else { return }
        let chosen = try await SelectionQuery(
            selection: selection, mode: booking.mode, period: period, now: now
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
        let waiter = try await waiter(booking, on: keys)
        guard let period = waiter.period(at: now),
            BookingRules.violations(of: period, on: waiter.environments, now: now)
                .allSatisfy({ $0.rule == "minLeadMinutes" })
        else { return }
        let terms = BookingTerms(
            of: period, on: waiter.environments, leaseSeconds: booking.life.leaseSeconds, now: now)
        let ids = waiter.environments.map(\.id)
        let from = period.lowerBound.addingTimeInterval(-Double(waiter.setupMinutes) * 60)
        let until = period.upperBound.addingTimeInterval(Double(waiter.teardownMinutes) * 60)
        try await transaction.query(
            """
            SELECT serve_waiter(
                \(booking.reference.id), \(ids), \(terms.state), \(period.lowerBound),
                \(period.upperBound), \(waiter.setupMinutes), \(waiter.teardownMinutes),
                \(StoredExtras(terms, occurrence: nil).map(PostgresJSON.init)), \(now))
            WHERE NOT EXISTS (
                SELECT FROM blockers(\(ids), \(booking.mode), \(from), \(until),
                                     ARRAY[\(booking.reference.id)], 1))
            """)
    }

    private func waiter(_ booking: Booking, on keys: [String]) async throws -> Waiter {
        let environments = try await environments(keys)
        let buffers = try await transaction.buffers(of: environments.map(\.id))
        return Waiter(
            booking: booking, environments: environments, setupMinutes: buffers.setup,
            teardownMinutes: buffers.teardown)
    }
}
