import Postgres

/// Conditions of a `WHERE`, each with its bound values, joined by `AND`.
struct BoundConditions {
    private var conditions: [String] = []
    private var binds: [any PostgresEncodable] = []

    /// Adds `opening $n close`.
    mutating func add(_ opening: String, _ value: any PostgresEncodable, close: String = "") {
        binds.append(value)
        conditions.append("\(opening) $\(binds.count)\(close)")
    }

    /// Adds a condition without values.
    mutating func add(_ condition: String) {
        conditions.append(condition)
    }

    /// Adds a condition in which each `?` stands for one of the values, in order.
    mutating func add(_ condition: String, binding values: [any PostgresEncodable]) {
        var text = ""
        var rest = values[...]
        for character in condition {
            if character == "?", let value = rest.popFirst() {
                binds.append(value)
                text += "$\(binds.count)"
            } else {
                text.append(character)
            }
        }
        conditions.append(text)
    }

    /// A value that is used outside the conditions: its place, `$n`.
    mutating func bind(_ value: any PostgresEncodable) -> String {
        binds.append(value)
        return "$\(binds.count)"
    }

    /// The conditions so far, joined; `true` when there are none.
    var text: String {
        conditions.isEmpty ? "true" : conditions.joined(separator: " AND ")
    }

    /// A statement that repeats the conditions where it needs them.
    func query(_ statement: String) -> PostgresQuery {
        PostgresQuery("\(statement)", binds: binds)
    }

    /// The whole statement.
    func query(select: String, suffix: String) -> PostgresQuery {
        let condition = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        return PostgresQuery("\(select)\(condition) \(suffix)", binds: binds)
    }
}
