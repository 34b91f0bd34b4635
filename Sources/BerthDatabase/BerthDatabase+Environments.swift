import BerthCore
import Foundation
import Postgres

/// Which environments a list shows.
public struct EnvironmentFilter: Sendable {
    /// A selector: all pairs must match; `tier`, `owner` and `status` are reserved keys.
    public var labels: [String: String] = [:]
    /// Stands in the key or the name.
    public var text: String?
    /// Keys of the only ones that are shown; empty: all.
    public var keys: [String] = []
    /// Whether retired ones are shown.
    public var includeRetired = false

    /// All that are not retired.
    public init() {}
}

extension BerthDatabase {
    /// Environments by key. Cost: a scan in order of key until the page is full.
    public func environments(
        _ filter: EnvironmentFilter, _ page: Page
    ) async throws -> Listing<TestEnvironment> {
        var labels = filter.labels
        let tier = labels.removeValue(forKey: "tier")
        let owner = labels.removeValue(forKey: "owner")
        let status = labels.removeValue(forKey: "status")
        let stored = PostgresJSON(labels)
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT \(unescaped: TestEnvironment.columnList)
                FROM environments e
                WHERE (\(page.after)::text IS NULL OR e.key > \(page.after))
                  AND (\(filter.includeRetired || status != nil) OR e.status <> 'retired')
                  AND (\(tier)::text IS NULL OR e.tier = \(tier))
                  AND (\(status)::text IS NULL OR e.status = \(status))
                  AND (\(owner)::text IS NULL
                       OR e.owner_team_id = (SELECT team_id(\(owner))))
                  AND e.labels @> \(stored)
                  AND (\(filter.keys.isEmpty) OR e.key = ANY (\(filter.keys)::text[]))
                  AND (\(filter.text)::text IS NULL
                       OR strpos(lower(e.key || ' ' || e.name), lower(\(filter.text))) > 0)
                ORDER BY e.key
                LIMIT \(page.limit + 1)
                """)
            return Listing(
                try rows.map(TestEnvironment.init), limit: page.limit, position: \.key)
        }
    }

    /// The environment of that key. Throws `.notFound`.
    public func environment(_ key: String) async throws -> TestEnvironment {
        try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT \(unescaped: TestEnvironment.columnList)
                FROM environments e WHERE e.key = \(key)
                """)
            guard let row = rows.first else {
                throw BerthError.notFound(try await client.unknownEnvironment(key))
            }
            return try TestEnvironment(row)
        }
    }

    /// Makes an environment. An admin may make any, a manager those that its team owns.
    /// Throws `.forbidden`, `.alreadyExists`, `.invalid`.
    public func createEnvironment(
        _ draft: EnvironmentDraft, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (TestEnvironment) throws -> KeptAnswer
    ) async throws -> Once<TestEnvironment> {
        guard
            caller.role == .admin
                || (caller.role == .manager && caller.team != nil && draft.ownerTeam == caller.team)
        else {
            throw BerthError.forbidden("an environment of another team is made by an admin")
        }
        return try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
            // A window whose selector matches it will hold on it, too.
            try await transaction.query("SELECT lock_part_graph()")
            let row = try await transaction.environmentRow(
                draft, having: [], by: caller, now: now)
            let rows = try await transaction.query(
                """
                INSERT INTO environments (
                    key, name, tier, owner_team_id, time_zone, labels, capacity, status, status_reason,
                    status_until, part_ids, part_usages, policy, runbook, created_at, updated_at,
                    updated_by)
                VALUES (\(draft.key), \(draft.name), \(draft.tier), \(row.ownerID), \(draft.timeZone),
                    \(PostgresJSON(draft.labels)), \(draft.capacity), \(draft.status),
                    \(draft.statusReason), \(draft.statusUntil), \(row.partIDs),
                    \(draft.parts.map(\.usage)), \(PostgresJSON(draft.policy)), \(draft.runbook),
                    \(now), \(now), \(caller.name))
                RETURNING id
                """)
            return try await transaction.environment(
                id: rows[rows.startIndex].decode(Int64.self))
        }
    }

    /// Edits an environment under its lock. Throws `.notFound`, `.forbidden`, `.stale`, `.invalid`, and
    /// `.conflict` when new parts or a lower capacity would break bookings that stand.
    public func updateEnvironment(
        _ key: String, expecting version: Int?, by caller: Caller, now: Date, dryRun: Bool,
        _ change: @Sendable (TestEnvironment) throws -> EnvironmentDraft
    ) async throws -> TestEnvironment {
        let updated = try await explainingStandingBookings {
            try await decide(dryRun: dryRun) { transaction in
                try await transaction.updateEnvironment(
                    key, expecting: version, by: caller, now: now,
                    allowing: {
                        guard caller.manages($0) else {
                            throw BerthError.forbidden(
                                "\(key) is managed by its owner, and by admins")
                        }
                    }, change)
            }
        }
        environments.forget(key)
        return updated
    }

    /// Retires an environment: it stays in history, and takes no more bookings. Refused with the list
    /// while bookings of it lie ahead. Throws as ``updateEnvironment(_:expecting:by:now:dryRun:_:)``.
    public func retireEnvironment(
        _ key: String, expecting version: Int?, by caller: Caller, now: Date, dryRun: Bool
    ) async throws -> TestEnvironment {
        return try await updateEnvironment(
            key, expecting: version, by: caller, now: now, dryRun: dryRun
        ) { environment in
            var draft = EnvironmentDraft(environment)
            draft.status = .retired
            return draft
        }
    }

    /// What an environment was, newest first.
    public func environmentHistory(
        _ key: String, _ page: Page
    ) async throws -> Listing<EnvironmentVersion> {
        let before = try page.id()
        return try await translatingErrors {
            let present = try await environment(key)
            let rows = try await client.query(
                """
                SELECT \(unescaped: TestEnvironment.columnList), e.valid_from, e.valid_until, e.updated_by
                FROM (
                    SELECT n.id, n.key, n.name, n.tier, n.owner_team_id, n.time_zone, n.labels,
                           n.capacity, n.status, n.status_reason, n.status_until, n.part_ids,
                           n.part_usages, n.policy, n.runbook, n.version, n.updated_at AS valid_from,
                           NULL::timestamptz AS valid_until, n.updated_by
                    FROM environments n WHERE n.id = \(present.id)
                    UNION ALL
                    SELECT v.environment_id, \(key), v.name, v.tier, v.owner_team_id, v.time_zone,
                           v.labels, v.capacity, v.status, v.status_reason, v.status_until, v.part_ids,
                           v.part_usages, v.policy, v.runbook, v.version, v.valid_from, v.valid_until,
                           v.updated_by
                    FROM environment_versions v WHERE v.environment_id = \(present.id)) e
                WHERE \(before)::bigint IS NULL OR e.version < \(before)
                ORDER BY e.version DESC LIMIT \(page.limit + 1)
                """)
            return Listing(
                try rows.map(EnvironmentVersion.init), limit: page.limit,
                position: { String($0.environment.version) })
        }
    }
}

extension EnvironmentVersion {
    init(_ row: PostgresRow) throws {
        var columns = row.columns
        self.init(
            environment: try TestEnvironment(&columns), validFrom: try columns.next(),
            validUntil: try columns.next(), by: try columns.next())
    }
}

extension PostgresTransaction {
    /// Makes an environment what a change says, under its lock, where that is allowed. Throws as
    /// ``BerthDatabase/updateEnvironment(_:expecting:by:now:dryRun:_:)`` does, ``WindowClashes`` and ``StandingBookings``.
    func updateEnvironment(
        _ key: String, expecting version: Int?, by caller: Caller, now: Date,
        allowing: @Sendable (TestEnvironment) throws -> Void,
        _ change: @Sendable (TestEnvironment) throws -> EnvironmentDraft
    ) async throws -> TestEnvironment {
        let environment = try await lockedEnvironment(key, now: now, toBe: change)
        try allowing(environment)
        if let version, version != environment.version {
            throw BerthError.stale(current: environment.version)
        }
        let draft = try change(environment)
        guard draft != EnvironmentDraft(environment) else { return environment }
        if draft.status == .retired, environment.status != .retired {
            try await requireNothingAhead(of: environment, now: now)
        }
        let row = try await environmentRow(draft, having: environment.parts, by: caller, now: now)
        do {
            try await query(
                """
                UPDATE environments
                SET name = \(draft.name), tier = \(draft.tier), owner_team_id = \(row.ownerID),
                    time_zone = \(draft.timeZone), labels = \(PostgresJSON(draft.labels)),
                    capacity = \(draft.capacity), status = \(draft.status),
                    status_reason = \(draft.statusReason), status_until = \(draft.statusUntil),
                    part_ids = \(row.partIDs), part_usages = \(draft.parts.map(\.usage)),
                    policy = \(PostgresJSON(draft.policy)), runbook = \(draft.runbook),
                    updated_at = \(now), updated_by = \(caller.name)
                WHERE id = \(environment.id)
                """)
        } catch let error as PostgresError where error.isWindowClash {
            throw WindowClashes(error)
        } catch let error as PostgresError where error.isConflict {
            throw StandingBookings(error)
        }
        return try await self.environment(id: environment.id)
    }

    /// What a draft's names stand for in the tables. A part that it does not have yet, or has in another usage,
    /// needs the consent of who manages it: else a composite takes it past its owner's approval and quotas.
    /// Throws `.invalid` and `.forbidden`.
    fileprivate func environmentRow(
        _ draft: EnvironmentDraft, having present: [TestEnvironment.Part], by caller: Caller,
        now: Date
    ) async throws -> (ownerID: Int64?, partIDs: [Int64]) {
        var ownerID: Int64?
        if let owner = draft.ownerTeam {
            ownerID = try await teamID(owner, pointer: "/ownerTeam", by: caller, now: now)
        }
        let keys = draft.parts.map(\.key)
        let rows = try await query(
            """
            SELECT \(unescaped: TestEnvironment.columnList)
            FROM environments e WHERE e.key = ANY (\(keys)::text[])
            """)
        let parts = try Dictionary(
            rows.map(TestEnvironment.init).map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        let faults = keys.indices.filter { parts[keys[$0]] == nil }.map {
            FieldFault("/parts/\($0)/key", "names no environment: \(keys[$0])")
        }
        guard faults.isEmpty else { throw BerthError.invalid(faults) }
        try await requireNoCycle(of: draft)
        for part in draft.parts where !present.contains(part) {
            guard let taken = parts[part.key], taken.policy.asPart != .open, !caller.manages(taken)
            else { continue }
            throw BerthError.forbidden(
                "\(part.key) becomes a part by \(taken.ownerTeam ?? "an admin"), who manages it, or once its policy "
                    + "has asPart: open")
        }
        return (ownerID, keys.compactMap { parts[$0]?.id })
    }

    /// Throws `.invalid` for each part that contains the environment itself. The part graph is locked.
    private func requireNoCycle(of draft: EnvironmentDraft) async throws {
        let rows = try await query(
            """
            SELECT n.place - 1, n.key, part_path(p.id, e.id)
            FROM unnest(\(draft.parts.map(\.key))) WITH ORDINALITY n (key, place)
            JOIN environments p ON p.key = n.key
            JOIN environment_reach r ON r.environment_id = p.id
            JOIN environments e ON e.id = r.part_id AND e.key = \(draft.key)
            ORDER BY n.place
            """)
        let faults = try rows.map { row in
            let (place, part, path) = try row.decode(Int.self, String.self, [String].self)
            let way = path.dropLast().map { " through \($0)" }.joined()
            return FieldFault(
                "/parts/\(place)/key",
                part == draft.key
                    ? "is the environment itself: leave it out"
                    : "\(part) contains \(draft.key)\(way): leave it out, or take \(draft.key) out of it first"
            )
        }
        guard faults.isEmpty else { throw BerthError.invalid(faults) }
    }

    /// An environment, locked in the one order with all that contains or is reached by it. Where a change gives it
    /// other parts, also these, and all else that the bookings claim whose claims will follow; where it lets another
    /// selector match it, also what the windows with that selector hold on.
    fileprivate func lockedEnvironment(
        _ key: String, now: Date, toBe change: (TestEnvironment) throws -> EnvironmentDraft
    ) async throws -> TestEnvironment {
        let found = try await query("SELECT id FROM environments WHERE key = \(key)")
        guard let id = try found.first?.decode(Int64.self) else {
            throw BerthError.notFound("no environment \(key)")
        }
        try await query("SELECT lock_part_graph()")
        let seen = try await environment(id: id)
        let draft = try change(seen)
        let touched = try await self.touched(by: draft, of: seen, id: id, now: now)
        do {
            try await query("SELECT lock_environments(\(touched))")
        } catch let error as PostgresError where error.isLockTimeout {
            throw EnvironmentsLocked(environments: [id])
        }
        // A booking that was made meanwhile may name others: locked now, they would be out of the one order. No
        // savepoint either: who waits for these locks waits for the end of the whole transaction.
        let more = try await self.touched(by: draft, of: seen, id: id, now: now)
        if !Set(more).isSubset(of: touched) { try await query("SELECT begin_anew()") }
        return try await environment(id: id)
    }

    /// What is to be locked before an environment becomes what a draft says.
    private func touched(
        by draft: EnvironmentDraft, of seen: TestEnvironment, id: Int64, now: Date
    ) async throws -> [Int64] {
        let matched = Matched(tier: draft.tier, status: draft.status.rawValue, labels: draft.labels)
        return try await query(
            """
            WITH containing AS MATERIALIZED (
                SELECT array_agg(r.environment_id) AS ids FROM environment_reach r WHERE r.part_id = \(id))
            SELECT unnest(c.ids) FROM containing c
            UNION
            SELECT e.id FROM environments e WHERE e.key = ANY (\(draft.parts.map(\.key)))
            UNION
            SELECT s.environment_id FROM window_spans s
            WHERE s.window_id = ANY (windows_about(ARRAY[\(id)], \(now)))
              AND s.valid_until = 'infinity'
            UNION
            SELECT s.environment_id
            FROM environments e
            CROSS JOIN LATERAL jsonb_populate_record(e, \(PostgresJSON(matched))) n
            JOIN change_windows w ON w.labels IS NOT NULL AND w.state IN ('requested', 'approved')
             AND last_end(w) > \(now)
             AND (w.labels ? 'owner' OR matches_selector(n, w.labels))
            JOIN window_spans s ON s.window_id = w.id AND s.valid_until = 'infinity'
            WHERE e.id = \(id) AND (\(draft.ownerTeam != seen.ownerTeam) OR n IS DISTINCT FROM e)
            UNION
            SELECT e.id
            FROM containing c
            -- Who names one environment alone names none but these.
            CROSS JOIN LATERAL (
                SELECT b.environment_ids FROM bookings b
                WHERE cardinality(b.environment_ids) > 1 AND b.environment_ids && c.ids
                  AND b.state IN ('requested', 'confirmed', 'active')
                UNION ALL
                SELECT b.environment_ids || v.environment_ids FROM bookings b
                JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
                WHERE b.approved_version IS NOT NULL
                  AND (b.environment_ids && c.ids OR v.environment_ids && c.ids)) n (ids)
            CROSS JOIN unnest(n.ids) e (id)
            WHERE \(draft.parts != seen.parts)
            """
        ).map { try $0.decode(Int64.self) }
    }

    /// Under the environment's lock. Throws `.conflict` with the bookings that are not over yet.
    fileprivate func requireNothingAhead(of environment: TestEnvironment, now: Date) async throws {
        let ahead = try await conflicts(
            environments: [environment.id], mode: .exclusive, from: now,
            until: Date(timeIntervalSince1970: Double(Limits.latestSecond)), except: [],
            limit: Limits.conflictsListed, now: now
        ).filter { $0.bookingID != nil }
        guard ahead.isEmpty else {
            throw BerthError.conflict(
                Refusal(conflicts: ahead.map(\.conflict), alternatives: []))
        }
    }

    fileprivate func environment(id: Int64) async throws -> TestEnvironment {
        let rows = try await query(
            "SELECT \(unescaped: TestEnvironment.columnList) FROM environments e WHERE e.id = \(id)"
        )
        return try TestEnvironment(rows[rows.startIndex])
    }
}

/// What selectors look at of an environment, by the names of its columns.
private struct Matched: Encodable {
    var tier: String
    var status: String
    var labels: [String: String]
}
