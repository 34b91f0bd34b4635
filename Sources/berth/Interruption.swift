import Synchronization
import UnixSignals

/// Whether somebody asked a long command to stop (Ctrl-C, or SIGTERM): it finishes the transaction that is under way,
/// and says what was done. Who asks twice does not wait for that either.
final class Interruption: Sendable {
    private let asked = Atomic(false)

    /// Whether it is to stop.
    var isAsked: Bool { asked.load(ordering: .relaxed) }

    /// Runs what can be stopped.
    func watch<Value: Sendable>(
        _ body: @Sendable @escaping () async throws -> Value
    ) async throws -> Value {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let work = Task { try await body() }
        let watching = Task {
            for await _ in signals {
                if asked.exchange(true, ordering: .relaxed) { work.cancel() }
            }
        }
        defer { watching.cancel() }
        return try await work.value
    }
}
