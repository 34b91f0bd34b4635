import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Throws `.conflict` with why these proposals cannot be, and what is free instead. Returns when nothing
    /// stands in their way any more, or when time has ended something that did: then it is decided again.
    ///
    /// Looked up after the locks were released: cost is nobody's but the asker's.
    func requireFree(_ proposals: [Proposal], now: Date) async throws {
        var found: [FoundConflict] = []
        var refusal = Refusal(conflicts: [], alternatives: [])
        for proposal in proposals where found.count < Limits.conflictsListed {
            let conflicts = try await client.conflicts(with: proposal, now: now)
            found += conflicts
            if !conflicts.isEmpty, proposals.count == 1 {
                refusal.alternatives = try await client.alternatives(
                    to: proposal, around: conflicts.map(\.conflict), now: now)
            }
        }
        let due = Set(found.filter(\.isDue).compactMap(\.bookingID))
        guard due.isEmpty else { return try await expire(Array(due), now: now) }
        refusal.conflicts = found.prefix(Limits.conflictsListed).map(\.conflict)
        guard refusal.conflicts.isEmpty else { throw BerthError.conflict(refusal) }
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

    /// What is free instead: the same environments later, and equal ones at the same time.
    func alternatives(
        to proposal: Proposal, around conflicts: [Conflict], now: Date
    ) async throws -> [Alternative] {
        try await laterSlots(proposal, now: now)
            + equalEnvironments(proposal, blocked: Set(conflicts.map(\.environment)), now: now)
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

    /// The same environments, later: the next slots of the same length.
    private func laterSlots(
        _ proposal: Proposal, now: Date
    ) async throws -> [Alternative] {
        let draft = proposal.draft
        let minutes = try await buffers(of: proposal.environments.map(\.id))
        let setup = Double(minutes.setup) * 60
        let earliest = max(draft.startsAt, now.roundedUpToSecond)
        let span = earliest..<earliest.addingTimeInterval(Double(Limits.alternativesDays) * 86_400)
        let rows = try await query(
            """
            SELECT k.period
            FROM blockers(\(proposal.environments.map(\.id)), \(draft.mode),
                          \(earliest.addingTimeInterval(-setup)), \(span.upperBound),
                          \(proposal.moving.map(\.id)), 5000) k
            """)
        let busy = try rows.map { try $0.decode(Range<Date>.self) }
        let slots = FreeSlots.first(
            Limits.alternativeSlots,
            ofSeconds: draft.endsAt.timeIntervalSince(draft.startsAt), setup: setup,
            teardown: Double(minutes.teardown) * 60, between: busy, in: span
        ) { slot in
            BookingRules.violations(of: slot, on: proposal.environments, now: now).isEmpty
        }
        return slots.map {
            Alternative(
                environments: draft.environments, startsAt: $0.lowerBound, endsAt: $0.upperBound)
        }
    }

    /// The same time on equal environments (same tier and labels), each blocked one exchanged for one
    /// that is free. The first 200 equal ones by key are looked at.
    private func equalEnvironments(
        _ proposal: Proposal, blocked: Set<String>, now: Date
    ) async throws -> [Alternative] {
        let draft = proposal.draft
        let period = draft.startsAt..<draft.endsAt
        var taken = Set(draft.environments)
        var substitutes: [String: [String]] = [:]
        for environment in proposal.environments where blocked.contains(environment.key) {
            let rows = try await query(
                """
                SELECT \(unescaped: TestEnvironment.columnList)
                FROM (
                    SELECT n.id, n.key, n.name, n.tier, n.owner_team_id, n.time_zone, n.labels,
                           n.capacity, n.status, n.status_reason, n.status_until, n.part_ids,
                           n.part_usages, n.policy, n.setup_minutes, n.teardown_minutes, n.runbook,
                           n.version
                    FROM environments n
                    WHERE n.tier = \(environment.tier) AND n.labels = \(PostgresJSON(environment.labels))
                      AND n.key <> ALL (\(Array(taken))::text[]) AND n.status IN ('available', 'degraded')
                    ORDER BY n.key LIMIT 200) e
                WHERE NOT EXISTS (
                    SELECT FROM blockers(
                        ARRAY[e.id], \(draft.mode),
                        \(draft.startsAt) - make_interval(mins => e.setup_minutes),
                        \(draft.endsAt) + make_interval(mins => e.teardown_minutes), '{}', 1))
                LIMIT \(Limits.alternativeEnvironments)
                """)
            let free = try rows.map(TestEnvironment.init).filter {
                BookingRules.violations(of: period, on: [$0], now: now).isEmpty
            }
            substitutes[environment.key] = free.map(\.key)
            taken.formUnion(free.map(\.key))
        }
        let offers = substitutes.values.map(\.count).min() ?? 0
        return (0..<offers).map { offer in
            Alternative(
                environments: draft.environments.map { substitutes[$0]?[offer] ?? $0 },
                startsAt: draft.startsAt, endsAt: draft.endsAt)
        }
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
               coalesce(b.released_at, b.ends_at, upper(k.period)), k.period, b.mode, is_due(b, \(now))
        FROM (
            -- Two may meet in several places: the one nearest to what was asked for tells the most.
            SELECT DISTINCT ON (m.environment_id, m.booking_id, m.window_id, o.starts_at)
                   m.environment_id, m.booking_id, m.window_id, m.period, p.path
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
        let isDue: Bool = try columns.next()
        let conflict = Conflict(
            environment: environment, via: via, kind: kind.map(Conflict.Kind.init) ?? .booking,
            reference: booking.map { BookingReference(id: $0).description }
                ?? window.map { WindowReference(id: $0).description } ?? "", title: title,
            team: team,
            holder: holder, contact: contact, startsAt: startsAt, endsAt: endsAt,
            blocksFrom: claim.lowerBound, blocksUntil: claim.upperBound, mode: mode)
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
