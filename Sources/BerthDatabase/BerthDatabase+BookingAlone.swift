import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Books in a transaction of its own: what has to look at more than the time, because it may wait in line,
    /// take any environment that matches, displace others, or meet a quota.
    func bookAlone(
        _ draft: BookingDraft, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?
    ) async throws -> Booking {
        var choosesAlone = false
        var givingWay: [Int64] = []
        for _ in 0..<Self.mostRounds {
            do {
                let answer: BookingAnswer = try await decide(
                    by: caller, now: now, dryRun: dryRun
                ) { [choosesAlone, givingWay] decision in
                    let key = dryRun ? nil : idempotency
                    if let earlier = try await decision.earlierAnswer(to: key) { return earlier }
                    let booking = try await decision.book(
                        draft, choosesAlone: choosesAlone, givingWay: givingWay)
                    try await decision.keep(booking, status: 201, for: key)
                    return .done(booking)
                }
                switch answer {
                case .done(let booking): return booking
                case .again: return try await client.withDisplaced(booking(of: answer))
                }
            } catch let unlocked as GiveWayUnlocked {
                givingWay = unlocked.bookings
            } catch let refused as Refused {
                choosesAlone = true
                if refused.mayChooseOthers { continue }
                var asked = draft
                asked.environments = refused.environments.map(\.key)
                let proposal = Proposal(draft: asked, environments: refused.environments)
                try await requireFree([proposal], by: caller, now: now)
            }
        }
        throw BerthError.unavailable(retryAfterSeconds: 1)
    }
}

/// Somebody holds what a decision needs; it is rolled back, and the reasons are looked up.
struct Refused: Error {
    var environments: [TestEnvironment]
    /// They were chosen because they were free, and somebody was faster: others may be.
    var mayChooseOthers = false
}

extension Decision {
    /// Decides one booking under its locks, with those of the bookings that may have to give way.
    /// Throws ``Refused``, ``GiveWayUnlocked``.
    func book(
        _ given: BookingDraft, choosesAlone: Bool, givingWay: [Int64]
    ) async throws -> Booking {
        var draft = given
        let choice = try await choice(for: given, alone: choosesAlone)
        if let choice { draft.environments = choice.environments }
        let ids = try await environments(draft.environments).map(\.id)
        let locked = try await lock(
            environments: ids + environmentIDs(ofBookings: givingWay), freeing: givingWay)
        // Read again: only now are they what they stay.
        let environments = try await environments(draft.environments)
        try BerthDatabase.check(draft, on: environments, by: caller, now: now)
        let teamID = try await transaction.teamID(
            draft.team, pointer: "/team", by: caller, now: now)
        let request = BookingRequest(
            draft, on: environments, teamID: teamID, by: caller.name, now: now)
        var id = try await place(request)
        var hasDisplaced = false
        // Who says that it waits throws nobody out.
        if id == nil, draft.options.onConflict != .waitlist {
            id = try await displace(for: request, locked: locked)
            hasDisplaced = id != nil
        }
        let booked = id.map { [$0] } ?? []
        if id == nil {
            guard draft.options.onConflict == .waitlist else {
                throw Refused(
                    environments: environments, mayChooseOthers: choice?.areFree ?? false)
            }
            id = try await queue(request)
        }
        try await serveLine(locked: locked, checkingQuotasOf: booked)
        let booking = try await booking(id ?? 0)
        guard hasDisplaced else { return booking }
        try await offerAlternatives(
            to: transaction.displaced(
                by: booking.reference.description, at: now, on: environments.map(\.id)))
        return try await transaction.withDisplaced(booking)
    }

    /// Books if nobody holds what it needs; nil when somebody does.
    private func place(_ request: BookingRequest) async throws -> Int64? {
        let batch = BookingBatch(requests: [request])
        let outcome = try batch.outcomes(await transaction.query(batch.query))[0]
        guard case .booked(let booking) = outcome else { return nil }
        return booking.reference.id
    }

    /// Takes its place in line, holding nothing.
    func queue(_ request: BookingRequest) async throws -> Int64 {
        let draft = request.draft
        let startsNow = draft.options.startsNow
        let patience =
            startsNow
            ? now.addingTimeInterval(Double(Limits.waitHours) * 3600)
            : draft.startsAt > now ? draft.startsAt : draft.endsAt
        return try await insert(
            request, state: .waitlisted, waitUntil: draft.options.waitUntil ?? patience,
            startsWhenFree: startsNow)
    }

    /// Writes a booking as it is; the triggers derive its claims.
    func insert(
        _ request: BookingRequest, id: Int64? = nil, state: Booking.State, waitUntil: Date? = nil,
        startsWhenFree: Bool = false
    ) async throws -> Int64 {
        let draft = request.draft
        let terms = request.terms
        let ids = request.environments.map(\.id)
        let buffers = try await transaction.buffers(of: ids)
        let waits = state.isWaiting
        let rows = try await transaction.query(
            """
            INSERT INTO bookings (
                id, state, environment_ids, starts_at, ends_at, time_zone, title, team_id, contact, mode, ticket,
                notes, labels, priority, requested_by, setup_minutes, teardown_minutes, approvals,
                hold_expires_at, check_in_minutes, lease_seconds, lease_expires_at, wait_until,
                starts_when_free, select_labels, select_count, series_id, recurrence_id, created_at,
                updated_at, updated_by)
            VALUES (coalesce(\(id), nextval('bookings_id_seq')), \(state), \(ids), \(draft.startsAt), \(draft.endsAt),
                \(draft.timeZone ?? request.environments[0].timeZone), \(draft.title),
                \(request.teamID), \(draft.contact), \(draft.mode), \(draft.ticket), \(draft.notes),
                \(PostgresJSON(draft.labels)), \(draft.priority), \(request.actor), \(buffers.setup),
                \(buffers.teardown), \(PostgresJSON(waits ? [] : terms.approvals)),
                \(waits ? nil : terms.holdExpiresAt), \(waits ? nil : terms.checkInMinutes),
                \(terms.leaseSeconds), \(terms.leaseExpiresAt), \(waitUntil), \(startsWhenFree),
                \(waits ? draft.options.selection.map { PostgresJSON($0.labels) } : nil),
                \(waits ? draft.options.selection?.count : nil),
                \(request.occurrence?.series.id), \(request.occurrence?.recurrenceID), \(now), \(now),
                \(request.actor))
            RETURNING id
            """)
        return try rows[rows.startIndex].decode(Int64.self)
    }
}
