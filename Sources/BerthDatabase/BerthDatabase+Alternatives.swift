import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// What is free instead, each such that the caller can book it as it stands.
    ///
    /// Quotas count what a booking would add: where there are any, each is decided as a dry run would.
    func alternatives(
        to proposal: Proposal, around conflicts: [Conflict], by caller: Caller, now: Date
    ) async throws -> [Alternative] {
        let search = AlternativeSearch(proposal: proposal, caller: caller, now: now)
        let found = try await search.alternatives(from: client, around: conflicts)
        let limited = try await withQuotas(Set(found.flatMap(\.environments)))
        var bookable: [Alternative] = []
        for alternative in found {
            if !limited.isDisjoint(with: alternative.environments) {
                var draft = proposal.draft
                draft.options.selection = nil
                draft.environments = alternative.environments
                draft.startsAt = alternative.startsAt
                draft.endsAt = alternative.endsAt
                guard try await isBookable(draft, as: proposal, by: caller, now: now) else {
                    continue
                }
            }
            bookable.append(alternative)
        }
        return bookable
    }

    /// Those of these environments that have quotas.
    private func withQuotas(_ keys: Set<String>) async throws -> Set<String> {
        guard !keys.isEmpty else { return [] }
        let rows = try await client.query(
            """
            SELECT e.key FROM environments e
            WHERE e.key = ANY (\(Array(keys))::text[])
              AND e.policy ?| ARRAY['teamHoursPerWeek', 'teamBookingsAtOnce']
            """)
        return Set(try rows.map { try $0.decode(String.self) })
    }

    private func isBookable(
        _ draft: BookingDraft, as proposal: Proposal, by caller: Caller, now: Date
    ) async throws -> Bool {
        await wouldDo(by: caller, now: now) { decision in
            if let booking = proposal.booking {
                let call = BookingMoveCall(booking.reference, by: caller, now: now, dryRun: true)
                _ = try await decision.apply([(booking, draft)], call)
            } else {
                _ = try await decision.book(draft, choosesAlone: false, givingWay: [])
            }
        }
    }

    /// Whether a decision would be taken as it stands; nothing of it is kept.
    func wouldDo(
        by caller: Caller, now: Date, _ body: @Sendable (Decision) async throws -> Void
    ) async -> Bool {
        do {
            try await decide(by: caller, now: now, dryRun: true, body)
            return true
        } catch {
            // Whatever keeps it from being done: it is not offered.
            return false
        }
    }
}

/// A look for what is free instead of what was refused: all but quotas is decided here.
struct AlternativeSearch {
    var proposal: Proposal
    var caller: Caller
    var now: Date
    /// What others were offered: it is not offered again.
    var besides: [Alternative] = []

    /// How long what is offered can still be booked where a policy asks for notice, in seconds.
    private static let graceSeconds = 60.0
    /// The most equal environments that are looked at.
    private static let mostEqual = 200
    /// The most claims that are read of one part.
    private static let mostClaims = 5_000

    /// Any that match, where the choice was left to Berth; else the same environments later, and equal ones at
    /// the same time.
    func alternatives(
        from source: some PostgresQuerying, around conflicts: [Conflict]
    ) async throws -> [Alternative] {
        if let selection = proposal.draft.options.selection {
            return try await matching(selection, from: source)
        }
        return try await laterSlots(from: source)
            + equalEnvironments(from: source, blocked: Set(conflicts.map(\.environment)))
            .filter { offer in !besides.contains { $0.overlaps(offer) } }
    }

    /// Whether the rules of environments allow the caller these periods, now and a moment later.
    func isAllowed(_ periods: [Range<Date>], on environments: [TestEnvironment]) -> Bool {
        caller.mayBook(environments, for: proposal.draft.team)
            && periods.allSatisfy { period in
                // What has begun is judged by what is left of it.
                let start = proposal.hasBegun ? max(period.lowerBound, now) : period.lowerBound
                guard start < period.upperBound else { return false }
                return [0, proposal.hasBegun ? 0 : Self.graceSeconds].allSatisfy { seconds in
                    BookingRules.violations(
                        of: start..<period.upperBound, on: environments,
                        now: now.addingTimeInterval(seconds)
                    ).isEmpty
                }
            }
    }

    /// The best slots of any environments that match, as a search for free time finds them.
    private func matching(
        _ selection: BookingOptions.Selection, from source: some PostgresQuerying
    ) async throws -> [Alternative] {
        let draft = proposal.draft
        let question = SlotQuestion(
            labels: selection.labels, mode: draft.mode, count: selection.count,
            length: draft.endsAt.timeIntervalSince(draft.startsAt), from: draft.startsAt,
            to: draft.startsAt.addingTimeInterval(Double(Limits.alternativesDays) * 86_400),
            limit: Limits.alternativeSlots + Limits.alternativeEnvironments)
        let slots = try await source.slots(
            question, now: now.addingTimeInterval(Self.graceSeconds))
        let found = try await environments(Array(Set(slots.flatMap(\.environments))), from: source)
        return slots.filter { slot in
            isAllowed([slot.startsAt..<slot.endsAt], on: slot.environments.compactMap { found[$0] })
        }.map {
            Alternative(
                environments: $0.environments, startsAt: $0.startsAt, endsAt: $0.endsAt)
        }
    }

    private func environments(
        _ keys: [String], from source: some PostgresQuerying
    ) async throws -> [String: TestEnvironment] {
        let rows = try await source.query(
            """
            SELECT \(unescaped: TestEnvironment.columnList)
            FROM environments e WHERE e.key = ANY (\(keys)::text[])
            """)
        return Dictionary(
            try rows.map { try TestEnvironment($0) }.map { ($0.key, $0) },
            uniquingKeysWith: { one, _ in one })
    }

    /// The same environments, later: the next slots of the same length. What has begun keeps its start: for it,
    /// as much of its time as is free.
    private func laterSlots(from source: some PostgresQuerying) async throws -> [Alternative] {
        let draft = proposal.draft
        let minutes = try await source.buffers(of: proposal.environments.map(\.id))
        let setup = Double(minutes.setup) * 60
        let teardown = Double(minutes.teardown) * 60
        let earliest = max(draft.startsAt, now.roundedUpToSecond)
        var (busy, end) = try await busyTimes(
            from: proposal.hasBegun ? draft.startsAt : earliest.addingTimeInterval(-setup),
            until: earliest.addingTimeInterval(Double(Limits.alternativesDays) * 86_400), source)
        busy += besides.filter { !Set($0.environments).isDisjoint(with: draft.environments) }.map {
            $0.startsAt.addingTimeInterval(-setup)..<$0.endsAt.addingTimeInterval(teardown)
        }
        var slots: [Range<Date>] = []
        if proposal.hasBegun {
            let free = busy.map(\.lowerBound).min()?.addingTimeInterval(-teardown)
            // An edit of an edit that waits to be approved may begin later than what is in its way.
            if let free, let booking = proposal.booking, free > max(booking.endsAt, draft.startsAt),
                draft.environments == booking.environments, draft.mode == booking.mode,
                isAllowed([draft.startsAt..<free], on: proposal.environments)
            {
                slots = [draft.startsAt..<free]
            }
        } else if earliest < end {
            slots = FreeSlots.first(
                Limits.alternativeSlots,
                ofSeconds: draft.endsAt.timeIntervalSince(draft.startsAt), setup: setup,
                teardown: teardown, between: busy, in: earliest..<end
            ) { isAllowed([$0], on: proposal.environments) }
        }
        return slots.map {
            Alternative(
                environments: draft.environments, startsAt: $0.lowerBound, endsAt: $0.upperBound)
        }
    }

    /// What keeps the proposal's use out of its environments, and until when all of it is known.
    func busyTimes(
        from: Date, until: Date, _ source: some PostgresQuerying
    ) async throws -> (busy: [Range<Date>], until: Date) {
        let rows = try await source.query(
            """
            SELECT k.part_id, k.period
            FROM blockers(\(proposal.environments.map(\.id)), \(proposal.draft.mode), \(from), \(until),
                          \(proposal.moving.map(\.id)), \(Self.mostClaims)) k
            """)
        var byPart: [Int64: [Range<Date>]] = [:]
        for row in rows {
            let (part, period) = try row.decode(Int64.self, Range<Date>.self)
            byPart[part, default: []].append(period)
        }
        // Where one has more claims than were read, the last of those read is as far as is known.
        let known = byPart.values.filter { $0.count >= Self.mostClaims }
            .compactMap { $0.map(\.lowerBound).max() }.min()
        return (byPart.values.flatMap(\.self), min(until, known ?? until))
    }

    /// The same time on equal environments (same tier and labels), each blocked one exchanged for one
    /// that is free. The first 200 equal ones by key are looked at; of a series with many occurrences, fewer.
    func equalEnvironments(
        from source: some PostgresQuerying, blocked: Set<String>
    ) async throws -> [Alternative] {
        let draft = proposal.draft
        var substitutes: [String: [TestEnvironment]] = [:]
        for environment in proposal.environments where blocked.contains(environment.key) {
            substitutes[environment.key] = try await equals(
                of: environment, from: source,
                wanted: Limits.alternativeEnvironments * blocked.count)
        }
        var offers: [Alternative] = []
        guard !substitutes.isEmpty else { return offers }
        var used = Set<String>()
        while offers.count < Limits.alternativeEnvironments {
            var environments: [TestEnvironment] = []
            for environment in proposal.environments {
                guard blocked.contains(environment.key) else {
                    environments.append(environment)
                    continue
                }
                guard
                    let next = substitutes[environment.key]?.first(where: {
                        !used.contains($0.key)
                    })
                else { return offers }
                used.insert(next.key)
                environments.append(next)
            }
            // Together they may ask for more time before and after than each alone.
            if environments.count > 1 {
                guard isAllowed(proposal.periods, on: environments),
                    try await areFree(environments, source)
                else { continue }
            }
            offers.append(
                Alternative(
                    environments: environments.map(\.key), startsAt: draft.startsAt,
                    endsAt: draft.endsAt))
        }
        return offers
    }

    /// Environments of the same tier and labels that are free and that the rules allow, as many as wanted. Few are
    /// read at first: all that are free are many, and most of them are allowed.
    private func equals(
        of environment: TestEnvironment, from source: some PostgresQuerying, wanted: Int
    ) async throws -> [TestEnvironment] {
        let all = max(20, min(Self.mostEqual, 4_000 / proposal.periods.count))
        var allowed: [TestEnvironment] = []
        for limit in [min(wanted + 3, all), all] {
            let free = try await freeEquals(of: environment, among: all, limit, source)
            allowed = free.filter { isAllowed(proposal.periods, on: [$0]) }
            if allowed.count >= wanted || free.count < limit { break }
        }
        return Array(allowed.prefix(wanted))
    }

    private func freeEquals(
        of environment: TestEnvironment, among most: Int, _ limit: Int,
        _ source: some PostgresQuerying
    ) async throws -> [TestEnvironment] {
        let periods = proposal.periods
        return try await source.query(
            """
            SELECT \(unescaped: TestEnvironment.columnList)
            FROM (
                SELECT n.id, n.key, n.name, n.tier, n.owner_team_id, n.time_zone, n.labels,
                       n.capacity, n.status, n.status_reason, n.status_until, n.part_ids,
                       n.part_usages, n.policy, n.setup_minutes, n.teardown_minutes, n.runbook,
                       n.version, r.setup, r.teardown
                FROM environments n
                CROSS JOIN LATERAL (
                    SELECT max(p.setup_minutes) AS setup, max(p.teardown_minutes) AS teardown
                    FROM environment_reach h JOIN environments p ON p.id = h.part_id
                    WHERE h.environment_id = n.id) r
                WHERE n.tier = \(environment.tier) AND n.labels = \(PostgresJSON(environment.labels))
                  AND n.key <> ALL (\(proposal.draft.environments)::text[])
                  AND n.status IN ('available', 'degraded')
                ORDER BY n.key LIMIT \(most)) e
            WHERE NOT EXISTS (
                SELECT FROM unnest(\(periods.map(\.lowerBound)), \(periods.map(\.upperBound))) o (starts_at, ends_at)
                CROSS JOIN LATERAL blockers(
                    ARRAY[e.id], \(proposal.draft.mode),
                    o.starts_at - make_interval(mins => e.setup),
                    o.ends_at + make_interval(mins => e.teardown), \(proposal.moving.map(\.id)), 1))
            ORDER BY e.key LIMIT \(limit)
            """
        ).map { try TestEnvironment($0) }
    }

    /// Whether nobody holds environments at the proposal's times, with the buffers they have together.
    private func areFree(
        _ environments: [TestEnvironment], _ source: some PostgresQuerying
    ) async throws -> Bool {
        let ids = environments.map(\.id)
        let buffers = try await source.buffers(of: ids)
        let starts = proposal.periods.map {
            $0.lowerBound.addingTimeInterval(-Double(buffers.setup) * 60)
        }
        let ends = proposal.periods.map {
            $0.upperBound.addingTimeInterval(Double(buffers.teardown) * 60)
        }
        let rows = try await source.query(
            """
            SELECT NOT EXISTS (
                SELECT FROM unnest(\(starts), \(ends)) o (starts_at, ends_at)
                CROSS JOIN LATERAL blockers(
                    \(ids), \(proposal.draft.mode), o.starts_at, o.ends_at,
                    \(proposal.moving.map(\.id)), 1))
            """)
        return try rows[rows.startIndex].decode(Bool.self)
    }
}

extension Alternative {
    /// Whether both cannot be had.
    fileprivate func overlaps(_ other: Alternative) -> Bool {
        startsAt < other.endsAt && other.startsAt < endsAt
            && !Set(environments).isDisjoint(with: other.environments)
    }
}
