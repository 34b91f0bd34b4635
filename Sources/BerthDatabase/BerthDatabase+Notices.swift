import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// What concerns the caller, its team, and for an admin what nobody owns; the newest first. Cost: the newest
    /// of each of the three, by an index of its own.
    public func notices(
        for caller: Caller, unreadOnly: Bool, _ page: Page
    ) async throws -> Listing<Notice> {
        let before = try page.id() ?? .max
        let limit = page.limit + 1
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT n.id, n.at, n.kind, n.subject, n.text, n.read_at
                FROM (
                    (SELECT n.id FROM notices n
                     WHERE n.person = \(caller.name) AND n.at > \(caller.since)
                       AND n.id < \(before) AND (NOT \(unreadOnly) OR n.read_at IS NULL)
                     ORDER BY n.id DESC LIMIT \(limit))
                    UNION
                    (SELECT n.id FROM notices n
                     WHERE n.team_id = (SELECT team_id(\(caller.team)))
                       AND n.id < \(before) AND (NOT \(unreadOnly) OR n.read_at IS NULL)
                     ORDER BY n.id DESC LIMIT \(limit))
                    UNION
                    (SELECT n.id FROM notices n
                     WHERE \(caller.role == .admin) AND n.person IS NULL AND n.team_id IS NULL
                       AND n.id < \(before) AND (NOT \(unreadOnly) OR n.read_at IS NULL)
                     ORDER BY n.id DESC LIMIT \(limit))
                ) f
                JOIN notices n ON n.id = f.id
                ORDER BY n.id DESC LIMIT \(limit)
                """)
            return Listing(
                try rows.map(Notice.init), limit: page.limit, position: { String($0.id) })
        }
    }

    /// Marks a notice as read; it stays as it was first marked. Throws `.notFound` for one that does not
    /// concern the caller.
    public func readNotice(
        _ id: Int64, by caller: Caller, now: Date, dryRun: Bool
    ) async throws -> Notice {
        try await decide(dryRun: dryRun) { transaction in
            let rows = try await transaction.query(
                """
                UPDATE notices n SET read_at = coalesce(n.read_at, \(now.flooredToSecond))
                WHERE n.id = \(id)
                  AND ((n.person = \(caller.name) AND n.at > \(caller.since))
                       OR n.team_id = (SELECT team_id(\(caller.team)))
                       OR (\(caller.role == .admin) AND n.person IS NULL AND n.team_id IS NULL))
                RETURNING n.id, n.at, n.kind, n.subject, n.text, n.read_at
                """)
            guard let row = rows.first else { throw BerthError.notFound("no notice \(id)") }
            return try Notice(row)
        }
    }
}

extension Notice {
    init(_ row: PostgresRow) throws {
        var columns = row.columns
        self.init(
            id: try columns.next(), at: try columns.next(), kind: try columns.next(),
            subject: try columns.next(), text: try columns.next(), readAt: try columns.next())
    }
}
