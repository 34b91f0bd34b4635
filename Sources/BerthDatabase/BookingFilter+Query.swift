import BerthCore
import Foundation
import Postgres

extension BookingFilter {
    /// One statement for each set of conditions, so that each is planned for what it asks. The `newest` bookings are
    /// looked at before an index is asked for the rest: what is common fills a page from them, and only what
    /// is rare is worth looking up.
    func query(_ page: Page, newest: Int = 10_000) throws -> PostgresQuery {
        var conditions = try conditions(page)
        let limit = page.limit + 1
        if let environment {
            let key = conditions.bind(environment)
            return conditions.query(
                ofEnvironment: "(SELECT e.id FROM environments e WHERE e.key = \(key))",
                limit: limit)
        }
        let isLookedUp = text.map(Self.hasTrigram) ?? false
        guard team == nil, series == nil,
            isLookedUp || !labels.isEmpty || (from != nil && to != nil)
        else {
            return conditions.query(
                select: "SELECT \(Booking.columnList) FROM bookings b",
                suffix: "ORDER BY b.id DESC LIMIT \(limit)")
        }
        let earlier = try page.id().map { "WHERE n.id < \(conditions.bind($0))" } ?? ""
        // An index on what is asked for has no order: it is asked without one, for all that it finds.
        let found = conditions.text
        var lookedUp = conditions
        if let text, isLookedUp {
            lookedUp.add(
                "lower(b.title || ' ' || coalesce(b.ticket, '')) LIKE lower(", Self.pattern(text),
                close: ")")
        }
        if !labels.isEmpty { lookedUp.add("b.labels <> '{}'") }
        if let from, let to {
            lookedUp.add("booking_overlaps(b.starts_at, b.ends_at, ?, ?)", binding: [from, to])
        }
        return lookedUp.query(
            """
            WITH edge AS MATERIALIZED (
                SELECT min(r.id) AS id
                FROM (SELECT n.id FROM bookings n \(earlier)
                      ORDER BY n.id DESC LIMIT \(newest)) r),
            near AS MATERIALIZED (
                SELECT b.id FROM bookings b
                WHERE b.id >= (SELECT e.id FROM edge e) AND \(found)
                ORDER BY b.id DESC LIMIT \(limit)),
            far AS MATERIALIZED (
                SELECT b.id FROM bookings b
                WHERE (SELECT count(*) FROM near) < \(limit)
                  AND b.id < (SELECT e.id FROM edge e) AND \(lookedUp.text))
            SELECT \(Booking.columnList) FROM bookings b
            WHERE b.id IN (SELECT n.id FROM near n
                           UNION ALL
                           (SELECT f.id FROM far f ORDER BY f.id DESC LIMIT \(limit)))
            ORDER BY b.id DESC LIMIT \(limit)
            """
        ).plannedAnew()
    }

    /// All but the environment.
    private func conditions(_ page: Page) throws -> BoundConditions {
        var conditions = BoundConditions()
        if let before = try page.id() { conditions.add("b.id <", before) }
        if let team {
            conditions.add("b.team_id = (SELECT team_id(", team, close: "))")
        }
        if !states.isEmpty {
            conditions.add("b.state = ANY (", states.map(\.rawValue), close: "::text[])")
        }
        if let series { conditions.add("b.series_id =", series.id) }
        if !labels.isEmpty { conditions.add("b.labels @>", PostgresJSON(labels)) }
        if let to { conditions.add("b.starts_at <", to) }
        if let from { conditions.add("b.ends_at >", from) }
        if let text {
            conditions.add(
                "strpos(lower(b.title || ' ' || coalesce(b.ticket, '')), lower(", text,
                close: ")) > 0")
        }
        return conditions
    }

    /// Whether three letters or digits in a row are asked for: the index holds those, and is read whole for less.
    private static func hasTrigram(_ text: String) -> Bool {
        text.split { !$0.isLetter && !$0.isNumber }.contains { $0.count >= 3 }
    }

    /// A pattern that the text stands in.
    private static func pattern(_ text: String) -> String {
        var pattern = "%"
        for character in text {
            if "\\%_".contains(character) { pattern.append("\\") }
            pattern.append(character)
        }
        return pattern + "%"
    }
}

extension BoundConditions {
    /// Bookings of one environment: by the first that they name, and by the index over those of several. Each
    /// index gives its own newest. BETWEEN, since an equality makes the order one by id alone, in which the planner may
    /// rather read all bookings backward.
    fileprivate func query(ofEnvironment id: String, limit: Int) -> PostgresQuery {
        query(
            """
            WITH several AS MATERIALIZED (
                SELECT b.id FROM bookings b
                WHERE cardinality(b.environment_ids) > 1 AND b.environment_ids @> ARRAY[\(id)]
                  AND b.environment_ids[1] <> \(id) AND \(text))
            SELECT \(Booking.columnList) FROM bookings b
            WHERE b.id = ANY (array(
                (SELECT b.id FROM bookings b
                 WHERE b.environment_ids[1] BETWEEN \(id) AND \(id) AND \(text)
                 ORDER BY b.environment_ids[1] DESC, b.id DESC LIMIT \(limit))
                UNION ALL
                (SELECT s.id FROM several s ORDER BY s.id DESC LIMIT \(limit))))
            ORDER BY b.id DESC LIMIT \(limit)
            """)
    }
}
