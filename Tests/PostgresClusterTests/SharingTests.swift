import BerthTestSupport
import Testing

@testable import PostgresCluster

@Suite(.gated) struct SharingTests {
    @Test func `a second server on the directory is refused by the first one's pid`() async throws {
        try await TestDirectory.lend { directory in
            let first = try Holder(directory, .exclusive)
            _ = try await first.postmasterPID()
            let error = try await directory.refusal(exclusive: true)
            #expect(error == .inUse(directory: directory.path, by: first.process.pid))
            #expect("\(try #require(error))".contains("pid \(first.process.pid)"))
            try await first.finish()
        }
    }

    @Test func `a command joins the cluster of a server and leaves it running`() async throws {
        try await TestDirectory.lend { directory in
            let server = try Holder(directory, .exclusive)
            let postmaster = try await server.postmasterPID()
            let command = try await directory.open()
            #expect(await command.processIdentifier == postmaster)
            #expect(try await command.psql("SELECT 1") == "1")
            await command.close()
            #expect(directory.postmaster?.pid == postmaster)
            try await server.finish()
            #expect(directory.postmaster == nil)
        }
    }

    @Test func `a command without a server starts the cluster and stops it again`() async throws {
        try await TestDirectory.lend { directory in
            let command = try Holder(directory, .shared)
            let postmaster = try await command.postmasterPID()
            #expect(directory.postmaster?.pid == postmaster)
            try await command.finish()
            #expect(directory.postmaster == nil)
        }
    }

    @Test func `of two commands the last one out stops the cluster`() async throws {
        try await TestDirectory.lend { directory in
            let first = try Holder(directory, .shared)
            let postmaster = try await first.postmasterPID()
            let second = try await directory.open()
            try await first.finish()
            #expect(directory.postmaster?.pid == postmaster)
            #expect(try await second.psql("SELECT 1") == "1")
            await second.close()
            #expect(directory.postmaster == nil)
        }
    }

    @Test func `a command does not stop the cluster under a server that came later`() async throws {
        try await TestDirectory.lend { directory in
            let command = try await directory.open()
            let server = try await directory.open(exclusive: true)
            await command.close()
            #expect(try await server.psql("SELECT 1") == "1")
            await server.close()
            #expect(directory.postmaster == nil)
        }
    }

    @Test func `a server does not stop the cluster under a command that still works`() async throws
    {
        try await TestDirectory.lend { directory in
            let server = try await directory.open(exclusive: true)
            let command = try await directory.open()
            await server.close()
            #expect(try await command.psql("SELECT 1") == "1")
            await command.close()
            #expect(directory.postmaster == nil)
        }
    }

    @Test func `commands that arrive together on an empty directory share one cluster`()
        async throws
    {
        try await TestDirectory.lend { directory in
            let pids = try await withThrowingTaskGroup(of: PostgresCluster.self) { group in
                for _ in 1...4 { group.addTask { try await directory.open() } }
                var clusters: [PostgresCluster] = []
                for try await cluster in group { clusters.append(cluster) }
                var pids: Set<Int32> = []
                for cluster in clusters { pids.insert(await cluster.processIdentifier) }
                for cluster in clusters { await cluster.close() }
                return pids
            }
            #expect(pids.count == 1)
            #expect(directory.postmaster == nil)
        }
    }

    @Test func `closing twice is closing once`() async throws {
        try await TestDirectory.lend { directory in
            let cluster = try await directory.open()
            await cluster.close()
            let other = try await directory.open()
            await cluster.close()
            #expect(try await other.psql("SELECT 1") == "1")
            await other.close()
        }
    }
}
