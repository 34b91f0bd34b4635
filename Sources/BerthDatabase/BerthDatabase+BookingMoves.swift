import BerthCore
import Foundation
import Postgres

/// A move of a booking as it is asked for: of which, how much of its series, at which version.
public struct BookingMoveCall: Sendable {
    /// The booking.
    public var reference: BookingReference
    /// How much of its series moves with it.
    public var scope: BookingScope
    /// The version that it must have; nil: any.
    public var expecting: Int?
    /// Who asks.
    public var caller: Caller
    /// When it was asked.
    public var now: Date
    /// Decide, and write nothing.
    public var dryRun: Bool
    /// So that it happens once.
    public var idempotency: IdempotencyKey?

    /// A move of a booking.
    public init(
        _ reference: BookingReference, scope: BookingScope = .this, expecting: Int? = nil,
        by caller: Caller, now: Date, dryRun: Bool = false, idempotency: IdempotencyKey? = nil
    ) {
        self.reference = reference
        self.scope = scope
        self.expecting = expecting
        self.caller = caller
        self.now = now
        self.dryRun = dryRun
        self.idempotency = idempotency
    }
}

extension BerthDatabase {
    /// Calls a booking off. One that has begun gives back the rest of its time.
    /// Throws `.notFound`, `.forbidden`, `.stale`, `.illegalMove`.
    public func cancelBooking(_ call: BookingMoveCall, reason: String?) async throws -> Booking {
        try await move(call, .cancel(reason: reason))
    }

    /// Gives a booking's time back: the rest of it once it has begun, all of it before.
    /// Throws as ``cancelBooking(_:reason:)``.
    public func releaseBooking(_ call: BookingMoveCall, reason: String?) async throws -> Booking {
        try await move(call, .release(reason: reason))
    }

    /// Says yes to a request, for the environments that the caller manages.
    /// Throws as ``cancelBooking(_:reason:)``.
    public func approveBooking(_ call: BookingMoveCall, note: String?) async throws -> Booking {
        try await move(call, .approve(note: note))
    }

    /// Says no to a request. Throws as ``cancelBooking(_:reason:)``.
    public func rejectBooking(_ call: BookingMoveCall, note: String?) async throws -> Booking {
        try await move(call, .reject(note: note))
    }

    /// Says that the team of a booking has turned up. Throws as ``cancelBooking(_:reason:)``.
    public func checkInBooking(_ call: BookingMoveCall) async throws -> Booking {
        try await move(call, .checkIn())
    }

    /// Keeps the lease of a booking. Throws as ``cancelBooking(_:reason:)``.
    public func renewBooking(_ call: BookingMoveCall) async throws -> Booking {
        try await move(call, .renew())
    }

    private func move(_ call: BookingMoveCall, _ move: BookingMove) async throws -> Booking {
        let answer: BookingAnswer = try await decide(
            by: call.caller, now: call.now, dryRun: call.dryRun
        ) { decision in
            let key = call.dryRun ? nil : call.idempotency
            if let earlier = try await decision.earlierAnswer(to: key) { return earlier }
            let ids = try await decision.ids(of: call.reference, scope: call.scope)
            let locked = try await decision.lock(
                environments: decision.environmentIDs(ofBookings: ids), freeing: ids)
            let bookings = try await decision.lock(bookings: ids, locked: locked)
            try decision.requireVersion(call.expecting, of: call.reference, among: bookings)
            try await decision.gatheringNotices(of: ids) {
                try await decision.apply(move, to: bookings, named: call.reference)
            }
            try await decision.serveLine(locked: locked)
            let moved = try await decision.booking(call.reference.id)
            try await decision.keep(moved, status: 200, for: key)
            return .done(moved)
        }
        return try await booking(of: answer)
    }

    /// Ends those of these bookings that are due, in a transaction of its own. Throws `.unavailable`, without
    /// `isPatient` as soon as somebody else has locked what they need.
    func expire(_ ids: [Int64], now: Date, isPatient: Bool = true) async throws {
        try await decide(
            by: .clockwork, now: now, dryRun: false, isPatient: isPatient
        ) { decision in
            let locked = try await decision.lock(
                environments: decision.environmentIDs(ofBookings: ids), freeing: ids)
            _ = try await decision.lock(bookings: ids, locked: locked)
            try await decision.serveLine(locked: locked)
        }
    }
}

extension Decision {
    /// Does something to the bookings of a series, and makes one notice of those that it writes.
    fileprivate func gatheringNotices(
        of ids: [Int64], _ work: () async throws -> Void
    ) async throws {
        guard ids.count > 1 else { return try await work() }
        let rows = try await transaction.query("SELECT coalesce(max(n.id), 0) FROM notices n")
        let last: Int64 = try rows[rows.startIndex].decode(Int64.self)
        try await work()
        try await transaction.query("SELECT gather_notices(\(ids), \(last), \(now))")
    }

    /// The bookings that a scope means, the named one first. Throws `.notFound`.
    func ids(of reference: BookingReference, scope: BookingScope) async throws -> [Int64] {
        let rows = try await transaction.query(
            """
            SELECT s.id FROM (
                SELECT b.id, NULL::timestamptz AS at FROM bookings b WHERE b.id = \(reference.id)
                UNION ALL
                SELECT o.id, o.recurrence_id
                FROM bookings b JOIN bookings o ON o.series_id = b.series_id AND o.id <> b.id
                WHERE b.id = \(reference.id) AND \(scope != .this)
                  AND (\(scope == .all) OR o.recurrence_id > b.recurrence_id)
                  AND o.state NOT IN ('completed', 'rejected', 'cancelled', 'expired')) s
            ORDER BY s.at NULLS FIRST, s.id
            """)
        guard !rows.isEmpty else { throw BerthError.notFound("no booking \(reference)") }
        return try rows.map { try $0.decode(Int64.self) }
    }

    /// Throws `.stale` when the named booking has another version than expected.
    func requireVersion(
        _ expected: Int?, of reference: BookingReference, among bookings: [Booking]
    ) throws {
        guard let expected, let present = bookings.first(where: { $0.reference == reference })
        else { return }
        guard present.version == expected else { throw BerthError.stale(current: present.version) }
    }

    /// Moves each; of a series, those that cannot make the move are left as they are, and at least one makes
    /// it. Throws what refuses the named one, when none does.
    fileprivate func apply(
        _ move: BookingMove, to bookings: [Booking], named reference: BookingReference
    ) async throws {
        let environments = try await environments(Array(Set(bookings.flatMap(\.environments))))
        let byKey = Dictionary(uniqueKeysWithValues: environments.map { ($0.key, $0) })
        var refusal: (any Error)?
        var moved = 0
        for booking in bookings {
            do {
                let change = try move.change(
                    booking, booking.environments.compactMap { byKey[$0] }, caller, now)
                try await write(change, to: booking)
                moved += 1
            } catch let error as BerthError {
                if refusal == nil { refusal = error }
            }
        }
        if moved == 0, let refusal { throw refusal }
    }

    private func write(_ change: BookingMove.Change, to booking: Booking) async throws {
        if change.restoresApproved {
            try await transaction.query(
                """
                SELECT restore_approved(\(booking.reference.id), \(change.stateReason), \(now),
                                        \(caller.name))
                """)
            return
        }
        try await transaction.query(
            """
            UPDATE bookings
            SET state = \(change.state), state_reason = \(change.stateReason),
                released_at = \(change.releasedAt), checked_in_at = \(change.checkedInAt),
                lease_expires_at = \(change.leaseExpiresAt), hold_expires_at = \(change.holdExpiresAt),
                approvals = \(PostgresJSON(change.approvals)),
                approved_version = \(change.approvedVersion),
                updated_at = \(now), updated_by = \(caller.name)
            WHERE id = \(booking.reference.id)
            """)
    }
}
