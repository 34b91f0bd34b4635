import BerthTestSupport
import Foundation
import ServiceLifecycle
import Testing

@testable import PostgresCluster

@Suite(.gated) struct RecoveryTests {
    @Test func `a server adopts the postmaster that outlived its killed predecessor`() async throws
    {
        try await TestDirectory.lend { directory in
            let first = try Holder(directory, .exclusive)
            let postmaster = try await first.postmasterPID()
            try await first.kill()
            let second = try await directory.open(exclusive: true)
            #expect(await second.processIdentifier == postmaster)
            #expect(try await second.psql("SELECT 1") == "1")
            await second.close()
            #expect(directory.postmaster == nil)
        }
    }

    @Test func `a killed postmaster is restarted and what was committed is there`() async throws {
        try await supervised { directory, cluster, log in
            try await cluster.psql("CREATE TABLE kept AS SELECT 42 AS answer")
            let before = await cluster.processIdentifier
            kill(before, SIGKILL)
            await log.wait(for: "PostgreSQL runs again")
            #expect(await cluster.processIdentifier != before)
            #expect(try await cluster.psql("SELECT answer FROM kept") == "42")
        }
    }

    @Test func `a restart waits for a query that outlives the killed postmaster`() async throws {
        try await supervised { directory, cluster, log in
            // Never waits, so that it does not notice the death before its end.
            async let busy = try? cluster.psql(
                """
                DO $$ BEGIN WHILE clock_timestamp() < now() + interval '60 s' LOOP END LOOP; END $$
                """)
            let running = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'DO %'"
            var backend: Int32?
            while backend == nil { backend = Int32(try await cluster.psql(running)) }
            kill(await cluster.processIdentifier, SIGKILL)
            await log.wait(for: "waiting for the last processes")
            kill(try #require(backend), SIGKILL)
            await log.wait(for: "PostgreSQL runs again")
            #expect(try await cluster.psql("SELECT 1") == "1")
            _ = await busy
        }
    }

    @Test func `supervision ends with an error when the cluster is gone`() async throws {
        try await TestDirectory.lend { directory in
            let cluster = try await directory.open(exclusive: true)
            let process = try #require(directory.postmaster)
            try FileManager.default.moveItem(
                atPath: directory.cluster, toPath: "\(directory.path)/moved")
            process.send(SIGKILL)
            await #expect(throws: PostgresClusterError.self) { try await cluster.run() }
        }
    }

    @Test func `a stale pid file whose pid now belongs to another process does not matter`()
        async throws
    {
        try await TestDirectory.lend { directory in
            await (try await directory.open()).close()
            // Of the same user as PostgreSQL, which would take it for its predecessor.
            let claimed = try await DataDirectory.claim(directory.path)
            let scratch = try ScratchFile(holding: "")
            let stranger = try Command(
                executable: "/bin/sleep", arguments: ["600"], account: claimed.account
            ).spawn(input: scratch.descriptor, output: scratch.descriptor)
            let socket = claimed.socketDirectory.path
            let lines = """
                \(stranger.pid)
                \(directory.cluster)
                1700000000
                5432
                \(socket)

                  1234567         1
                ready   

                """
            for file in ["\(directory.cluster)/postmaster.pid", "\(socket)/.s.PGSQL.5432.lock"] {
                try lines.write(toFile: file, atomically: false, encoding: .utf8)
                chown(file, claimed.account.uid, claimed.account.gid)
            }
            let cluster = try await directory.open(exclusive: true)
            #expect(await cluster.processIdentifier != stranger.pid)
            #expect(try await cluster.psql("SELECT 1") == "1")
            await cluster.close()
            #expect(!stranger.hasExited)
            stranger.send(SIGKILL)
            try await stranger.waitForExit()
            stranger.reap()
        }
    }

    @Test func `a killed creation leaves nothing in the way`() async throws {
        try await TestDirectory.lend { directory in
            let holder = try Holder(directory, .exclusive)
            await directory.creationBegins()
            try await holder.kill()
            #expect(!directory.names.contains("postgres"))
            let cluster = try await directory.open(exclusive: true)
            #expect(try await cluster.psql("SELECT 1") == "1")
            await cluster.close()
        }
    }

    @Test func `a cancelled creation cleans up`() async throws {
        try await TestDirectory.lend { directory in
            let opening = Task { try await directory.open() }
            await directory.creationBegins()
            opening.cancel()
            await #expect(throws: CancellationError.self) { _ = try await opening.value }
            #expect(!directory.names.contains { $0.hasPrefix("initdb-") || $0 == "postgres" })
        }
    }

    /// Runs a cluster in a service group around `body`, and expects it to be stopped afterwards.
    private func supervised(
        _ body: (TestDirectory, PostgresCluster, EventLog) async throws -> Void
    ) async throws {
        try await TestDirectory.lend { directory in
            let log = EventLog()
            let cluster = try await directory.open(exclusive: true, logger: log.logger)
            let group = ServiceGroup(services: [cluster], logger: log.logger)
            async let running: Void = group.run()
            try await body(directory, cluster, log)
            await group.triggerGracefulShutdown()
            try await running
            #expect(directory.postmaster == nil)
        }
    }
}
