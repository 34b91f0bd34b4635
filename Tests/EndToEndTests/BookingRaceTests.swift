import BerthTestSupport
import Foundation
import Testing

@Suite("Races for slots", .gated)
struct BookingRaceTests {
    @Test("Of 64 clients that race for one slot, one gets it and each other is told who has it")
    func oneSlot() async throws {
        try await Server.onDatabase { server, database in
            try await server.make(["uat-1"])
            let rounds = 10
            let answers = try await Self.race(server, clients: 64, slots: rounds)
            for round in 0..<rounds {
                let statuses = answers[round, default: []].map(\.status)
                #expect(statuses.count == 64)
                #expect(statuses.count { $0 == 201 } == 1, "round \(round): \(statuses)")
                let refused = answers[round, default: []].filter { $0.status != 201 }
                let winner = answers[round]?.first { $0.status == 201 }?.reference
                for answer in refused {
                    #expect(answer.status == 409, "\(answer.text)")
                    #expect(answer.type == "/problems/booking-conflict")
                    let conflicts = answer.json["conflicts"] as? [[String: Any]] ?? []
                    #expect(conflicts.map { $0["reference"] as? String } == [winner])
                }
            }
            #expect(try await server.bookings().count == rounds)
            #expect(try await database.doubleBookings() == 0)
            #expect(!server.berth.log.contains("deadlock"))
        }
    }

    @Test("Of 16 clients that each ask for the same 50 slots, exactly 50 requests are accepted")
    func manySlots() async throws {
        try await Server.onDatabase { server, database in
            try await server.make(["uat-1"])
            let answers = try await Self.race(server, clients: 16, slots: 50)
            #expect(answers.count == 50)
            for (slot, answers) in answers {
                #expect(answers.count { $0.status == 201 } == 1, "slot \(slot)")
                #expect(answers.count { $0.status == 409 } == 15, "slot \(slot)")
            }
            #expect(try await server.bookings().count == 50)
            #expect(try await database.doubleBookings() == 0)
        }
    }

    /// The answers for each slot, when every client asks for each, on one connection, without
    /// pausing.
    private static func race(
        _ server: Server, clients: Int, slots: Int
    ) async throws -> [Int: [Answer]] {
        let (port, token) = (server.port, server.token)
        return try await withThrowingTaskGroup(of: [Answer].self) { group in
            for _ in 0..<clients {
                group.addTask {
                    try await onThread {
                        let connection = try Connection(port: port)
                        return try (0..<slots).map { slot in
                            let day = String(format: "%02d", slot % 28 + 1)
                            let month = String(format: "%02d", slot / 28 + 1)
                            return try connection.answer(
                                to: .post(
                                    "/v1/bookings", token,
                                    """
                                    {"environments":["uat-1"],"title":"Race","minutes":600,\
                                    "startsAt":"2031-\(month)-\(day)T08:00:00Z"}
                                    """))
                        }
                    }
                }
            }
            var bySlot: [Int: [Answer]] = [:]
            for try await answers in group {
                for (slot, answer) in answers.enumerated() {
                    bySlot[slot, default: []].append(answer)
                }
            }
            return bySlot
        }
    }
}
