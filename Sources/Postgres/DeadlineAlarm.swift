/// One timer for many deadlines, of which nearly all are met.
///
/// It is set for the earliest and never cancelled. When it rings, its owner looks at what is still
/// open and sets it again; so a connection that answers thousands of queries a second touches the
/// loop's timers once every few seconds.
struct DeadlineAlarm {
    private var next: ContinuousClock.Instant?

    /// Makes sure that `action` runs at `instant` or before; it then calls ``hasRung(at:)`` first.
    @PollLoop
    mutating func set(
        at instant: ContinuousClock.Instant,
        _ action: @escaping @PollLoop @Sendable (ContinuousClock.Instant) -> Void
    ) {
        if let next, next <= instant { return }
        next = instant
        PollLoop.executor.schedule(at: instant) { action(instant) }
    }

    /// Whether this is the timer that was set last; one that an earlier deadline overtook is not,
    /// and has nothing to do.
    mutating func hasRung(at instant: ContinuousClock.Instant) -> Bool {
        guard next == instant else { return false }
        next = nil
        return true
    }
}
