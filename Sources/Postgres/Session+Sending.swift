import CLibPQ

extension Session {
    /// Sends an exchange now, or as soon as what is ahead of it allows.
    func start(_ exchange: Exchange) {
        setAlarm(at: exchange.deadline)
        if waiting.isEmpty, canSend(exchange) {
            send(exchange)
        } else {
            waiting.append(exchange)
        }
    }

    /// Sends what had to wait.
    func sendWaiting() {
        while isOpen, let next = waiting.first, canSend(next) {
            waiting.removeFirst()
            send(next)
        }
    }

    private func canSend(_ exchange: Exchange) -> Bool {
        if isCancelling || transaction == .opening { return false }
        return inFlight.isEmpty || !(exchange.isScript || inFlight.last?.isScript == true)
    }

    private func send(_ exchange: Exchange) {
        guard let handle else {
            return exchange.fail(PostgresError(.connectionLost), wasSent: false)
        }
        if exchange.scope == .transaction, transaction != .open, transaction != .unopened {
            let error = PostgresError(.transactionAborted, "the transaction could not be opened")
            return exchange.fail(error, wasSent: false)
        }
        sendDeallocations(handle)
        var exchange = opened(exchange)
        let wasSent =
            switch exchange.work {
            case .queries(let queries): send(queries, &exchange.steps, handle)
            case .script(let sql): sendScript(sql, handle)
            case .deallocate(let name): sendDeallocation(of: name, &exchange.steps, handle)
            }
        inFlight.append(exchange)
        if wasSent {
            flush()
        } else {
            close(PostgresError(.connectionLost, "libpq could not send"))
        }
    }

    /// The exchange with `BEGIN` in front if it is the first of its transaction: one round trip
    /// less, and what fails to begin does not run, as both have one synchronisation point.
    private func opened(_ exchange: Exchange) -> Exchange {
        guard exchange.scope == .transaction, transaction == .unopened,
            case .queries(let queries) = exchange.work
        else { return exchange }
        transaction = .opening
        var opening = Exchange(
            number: exchange.number,
            work: .queries(["BEGIN ISOLATION LEVEL READ COMMITTED"] + queries),
            scope: .opening, continuation: exchange.continuation, deadline: exchange.deadline)
        opening.isSecondAttempt = exchange.isSecondAttempt
        return opening
    }

    private func send(
        _ queries: [PostgresQuery], _ steps: inout [Exchange.Step], _ handle: ConnectionHandle
    ) -> Bool {
        for query in queries {
            let wasSent =
                statements.isEnabled && !query.isPlannedAnew
                ? sendPrepared(query, &steps, handle) : sendUnprepared(query, &steps, handle)
            guard wasSent else { return false }
        }
        return PQpipelineSync(handle.pointer) == 1
    }

    private func sendPrepared(
        _ query: PostgresQuery, _ steps: inout [Exchange.Step], _ handle: ConnectionHandle
    ) -> Bool {
        let parameters = query.parameters
        let key = StatementCache.Key(sql: query.sql, types: parameters.types)
        let (name, isNew) = statements.find(key)
        if isNew {
            let count = Int32(parameters.count)
            guard PQsendPrepare(handle.pointer, name, query.sql, count, parameters.types) == 1
            else { return false }
            steps.append(.prepare(key))
        }
        steps.append(.execute(key))
        return parameters.withPointers { count, values, lengths, formats in
            PQsendQueryPrepared(handle.pointer, name, count, values, lengths, formats, 1) == 1
        }
    }

    private func sendUnprepared(
        _ query: PostgresQuery, _ steps: inout [Exchange.Step], _ handle: ConnectionHandle
    ) -> Bool {
        steps.append(.execute(nil))
        return query.parameters.withPointers { count, values, lengths, formats in
            PQsendQueryParams(
                handle.pointer, query.sql, count, query.parameters.types, values, lengths, formats,
                1) == 1
        }
    }

    private func sendScript(_ sql: String, _ handle: ConnectionHandle) -> Bool {
        PQexitPipelineMode(handle.pointer) == 1 && PQsendQuery(handle.pointer, sql) == 1
    }

    // MARK: Evicted statements

    /// Lets the server forget evicted statements, each in an exchange of its own: one that fails
    /// hurts nobody. Only out of transactions, which it would abort.
    private func sendDeallocations(_ handle: ConnectionHandle) {
        guard !statements.evicted.isEmpty, inFlight.isEmpty, transaction == .none,
            PQtransactionStatus(handle.pointer) == PQTRANS_IDLE
        else { return }
        for name in statements.evicted {
            var exchange = Exchange(
                number: 0, work: .deallocate(name: name), scope: .none, continuation: nil,
                deadline: .now + queryTimeout)
            if sendDeallocation(of: name, &exchange.steps, handle) { inFlight.append(exchange) }
        }
    }

    private func sendDeallocation(
        of name: String, _ steps: inout [Exchange.Step], _ handle: ConnectionHandle
    ) -> Bool {
        sendUnprepared("DEALLOCATE \(unescaped: name)", &steps, handle)
            && PQpipelineSync(handle.pointer) == 1
    }

    // MARK: Flushing

    /// Writes what the socket takes; the loop writes the rest when it takes more.
    func flush() {
        guard let handle else { return }
        switch PQflush(handle.pointer) {
        case 0: watchWrites(false)
        case 1: watchWrites(true)
        default: close(PostgresError(.connectionLost))
        }
    }

    private func watchWrites(_ watches: Bool) {
        guard watches != watchesWrites, let handle else { return }
        watchesWrites = watches
        PollLoop.executor.setWatchesWrites(handle.socket, watches)
    }
}
