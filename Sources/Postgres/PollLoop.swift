/// The actor on which all of libpq is used: one thread, one epoll loop for the whole process.
///
/// A `PGconn` may be used by one thread at a time, and sockets, deadlines and the pool's queues
/// all change together; so they share one executor, and need no lock among themselves. A query
/// costs one hop to this loop and one back. Nothing that can block may run here: connecting and
/// cancelling, for which libpq blocks, have threads of their own.
@globalActor
actor PollLoop {
    static let shared = PollLoop()

    /// Lives as long as the process, as its thread does: an executor that could stop would leave
    /// jobs that are never run.
    static let executor = PollExecutor()

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        Self.executor.asUnownedSerialExecutor()
    }

    /// Runs `operation` here and now; traps when not on the loop's thread.
    ///
    /// What `MainActor.assumeIsolated` does, which Swift does not offer to other global actors.
    /// The cast drops only the isolation from the function's type, and that was just checked.
    nonisolated static func assumeIsolated<Value: Sendable>(
        _ operation: @PollLoop () throws -> Value
    ) rethrows -> Value {
        typealias Unisolated = () throws -> Value
        shared.preconditionIsolated()
        return try withoutActuallyEscaping(operation) { isolated in
            try unsafeBitCast(isolated, to: Unisolated.self)()
        }
    }
}
