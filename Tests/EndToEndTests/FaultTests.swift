import BerthTestSupport
import Foundation
import Testing

@Suite("Faults", .gated)
struct FaultTests {
    @Test("After kill -9 of the server under load, every acknowledged booking is there once")
    func killedServer() async throws {
        try await Server.inDirectory { first, directory in
            let load = try await Load(on: first)
            try await load.books(100)
            let database = try postmaster(of: directory)
            first.berth.signal(SIGKILL)
            #expect(try await first.berth.exitCode() == -SIGKILL)
            try await load.ended()
            #expect(load.wrong.isEmpty)
            let second = try await Server.start(first.database, token: first.token)
            #expect(try postmaster(of: directory) == database, "the postmaster is adopted")
            try await load.expectKept(on: second)
            second.berth.signal(SIGTERM)
            #expect(try await second.berth.exitCode() == 0)
        }
    }

    @Test("After kill -9 of the database under load, the server goes on and has lost nothing")
    func killedDatabase() async throws {
        try await Server.inDirectory { server, directory in
            let load = try await Load(on: server)
            try await load.books(100)
            let killed = try postmaster(of: directory)
            kill(killed, SIGKILL)
            try await load.books(100)
            try await load.end()
            #expect(load.wrong.isEmpty, "\(load.wrong.prefix(3))")
            #expect(!server.berth.hasEnded)
            #expect(try postmaster(of: directory) != killed)
            #expect(try await server.isReady())
            try await load.expectKept(on: server)
        }
    }

    @Test("A database stopped with SIGSTOP holds no request longer than its deadline")
    func frozenDatabase() async throws {
        try await Server.inDirectory { server, directory in
            let load = try await Load(on: server)
            try await load.books(50)
            let frozen = try family(of: postmaster(of: directory))
            frozen.forEach { kill($0, SIGSTOP) }
            let paths = [
                "/readyz", "/v1/bookings", "/v1/bookings/BK-1", "/v1/environments", "/v1/teams",
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for path in paths {
                    group.addTask { try await Self.expectLater(.get(path, server.token), server) }
                }
                for number in 0..<20 {
                    let body = """
                        {"environments":["load-1"],"endsAt":"2041-01-\(number + 10)T00:00:00Z",\
                        "startsAt":"2041-01-01T00:00:00Z","title":"Frozen"}
                        """
                    let call = Call.post("/v1/bookings", server.token, body)
                    group.addTask { try await Self.expectLater(call, server) }
                }
                for _ in 1...5 {
                    let asked = ContinuousClock.now
                    #expect(try await server.answer(to: .get("/livez")).status == 200)
                    #expect(ContinuousClock.now - asked < .seconds(1))
                }
                try await group.waitForAll()
            }
            frozen.forEach { kill($0, SIGCONT) }
            try await load.books(50)
            try await load.end()
            #expect(load.wrong.isEmpty, "\(load.wrong.prefix(3))")
            #expect(load.longest < .seconds(8))
            #expect(try await server.isReady())
            try await load.expectKept(on: server)
        }
    }

    @Test("A database restarted under load is found again, and no answer is a 500")
    func restartedDatabase() async throws {
        let postgres = try await TestServer()
        let server = try await Server.start(["--database-url", postgres.connectionString()])
        let load = try await Load(on: server)
        try await load.books(100)
        for _ in 1...2 {
            try await onThread {
                try postgres.stop()
                try postgres.start()
            }
            try await load.books(100)
        }
        try await load.end()
        #expect(load.wrong.isEmpty, "\(load.wrong.prefix(3))")
        try await load.expectKept(on: server)
        server.berth.signal(SIGTERM)
        #expect(try await server.berth.exitCode() == 0)
        try postgres.stop()
    }

    @Test("SIGTERM under load: what is under way is answered, and server and database stop")
    func terminated() async throws {
        try await Server.inDirectory { server, directory in
            let load = try await Load(on: server)
            try await load.books(100)
            let database = try postmaster(of: directory)
            let told = ContinuousClock.now
            server.berth.signal(SIGTERM)
            #expect(try await server.berth.exitCode() == 0)
            #expect(ContinuousClock.now - told < .seconds(10))
            try await load.ended()
            #expect(load.wrong.isEmpty, "\(load.wrong.prefix(3))")
            #expect(load.statuses[503] == nil)
            #expect(kill(database, 0) == -1)
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/postgres/postmaster.pid"))
            let next = try await Server.start(server.database, token: server.token)
            // No request got lost between its commit and its answer.
            let found = try await next.bookings()
            #expect(found.count == load.acknowledged.count)
            try await load.expectKept(on: next)
            next.berth.signal(SIGTERM)
            #expect(try await next.berth.exitCode() == 0)
        }
    }

    private static func expectLater(_ call: Call, _ server: Server) async throws {
        let asked = ContinuousClock.now
        let answer = try await server.answer(to: call)
        let time = ContinuousClock.now - asked
        #expect(answer.saysLater, "\(call.path): \(answer.status) \(answer.text)")
        #expect(time < .seconds(7), "\(call.path)")
    }
}
