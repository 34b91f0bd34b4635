import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Teams by name.
    public func teams(_ page: Page) async throws -> Listing<Team> {
        try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT id, name, colour, contact, version FROM teams
                WHERE \(page.after)::text IS NULL OR name > \(page.after)
                ORDER BY name LIMIT \(page.limit + 1)
                """)
            return Listing(try rows.map(Team.init), limit: page.limit, position: \.name)
        }
    }

    /// The team of that name. Throws `.notFound`.
    public func team(named name: String) async throws -> Team {
        try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT id, name, colour, contact, version FROM teams WHERE lower(name) = lower(\(name))
                """)
            guard let row = rows.first else { throw BerthError.notFound("no team \(name)") }
            return try Team(row)
        }
    }

    /// Makes a team. Throws `.alreadyExists`.
    public func createTeam(
        _ draft: TeamDraft, now: Date, dryRun: Bool, idempotency: IdempotencyKey?,
        keep: @Sendable (Team) throws -> KeptAnswer
    ) async throws -> Once<Team> {
        try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
            let rows = try await transaction.query(
                """
                INSERT INTO teams (name, colour, contact, created_at, updated_at)
                VALUES (\(draft.name), \(draft.colour), \(draft.contact), \(now), \(now))
                RETURNING id, name, colour, contact, version
                """)
            return try Team(rows[rows.startIndex])
        }
    }

    /// Edits a team. Throws `.notFound`, `.stale`.
    public func updateTeam(
        named name: String, expecting version: Int, now: Date, dryRun: Bool,
        _ change: @Sendable (Team) throws -> TeamDraft
    ) async throws -> Team {
        try await decide(dryRun: dryRun) { transaction in
            let rows = try await transaction.query(
                """
                SELECT id, name, colour, contact, version FROM teams WHERE lower(name) = lower(\(name))
                FOR NO KEY UPDATE
                """)
            guard let row = rows.first else { throw BerthError.notFound("no team \(name)") }
            let team = try Team(row)
            guard team.version == version else { throw BerthError.stale(current: team.version) }
            let draft = try change(team)
            let updated = try await transaction.query(
                """
                UPDATE teams SET colour = \(draft.colour), contact = \(draft.contact), updated_at = \(now)
                WHERE id = \(team.id)
                RETURNING id, name, colour, contact, version
                """)
            return try Team(updated[updated.startIndex])
        }
    }
}

extension PostgresTransaction {
    /// The id of a team, whatever the case of its name. One that nobody made is made by an admin's mention, and refused to
    /// others.
    func teamID(_ name: String, pointer: String, by caller: Caller, now: Date) async throws -> Int64
    {
        if let id = try await knownTeamID(name) { return id }
        guard caller.role == .admin, caller.createsTeams else {
            throw BerthError.invalid(pointer, try await unknownTeam(name, caller))
        }
        // Somebody may make it at the same moment.
        try await query(
            """
            INSERT INTO teams (name, created_at, updated_at) VALUES (\(name), \(now), \(now))
            ON CONFLICT DO NOTHING
            """)
        guard let id = try await knownTeamID(name) else {
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
        return id
    }

    private func knownTeamID(_ name: String) async throws -> Int64? {
        try await query("SELECT id FROM teams WHERE lower(name) = lower(\(name))").first?
            .decode(Int64.self)
    }

    /// Says that there is no team of a name, which one was probably meant, and what to do.
    private func unknownTeam(_ name: String, _ caller: Caller) async throws -> String {
        let names = try await query(
            "SELECT name FROM teams ORDER BY name LIMIT \(Limits.namesCompared)")
        let nearest = name.nearest(among: try names.map { try $0.decode(String.self) })
        let remedy =
            caller.role == .admin
            ? "--create-teams makes it" : "ask an admin to make it, or name another"
        return "there is no team \(name)\(nearest.map { ": is \($0) meant?" } ?? ""); \(remedy)"
    }
}

extension Team {
    init(_ row: PostgresRow) throws {
        var columns = row.columns
        self.init(
            id: try columns.next(), name: try columns.next(), colour: try columns.next(),
            contact: try columns.next(), version: try columns.next())
    }
}
