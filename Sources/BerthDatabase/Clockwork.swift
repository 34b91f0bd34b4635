import BerthCore
import Foundation
import Logging
import Postgres

/// What happens because time passes: bookings begin and complete; holds, check-ins, leases and waits run
/// out; those in line are served; merged teams' leftovers move; old records go.
///
/// Any number of servers may run it at once; each booking moves once.
public struct Clockwork: Sendable {
    private static let mostTogether = 500
    private static let mostDue = 50
    private static let mostForgotten = 10_000

    private let berth: BerthDatabase
    private let logger: Logger
    private var client: PostgresClient { berth.client }

    /// Clockwork over a database.
    public init(_ berth: BerthDatabase, logger: Logger) {
        self.berth = berth
        self.logger = logger
    }

    /// Everything that is due at `now`.
    public func advance(to now: Date) async throws {
        // First what ran out: after a pause, a booking whose lease ended before it did has not completed.
        try await expireDue(at: now)
        var moved = Self.mostTogether
        while moved == Self.mostTogether {
            let rows = try await client.query(
                "SELECT advance_bookings(\(now), \(Self.mostTogether))")
            moved = try rows.first?.decode(Int.self) ?? 0
        }
        try await client.query(
            """
            SELECT call_for_held(array_agg(h.booking_id), \(now)) FROM quota_holds h
            WHERE h.try_again_at <= \(now) HAVING count(*) > 0
            """)
        try await callWhoMayStart(at: now)
        try await berth.serveLine(at: now)
        try await berth.serveSelections(at: now)
        try await berth.settleDrifts(now: now)
        try await client.query("SELECT finish_merges(\(now))")
    }

    /// Picks candidates without locks; each group is locked and looked at again.
    private func expireDue(at now: Date) async throws {
        var found = Self.mostDue
        while found == Self.mostDue {
            let rows = try await client.query(
                """
                SELECT d.id FROM (
                    SELECT b.id FROM bookings b
                    WHERE b.state = 'requested' AND coalesce(b.hold_expires_at, b.ends_at) <= \(now)
                    UNION
                    SELECT b.id FROM bookings b
                    WHERE b.state IN ('waitlisted', 'displaced') AND b.wait_until <= \(now)
                    UNION
                    SELECT b.id FROM bookings b
                    WHERE b.state = 'confirmed' AND b.check_in_minutes IS NOT NULL
                      AND b.starts_at <= \(now) AND is_due(b, \(now))
                    UNION
                    SELECT b.id FROM bookings b
                    WHERE b.state IN ('confirmed', 'active') AND b.lease_expires_at <= \(now)
                      AND is_due(b, \(now))) d
                ORDER BY d.id LIMIT \(Self.mostDue)
                """)
            found = rows.count
            guard found > 0 else { return }
            let due = try rows.map { try $0.decode(Int64.self) }
            do {
                try await berth.expire(due, now: now, isPatient: false)
            } catch {
                guard try await expireEach(due, at: now) else { return }
            }
        }
    }

    /// Ends each alone, so that one that cannot be ended keeps no other from it. Returns whether all were.
    private func expireEach(_ due: [Int64], at now: Date) async throws -> Bool {
        var all = true
        for id in due {
            do {
                try await berth.expire([id], now: now, isPatient: false)
            } catch BerthError.unavailable {
                // Somebody has it locked: the next tick finds it again.
                all = false
            } catch let error as PostgresError where error.sqlState != nil {
                all = false
                logger.error(
                    "a booking cannot be ended",
                    metadata: [
                        "booking": "\(BookingReference(id: id))", "error": "\(error)",
                    ])
            }
        }
        return all
    }

    /// Those in line whom no event lets in but the time: who may start when it is free, and who was promised
    /// the rest of a time that has begun.
    private func callWhoMayStart(at now: Date) async throws {
        try await client.query(
            """
            INSERT INTO line_calls (environment_id, period)
            SELECT e.id, a.period
            FROM bookings w
            CROSS JOIN LATERAL awaited_slot(w, w.environment_ids, \(now)) a
            CROSS JOIN unnest(w.environment_ids) e (id)
            WHERE w.state IN ('waitlisted', 'displaced') AND (w.starts_when_free OR w.starts_at <= \(now))
              AND NOT EXISTS (
                SELECT FROM quota_holds h WHERE h.booking_id = w.id AND h.try_again_at > \(now))
              AND NOT EXISTS (
                SELECT FROM blockers(
                    w.environment_ids, w.mode, lower(a.period), upper(a.period), ARRAY[w.id], 1))
            """)
    }

    /// Removes what has served, all of it: answers older than a day, and what every watcher has long heard. One
    /// server does it at a time; the others find it done.
    public func forget(before now: Date) async throws {
        var forgotten = Self.mostForgotten
        while forgotten > 0 {
            let rows = try await client.query(
                "SELECT forget_served(\(now), \(Int64(Self.mostForgotten)))", deadline: .seconds(30)
            )
            forgotten = try rows.first?.decode(Int.self) ?? 0
        }
    }

    /// Adds what changed in feeds to their totals, so that there is little to count when one is asked for.
    public func foldFeedChanges() async throws {
        try await client.query(
            "SELECT fold_feed_changes(\(Int64(Self.mostForgotten)))", deadline: .seconds(30))
    }

    /// Advances every second and forgets every minute, until cancelled. A database that is away is tried
    /// again; it is logged once.
    public func run(clock: @Sendable () -> Date) async {
        var wasAway = false
        var tick = 0
        while !Task.isCancelled {
            do {
                try await advance(to: clock())
                if tick % 10 == 0 { try await berth.flushRefusals() }
                try await foldFeedChanges()
                if tick % 60 == 0 {
                    try await forget(before: clock())
                    if try await !berth.keepsCommits() {
                        logger.error(
                            "the database has synchronous_commit = off by now: a crash may undo acknowledged bookings; set it to on"
                        )
                    }
                }
                wasAway = false
            } catch {
                if !wasAway, !Task.isCancelled {
                    logger.warning("bookings do not move on", metadata: ["error": "\(error)"])
                }
                wasAway = true
            }
            tick += 1
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
