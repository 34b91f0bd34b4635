import BerthCore
import Foundation
import Postgres

/// Claims that may not meet, as the database listed them when it refused to let them.
struct Clash: Decodable {
    var environment: Int64
    /// The booking or the window that was to hold.
    var one: Int64
    /// What it would meet: a booking ...
    var booking: Int64?
    /// ... or a window.
    var window: Int64?
    var period: Range<Date>

    init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        environment = try values.decode(Int64.self)
        one = try values.decode(Int64.self)
        booking = try values.decode(Int64?.self)
        window = try values.decode(Int64?.self)
        period =
            try RFC3339.date(values.decode(String.self))..<RFC3339.date(values.decode(String.self))
    }

    /// What the detail of a refusal lists.
    static func listed(in error: PostgresError) -> [Clash] {
        (try? JSONDecoder().decode([Clash].self, from: Data((error.serverDetail ?? "[]").utf8)))
            ?? []
    }
}

/// Windows that would meet what they may not; rolled back, and the reasons are looked up.
struct WindowClashes: Error {
    var clashes: [Clash]

    init(_ error: PostgresError) {
        clashes = Clash.listed(in: error)
    }
}

extension PostgresError {
    /// Whether windows were refused for what they would meet, with the list in the detail.
    var isWindowClash: Bool {
        isConflict && constraintName == "no_window_clash"
    }
}

extension PostgresQuerying {
    /// What holds these claims, as a refusal tells it: each a booking, or a window and its period.
    func conflicts(
        environments: [Int64], bookings: [Int64?], windows: [Int64?], periods: [Range<Date>]
    ) async throws -> [Conflict] {
        let rows = try await query(
            """
            SELECT e.key, '{}'::text[], b.id, w.id, w.kind, coalesce(b.title, w.title),
                   (SELECT t.name FROM teams t WHERE t.id = coalesce(b.team_id, w.team_id)),
                   coalesce(b.requested_by, w.requested_by), b.contact,
                   coalesce(b.starts_at, n.starts_at), coalesce(b.released_at, b.ends_at, n.ends_at),
                   tstzrange(
                       coalesce(b.starts_at - make_interval(mins => b.setup_minutes), n.starts_at),
                       coalesce(coalesce(b.released_at, b.ends_at)
                                    + make_interval(mins => b.teardown_minutes), n.ends_at), '[)'),
                   b.mode, b.state = 'requested', false
            FROM unnest(\(environments), \(bookings), \(windows),
                        \(periods.map(\.lowerBound)), \(periods.map(\.upperBound)))
                WITH ORDINALITY n (environment_id, booking_id, window_id, starts_at, ends_at, place)
            JOIN environments e ON e.id = n.environment_id
            LEFT JOIN bookings b ON b.id = n.booking_id
            LEFT JOIN change_windows w ON w.id = n.window_id
            ORDER BY n.place
            """)
        return try rows.map { try FoundConflict($0).conflict }
    }

    /// Claims that may not meet, as a refusal tells them; with `both`, also what was to hold, a booking.
    func refusal(of clashes: [Clash], both: Bool) async throws -> BerthError {
        var conflicts: [Conflict] = []
        let listed = clashes.prefix(Limits.conflictsListed)
        if both {
            conflicts = try await self.conflicts(
                environments: listed.map(\.environment), bookings: listed.map(\.one),
                windows: listed.map { _ in nil }, periods: listed.map(\.period))
        }
        conflicts += try await self.conflicts(
            environments: listed.map(\.environment), bookings: listed.map(\.booking),
            windows: listed.map(\.window), periods: listed.map(\.period))
        var told: [Conflict] = []
        for conflict in conflicts where !told.contains(conflict) { told.append(conflict) }
        return .conflict(Refusal(conflicts: told, alternatives: []))
    }
}
