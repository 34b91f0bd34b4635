/// How often a transaction is tried that the server could not keep apart from others.
public struct RetryPolicy: Sendable {
    /// The most attempts, the first included.
    public var maxAttempts: Int
    /// The longest pause before the second attempt; it doubles with each further one.
    public var baseDelay: Duration
    /// The longest pause of all.
    public var maxDelay: Duration

    /// At least one attempt is made, whatever `maxAttempts` says.
    public init(
        maxAttempts: Int = 5, baseDelay: Duration = .milliseconds(2),
        maxDelay: Duration = .milliseconds(100)
    ) {
        self.maxAttempts = maxAttempts
        self.baseDelay = baseDelay
        self.maxDelay = maxDelay
    }

    /// Five attempts within some 30 ms of pauses.
    public static let `default` = RetryPolicy()

    /// One attempt.
    public static let never = RetryPolicy(maxAttempts: 1)

    /// How long to pause after the given number of attempts: a random part of the whole, so that
    /// those who collided do not collide again.
    func pause(after attempts: Int) -> Duration {
        min(maxDelay, baseDelay * (1 << min(attempts - 1, 20))) * Double.random(in: 0...1)
    }
}
