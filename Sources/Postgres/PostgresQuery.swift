/// One SQL statement and the values bound to it.
///
/// Interpolating a value binds it; it never becomes part of the SQL:
///
///     client.query("SELECT id FROM environment WHERE key = \(key) AND tier = \(tier)")
///
/// Statements are prepared once a connection, by their text: keep texts few by binding what varies.
public struct PostgresQuery: Sendable {
    /// The statement, with `$1`, `$2`, … where values are bound.
    public let sql: String

    let parameters: PostgresParameters
    /// Whether each run is planned for its own values; see ``plannedAnew()``.
    private(set) var isPlannedAnew = false

    /// The statement, planned for its values each time it is run. A statement that is prepared is planned for any
    /// values once it has run five times: right for most, and wrong where a rare value and a common one want
    /// different indexes. Costs the planning, about a millisecond.
    public func plannedAnew() -> PostgresQuery {
        var query = self
        query.isPlannedAnew = true
        return query
    }

    /// A statement with its values in the order of their numbers.
    public init(_ sql: String, binds: [any PostgresEncodable] = []) {
        var parameters = PostgresParameters()
        for value in binds { parameters.append(value) }
        self.init(sql: sql, parameters: parameters)
    }

    private init(sql: String, parameters: PostgresParameters) {
        self.sql = sql
        self.parameters = parameters
    }
}

extension PostgresQuery: ExpressibleByStringInterpolation {
    /// A statement without values.
    public init(stringLiteral value: String) {
        self.init(sql: value, parameters: PostgresParameters())
    }

    /// A statement put together from its pieces.
    public init(stringInterpolation: StringInterpolation) {
        self.init(sql: stringInterpolation.sql, parameters: stringInterpolation.parameters)
    }

    /// Puts a statement together.
    public struct StringInterpolation: StringInterpolationProtocol, Sendable {
        var sql = ""
        var parameters = PostgresParameters()

        /// Makes room for a statement.
        public init(literalCapacity: Int, interpolationCount: Int) {
            sql.reserveCapacity(literalCapacity + interpolationCount * 3)
        }

        /// Appends SQL as it was written.
        public mutating func appendLiteral(_ literal: String) {
            sql += literal
        }

        /// Binds a value to the next parameter. A value that cannot be encoded fails the query
        /// when it is run.
        public mutating func appendInterpolation(_ value: some PostgresEncodable) {
            parameters.append(value)
            sql += "$"
            sql += String(parameters.count)
        }

        /// Binds a value that may be missing, which is NULL.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            parameters.append(value)
            sql += "$"
            sql += String(parameters.count)
        }

        /// Appends a trusted piece of SQL as it is: never anything that a user typed.
        public mutating func appendInterpolation(unescaped piece: String) {
            sql += piece
        }
    }
}
