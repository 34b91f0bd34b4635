import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// The best slots over all environments that match, best first, in the order of ``SlotRank``. Cost: a pass
    /// over the environments, and the claims of the time looked at.
    public func slots(_ question: SlotQuestion, now: Date) async throws -> [Slot] {
        try await translatingErrors { try await client.slots(question, now: now) }
    }
}

extension PostgresQuerying {
    /// The best slots over all environments that match, best first, in the order of ``SlotRank``.
    ///
    /// SQL narrows all environments to those with the best first slots, looking near first and farther only
    /// while too few are found; ``SlotSearch`` decides among these. Cost: a pass over the environments, and
    /// the claims of the time looked at; where few match, a look-up for each.
    func slots(_ question: SlotQuestion, now: Date) async throws -> [Slot] {
        let first = max(question.from, now).roundedUpToSecond
        let last = question.to.addingTimeInterval(-question.length)
        guard first <= last else { return [] }
        let rules = try await startRules(question, in: first...last, now: now)
        guard rules.reduce(0, { $0 + $1.environments }) <= question.wanted else {
            return try await farther(question, rules, from: first)
        }
        return try await slots(
            among: matching(question, rules), question, rules, in: first..<question.to)
    }

    /// The different rules of the environments that match, and when each lets a booking start.
    private func startRules(
        _ question: SlotQuestion, in span: ClosedRange<Date>, now: Date
    ) async throws -> [StartRules] {
        let selector = Selector(question.labels)
        let rows = try await query(
            """
            SELECT g.rules_hash, g.environments, e.policy, e.time_zone
            FROM (
                SELECT m.rules_hash, count(*) AS environments, min(m.environment_id) AS one
                FROM matching_environments(
                    \(selector.labels), \(selector.tier), \(selector.owner), \(selector.status)) m
                GROUP BY m.rules_hash) g
            JOIN environments e ON e.id = g.one
            """)
        return try rows.compactMap { row in
            var columns = row.columns
            let hash: UUID = try columns.next()
            let environments: Int = try columns.next()
            let policy: PostgresJSON<Policy> = try columns.next()
            let starts = AllowedStarts.ranges(
                ofSeconds: question.length, under: policy.value, timeZone: try columns.next(),
                in: span, now: now)
            guard !starts.isEmpty else { return nil }
            return StartRules(hash: hash, environments: environments, starts: starts)
        }
    }

    /// All environments that match and whose rules let a booking start.
    private func matching(
        _ question: SlotQuestion, _ rules: [StartRules]
    ) async throws -> [Int64] {
        let selector = Selector(question.labels)
        let rows = try await query(
            """
            SELECT m.environment_id
            FROM matching_environments(
                \(selector.labels), \(selector.tier), \(selector.owner), \(selector.status)) m
            WHERE m.rules_hash = ANY (\(rules.map(\.hash)))
            """)
        return try rows.map { try $0.decode(Int64.self) }
    }

    /// The best slots among those with the best first slots, so many that no other can be among the slots
    /// wanted; looked for near first, then farther.
    private func farther(
        _ question: SlotQuestion, _ rules: [StartRules], from: Date
    ) async throws -> [Slot] {
        let earliest = rules.compactMap(\.starts.first?.lowerBound).min() ?? from
        let horizons = try await query(
            """
            SELECT search_horizon(\(earliest), \(question.to),
                                  make_interval(secs => \(question.length)), 4000)
            """)
        var horizon = try horizons[horizons.startIndex].decode(Date.self)
        while true {
            let firsts = try await firstSlots(question, rules, from: earliest, until: horizon)
            if horizon >= question.to || question.isSettled(firsts) {
                let slots = try await slots(
                    among: firsts.prefix(question.wanted).map(\.environment), question, rules,
                    in: from..<horizon)
                if horizon >= question.to || slots.count >= question.limit { return slots }
            }
            let ahead = horizon.timeIntervalSince(earliest)
            horizon = min(question.to, earliest.addingTimeInterval(ahead * 4))
        }
    }

    private func slots(
        among environments: [Int64], _ question: SlotQuestion, _ rules: [StartRules],
        in span: Range<Date>
    ) async throws -> [Slot] {
        let candidates = try await candidates(environments, question, rules, in: span)
        return SlotSearch(
            candidates, count: question.count, length: question.length, in: span
        ).slots(question.limit)
    }

    /// The best first slots of different environments, one more than wanted.
    private func firstSlots(
        _ question: SlotQuestion, _ rules: [StartRules], from: Date, until: Date
    ) async throws -> [FirstSlot] {
        let last = until.addingTimeInterval(-question.length)
        let near = rules.map { $0.upTo(last) }.filter { !$0.starts.isEmpty }
        let selector = Selector(question.labels)
        let rows = try await query(
            """
            SELECT f.environment_id, f.starts_at, f.degraded, f.places, f.free_until
            FROM first_slots(
                \(selector.labels), \(selector.tier), coalesce(team_name(team_id(\(selector.owner))), \(selector.owner)),
                \(selector.status),
                \(question.mode), make_interval(secs => \(question.length)), \(from), \(until),
                \(near.map(\.hash)), \(near.map(\.multirange)), \(question.wanted + 1)) f
            """)
        return try rows.map(FirstSlot.init)
    }

    /// Environments with all that decides when they are free between two instants.
    private func candidates(
        _ environments: [Int64], _ question: SlotQuestion, _ rules: [StartRules],
        in span: Range<Date>
    ) async throws -> [SlotCandidate] {
        let starts = Dictionary(
            rules.map { ($0.hash, $0.starts) }, uniquingKeysWith: { one, _ in one })
        let farthest = Double(Limits.bufferMinutes) * 60
        let rows = try await query(
            """
            SELECT e.key, e.rules_hash, e.status, e.status_until, r.setup, r.teardown,
                   coalesce(s.places, 0), array(SELECT t FROM unnest(b.busy) t)
            FROM environments e
            JOIN (SELECT h.environment_id, max(p.setup_minutes) AS setup,
                         max(p.teardown_minutes) AS teardown
                  FROM environment_reach h JOIN environments p ON p.id = h.part_id
                  WHERE h.environment_id = ANY (\(environments))
                  GROUP BY h.environment_id) r ON r.environment_id = e.id
            LEFT JOIN shared_places(\(environments), \(question.mode)) s ON s.environment_id = e.id
            LEFT JOIN busy_times(
                \(environments), \(question.mode), \(span.lowerBound.addingTimeInterval(-farthest)),
                \(span.upperBound.addingTimeInterval(farthest))) b ON b.environment_id = e.id
            WHERE e.id = ANY (\(environments))
            """)
        let last = span.upperBound.addingTimeInterval(-question.length)
        return try rows.compactMap { try SlotCandidate($0, starts: starts, last: last) }
    }
}

extension SlotQuestion {
    /// How many environments have to be looked at closely.
    fileprivate var wanted: Int { count == 1 ? limit : Limits.slotCandidates }

    /// Whether looking farther than these first slots would change nothing: enough were found, and among those
    /// wanted no two are equally good but for how long they stay free.
    fileprivate func isSettled(_ firsts: [FirstSlot]) -> Bool {
        guard firsts.count > wanted else { return false }
        return count > 1
            || !zip(firsts, firsts.dropFirst()).contains { one, next in
                one.rank.freeUntil == nil && next.rank.freeUntil == nil
                    && one.rank.startsAt == next.rank.startsAt
                    && one.rank.degraded == next.rank.degraded
                    && one.rank.places == next.rank.places
            }
    }
}

/// A selector's reserved keys apart from its labels.
private struct Selector {
    var labels: PostgresJSON<[String: String]>
    var tier: String?
    var owner: String?
    var status: String?

    init(_ pairs: [String: String]) {
        var pairs = pairs
        tier = pairs.removeValue(forKey: "tier")
        owner = pairs.removeValue(forKey: "owner")
        status = pairs.removeValue(forKey: "status")
        labels = PostgresJSON(pairs)
    }
}

/// Rules that environments have in common, and when they let a booking start.
private struct StartRules {
    var hash: UUID
    var environments: Int
    var starts: [ClosedRange<Date>]

    func upTo(_ last: Date) -> StartRules {
        var near = self
        near.starts = starts.prefix { $0.lowerBound <= last }
            .map { $0.lowerBound...min(last, $0.upperBound) }
        return near
    }

    /// As a `tstzmultirange` is written.
    var multirange: String {
        let ranges = starts.map {
            "[\(RFC3339.string($0.lowerBound)),\(RFC3339.string($0.upperBound))]"
        }
        return "{\(ranges.joined(separator: ","))}"
    }
}

/// The first slot of an environment, as the search in SQL found it.
private struct FirstSlot {
    var environment: Int64
    var rank: SlotRank

    init(_ row: PostgresRow) throws {
        var columns = row.columns
        environment = try columns.next()
        let startsAt: Date = try columns.next()
        let degraded: Bool = try columns.next()
        let places: Int = try columns.next()
        rank = SlotRank(
            startsAt: startsAt, degraded: degraded ? 1 : 0, places: places,
            freeUntil: try columns.next(), keys: [])
    }
}

extension SlotCandidate {
    /// Nil when its status lets nothing start any more.
    fileprivate init?(
        _ row: PostgresRow, starts: [UUID: [ClosedRange<Date>]], last: Date
    ) throws {
        var columns = row.columns
        let key: String = try columns.next()
        let hash: UUID = try columns.next()
        let status: TestEnvironment.Status = try columns.next()
        let statusUntil: Date? = try columns.next()
        let setup: Int = try columns.next()
        let teardown: Int = try columns.next()
        let places: Int = try columns.next()
        let busy: [Range<Date>] = try columns.next()
        let notBefore: Date
        switch (status, statusUntil?.roundedUpToSecond) {
        case (.available, _), (.degraded, _): notBefore = .distantPast
        case (.unavailable, let until?): notBefore = until
        case (.unavailable, nil), (.retired, _): return nil
        }
        self.init(
            key: key, isDegraded: status == .degraded, setup: Double(setup) * 60,
            teardown: Double(teardown) * 60, places: places,
            starts: (starts[hash] ?? []).compactMap { range in
                let first = max(range.lowerBound, notBefore)
                let end = min(range.upperBound, last)
                return first <= end ? first...end : nil
            },
            busy: busy)
    }
}
