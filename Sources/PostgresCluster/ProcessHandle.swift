import CProcess
import Glibc

/// One process of this machine, held by a pidfd: unlike a pid, it can never come to mean another.
final class ProcessHandle: Sendable {
    let pid: pid_t
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

    /// Returns once the process has ended, at most 50 ms later; throws `CancellationError`.
    func waitForExit() async throws {
        _ = try await hasExited(before: nil)
    }

    /// Whether the process ended within `limit`.
    func hasExited(within limit: Duration) async throws -> Bool {
        try await hasExited(before: .now + limit)
    }

    /// Asks, at first often. A dispatch source on the descriptor would cost nothing meanwhile, but
    /// a wake-up that it loses is a wait without end, and a server asks but 20 times a second.
    private func hasExited(before deadline: ContinuousClock.Instant?) async throws -> Bool {
        var pause = Duration.milliseconds(1)
        while !hasExited {
            if let deadline, deadline < .now { return false }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
        return true
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
