import BerthCore
import Foundation
import Postgres

/// What became of an event.
public enum EventOutcome: Sendable, Equatable {
    /// Logged, under this number.
    case recorded(Int64)
    /// It came before.
    case repeated
    /// Its environment is not known: it is kept until it is assigned.
    case unassigned
}

/// An event whose environment is not known.
public struct UnassignedEvent: Sendable, Equatable {
    /// Its number.
    public var id: Int64
    /// When it came.
    public var receivedAt: Date
    /// What it says.
    public var report: ReportedChange
}

extension BerthDatabase {
    /// Logs what an outside source reported, each event once. It is the caller's team's, unless the caller
    /// reports for others and a mapping says whose. One transaction for all.
    public func record(
        _ reports: [ReportedChange], by caller: Caller, now: Date, dryRun: Bool
    ) async throws -> [EventOutcome] {
        try await decide(dryRun: dryRun) { transaction in
            let teamID = try await transaction.knownTeamID(caller.team)
            let kept = try await transaction.keepEvents(
                reports, teamID: teamID, by: caller, now: now)
            let ids = kept.compactMap { $0 }
            let recorded = try await transaction.logEvents(ids, now: now)
            return kept.map { id in
                guard let id else { return .repeated }
                return recorded[id].map { .recorded($0) } ?? .unassigned
            }
        }
    }

    /// Events whose environment is not known, the newest first.
    public func unassignedEvents(_ page: Page) async throws -> Listing<UnassignedEvent> {
        let before = try page.id()
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT s.id, s.received_at, s.report FROM source_events s
                WHERE s.change_id IS NULL AND (\(before)::bigint IS NULL OR s.id < \(before))
                ORDER BY s.id DESC LIMIT \(page.limit + 1)
                """)
            let events = try rows.map { row in
                let (id, at, stored) = try row.decode(
                    Int64.self, Date.self, PostgresJSON<StoredReport>.self)
                return UnassignedEvent(id: id, receivedAt: at, report: stored.value.report)
            }
            return Listing(events, limit: page.limit, position: { String($0.id) })
        }
    }

    /// Logs an event that was kept aside as a change of this environment. Throws `.notFound`, `.invalid`,
    /// `.forbidden`.
    public func assignEvent(
        _ id: Int64, to key: String, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (Change) throws -> KeptAnswer
    ) async throws -> Once<Change> {
        try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
            let decision = Decision(transaction: transaction, caller: caller, now: now)
            let environments = try await decision.environments([key])
            guard environments.allSatisfy(caller.manages) else {
                throw BerthError.forbidden("an event is assigned by a manager of \(key)")
            }
            let rows = try await transaction.query(
                """
                SELECT s.id FROM source_events s WHERE s.id = \(id) AND s.change_id IS NULL FOR UPDATE
                """)
            guard !rows.isEmpty else { throw BerthError.notFound("no unassigned event \(id)") }
            let logged = try await transaction.logEvents(
                [id], assigned: environments[0].id, now: now)
            guard let change = logged[id] else { throw BerthError.notFound("no event \(id)") }
            return try await transaction.change(change)
        }
    }
}

extension PostgresTransaction {
    fileprivate func knownTeamID(_ team: String?) async throws -> Int64? {
        let rows = try await query("SELECT t.id FROM teams t WHERE t.id = team_id(\(team))")
        return try rows.first?.decode(Int64.self)
    }

    /// The number that each event is kept under, in order; nil for one that came before.
    fileprivate func keepEvents(
        _ reports: [ReportedChange], teamID: Int64?, by caller: Caller, now: Date
    ) async throws -> [Int64?] {
        let rows = try await query(
            """
            INSERT INTO source_events (
                source, event_id, received_at, received_by, team_id, is_believed, report)
            SELECT n.source, n.event_id, \(now), \(caller.name), \(teamID), \(caller.reports), n.report
            FROM unnest(\(reports.map(\.source)), \(reports.map(\.eventID)),
                        \(reports.map { PostgresJSON(StoredReport($0)) }))
                WITH ORDINALITY n (source, event_id, report, place)
            ORDER BY n.place
            ON CONFLICT (source, event_id) DO NOTHING
            RETURNING id, source, event_id
            """)
        var ids: [[String]: Int64] = [:]
        for row in rows {
            let (id, source, event) = try row.decode(Int64.self, String.self, String.self)
            ids[[source, event]] = id
        }
        // Of two with one id in the same batch, the first is kept.
        return reports.map { ids.removeValue(forKey: [$0.source, $0.eventID]) }
    }

    /// Logs kept events whose environment is known, or assigned; gives the entry of each.
    func logEvents(
        _ ids: [Int64], assigned: Int64? = nil, now: Date
    ) async throws -> [Int64: Int64] {
        let rows = try await query(
            """
            SELECT s.id, s.report, s.received_by, f.environment_id,
                   CASE WHEN s.is_believed THEN coalesce(f.mapped_id, s.team_id) ELSE s.team_id END,
                   (SELECT e.key FROM environments e WHERE e.id = f.environment_id),
                   CASE WHEN NOT s.is_believed AND f.mapped_id IS DISTINCT FROM s.team_id
                        THEN (SELECT t.name FROM teams t WHERE t.id = f.mapped_id) END
            FROM source_events s
            CROSS JOIN LATERAL (
                SELECT coalesce(\(assigned)::bigint,
                                mapped(s.source, 'environment', s.report ->> 'environmentName'),
                                (SELECT e.id FROM environments e
                                 WHERE e.key = s.report ->> 'environmentName' AND e.status <> 'retired')),
                       coalesce(mapped(s.source, 'actor', s.report ->> 'actor'),
                                mapped(s.source, 'repository', s.report ->> 'repository'))
            ) f (environment_id, mapped_id)
            WHERE s.id = ANY (\(ids)) AND s.change_id IS NULL AND f.environment_id IS NOT NULL
            ORDER BY s.id
            """)
        var events: [Int64] = []
        var records: [ChangeRecord] = []
        for row in rows {
            let (id, stored, by, environment, team, key, claim) = try row.decode(
                Int64.self, PostgresJSON<StoredReport>.self, String.self, Int64.self, Int64?.self,
                String.self, String?.self)
            var draft = ChangeDraft(stored.value.report, on: key)
            draft.claimedTeam = claim
            events.append(id)
            records.append(
                ChangeRecord(
                    draft: draft, environmentID: environment, teamID: team, by: by, now: now))
        }
        guard !records.isEmpty else { return [:] }
        let changes = try await appendChanges(records).map { $0?.id }
        try await query(
            """
            UPDATE source_events s SET change_id = n.change_id
            FROM unnest(\(events), \(changes)) n (id, change_id) WHERE s.id = n.id
            """)
        return Dictionary(
            zip(events, changes).compactMap { event, change in change.map { (event, $0) } },
            uniquingKeysWith: { first, _ in first })
    }
}

extension ChangeDraft {
    /// A report as a change of the environment that it was found to mean.
    fileprivate init(_ report: ReportedChange, on key: String) {
        self.init(
            environment: key, occurredAt: report.occurredAt, actor: report.actor ?? report.source,
            team: nil, kind: report.kind, summary: report.summary)
        component = report.component
        version = report.version
        source = report.source
        sourceID = report.eventID
    }
}

/// A report as it is kept.
struct StoredReport: Codable, Sendable {
    private var source: String
    private var eventID: String
    private var environmentName: String
    private var occurredAt: Date
    private var actor: String?
    private var repository: String?
    private var kind: String
    private var summary: String
    private var component: String?
    private var version: String?
    private var url: String?

    init(_ report: ReportedChange) {
        source = report.source
        eventID = report.eventID
        environmentName = report.environmentName
        occurredAt = report.occurredAt
        actor = report.actor
        repository = report.repository
        kind = report.kind.rawValue
        summary = report.summary
        component = report.component
        version = report.version
        url = report.url
    }

    var report: ReportedChange {
        ReportedChange(
            source: source, eventID: eventID, environmentName: environmentName,
            occurredAt: occurredAt, actor: actor, repository: repository,
            kind: ChangeKind(rawValue: kind) ?? .other, summary: summary, component: component,
            version: version, url: url)
    }
}
