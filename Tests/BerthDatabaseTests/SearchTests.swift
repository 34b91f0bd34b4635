import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Testing

@Suite("The search for free time", .gated)
struct SearchTests {
    private static func hour(_ hours: Double) -> Date {
        TestDatabase.now.addingTimeInterval(hours * 3600)
    }

    /// A question about the next hours.
    private static func question(
        hours length: Double = 1, until: Double = 24, mode: Booking.Mode = .exclusive,
        count: Int = 1, limit: Int = 20
    ) -> SlotQuestion {
        SlotQuestion(
            mode: mode, count: count, length: length * 3600, from: TestDatabase.now,
            to: hour(until), limit: limit)
    }

    private static func firsts(
        _ database: TestDatabase, _ question: SlotQuestion
    ) async throws -> [String: Date] {
        let slots = try await database.berth.slots(question, now: TestDatabase.now)
        return Dictionary(
            slots.map { ($0.environments.joined(separator: "+"), $0.startsAt) },
            uniquingKeysWith: { min($0, $1) })
    }

    @Test("The largest setup and teardown of all that it reaches have to fit", arguments: [1, 2])
    func buffers(limit: Int) async throws {
        try await TestDatabase.with { database in
            try await database.environment("stub") { $0.policy.teardownMinutes = 60 }
            for key in ["uat-1", "uat-2"] {
                try await database.environment(key) {
                    $0.tier = "uat"
                    $0.policy.setupMinutes = 30
                    $0.parts = [TestEnvironment.Part(key: "stub", usage: .shared)]
                }
                try await database.book(TestDatabase.draft(key, from: 1, to: 2))
                try await database.book(TestDatabase.draft(key, from: 5.5, to: 6))
            }
            // Claims: from 0.5 to 3, and from 5 to 7. Setup, hours and teardown: 2.5 and 2.
            for (hours, start) in [(1.0, 7.5), (0.5, 3.5)] {
                var question = Self.question(hours: hours, limit: limit)
                question.labels = ["tier": "uat"]
                let slots = try await database.berth.slots(question, now: TestDatabase.now)
                #expect(Set(slots.map(\.startsAt)) == [Self.hour(start)])
                #expect(slots.count == limit)
            }
        }
    }

    @Test("A claim on a part blocks what uses it alone, and not what shares it", arguments: [1, 9])
    func parts(limit: Int) async throws {
        try await TestDatabase.with { database in
            try await database.environment("stub")
            for usage in TestEnvironment.Part.Usage.allCases {
                try await database.environment("with-\(usage.rawValue)") {
                    $0.tier = "uat"
                    $0.parts = [TestEnvironment.Part(key: "stub", usage: usage)]
                }
            }
            try await database.book(TestDatabase.draft("stub", from: 0, to: 2, mode: .shared))
            for (mode, free) in [
                (Booking.Mode.exclusive, ["with-shared"]), (.shared, ["with-same", "with-shared"]),
            ] {
                var question = Self.question(mode: mode, limit: limit)
                question.labels = ["tier": "uat"]
                let slots = try await database.berth.slots(question, now: TestDatabase.now)
                let atOnce = slots.filter { $0.startsAt == TestDatabase.now }.flatMap(
                    \.environments)
                #expect(Set(atOnce).isSubset(of: free))
                #expect(atOnce.count == min(limit, free.count))
            }
        }
    }

    @Test("Shared use is offered up to the capacity at any instant", arguments: [1, 9])
    func capacity(limit: Int) async throws {
        try await TestDatabase.with { database in
            for key in ["uat-1", "uat-2"] {
                try await database.environment(key) { $0.capacity = 2 }
                for (from, to) in [(0.0, 2.0), (1, 3), (4, 6), (6, 8)] {
                    try await database.book(
                        TestDatabase.draft(key, from: from, to: to, mode: .shared))
                }
            }
            let full = Self.question(hours: 1.5, mode: .shared, limit: limit)
            #expect(Set(try await Self.firsts(database, full).values) == [Self.hour(2)])
            let beside = Self.question(hours: 6, mode: .shared, limit: 1)
            #expect(Set(try await Self.firsts(database, beside).values) == [Self.hour(2)])
            let alone = Self.question(hours: 1, limit: 1)
            #expect(Set(try await Self.firsts(database, alone).values) == [Self.hour(3)])
        }
    }

    @Test("Rules and status move a slot to the earliest start that they allow", arguments: [1, 20])
    func policy(limit: Int) async throws {
        try await TestDatabase.with { database in
            func make(_ key: String, _ adjust: @Sendable (inout EnvironmentDraft) -> Void)
                async throws
            {
                for copy in ["a", "b"] {
                    try await database.environment("\(key)-\(copy)") {
                        $0.tier = key
                        adjust(&$0)
                    }
                }
            }
            try await make("hours") {
                $0.policy.openingHours = [.init(days: ["TU"], from: "08:00", to: "10:00")]
                $0.timeZone = "Europe/Berlin"
            }
            try await make("lead") { $0.policy.minLeadMinutes = 90 }
            try await make("horizon") { $0.policy.horizonDays = 0 }
            try await make("short") { $0.policy.maxHours = 1 }
            try await make("out") { $0.status = .unavailable }
            try await make("until") {
                $0.status = .unavailable
                $0.statusUntil = Self.hour(3)
            }
            try await make("retired") { $0.status = .retired }
            let expected = [
                "hours": 22.0, "lead": 1.5, "horizon": 0, "short": nil, "out": nil, "until": 3,
                "retired": nil,
            ]
            for (tier, start) in expected {
                var question = Self.question(hours: 2, until: 48, limit: limit)
                question.labels = ["tier": tier]
                let slots = try await database.berth.slots(question, now: TestDatabase.now)
                #expect(slots.first?.startsAt == start.map(Self.hour), "\(tier)")
            }
        }
    }

    @Test("Retired and matching nothing: no slot; a selector takes labels, tier, owner and status")
    func selector() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1") {
                $0.labels = ["region": "emea"]
                $0.ownerTeam = "crm"
                $0.status = .degraded
            }
            try await database.environment("uat-2")
            for (labels, count) in [
                (["region": "emea"], 1), (["owner": "crm"], 1), (["status": "degraded"], 1),
                (["tier": "test"], 2), (["owner": "nobody"], 0), (["status": "retired"], 0),
            ] {
                var question = Self.question(until: 1)
                question.labels = labels
                let slots = try await database.berth.slots(question, now: TestDatabase.now)
                #expect(slots.count == count, "\(labels)")
            }
        }
    }

    @Test("Together are offered those that are free at one instant; they may use the same part")
    func together() async throws {
        try await TestDatabase.with { database in
            try await database.environment("stub") { $0.tier = "part" }
            for (key, usage) in [("a", nil), ("b", "exclusive"), ("c", "exclusive"), ("d", nil)] {
                try await database.environment(key) {
                    $0.tier = "uat"
                    $0.parts =
                        usage.flatMap(TestEnvironment.Part.Usage.init(rawValue:)).map {
                            [TestEnvironment.Part(key: "stub", usage: $0)]
                        } ?? []
                }
            }
            try await database.book(TestDatabase.draft("d", from: 0, to: 2))
            var question = Self.question(count: 2)
            question.labels = ["tier": "uat"]
            let pairs = try await database.berth.slots(question, now: TestDatabase.now)
            #expect(pairs.first?.environments == ["a", "b"])
            #expect(pairs.first?.startsAt == TestDatabase.now)
            question.count = 3
            let three = try await database.berth.slots(question, now: TestDatabase.now)
            #expect(three.first?.environments == ["a", "b", "c"])
            #expect(three.first?.startsAt == TestDatabase.now)
            question.count = 4
            let all = try await database.berth.slots(question, now: TestDatabase.now)
            #expect(all.first?.environments == ["a", "d", "b", "c"])
            #expect(all.first?.startsAt == Self.hour(2))
            question.count = 5
            #expect(try await database.berth.slots(question, now: TestDatabase.now).isEmpty)
        }
    }

    @Test("What is offered can be booked, and then another is offered")
    func booked() async throws {
        try await TestDatabase.with { database in
            for key in ["uat-1", "uat-2"] {
                try await database.environment(key) { $0.policy.teardownMinutes = 15 }
            }
            for _ in 0..<6 {
                let best = try await database.berth.slots(
                    Self.question(hours: 3, limit: 1), now: TestDatabase.now)
                let slot = try #require(best.first)
                var draft = TestDatabase.draft(slot.environments[0], from: 0, to: 1)
                draft.startsAt = slot.startsAt
                draft.endsAt = slot.endsAt
                try await database.book(draft)
            }
            let starts = try await Self.firsts(database, Self.question(hours: 3))
            #expect(starts == ["uat-1": Self.hour(9.75), "uat-2": Self.hour(9.75)])
        }
    }
}
