/// What runs a query: the client on any connection, a connection, or a transaction that is under way.
public protocol PostgresQuerying: Sendable {
    /// Runs one statement and gives all its rows. Throws ``PostgresError``.
    @discardableResult
    func query(_ query: PostgresQuery, deadline: Duration?) async throws -> PostgresRows
}

extension PostgresQuerying {
    /// Runs one statement within the client's usual deadline.
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresRows {
        try await self.query(query, deadline: nil)
    }
}

extension PostgresClient: PostgresQuerying {}
extension PostgresConnection: PostgresQuerying {}
extension PostgresTransaction: PostgresQuerying {}
