import CLibPQ

extension Session {
    /// The loop found the socket ready.
    func isReady(_ readiness: Readiness) {
        if !readiness.isDisjoint(with: .read) { read() }
        if readiness.contains(.write) { flush() }
    }

    private func read() {
        guard let handle else { return }
        let isAlive = PQconsumeInput(handle.pointer) == 1
        receiveNotifications(handle)
        receiveResults()
        if !isAlive { close(PostgresError(.connectionLost)) }
    }

    private func receiveNotifications(_ handle: ConnectionHandle) {
        while let notification = PQnotifies(handle.pointer) {
            defer { PQfreemem(notification) }
            onNotification?(
                .notification(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra)))
        }
    }

    private func receiveResults() {
        var wasEnd = false
        while let handle, !inFlight.isEmpty, PQisBusy(handle.pointer) == 0 {
            if let pointer = PQgetResult(handle.pointer) {
                wasEnd = false
                receive(QueryResult(owning: pointer))
            } else if inFlight[0].isScript {
                finishScript(handle)
            } else if wasEnd {
                // One null pointer ends a statement's results. Two mean that libpq expects
                // nothing more, while this session does.
                return close(PostgresError(.connectionLost, "libpq lost track of the pipeline"))
            } else {
                wasEnd = true
            }
        }
    }

    private func receive(_ result: QueryResult) {
        switch result.status {
        case PGRES_PIPELINE_SYNC:
            finish(inFlight.removeFirst())
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            stepSucceeded(result)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            inFlight[0].failure = PostgresError(.unsupported, "COPY")
            close(PostgresError(.connectionLost, "a statement ahead of it was COPY"))
        default:
            stepFailed(result)
        }
    }

    private func stepSucceeded(_ result: QueryResult) {
        guard !inFlight[0].isScript else { return }
        if case .execute = nextStep() {
            inFlight[0].results.append(PostgresRows(result: result))
        }
    }

    private func stepFailed(_ result: QueryResult) {
        // After an error the rest of a pipeline is skipped, and says only that.
        if inFlight[0].failure == nil, result.status != PGRES_PIPELINE_ABORTED {
            inFlight[0].failure = result.error
        }
        guard !inFlight[0].isScript else { return }
        switch nextStep() {
        case .prepare(let key):
            statements.remove(key, deallocate: false)
        case .execute(let key?) where result.status != PGRES_PIPELINE_ABORTED:
            if let failure = inFlight[0].failure, failure.isStaleStatement {
                statements.remove(key, deallocate: failure.sqlState != "26000")
            }
        case .execute, nil:
            break
        }
    }

    private func nextStep() -> Exchange.Step? {
        let index = inFlight[0].stepsDone
        inFlight[0].stepsDone += 1
        return index < inFlight[0].steps.count ? inFlight[0].steps[index] : nil
    }

    private func finishScript(_ handle: ConnectionHandle) {
        let exchange = inFlight.removeFirst()
        guard PQenterPipelineMode(handle.pointer) == 1 else {
            exchange.resume()
            return close(PostgresError(.connectionLost, "libpq refused pipeline mode"))
        }
        finish(exchange)
    }

    // MARK: Whole exchanges

    private func finish(_ exchange: Exchange) {
        if exchange.scope == .opening {
            transaction = isInTransaction ? .open : .failed
        }
        if case .deallocate(let name) = exchange.work {
            let isGone = exchange.failure.map { $0.sqlState == "26000" } ?? true
            if isGone { statements.confirmDeallocation(of: name) }
        } else if exchange.isToEnd, isCancelling {
            held = exchange
        } else {
            answer(exchange)
        }
        requestCancellation()
        sendWaiting()
    }

    private func answer(_ exchange: Exchange) {
        if exchange.scope == .opening { return answerOpening(exchange) }
        let mayRepeat =
            exchange.scope == .none && !exchange.isSecondAttempt && !exchange.isToEnd
            && !isInTransaction
        if mayRepeat, let failure = exchange.failure, failure.isStaleStatement {
            start(exchange.secondAttempt())
        } else {
            exchange.resume()
        }
    }

    /// Takes away what `BEGIN` returned. A stale statement that opened a transaction is sent again
    /// as well: nothing else has happened in it.
    private func answerOpening(_ exchange: Exchange) {
        var exchange = exchange
        if let failure = exchange.failure, failure.isStaleStatement, !exchange.isSecondAttempt,
            !exchange.isToEnd, transaction == .open
        {
            start(
                Exchange(
                    number: 0, work: .queries(["ROLLBACK"]), scope: .none, continuation: nil,
                    deadline: exchange.deadline))
            transaction = .unopened
            return start(exchange.secondAttempt())
        }
        exchange.results = Array(exchange.results.dropFirst())
        exchange.resume()
    }

    // MARK: Cancelling

    /// How long a cancelled statement may go on before its connection is given up.
    private static let cancellationTimeout = Duration.seconds(1)

    /// The task of an exchange was cancelled.
    func cancel(_ number: UInt64) {
        if let index = waiting.firstIndex(where: { $0.number == number }) {
            waiting.remove(at: index).continuation?.resume(throwing: CancellationError())
        } else if let index = inFlight.firstIndex(where: { $0.number == number }) {
            let deadline = ContinuousClock.now + Self.cancellationTimeout
            inFlight[index].isCancelled = true
            inFlight[index].deadline = min(inFlight[index].deadline, deadline)
            setAlarm(at: inFlight[index].deadline)
            requestCancellation()
        }
    }

    /// Cancels what runs beyond its deadline: told that it did not happen, the caller knows more than that no
    /// answer came.
    func timeOutRunning(at now: ContinuousClock.Instant) {
        guard let running = inFlight.first, running.deadline <= now,
            !running.isCancelled, !running.isTimedOut
        else { return }
        inFlight[0].isTimedOut = true
        for index in inFlight.indices {
            inFlight[index].deadline = max(
                inFlight[index].deadline, now + Self.cancellationTimeout)
        }
        requestCancellation()
    }

    /// Cancels what the server is running, if that is to be cancelled; what was sent behind it
    /// has to wait until it runs, as a request names no statement.
    private func requestCancellation() {
        guard let handle, !isCancelling, let running = inFlight.first, running.isToEnd,
            !running.cancellationWasRequested
        else { return }
        inFlight[0].cancellationWasRequested = true
        isCancelling = true
        QueryCancellation.send(for: handle) { [weak self] in self?.cancellationArrived() }
    }

    private func cancellationArrived() {
        isCancelling = false
        if let exchange = held {
            held = nil
            answer(exchange)
        }
        requestCancellation()
        sendWaiting()
    }
}
