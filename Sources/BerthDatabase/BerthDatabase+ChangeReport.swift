import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// How much of what changed in a span was planned, each change counted once, as it stands now. Cost: one
    /// index scan of the span.
    public func changeReport(
        of span: Range<Date>, by grouping: ChangeReport.Grouping
    ) async throws -> [ChangeReport] {
        try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT k.key, count(*), count(*) FILTER (WHERE c.control = 'controlled'),
                       count(*) FILTER (WHERE c.control = 'uncontrolled' AND NOT c.approved_late),
                       count(*) FILTER (WHERE c.control = 'emergency'),
                       count(*) FILTER (WHERE c.approved_late),
                       count(*) FILTER (WHERE 'others-booking' = ANY (c.reasons)),
                       count(*) FILTER (WHERE c.is_late),
                       count(*) FILTER (WHERE c.control <> 'controlled' AND NOT c.is_reviewed)
                FROM latest_changes c
                JOIN environments e ON e.id = c.environment_id
                LEFT JOIN teams g ON g.id = c.team_id
                LEFT JOIN teams t ON t.id = coalesce(g.merged_into, g.id)
                CROSS JOIN LATERAL (
                    SELECT CASE \(grouping.rawValue)
                        WHEN 'environment' THEN e.key
                        WHEN 'team' THEN coalesce(t.name, '')
                        WHEN 'tier' THEN e.tier
                        ELSE to_char(c.occurred_at AT TIME ZONE 'UTC', 'IYYY"-W"IW') END) k (key)
                WHERE c.occurred_at >= \(span.lowerBound) AND c.occurred_at < \(span.upperBound)
                GROUP BY k.key ORDER BY k.key
                """, deadline: .seconds(10))
            return try rows.map { row in
                var columns = row.columns
                return ChangeReport(
                    key: try columns.next(), changes: try columns.next(),
                    controlled: try columns.next(), uncontrolled: try columns.next(),
                    emergencies: try columns.next(), approvedLate: try columns.next(),
                    underBookings: try columns.next(), late: try columns.next(),
                    awaitingReview: try columns.next())
            }
        }
    }
}
