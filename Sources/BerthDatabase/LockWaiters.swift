import BerthCore
import DequeModule

/// Environments that somebody else keeps locked; nothing was done.
struct EnvironmentsLocked: Error {
    var environments: Set<Int64>
}

/// Those who wait for locks that did not come at once: few at a time, since each takes a connection, and one for each
/// environment, so that a stuck one takes one place. First come, first served.
actor LockWaiters {
    /// How long a decision waits for a lock at first; in its turn, once what stood in its way is unlocked; and for
    /// that, or for a lock that is no environment's.
    static let moment = Duration.milliseconds(50)
    static let turn = Duration.seconds(2)
    static let patience = Duration.milliseconds(4_500)
    /// How long it waits for its turn.
    private static let mostPatience = Duration.seconds(10)
    /// What stands for locks that are no environment's: no environment has this number.
    static let otherLocks: Set<Int64> = [0]
    private static let places = 4
    private static let mostWaiting = 1_024

    private struct Waiter {
        var number: UInt64
        var environments: Set<Int64>
        var turn: CheckedContinuation<Void, any Error>
        var alarm: Task<Void, Never>
    }

    /// How many have waited so far.
    private(set) var count: UInt64 = 0
    private var inside: [UInt64: Set<Int64>] = [:]
    private var waiting: Deque<Waiter> = []

    /// Runs `body` when it is its turn. Throws `.unavailable` when that does not come in time.
    nonisolated func takingTurns<Value: Sendable>(
        for environments: Set<Int64>, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let number = try await enter(environments)
        do {
            let value = try await body()
            await leave(number)
            return value
        } catch {
            await leave(number)
            throw error
        }
    }

    private func enter(_ environments: Set<Int64>) async throws -> UInt64 {
        guard waiting.count < Self.mostWaiting else {
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
        count += 1
        let number = count
        try await withCheckedThrowingContinuation { turn in
            // Bounds the wait; cancelled as soon as it is its turn.
            let alarm = Task {
                do {
                    try await Task.sleep(for: Self.mostPatience)
                    giveUp(number)
                } catch {}
            }
            waiting.append(
                Waiter(number: number, environments: environments, turn: turn, alarm: alarm))
            admit()
        }
        return number
    }

    private func leave(_ number: UInt64) {
        inside[number] = nil
        admit()
    }

    private func admit() {
        // Nobody overtakes who came earlier for one of its environments: who needs many would never be alone.
        var taken = Set(inside.values.joined())
        var index = waiting.startIndex
        while index < waiting.endIndex, inside.count < Self.places {
            let waiter = waiting[index]
            if taken.isDisjoint(with: waiter.environments) {
                waiting.remove(at: index)
                inside[waiter.number] = waiter.environments
                waiter.alarm.cancel()
                waiter.turn.resume()
            } else {
                index += 1
            }
            taken.formUnion(waiter.environments)
        }
    }

    private func giveUp(_ number: UInt64) {
        guard let index = waiting.firstIndex(where: { $0.number == number }) else { return }
        waiting.remove(at: index).turn
            .resume(throwing: BerthError.unavailable(retryAfterSeconds: 1))
        admit()
    }
}
