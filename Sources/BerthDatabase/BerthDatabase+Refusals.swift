import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Throws `.conflict` with why these proposals cannot be, and what is free instead of a single one. Returns
    /// when nothing stands in their way any more, or when time has ended something that did: then it is decided again.
    ///
    /// Looked up after the locks were released: cost is nobody's but the asker's.
    func requireFree(
        _ proposals: [Proposal], by caller: Caller, now: Date
    ) async throws {
        var found: [FoundConflict] = []
        var refusal = Refusal(conflicts: [], alternatives: [])
        for proposal in proposals where found.count < Limits.conflictsListed {
            var conflicts = try await client.conflicts(with: proposal, now: now)
            if proposals.count > 1 {
                for index in conflicts.indices {
                    conflicts[index].conflict.moving = proposal.booking?.reference
                }
            }
            found += conflicts
        }
        guard try await expireDue(found, now: now) else { return }
        refusal.conflicts = found.prefix(Limits.conflictsListed).map(\.conflict)
        guard !refusal.conflicts.isEmpty else { return }
        if let proposal = proposals.first, proposals.count == 1 {
            refusal.alternatives = try await alternatives(
                to: proposal, around: refusal.conflicts, by: caller, now: now)
        }
        throw BerthError.conflict(refusal)
    }

    /// Ends what time has ended and stands in the way; false when it was anything: then it is decided again.
    func expireDue(_ found: [FoundConflict], now: Date) async throws -> Bool {
        let due = Set(found.filter(\.isDue).compactMap(\.bookingID))
        guard due.isEmpty else {
            try await expire(Array(due), now: now)
            return false
        }
        return true
    }

    /// When one environment is taken, by what, and when it is free, as an exclusive booking would find it.
    /// Throws `.notFound`.
    public func availability(_ key: String, from: Date, to: Date) async throws -> Availability {
        try await translatingErrors {
            let environment = try await environment(key)
            let busy = try await client.conflicts(
                environments: [environment.id], mode: .exclusive, from: from, until: to,
                except: [], limit: 5_000, now: to
            ).map(\.conflict)
            let free = FreeSlots.gaps(
                between: busy.map { $0.blocksFrom..<$0.blocksUntil }, in: from..<to)
            return Availability(environment: key, from: from, to: to, busy: busy, free: free)
        }
    }
}

/// A conflict, and whether time has ended what stands in the way.
struct FoundConflict {
    var conflict: Conflict
    /// Nil: it is a window.
    var bookingID: Int64?
    var isDue: Bool
}

extension PostgresQuerying {
    /// What stands in the way of a proposal, buffers included.
    func conflicts(with proposal: Proposal, now: Date) async throws -> [FoundConflict] {
        let draft = proposal.draft
        let ids = proposal.environments.map(\.id)
        let buffers = try await buffers(of: ids)
        return try await conflicts(
            environments: ids, mode: draft.mode,
            from: draft.startsAt.addingTimeInterval(-Double(buffers.setup) * 60),
            until: draft.endsAt.addingTimeInterval(Double(buffers.teardown) * 60),
            except: proposal.moving, limit: Limits.conflictsListed, now: now)
    }

    /// What stands in the way of a use, buffers included.
    func conflicts(
        environments: [Int64], mode: Booking.Mode, from: Date, until: Date,
        except: [BookingReference], limit: Int, now: Date
    ) async throws -> [FoundConflict] {
        try await query(
            FoundConflict.query(
                environments: environments, mode: mode, from: from, until: until, except: except,
                limit: limit, now: now)
        ).map(FoundConflict.init)
    }

    /// The largest buffers among all that these environments reach, in minutes.
    func buffers(of environments: [Int64]) async throws -> (setup: Int, teardown: Int) {
        let rows = try await query(
            """
            SELECT coalesce(max(e.setup_minutes), 0), coalesce(max(e.teardown_minutes), 0)
            FROM environment_reach r JOIN environments e ON e.id = r.part_id
            WHERE r.environment_id = ANY (\(environments))
            """)
        let (setup, teardown) = try rows[rows.startIndex].decode(Int.self, Int.self)
        return (setup, teardown)
    }
}

extension FoundConflict {
    /// What stands in the way of a use, buffers included; at most `limit`.
    static func query(
        environments: [Int64], mode: Booking.Mode, from: Date, until: Date,
        except: [BookingReference], limit: Int, now: Date
    ) -> PostgresQuery {
        """
        SELECT e.key, k.path, b.id, w.id, w.kind, coalesce(b.title, w.title),
               (SELECT t.name FROM teams t WHERE t.id = coalesce(b.team_id, w.team_id)),
               coalesce(b.requested_by, w.requested_by), b.contact, coalesce(b.starts_at, lower(k.period)),
               coalesce(b.released_at, b.ends_at, upper(k.period)), k.period,
               -- How it uses the place where they meet, which may be a part that it reaches otherwise.
               coalesce((SELECT CASE WHEN bool_or(CASE b.mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                                                              ELSE r.exclusive_if_shared END)
                                     THEN 'exclusive' ELSE 'shared' END
                         FROM environment_reach r
                         WHERE r.environment_id = ANY (b.environment_ids) AND r.part_id = k.part_id
                         HAVING count(*) > 0), b.mode),
               b.state = 'requested', is_due(b, \(now))
        FROM (
            -- Two may meet in several places: the one nearest to what was asked for tells the most.
            SELECT DISTINCT ON (m.environment_id, m.booking_id, m.window_id, o.starts_at)
                   m.environment_id, m.part_id, m.booking_id, m.window_id, m.period, p.path
            FROM blockers(\(environments), \(mode), \(from), \(until), \(except.map(\.id)), \(limit)) m
            CROSS JOIN LATERAL (SELECT part_path(m.environment_id, m.part_id)) p (path)
            -- Of a window, each occurrence counts.
            CROSS JOIN LATERAL (
                SELECT CASE WHEN m.booking_id IS NULL THEN lower(m.period) END) o (starts_at)
            ORDER BY m.environment_id, m.booking_id, m.window_id, o.starts_at, cardinality(p.path), p.path) k
        JOIN environments e ON e.id = k.environment_id
        LEFT JOIN bookings b ON b.id = k.booking_id
        LEFT JOIN change_windows w ON w.id = k.window_id
        ORDER BY lower(k.period), b.id, w.id, e.key
        LIMIT \(limit)
        """
    }

    init(_ row: PostgresRow) throws {
        var columns = row.columns
        let environment: String = try columns.next()
        let via: [String] = try columns.next()
        let booking: Int64? = try columns.next()
        let window: Int64? = try columns.next()
        let kind: ChangeWindow.Kind? = try columns.next()
        let title: String = try columns.next()
        let team: String? = try columns.next()
        let holder: String = try columns.next()
        let contact: String? = try columns.next()
        let startsAt: Date = try columns.next()
        let endsAt: Date = try columns.next()
        let claim: Range<Date> = try columns.next()
        let mode: Booking.Mode? = try columns.next()
        let isPending: Bool? = try columns.next()
        let isDue: Bool = try columns.next()
        var conflict = Conflict(
            environment: environment, via: via, kind: kind.map(Conflict.Kind.init) ?? .booking,
            reference: booking.map { BookingReference(id: $0).description }
                ?? window.map { WindowReference(id: $0).description } ?? "", title: title,
            team: team,
            holder: holder, contact: contact, startsAt: startsAt, endsAt: endsAt,
            blocksFrom: claim.lowerBound, blocksUntil: claim.upperBound, mode: mode)
        conflict.isPending = isPending ?? false
        self.init(conflict: conflict, bookingID: booking, isDue: isDue)
    }
}

extension Conflict.Kind {
    /// What a window of a kind is to whom it stands in the way.
    init(_ kind: ChangeWindow.Kind) {
        self =
            switch kind {
            case .change: .change
            case .maintenance: .maintenance
            case .freeze: .freeze
            }
    }
}
