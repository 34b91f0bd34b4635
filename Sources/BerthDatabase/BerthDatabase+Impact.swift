import BerthCore
import Foundation
import ICalendar
import Postgres

extension BerthDatabase {
    /// What a window bears on from now on, how risky it is, and whom to warn. Throws `.notFound`.
    public func impact(of reference: WindowReference, now: Date) async throws -> WindowImpact {
        try await decide(by: .clockwork, now: now, dryRun: true) { decision in
            let window = try await decision.transaction.window(reference)
            let place = try await decision.place(of: window.draft)
            let planned = try await decision.planned(window)
            let start = window.starts.first { $0.addingTimeInterval(window.draft.length) > now }
            let facts = try await decision.facts(
                of: window, on: place, from: start ?? window.starts[0])
            let next = try await decision.nextHolders(
                on: place, after: (start ?? now).addingTimeInterval(window.draft.length))
            let touched = planned.hits.filter { $0.kind == .booking }
            return WindowImpact(
                window: reference, hits: planned.hits,
                warn: touched.map { .init(booking: $0, isNext: false) }
                    + next.filter { !touched.contains($0) }.map { .init(booking: $0, isNext: true) },
                facts: facts)
        }
    }

    /// Who can help with an environment: owner, who uses it now and next, who changed it lately. Throws
    /// `.notFound`.
    public func people(of key: String, now: Date) async throws -> People {
        let environment = try await environment(key)
        let owner: Team?
        if let name = environment.ownerTeam {
            owner = try await team(named: name)
        } else {
            owner = nil
        }
        return try await decide(by: .clockwork, now: now, dryRun: true) { decision in
            let users = try await decision.transaction.query(
                """
                SELECT u.booking_id
                FROM users_at(\(environment.id), \(now.flooredToSecond), \(now.flooredToSecond)) u
                """)
            let ids = try users.map { try $0.decode(Int64.self) }
            let holders = try await decision.conflicts(ofBookings: ids, on: environment.id)
            let place = WindowPlace(
                environments: [environment], listedIDs: [environment.id], reachIDs: [environment.id]
            )
            let authors = try await decision.authors(of: environment.id)
            return People(
                environment: key, owner: owner, holders: holders,
                next: try await decision.nextHolders(on: place, after: now, within: 30).first,
                authors: authors)
        }
    }
}

extension Decision {
    fileprivate func facts(
        of window: ChangeWindow, on place: WindowPlace, from start: Date
    ) async throws -> WindowImpact.Facts {
        let end = start.addingTimeInterval(window.draft.length)
        let rows = try await transaction.query(
            """
            SELECT (SELECT count(DISTINCT h.booking_id)
                    FROM window_hits(\(place.reachIDs), \(window.starts),
                                     make_interval(secs => \(window.draft.length)), \(window.reference.id),
                                     \(now), \(Limits.windowSpans)) h),
                   (SELECT count(DISTINCT r.environment_id) FROM environment_reach r
                    WHERE r.part_id = ANY (\(place.reachIDs)) AND r.environment_id <> ALL (\(place.reachIDs))),
                   (SELECT count(*) FROM latest_changes c
                    WHERE c.environment_id = ANY (\(place.reachIDs)) AND c.control = 'uncontrolled'
                      AND c.occurred_at > \(now) - interval '90 days'),
                   (SELECT count(*) FROM change_log c
                    WHERE c.environment_id = ANY (\(place.reachIDs)) AND c.review = 'rejected'
                      AND c.occurred_at > \(now) - interval '90 days'),
                   (SELECT floor(extract(epoch FROM min(greatest(
                               lower(s.period) - \(end)::timestamptz, \(start)::timestamptz - upper(s.period),
                               interval '0'))) / 3600)::integer
                    FROM window_spans s
                    WHERE s.environment_id = ANY (\(place.reachIDs)) AND s.kind = 'freeze'
                      AND s.state = 'approved' AND s.valid_until = 'infinity'
                      AND s.window_id <> \(window.reference.id)
                      AND s.period && tstzrange(\(start) - interval '2 days', \(end) + interval '2 days', '[)'))
            """)
        var facts = WindowImpact.Facts()
        var columns = rows[rows.startIndex].columns
        facts.bookings = try columns.next()
        facts.sharing = try columns.next()
        facts.uncontrolled = try columns.next()
        facts.rejectedReviews = try columns.next()
        facts.hoursToFreeze = try columns.next()
        let local = ZoneRules.named(place.timeZone(of: window.draft)).civilTime(at: start)
        facts.hour = local.hour
        // Day 0 of the count was a Thursday.
        let day = Int((Double(local.seconds) / 86_400).rounded(.down))
        facts.weekday = ((day + 3) % 7 + 7) % 7 + 1
        return facts
    }

    /// The first bookings that begin within so many days after an instant, one of each environment.
    fileprivate func nextHolders(
        on place: WindowPlace, after instant: Date, within days: Int = 1
    ) async throws -> [Conflict] {
        let until = instant.addingTimeInterval(Double(days) * 86_400)
        let rows = try await transaction.query(
            """
            SELECT DISTINCT ON (c.environment_id) c.environment_id, c.booking_id
            FROM unnest(\(place.reachIDs)) e (id)
            JOIN claims c ON c.environment_id = e.id AND c.lane = 'use' AND c.booking_id IS NOT NULL
             AND c.period && tstzrange(\(instant), \(until), '[)')
            JOIN bookings b ON b.id = c.booking_id AND b.starts_at >= \(instant)
             AND b.state IN ('requested', 'confirmed')
            ORDER BY c.environment_id, b.starts_at, b.id LIMIT \(Limits.conflictsListed)
            """)
        let found = try rows.map { try $0.decode(Int64.self, Int64.self) }
        return try await transaction.conflicts(
            environments: found.map(\.0), bookings: found.map(\.1), windows: found.map { _ in nil },
            periods: found.map { _ in instant..<until })
    }

    fileprivate func conflicts(
        ofBookings ids: [Int64], on environment: Int64
    ) async throws -> [Conflict] {
        try await transaction.conflicts(
            environments: ids.map { _ in environment }, bookings: ids,
            windows: ids.map { _ in nil },
            periods: ids.map { _ in now..<now.addingTimeInterval(1) })
    }

    fileprivate func authors(of environment: Int64) async throws -> [People.Author] {
        let rows = try await transaction.query(
            """
            SELECT a.actor, team_name(a.team_id), a.id, a.occurred_at, a.summary
            FROM (SELECT DISTINCT ON (c.actor) c.actor, c.team_id, c.id, c.occurred_at, c.summary
                  FROM (SELECT l.actor, l.team_id, l.id, l.occurred_at, l.summary FROM latest_changes l
                        WHERE l.environment_id = \(environment) AND l.source <> 'inventory'
                        ORDER BY l.occurred_at DESC LIMIT 50) c
                  ORDER BY c.actor, c.occurred_at DESC) a
            ORDER BY a.occurred_at DESC LIMIT 5
            """)
        return try rows.map { row in
            let (actor, team, id, at, summary) = try row.decode(
                String.self, String?.self, Int64.self, Date.self, String.self)
            return People.Author(by: actor, of: team, in: id, at: at, summary: summary)
        }
    }
}
