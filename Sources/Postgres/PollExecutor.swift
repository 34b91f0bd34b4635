import CLibPQ
import Foundation
import HeapModule
import Synchronization

/// The thread that runs everything isolated to ``PollLoop``: Swift's jobs, timers, and the
/// handlers of sockets that became ready.
///
/// One pass of the loop runs the jobs that waited, then the timers that are due, then asks epoll.
/// A job that comes from another thread costs a lock, and a write to an eventfd only when the loop
/// sleeps; so a busy loop is never woken.
///
/// `@unchecked Sendable`: `inbox` is a mutex. `handlers` and `timers` are touched only on the
/// loop's own thread: their accessors are internal and called from `@PollLoop` code alone, which
/// this executor runs nowhere else, and from `run()`, which is that thread. All else is immutable.
final class PollExecutor: SerialExecutor, @unchecked Sendable {
    typealias Handler = @PollLoop @Sendable (Readiness) -> Void

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var isSleeping = false
        var thread: pthread_t?
    }

    private let inbox = Mutex(Inbox())
    private let epoll: Int32
    private let wakeUp: Int32
    private var handlers: [Int32: Handler] = [:]
    private var timers = Heap<PollTimer>()
    private var timerCount: UInt64 = 0

    init() {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeUp = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        precondition(epoll >= 0 && wakeUp >= 0, "no file descriptors left for the poll loop")
        control(EPOLL_CTL_ADD, wakeUp, EPOLLIN.rawValue)
        let thread = Thread { self.run() }
        thread.name = "postgres"
        thread.start()
    }

    // MARK: SerialExecutor

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustWake = inbox.withLock { inbox in
            inbox.jobs.append(job)
            defer { inbox.isSleeping = false }
            return inbox.isSleeping
        }
        if mustWake {
            var one: UInt64 = 1
            _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
        }
    }

    func checkIsolated() {
        let thread = inbox.withLock { $0.thread }
        precondition(
            thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false,
            "not on the poll loop's thread")
    }

    // MARK: Sockets

    /// Calls `handler` whenever `socket` is readable, until ``unwatch(_:)``.
    func watch(_ socket: Int32, handler: @escaping Handler) {
        handlers[socket] = handler
        control(EPOLL_CTL_ADD, socket, EPOLLIN.rawValue)
    }

    func setWatchesWrites(_ socket: Int32, _ watchesWrites: Bool) {
        control(EPOLL_CTL_MOD, socket, EPOLLIN.rawValue | (watchesWrites ? EPOLLOUT.rawValue : 0))
    }

    func unwatch(_ socket: Int32) {
        guard handlers.removeValue(forKey: socket) != nil else { return }
        control(EPOLL_CTL_DEL, socket, 0)
    }

    private func control(_ operation: Int32, _ socket: Int32, _ events: UInt32) {
        var event = epoll_event()
        event.events = events
        event.data.fd = socket
        epoll_ctl(epoll, operation, socket, &event)
    }

    // MARK: Timers

    /// Runs `action` once, at `instant` or soon after. Timers cannot be cancelled: whoever sets
    /// one checks whether it still matters, which spares the heap a removal for every query.
    func schedule(at instant: ContinuousClock.Instant, _ action: @escaping PollTimer.Action) {
        timerCount += 1
        timers.insert(PollTimer(instant: instant, number: timerCount, action: action))
    }

    // MARK: The loop

    private func run() {
        inbox.withLock { $0.thread = pthread_self() }
        var batch: [UnownedJob] = []
        var events = [epoll_event](repeating: epoll_event(), count: 128)
        while true {
            takeJobs(into: &batch)
            for job in batch {
                job.runSynchronously(on: asUnownedSerialExecutor())
            }
            batch.removeAll(keepingCapacity: true)
            runTimers()
            let count = epoll_wait(epoll, &events, Int32(events.count), prepareToSleep())
            for event in events.prefix(Int(max(count, 0))) {
                dispatch(event)
            }
        }
    }

    private func takeJobs(into batch: inout [UnownedJob]) {
        inbox.withLock { inbox in
            swap(&inbox.jobs, &batch)
            inbox.isSleeping = false
        }
    }

    /// How long epoll may wait, in milliseconds; from here on a new job has to wake the loop.
    private func prepareToSleep() -> Int32 {
        let hasJobs = inbox.withLock { inbox in
            inbox.isSleeping = inbox.jobs.isEmpty
            return !inbox.jobs.isEmpty
        }
        if hasJobs { return 0 }
        guard let next = timers.min else { return -1 }
        // Rounded up, so that the loop does not spin through a timer's last millisecond.
        let wait = max(.zero, next.instant - .now) / Duration.milliseconds(1)
        return Int32(min(wait.rounded(.up), 60_000))
    }

    private func runTimers() {
        guard !timers.isEmpty else { return }
        let now = ContinuousClock.now
        while let next = timers.min, next.instant <= now {
            timers.removeMin()
            PollLoop.assumeIsolated { next.action() }
        }
    }

    private func dispatch(_ event: epoll_event) {
        let socket = event.data.fd
        if socket == wakeUp {
            var count: UInt64 = 0
            _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
        } else if let handler = handlers[socket] {
            PollLoop.assumeIsolated { handler(Readiness(rawValue: event.events)) }
        }
    }
}

/// What a socket is ready for. Errors and hang-ups count as readable: reading finds out which.
struct Readiness: OptionSet {
    let rawValue: UInt32

    static let write = Readiness(rawValue: EPOLLOUT.rawValue)
    static let read = Readiness(
        rawValue: EPOLLIN.rawValue | EPOLLERR.rawValue | EPOLLHUP.rawValue)
}

/// Something to do at an instant; ordered by it, and then by who asked first.
struct PollTimer: Comparable {
    typealias Action = @PollLoop @Sendable () -> Void

    let instant: ContinuousClock.Instant
    let number: UInt64
    let action: Action

    static func < (left: PollTimer, right: PollTimer) -> Bool {
        (left.instant, left.number) < (right.instant, right.number)
    }

    static func == (left: PollTimer, right: PollTimer) -> Bool {
        left.number == right.number
    }
}
