import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    private static let mostCalls = 50

    /// Serves those in line for whom something was given back that could not be served with it.
    func serveLine(at now: Date) async throws {
        let rows = try await client.query(
            """
            SELECT DISTINCT c.environment_id FROM line_calls c
            ORDER BY c.environment_id LIMIT \(Self.mostCalls)
            """)
        for row in rows {
            let environment = try row.decode(Int64.self)
            try await decide(by: .clockwork, now: now, dryRun: false) { decision in
                try await decision.serveLine(locked: decision.lock(environments: [environment]))
            }
        }
    }

    /// Looks again for any environments that match, for those in line who take any. The first in line first,
    /// each in a transaction of its own.
    func serveSelections(at now: Date) async throws {
        let rows = try await client.query(
            """
            SELECT w.id, w.select_labels, w.select_count FROM bookings w
            WHERE w.state IN ('waitlisted', 'displaced') AND w.select_labels IS NOT NULL
            ORDER BY priority_rank(w.priority) DESC, w.created_at, w.id LIMIT \(Self.mostCalls)
            """)
        for row in rows {
            let (id, labels, count) = try row.decode(
                Int64.self, PostgresJSON<[String: String]>.self, Int.self)
            let selection = BookingOptions.Selection(labels: labels.value, count: count)
            try await decide(by: .clockwork, now: now, dryRun: false) { decision in
                try await decision.serve(id, anyOf: selection)
            }
        }
    }
}

extension Caller {
    /// Who acts when time does.
    static let clockwork = Caller(
        tokenID: 0, name: "berth", role: .admin, team: nil, labels: [:])
}
