import Glibc

/// A lock on a file, held until it is released, deinitialised, or our process ends in any way.
///
/// flock belongs to the open file, not to the process: two of one process exclude each other too,
/// and a child that inherits the descriptor holds the lock on.
final class FileLock: Sendable {
    enum Mode {
        case shared
        case exclusive
    }

    let path: String
    let descriptor: Int32
    private let isBequeathed: Bool

    /// Opens the file, which it makes for `account` when missing, without locking it. A bequeathed
    /// lock lives on in the children that inherited its descriptor.
    init(path: String, account: ServerAccount, isBequeathed: Bool) throws {
        self.path = path
        self.isBequeathed = isBequeathed
        // The directory belongs to the account, which must not lead root elsewhere by a link.
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw PostgresClusterError.system("open", path: path, code: errno)
        }
        account.own(descriptor)
    }

    deinit {
        // Closing alone would not do: a child that another thread is about to start shares all
        // descriptors for the moment before its exec.
        if !isBequeathed { release() }
        close(descriptor)
    }

    /// Whether the lock was free and is now ours. A shared one that is denied the exclusive lock
    /// may be lost.
    func attempt(_ mode: Mode) -> Bool {
        flock(descriptor, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0
    }

    /// Waits until the lock is ours; throws `CancellationError`.
    ///
    /// A blocking flock would hold a thread and could not be cancelled, hence the attempts.
    func acquire(_ mode: Mode) async throws {
        while !attempt(mode) {
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func release() {
        _ = flock(descriptor, LOCK_UN)
    }

    /// The process that wrote its pid into the file, if it still lives.
    var recordedPID: Int32? {
        guard let text = readFile(path), let line = text.split(separator: "\n").first,
            let pid = Int32(line), kill(pid, 0) == 0 || errno == EPERM
        else { return nil }
        return pid
    }

    func recordOurPID() {
        let bytes = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        _ = pwrite(descriptor, bytes, bytes.count, 0)
    }
}
