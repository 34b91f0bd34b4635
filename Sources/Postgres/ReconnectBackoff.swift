/// When to try to connect again: after each failure in a row twice as late, with jitter, so that
/// many clients do not come back in step.
struct ReconnectBackoff {
    private let minimum: Duration
    private let maximum: Duration
    private var failures = 0
    private var nextAttempt: ContinuousClock.Instant?

    init(configuration: PostgresConfiguration) {
        minimum = configuration.reconnectBackoffMinimum
        maximum = max(minimum, configuration.reconnectBackoffMaximum)
    }

    /// Whether the last attempt failed.
    var isActive: Bool { failures > 0 }

    /// When the next attempt is due, if that is not yet.
    func pause() -> ContinuousClock.Instant? {
        nextAttempt.flatMap { $0 > .now ? $0 : nil }
    }

    mutating func failed() {
        let delay = min(maximum, minimum * (1 << min(failures, 20)))
        failures += 1
        nextAttempt = .now + delay * Double.random(in: 0.5...1)
    }

    mutating func succeeded() {
        failures = 0
        nextAttempt = nil
    }
}
