import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Mappings, the newest first.
    public func mappings(_ page: Page) async throws -> Listing<Mapping> {
        let before = try page.id()
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT \(unescaped: Mapping.columnList) FROM mappings m WHERE \(before)::bigint IS NULL OR m.id < \(before)
                ORDER BY m.id DESC LIMIT \(page.limit + 1)
                """)
            return Listing(
                try rows.map(Mapping.init), limit: page.limit, position: { String($0.id) })
        }
    }

    /// The mapping of that number. Throws `.notFound`.
    public func mapping(_ id: Int64) async throws -> Mapping {
        try await translatingErrors {
            let rows = try await client.query(
                "SELECT \(unescaped: Mapping.columnList) FROM mappings m WHERE m.id = \(id)")
            guard let row = rows.first else { throw BerthError.notFound("no mapping \(id)") }
            return try Mapping(row)
        }
    }

    /// Makes a mapping, and logs the events that waited for it. Throws `.invalid`, `.alreadyExists`,
    /// `.forbidden` for who manages neither the environment nor the team, or takes another's name.
    public func createMapping(
        _ mapping: Mapping, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?,
        keep: @Sendable (Mapping) throws -> KeptAnswer
    ) async throws -> Once<Mapping> {
        try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
            var mapping = mapping
            var environmentID: Int64?
            var teamID: Int64?
            if mapping.kind == .environment {
                let found = try await transaction.query(
                    "SELECT e.id FROM environments e WHERE e.key = \(mapping.target)")
                environmentID = try found.first?.decode(Int64.self)
                guard environmentID != nil else {
                    throw BerthError.invalid(
                        "/environment", "there is no environment \(mapping.target)")
                }
            } else {
                teamID = try await transaction.teamID(
                    mapping.target, pointer: "/team", by: caller, now: now)
            }
            try await transaction.requireMapper(
                environmentID: environmentID, team: teamID == nil ? nil : mapping.target, by: caller
            )
            try await transaction.requireFreeName(
                mapping, environmentID: environmentID, teamID: teamID, by: caller)
            let rows = try await transaction.query(
                """
                INSERT INTO mappings (source, kind, name, environment_id, team_id, created_at, created_by)
                VALUES (\(mapping.source), \(mapping.kind.rawValue), \(mapping.name), \(environmentID),
                        \(teamID), \(now), \(caller.name))
                RETURNING id
                """)
            mapping.id = try rows[rows.startIndex].decode(Int64.self)
            if mapping.kind == .environment {
                let waiting = try await transaction.query(
                    """
                    SELECT s.id FROM source_events s
                    WHERE s.change_id IS NULL AND s.report ->> 'environmentName' = \(mapping.name)
                      AND (\(mapping.source)::text IS NULL OR s.source = \(mapping.source))
                    ORDER BY s.id LIMIT \(Limits.eventsPerBatch) FOR UPDATE
                    """)
                _ = try await transaction.logEvents(
                    waiting.map { try $0.decode(Int64.self) }, now: now)
            }
            return mapping
        }
    }

    /// Removes a mapping; what was logged by it stays. Throws `.notFound`, `.forbidden`.
    public func deleteMapping(_ id: Int64, by caller: Caller, now: Date, dryRun: Bool) async throws
    {
        try await decide(dryRun: dryRun) { transaction in
            let rows = try await transaction.query(
                """
                DELETE FROM mappings m WHERE m.id = \(id)
                RETURNING m.environment_id, (SELECT t.name FROM teams t WHERE t.id = m.team_id)
                """)
            guard let row = rows.first else { throw BerthError.notFound("no mapping \(id)") }
            let (environmentID, team) = try row.decode(Int64?.self, String?.self)
            try await transaction.requireMapper(
                environmentID: environmentID, team: team, by: caller)
        }
    }
}

extension PostgresTransaction {
    /// Throws `.forbidden` for who manages neither the environment nor the team that a name is to stand for.
    fileprivate func requireMapper(
        environmentID: Int64?, team: String?, by caller: Caller
    ) async throws {
        if let environmentID {
            let environment = try await environment(id: environmentID)
            guard caller.manages(environment) else {
                throw BerthError.forbidden(
                    "names of \(environment.key) are mapped by who manages it")
            }
        }
        if let team, !caller.manages(team: team) {
            throw BerthError.forbidden("names of \(team) are mapped by its managers and by admins")
        }
    }

    /// Throws `.forbidden` when the name is another's: a mapping of it to what the caller does not manage, or
    /// the key of such an environment.
    fileprivate func requireFreeName(
        _ mapping: Mapping, environmentID: Int64?, teamID: Int64?, by caller: Caller
    ) async throws {
        let rows = try await query(
            """
            SELECT m.environment_id, (SELECT t.name FROM teams t WHERE t.id = m.team_id)
            FROM mappings m
            WHERE m.kind = \(mapping.kind.rawValue) AND m.name = \(mapping.name)
              AND (m.source IS NULL OR \(mapping.source)::text IS NULL OR m.source = \(mapping.source))
              AND (m.environment_id IS DISTINCT FROM \(environmentID)
                   OR m.team_id IS DISTINCT FROM \(teamID))
            UNION ALL
            SELECT e.id, NULL FROM environments e
            WHERE \(mapping.kind.rawValue) = 'environment' AND e.key = \(mapping.name)
              AND e.id <> \(environmentID)
            """)
        for row in rows {
            let (environmentID, team) = try row.decode(Int64?.self, String?.self)
            try await requireMapper(environmentID: environmentID, team: team, by: caller)
        }
    }
}

extension Mapping {
    fileprivate static let columnList = """
        m.id, m.source, m.kind, m.name,
        coalesce((SELECT e.key FROM environments e WHERE e.id = m.environment_id),
                 (SELECT t.name FROM teams t WHERE t.id = m.team_id))
        """

    fileprivate init(_ row: PostgresRow) throws {
        let (id, source, kind, name, target) = try row.decode(
            Int64.self, String?.self, String.self, String.self, String.self)
        self.init(
            id: id, source: source, kind: Kind(rawValue: kind) ?? .environment, name: name,
            target: target)
    }
}
