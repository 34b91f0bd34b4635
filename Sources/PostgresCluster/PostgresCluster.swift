import FoundationEssentials
import Logging

/// A private PostgreSQL server in a data directory, on a Unix socket only.
///
/// All processes that use one directory share one server: who comes first starts it, who leaves
/// last stops it. The server lives in a session of its own, so it survives the sudden death of
/// every Berth process, and the next `open` finds it.
///
///     let cluster = try await PostgresCluster.open(
///         dataDirectory: "/var/lib/berth", logger: logger, exclusive: true)
///     // connect to cluster.connectionString
///     await cluster.close()
///
/// How the last one out is found: everyone holds a shared flock on `users.lock` for as long as it
/// uses the cluster, and nobody starts or stops it without the exclusive flock on `change.lock`.
/// Whoever gets `users.lock` exclusively while closing is alone. The kernel releases both locks of
/// a process that dies, so no count can be wrong.
public actor PostgresCluster {
    /// The data directory: absolute, without symbolic links.
    public nonisolated let dataDirectory: String
    /// The directory of the server's socket, 0700.
    public nonisolated let socketDirectory: String
    /// What the server logs; once it weighs 10 MB, at a start or while it is supervised, it begins anew, with one old
    /// file kept.
    public nonisolated let logFile: String
    /// A libpq connection string: database and superuser `berth`, through the socket. It stays
    /// valid while the server is restarted.
    public nonisolated let connectionString: String
    /// The PostgreSQL programs that run the cluster.
    public nonisolated let installation: PostgresInstallation

    let postmaster: Postmaster
    let logger: Logger
    var process: ProcessHandle
    private var hold: Hold?
    private var closing: Task<Void, Never>?

    /// The locks of one user of the cluster. The server's is nil for a command.
    private struct Hold {
        let server: FileLock?
        let users: FileLock
    }

    /// Opens the cluster in `dataDirectory`: makes it if there is none, starts it unless it runs,
    /// and returns when it takes connections. About 0.1 s for a cluster that exists, 1.5 s for a
    /// new one; after a crash, as long as recovery takes.
    ///
    /// - Parameters:
    ///   - dataDirectory: a directory of Berth's, an empty one, or one that does not exist yet.
    ///   - settings: settings of `postgresql.conf` that win over the file. They count for whoever
    ///     starts the server; one that already runs is joined as it is.
    ///   - logger: told of each start, stop and failure.
    ///   - exclusive: true for a server, of which there may be one on a directory; false for
    ///     commands, which share it with each other and with the server.
    ///   - environment: where `PostgresInstallation.find` looks.
    /// - Throws: `PostgresClusterError`, or `CancellationError`.
    public static func open(
        dataDirectory: String,
        settings: [String: String] = [:],
        logger: Logger,
        exclusive: Bool,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> PostgresCluster {
        let directory = try await DataDirectory.claim(dataDirectory)
        let server = exclusive ? try await lockForServer(directory) : nil
        let change = try directory.lock(.change)
        try await change.acquire(.exclusive)
        defer { change.release() }
        let users = try directory.lock(.users)
        // At once: exclusively it is only held under change.lock.
        try await users.acquire(.shared)

        let version = try directory.clusterVersion()
        let installation = try await PostgresInstallation.find(
            environment: environment, majorVersion: version.flatMap(Int.init))
        if let version, version != String(installation.majorVersion) {
            throw PostgresClusterError.wrongVersion(
                directory: directory.path, cluster: version,
                installed: installation.majorVersion)
        }
        if version == nil {
            try await ClusterCreation(
                directory: directory, installation: installation,
                isDurable: ClusterSettings.isDurable(settings), logger: logger
            ).create()
        }
        let postmaster = Postmaster(
            directory: directory, installation: installation, settings: settings, logger: logger)
        return PostgresCluster(
            postmaster: postmaster, process: try await postmaster.running(),
            hold: Hold(server: server, users: users))
    }

    /// The server's process, which changes when it is restarted.
    public var processIdentifier: Int32 { process.pid }

    /// Whether `close` was called.
    var isClosed: Bool { closing != nil }

    /// Lets go of the cluster, and stops the server if nobody else uses it: a fast shutdown, which
    /// cuts clients off and loses nothing that was committed. Returns when it has stopped.
    ///
    /// It finishes even if the calling task is cancelled. Further calls wait for the first.
    public func close() async {
        // A task of its own, so that the caller's cancellation does not leave the server half
        // stopped.
        let task = closing ?? Task { await self.leave() }
        closing = task
        await task.value
    }

    private init(postmaster: Postmaster, process: ProcessHandle, hold: Hold) {
        let directory = postmaster.directory
        self.postmaster = postmaster
        self.process = process
        self.hold = hold
        logger = postmaster.logger
        installation = postmaster.installation
        dataDirectory = directory.path
        logFile = directory.logPath
        socketDirectory = directory.socketDirectory.path
        connectionString = """
            host=\(directory.socketDirectory.path) port=\(SocketDirectory.port) \
            dbname=\(ClusterCreation.database) user=\(ClusterCreation.database)
            """
    }

    private func leave() async {
        defer { hold = nil }
        do {
            let change = try postmaster.directory.lock(.change)
            try await change.acquire(.exclusive)
            defer { change.release() }
            guard let hold, hold.users.attempt(.exclusive) else {
                logger.info("left PostgreSQL running for others who use it")
                return
            }
            try await postmaster.stop()
        } catch {
            logger.error("could not stop PostgreSQL", metadata: ["error": "\(error)"])
        }
    }

    private static func lockForServer(_ directory: DataDirectory) async throws -> FileLock {
        let lock = try directory.lock(.server)
        // A child that a killed server was just starting shares its lock for some milliseconds.
        for _ in 1...20 {
            if lock.attempt(.exclusive) {
                lock.recordOurPID()
                return lock
            }
            if lock.recordedPID != nil { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw PostgresClusterError.inUse(directory: directory.path, by: lock.recordedPID)
    }
}
