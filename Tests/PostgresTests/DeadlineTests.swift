import Foundation
import BerthTestSupport
import Testing

@testable import Postgres

@Suite(.gated) struct DeadlineTests {
    @Test(
        "A query past its deadline is cancelled, is known to have done nothing, and its connection goes on"
    )
    func deadline() async throws {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 1 }
        let before = try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        let error = await #expect(throws: PostgresError.self) {
            try await client.query("SELECT pg_sleep(30)", deadline: .milliseconds(50))
        }
        #expect(error?.kind == .deadlineExceeded && error?.outcomeUnknown == false)
        let after = try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        #expect(before == after)
    }

    @Test("A cancelled task cancels its statement and leaves the connection usable")
    func cancellation() async throws {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 1 }
        let before = try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        let observer = try await TestServer.shared.value.client()
        let task = Task { try await client.query("SELECT pg_sleep(30)", deadline: .seconds(60)) }
        try await until {
            let rows = try await observer.query(
                "SELECT FROM pg_stat_activity WHERE pid = \(before) AND wait_event = 'PgSleep'")
            return !rows.isEmpty
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let after = try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        #expect(before == after)
    }

    @Test("A cancelled transaction is rolled back")
    func cancelledTransaction() async throws {
        let client = try await TestServer.shared.value.client()
        try await client.query("CREATE TABLE cancelled (id int8)")
        let (inserted, continuation) = AsyncStream<Void>.makeStream()
        let task = Task {
            try await client.transaction { transaction in
                try await transaction.query("INSERT INTO cancelled VALUES (1)")
                continuation.finish()
                try await transaction.query("SELECT pg_sleep(30)", deadline: .seconds(60))
            }
        }
        for await _ in inserted {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await client.query("SELECT FROM cancelled").isEmpty)
        try await until { await client.poolStatus.leased == 0 }
    }

    @Test("An exhausted pool fails its callers within the bound, first come first served")
    func exhaustion() async throws {
        let client = try await TestServer.shared.value.client {
            $0.maxConnections = 1
            $0.maxWaiters = 2
            $0.acquireTimeout = .milliseconds(500)
        }
        try await until { (try? await client.query("SELECT 1")) != nil }
        try await client.withConnection { _ in
            let first = Task { try await client.query("SELECT 1") }
            let second = Task { try await client.query("SELECT 1") }
            try await until { await client.poolStatus.waiting == 2 }
            let third = await #expect(throws: PostgresError.self) {
                try await client.query("SELECT 1")
            }
            #expect(third?.kind == .poolTimeout)
            #expect(third?.description.contains("2 callers") == true)
            for task in [first, second] {
                let error = await #expect(throws: PostgresError.self) { try await task.value }
                #expect(error?.kind == .poolTimeout && error?.outcomeUnknown == false)
            }
        }
        #expect(try await client.query("SELECT 1").count == 1)
    }

    @Test("A line that moves is waited in for longer than one that stands still")
    func movingLine() {
        var configuration = PostgresConfiguration(connectionString: "")
        configuration.acquireTimeout = .seconds(1)
        let since = ContinuousClock.now
        func patience(lastOffer: Duration, deadline: Duration) -> Duration {
            since.duration(
                to: configuration.patience(
                    since: since, lastOffer: since + lastOffer, deadline: since + deadline))
        }
        #expect(patience(lastOffer: .seconds(-60), deadline: .seconds(10)) == .seconds(1))
        #expect(patience(lastOffer: .seconds(4), deadline: .seconds(10)) == .seconds(5))
        #expect(patience(lastOffer: .seconds(9.5), deadline: .seconds(10)) == .seconds(10))
    }

    @Test("A caller waits for a connection no longer than the limit")
    func limit() async throws {
        let client = try await TestServer.shared.value.client {
            $0.maxConnections = 1
            $0.acquireLimit = .milliseconds(300)
        }
        try await client.withConnection { _ in
            let error = await #expect(throws: PostgresError.self) {
                try await client.withConnection { _ in }
            }
            #expect(error?.kind == .poolTimeout)
        }
    }

    @Test("A caller that stops waiting for a connection leaves the line")
    func stopWaiting() async throws {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 1 }
        try await client.withConnection { _ in
            let task = Task { try await client.query("SELECT 1") }
            try await until { await client.poolStatus.waiting == 1 }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(await client.poolStatus.waiting == 0)
        }
    }

    @Test("A frozen backend costs its caller the deadline, and the client nothing")
    func frozenBackend() async throws {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 2 }
        let pid = try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        kill(pid_t(pid), SIGSTOP)
        defer { kill(pid_t(pid), SIGCONT) }
        let error = await #expect(throws: PostgresError.self) {
            try await client.query("SELECT 1", deadline: .milliseconds(100))
        }
        #expect(error?.kind == .deadlineExceeded)
        #expect(try await client.query("SELECT 1").count == 1)
    }
}

/// Asks again and again, until the answer is yes; fails after ten seconds.
func until(_ isTrue: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(10)
    while try await !isTrue() {
        try #require(ContinuousClock.now < end, "it never came true")
        try await Task.sleep(for: .milliseconds(2))
    }
}
