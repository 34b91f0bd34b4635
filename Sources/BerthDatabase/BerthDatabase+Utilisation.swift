import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// How environments were used over a span, a line for each environment, tier, or team that had anything to do
    /// with it, by key. Cost: the bookings of the span with their versions, and all environments.
    public func utilisation(
        of span: Range<Date>, by grouping: Utilisation.Grouping, now: Date
    ) async throws -> [Utilisation] {
        try await translatingErrors {
            var lines = try await uses(of: span, by: grouping, now: now)
            if grouping != .team {
                for known in try await bookable(in: span, now: now) {
                    let key = grouping == .tier ? known.tier : known.key
                    var line = lines[key] ?? Utilisation(key: key)
                    line.bookable = (line.bookable ?? 0) + known.bookable
                    line.unavailable = (line.unavailable ?? 0) + known.unavailable
                    lines[key] = line
                }
            }
            return lines.values.sorted { $0.key < $1.key }
        }
    }

    /// What was done with environments, by environment, tier or team.
    private func uses(
        of span: Range<Date>, by grouping: Utilisation.Grouping, now: Date
    ) async throws -> [String: Utilisation] {
        let past = max(span.lowerBound, min(span.upperBound, now))
        let rows = try await client.query(
            """
            WITH held AS MATERIALIZED (
                SELECT b.id, b.version, b.team_id, b.environment_ids, b.starts_at, b.ends_at,
                       h.is_no_show, h.until,
                       CASE WHEN NOT h.is_no_show
                                 AND (b.check_in_minutes IS NULL OR b.checked_in_at IS NOT NULL)
                            THEN least(greatest(b.starts_at, b.checked_in_at), h.until)
                            ELSE h.until END AS used_from
                FROM bookings b
                CROSS JOIN LATERAL (
                    SELECT b.state = 'expired' AND b.state_reason = 'no-show') n (is_no_show)
                CROSS JOIN LATERAL (
                    SELECT n.is_no_show,
                           CASE WHEN n.is_no_show
                                THEN least(b.ends_at,
                                           b.starts_at + make_interval(mins => b.check_in_minutes))
                                ELSE coalesce(b.released_at, b.ends_at) END) h (is_no_show, until)
                WHERE booking_overlaps(b.starts_at, b.ends_at, \(span.lowerBound), \(span.upperBound))
                  AND NOT b.record_only AND h.until > \(span.lowerBound)
                  AND (b.state IN ('confirmed', 'active', 'completed') OR b.released_at IS NOT NULL
                       OR n.is_no_show)),
            lengthened AS (
                SELECT l.id, count(*) AS extensions,
                       bool_or(l.valid_until > l.starts_at) AS is_overrun
                FROM (
                    SELECT h.id, v.state, v.starts_at, v.ends_at, v.valid_until,
                           lead(v.starts_at, 1, h.starts_at) OVER versions AS next_start,
                           lead(v.ends_at, 1, h.ends_at) OVER versions AS next_end
                    FROM held h
                    CROSS JOIN LATERAL (
                        SELECT o.version, o.state, o.starts_at, o.ends_at, o.valid_until
                        FROM booking_versions o WHERE o.booking_id = h.id
                        OFFSET 0) v
                    WHERE h.version > 1
                    WINDOW versions AS (PARTITION BY h.id ORDER BY v.version)) l
                WHERE l.state IN ('confirmed', 'active') AND l.next_start = l.starts_at
                  AND l.next_end > l.ends_at
                GROUP BY l.id),
            facts AS (
                SELECT u.environment_id, h.team_id, h.id AS booking_id, h.is_no_show,
                       coalesce(l.extensions, 0) AS extensions,
                       coalesce(l.is_overrun, false) AS is_overrun,
                       tstzrange(h.starts_at, h.until)
                       * tstzrange(\(span.lowerBound), \(span.upperBound)) AS booked,
                       tstzrange(h.used_from, h.until)
                       * tstzrange(\(span.lowerBound), \(past)) AS used,
                       0 AS refused, 0 AS waited
                FROM held h CROSS JOIN unnest(h.environment_ids) u (environment_id)
                LEFT JOIN lengthened l ON l.id = h.id
                UNION ALL
                SELECT r.environment_id, r.team_id, NULL, false, 0, false, NULL, NULL, r.minutes * 60, 0
                FROM refusals r
                WHERE r.day >= (\(span.lowerBound) AT TIME ZONE 'UTC')::date
                  AND r.day < (\(span.upperBound) AT TIME ZONE 'UTC')
                UNION ALL
                SELECT u.environment_id, w.team_id, NULL, false, 0, false, NULL, NULL, 0,
                       multirange_seconds(tstzmultirange(
                           tstzrange(w.since, w.until)
                           * tstzrange(\(span.lowerBound), \(span.upperBound))))
                FROM (SELECT v.environment_ids, v.team_id, v.valid_from, v.valid_until
                      FROM booking_versions v
                      WHERE v.state IN ('waitlisted', 'displaced')
                        AND tstzrange(v.valid_from, v.valid_until, '[)')
                            && tstzrange(\(span.lowerBound), \(span.upperBound), '[)')
                      UNION ALL
                      SELECT b.environment_ids, b.team_id, b.updated_at, greatest(b.updated_at, \(now))
                      FROM bookings b WHERE b.state IN ('waitlisted', 'displaced')
                     ) w (environment_ids, team_id, since, until)
                CROSS JOIN unnest(w.environment_ids) u (environment_id)),
            named AS MATERIALIZED (
                SELECT CASE \(grouping.rawValue) WHEN 'environment' THEN e.key WHEN 'tier' THEN e.tier
                                                 ELSE t.name END AS key,
                       f.environment_id, f.booking_id, f.is_no_show, f.extensions, f.is_overrun,
                       f.booked, f.used, f.refused, f.waited
                FROM facts f JOIN environments e ON e.id = f.environment_id
                JOIN teams t ON t.id = f.team_id),
            times (key, booked, used, refused, waited) AS (
                -- In place: as a function of its own it costs more than all the rest.
                SELECT m.key,
                       (SELECT coalesce(sum(extract(epoch FROM upper(p) - lower(p))), 0)::bigint
                        FROM unnest(m.booked) p),
                       (SELECT coalesce(sum(extract(epoch FROM upper(p) - lower(p))), 0)::bigint
                        FROM unnest(m.used) p),
                       m.refused, m.waited
                FROM (SELECT n.key, range_agg(n.booked) AS booked, range_agg(n.used) AS used,
                             sum(n.refused) AS refused, sum(n.waited) AS waited
                      FROM named n GROUP BY n.key, n.environment_id) m),
            counts (key, bookings, no_shows, extensions, overruns) AS (
                SELECT d.key, count(*), count(*) FILTER (WHERE d.is_no_show), sum(d.extensions),
                       count(*) FILTER (WHERE d.is_overrun)
                FROM (SELECT DISTINCT n.key, n.booking_id, n.is_no_show, n.extensions, n.is_overrun
                      FROM named n WHERE n.booking_id IS NOT NULL) d
                GROUP BY d.key)
            SELECT t.key, sum(t.booked)::bigint, sum(t.used)::bigint, sum(t.refused)::bigint,
                   sum(t.waited)::bigint, coalesce(c.bookings, 0), coalesce(c.no_shows, 0),
                   coalesce(c.extensions, 0)::bigint, coalesce(c.overruns, 0)
            FROM times t LEFT JOIN counts c ON c.key = t.key
            GROUP BY t.key, c.bookings, c.no_shows, c.extensions, c.overruns
            """)
        let lines = try rows.map(Utilisation.init)
        return Dictionary(uniqueKeysWithValues: lines.map { ($0.key, $0) })
    }

    private struct Bookable {
        var key: String
        var tier: String
        var bookable: Int
        var unavailable: Int
    }

    /// How long each environment was open by the hours that held then, and how long of that it was unavailable or
    /// under maintenance. A row for each version of an environment that the span meets.
    private func bookable(in span: Range<Date>, now: Date) async throws -> [Bookable] {
        let rows = try await client.query(
            """
            SELECT e.key, e.tier, s.time_zone, s.policy,
                   array(SELECT t FROM unnest(tstzmultirange(k.known) - c.closed) t),
                   array(SELECT t FROM unnest(tstzmultirange(k.known) * c.closed) t)
            FROM environments e
            CROSS JOIN LATERAL (
                SELECT v.status, v.status_until, v.time_zone, v.policy, v.valid_from, v.valid_until
                FROM environment_versions v
                WHERE v.environment_id = e.id AND v.valid_until > \(span.lowerBound)
                UNION ALL
                SELECT e.status, e.status_until, e.time_zone, e.policy, e.updated_at,
                       greatest(e.updated_at, \(span.upperBound))
                ) s (status, status_until, time_zone, policy, since, until)
            CROSS JOIN LATERAL (
                SELECT tstzrange(s.since, s.until) * tstzrange(\(span.lowerBound), \(span.upperBound))
                ) k (known)
            CROSS JOIN LATERAL (
                SELECT coalesce(range_agg(p.period), '{}')
                FROM (
                    SELECT m.period FROM window_spans m
                    WHERE m.environment_id = e.id AND m.period && k.known AND m.kind = 'maintenance'
                      AND m.state = 'approved' AND m.valid_until = 'infinity'
                    UNION ALL
                    SELECT tstzrange(s.since, greatest(s.since, least(s.until, s.status_until)))
                    WHERE s.status = 'unavailable') p
                ) c (closed)
            WHERE s.status <> 'retired' AND NOT isempty(k.known)
            """)
        var hours = BookableTime(in: span)
        return try rows.map { row in
            var columns = row.columns
            let key: String = try columns.next()
            let tier: String = try columns.next()
            let timeZone: String = try columns.next()
            let policy: PostgresJSON<Policy> = try columns.next()
            func seconds(_ periods: [Range<Date>]) -> Int {
                hours.seconds(of: periods, under: policy.value, timeZone: timeZone)
            }
            return Bookable(
                key: key, tier: tier, bookable: seconds(try columns.next()),
                unavailable: seconds(try columns.next()))
        }
    }
}

extension Utilisation {
    fileprivate init(_ row: PostgresRow) throws {
        var columns = row.columns
        self.init(key: try columns.next())
        booked = try columns.next()
        used = try columns.next()
        refused = try columns.next()
        waited = try columns.next()
        bookings = try columns.next()
        noShows = try columns.next()
        extensions = try columns.next()
        overruns = try columns.next()
    }
}
