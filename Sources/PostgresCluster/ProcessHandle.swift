import CProcess
import Dispatch
import Glibc

/// One process of this machine, held by a pidfd: unlike a pid, it can never come to mean another.
final class ProcessHandle: Sendable {
    let pid: pid_t
    /// Not a global queue: one whose threads are all blocked would keep exits from us.
    private static let queue = DispatchQueue(label: "berth.process-exits")
    private let descriptor: Int32

    /// Fails when no such process exists, or when it ended and was reaped.
    init?(pid: pid_t) {
        guard pid > 0 else { return nil }
        descriptor = pidfd_open(pid, 0)
        guard descriptor >= 0 else { return nil }
        self.pid = pid
    }

    deinit {
        close(descriptor)
    }

    /// Whether it ended; true for a zombie too, which `kill(pid, 0)` takes for alive.
    var hasExited: Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0
    }

    /// Sends a signal; a process that ended meanwhile is no error.
    func send(_ signal: Int32) {
        _ = pidfd_send_signal(descriptor, signal, nil, 0)
    }

    /// Returns once the process has ended, woken by the kernel; throws `CancellationError`.
    func waitForExit() async throws {
        let exit = AsyncStream<Void> { continuation in
            // Safe: a dispatch source may be cancelled from any thread; its type does not say so.
            nonisolated(unsafe) let source = DispatchSource.makeReadSource(
                fileDescriptor: descriptor, queue: Self.queue)
            source.setEventHandler { continuation.finish() }
            // The descriptor must outlive the source, so the source holds its owner.
            source.setCancelHandler { [self] in withExtendedLifetime(self) {} }
            continuation.onTermination = { _ in source.cancel() }
            source.activate()
        }
        for await _ in exit {}
        try Task.checkCancellation()
    }

    /// Whether the process ended within `limit`.
    func hasExited(within limit: Duration) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.waitForExit()
                return true
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return false
            }
            defer { group.cancelAll() }
            return try await group.next() ?? self.hasExited
        }
    }

    /// Takes the exit status of an ended child and so frees its pid; nil for what is no child of
    /// ours.
    ///
    /// PostgreSQL refuses to start while the pid in its lock file answers `kill(pid, 0)`, and a
    /// zombie answers: a child must be reaped before its successor starts. As pid 1 of a container
    /// the same holds for processes that we adopted.
    @discardableResult
    func reap() -> ExitStatus? {
        var status: Int32 = 0
        return waitpid(pid, &status, WNOHANG) == pid ? ExitStatus(waitStatus: status) : nil
    }
}

/// How a child process ended.
enum ExitStatus: Sendable, Equatable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)

    init(waitStatus: Int32) {
        // The macros WIFSIGNALED, WTERMSIG and WEXITSTATUS do not come through to Swift.
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .code((waitStatus >> 8) & 0xff) : .signal(signal)
    }

    var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let signal): "signal \(signal)"
        }
    }
}
