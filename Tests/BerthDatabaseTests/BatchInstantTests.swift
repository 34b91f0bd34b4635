import BerthCore
import BerthTestSupport
import Foundation
import Testing

@testable import BerthDatabase

@Suite("Requests that are decided together", .gated)
struct BatchInstantTests {
    @Test("Each answers the instant that is stored of it, whatever the others' was")
    func instants() async throws {
        try await TestDatabase.with { database in
            let environment = try await database.environment("uat-1")
            let team = try await database.berth.teamID(
                "crm", by: TestDatabase.admin, now: TestDatabase.now)
            let requests = (0..<3).map { hour in
                BookingRequest(
                    TestDatabase.draft("uat-1", from: Double(hour), to: Double(hour + 1)),
                    on: [environment], teamID: team, by: "ada",
                    now: TestDatabase.now.addingTimeInterval(Double(hour)))
            }
            let batch = BookingBatch(requests: requests)
            let outcomes = try batch.outcomes(await database.client.query(batch.query))
            for outcome in outcomes {
                guard case .booked(let booking) = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
                let stored = try await database.berth.booking(booking.reference)
                #expect(booking.createdAt == stored.createdAt)
                #expect(booking.updatedAt == stored.updatedAt)
            }
        }
    }
}
