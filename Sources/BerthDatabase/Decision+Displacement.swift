import BerthCore
import Foundation
import Postgres

/// Bookings that would give way name environments that are not locked; it is rolled back, and decided again
/// with these locked from the start, since locks are taken in one order.
struct GiveWayUnlocked: Error {
    var bookings: [Int64]
}

extension Decision {
    /// The most bookings that one displaces.
    private static let mostDisplaced = 50

    /// Takes the place of bookings of less priority, where the policies of all that they name allow it: they
    /// give up their claims and wait in line; then it is booked. In one transaction, under the locks: there are
    /// never two live claims. Nil when nothing may be displaced; throws ``Refused`` when that was not enough,
    /// and ``GiveWayUnlocked``.
    func displace(for request: BookingRequest, locked: [Int64]) async throws -> Int64? {
        // Who still has to ask displaces nobody.
        guard request.terms.approvals.isEmpty else { return nil }
        var obstacles = try await obstacles(to: request)
        let givingWay = obstacles.filter(\.mayBeDisplaced)
        guard !givingWay.isEmpty else { return nil }
        guard Set(givingWay.flatMap(\.environmentIDs)).isSubset(of: locked) else {
            throw GiveWayUnlocked(bookings: givingWay.compactMap(\.id))
        }
        let rows = try await transaction.query("SELECT nextval('bookings_id_seq')")
        let id = try rows[rows.startIndex].decode(Int64.self)
        var displaced: [Int64] = []
        while let next = obstacles.first(where: \.mayBeDisplaced)?.id,
            displaced.count < Self.mostDisplaced
        {
            try await displace(
                next, by: BookingReference(id: id).description, locked: locked)
            displaced.append(next)
            obstacles = try await self.obstacles(to: request)
        }
        guard obstacles.isEmpty else { throw Refused(environments: request.environments) }
        let made = try await insert(request, id: id, state: request.terms.state)
        try await offerAlternatives(to: displaced)
        return made
    }

    /// Makes a booking give way to what is named, under its locks: it waits in line by its age.
    func displace(_ id: Int64, by reference: String, locked: [Int64]) async throws {
        _ = try await lock(bookings: [id], locked: locked)
        try await transaction.query(
            """
            UPDATE bookings b
            SET state = 'displaced', state_reason = NULL, displaced_by = \(reference),
                released_at = CASE WHEN b.state IN ('confirmed', 'active') AND b.starts_at <= \(now)
                                   THEN greatest(b.starts_at, date_trunc('second', \(now)::timestamptz)) END,
                approved_version = NULL, hold_expires_at = NULL, wait_until = b.ends_at,
                updated_at = \(now), updated_by = \(caller.name)
            WHERE b.id = \(id) AND b.state IN ('requested', 'confirmed', 'active')
            """)
    }

    private struct Obstacle {
        /// Nil: a maintenance, which gives way to nobody.
        var id: Int64?
        var environmentIDs: [Int64]
        var mayBeDisplaced: Bool
    }

    /// What is in the way, who gives way first at the front: the least priority, then the newest.
    private func obstacles(to request: BookingRequest) async throws -> [Obstacle] {
        let draft = request.draft
        let ids = request.environments.map(\.id)
        let buffers = try await transaction.buffers(of: ids)
        let rows = try await transaction.query(
            """
            SELECT b.id, coalesce(b.environment_ids, '{}'),
                coalesce(b.state IN ('requested', 'confirmed', 'active')
                AND priority_rank(b.priority) < priority_rank(\(draft.priority)), false)
                AND NOT EXISTS (
                    SELECT FROM environments e
                    WHERE e.id = ANY (b.environment_ids)
                      AND (e.policy ->> 'displaceable')::boolean IS NOT TRUE)
            FROM blockers(
                \(ids), \(draft.mode),
                \(draft.startsAt.addingTimeInterval(-Double(buffers.setup) * 60)),
                \(draft.endsAt.addingTimeInterval(Double(buffers.teardown) * 60)), '{}',
                \(Self.mostDisplaced + 1)) k
            LEFT JOIN bookings b ON b.id = k.booking_id
            GROUP BY b.id
            ORDER BY priority_rank(b.priority), b.id DESC
            """)
        return try rows.map { row in
            let (id, environmentIDs, may) = try row.decode(Int64?.self, [Int64].self, Bool.self)
            return Obstacle(id: id, environmentIDs: environmentIDs, mayBeDisplaced: may)
        }
    }

    /// Adds to the notice of each that it was displaced what is free instead.
    func offerAlternatives(to ids: [Int64]) async throws {
        for booking in try await bookings(ids) {
            let environments = try await environments(booking.environments)
            let proposal = Proposal(
                draft: BookingDraft(booking), environments: environments,
                moving: [booking.reference])
            let conflicts = try await transaction.conflicts(with: proposal, now: now)
            let alternatives = try await transaction.alternatives(
                to: proposal, around: conflicts.map(\.conflict), now: now)
            guard !alternatives.isEmpty else { continue }
            let free = alternatives.map {
                "\($0.environments.joined(separator: "+")) from \(RFC3339.string($0.startsAt)) "
                    + "to \(RFC3339.string($0.endsAt))"
            }
            try await transaction.query(
                """
                UPDATE notices SET text = text || \("; free instead: " + free.joined(separator: ", "))
                WHERE subject = \(booking.reference.description) AND kind = 'booking.displaced'
                  AND at = \(booking.updatedAt)
                """)
        }
    }
}
