import BerthCore
import Foundation
import OrderedCollections
import Postgres
import Synchronization

extension BerthDatabase {
    private static let mostCalls = 50
    private static let mostSelecting = 5_000

    /// Serves those in line for whom something was given back that could not be served with it.
    func serveLine(at now: Date) async throws {
        let rows = try await client.query(
            """
            SELECT DISTINCT c.environment_id FROM line_calls c
            ORDER BY c.environment_id LIMIT \(Self.mostCalls)
            """)
        for row in rows {
            let environment = try row.decode(Int64.self)
            do {
                try await decide(
                    by: .clockwork, now: now, dryRun: false, isPatient: false
                ) { decision in
                    try await decision.serveLine(locked: decision.lock(environments: [environment]))
                }
            } catch BerthError.unavailable {
                // Somebody has it locked: its calls stay, and the others are served.
                continue
            }
        }
    }

    /// Looks again for any environments that match, for those in line who take any: once for all who want the
    /// same, the first in line first, each in a transaction of its own. Where many different things are wanted, the
    /// next call goes on where this one ends, so that nobody is left out.
    func serveSelections(at now: Date) async throws {
        let rows = try await client.query(
            """
            SELECT w.id, w.select_labels, w.select_count, w.mode, w.starts_when_free, w.starts_at, w.ends_at
            FROM bookings w
            WHERE w.state IN ('waitlisted', 'displaced') AND w.select_labels IS NOT NULL
              AND NOT EXISTS (
                SELECT FROM quota_holds h WHERE h.booking_id = w.id AND h.try_again_at > \(now))
            ORDER BY priority_rank(w.priority) DESC, w.created_at, w.id LIMIT \(Self.mostSelecting)
            """)
        var wants: OrderedDictionary<Want, [Int64]> = [:]
        for row in rows {
            let (id, want) = try Want.read(row)
            wants[want, default: []].append(id)
        }
        for index in selectionTurns.next(Self.mostCalls, of: wants.count) {
            let (want, ids) = wants.elements[index]
            for id in ids.prefix(Self.mostCalls) {
                if try await serve(id, want.selection, at: now) == .nothingFree { break }
            }
        }
    }
}

extension BerthDatabase {
    /// One in line whom a lock keeps out is tried again by the next tick.
    private func serve(
        _ id: Int64, _ selection: BookingOptions.Selection, at now: Date
    ) async throws -> SelectionService {
        do {
            return try await decide(
                by: .clockwork, now: now, dryRun: false, isPatient: false
            ) { try await $0.serve(id, anyOf: selection) }
        } catch BerthError.unavailable {
            return .keptOut
        }
    }
}

/// What one in line wants of any environments that match.
private struct Want: Hashable {
    var labels: [String: String]
    var count: Int
    var mode: Booking.Mode
    /// Nil: as soon as so long is free.
    var startsAt: Date?
    var seconds: TimeInterval

    var selection: BookingOptions.Selection {
        BookingOptions.Selection(labels: labels, count: count)
    }

    static func read(_ row: PostgresRow) throws -> (id: Int64, want: Want) {
        var columns = row.columns
        let id: Int64 = try columns.next()
        let labels: PostgresJSON<[String: String]> = try columns.next()
        let count: Int = try columns.next()
        let mode: Booking.Mode = try columns.next()
        let startsWhenFree: Bool = try columns.next()
        let startsAt: Date = try columns.next()
        let endsAt: Date = try columns.next()
        let want = Want(
            labels: labels.value, count: count, mode: mode,
            startsAt: startsWhenFree ? nil : startsAt,
            seconds: endsAt.timeIntervalSince(startsAt))
        return (id, want)
    }
}

/// Goes round a list of which only so many can be done at a time.
final class Turns: Sendable {
    private let position = Mutex(0)

    /// The places of the next `most` of `count`, after those that were given last.
    func next(_ most: Int, of count: Int) -> [Int] {
        guard count > most else { return Array(0..<count) }
        return position.withLock { position in
            let first = position % count
            position = first + most
            return (first..<first + most).map { $0 % count }
        }
    }
}

extension Caller {
    /// Who acts when time does.
    static let clockwork = Caller(
        tokenID: 0, name: "berth", role: .admin, team: nil, labels: [:])
}
