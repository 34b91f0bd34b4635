import Postgres

/// Conditions of a `WHERE`, each with its one bound value, joined by `AND`.
struct BoundConditions {
    private var conditions: [String] = []
    private var binds: [any PostgresEncodable] = []

    /// Adds `opening $n close`.
    mutating func add(_ opening: String, _ value: any PostgresEncodable, close: String = "") {
        binds.append(value)
        conditions.append("\(opening) $\(binds.count)\(close)")
    }

    /// The whole statement.
    func query(select: String, suffix: String) -> PostgresQuery {
        let condition = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        return PostgresQuery("\(select)\(condition) \(suffix)", binds: binds)
    }
}
