import Logging

/// Keeps a connection that listens, and makes a new one when it breaks.
@PollLoop
struct Listener {
    let channels: [String]
    let pool: ConnectionPool
    let continuation: AsyncStream<PostgresNotification>.Continuation

    /// How often a silent connection is asked whether it is still there.
    var pingInterval = Duration.seconds(15)

    func run() async {
        var backoff = ReconnectBackoff(configuration: pool.configuration)
        while !Task.isCancelled {
            do {
                let session = try await connect()
                defer { session.close(PostgresError(.shutDown)) }
                backoff.succeeded()
                try await keepAlive(session)
            } catch {
                backoff.failed()
                if Task.isCancelled { return }
                pool.logger.warning("Listening failed", metadata: ["reason": "\(error)"])
            }
            if let pause = backoff.pause() { try? await Task.sleep(until: pause) }
        }
    }

    private func connect() async throws -> Session {
        let handle = try await pool.connector.connect()
        let session = Session(handle: handle, configuration: pool.configuration)
        session.onNotification = { [continuation] in Self.yield($0, to: continuation) }
        let queries: [PostgresQuery] = channels.map { "LISTEN \(unescaped: Self.quoted($0))" }
        _ = try await session.perform(
            .queries(queries), lease: session.beginLease(), deadline: session.instant(after: nil))
        Self.yield(.connected, to: continuation)
        return session
    }

    /// Returns when the connection is closed or the task is cancelled; throws if the server does
    /// not answer any more.
    private func keepAlive(_ session: Session) async throws {
        let lease = session.beginLease()
        while session.isOpen, !Task.isCancelled {
            // A new stream each time: one whose reader was cancelled is finished for good.
            let closed = AsyncStream<Void>.makeStream()
            session.onClose = { closed.continuation.finish() }
            await Self.wait(for: closed.stream, atMost: pingInterval)
            guard session.isOpen, !Task.isCancelled else { return }
            _ = try await session.query(
                "SELECT 1", lease: lease, deadline: session.instant(after: nil))
        }
    }

    private nonisolated static func wait(for stream: AsyncStream<Void>, atMost: Duration) async {
        await withTaskGroup { group in
            group.addTask { for await _ in stream {} }
            group.addTask { try? await Task.sleep(for: atMost) }
            await group.next()
            group.cancelAll()
        }
    }

    private static func yield(
        _ notification: PostgresNotification,
        to continuation: AsyncStream<PostgresNotification>.Continuation
    ) {
        if case .dropped(.notification) = continuation.yield(notification) {
            continuation.yield(.connected)
        }
    }

    private static func quoted(_ identifier: String) -> String {
        "\"" + identifier.replacing("\"", with: "\"\"") + "\""
    }
}
