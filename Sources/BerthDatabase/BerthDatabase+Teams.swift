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
                WHERE (\(page.after)::text IS NULL OR name > \(page.after)) AND merged_into IS NULL
                ORDER BY name LIMIT \(page.limit + 1)
                """)
            return Listing(try rows.map(Team.init), limit: page.limit, position: \.name)
        }
    }

    /// The team of that name, or that a team of that name became. Throws `.notFound`.
    public func team(named name: String) async throws -> Team {
        try await translatingErrors { try await client.team(named: name) }
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

    /// Edits a team. A former name leads to it from then on; an edit that changes nothing makes no version. Throws
    /// `.notFound`, `.stale`, `.alreadyExists`.
    public func updateTeam(
        named name: String, expecting version: Int, by caller: Caller, now: Date, dryRun: Bool,
        _ change: @Sendable (Team) throws -> TeamDraft
    ) async throws -> Team {
        let updated = try await decide(dryRun: dryRun) { transaction in
            let seen = try await transaction.team(named: name)
            let draft = try change(seen)
            if draft.name != seen.name {
                try await transaction.query("SELECT lock_team(\(seen.id))")
            }
            let team = try await transaction.lockedTeam(seen.id)
            guard team.version == version else { throw BerthError.stale(current: team.version) }
            if draft.name != team.name {
                try await transaction.query(
                    "SELECT rename_team(\(team.id), \(draft.name), \(caller.name), \(now))")
            }
            try await transaction.query(
                """
                UPDATE teams SET colour = \(draft.colour), contact = \(draft.contact), updated_at = \(now)
                WHERE id = \(team.id)
                  AND (colour, contact) IS DISTINCT FROM (\(draft.colour), \(draft.contact))
                """)
            return try await transaction.lockedTeam(team.id)
        }
        teams.forgetAll()
        return updated
    }

    /// Makes a team one with another: all that it has becomes the other's, and its name leads there. Returns the other.
    /// Throws `.notFound`, `.invalid`, and `.conflict` when a window that holds on the other's environments would meet
    /// what stands on those that come to it. Cost: writes all bookings that the team ever made.
    public func mergeTeam(
        named name: String, into other: String, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (Team) throws -> KeptAnswer
    ) async throws -> Once<Team> {
        let merged = try await explainingStandingBookings {
            try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
                let team = try await transaction.team(named: name)
                guard let into = try await transaction.knownTeamID(other) else {
                    throw BerthError.invalid("/into", try await transaction.unknownTeam(other))
                }
                guard into != team.id else {
                    throw BerthError.invalid("/into", "is the team itself: name another")
                }
                try await transaction.query(
                    "SELECT merge_teams(\(team.id), \(into), \(caller.name), \(now))")
                return try await transaction.lockedTeam(into)
            }
        }
        teams.forgetAll()
        return merged
    }
}

extension PostgresQuerying {
    fileprivate func team(named name: String) async throws -> Team {
        let rows = try await query(
            """
            SELECT t.id, t.name, t.colour, t.contact, t.version FROM teams t WHERE t.id = team_id(\(name))
            """)
        guard let row = rows.first else { throw BerthError.notFound("no team \(name)") }
        return try Team(row)
    }
}

extension PostgresTransaction {
    fileprivate func lockedTeam(_ id: Int64) async throws -> Team {
        let rows = try await query(
            """
            SELECT t.id, t.name, t.colour, t.contact, t.version FROM teams t WHERE t.id = \(id)
            FOR NO KEY UPDATE
            """)
        return try Team(rows[rows.startIndex])
    }

    /// The id of a team, whatever the case of its name. One that nobody made is made by an admin's mention, and refused to
    /// others.
    func teamID(_ name: String, pointer: String, by caller: Caller, now: Date) async throws -> Int64
    {
        if let id = try await knownTeamID(name) { return id }
        guard caller.role == .admin, caller.createsTeams else {
            let remedy =
                caller.role == .admin
                ? "--create-teams makes it" : "ask an admin to make it, or name another"
            throw BerthError.invalid(pointer, "\(try await unknownTeam(name)); \(remedy)")
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

    fileprivate func knownTeamID(_ name: String) async throws -> Int64? {
        try await query("SELECT t.id FROM teams t WHERE t.id = team_id(\(name))").first?
            .decode(Int64.self)
    }

    /// Says that there is no team of a name, and which one was probably meant.
    fileprivate func unknownTeam(_ name: String) async throws -> String {
        let names = try await query(
            "SELECT name FROM teams WHERE merged_into IS NULL ORDER BY name LIMIT \(Limits.namesCompared)"
        )
        let nearest = name.nearest(among: try names.map { try $0.decode(String.self) })
        return "there is no team \(name)\(nearest.map { ": is \($0) meant?" } ?? "")"
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
