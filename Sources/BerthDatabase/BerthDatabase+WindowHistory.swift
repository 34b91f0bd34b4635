import BerthCore
import Postgres

extension BerthDatabase {
    /// What a window was, newest first. Throws `.notFound`.
    public func windowHistory(
        _ reference: WindowReference, _ page: Page
    ) async throws -> Listing<WindowVersion> {
        let before = try page.id()
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT \(unescaped: ChangeWindow.columnList), w.valid_from, w.valid_until, w.updated_by
                FROM (
                    SELECT n.id, n.kind, n.state, n.state_reason, n.environment_ids, n.labels, n.include_parts,
                           n.team_id, n.title, n.ticket, n.notes, n.requested_by, n.approvals, n.approved_at,
                           n.exception_to, n.emergency_reason, n.on_conflict, n.starts_at, n.ends_at,
                           n.time_zone, n.rrule, n.exdates, n.rdates, n.occurrence_starts, n.version,
                           n.created_at, n.updated_at, n.updated_at AS valid_from,
                           NULL::timestamptz AS valid_until, n.updated_by
                    FROM change_windows n WHERE n.id = \(reference.id)
                    UNION ALL
                    SELECT n.id, n.kind, v.state, v.state_reason, v.environment_ids, v.labels, v.include_parts,
                           v.team_id, v.title, v.ticket, v.notes, n.requested_by, v.approvals, v.approved_at,
                           v.exception_to, n.emergency_reason, v.on_conflict, v.starts_at, v.ends_at,
                           v.time_zone, v.rrule, v.exdates, v.rdates, v.occurrence_starts, v.version,
                           n.created_at, v.valid_from, v.valid_from, v.valid_until, v.updated_by
                    FROM window_versions v JOIN change_windows n ON n.id = v.window_id
                    WHERE v.window_id = \(reference.id)) w
                WHERE \(before)::bigint IS NULL OR w.version < \(before)
                ORDER BY w.version DESC LIMIT \(page.limit + 1)
                """)
            if rows.isEmpty, before == nil {
                throw BerthError.notFound("no change window \(reference)")
            }
            return Listing(
                try rows.map(WindowVersion.init), limit: page.limit,
                position: { String($0.window.version) })
        }
    }
}

extension WindowVersion {
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            window: try ChangeWindow(row), validFrom: try row.decode("valid_from"),
            validUntil: try row.decode("valid_until"), by: try row.decode("updated_by"))
    }
}
