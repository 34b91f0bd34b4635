import BerthCore
import Postgres
import Synchronization

/// The ids of teams. A team's name is for ever, so what was read once stays true.
final class TeamCache: Sendable {
    private static let mostEntries = 10_000

    private let ids = Mutex<[String: Int64]>([:])

    /// The id of a team, or nil when there is none of that name.
    func id(_ name: String, from client: PostgresClient) async throws -> Int64? {
        if let id = ids.withLock({ $0[name] }) { return id }
        let rows = try await client.query("SELECT id FROM teams WHERE name = \(name)")
        guard let id = try rows.first?.decode(Int64.self) else { return nil }
        ids.withLock { ids in
            if ids.count >= Self.mostEntries { ids.removeAll() }
            ids[name] = id
        }
        return id
    }
}
