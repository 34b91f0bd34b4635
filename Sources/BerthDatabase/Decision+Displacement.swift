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
        var displaced = 0
        while let next = obstacles.first(where: \.mayBeDisplaced)?.id,
            displaced < Self.mostDisplaced
        {
            try await displace(
                next, by: BookingReference(id: id).description, locked: locked)
            displaced += 1
            obstacles = try await self.obstacles(to: request)
        }
        guard obstacles.isEmpty else { throw Refused(environments: request.environments) }
        return try await insert(request, id: id, state: request.terms.state)
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
              AND b.ends_at > \(now)
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
                coalesce(b.state IN ('requested', 'confirmed', 'active') AND b.ends_at > \(now)
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

    /// Adds to the notice of each that still waits what is free instead: decided after whatever took its place
    /// is there, and those in line have theirs. What is offered to one is not offered to the next.
    func offerAlternatives(to displaced: [Displaced]) async throws {
        var offered: [Alternative] = []
        for booking in try await bookings(displaced.map(\.id)) where booking.state.isWaiting {
            let alternatives = try await alternatives(to: booking, besides: offered)
            guard !alternatives.isEmpty else { continue }
            offered += alternatives
            let free = alternatives.map {
                "\($0.environments.joined(separator: "+")) from \(RFC3339.string($0.startsAt)) "
                    + "to \(RFC3339.string($0.endsAt))"
            }
            try await transaction.query(
                """
                UPDATE notices SET text = text || \("; free instead: " + free.joined(separator: ", "))
                WHERE subject = \(booking.reference.description) AND kind = 'booking.displaced'
                  AND at = \(now) AND strpos(text, '; free instead: ') = 0
                """)
        }
    }

    /// What is free instead for a booking that had to give way, as its team can book it.
    private func alternatives(
        to booking: Booking, besides offered: [Alternative]
    ) async throws -> [Alternative] {
        let environments = try await environments(booking.environments)
        let proposal = Proposal(
            draft: BookingDraft(booking), environments: environments, moving: [booking.reference])
        let holder = Caller(
            tokenID: 0, name: booking.requestedBy, role: .booker, team: booking.team, labels: [:])
        let conflicts = try await transaction.conflicts(with: proposal, now: now)
        return try await AlternativeSearch(
            proposal: proposal, caller: holder, now: now, besides: offered
        )
        .alternatives(from: transaction, around: conflicts.map(\.conflict))
    }
}

/// A booking that gave way, as it was.
struct Displaced: Sendable {
    var id: Int64
    var conflict: Conflict
}

extension PostgresQuerying {
    /// What gave way to what is named at an instant, as it was then, with where they met on these environments.
    /// Cost: index scans of what waits; by versions, so that it is the same whatever became of them since.
    func displaced(
        by reference: String, at: Date, on environments: [Int64]
    ) async throws -> [Displaced] {
        let rows = try await query(
            """
            WITH versions AS (
                SELECT b.id, b.version, b.environment_ids, b.title, b.team_id, b.requested_by, b.contact, b.starts_at,
                       b.ends_at, b.setup_minutes, b.teardown_minutes, b.mode
                FROM bookings b
                WHERE b.state = 'displaced' AND b.displaced_by = \(reference) AND b.updated_at = \(at)
                UNION ALL
                SELECT v.booking_id, v.version, v.environment_ids, v.title, v.team_id, o.requested_by, v.contact,
                       v.starts_at, v.ends_at, v.setup_minutes, v.teardown_minutes, v.mode
                FROM booking_versions v JOIN bookings o ON o.id = v.booking_id
                WHERE v.state = 'displaced' AND v.displaced_by = \(reference) AND v.valid_from = \(at)),
            displaced AS (
                SELECT DISTINCT ON (s.id) s.id, s.environment_ids, s.title, s.team_id, s.requested_by, s.contact,
                       s.starts_at, s.ends_at, s.setup_minutes, s.teardown_minutes, s.mode
                FROM versions s ORDER BY s.id, s.version)
            SELECT e.key, m.path, d.id, NULL::bigint, NULL::text, d.title,
                   (SELECT t.name FROM teams t WHERE t.id = d.team_id), d.requested_by, d.contact,
                   d.starts_at, d.ends_at,
                   tstzrange(d.starts_at - make_interval(mins => d.setup_minutes),
                             d.ends_at + make_interval(mins => d.teardown_minutes), '[)'),
                   d.mode, false, false
            FROM displaced d
            CROSS JOIN LATERAL (
                SELECT one.environment_id, p.path
                FROM environment_reach one
                JOIN environment_reach other ON other.part_id = one.part_id
                CROSS JOIN LATERAL (SELECT part_path(one.environment_id, one.part_id)) p (path)
                WHERE one.environment_id = ANY (\(environments))
                  AND other.environment_id = ANY (d.environment_ids)
                ORDER BY cardinality(p.path), one.environment_id, p.path LIMIT 1) m
            JOIN environments e ON e.id = m.environment_id
            ORDER BY d.starts_at, d.id
            """)
        return try rows.map { row in
            let found = try FoundConflict(row)
            return Displaced(id: found.bookingID ?? 0, conflict: found.conflict)
        }
    }

    /// A booking as it was made, with what gave way to it.
    func withDisplaced(_ booking: Booking) async throws -> Booking {
        let ids = try await query(
            "SELECT e.id FROM environments e WHERE e.key = ANY (\(booking.environments)::text[])"
        ).map { try $0.decode(Int64.self) }
        var booking = booking
        booking.life.displaces = try await displaced(
            by: booking.reference.description, at: booking.createdAt, on: ids
        ).map(\.conflict)
        return booking
    }
}
