import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Edits a booking, and as much of its series as the call says: under the locks of all that they name
    /// before and after, in their one order, all or none. Of a series, the named one's times move each of the
    /// others by as much, on the clock of its zone; what `change` gives for those has times of their own.
    ///
    /// Throws `.notFound`, `.forbidden`, `.stale`, `.illegalMove` for one that is over, `.invalid`,
    /// `.policy`, and `.conflict` with the reasons and what is free instead; all then stays as it was.
    public func updateBooking(
        _ call: BookingMoveCall, _ change: @Sendable (Booking) throws -> BookingDraft
    ) async throws -> Booking {
        try await edit(call) { decision in
            let present = try await decision.bookings(
                decision.ids(of: call.reference, scope: call.scope))
            guard let named = present.first else {
                throw BerthError.notFound("no booking \(call.reference)")
            }
            let draft = try change(named)
            let shift = OccurrenceShift(from: named, to: draft)
            return try present.map { booking in
                if booking.reference == call.reference { return (booking, draft) }
                var sibling = try change(booking)
                shift.apply(to: &sibling, of: booking)
                return (booking, sibling)
            }
        }
    }

    /// Gives a booking so many more minutes, or a later end. Throws as ``updateBooking(_:_:)``.
    public func extendBooking(
        _ call: BookingMoveCall, to end: @Sendable @escaping (Booking) throws -> Date
    ) async throws -> Booking {
        try await updateBooking(call) { booking in
            guard booking.reference == call.reference else { return BookingDraft(booking) }
            guard [.requested, .confirmed, .active].contains(booking.state) else {
                throw BerthError.illegalMove(
                    "\(booking.reference) is \(booking.state.rawValue): it cannot be extended")
            }
            var draft = BookingDraft(booking)
            draft.endsAt = try end(booking)
            guard draft.endsAt > booking.endsAt else {
                throw BerthError.invalid("/endsAt", "is not after the end that the booking has")
            }
            return draft
        }
    }

    /// Decides edits of one call in one transaction, as often as what they stood on changed meanwhile. The first
    /// of them is the one that the call names.
    private func edit(
        _ call: BookingMoveCall,
        _ drafts: @Sendable (Decision) async throws -> [(Booking, BookingDraft)]
    ) async throws -> Booking {
        try await translatingErrors {
            for _ in 0..<Self.mostRounds {
                do {
                    let answer: BookingAnswer = try await decide(
                        by: call.caller, now: call.now, dryRun: call.dryRun
                    ) { decision in
                        let key = call.dryRun ? nil : call.idempotency
                        if let earlier = try await decision.earlierAnswer(to: key) {
                            return earlier
                        }
                        let edited = try await decision.apply(drafts(decision), call)
                        try await decision.keep(edited, status: 200, for: key)
                        return .done(edited)
                    }
                    return try await booking(of: answer)
                } catch let refused as EditsRefused {
                    try await requireFree(refused.proposals, by: call.caller, now: call.now)
                } catch is ChangedMeanwhile {
                    continue
                }
            }
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
    }

    /// Moves all bookings that match by days, all or none, on the clocks of their zones; they may take one
    /// another's places. Those that have begun stay. Throws `.forbidden` when one of them is not the caller's,
    /// `.invalid` when none matches, `.policy`, `.conflict`.
    public func shiftBookings(
        _ shift: BookingShift, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable ([Booking]) throws -> KeptAnswer
    ) async throws -> Once<[Booking]> {
        try await translatingErrors {
            for _ in 0..<Self.mostRounds {
                do {
                    return try await once(
                        idempotency, now: now, dryRun: dryRun, keep: keep
                    ) { transaction in
                        let decision = Decision(transaction: transaction, caller: caller, now: now)
                        return try await decision.shift(shift)
                    }
                } catch let refused as EditsRefused {
                    try await requireFree(refused, of: shift, by: caller, now: now)
                } catch is ChangedMeanwhile {
                    continue
                }
            }
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
    }
}
