import BerthCore
import Foundation
import Postgres

/// Which changes a list shows: all that meet every condition given, each change once, as it stands now.
public struct ChangeFilter: Sendable {
    /// The environment.
    public var environment: String?
    /// The team's name.
    public var team: String?
    /// Any of these; none: any at all.
    public var controls: [Change.Control] = []
    /// Any of these; none: any at all.
    public var reasons: [Change.Reason] = []
    /// Those that hit this booking.
    public var booking: BookingReference?
    /// Those that happened in `[from, to)`.
    public var from: Date?
    /// The end of the span.
    public var to: Date?
    /// Whether a manager has said something of it; false: of those that wait for it.
    public var isReviewed: Bool?

    /// All changes.
    public init() {}
}

extension BerthDatabase {
    /// Entries, the newest first; corrected ones are left out. Cost: an index scan of the log, newest first,
    /// until the page is full; of an environment's, where one is named.
    public func changes(_ filter: ChangeFilter, _ page: Page) async throws -> Listing<Change> {
        let query = try filter.query(page)
        return try await translatingErrors {
            let rows = try await client.query(query)
            return Listing(
                try rows.map(Change.init), limit: page.limit, position: { String($0.id) })
        }
    }

    /// One entry, as it was recorded, with what was said of it later. Throws `.notFound`.
    public func change(_ id: Int64) async throws -> Change {
        try await translatingErrors { try await client.change(id) }
    }

    /// Judges a change by what held when it happened, and appends it to the log. Throws `.invalid` for what
    /// names nothing, `.forbidden` for a correction of more than words by who does not manage the environment,
    /// `.illegalMove` for a correction of what is corrected already.
    public func recordChange(
        _ draft: ChangeDraft, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (Change) throws -> KeptAnswer
    ) async throws -> Once<Change> {
        try await translatingErrors {
            if draft.corrects == nil, !dryRun, idempotency == nil {
                let record =
                    draft.team == caller.team && !caller.reports
                    ? try await remembered(draft, by: caller, now: now)
                    : try await client.attributed(draft, by: caller, now: now)
                guard let change = try await changeWriter.append(record) else {
                    throw BerthError.alreadyExists("its source reported it before")
                }
                return .done(change)
            }
            return try await once(idempotency, now: now, dryRun: dryRun, keep: keep) {
                transaction in
                let record: ChangeRecord
                if let corrected = draft.corrects {
                    try await transaction.requireCorrectable(corrected, into: draft, by: caller)
                    record = try await transaction.record(draft, by: caller, now: now)
                } else {
                    record = try await transaction.attributed(draft, by: caller, now: now)
                }
                guard let change = try await transaction.appendChanges([record])[0] else {
                    throw BerthError.alreadyExists("its source reported it before")
                }
                return draft.corrects == nil ? change : try await transaction.change(change.id)
            }
        }
    }

    /// What a draft's names stand for, as last read: neither ever stands for anything else.
    private func remembered(
        _ draft: ChangeDraft, by caller: Caller, now: Date
    ) async throws -> ChangeRecord {
        guard
            let environment = try? await environments.environments(
                [draft.environment], from: client
            ).first
        else { return try await client.record(draft, by: caller, now: now) }
        var teamID: Int64?
        if let team = draft.team {
            teamID = try await teams.id(team, from: client)
            guard teamID != nil else { return try await client.record(draft, by: caller, now: now) }
        }
        return ChangeRecord(
            draft: draft, environmentID: environment.id, teamID: teamID, by: caller.name, now: now)
    }

    /// Says what a manager thinks of an emergency or an uncontrolled change: an entry of its own. Throws
    /// `.notFound`, `.forbidden`, `.illegalMove`.
    public func reviewChange(
        _ id: Int64, as verdict: Change.Review.State, note: String?, by caller: Caller, now: Date,
        dryRun: Bool, idempotency: IdempotencyKey?,
        keep: @Sendable (Change) throws -> KeptAnswer
    ) async throws -> Once<Change> {
        try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
            try await transaction.requireReviewable(id, by: caller)
            try await transaction.query(
                """
                INSERT INTO change_log (
                    id, root_id, entry, environment_id, occurred_at, recorded_at, recorded_by, source,
                    source_id, actor, team_id, kind, summary, component, component_version, ticket,
                    emergency_reason, corrects, control, reasons, window_id, bookings_hit, is_late,
                    approved_late, review, review_note, claimed_team, hash)
                SELECT 0, c.root_id, 'review', c.environment_id, c.occurred_at, \(now), \(caller.name),
                       c.source, c.source_id, c.actor, c.team_id, c.kind, c.summary, c.component,
                       c.component_version, c.ticket, c.emergency_reason, NULL, c.control, c.reasons,
                       c.window_id, c.bookings_hit, c.is_late, c.approved_late, \(verdict.rawValue),
                       \(note), c.claimed_team, ''
                FROM change_log c WHERE c.id = \(id)
                """)
            return try await transaction.change(id)
        }
    }
}

extension PostgresQuerying {
    /// One entry. Throws `.notFound`.
    func change(_ id: Int64) async throws -> Change {
        let rows = try await query(
            """
            SELECT \(unescaped: Change.columnList) FROM shown_changes c
            WHERE c.id = \(id)
            """)
        guard let row = rows.first else { throw BerthError.notFound("no change \(id)") }
        return try Change(row)
    }

    /// What a draft's names stand for. Throws `.invalid`.
    func record(_ draft: ChangeDraft, by caller: Caller, now: Date) async throws -> ChangeRecord {
        let rows = try await query(
            """
            SELECT e.id, team_id(\(draft.team))
            FROM environments e WHERE e.key = \(draft.environment)
            """)
        guard let row = rows.first else {
            throw BerthError.invalid(
                "/environment", try await unknownEnvironment(draft.environment))
        }
        let (environmentID, teamID) = try row.decode(Int64.self, Int64?.self)
        if let team = draft.team, teamID == nil {
            throw BerthError.invalid(
                "/team", "there is no team \(team): ask an admin to make it, or name another")
        }
        return ChangeRecord(
            draft: draft, environmentID: environmentID, teamID: teamID, by: caller.name, now: now)
    }
}

extension ChangeFilter {
    fileprivate func query(_ page: Page) throws -> PostgresQuery {
        var conditions = BoundConditions()
        if let before = try page.id() { conditions.add("c.id <", before) }
        if let environment {
            conditions.add(
                "c.environment_id = (SELECT e.id FROM environments e WHERE e.key =", environment,
                close: ")")
        }
        if let team {
            conditions.add("c.team_id = ANY ((SELECT team_ids(", team, close: "))::bigint[])")
        }
        if !controls.isEmpty {
            conditions.add("c.control = ANY (", controls.map(\.rawValue), close: "::text[])")
        }
        if !reasons.isEmpty {
            conditions.add("c.reasons && (", reasons.map(\.rawValue), close: ")::text[]")
        }
        if let booking {
            // Found first, all of them: in the order of the list, the whole log would be read for a few.
            conditions.add(
                """
                c.id IN (
                    WITH hit AS MATERIALIZED (
                        SELECT h.id FROM change_log h
                        WHERE h.bookings_hit <> '{}' AND h.bookings_hit @> ARRAY[
                """, booking.id, close: "]::bigint[]) SELECT k.id FROM hit k)")
        }
        if let from { conditions.add("c.occurred_at >=", from) }
        if let to { conditions.add("c.occurred_at <", to) }
        if let isReviewed {
            conditions.add(
                isReviewed
                    ? "c.review_id IS NOT NULL" : "c.control <> 'controlled' AND NOT c.is_reviewed",
                binding: [])
        }
        return conditions.query(
            select: "SELECT \(Change.columnList) FROM latest_changes c",
            suffix: "ORDER BY c.id DESC LIMIT \(page.limit + 1)")
    }
}
