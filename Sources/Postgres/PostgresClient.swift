import Logging
import ServiceLifecycle

/// A pool of connections to one PostgreSQL, or to whichever of several hosts is up.
///
/// It works from the moment it is made: it connects when it is asked to do something. `run()`
/// belongs into a service group, which through it closes the connections in the end.
public final class PostgresClient: Sendable {
    let pool: ConnectionPool

    /// Connects to nothing yet. Throws a ``PostgresError`` of kind `configuration` if libpq cannot
    /// read the connection string.
    public init(configuration: PostgresConfiguration, logger: Logger) throws {
        pool = try ConnectionPool(configuration: configuration, logger: logger)
    }

    /// How busy the pool is now.
    public var poolStatus: PostgresPoolStatus {
        get async { await pool.status }
    }

    /// Runs one statement on any connection.
    ///
    /// `deadline` counts from this call and includes waiting for a connection; the default is the
    /// configuration's `queryTimeout`. Throws `poolTimeout` or `connectionFailed` if there was no
    /// connection, `deadlineExceeded` if there was no answer in time, `connectionLost` if it broke,
    /// `server` if the server refused; `CancellationError` if the task was cancelled. An
    /// `outcomeUnknown` statement may have taken effect. Costs one round trip.
    @discardableResult
    public func query(
        _ query: PostgresQuery, deadline: Duration? = nil
    ) async throws -> PostgresRows {
        try await pool.query(query, deadline: deadline)
    }

    /// Lends a connection to `body`. It is closed if it comes back in a transaction.
    public nonisolated(nonsending) func withConnection<Value>(
        _ body: nonisolated(nonsending) (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let connection = try await pool.leaseConnection()
        do {
            let value = try await body(connection)
            await pool.release(connection.session)
            return value
        } catch {
            await pool.release(connection.session)
            throw error
        }
    }

    /// Runs `body` in a transaction (READ COMMITTED) and commits it; rolls back if `body` throws or
    /// the task is cancelled.
    ///
    /// A serialisation failure or a deadlock (40001, 40P01) makes it run again, within `retries`:
    /// what `body` does besides must bear that. If it is not known whether the commit took effect
    /// the error says `outcomeUnknown`, and nothing is repeated. Costs a round trip for each
    /// statement and one for the commit.
    public nonisolated(nonsending) func transaction<Value>(
        retries: RetryPolicy = .default,
        _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        var attempts = 1
        while true {
            do {
                return try await attempt(body)
            } catch let error as PostgresError where error.isSerializationFailure {
                guard attempts < retries.maxAttempts else { throw error }
                try await Task.sleep(for: retries.pause(after: attempts))
                attempts += 1
            }
        }
    }

    private nonisolated(nonsending) func attempt<Value>(
        _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        let transaction = try await pool.leaseTransaction()
        do {
            let value = try await body(transaction)
            try await pool.commitAndRelease(transaction)
            return value
        } catch {
            await pool.rollBackAndRelease(transaction)
            throw error
        }
    }
}

extension PostgresClient: Service {
    /// Waits until it is told to shut down (or cancelled), then lets what is under way finish,
    /// within `shutdownTimeout`, and closes all connections. Afterwards everything throws
    /// `shutDown`.
    public func run() async throws {
        try? await gracefulShutdown()
        await pool.shutDown()
    }
}

extension ConnectionPool {
    func query(_ query: PostgresQuery, deadline: Duration?) async throws -> PostgresRows {
        let instant = ContinuousClock.now + (deadline ?? configuration.queryTimeout)
        let session = try await lease(until: instant)
        defer { release(session) }
        return try await session.query(query, lease: session.beginLease(), deadline: instant)
    }

    func leaseConnection() async throws -> PostgresConnection {
        let session = try await lease(until: .now + configuration.acquireLimit)
        return PostgresConnection(session: session, lease: session.beginLease())
    }

    func leaseTransaction() async throws -> PostgresTransaction {
        let session = try await lease(until: .now + configuration.acquireLimit)
        let transaction = PostgresTransaction(session: session, lease: session.beginLease())
        session.openTransaction()
        return transaction
    }

    /// Leaves the connection with the caller if the commit fails, for it to roll back.
    func commitAndRelease(_ transaction: PostgresTransaction) async throws {
        try await transaction.session.commit(lease: transaction.lease)
        release(transaction.session)
    }

    func rollBackAndRelease(_ transaction: PostgresTransaction) async {
        await transaction.session.rollBack(lease: transaction.lease)
        release(transaction.session)
    }
}
