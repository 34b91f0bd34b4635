import Foundation
import Logging
import Postgres

/// What happens because time passes: bookings begin and complete, old records go.
///
/// Any number of servers may run it at once; each booking moves once.
public struct Clockwork: Sendable {
    private static let mostTogether = 500
    private static let mostForgotten = 10_000

    private let client: PostgresClient
    private let logger: Logger

    /// Clockwork over a pool.
    public init(client: PostgresClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// Everything that is due at `now`.
    public func advance(to now: Date) async throws {
        var moved = Self.mostTogether
        while moved == Self.mostTogether {
            let rows = try await client.query(
                "SELECT advance_bookings(\(now), \(Self.mostTogether))")
            moved = try rows.first?.decode(Int.self) ?? 0
        }
    }

    /// Removes what has served: answers older than a day, and what every watcher has long heard.
    public func forget(before now: Date) async throws {
        try await client.query(
            """
            DELETE FROM idempotency_records WHERE ctid = ANY (array(
                SELECT ctid FROM idempotency_records
                WHERE created_at < \(now) - interval '25 hours' LIMIT \(Self.mostForgotten)))
            """, deadline: .seconds(30))
        try await client.query(
            """
            DELETE FROM outbox WHERE ctid = ANY (array(
                SELECT ctid FROM outbox WHERE at < \(now) - interval '7 days'
                LIMIT \(Self.mostForgotten)))
            """, deadline: .seconds(30))
    }

    /// Advances every second and forgets every minute, until cancelled. A database that is away is tried
    /// again; it is logged once.
    public func run(clock: @Sendable () -> Date) async {
        var wasAway = false
        var tick = 0
        while !Task.isCancelled {
            do {
                try await advance(to: clock())
                if tick % 60 == 0 { try await forget(before: clock()) }
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
