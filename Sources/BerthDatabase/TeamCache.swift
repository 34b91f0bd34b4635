import BerthCore
import Postgres
import Synchronization

/// Teams by name, whatever its case. A name leads to the same team for ever, or to the one that it became: what is
/// booked by an old entry is moved there later.
final class TeamCache: Sendable {
    private static let mostEntries = 10_000

    /// A team as it was made.
    private struct Entry {
        var id: Int64
        var name: String
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// The id of a team, or nil when there is none of that name.
    func id(_ name: String, from client: PostgresClient) async throws -> Int64? {
        try await entry(name, from: client)?.id
    }

    /// A team's name as it is written now; a name that no team has stays as it is.
    func name(_ name: String, from client: PostgresClient) async throws -> String {
        try await entry(name, from: client)?.name ?? name
    }

    private func entry(_ name: String, from client: PostgresClient) async throws -> Entry? {
        if let known = entries.withLock({ $0[name] }) { return known }
        let rows = try await client.query(
            "SELECT t.id, t.name FROM teams t WHERE t.id = team_id(\(name))")
        guard let row = rows.first else { return nil }
        let (id, made) = try row.decode(Int64.self, String.self)
        let entry = Entry(id: id, name: made)
        entries.withLock { entries in
            if entries.count >= Self.mostEntries { entries.removeAll() }
            entries[name] = entry
        }
        return entry
    }

    /// Has all read again when next asked for.
    func forgetAll() {
        entries.withLock { $0.removeAll() }
    }
}
