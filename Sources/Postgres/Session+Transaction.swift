import CLibPQ

extension Session {
    /// Starts a transaction, which sends nothing yet.
    func openTransaction() {
        transaction = .unopened
    }

    /// Commits, which from here on cannot be cancelled.
    ///
    /// A transaction of which a statement failed answers `COMMIT` with `ROLLBACK` and no error:
    /// that is an error here, as the caller must not believe otherwise.
    func commit(lease: UInt64) async throws {
        try Task.checkCancellation()
        switch transaction {
        case .none, .unopened: return
        case .opening, .open: break
        case .failed: throw PostgresError(.transactionAborted, "it could not be opened")
        }
        let results = try await performShielded(
            .queries(["COMMIT"]), lease: lease, scope: .commit,
            deadline: instant(after: nil))
        transaction = .none
        guard results.first?.result.commandTag == "COMMIT" else {
            throw PostgresError(.transactionAborted, "a statement of it had failed")
        }
    }

    /// Undoes what was done. If that fails the connection is closed, which undoes it as well.
    func rollBack(lease: UInt64) async {
        guard isOpen, transaction == .open || transaction == .opening || isInTransaction else {
            return
        }
        do {
            _ = try await performShielded(
                .queries(["ROLLBACK"]), lease: lease, scope: .none,
                deadline: instant(after: min(queryTimeout, .seconds(1))))
        } catch {
            close(PostgresError(.connectionLost, "its transaction could not be rolled back"))
        }
        transaction = .none
    }
}
