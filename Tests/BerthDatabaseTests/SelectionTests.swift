import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Testing

@Suite("Who takes any environments that match", .gated)
struct SelectionTests {
    private static func draft(count: Int = 1, from: Double = 0, to: Double = 1) -> BookingDraft {
        var draft = TestDatabase.draft("", from: from, to: to)
        draft.environments = []
        draft.options.selection = BookingOptions.Selection(labels: ["tier": "uat"], count: count)
        return draft
    }

    private static func make(_ keys: [String], in database: TestDatabase) async throws {
        for key in keys { try await database.environment(key) { $0.tier = "uat" } }
    }

    @Test(
        "Of twelve at once who take any of four, four get one each and eight are told who has them")
    func race() async throws {
        try await TestDatabase.with { database in
            try await Self.make(["uat-1", "uat-2", "uat-3", "uat-4"], in: database)
            let taken = await withTaskGroup(of: String?.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        do {
                            return try await database.book(Self.draft()).environments.first
                        } catch BerthError.conflict {
                            return nil
                        } catch {
                            return "\(error)"
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(taken.compactMap(\.self).sorted() == ["uat-1", "uat-2", "uat-3", "uat-4"])
            #expect(taken.count { $0 == nil } == 8)
            #expect(try await database.doubleBookings() == 0)
        }
    }

    @Test("The one whose gap is left smallest is taken first, then the one that keeps nobody out")
    func leastDisturbing() async throws {
        try await TestDatabase.with { database in
            try await database.environment("stub")
            try await Self.make(["uat-1", "uat-2"], in: database)
            try await database.environment("uat-0") {
                $0.tier = "uat"
                $0.parts = [TestEnvironment.Part(key: "stub", usage: .same)]
            }
            try await database.book(TestDatabase.draft("uat-2", from: 2, to: 3))
            var taken: [String] = []
            for _ in 1...3 { taken += try await database.book(Self.draft()).environments }
            #expect(taken == ["uat-2", "uat-1", "uat-0"])
        }
    }

    @Test("Two that use one part for themselves alone may be taken by one booking")
    func together() async throws {
        try await TestDatabase.with { database in
            try await database.environment("stub")
            for key in ["uat-1", "uat-2"] {
                try await database.environment(key) {
                    $0.tier = "uat"
                    $0.parts = [TestEnvironment.Part(key: "stub", usage: .exclusive)]
                }
            }
            let booking = try await database.book(Self.draft(count: 2))
            #expect(booking.environments == ["uat-1", "uat-2"])
            await #expect(throws: BerthError.self) { try await database.book(Self.draft()) }
        }
    }
}
