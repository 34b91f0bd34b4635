import BerthCore
import Postgres

extension BerthDatabase {
    /// What sheets and calendars can name: every environment and every team. One scan of each.
    public func knownNames() async throws -> KnownNames {
        try await translatingErrors {
            let environments = try await client.query(
                "SELECT key, name, time_zone, status = 'retired' FROM environments")
            let teams = try await client.query("SELECT name FROM teams WHERE merged_into IS NULL")
            return KnownNames(
                environments: try environments.map {
                    try $0.decode(String.self, String.self, String.self, Bool.self)
                },
                teams: try teams.map { try $0.decode(String.self) })
        }
    }
}
