import Logging
import ServiceLifecycle

extension PostgresCluster: Service {
    /// Supervises the server until graceful shutdown or cancellation, then closes the cluster.
    ///
    /// When the server dies, it is started again: at once, then after pauses that double from 50 ms
    /// to 10 s, until it runs. Each death and each failed start is logged. Put the cluster before
    /// the services that use it, so that a service group stops it after them.
    /// - Throws: `PostgresClusterError.damaged` when the cluster's files are gone; nothing else.
    public func run() async throws {
        do {
            let keeping = Task { await self.keepLogShort() }
            defer { keeping.cancel() }
            try await cancelWhenGracefulShutdown { try await self.supervise() }
        } catch is CancellationError {
            logger.debug("supervision of PostgreSQL ends")
        } catch {
            await close()
            throw error
        }
        await close()
    }

    private func keepLogShort() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(60))
            postmaster.keepLogShort()
        }
    }

    private func supervise() async throws {
        var pause = Duration.zero
        while !isClosed {
            let start = ContinuousClock.now
            try await process.waitForExit()
            guard !isClosed else { return }
            let status = process.reap().map(String.init(describing:)) ?? "unknown"
            logger.error(
                "PostgreSQL died; starting it again",
                metadata: ["pid": "\(process.pid)", "status": "\(status)"])
            // One that dies young again and again must not be restarted in a tight loop.
            pause = ContinuousClock.now - start < Self.youth ? pause : .zero
            try await restart(&pause)
        }
    }

    /// How long a server has to live before its death counts as the first.
    private static var youth: Duration { .seconds(10) }

    private func restart(_ pause: inout Duration) async throws {
        while !isClosed {
            try await Task.sleep(for: pause)
            pause = min(max(pause * 2, .milliseconds(50)), .seconds(10))
            do {
                if try await startAgain() { return }
            } catch let error as PostgresClusterError where !error.isFinal {
                logger.error(
                    "PostgreSQL could not be started again",
                    metadata: ["error": "\(error)", "retryAfter": "\(pause)"])
            }
        }
    }

    /// False when the cluster was closed meanwhile.
    private func startAgain() async throws -> Bool {
        let change = try postmaster.directory.lock(.change)
        try await change.acquire(.exclusive)
        defer { change.release() }
        guard !isClosed else { return false }
        try requireCluster()
        process = try await postmaster.running()
        logger.notice("PostgreSQL runs again", metadata: ["pid": "\(process.pid)"])
        return true
    }

    /// A cluster that vanished must not be replaced by an empty one.
    private func requireCluster() throws {
        guard try postmaster.directory.clusterVersion() != nil else {
            throw PostgresClusterError.damaged(
                directory: dataDirectory, reason: "\(dataDirectory)/postgres is gone")
        }
    }
}

extension PostgresClusterError {
    /// Whether trying again cannot help.
    fileprivate var isFinal: Bool {
        if case .damaged = self { true } else { false }
    }
}
