import BerthCore
import ServiceLifecycle
import Synchronization

/// The requests that wait for something to change, so many at once.
final class Patience: Sendable {
    private let places: Int
    private let taken = Mutex(0)

    /// With room for so many.
    init(places: Int = Limits.waitsTogether) {
        self.places = places
    }

    /// What the body waits for; nil without having waited when all places are taken, and nil when the server
    /// stops, which nobody who waits may delay.
    func hold<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        guard enter() else { return nil }
        defer { taken.withLock { $0 -= 1 } }
        do {
            return try await cancelWhenGracefulShutdown(body)
        } catch is CancellationError where !Task.isCancelled {
            return nil
        }
    }

    private func enter() -> Bool {
        taken.withLock { taken in
            guard taken < places else { return false }
            taken += 1
            return true
        }
    }
}
