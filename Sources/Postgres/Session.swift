import CLibPQ
import DequeModule

/// One connection to the server, and what is under way on it.
///
/// It stays in libpq's pipeline mode: several exchanges may be in flight, and are answered in
/// order. Sending is in `Session+Sending.swift`, answers are in `Session+Receiving.swift`.
@PollLoop
final class Session {
    /// The life of an explicit transaction, which `BEGIN` joins to its first statement.
    enum TransactionState {
        case none
        case unopened
        /// `BEGIN` is in flight. Nothing may follow: did it fail, what follows would be committed.
        case opening
        case open
        /// It could not be opened.
        case failed
    }

    /// `nil` once closed.
    private(set) var handle: ConnectionHandle?
    let queryTimeout: Duration
    var inFlight = Deque<Exchange>()
    /// What cannot be sent yet, in order.
    var waiting = Deque<Exchange>()
    var statements: StatementCache
    var transaction = TransactionState.none
    /// A request to cancel is on its way. Until it has arrived nothing new is sent, or it might
    /// hit that instead.
    var isCancelling = false
    /// A cancelled exchange that is answered, and waits for its request to arrive.
    var held: Exchange?
    var watchesWrites = false
    var exchangeCount: UInt64 = 0

    /// Called for what `LISTEN` brings.
    var onNotification: ((PostgresNotification) -> Void)?
    /// Called once, when the connection is closed for whatever reason.
    var onClose: (() -> Void)?

    private let socket: Int32
    private var alarm = DeadlineAlarm()
    private var lease: UInt64 = 0

    init(handle: ConnectionHandle, configuration: PostgresConfiguration) {
        self.handle = handle
        socket = handle.socket
        queryTimeout = configuration.queryTimeout
        statements = StatementCache(capacity: configuration.statementCacheSize)
        PollLoop.executor.watch(socket) { [weak self] readiness in self?.isReady(readiness) }
    }

    isolated deinit {
        if handle != nil { PollLoop.executor.unwatch(socket) }
    }

    // MARK: Leases

    /// Starts a lease, which makes all earlier ones void.
    func beginLease() -> UInt64 {
        lease += 1
        transaction = .none
        return lease
    }

    func endLease() {
        lease += 1
        transaction = .none
    }

    /// Whether someone else may have the connection: open, out of transactions, nothing under way.
    var isReusable: Bool {
        guard let handle, inFlight.isEmpty, waiting.isEmpty, !isCancelling else { return false }
        return PQtransactionStatus(handle.pointer) == PQTRANS_IDLE
            && PQpipelineStatus(handle.pointer) == PQ_PIPELINE_ON
    }

    var isOpen: Bool { handle != nil }

    /// 0 once closed.
    var serverProcessID: Int { handle.map { Int(PQbackendPID($0.pointer)) } ?? 0 }

    /// Whether the server has an explicit transaction open; only exact when nothing is in flight.
    var isInTransaction: Bool {
        guard let handle else { return false }
        let status = PQtransactionStatus(handle.pointer)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    // MARK: Exchanges

    /// Sends an exchange and waits for its answer. Cancelling the task cancels the statement.
    func perform(
        _ work: Exchange.Work, lease: UInt64, scope: Exchange.Scope = .none,
        deadline: ContinuousClock.Instant
    ) async throws -> [PostgresRows] {
        try Task.checkCancellation()
        exchangeCount += 1
        let number = exchangeCount
        return try await withTaskCancellationHandler {
            try await submit(work, lease: lease, scope: scope, deadline: deadline, number: number)
        } onCancel: {
            Task { @PollLoop in cancel(number) }
        }
    }

    /// The same, not to be stopped by cancelling the task.
    func performShielded(
        _ work: Exchange.Work, lease: UInt64, scope: Exchange.Scope,
        deadline: ContinuousClock.Instant
    ) async throws -> [PostgresRows] {
        exchangeCount += 1
        return try await submit(
            work, lease: lease, scope: scope, deadline: deadline, number: exchangeCount)
    }

    private func submit(
        _ work: Exchange.Work, lease: UInt64, scope: Exchange.Scope,
        deadline: ContinuousClock.Instant, number: UInt64
    ) async throws -> [PostgresRows] {
        guard lease == self.lease else {
            throw PostgresError(.shutDown, "the connection was used after its scope had ended")
        }
        guard isOpen else { throw PostgresError(.connectionLost) }
        if case .queries(let queries) = work,
            let failure = queries.lazy.compactMap(\.parameters.failure).first
        {
            throw failure
        }
        return try await withCheckedThrowingContinuation { continuation in
            start(
                Exchange(
                    number: number, work: work, scope: scope, continuation: continuation,
                    deadline: deadline))
        }
    }

    // MARK: Deadlines

    func setAlarm(at deadline: ContinuousClock.Instant) {
        alarm.set(at: deadline) { [weak self] instant in self?.deadlinePassed(at: instant) }
    }

    private func deadlinePassed(at instant: ContinuousClock.Instant) {
        guard alarm.hasRung(at: instant), let handle else { return }
        let now = ContinuousClock.now
        timeOutRunning(at: now)
        let sent = inFlight.map(\.deadline) + [held?.deadline].compactMap(\.self)
        if sent.contains(where: { $0 <= now }) {
            // What is running is of no use to anyone any more, and neither is its connection: an
            // answer may come at any time, or never.
            QueryCancellation.send(for: handle) {}
            return close(PostgresError(.connectionLost, "a statement ahead passed its deadline"))
        }
        for exchange in waiting where exchange.deadline <= now {
            exchange.fail(PostgresError(.deadlineExceeded), wasSent: false)
        }
        waiting.removeAll { $0.deadline <= now }
        if let next = (sent + waiting.map(\.deadline)).min() { setAlarm(at: next) }
    }

    // MARK: The end

    /// Closes the connection and fails whatever is under way. Takes effect once.
    func close(_ reason: PostgresError) {
        guard let handle else { return }
        let now = ContinuousClock.now
        func reasonFor(_ exchange: Exchange) -> PostgresError {
            exchange.deadline <= now ? PostgresError(.deadlineExceeded) : reason
        }
        PollLoop.executor.unwatch(socket)
        self.handle = nil
        held?.resume()
        for exchange in inFlight { exchange.fail(reasonFor(exchange), wasSent: true) }
        for exchange in waiting { exchange.fail(reasonFor(exchange), wasSent: false) }
        held = nil
        inFlight = []
        waiting = []
        onNotification = nil
        onClose?()
        onClose = nil
        // `PQfinish` says goodbye, but does not wait: the socket is non-blocking.
        withExtendedLifetime(handle) {}
    }
}
