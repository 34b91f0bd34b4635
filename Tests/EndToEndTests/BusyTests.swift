import BerthTestSupport
import Foundation
import Postgres
import Testing

@Suite("A busy database", .gated)
struct BusyTests {
    @Test("With all connections busy, others get 503 and Retry-After within 2 s; /livez answers")
    func allConnectionsBusy() async throws {
        try await Server.onDatabase(["--connections", "2"]) { server, database in
            try await server.make(["uat-1"])
            try await database.client.withConnection { hand in
                try await hand.script("BEGIN; LOCK TABLE environments, bookings, teams")
                async let busy: Void = Self.occupy(server)
                try await eventually("both connections hang", within: .seconds(10)) {
                    let waiting = try await hand.query(
                        """
                        SELECT count(*) FROM pg_locks
                        WHERE NOT granted
                            AND database = (SELECT oid FROM pg_database
                                WHERE datname = current_database())
                        """)
                    let count = try waiting[waiting.startIndex].decode(Int.self)
                    return count == 2
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for path in ["/v1/bookings", "/v1/environments", "/v1/teams", "/readyz"] {
                        group.addTask { try await Self.expectLater(path, server) }
                    }
                    for _ in 1...5 {
                        let asked = ContinuousClock.now
                        #expect(try await server.answer(to: .get("/livez")).status == 200)
                        #expect(ContinuousClock.now - asked < .milliseconds(500))
                    }
                    try await group.waitForAll()
                }
                try await hand.script("ROLLBACK")
                try await busy
            }
            try await eventually("recovery") { try await server.get("/v1/bookings").status == 200 }
        }
    }

    private static func expectLater(_ path: String, _ server: Server) async throws {
        let asked = ContinuousClock.now
        let answer = try await server.get(path)
        let time = ContinuousClock.now - asked
        #expect(answer.saysLater, "\(path): \(answer.status) \(answer.text)")
        #expect(time < .seconds(2), "\(path)")
    }

    /// Keeps asking until what it asks for can be answered.
    private static func occupy(_ server: Server) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...6 {
                group.addTask {
                    try await eventually("an answer", within: .seconds(60)) {
                        try await server.get("/v1/bookings").status == 200
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
