import Glibc
import Logging

/// Starts, finds and stops the postmaster of one cluster. Its callers hold `change.lock`.
struct Postmaster: Sendable {
    let directory: DataDirectory
    let installation: PostgresInstallation
    let settings: [String: String]
    let logger: Logger

    /// How long processes of a dead postmaster may take to end before we give up for now.
    private static let patience: Duration = .seconds(30)
    /// How long a fast shutdown may take, its checkpoint included.
    private static let shutdownLimit: Duration = .seconds(60)
    /// What postgres.log may weigh at a start before it becomes postgres.log.1.
    private static let logLimit: off_t = 10_000_000

    /// The postmaster that runs, ready to be connected to; starts one when none does.
    func running() async throws -> ProcessHandle {
        let deadline = ContinuousClock.now + Self.patience
        var saidWhy = false
        while true {
            if let found = try await adopt() { return found }
            let hold = try directory.lock(.running)
            if hold.attempt(.exclusive) {
                return try await start(holding: hold)
            }
            // Children of a postmaster that was killed: they end with the query that they run.
            if !saidWhy {
                logger.notice("waiting for the last processes of a dead PostgreSQL server to end")
                saidWhy = true
            }
            guard .now < deadline else {
                throw PostgresClusterError.stillHeld(directory: directory.path)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Fast shutdown: clients are cut off, nothing that was committed is lost. Does nothing when
    /// no postmaster runs.
    func stop() async throws {
        // Looked up, not remembered: another user of the cluster may have restarted it.
        guard
            let process = PostmasterFile(cluster: directory.clusterPath)?
                .runningPostmaster(of: directory.clusterPath)
        else { return }
        process.send(SIGINT)
        if try await !process.hasExited(within: Self.shutdownLimit) {
            logger.warning("PostgreSQL did not stop in time; the next start will recover")
            process.send(SIGQUIT)
            try await process.waitForExit()
        }
        process.reap()
        logger.info("stopped PostgreSQL", metadata: ["pid": "\(process.pid)"])
    }

    private func adopt() async throws -> ProcessHandle? {
        guard let file = PostmasterFile(cluster: directory.clusterPath),
            let process = file.runningPostmaster(of: directory.clusterPath)
        else { return nil }
        if file.status == .stopping {
            try await process.waitForExit()
            process.reap()
            return nil
        }
        guard file.socketDirectory.isEmpty || file.socketDirectory == directory.socketDirectory.path
        else {
            throw PostgresClusterError.startedByOthers(directory: directory.path, pid: file.pid)
        }
        guard try await isReady(process) else {
            process.reap()
            return nil
        }
        logger.debug("joined a running PostgreSQL", metadata: ["pid": "\(process.pid)"])
        return process
    }

    private func start(holding hold: FileLock) async throws -> ProcessHandle {
        removeMisleadingFile()
        try directory.socketDirectory.prepare(for: directory.account)
        let log = try openLog()
        defer { close(log) }
        let beginning = lseek(log, 0, SEEK_END)
        let process = try command.spawn(input: log, output: log, kept: hold.descriptor)
        do {
            if try await isReady(process) {
                logger.info("started PostgreSQL", metadata: ["pid": "\(process.pid)"])
                return process
            }
        } catch {
            // Cancelled: nobody will hold it, so nobody would stop it. The next start awaits its
            // end.
            process.send(SIGINT)
            throw error
        }
        process.reap()
        throw PostgresClusterError.startFailed(
            directory: directory.path, log: Self.tail(readAll(log, from: beginning)))
    }

    private var command: Command {
        Command(
            executable: installation.program("postgres"),
            arguments: ["-D", directory.clusterPath]
                + ClusterSettings.arguments(
                    settings, socketDirectory: directory.socketDirectory.path),
            account: directory.account)
    }

    /// Waits until the postmaster says that it takes connections; false when it ended before.
    /// Recovery after a crash takes as long as it takes.
    private func isReady(_ process: ProcessHandle) async throws -> Bool {
        let start = ContinuousClock.now
        var nextNotice = start + .seconds(5)
        while !process.hasExited {
            if let file = PostmasterFile(cluster: directory.clusterPath), file.pid == process.pid,
                file.status == .ready
            {
                return true
            }
            let now = ContinuousClock.now
            if now > nextNotice {
                logger.notice("PostgreSQL is still starting; it may recover from a crash")
                nextNotice = now + .seconds(30)
            }
            try await Task.sleep(for: .milliseconds(now - start < .seconds(1) ? 2 : 50))
        }
        return false
    }

    /// Removes `postmaster.pid` when its pid now belongs to a process that is none of ours, or to a
    /// zombie; PostgreSQL itself would refuse to start.
    ///
    /// PostgreSQL still checks for attached shared memory as it does with the file, and nothing
    /// that we started runs, since we hold `running.lock`.
    private func removeMisleadingFile() {
        guard let file = PostmasterFile(cluster: directory.clusterPath),
            file.runningPostmaster(of: directory.clusterPath) == nil, kill(file.pid, 0) == 0
        else { return }
        logger.notice(
            "removed postmaster.pid: its pid belongs to another process",
            metadata: ["pid": "\(file.pid)"])
        unlink(PostmasterFile.path(in: directory.clusterPath))
    }

    /// Moves what a long log says aside, while the server goes on writing: it has the file open to append. What it
    /// writes in between is lost.
    func keepLogShort() {
        guard let size = DataDirectory.attributes(of: directory.logPath)?.st_size,
            size > Self.logLimit
        else { return }
        let aside = "\(directory.logPath).1"
        unlink(aside)
        let input = open(directory.logPath, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        let output = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        defer { for file in [input, output] where file >= 0 { close(file) } }
        guard input >= 0, output >= 0 else { return }
        directory.account.own(output)
        var offset: off_t = 0
        while offset < size {
            let copied = sendfile(output, input, &offset, Int(size - offset))
            guard copied > 0 else { return }
        }
        ftruncate(input, 0)
        logger.info("postgres.log was long: its lines are in postgres.log.1")
    }

    private func openLog() throws -> Int32 {
        if let size = DataDirectory.attributes(of: directory.logPath)?.st_size,
            size > Self.logLimit
        {
            rename(directory.logPath, "\(directory.logPath).1")
        }
        let log = open(
            directory.logPath, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard log >= 0 else {
            throw PostgresClusterError.system("open", path: directory.logPath, code: errno)
        }
        directory.account.own(log)
        return log
    }

    private static func tail(_ log: String) -> String {
        log.split(separator: "\n").suffix(20).joined(separator: "\n")
    }
}
