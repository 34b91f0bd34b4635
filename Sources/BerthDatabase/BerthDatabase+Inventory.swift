import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// What is installed in an environment, as last seen. Throws `.notFound`.
    public func inventory(_ key: String) async throws -> Inventory {
        try await translatingErrors {
            let environment = try await environment(key)
            let seen = try await client.query(
                "SELECT i.observed_at FROM inventories i WHERE i.environment_id = \(environment.id)"
            )
            let rows = try await client.query(
                """
                SELECT i.component, i.component_version FROM inventory_components i
                WHERE i.environment_id = \(environment.id)
                """)
            let components = try rows.map { try $0.decode(String.self, String.self) }
            return Inventory(
                environment: key, observedAt: try seen.first?.decode(Date.self),
                components: Dictionary(components, uniquingKeysWith: { $1 }))
        }
    }

    /// Takes a snapshot, and gives its differences from the last one. Throws `.notFound`,
    /// `.forbidden` for who neither answers for the environment nor reports for others, and `.illegalMove` for one that is not newer than the last. Cost: one pass over the components.
    public func observe(
        _ inventory: Inventory, at observedAt: Date, by caller: Caller, now: Date, dryRun: Bool
    ) async throws -> [InventoryDifference] {
        let components = inventory.components.sorted { $0.key < $1.key }
        let environment = try await environment(inventory.environment)
        return try await decide(dryRun: dryRun) { transaction in
            try await transaction.environment(id: environment.id).requireObserver(caller)
            let rows = try await transaction.query(
                """
                SELECT o.component, o.version_from, o.version_to, o.explained_by, o.settles_at
                FROM observe_inventory(
                    \(environment.id), \(components.map(\.key)), \(components.map(\.value)),
                    \(observedAt), \(now), \(caller.name),
                    make_interval(secs => \(Double(Limits.settlingSeconds)))) o
                """)
            return try rows.map { row in
                var columns = row.columns
                return InventoryDifference(
                    component: try columns.next(), from: try columns.next(), to: try columns.next(),
                    explainedBy: try columns.next(), settlesAt: try columns.next())
            }
        }
    }

    /// Logs the differences that nothing explained within their settling time.
    func settleDrifts(now: Date) async throws {
        var settled = Self.mostDrifts
        while settled == Self.mostDrifts {
            let rows = try await client.query("SELECT settle_drifts(\(now), \(Self.mostDrifts))")
            settled = try rows.first?.decode(Int.self) ?? 0
        }
    }

    private static let mostDrifts = 200
}

extension TestEnvironment {
    /// Who is believed of what is installed: else a stranger could hide a drift, or make one up.
    fileprivate func requireObserver(_ caller: Caller) throws(BerthError) {
        guard caller.reports || caller.manages(self) || ownerTeam == nil || ownerTeam == caller.team
        else {
            throw .forbidden(
                "\(key) is observed by its team, its managers, and tokens made to report (reports: true)"
            )
        }
    }
}
