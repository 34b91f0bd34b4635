import DequeModule
import Logging

/// The connections of one client, and who waits for them.
///
/// A connection is leased to one caller at a time. Callers wait in line, for a bounded time and in
/// a bounded number; a connection that comes back goes to the first of them. A line that does not move
/// is given up sooner than one that does.
@PollLoop
final class ConnectionPool {
    private struct Waiter {
        let number: UInt64
        let since: ContinuousClock.Instant
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<Session, any Error>
    }

    private enum State {
        case running
        case shuttingDown
    }

    let configuration: PostgresConfiguration
    let connector: Connector
    let logger: Logger

    private var state = State.running
    /// The most recently used last: it is the next to be used, so that spare ones stay idle.
    private var idle: [Session] = []
    private var leased: [ObjectIdentifier: Session] = [:]
    private var connecting = 0
    private var waiters = Deque<Waiter>()
    private var waiterCount: UInt64 = 0
    private var waited = Duration.zero
    private var lastOffer = ContinuousClock.now
    private var alarm = DeadlineAlarm()
    private var backoff: ReconnectBackoff
    private var lastFailure: PostgresError?
    private var emptied: CheckedContinuation<Void, Never>?
    private var listeners: [UInt64: Task<Void, Never>] = [:]

    nonisolated init(configuration: PostgresConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        connector = try Connector(configuration: configuration)
        backoff = ReconnectBackoff(configuration: configuration)
    }

    var status: PostgresPoolStatus {
        PostgresPoolStatus(
            open: idle.count + leased.count, idle: idle.count, leased: leased.count,
            waiting: waiters.count, waits: waiterCount, waited: waited)
    }

    // MARK: Leasing

    /// An idle connection, or the first that becomes free before `deadline`.
    func lease(until deadline: ContinuousClock.Instant) async throws -> Session {
        guard state == .running else { throw Self.shutDownError }
        try Task.checkCancellation()
        while let session = idle.popLast() {
            if session.isReusable {
                leased[ObjectIdentifier(session)] = session
                return session
            }
            session.close(PostgresError(.connectionLost))
        }
        guard waiters.count < configuration.maxWaiters else {
            throw PostgresError(.poolTimeout, "\(waiters.count) callers are waiting already")
        }
        return try await wait(until: deadline)
    }

    private func wait(until deadline: ContinuousClock.Instant) async throws -> Session {
        waiterCount += 1
        let number = waiterCount
        let begunAt = ContinuousClock.now
        defer { waited += .now - begunAt }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let waiter = Waiter(
                    number: number, since: .now, deadline: deadline, continuation: continuation)
                waiters.append(waiter)
                setAlarm(at: patience(of: waiter))
                grow()
            }
        } onCancel: {
            Task { @PollLoop in stopWaiting(number) }
        }
    }

    private func stopWaiting(_ number: UInt64) {
        guard let index = waiters.firstIndex(where: { $0.number == number }) else { return }
        waiters.remove(at: index).continuation.resume(throwing: CancellationError())
    }

    /// When it gives up, unless the line moves before.
    private func patience(of waiter: Waiter) -> ContinuousClock.Instant {
        configuration.patience(since: waiter.since, lastOffer: lastOffer, deadline: waiter.deadline)
    }

    private func setAlarm(at deadline: ContinuousClock.Instant) {
        alarm.set(at: deadline) { [weak self] instant in self?.deadlinePassed(at: instant) }
    }

    private func deadlinePassed(at instant: ContinuousClock.Instant) {
        guard alarm.hasRung(at: instant) else { return }
        let now = ContinuousClock.now
        for waiter in waiters where patience(of: waiter) <= now {
            // If no connection can be made, that is why none became free.
            let timeout = PostgresError(.poolTimeout, "no connection became free in time")
            waiter.continuation.resume(throwing: lastFailure ?? timeout)
        }
        waiters.removeAll { patience(of: $0) <= now }
        if let next = waiters.lazy.map(patience).min() { setAlarm(at: next) }
    }

    // MARK: Giving back

    /// Takes a connection back. One that is not fit for the next caller is closed: above all one
    /// that is still in a transaction.
    func release(_ session: Session) {
        session.endLease()
        guard leased.removeValue(forKey: ObjectIdentifier(session)) != nil else { return }
        if state == .running, session.isReusable {
            offer(session)
        } else {
            if session.isInTransaction {
                logger.error("A connection was given back in a transaction, and was closed")
            }
            session.close(PostgresError(.connectionLost, "its scope had ended"))
            grow()
        }
        checkIfEmptied()
    }

    private func offer(_ session: Session) {
        lastOffer = .now
        if let waiter = waiters.popFirst() {
            leased[ObjectIdentifier(session)] = session
            waiter.continuation.resume(returning: session)
        } else {
            idle.append(session)
        }
    }

    private func isClosed(_ session: Session) {
        idle.removeAll { $0 === session }
        grow()
    }

    // MARK: Connecting

    /// Connects for those who wait, as far as the limit allows; after a failure one at a time, and
    /// not before the backoff is over.
    private func grow() {
        while state == .running, connecting < waiters.count,
            idle.count + leased.count + connecting < configuration.maxConnections,
            !backoff.isActive || connecting == 0
        {
            if let pause = backoff.pause() {
                PollLoop.executor.schedule(at: pause) { [weak self] in self?.grow() }
                return
            }
            connecting += 1
            Task { await connect() }
        }
    }

    private func connect() async {
        do {
            let handle = try await connector.connect()
            connecting -= 1
            backoff.succeeded()
            lastFailure = nil
            add(Session(handle: handle, configuration: configuration))
        } catch {
            connecting -= 1
            backoff.failed()
            lastFailure = error as? PostgresError
            logger.warning(
                "Connecting to PostgreSQL failed",
                metadata: ["reason": "\(lastFailure?.serverMessage ?? "\(error)")"])
        }
        grow()
        checkIfEmptied()
    }

    private func add(_ session: Session) {
        guard state == .running else { return session.close(Self.shutDownError) }
        session.onClose = { [weak self, weak session] in
            if let session { self?.isClosed(session) }
        }
        offer(session)
    }

    // MARK: Shutting down

    /// Refuses new callers and those who wait, closes idle connections, waits for those in use as
    /// long as the configuration allows, and closes what is left.
    func shutDown() async {
        guard state == .running else { return }
        state = .shuttingDown
        for waiter in waiters { waiter.continuation.resume(throwing: Self.shutDownError) }
        waiters = []
        for listener in listeners.values { listener.cancel() }
        for session in idle { session.close(Self.shutDownError) }
        if !leased.isEmpty {
            PollLoop.executor.schedule(at: .now + configuration.shutdownTimeout) { [weak self] in
                self?.closeLeased()
            }
            await withCheckedContinuation { emptied = $0 }
        }
    }

    private func closeLeased() {
        for session in leased.values { session.close(Self.shutDownError) }
        leased = [:]
        checkIfEmptied()
    }

    private func checkIfEmptied() {
        guard leased.isEmpty, let continuation = emptied else { return }
        emptied = nil
        continuation.resume()
    }

    private static var shutDownError: PostgresError {
        PostgresError(.shutDown, "the client is shutting down")
    }

    // MARK: Listeners

    /// Runs `task` until it ends or the pool shuts down.
    func addListener(_ task: Task<Void, Never>) {
        guard state == .running else { return task.cancel() }
        waiterCount += 1
        let number = waiterCount
        listeners[number] = task
        Task {
            await task.value
            listeners[number] = nil
        }
    }
}
