import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Postgres
import Testing

/// The search against a plain model: each five minutes of the span tried, by `blockers()` and the rules.
@Suite("The search for free time finds what trying every instant finds", .gated)
struct SearchModelTests {
    private static let until = TestDatabase.now.addingTimeInterval(12 * 3600)

    /// What an environment needs around a booking, and when nothing blocks it, rules apart.
    private struct Tried {
        var environment: TestEnvironment
        var starts: [Date]
    }

    @Test("On any records, for one environment and for two at once", arguments: 1...6)
    func model(seed: UInt64) async throws {
        try await TestDatabase.with { database in
            var random = SeededRandom(seed: seed)
            let keys = try await Self.fill(database, &random)
            for mode in Booking.Mode.allCases {
                let minutes = Int.random(in: 1...36, using: &random) * 5
                var question = SlotQuestion(
                    mode: mode, length: Double(minutes) * 60, from: TestDatabase.now,
                    to: Self.until, limit: 100
                )
                let tried = try await Self.tried(keys.map { [$0] }, question, database)
                let all = try await database.berth.slots(question, now: TestDatabase.now)
                for one in tried {
                    let first = all.first { $0.environments == [one.environment.key] }?.startsAt
                    #expect(
                        first == one.starts.first, "\(one.environment.key) \(mode) \(minutes) min")
                }
                #expect(all.map(\.startsAt) == all.map(\.startsAt).sorted())

                // Fewer wanted than match: narrowed in SQL instead, to the same.
                var firsts: [Slot] = []
                for slot in all
                where !firsts.contains(where: { $0.environments == slot.environments }) {
                    firsts.append(slot)
                }
                for limit in 1..<max(2, firsts.count) {
                    question.limit = limit
                    let few = try await database.berth.slots(question, now: TestDatabase.now)
                    #expect(
                        few.map(\.environments) == firsts.prefix(limit).map(\.environments),
                        "\(limit) of \(firsts.map(\.environments)) \(mode) \(minutes) min")
                    #expect(few.map(\.startsAt) == firsts.prefix(limit).map(\.startsAt))
                }
                try await Self.comparePairs(keys, question, database)
            }
        }
    }

    /// Two at once: the first instant at which any two are free. They may use the same part: for one booking.
    private static func comparePairs(
        _ keys: [String], _ question: SlotQuestion, _ database: TestDatabase
    ) async throws {
        var question = question
        question.count = 2
        question.limit = 1
        let couples = keys.indices.flatMap { one in
            keys[(one + 1)...].map { other in [keys[one], other] }
        }
        let pairs = try await tried(couples, question, database)
        let found = try await database.berth.slots(question, now: TestDatabase.now).first
        #expect(found?.startsAt == pairs.compactMap(\.starts.first).min())
    }

    /// For each group of environments to be booked together, the starts on the grid that are free.
    private static func tried(
        _ groups: [[String]], _ question: SlotQuestion, _ database: TestDatabase
    ) async throws -> [Tried] {
        var tried: [Tried] = []
        for keys in groups {
            var environments: [TestEnvironment] = []
            for key in keys { environments.append(try await database.berth.environment(key)) }
            let rows = try await database.client.query(
                """
                SELECT t.at
                FROM (SELECT max(e.setup_minutes) AS setup, max(e.teardown_minutes) AS teardown
                      FROM environment_reach r JOIN environments e ON e.id = r.part_id
                      WHERE r.environment_id = ANY (\(environments.map(\.id)))) b
                CROSS JOIN generate_series(\(question.from), \(question.to), interval '5 min') t (at)
                WHERE t.at + make_interval(secs => \(question.length)) <= \(question.to)
                  AND NOT EXISTS (
                    SELECT FROM blockers(
                        \(environments.map(\.id)), \(question.mode),
                        t.at - make_interval(mins => b.setup),
                        t.at + make_interval(mins => b.teardown, secs => \(question.length)), '{}', 1))
                ORDER BY t.at
                """)
            let free: [Date] = try rows.map { try $0.decode(Date.self) }
            let starts = free.filter { start in
                BookingRules.violations(
                    of: start..<start.addingTimeInterval(question.length), on: environments,
                    now: TestDatabase.now
                ).isEmpty
            }
            tried.append(Tried(environment: environments[0], starts: starts))
        }
        return tried
    }

    /// Two components, six environments of all kinds that use them, and bookings wherever there is room.
    private static func fill(
        _ database: TestDatabase, _ random: inout SeededRandom
    ) async throws -> [String] {
        let keys = ["stub", "region"] + (1...6).map { "uat-\($0)" }
        for key in keys {
            let draft = environment(key, &random)
            try await database.environment(key) { $0 = draft }
        }
        for _ in 0..<40 {
            let from = Double(Int.random(in: -24...144, using: &random)) / 12
            let length = Double(Int.random(in: 1...24, using: &random)) / 12
            var draft = TestDatabase.draft(
                keys[Int.random(in: 0..<8, using: &random)], from: max(0, from),
                to: max(0, from) + length,
                mode: Int.random(in: 0...2, using: &random) == 0 ? .exclusive : .shared)
            draft.title = "Random"
            _ = try? await database.book(draft)
        }
        return keys
    }

    private static func environment(
        _ key: String, _ random: inout SeededRandom
    ) -> EnvironmentDraft {
        func one<Value>(_ values: [Value]) -> Value {
            values[Int.random(in: 0..<values.count, using: &random)]
        }
        var draft = EnvironmentDraft(key: key)
        draft.capacity = one([nil, nil, 1, 2])
        draft.policy.setupMinutes = one([nil, nil, 15, 60])
        draft.policy.teardownMinutes = one([nil, nil, 10, 45])
        guard key.hasPrefix("uat") else { return draft }
        draft.timeZone = one(["UTC", "Asia/Kathmandu"])
        draft.policy.minLeadMinutes = one([nil, nil, 45])
        draft.policy.maxHours = one([nil, nil, 2])
        draft.policy.openingHours = one([
            nil, nil,
            [
                .init(days: ["MO"], from: "09:30", to: "12:00"),
                .init(days: ["MO", "TU"], from: "13:00", to: "24:00"),
            ],
        ])
        draft.status = one([.available, .available, .degraded, .unavailable])
        if draft.status == .unavailable, Bool.random(using: &random) {
            draft.statusUntil = TestDatabase.now.addingTimeInterval(7200)
        }
        for part in ["stub", "region"] where Bool.random(using: &random) {
            let usage = one(TestEnvironment.Part.Usage.allCases)
            draft.parts.append(TestEnvironment.Part(key: part, usage: usage))
        }
        return draft
    }
}
