import Foundation
import Logging
import BerthTestSupport
import Postgres
import ServiceLifecycle
import Testing

@Suite(.gated) struct RecoveryTests {
    @Test("Connections that the server closed are replaced before anyone notices")
    func terminated() async throws {
        let client = try await TestServer.shared.value.client {
            $0.applicationName = "terminated"
            $0.maxConnections = 3
        }
        try await withThrowingTaskGroup { group in
            for _ in 0..<3 { group.addTask { try await client.query("SELECT pg_sleep(0.05)") } }
            try await group.waitForAll()
        }
        let before = await client.poolStatus
        #expect((before.open, before.idle) == (3, 3))
        #expect(before.waits == 3 && before.waited > .zero)
        let observer = try await TestServer.shared.value.client()
        try await observer.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'terminated'
            """)
        try await until { await client.poolStatus.open == 0 }
        #expect(try await client.query("SELECT 1").count == 1)
    }

    @Test("The pool recovers when the server was stopped and started again")
    func restart() async throws {
        let server = try await TestServer()
        let client = try server.client { $0.acquireTimeout = .seconds(1) }
        try await until { (try? await client.query("SELECT 1")) != nil }
        try server.stop()
        try await until {
            let error = await #expect(throws: PostgresError.self) {
                try await client.query("SELECT 1")
            }
            return error?.kind == .connectionFailed
        }
        try server.start()
        try await until { (try? await client.query("SELECT 1")) != nil }
    }

    @Test("A frozen server costs each caller its deadline; when it thaws, all goes on")
    func frozenServer() async throws {
        let server = try await TestServer()
        let client = try server.client { $0.maxConnections = 2 }
        let pid = try await client.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        let processes = [try server.postmaster(), pid_t(pid)]
        for process in processes { kill(process, SIGSTOP) }
        let start = ContinuousClock.now
        for _ in 0..<20 {
            let error = await #expect(throws: PostgresError.self) {
                try await client.query("SELECT 1", deadline: .milliseconds(30))
            }
            #expect([.deadlineExceeded, .poolTimeout].contains(error?.kind))
        }
        #expect(start.duration(to: .now) < .seconds(15))
        for process in processes { kill(process, SIGCONT) }
        try await until { (try? await client.query("SELECT 1")) != nil }
    }

    @Test("A listener hears what is notified, and reconnects when its connection is lost")
    func listening() async throws {
        let client = try await TestServer.shared.value.client { $0.applicationName = "listening" }
        let observer = try await TestServer.shared.value.client()
        var events = client.listen(to: ["news", "Odd \"name"]).makeAsyncIterator()
        #expect(await events.next() == .connected)
        try await observer.query("NOTIFY news, 'one'")
        #expect(await events.next() == .notification(channel: "news", payload: "one"))
        try await observer.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'listening'
            """)
        #expect(await events.next() == .connected)
        try await observer.query("SELECT pg_notify('Odd \"name', 'two')")
        #expect(await events.next() == .notification(channel: "Odd \"name", payload: "two"))
    }

    @Test("Graceful shutdown lets what is under way finish, and then refuses")
    func shutdown() async throws {
        let client = try await TestServer.shared.value.client()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let group = ServiceGroup(services: [client], logger: logger)
        let running = Task { try await group.run() }
        let events = client.listen(to: ["anything"])
        for await event in events where event == .connected { break }
        let slow = Task { try await client.query("SELECT pg_sleep(0.2)") }
        try await until { await client.poolStatus.leased == 1 }
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(try await slow.value.count == 1)
        for await _ in events {}
        #expect(await client.poolStatus.open == 0)
        let error = await #expect(throws: PostgresError.self) { try await client.query("SELECT 1") }
        #expect(error?.kind == .shutDown)
    }

    @Test("Shutting down waits for connections in use only as long as it may")
    func boundedShutdown() async throws {
        let client = try await TestServer.shared.value.client {
            $0.shutdownTimeout = .milliseconds(50)
        }
        let running = Task { try await client.run() }
        let slow = Task { try await client.query("SELECT pg_sleep(30)", deadline: .seconds(60)) }
        try await until { await client.poolStatus.leased == 1 }
        running.cancel()
        try await running.value
        await #expect(throws: PostgresError.self) { try await slow.value }
    }
}
