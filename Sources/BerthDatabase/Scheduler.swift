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
///
/// A batch waits for no lock. A request whose environment somebody else has locked is tried again with the next
/// batches for a moment, then steps aside: the first for each environment waits for the lock on a connection of its
/// own, and those behind it come back in their order of arrival once it is decided (docs/decisions/0023).
public actor Scheduler {
    /// The most requests in one transaction, and the most that wait.
    private static let mostTogether = 64
    private static let mostWaiting = 4_096
    /// How often a batch is tried again after a deadlock or a serialization failure.
    private static let mostAttempts = 4
    /// How long a busy environment is tried again before its requests step aside.
    private static let patience = Duration.milliseconds(50)
    /// The pause before a batch that could decide nothing is tried again.
    private static let pause = Duration.milliseconds(5)
    /// How long a request waits for locks, all in all.
    private static let mostPatience = Duration.seconds(5)
    /// The most connections that wait for locks.
    private static let mostHeads = 4

    private struct Waiting {
        var number: UInt64
        var request: BookingRequest
        var since: ContinuousClock.Instant
        /// Since when its environments are found locked.
        var busySince: ContinuousClock.Instant?
        var answer: CheckedContinuation<BookingOutcome, any Error>

        var environments: [Int64] { request.environments.map(\.id) }
    }

    private let client: PostgresClient
    private var count: UInt64 = 0
    /// In order of arrival.
    private var waiting: Deque<Waiting> = []
    /// Those that stepped aside, in order of arrival.
    private var aside: [Waiting] = []
    /// How many that stepped aside, or wait for the locks, need each environment.
    private var asideNeeds: [Int64: Int] = [:]
    /// The environments of those that wait for the locks.
    private var heads: [UInt64: [Int64]] = [:]
    private var isDeciding = false

    init(client: PostgresClient) {
        self.client = client
    }

    /// Decides one request, first come first served for each environment. Throws `.unavailable` when too many
    /// wait, and when somebody keeps what it needs locked.
    func decide(_ request: BookingRequest) async throws -> BookingOutcome {
        guard waiting.count + aside.count < Self.mostWaiting else {
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
        return try await withCheckedThrowingContinuation { continuation in
            count += 1
            let arrived = Waiting(
                number: count, request: request, since: .now, busySince: nil, answer: continuation)
            if arrived.environments.contains(where: { asideNeeds[$0] != nil }) {
                stepAside(arrived)
                sendHeads()
            } else {
                waiting.append(arrived)
                decideWaiting()
            }
        }
    }

    /// How many requests are not decided yet, but for those of the batch under way.
    var undecided: Int { waiting.count + aside.count + heads.count }

    // MARK: Batches

    private func decideWaiting() {
        guard !isDeciding, !waiting.isEmpty else { return }
        isDeciding = true
        Task { await decideUntilNoneWait() }
    }

    private func decideUntilNoneWait() async {
        while !waiting.isEmpty {
            let batch = nextBatch()
            let busy = await decideTogether(batch)
            keep(busy)
            // All wait for somebody else: asked again at once, they would only keep the database busy.
            if busy.count == batch.count { try? await Task.sleep(for: Self.pause) }
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

    /// Answers those that can be decided; gives back the others.
    private func decideTogether(_ batch: [Waiting], isAlone: Bool = false) async -> [Waiting] {
        do {
            let outcomes = try await run(BookingBatch(requests: batch.map(\.request), waits: false))
            var busy: [Waiting] = []
            for (waiting, outcome) in zip(batch, outcomes) {
                if case .busy = outcome {
                    busy.append(waiting)
                } else {
                    waiting.answer.resume(returning: outcome)
                }
            }
            return busy
        } catch let error as PostgresError where error.isOfOneStatement && batch.count > 1 {
            // One request broke the statement for all: each is decided alone.
            var busy: [Waiting] = []
            for waiting in batch {
                busy += await decideTogether([waiting], isAlone: isAlone)
            }
            return busy
        } catch {
            for waiting in batch { waiting.answer.resume(throwing: error) }
            // One that waited for locks alone says nothing of the others.
            if !isAlone { refuseWaiting(after: error) }
            return []
        }
    }

    private func run(_ batch: BookingBatch) async throws -> [BookingOutcome] {
        var attempt = 1
        while true {
            do {
                return try batch.outcomes(await client.query(batch.query))
            } catch let error as PostgresError
                where error.mayFareBetterAgain && attempt < Self.mostAttempts
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

    // MARK: Stepping aside

    /// Takes back those whose environments are locked by somebody: to the front for a moment, then aside.
    private func keep(_ busy: [Waiting]) {
        let now = ContinuousClock.now
        for var waiting in busy.reversed() {
            let busySince = waiting.busySince ?? now
            waiting.busySince = busySince
            self.waiting.prepend(waiting)
        }
        let stuck = busy.contains { now - ($0.busySince ?? now) >= Self.patience }
        guard stuck else { return }
        // All that need what is stuck go aside, those that came meanwhile too, or they would overtake.
        let (aside, others) = waiting.split { waiting in
            now - (waiting.busySince ?? now) >= Self.patience
        }
        waiting = Deque(others)
        for waiting in aside { stepAside(waiting) }
        let (behind, free) = waiting.split { waiting in
            waiting.environments.contains { asideNeeds[$0] != nil }
        }
        waiting = Deque(free)
        for waiting in behind { stepAside(waiting) }
        sendHeads()
    }

    private func stepAside(_ waiting: Waiting) {
        let index = aside.firstIndex { $0.number > waiting.number } ?? aside.endIndex
        aside.insert(waiting, at: index)
        for environment in waiting.environments { asideNeeds[environment, default: 0] += 1 }
    }

    private func comeBack(_ waiting: Waiting) {
        for environment in waiting.environments {
            let needs = (asideNeeds[environment] ?? 1) - 1
            asideNeeds[environment] = needs > 0 ? needs : nil
        }
    }

    /// Lets the first for each environment wait for its locks.
    private func sendHeads() {
        var taken = Set(heads.values.joined())
        var index = aside.startIndex
        while index < aside.endIndex, heads.count < Self.mostHeads {
            let next = aside[index]
            if taken.isDisjoint(with: next.environments) {
                aside.remove(at: index)
                heads[next.number] = next.environments
                Task { await waitForLocks(next) }
            } else {
                index += 1
            }
            taken.formUnion(next.environments)
        }
    }

    /// Waits, holding nothing, until what is in its way is unlocked; decides it; and brings those behind it back. What
    /// it waits for is one thing after the other: each time it is tried as a batch is, which waits for no lock, or it
    /// would hold what it has got while it waits for the rest.
    private func waitForLocks(_ head: Waiting) async {
        let end = head.since + Self.mostPatience
        var isBusy = true
        while isBusy {
            let left = end - .now
            guard left > .zero,
                (try? await client.query(
                    "SELECT await_locks(\(head.environments))", deadline: left)) != nil
            else {
                head.answer.resume(throwing: BerthError.unavailable(retryAfterSeconds: 1))
                break
            }
            isBusy = await !decideTogether([head], isAlone: true).isEmpty
        }
        heads[head.number] = nil
        comeBack(head)
        // Those who stood behind it are tried together; who has waited too long is told.
        let now = ContinuousClock.now
        let released = Set(head.environments)
        var held = Set(heads.values.joined())
        var stay: [Waiting] = []
        var back: [Waiting] = []
        for var waiting in aside {
            if now - waiting.since >= Self.mostPatience {
                comeBack(waiting)
                waiting.answer.resume(throwing: BerthError.unavailable(retryAfterSeconds: 1))
            } else if !released.isDisjoint(with: waiting.environments),
                held.isDisjoint(with: waiting.environments)
            {
                comeBack(waiting)
                waiting.busySince = nil
                back.append(waiting)
            } else {
                held.formUnion(waiting.environments)
                stay.append(waiting)
            }
        }
        aside = stay
        waiting = Deque((back + waiting).sorted { $0.number < $1.number })
        sendHeads()
        decideWaiting()
    }
}

extension Deque {
    /// Those that meet a condition, and the others, each in their order.
    fileprivate func split(_ isFirst: (Element) -> Bool) -> ([Element], [Element]) {
        (filter(isFirst).map(\.self), filter { !isFirst($0) }.map(\.self))
    }
}

extension PostgresError {
    /// Whether another statement may fare better at once: the database is there and answered.
    fileprivate var isOfOneStatement: Bool {
        switch kind {
        case .server, .decoding, .encoding, .transactionAborted, .unsupported: true
        case .deadlineExceeded: !outcomeUnknown
        case .connectionFailed, .connectionLost, .poolTimeout, .shutDown, .configuration: false
        }
    }

    /// A deadlock, a serialization failure, or an id that a hand gave to another booking meanwhile.
    fileprivate var mayFareBetterAgain: Bool {
        ["40001", "40P01"].contains(sqlState) || constraintName == "bookings_pkey"
    }
}
