import BerthCore
import Foundation
import Postgres

/// What the timeline draws of a booking, as a stream tells it.
public struct StreamedBooking: Sendable {
    /// A row on which it is drawn.
    public struct Line: Sendable {
        /// The environment's key.
        public var environment: String
        /// Of a part: the environment that the booking names and that contains it.
        public var via: String?
        /// Whether nobody else may be on the row with it.
        public var isExclusive: Bool
    }

    /// Its version.
    public var version: Int
    /// When it begins, and when it ends or was released.
    public var period: Range<Date>
    /// Its state.
    public var state: Booking.State
    /// Its mode.
    public var mode: Booking.Mode
    /// Its team's name.
    public var team: String
    /// Its title.
    public var title: String
    /// Minutes that are held before it.
    public var setupMinutes: Int
    /// Minutes that are held after it.
    public var teardownMinutes: Int
    /// Bits of ``Timeline/Flag``.
    public var flags: Int
    /// Where it is drawn; nowhere when it holds nothing and waits for nothing.
    public var lines: [Line]
}

/// What the timeline draws of a logged change, as a stream tells it.
public struct StreamedChange: Sendable {
    /// The environment's key.
    public var environment: String
    /// When it happened.
    public var occurredAt: Date
    /// How it is judged.
    public var control: Change.Control
    /// Whose it is, where that is known.
    public var team: String?
    /// The entry that it replaces.
    public var corrects: Int64?
}

extension BerthDatabase {
    /// What is drawn of these bookings. Cost: each by its key, and its claims by theirs.
    func streamedBookings(_ ids: [Int64]) async throws -> [Int64: StreamedBooking] {
        guard !ids.isEmpty else { return [:] }
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT b.id, b.version, b.starts_at, coalesce(b.released_at, b.ends_at) AS ends_at, b.state, b.mode,
                       t.name, b.title, b.setup_minutes::integer, b.teardown_minutes::integer,
                       \(unescaped: Timeline.flagsSQL) AS flags,
                       e.key, l.exclusive,
                       (SELECT v.key FROM environment_reach r JOIN environments v ON v.id = r.environment_id
                        WHERE r.part_id = l.environment_id AND r.environment_id = ANY (b.environment_ids)
                          AND NOT l.environment_id = ANY (b.environment_ids)
                        ORDER BY r.environment_id LIMIT 1) AS via
                FROM bookings b
                JOIN teams t ON t.id = b.team_id
                LEFT JOIN LATERAL (
                    SELECT c.environment_id, bool_or(c.share_key > 0) AS exclusive FROM claims c
                    WHERE c.booking_id = b.id AND c.lane = 'use' GROUP BY c.environment_id
                    UNION ALL
                    SELECT n.id, false FROM unnest(b.environment_ids) n (id)
                    WHERE b.state IN ('waitlisted', 'displaced') OR b.record_only) l ON true
                LEFT JOIN environments e ON e.id = l.environment_id
                WHERE b.id = ANY (\(ids))
                ORDER BY b.id, e.key
                """, deadline: .seconds(2))
            var bookings: [Int64: StreamedBooking] = [:]
            for row in rows {
                var columns = row.columns
                let id: Int64 = try columns.next()
                if bookings[id] == nil {
                    let version: Int = try columns.next()
                    let begin: Date = try columns.next()
                    let end: Date = try columns.next()
                    bookings[id] = StreamedBooking(
                        version: version, period: begin..<max(begin, end),
                        state: try columns.next(), mode: try columns.next(),
                        team: try columns.next(), title: try columns.next(),
                        setupMinutes: try columns.next(), teardownMinutes: try columns.next(),
                        flags: try columns.next(), lines: [])
                }
                guard let key = try row.decode("key", as: String?.self) else { continue }
                bookings[id]?.lines.append(
                    StreamedBooking.Line(
                        environment: key, via: try row.decode("via"),
                        isExclusive: try row.decode("exclusive")))
            }
            return bookings
        }
    }

    /// What is drawn of these entries of the log; nothing of entries that are no changes. Cost: each by its key.
    func streamedChanges(_ ids: [Int64]) async throws -> [Int64: StreamedChange] {
        guard !ids.isEmpty else { return [:] }
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT c.id, e.key, c.occurred_at,
                       CASE WHEN c.corrects IS NULL THEN c.control
                            ELSE (SELECT s.control FROM change_log s WHERE s.id = (standing(c.id)).entry_id) END,
                       t.name, c.corrects
                FROM change_log c JOIN environments e ON e.id = c.environment_id
                LEFT JOIN teams g ON g.id = c.team_id
                LEFT JOIN teams t ON t.id = coalesce(g.merged_into, g.id)
                WHERE c.id = ANY (\(ids)) AND c.entry = 'change'
                """, deadline: .seconds(2))
            return try Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    var columns = row.columns
                    let id: Int64 = try columns.next()
                    let change = StreamedChange(
                        environment: try columns.next(), occurredAt: try columns.next(),
                        control: try columns.next(), team: try columns.next(),
                        corrects: try columns.next())
                    return (id, change)
                })
        }
    }
}
