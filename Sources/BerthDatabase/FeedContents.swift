import BerthCore
import Foundation
import Postgres

/// Which records a calendar is made of: their numbers, so that the records themselves are read page by page.
struct FeedContents: Sendable {
    /// What a calendar is about, as the records have it.
    struct Scope: Sendable {
        /// The bookings' environments, one of which must be among these; nil: any.
        var environmentIDs: [Int64]?
        /// Windows must hold on one of these; nil: any.
        var windowEnvironmentIDs: [Int64]?
        var teamID: Int64?
        var person: String?
        var bookingID: Int64?
    }

    var scope: Scope
    /// Bookings of no series, ascending.
    var bookings: [Int64] = []
    /// Series, ascending.
    var series: [Int64] = []
    /// Windows, ascending.
    var windows: [Int64] = []
}

extension BerthDatabase {
    /// What a calendar shows. Throws `.notFound`. Cost: one index scan of the bookings or claims that it may show,
    /// and 16 bytes for each that it shows.
    func contents(
        of feed: Feed, _ horizon: FeedHorizon, omitsCancelled: Bool
    ) async throws -> FeedContents {
        let scope = try await scope(of: feed)
        var contents = FeedContents(scope: scope)
        let cancelledSince = omitsCancelled ? nil : horizon.cancelled
        var series = Set<Int64>()
        let rows = try await client.query(
            bookings(feed, scope, horizon, cancelledSince), deadline: .seconds(30))
        contents.bookings.reserveCapacity(rows.count)
        for row in rows {
            let (id, seriesID) = try row.decode(Int64.self, Int64?.self)
            if let seriesID, scope.bookingID == nil {
                series.insert(seriesID)
            } else {
                contents.bookings.append(id)
            }
        }
        contents.series = series.sorted()
        if scope.bookingID == nil {
            let windows = try await client.query(
                windows(scope, horizon, cancelledSince), deadline: .seconds(30))
            contents.windows = try windows.map { try $0.decode(Int64.self) }
        }
        return contents
    }

    private func scope(of feed: Feed) async throws -> FeedContents.Scope {
        var scope = FeedContents.Scope()
        switch feed {
        case .environment(let key):
            let rows = try await client.query(
                """
                SELECT e.id, array(SELECT r.environment_id FROM environment_reach r WHERE r.part_id = e.id)
                FROM environments e WHERE e.key = \(key)
                """)
            guard let row = rows.first else { throw BerthError.notFound(Feed.unknown) }
            let (id, holders) = try row.decode(Int64.self, [Int64].self)
            scope.environmentIDs = holders
            scope.windowEnvironmentIDs = [id]
        case .team(let name):
            guard let id = try await teams.id(name, from: client) else {
                throw BerthError.notFound(Feed.unknown)
            }
            scope.teamID = id
        case .person(let name): scope.person = name
        case .labels(let labels) where labels.isEmpty: break
        case .labels(let labels):
            let rows = try await client.query(
                "SELECT e.id FROM environments e WHERE matches_selector(e, \(PostgresJSON(labels)))"
            )
            let ids = try rows.map { try $0.decode(Int64.self) }
            scope.environmentIDs = ids
            scope.windowEnvironmentIDs = ids
        case .booking(let reference): scope.bookingID = reference.id
        }
        return scope
    }

    private func bookings(
        _ feed: Feed, _ scope: FeedContents.Scope, _ horizon: FeedHorizon, _ cancelledSince: Date?
    ) -> PostgresQuery {
        var conditions = BoundConditions()
        // What is shown began within the longest booking's length before.
        let earliest = horizon.past.addingTimeInterval(-Double(Limits.bookingDays) * 86_400)
        if let id = scope.bookingID {
            conditions.add("b.id =", id)
        } else {
            conditions.add(FeedContents.isShown, cancelledSince, close: ")")
            conditions.add("coalesce(b.released_at, b.ends_at) >", horizon.past)
            conditions.add("b.starts_at >", earliest)
        }
        // As arrays, so that the ids are found first, and no order of ids is read for them.
        if case .environment = feed, let id = scope.windowEnvironmentIDs?.first {
            conditions.add(
                """
                b.id = ANY (array(
                    SELECT c.booking_id FROM claims c
                    WHERE c.lane = 'use' AND c.booking_id IS NOT NULL AND c.environment_id = ?
                      AND c.period && tstzrange(?, NULL)
                    UNION ALL
                    SELECT w.booking_id FROM bookings_without_claims(?, ?) w))
                """, binding: [id, horizon.past, scope.environmentIDs ?? [], earliest])
        } else if let ids = scope.environmentIDs {
            // What claims one of them by the time, or held no claim and names it; booked by name in either case.
            conditions.add(
                """
                b.environment_ids && ?::bigint[] AND b.id = ANY (array(
                    SELECT c.booking_id FROM unnest(?::bigint[]) e (id)
                    CROSS JOIN LATERAL (
                        SELECT k.booking_id FROM claims k
                        WHERE k.environment_id = e.id AND k.lane = 'use' AND k.booking_id IS NOT NULL
                          AND k.period && tstzrange(?, NULL)
                        OFFSET 0) c
                    UNION ALL
                    SELECT w.booking_id FROM bookings_without_claims(?, ?) w))
                """, binding: [ids, ids, horizon.past, ids, earliest])
        }
        if let teamID = scope.teamID { conditions.add("b.team_id =", teamID) }
        if let person = scope.person { conditions.add("b.requested_by =", person) }
        return conditions.query(
            select: "SELECT b.id, b.series_id FROM bookings b", suffix: "ORDER BY b.id")
    }

    private func windows(
        _ scope: FeedContents.Scope, _ horizon: FeedHorizon, _ cancelledSince: Date?
    ) -> PostgresQuery {
        var conditions = BoundConditions()
        conditions.add("last_end(w) >", horizon.past)
        conditions.add(
            "(w.state NOT IN ('rejected', 'cancelled') OR w.updated_at >=", cancelledSince,
            close: ")")
        if let ids = scope.windowEnvironmentIDs {
            conditions.add(
                """
                w.id IN (
                    SELECT s.window_id FROM unnest(?::bigint[]) e (id)
                    JOIN window_spans s ON s.environment_id = e.id AND s.period && tstzrange(?, NULL)
                    JOIN change_windows o ON o.id = s.window_id
                    WHERE s.valid_until = 'infinity'
                       OR (o.state IN ('rejected', 'cancelled') AND s.valid_until >= o.updated_at))
                """, binding: [ids, horizon.past])
        }
        if let teamID = scope.teamID { conditions.add("w.team_id =", teamID) }
        if let person = scope.person { conditions.add("w.requested_by =", person) }
        return conditions.query(
            select: "SELECT w.id FROM change_windows w", suffix: "ORDER BY w.id")
    }
}

extension FeedContents {
    /// The opening of the condition that a booking is shown; it ends with since when cancelled ones are.
    static let isShown = """
        (b.state IN ('requested', 'confirmed', 'active', 'completed')
         OR b.state IN ('rejected', 'cancelled', 'expired', 'displaced') AND b.updated_at >=
        """
}
