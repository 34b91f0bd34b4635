import BerthCore
import Foundation
import Postgres

// Who is believed of a change: whose it was, what a correction may say, and who reviews it.

extension PostgresQuerying {
    /// What a new change's names stand for, and whose it is: the token's team's, unless a manager of the
    /// environment says another, or a token that reports for others does, through a mapping. What is not
    /// believed is kept as words. Throws `.invalid`.
    func attributed(
        _ draft: ChangeDraft, by caller: Caller, now: Date
    ) async throws -> ChangeRecord {
        // A claim of a team that does not exist is refused, whoever makes it.
        let claimed = try await record(draft, by: caller, now: now)
        let claim = draft.team
        if claim != caller.team,
            caller.manages(try await environment(id: claimed.environmentID))
        {
            return claimed
        }
        var draft = draft
        draft.team = caller.reports ? try await mappedTeam(of: draft) ?? caller.team : caller.team
        if let claim, claim != draft.team, claim != caller.team { draft.claimedTeam = claim }
        return try await record(draft, by: caller, now: now)
    }

    /// Whose its actor is; nil where no mapping says.
    private func mappedTeam(of draft: ChangeDraft) async throws -> String? {
        let rows = try await query(
            """
            SELECT t.name FROM teams t WHERE t.id = mapped(\(draft.source), 'actor', \(draft.actor))
            """)
        return try rows.first?.decode(String.self)
    }

    /// The environment of this number, as it is.
    func environment(id: Int64) async throws -> TestEnvironment {
        let rows = try await query(
            """
            SELECT \(unescaped: TestEnvironment.columnList) FROM environments e WHERE e.id = \(id)
            """)
        guard let row = rows.first else { throw BerthError.notFound("no such environment") }
        return try TestEnvironment(row)
    }

    /// Under the head's lock, so that an entry is corrected once. Who manages its environment may correct all
    /// of it, to an environment that he manages too; a member of its team its words, component, version and
    /// ticket. Throws `.invalid`, `.forbidden`, `.illegalMove`.
    func requireCorrectable(
        _ corrected: Int64, into draft: ChangeDraft, by caller: Caller
    ) async throws {
        try await query("SELECT h.id FROM change_log_head h FOR UPDATE")
        let rows = try await query(
            """
            SELECT c.entry, c.root_id, c.environment_id,
                   (SELECT n.id FROM change_log n WHERE n.corrects = c.id AND n.entry = 'change' LIMIT 1)
            FROM change_log c WHERE c.id = \(corrected)
            """)
        guard let row = rows.first else {
            throw BerthError.invalid("/corrects", "there is no change \(corrected)")
        }
        let (entry, root, environmentID, newer) = try row.decode(
            String.self, Int64.self, Int64.self, Int64?.self)
        guard entry == "change" else {
            throw BerthError.invalid("/corrects", "is no change of its own: correct \(root)")
        }
        let base = try await change(corrected).draft
        if caller.manages(try await environment(id: environmentID)) {
            if draft.environment != base.environment {
                let target = try await record(draft, by: caller, now: base.occurredAt)
                guard caller.manages(try await environment(id: target.environmentID)) else {
                    throw BerthError.forbidden(
                        "a change is moved to \(draft.environment) by who manages both "
                            + "environments: ask an admin")
                }
            }
        } else {
            try base.requireWords(draft, by: caller)
        }
        if let newer {
            throw BerthError.illegalMove(
                "change \(corrected) was corrected already: correct \(newer)")
        }
    }

    /// Under the head's lock, so that what is reviewed is what stands. Throws `.notFound`, `.forbidden` for who
    /// does not manage the environment and for who made or logged the change, `.illegalMove`.
    func requireReviewable(_ id: Int64, by caller: Caller) async throws {
        try await query("SELECT h.id FROM change_log_head h FOR UPDATE")
        let change = try await change(id)
        // A name in use is one token's: the caller's, where no other had it after the entry.
        let rows = try await query(
            """
            WITH RECURSIVE chain AS (
                SELECT c.id, c.corrects, c.actor, c.recorded_by, c.recorded_at
                FROM change_log c WHERE c.id = (SELECT s.root_id FROM change_log s WHERE s.id = \(id))
                UNION ALL
                SELECT c.id, c.corrects, c.actor, c.recorded_by, c.recorded_at
                FROM chain k JOIN change_log c ON c.id = k.corrects)
            SELECT (SELECT s.environment_id FROM change_log s WHERE s.id = \(id)),
                   EXISTS (SELECT FROM chain k JOIN tokens t ON t.id = \(caller.tokenID)
                           WHERE \(caller.since) < k.recorded_at
                             AND (k.actor = t.name OR (k.corrects IS NULL AND k.recorded_by = t.name))),
                   (SELECT n.id FROM change_log n
                    WHERE n.entry = 'change'
                      AND n.corrects = (SELECT s.root_id FROM change_log s WHERE s.id = \(id)) LIMIT 1)
            """)
        let (environmentID, isOwn, newer) = try rows[rows.startIndex].decode(
            Int64.self, Bool.self, Int64?.self)
        guard caller.manages(try await environment(id: environmentID)) else {
            throw BerthError.forbidden("a change is reviewed by the managers of its environment")
        }
        guard !isOwn else {
            throw BerthError.forbidden(
                "\(caller.name) made or logged change \(id): another manager of its environment, "
                    + "or an admin, reviews it")
        }
        guard change.control != .controlled else {
            throw BerthError.illegalMove("change \(id) was controlled: there is nothing to review")
        }
        if let newer {
            throw BerthError.illegalMove(
                "change \(id) was corrected by \(newer): review that one")
        }
    }
}

extension ChangeDraft {
    /// Throws `.forbidden` for a correction that says more than a member of the team may, or by nobody of it.
    fileprivate func requireWords(_ correction: ChangeDraft, by caller: Caller) throws(BerthError) {
        guard let team, team == caller.team else {
            throw .forbidden("another team's change is corrected by a manager of \(environment)")
        }
        let differences = [
            ("environment", correction.environment != environment),
            ("occurredAt", correction.occurredAt != occurredAt),
            ("actor", correction.actor != actor), ("team", correction.team != team),
            ("kind", correction.kind != kind), ("emergency", correction.emergency != emergency),
        ].filter(\.1).map(\.0)
        guard differences.isEmpty else {
            throw .forbidden(
                "\(differences.joined(separator: ", ")) of a change \(differences.count == 1 ? "is" : "are") "
                    + "corrected by a manager of \(environment); its team corrects summary, component, "
                    + "version and ticket: leave the rest out")
        }
    }
}
