import BerthCore
import DequeModule
import Foundation
import Postgres

/// Decides bookings. Those that come in while a transaction commits are decided together by the next one:
/// that, not a faster driver, is what beats booking one by one (docs/decisions/0010).
///
/// One batch is under way at a time, in a task of its own, so that a caller that goes away cancels nobody
/// else's booking; more writing connections were slower. A request sees everything that was committed
/// before its batch took its locks.
public actor Scheduler {
    /// The most requests in one transaction, and the most that wait.
    private static let mostTogether = 64
    private static let mostWaiting = 4_096
    /// How often a batch is tried again after a deadlock or a serialization failure.
    private static let mostAttempts = 4

    private struct Waiting {
        var request: BookingRequest
        var answer: CheckedContinuation<BookingOutcome, any Error>
    }

    private let client: PostgresClient
    private var waiting: Deque<Waiting> = []
    private var isDeciding = false

    init(client: PostgresClient) {
        self.client = client
    }

    /// Decides one request, first come first served. Throws `.unavailable` when too many wait.
    func decide(_ request: BookingRequest) async throws -> BookingOutcome {
        guard waiting.count < Self.mostWaiting else {
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
        return try await withCheckedThrowingContinuation { continuation in
            waiting.append(Waiting(request: request, answer: continuation))
            if !isDeciding {
                isDeciding = true
                Task { await decideUntilNoneWait() }
            }
        }
    }

    private func decideUntilNoneWait() async {
        while !waiting.isEmpty {
            await decideTogether(nextBatch())
        }
        isDeciding = false
    }

    /// The next requests in order of arrival. A second one with the same key waits for the first.
    private func nextBatch() -> [Waiting] {
        var batch: [Waiting] = []
        var keys: Set<String> = []
        while batch.count < Self.mostTogether, let next = waiting.first {
            if let key = next.request.idempotency {
                guard keys.insert("\(key.tokenID) \(key.scope) \(key.key)").inserted else { break }
            }
            batch.append(waiting.removeFirst())
        }
        return batch
    }

    private func decideTogether(_ batch: [Waiting]) async {
        do {
            let outcomes = try await run(BookingBatch(requests: batch.map(\.request)))
            for (waiting, outcome) in zip(batch, outcomes) {
                waiting.answer.resume(returning: outcome)
            }
        } catch let error as PostgresError where error.isOfOneStatement && batch.count > 1 {
            // One request broke the statement for all: each is decided alone.
            for waiting in batch { await decideTogether([waiting]) }
        } catch {
            for waiting in batch { waiting.answer.resume(throwing: error) }
            refuseWaiting(after: error)
        }
    }

    private func run(_ batch: BookingBatch) async throws -> [BookingOutcome] {
        var attempt = 1
        while true {
            do {
                return try batch.outcomes(await client.query(batch.query))
            } catch let error as PostgresError
                where ["40001", "40P01"].contains(error.sqlState) && attempt < Self.mostAttempts
            {
                attempt += 1
            }
        }
    }

    /// When the database is away, who waits behind the failed batch is told at once: each batch would
    /// otherwise wait out its own deadline.
    private func refuseWaiting(after error: any Error) {
        guard let error = error as? PostgresError, !error.isOfOneStatement else { return }
        let refused = waiting
        waiting.removeAll()
        for waiting in refused {
            waiting.answer.resume(throwing: BerthError.unavailable(retryAfterSeconds: 1))
        }
    }
}

extension PostgresError {
    /// Whether another statement may fare better at once: the database is there and answered.
    fileprivate var isOfOneStatement: Bool {
        switch kind {
        case .server, .decoding, .encoding, .transactionAborted, .unsupported: true
        case .connectionFailed, .connectionLost, .deadlineExceeded, .poolTimeout, .shutDown,
            .configuration:
            false
        }
    }
}
