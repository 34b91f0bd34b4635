import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Notes that somebody found an environment out of order: it is degraded until who manages it says otherwise, its
    /// owner is told, and so is who has it now or within a day. Throws `.notFound`, and `.illegalMove` for a retired one.
    public func reportOutage(
        of key: String, reason: String, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (TestEnvironment) throws -> KeptAnswer
    ) async throws -> Once<TestEnvironment> {
        let report = "\(caller.team.map { "\(caller.name) of \($0)" } ?? caller.name): \(reason)"
        let outcome = try await explainingStandingBookings {
            try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
                let environment = try await transaction.updateEnvironment(
                    key, expecting: nil, by: caller, now: now,
                    allowing: {
                        guard $0.status != .retired else {
                            throw BerthError.illegalMove("\(key) is retired: nobody uses it")
                        }
                    }
                ) { environment in
                    var draft = EnvironmentDraft(environment)
                    // What its manager has taken out of use is not half in use again.
                    guard draft.status != .unavailable else { return draft }
                    draft.status = .degraded
                    draft.statusReason = report
                    draft.statusUntil = nil
                    return draft
                }
                try await transaction.tell(
                    "\(key) was reported out of order by \(report)", of: environment, by: caller,
                    now: now)
                return environment
            }
        }
        environments.forget(key)
        return outcome
    }
}

extension PostgresTransaction {
    /// Tells an outage to the owner, and to who holds the environment now or within a day; not to who has told it.
    fileprivate func tell(
        _ text: String, of environment: TestEnvironment, by caller: Caller, now: Date
    ) async throws {
        try await query(
            """
            INSERT INTO notices (at, kind, subject, text, team_id, person)
            SELECT \(now), 'environment.outage', \(environment.key), \(text), e.owner_team_id, NULL
            FROM environments e WHERE e.id = \(environment.id) AND e.owner_team_id IS NOT NULL
            UNION ALL
            SELECT DISTINCT \(now), 'environment.outage', 'BK-' || b.id, \(text), b.team_id, b.requested_by
            FROM claims c JOIN bookings b ON b.id = c.booking_id
            WHERE c.environment_id = \(environment.id) AND c.lane = 'use'
              AND c.period && tstzrange(\(now), \(now) + interval '1 day', '[)')
              AND b.state IN ('requested', 'confirmed', 'active') AND b.requested_by <> \(caller.name)
            """)
    }
}
