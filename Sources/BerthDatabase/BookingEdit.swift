import BerthCore
import Foundation

/// What an edit makes of a booking, and what the edit makes necessary.
struct BookingEdit: Sendable {
    /// As it was read; the edit is applied to just this version.
    var booking: Booking
    var draft: BookingDraft
    /// Those that it names after the edit.
    var environments: [TestEnvironment]

    /// Whether it bears on what the booking claims.
    var moves: Bool {
        draft.startsAt != booking.startsAt || draft.endsAt != booking.endsAt
            || draft.mode != booking.mode || draft.environments != booking.environments
    }

    /// Whether it bears on a team's quotas.
    var bearsOnQuotas: Bool {
        moves || (draft.team != booking.team && !booking.state.isOver)
    }

    /// Whether it asks for anything beyond what the booking has.
    var widens: Bool {
        draft.startsAt < booking.startsAt || draft.endsAt > booking.endsAt
            || !Set(draft.environments).isSubset(of: booking.environments)
            || (draft.mode == .exclusive && booking.mode == .shared)
    }

    /// Whether it stays where and when it begins.
    private var onlyEndMoves: Bool {
        draft.startsAt == booking.startsAt && draft.mode == booking.mode
            && draft.environments == booking.environments
    }

    /// Until when it waits in line: as long before or after its end as before, where it waits for a time.
    func waitUntil(now: Date) -> Date? {
        guard moves, booking.state.isWaiting, !booking.life.startsWhenFree,
            let until = booking.life.waitUntil
        else { return booking.life.waitUntil }
        if until == booking.startsAt { return draft.startsAt > now ? draft.startsAt : draft.endsAt }
        return until == booking.endsAt ? draft.endsAt : min(until, draft.endsAt)
    }

    /// What the booking is after it: a request that widens asks again, and so does what was approved; what it
    /// was approved as stays meanwhile.
    func change(now: Date) -> BookingMove.Change {
        var change = BookingMove.Change(booking)
        guard moves else { return change }
        // What it used before it had to give way stands in its history: its claim goes where it moves.
        if booking.state.isWaiting, !onlyEndMoves { change.releasedAt = nil }
        let named = Set(draft.environments)
        change.approvals = booking.life.approvals.filter { named.contains($0.environment) }
        let terms = terms(now: now)
        if draft.startsAt != booking.startsAt, terms.leaseSeconds != nil {
            change.leaseExpiresAt = terms.leaseExpiresAt
        }
        switch booking.state {
        case .confirmed, .active:
            guard widens, !terms.approvals.isEmpty else { return change }
            change.state = .requested
            change.approvedVersion = booking.version
        case .requested where terms.approvals.isEmpty:
            change.state = terms.state
            change.holdExpiresAt = nil
            change.approvedVersion = nil
            return change
        case .requested where widens: break
        default: return change
        }
        change.approvals = terms.approvals
        change.holdExpiresAt = terms.holdExpiresAt
        return change
    }

    /// How long it waits for a check-in, as its environments have it now; once it has begun, as before.
    func checkInMinutes(now: Date) -> Int? {
        moves && booking.state != .active && !booking.state.isWaiting
            ? terms(now: now).checkInMinutes : booking.life.checkInMinutes
    }

    private func terms(now: Date) -> BookingTerms {
        BookingTerms(
            of: draft.startsAt..<draft.endsAt, on: environments,
            leaseSeconds: booking.life.leaseSeconds, now: now)
    }
}

extension BookingEdit {
    /// Two of what is edited together that would keep each other out; nil when there are none.
    static func firstThatMeet(
        _ edits: [BookingEdit]
    ) -> (BookingReference, BookingReference)? {
        let live = edits.filter { !$0.booking.state.isWaiting && !$0.booking.state.isOver }
            .sorted { $0.draft.startsAt < $1.draft.startsAt }
        for (place, one) in live.enumerated() {
            for other in live[(place + 1)...] {
                guard other.draft.startsAt < one.draft.endsAt else { break }
                if one.draft.mode == .exclusive || other.draft.mode == .exclusive,
                    !Set(one.draft.environments).isDisjoint(with: other.draft.environments)
                {
                    return (one.booking.reference, other.booking.reference)
                }
            }
        }
        return nil
    }

    /// Throws what forbids the edit, other bookings apart: `.forbidden`, `.illegalMove`, `.invalid`, `.policy`.
    func check(by caller: Caller, before: [TestEnvironment], now: Date) throws {
        try booking.requireBooker(caller, before)
        if booking.state.isOver { return try checkCorrection(by: caller) }
        try checkGivingAway(by: caller, before: before)
        if moves { try checkMove(by: caller, now: now) }
        if draft.priority > max(.normal, booking.priority),
            !environments.allSatisfy(caller.manages)
        {
            throw BerthError.forbidden(
                "priority above normal is given by who manages the environments")
        }
    }

    /// A booking is given only to a team for which the caller might have booked it.
    private func checkGivingAway(by caller: Caller, before: [TestEnvironment]) throws {
        guard draft.team != booking.team else { return }
        guard caller.mayBook(before, for: draft.team), caller.mayBook(environments, for: draft.team)
        else {
            throw BerthError.forbidden(
                "\(booking.reference) is given to another team by who manages its environments: ask them, or "
                    + "cancel it and let \(draft.team) book")
        }
    }

    /// A mistake found later is corrected by a manager; when and where it was stays.
    private func checkCorrection(by caller: Caller) throws {
        var corrected = BookingDraft(booking)
        corrected.team = draft.team
        corrected.ticket = draft.ticket
        corrected.title = draft.title
        corrected.notes = draft.notes
        corrected.labels = draft.labels
        guard corrected == draft else {
            throw BerthError.illegalMove(
                "\(booking.reference) is \(booking.state.rawValue): only its team, ticket, title, notes "
                    + "and labels can still be corrected")
        }
        guard environments.allSatisfy(caller.manages) else {
            throw BerthError.illegalMove(
                "\(booking.reference) is \(booking.state.rawValue): only who manages its environments can correct it"
            )
        }
    }

    private func checkMove(by caller: Caller, now: Date) throws {
        if booking.state == .active, draft.startsAt != booking.startsAt {
            throw BerthError.illegalMove("\(booking.reference) has begun: its start stays")
        }
        guard draft.startsAt < draft.endsAt else {
            throw BerthError.invalid(
                "/endsAt", "would leave \(booking.reference) no time: edit it by itself")
        }
        guard draft.endsAt > now else {
            throw BerthError.invalid("/endsAt", "is past: release the booking to end it now")
        }
        // A booking that has begun keeps its start, however long ago; one handed over is judged as its
        // team's.
        var checked = draft
        let hasBegun =
            booking.state == .active
            || (booking.state.isWaiting && draft.startsAt == booking.startsAt)
        if hasBegun { checked.startsAt = max(draft.startsAt, now) }
        checked.team = booking.team
        checked.priority = min(draft.priority, .normal)
        try BerthDatabase.check(checked, on: environments, by: caller, now: now)
    }
}
