import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Edits a booking: under the locks of all that it names before and after, in their one order.
    ///
    /// Throws `.notFound`, `.forbidden`, `.stale`, `.illegalMove` for one that is over, `.invalid`,
    /// `.policy`, and `.conflict` with the reasons and what is free instead; the booking then stays as it was.
    public func updateBooking(
        _ reference: BookingReference, expecting version: Int, by caller: Caller, now: Date,
        dryRun: Bool, _ change: @Sendable (Booking) throws -> BookingDraft
    ) async throws -> Booking {
        try await translatingErrors {
            for _ in 0..<3 {
                let present = try await booking(reference)
                guard present.version == version else {
                    throw BerthError.stale(current: present.version)
                }
                let edit = try await edit(present, by: caller, now: now, change)
                do {
                    return try await decide(dryRun: dryRun) { transaction in
                        try await transaction.apply(edit, to: present, by: caller, now: now)
                    }
                } catch let error as PostgresError where error.isConflict {
                    let proposal = Proposal(
                        draft: edit.draft, environments: edit.environments, moving: reference)
                    if let refusal = try await refusal(of: proposal, now: now) {
                        throw BerthError.conflict(refusal)
                    }
                }
            }
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
    }

    /// What an edit asks for, checked against everything but other bookings.
    private func edit(
        _ present: Booking, by caller: Caller, now: Date,
        _ change: (Booking) throws -> BookingDraft
    ) async throws -> BookingEdit {
        let before = try await environments.reread(present.environments, from: client)
        guard caller.mayBook(before, for: present.team) else {
            throw BerthError.forbidden("\(present.reference) is \(present.team)'s")
        }
        guard !present.state.isOver else {
            throw BerthError.illegalMove(
                "\(present.reference) is \(present.state.rawValue): it can no longer be edited")
        }
        let draft = try change(present)
        let after = try await environments.reread(draft.environments, from: client)
        let edit = BookingEdit(draft: draft, environments: after, moves: draft.moves(present))
        if edit.moves {
            if present.state == .active, draft.startsAt != present.startsAt {
                throw BerthError.illegalMove("\(present.reference) has begun: its start stays")
            }
            guard draft.endsAt > now else {
                throw BerthError.invalid("/endsAt", "is past: release the booking to end it now")
            }
            // A booking that has begun keeps its start, however long ago.
            let checkedFrom = present.state == .active ? max(draft.startsAt, now) : draft.startsAt
            var checked = draft
            checked.startsAt = checkedFrom
            try Self.check(checked, on: after, by: caller, now: now)
        } else if !caller.mayBook(after, for: draft.team) {
            throw BerthError.forbidden("\(caller.name) cannot give a booking to \(draft.team)")
        }
        if draft.priority > max(.normal, present.priority), caller.role < .manager {
            throw BerthError.forbidden("priority above normal is given by a manager")
        }
        return edit
    }

    /// Calls a booking off. One that has begun gives back the rest of its time.
    /// Throws `.notFound`, `.forbidden`, `.stale`, `.illegalMove`.
    public func cancelBooking(
        _ reference: BookingReference, reason: String?, expecting version: Int?, by caller: Caller,
        now: Date, dryRun: Bool, idempotency: IdempotencyKey?
    ) async throws -> Booking {
        try await end(
            reference, expecting: version, by: caller, now: now, dryRun: dryRun,
            idempotency: idempotency
        ) { booking in
            switch booking.state {
            case .requested, .waitlisted, .confirmed, .displaced:
                BookingEnd(state: .cancelled, reason: reason, releasedAt: nil)
            case .active: BookingEnd(state: .cancelled, reason: reason, releasedAt: now)
            case .completed, .rejected, .cancelled, .expired: nil
            }
        }
    }

    /// Gives a booking's time back: the rest of it once it has begun, all of it before.
    /// Throws as ``cancelBooking(_:reason:expecting:by:now:dryRun:idempotency:)``.
    public func releaseBooking(
        _ reference: BookingReference, reason: String?, expecting version: Int?, by caller: Caller,
        now: Date, dryRun: Bool, idempotency: IdempotencyKey?
    ) async throws -> Booking {
        try await end(
            reference, expecting: version, by: caller, now: now, dryRun: dryRun,
            idempotency: idempotency
        ) { booking in
            switch booking.state {
            case .active: BookingEnd(state: .completed, reason: reason, releasedAt: now)
            case .requested, .confirmed:
                BookingEnd(
                    state: .cancelled, reason: reason ?? "released before it began", releasedAt: nil
                )
            case .waitlisted, .displaced, .completed, .rejected, .cancelled, .expired: nil
            }
        }
    }

    private func end(
        _ reference: BookingReference, expecting version: Int?, by caller: Caller, now: Date,
        dryRun: Bool, idempotency: IdempotencyKey?,
        _ move: @escaping @Sendable (Booking) -> BookingEnd?
    ) async throws -> Booking {
        let done: BookingAnswer = try await decide(dryRun: dryRun) { transaction in
            if let idempotency, !dryRun,
                let record = try await IdempotencyRecord.find(
                    idempotency, now: now, in: transaction)
            {
                guard let id = record.bookingID, let version = record.bookingVersion else {
                    throw BerthError.idempotencyKeyReused
                }
                return .again(id: id, version: version)
            }
            let booking = try await transaction.lockBooking(reference, now: now)
            let environments = try await transaction.environments(booking.environments)
            guard caller.mayBook(environments, for: booking.team) else {
                throw BerthError.forbidden("\(reference) is \(booking.team)'s")
            }
            if let version, version != booking.version {
                throw BerthError.stale(current: booking.version)
            }
            guard let end = move(booking) else {
                throw BerthError.illegalMove("\(reference) is \(booking.state.rawValue) already")
            }
            let ended = try await transaction.end(booking, end, by: caller, now: now)
            if let idempotency, !dryRun {
                try await IdempotencyRecord.keep(
                    booking: ended.reference.id, version: ended.version, status: 200,
                    for: idempotency, now: now, in: transaction)
            }
            return .done(ended)
        }
        switch done {
        case .done(let booking): return booking
        case .again(let id, let version):
            return try await translatingErrors { try await booking(id: id, version: version) }
        }
    }
}

/// What an edit makes of a booking.
private struct BookingEdit: Sendable {
    var draft: BookingDraft
    var environments: [TestEnvironment]
    /// Whether it bears on what the booking claims.
    var moves: Bool
}

/// How a booking ends early.
private struct BookingEnd: Sendable {
    var state: Booking.State
    var reason: String?
    var releasedAt: Date?
}

private enum BookingAnswer: Sendable {
    case done(Booking)
    case again(id: Int64, version: Int)
}

extension BookingDraft {
    fileprivate func moves(_ booking: Booking) -> Bool {
        startsAt != booking.startsAt || endsAt != booking.endsAt || mode != booking.mode
            || environments != booking.environments
    }
}

extension PostgresTransaction {
    /// A booking, locked, after all that it reaches; brought up to `now` first, so that one whose start
    /// has come is active. Throws `.notFound`.
    fileprivate func lockBooking(
        _ reference: BookingReference, now: Date
    ) async throws -> Booking {
        try await query(
            """
            SELECT lock_environments(b.environment_ids) FROM bookings b WHERE b.id = \(reference.id)
            """)
        let rows = try await query(
            """
            SELECT \(unescaped: Booking.columnList) FROM bookings b WHERE b.id = \(reference.id)
            FOR NO KEY UPDATE
            """)
        guard let row = rows.first else { throw BerthError.notFound("no booking \(reference)") }
        var booking = try Booking(row)
        if booking.state == .confirmed, booking.startsAt <= now { booking.state = .active }
        if booking.state == .active, booking.endsAt <= now { booking.state = .completed }
        return booking
    }

    fileprivate func environments(_ keys: [String]) async throws -> [TestEnvironment] {
        let rows = try await query(
            """
            SELECT \(unescaped: TestEnvironment.columnList)
            FROM environments e WHERE e.key = ANY (\(keys)::text[])
            """)
        return try rows.map(TestEnvironment.init)
    }

    fileprivate func end(
        _ booking: Booking, _ end: BookingEnd, by caller: Caller, now: Date
    ) async throws -> Booking {
        // Whole seconds: an instant of the API.
        let releasedAt = end.releasedAt.map {
            max(
                Date(timeIntervalSince1970: $0.timeIntervalSince1970.rounded(.down)),
                booking.startsAt)
        }
        try await query(
            """
            UPDATE bookings
            SET state = \(end.state), state_reason = \(end.reason), released_at = \(releasedAt),
                updated_at = \(now), updated_by = \(caller.name)
            WHERE id = \(booking.reference.id)
            """)
        return try await storedBooking(booking.reference)
    }

    fileprivate func apply(
        _ edit: BookingEdit, to booking: Booking, by caller: Caller, now: Date
    ) async throws -> Booking {
        let draft = edit.draft
        let ids = edit.environments.map(\.id)
        try await query(
            """
            SELECT lock_environments(b.environment_ids || \(ids)::bigint[])
            FROM bookings b WHERE b.id = \(booking.reference.id)
            """)
        let locked = try await query(
            "SELECT version FROM bookings WHERE id = \(booking.reference.id) FOR NO KEY UPDATE")
        let version = try locked[locked.startIndex].decode(Int.self)
        guard version == booking.version else { throw BerthError.stale(current: version) }
        let teamID = try await teamID(draft.team, pointer: "/team", by: caller, now: now)
        try await query(
            """
            UPDATE bookings b
            SET environment_ids = \(ids), starts_at = \(draft.startsAt), ends_at = \(draft.endsAt),
                time_zone = \(draft.timeZone ?? booking.timeZone), title = \(draft.title),
                team_id = \(teamID), contact = \(draft.contact), mode = \(draft.mode),
                ticket = \(draft.ticket), notes = \(draft.notes),
                labels = \(PostgresJSON(draft.labels)), priority = \(draft.priority),
                (setup_minutes, teardown_minutes) = (
                    SELECT CASE WHEN \(edit.moves) THEN max(e.setup_minutes) ELSE b.setup_minutes END,
                           CASE WHEN \(edit.moves) THEN max(e.teardown_minutes)
                                ELSE b.teardown_minutes END
                    FROM environment_reach r JOIN environments e ON e.id = r.part_id
                    WHERE r.environment_id = ANY (\(ids))),
                updated_at = \(now), updated_by = \(caller.name)
            WHERE id = \(booking.reference.id)
            """)
        return try await storedBooking(booking.reference)
    }

    private func storedBooking(_ reference: BookingReference) async throws -> Booking {
        let rows = try await query(
            "SELECT \(unescaped: Booking.columnList) FROM bookings b WHERE b.id = \(reference.id)")
        return try Booking(rows[rows.startIndex])
    }
}
