import BerthCore
import Foundation
import Postgres

/// Edits that others' bookings do not allow; rolled back, and the reasons are looked up.
struct EditsRefused: Error {
    var proposals: [Proposal]
}

/// What a decision stood on was changed by somebody else before it was locked.
struct ChangedMeanwhile: Error {}

extension Decision {
    /// Applies the edits of a call, and gives the booking that it names. Throws ``EditsRefused`` and
    /// ``ChangedMeanwhile`` beside what forbids an edit.
    func apply(
        _ drafts: [(Booking, BookingDraft)], _ call: BookingMoveCall
    ) async throws -> Booking {
        guard let named = drafts.first?.0 else {
            throw BerthError.notFound("no booking \(call.reference)")
        }
        try requireVersion(call.expecting, of: call.reference, among: [named])
        try await apply(drafts, skippingOthers: call.scope != .this)
        return try await booking(named.reference.id)
    }

    /// Moves the bookings of a shift by its days.
    func shift(_ shift: BookingShift) async throws -> [Booking] {
        let rows = try await transaction.query(
            """
            SELECT b.id FROM bookings b
            WHERE b.state IN ('requested', 'confirmed', 'waitlisted', 'displaced') AND b.starts_at > \(now)
              AND b.labels @> \(PostgresJSON(shift.labels))
              AND (\(shift.references.isEmpty) OR b.id = ANY (\(shift.references.map(\.id))))
              AND (\(shift.team)::text IS NULL
                   OR b.team_id = (SELECT team_id(\(shift.team))))
            ORDER BY b.starts_at, b.id LIMIT \(Limits.bookingsShifted + 1)
            """)
        let ids = try rows.map { try $0.decode(Int64.self) }
        guard !ids.isEmpty else {
            throw BerthError.invalid(
                shift.references.isEmpty ? "/labels" : "/bookings",
                "match no booking that is still to begin")
        }
        guard ids.count <= Limits.bookingsShifted else {
            throw BerthError.invalid(
                "/labels", "match more than \(Limits.bookingsShifted) bookings: say which")
        }
        let occurrence = OccurrenceShift(days: shift.days)
        let drafts = try await bookings(ids).map { booking in
            var draft = BookingDraft(booking)
            occurrence.apply(to: &draft, of: booking)
            return (booking, draft)
        }
        try await apply(drafts, skippingOthers: false)
        return try await bookings(ids)
    }

    /// Locks what the edits name before and after, checks that nothing changed meanwhile, writes them in one
    /// statement, and serves the line. With `skippingOthers`, those after the first that the caller may not
    /// edit are left as they are.
    private func apply(
        _ drafts: [(Booking, BookingDraft)], skippingOthers: Bool
    ) async throws {
        let keys = Set(drafts.flatMap { $0.0.environments + $0.1.environments })
        let edited = drafts.map(\.0.reference.id)
        let ids =
            try await environments(Array(keys)).map(\.id) + environmentIDs(ofBookings: edited)
        let locked = try await lock(environments: ids, freeing: edited)
        let present = try await lock(bookings: edited, locked: locked)
        guard present.map(\.version) == drafts.map(\.0.version) else { throw ChangedMeanwhile() }
        let environments = try await environments(Array(keys))
        let byKey = Dictionary(uniqueKeysWithValues: environments.map { ($0.key, $0) })

        var edits: [BookingEdit] = []
        for (booking, draft) in drafts {
            let edit = BookingEdit(
                booking: booking, draft: draft,
                environments: draft.environments.compactMap { byKey[$0] })
            do {
                let before = booking.environments.compactMap { byKey[$0] }
                try edit.check(by: caller, before: before, now: now)
                // What stays as it is makes no version.
                if draft != BookingDraft(booking) { edits.append(edit) }
            } catch  where skippingOthers && !edits.isEmpty {
                continue
            }
        }
        guard !edits.isEmpty else { return }
        do {
            try await write(edits)
        } catch let error as PostgresError where error.isConflict {
            if let (one, other) = BookingEdit.firstThatMeet(edits) {
                throw BerthError.invalid(
                    "/endsAt",
                    "would let \(one) and \(other) overlap, which are edited together: edit each alone"
                )
            }
            throw EditsRefused(
                proposals: edits.filter(\.moves).map { edit in
                    Proposal(
                        draft: edit.draft, environments: edit.environments,
                        moving: edits.map(\.booking.reference), booking: edit.booking)
                })
        }
        let counted = edits.filter(\.bearsOnQuotas).map(\.booking.reference.id)
        try await serveLine(locked: locked, checkingQuotasOf: counted)
    }

    private func write(_ edits: [BookingEdit]) async throws {
        var teams: [String: Int64] = [:]
        for edit in edits where teams[edit.draft.team] == nil {
            teams[edit.draft.team] = try await transaction.teamID(
                edit.draft.team, pointer: "/team", by: caller, now: now)
        }
        let changes = edits.map { $0.change(now: now) }
        try await transaction.query(
            """
            UPDATE bookings b
            SET environment_ids = n.environment_ids::bigint[], starts_at = n.starts_at,
                ends_at = n.ends_at, time_zone = n.time_zone, title = n.title, team_id = n.team_id,
                contact = n.contact, mode = n.mode, ticket = n.ticket, notes = n.notes,
                labels = n.labels, priority = n.priority, state = n.state, approvals = n.approvals,
                approved_version = n.approved_version, hold_expires_at = n.hold_expires_at,
                check_in_minutes = n.check_in_minutes, lease_expires_at = n.lease_expires_at,
                released_at = n.released_at, wait_until = n.wait_until,
                (setup_minutes, teardown_minutes) = (
                    SELECT CASE WHEN n.moves THEN max(e.setup_minutes) ELSE b.setup_minutes END,
                           CASE WHEN n.moves THEN max(e.teardown_minutes) ELSE b.teardown_minutes END
                    FROM environment_reach r JOIN environments e ON e.id = r.part_id
                    WHERE r.environment_id = ANY (n.environment_ids::bigint[])),
                updated_at = \(now), updated_by = \(caller.name)
            FROM unnest(
                \(edits.map(\.booking.reference.id)),
                \(edits.map { BookingBatch.literal($0.environments.map(\.id)) }),
                \(edits.map(\.draft.startsAt)), \(edits.map(\.draft.endsAt)),
                \(edits.map { $0.draft.timeZone ?? $0.booking.timeZone }), \(edits.map(\.draft.title)),
                \(edits.map { teams[$0.draft.team] }), \(edits.map(\.draft.contact)),
                \(edits.map(\.draft.mode)), \(edits.map(\.draft.ticket)), \(edits.map(\.draft.notes)),
                \(edits.map { PostgresJSON($0.draft.labels) }), \(edits.map(\.draft.priority)),
                \(changes.map(\.state)), \(changes.map { PostgresJSON($0.approvals) }),
                \(changes.map(\.approvedVersion)), \(changes.map(\.holdExpiresAt)),
                \(edits.map { $0.checkInMinutes(now: now) }), \(changes.map(\.leaseExpiresAt)),
                \(changes.map(\.releasedAt)), \(edits.map { $0.waitUntil(now: now) }),
                \(edits.map(\.moves))
            ) n (id, environment_ids, starts_at, ends_at, time_zone, title, team_id, contact, mode, ticket,
                 notes, labels, priority, state, approvals, approved_version, hold_expires_at,
                 check_in_minutes, lease_expires_at, released_at, wait_until, moves)
            WHERE b.id = n.id
            """)
        // One in line that asks for something else may find it free.
        let waiting = edits.filter { $0.booking.state.isWaiting && $0.moves }
        if !waiting.isEmpty {
            try await transaction.query(
                """
                INSERT INTO line_calls (environment_id, period)
                SELECT e.id, a.period
                FROM bookings w
                CROSS JOIN LATERAL awaited_slot(w, w.environment_ids, \(now)) a
                CROSS JOIN unnest(w.environment_ids) e (id)
                WHERE w.id = ANY (\(waiting.map(\.booking.reference.id)))
                """)
        }
    }
}
