import BerthCore
import Foundation
import Postgres

extension ChangeWindow {
    /// What a query selects to make one, of `change_windows w`.
    static let columnList = """
        w.id, w.kind, w.state, w.state_reason,
        array(SELECT e.key FROM window_environments('change', w.environment_ids, w.labels, false) n
              JOIN environments e ON e.id = n.environment_id
              ORDER BY array_position(w.environment_ids, e.id), e.key LIMIT \(Limits.environmentsPerWindow)),
        w.labels, w.include_parts, (SELECT t.name FROM teams t WHERE t.id = w.team_id), w.title, w.ticket,
        w.notes, w.requested_by, w.approvals, w.approved_at, w.exception_to, w.emergency_reason,
        w.on_conflict, w.starts_at, w.ends_at, w.time_zone, w.rrule, w.exdates, w.rdates,
        w.occurrence_starts, w.version, w.created_at, w.updated_at
        """

    init(_ row: PostgresRow) throws {
        var columns = row.columns
        let id: Int64 = try columns.next()
        let kind: Kind = try columns.next()
        let state: State = try columns.next()
        let stateReason: String? = try columns.next()
        let environments: [String] = try columns.next()
        let labels: PostgresJSON<[String: String]>? = try columns.next()
        let includeParts: Bool = try columns.next()
        let team: String? = try columns.next()
        let title: String = try columns.next()
        var draft = ChangeWindowDraft(
            kind: kind, environments: labels == nil ? environments : [], labels: labels?.value,
            title: title, startsAt: .distantPast, endsAt: .distantFuture)
        draft.includeParts = includeParts
        draft.team = team
        draft.ticket = try columns.next()
        draft.notes = try columns.next()
        let requestedBy: String = try columns.next()
        let approvals: PostgresJSON<[Approval]> = try columns.next()
        let approvedAt: Date? = try columns.next()
        let exceptionTo: Int64? = try columns.next()
        draft.exceptionTo = exceptionTo.map(WindowReference.init(id:))
        draft.emergency = try columns.next()
        draft.onConflict = try columns.next()
        draft.startsAt = try columns.next()
        draft.endsAt = try columns.next()
        draft.timeZone = try columns.next(as: String.self)
        let rrule: String? = try columns.next()
        let exdates: [Date] = try columns.next()
        let rdates: [Date] = try columns.next()
        draft.recurrence = rrule.map {
            RecurrenceText(rrule: $0, exdates: exdates, rdates: rdates)
        }
        let starts: [Date] = try columns.next()
        let version: Int = try columns.next()
        let createdAt: Date = try columns.next()
        let updatedAt: Date = try columns.next()
        self.init(
            reference: WindowReference(id: id), draft: draft, state: state,
            stateReason: stateReason, environments: environments, requestedBy: requestedBy,
            approvals: approvals.value, approvedAt: approvedAt, starts: starts, version: version,
            createdAt: createdAt, updatedAt: updatedAt)
    }
}

extension ChangeWindow.Kind: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
extension ChangeWindow.State: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
extension ChangeWindow.OnConflict: PostgresEncodable, PostgresDecodable {}
