/// A connection that the caller has for itself, until the scope that gave it ends. Kept longer, it
/// throws a ``PostgresError`` of kind `shutDown`.
///
/// Several tasks may use it at once: their statements are in flight together, and are answered in
/// order. But a deadline that passes, or a task that is cancelled, can then hit its neighbours.
public struct PostgresConnection: Sendable {
    let session: Session
    let lease: UInt64

    /// Runs one statement.
    ///
    /// `deadline` counts from this call; the default is the configuration's `queryTimeout`. When
    /// it passes, this throws `deadlineExceeded` at once, and the connection is closed. When the
    /// task is cancelled, the statement is cancelled too, and this throws `CancellationError`.
    /// Costs one round trip, even the first time.
    @discardableResult
    public func query(
        _ query: PostgresQuery, deadline: Duration? = nil
    ) async throws -> PostgresRows {
        try await session.query(query, lease: lease, deadline: session.instant(after: deadline))
    }

    /// The process that serves it, as it said when the connection was made: another one than the server's where a
    /// pooler stands between.
    public var serverProcessID: Int {
        get async { await session.serverProcessID }
    }

    /// Runs several statements in one round trip: all or nothing, unless a transaction is open
    /// already. Throws the first error; the statements behind it were not run.
    @discardableResult
    public func pipeline(
        _ queries: [PostgresQuery], deadline: Duration? = nil
    ) async throws -> [PostgresRows] {
        try await session.perform(
            .queries(queries), lease: lease, deadline: session.instant(after: deadline))
    }

    /// Runs the statements of an SQL file; they are one transaction unless they say otherwise.
    /// What they return is dropped. An error's `position` counts from the start of `sql`.
    public func script(_ sql: String, deadline: Duration? = nil) async throws {
        _ = try await session.perform(
            .script(sql), lease: lease, deadline: session.instant(after: deadline))
    }
}

/// A transaction that is under way. Valid until the closure that got it returns.
public struct PostgresTransaction: Sendable {
    let session: Session
    let lease: UInt64

    /// Runs one statement of the transaction; see ``PostgresConnection/query(_:deadline:)``. The
    /// first one takes `BEGIN` along in the same round trip.
    @discardableResult
    public func query(
        _ query: PostgresQuery, deadline: Duration? = nil
    ) async throws -> PostgresRows {
        try await session.query(
            query, lease: lease, scope: .transaction, deadline: session.instant(after: deadline))
    }

    /// Runs several statements of the transaction in one round trip. Throws the first error.
    @discardableResult
    public func pipeline(
        _ queries: [PostgresQuery], deadline: Duration? = nil
    ) async throws -> [PostgresRows] {
        try await session.perform(
            .queries(queries), lease: lease, scope: .transaction,
            deadline: session.instant(after: deadline))
    }
}

extension Session {
    /// When a statement that is started now has to be done.
    nonisolated func instant(after deadline: Duration?) -> ContinuousClock.Instant {
        .now + (deadline ?? queryTimeout)
    }

    /// Runs one statement.
    func query(
        _ query: PostgresQuery, lease: UInt64, scope: Exchange.Scope = .none,
        deadline: ContinuousClock.Instant
    ) async throws -> PostgresRows {
        let results = try await perform(
            .queries([query]), lease: lease, scope: scope, deadline: deadline)
        guard let rows = results.first else { throw PostgresError(.connectionLost) }
        return rows
    }
}
