/// What is sent to the server up to one synchronisation point, and what comes back for it.
///
/// Its statements are one implicit transaction, unless an explicit one is open.
struct Exchange {
    enum Work {
        case queries([PostgresQuery])
        /// Several statements by the simple protocol, which cannot be pipelined.
        case script(String)
        case deallocate(name: String)
    }

    /// Where it stands to an explicit transaction of this client.
    enum Scope {
        case none
        /// The first of a transaction, which has `BEGIN` in front of it.
        case opening
        case transaction
        case commit
    }

    /// What the server answers, in this order.
    enum Step {
        case prepare(StatementCache.Key)
        /// The key is missing if the statement is not a prepared one.
        case execute(StatementCache.Key?)
    }

    typealias Continuation = CheckedContinuation<[PostgresRows], any Error>

    let number: UInt64
    let work: Work
    let scope: Scope
    let continuation: Continuation?
    var deadline: ContinuousClock.Instant
    var steps: [Step] = []
    var stepsDone = 0
    var results: [PostgresRows] = []
    var failure: PostgresError?
    /// Its task was cancelled.
    var isCancelled = false
    /// It ran beyond its deadline.
    var isTimedOut = false
    var cancellationWasRequested = false
    var isSecondAttempt = false

    /// If no answer comes: whether it may have taken effect nevertheless.
    var mayHaveTakenEffect: Bool {
        switch scope {
        case .none, .commit: true
        case .opening, .transaction: false
        }
    }

    /// Nobody wants it any more.
    var isToEnd: Bool { isCancelled || isTimedOut }

    var isScript: Bool {
        if case .script = work { true } else { false }
    }

    /// Answers the caller once the server has answered.
    func resume() {
        guard let continuation else { return }
        if let failure {
            let wasEnded = failure.sqlState == "57014"
            if wasEnded, isCancelled {
                continuation.resume(throwing: CancellationError())
            } else {
                let timedOut = wasEnded && isTimedOut
                continuation.resume(
                    throwing: timedOut ? PostgresError(.deadlineExceeded) : failure)
            }
        } else if isTimedOut {
            // It ended all the same; but a commit that was cancelled may be known to no standby.
            var late = PostgresError(.deadlineExceeded)
            late.outcomeUnknown = mayHaveTakenEffect
            continuation.resume(throwing: late)
        } else {
            continuation.resume(returning: results)
        }
    }

    /// Answers the caller when the server will not, because of `reason`.
    func fail(_ reason: PostgresError, wasSent: Bool) {
        // What the server did answer counts, though the synchronisation is missing.
        if let failure, failure.kind == .server { return resume() }
        var error = failure ?? reason
        error.outcomeUnknown = wasSent && mayHaveTakenEffect
        let wasCancelled = isCancelled && error.kind == .deadlineExceeded
        continuation?.resume(throwing: wasCancelled ? CancellationError() : error)
    }

    /// The same once more, as it was before `BEGIN` joined it.
    func secondAttempt() -> Exchange {
        var work = work
        if scope == .opening, case .queries(let queries) = work {
            work = .queries(Array(queries.dropFirst()))
        }
        var again = Exchange(
            number: number, work: work, scope: scope == .opening ? .transaction : scope,
            continuation: continuation, deadline: deadline)
        again.isSecondAttempt = true
        return again
    }
}
