import BerthCore
import Foundation
import Postgres

/// The environments that a window is about.
struct WindowPlace {
    /// Those that it names, or that its selector matches.
    var environments: [TestEnvironment]
    /// Their ids, where they are named.
    var listedIDs: [Int64]
    /// The ids of all that it holds on: of a freeze, and where it says so, also what they contain.
    var reachIDs: [Int64]

    /// Whether somebody manages all that it is about now: an admin also what matches nothing yet.
    func isManaged(by caller: Caller) -> Bool {
        caller.role == .admin
            || (!environments.isEmpty && environments.allSatisfy(caller.manages))
    }

    /// The zone in which it recurs.
    func timeZone(of draft: ChangeWindowDraft) -> String {
        draft.timeZone ?? environments.first?.timeZone ?? "UTC"
    }

    /// The starts of all occurrences, ascending. Throws `.invalid` for a rule that is wrong, for occurrences
    /// that overlap, and for more spans than a window may have.
    func starts(of draft: ChangeWindowDraft) throws -> [Date] {
        guard let recurrence = draft.recurrence else { return [draft.startsAt] }
        let periods = try SeriesPeriods(
            recurrence, first: draft.startsAt..<draft.endsAt, in: timeZone(of: draft),
            atMost: Limits.windowOccurrences
        ).periods
        try SeriesPeriods.requireApart(periods, minutes: 0)
        guard periods.count * max(1, reachIDs.count) <= Limits.windowSpans else {
            throw BerthError.invalid(
                "/recurrence/rrule",
                "gives \(periods.count) occurrences on \(reachIDs.count) environments: "
                    + "more than \(Limits.windowSpans) together; plan a shorter series")
        }
        return periods.map(\.lowerBound)
    }
}

extension Decision {
    /// What a draft is about. Throws `.invalid` for what names nothing, and for a freeze that is none.
    func place(of draft: ChangeWindowDraft) async throws -> WindowPlace {
        if let exception = draft.exceptionTo {
            let named = try await transaction.query(
                "SELECT w.kind = 'freeze' FROM change_windows w WHERE w.id = \(exception.id)")
            guard let row = named.first, try row.decode(Bool.self) else {
                throw BerthError.invalid("/exceptionTo", "names no freeze: \(exception)")
            }
        }
        let listed = try await environments(draft.environments)
        let matched = try await matching(draft.labels)
        let rows = try await transaction.query(
            """
            SELECT n.environment_id
            FROM window_environments(
                \(draft.kind.rawValue), \(listed.map(\.id)), \(draft.labels.map { PostgresJSON($0) }),
                \(draft.includeParts)) n
            """)
        return WindowPlace(
            environments: listed + matched, listedIDs: listed.map(\.id),
            reachIDs: try rows.map { try $0.decode(Int64.self) })
    }

    private func matching(_ labels: [String: String]?) async throws -> [TestEnvironment] {
        guard let labels else { return [] }
        let rows = try await transaction.query(
            """
            SELECT \(unescaped: TestEnvironment.columnList) FROM environments e
            WHERE e.status <> 'retired' AND matches_selector(e, \(PostgresJSON(labels)))
            ORDER BY e.key
            """)
        return try rows.map(TestEnvironment.init)
    }

    /// Locks what a window holds on; where it is a maintenance that displaces, with the bookings in its way,
    /// which then give way. Throws ``WindowClashes`` through the caller when others stay. Gives what is locked.
    func makeRoom(
        for draft: ChangeWindowDraft, starts: [Date], on place: WindowPlace,
        as state: ChangeWindow.State, by reference: WindowReference, freeing: [Int64] = []
    ) async throws -> [Int64] {
        let environments = place.reachIDs + freeing
        guard draft.kind == .maintenance, draft.onConflict == .displace, state == .approved else {
            return try await lock(environments: environments)
        }
        let inTheWay = try await bookings(on: place, starts: starts, length: draft.length)
        let locked = try await lock(
            environments: environments + environmentIDs(ofBookings: inTheWay), freeing: inTheWay)
        for id in try await bookings(on: place, starts: starts, length: draft.length) {
            try await displace(id, by: reference.description, locked: locked)
        }
        return locked
    }

    /// What gives way to a window in this decision; each is told of what is free instead, now that the window
    /// is there.
    func displaced(by window: ChangeWindow) async throws -> [Conflict] {
        guard window.draft.kind == .maintenance, window.draft.onConflict == .displace else {
            return []
        }
        let displaced = try await transaction.displaced(
            by: window.reference.description, at: now, on: place(of: window.draft).reachIDs)
        try await offerAlternatives(to: displaced)
        return displaced.map(\.conflict)
    }

    /// The live bookings that claim any of a window's time.
    private func bookings(
        on place: WindowPlace, starts: [Date], length: TimeInterval
    ) async throws -> [Int64] {
        let rows = try await transaction.query(
            """
            SELECT DISTINCT h.booking_id
            FROM window_hits(
                \(place.reachIDs), \(starts), make_interval(secs => \(length)), NULL, \(now),
                \(Limits.windowSpans)) h
            JOIN bookings b ON b.id = h.booking_id AND b.state IN ('requested', 'confirmed', 'active')
             AND b.ends_at > \(now)
            ORDER BY h.booking_id
            """)
        guard rows.count <= Limits.bookingsDisplaced else {
            throw BerthError.invalid(
                "/onConflict",
                "would displace \(rows.count) bookings: the most is \(Limits.bookingsDisplaced)")
        }
        return try rows.map { try $0.decode(Int64.self) }
    }

    /// A window with what gave way to it in this decision, and what it lies over from now on.
    func planned(_ window: ChangeWindow) async throws -> PlannedWindow {
        let displaced = try await displaced(by: window)
        let place = try await place(of: window.draft)
        let rows = try await transaction.query(
            """
            SELECT h.environment_id, h.booking_id, h.window_id, h.period
            FROM window_hits(
                \(place.reachIDs), \(window.starts), make_interval(secs => \(window.draft.length)),
                \(window.reference.id), \(now), \(Limits.conflictsListed)) h
            """)
        let hits = try rows.map {
            try $0.decode(Int64.self, Int64?.self, Int64?.self, Range<Date>.self)
        }
        let conflicts = try await transaction.conflicts(
            environments: hits.map(\.0), bookings: hits.map(\.1), windows: hits.map(\.2),
            periods: hits.map(\.3))
        return PlannedWindow(
            window: window,
            hits: Array((displaced + conflicts).prefix(Limits.conflictsListed)),
            displaces: displaced)
    }
}
