import BerthCore
import BerthTestSupport
import Foundation
import Testing

@Suite("Turning up, leases and giving way, over HTTP", .gated)
struct TurningUpAPITests {
    @Test("A booking that must check in is active once it has, and expires when nobody turns up")
    func checkIn() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.policy.checkInMinutes = 15 }
            let kept = try await api.book(TestAPI.booking("uat-1", from: 1, to: 2))
            let missed = try await api.book(TestAPI.booking("uat-1", from: 2, to: 3))
            #expect(try await api.move(kept, "check-in").problem == "illegal-move")
            try await api.pass(to: 0.9)
            let early = try await api.move(kept, "check-in")
            #expect(early["state"] == "confirmed")
            #expect(early["checkedInAt"] == TestAPI.at(0.9))
            try await api.pass(to: 1)
            #expect(try await api.state(kept) == "active")
            try await api.pass(to: 2)
            #expect(try await api.state(kept) == "completed")
            #expect(try await api.state(missed) == "confirmed")
            try await api.pass(to: 2.25)
            #expect(try await api.state(missed) == "expired")
            #expect(try await api.move(missed, "check-in").problem == "illegal-move")
            try await api.book(TestAPI.booking("uat-1", from: 2.5, to: 3))
        }
    }

    @Test("A lease that is not renewed in time gives the time back, one that is keeps it")
    func lease() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let body = #"{"environments":["uat-1"],"minutes":120,"title":"CI","leaseSeconds":600}"#
            let crashed = try await api.book(body)
            #expect(
                try await api.get("/v1/bookings/\(crashed)")["leaseExpiresAt"] == TestAPI.at(1 / 6))
            api.clock.now = TestDatabase.now.addingTimeInterval(500)
            #expect(try await api.move(crashed, "renew").status == 200)
            try await api.pass(to: 600 / 3600)
            #expect(try await api.state(crashed) == "active")
            // One second after the lease, a newcomer need not wait for the clockwork.
            api.clock.now = TestDatabase.now.addingTimeInterval(1100)
            try await api.book(#"{"environments":["uat-1"],"minutes":5,"title":"Next"}"#, as: "bob")
            let expired = try await api.get("/v1/bookings/\(crashed)")
            #expect(expired["state"] == "expired")
            #expect(expired["stateReason"] == "lease")
            #expect(expired["releasedAt"] == TestAPI.at(1100 / 3600))
            #expect(try await api.move(crashed, "renew").problem == "illegal-move")
            let plain = try await api.book(TestAPI.booking("uat-1", from: 5, to: 6))
            #expect(try await api.move(plain, "renew").problem == "illegal-move")
        }
    }

    @Test("A booking is extended if its environments are free, else told what is")
    func extend() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.policy.maxHours = 4 }
            let booking = try await api.book(TestAPI.booking("uat-1", from: 1, to: 2))
            try await api.book(TestAPI.booking("uat-1", from: 3, to: 4))
            let longer = try await api.move(booking, "extend", #"{"minutes":60}"#)
            #expect(longer["endsAt"] == TestAPI.at(3))
            let refused = try await api.move(booking, "extend", #"{"minutes":1}"#)
            #expect(refused.problem == "booking-conflict")
            #expect((refused.json["alternatives"] as? [Any])?.isEmpty == false)
            let end = #"{"endsAt":"\#(TestAPI.at(2))"}"#
            #expect(try await api.move(booking, "extend", end).status == 400)
            #expect(try await api.move(booking, "extend").status == 400)
            #expect(
                try await api.move(booking, "extend", #"{"minutes":60}"#, as: "bob").status == 403)
            try await api.pass(to: 1)
            #expect(try await api.state(booking) == "active")
            #expect(try await api.move(booking, "extend", #"{"minutes":600}"#).problem == "policy")
        }
    }

    @Test(
        "A higher priority takes the place of a lower one where the policy allows it, and is told of elsewhere"
    )
    func displacement() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.tier = "uat"
                $0.policy.displaceable = true
            }
            try await api.database.environment("uat-2") { $0.tier = "uat" }
            let urgent = TestAPI.booking(
                "uat-1", from: 2, to: 4, #""priority":"urgent","team":"crm""#)
            let lower = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3), as: "bob")
            let winner = try await api.book(urgent, as: "ada")
            let displaced = try await api.get("/v1/bookings/\(lower)")
            #expect(displaced["state"] == "displaced")
            #expect(displaced["displacedBy"] == winner)
            #expect(displaced.json["waitPosition"] as? Int == 1)
            let notice = try #require(try await api.get("/v1/notices", as: "bob").items.first)
            #expect(notice["kind"] as? String == "booking.displaced")
            #expect((notice["text"] as? String)?.contains("free instead: ") == true)
            #expect(try await api.post("/v1/bookings", urgent, as: "ada").status == 409)
            try await api.move(winner, "cancel", as: "ada")
            #expect(try await api.state(lower) == "confirmed")
            // Where the policy says nothing, nobody gives way.
            try await api.book(TestAPI.booking("uat-2", from: 1, to: 3), as: "bob")
            let other = TestAPI.booking(
                "uat-2", from: 2, to: 4, #""priority":"urgent","team":"crm""#)
            #expect(try await api.post("/v1/bookings", other, as: "ada").status == 409)
            #expect(try await api.database.doubleBookings() == 0)
        }
    }

    @Test(
        "Only as many shared bookings give way as a capacity needs: the least priority, then the newest"
    )
    func sharedDisplacement() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("perf") {
                $0.ownerTeam = "crm"
                $0.capacity = 2
                $0.policy.displaceable = true
            }
            let shared = #""mode":"shared""#
            let older = try await api.book(TestAPI.booking("perf", from: 1, to: 3, shared))
            let newer = try await api.book(TestAPI.booking("perf", from: 1, to: 3, shared))
            try await api.book(
                TestAPI.booking("perf", from: 1, to: 3, shared + #","priority":"high""#), as: "max")
            #expect(try await api.state(older) == "confirmed")
            #expect(try await api.state(newer) == "displaced")
        }
    }

    @Test("What was booked wrongly is corrected later by a manager, and handed over without a gap")
    func corrections() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            let booking = try await api.book(TestAPI.booking("uat-1", from: 1, to: 2))
            let handed = try await api.edit(booking, #"{"team":"mobile"}"#, as: "max")
            #expect(handed["team"] == "mobile")
            #expect(try await api.edit(booking, #"{"title":"Mine"}"#, as: "tess").status == 403)
            try await api.pass(to: 3)
            let correction =
                #"{"title":"Regression 19","team":"crm","ticket":"CHG1","labels":{"a":"b"}}"#
            #expect(try await api.edit(booking, correction, as: "bob").problem == "illegal-move")
            #expect(try await api.edit(booking, correction, as: "max")["title"] == "Regression 19")
            let moved = #"{"endsAt":"\#(TestAPI.at(9))"}"#
            #expect(try await api.edit(booking, moved, as: "max").problem == "illegal-move")
        }
    }

    @Test("Quotas of a team bind at each path: booking, extending and the line")
    func quotas() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.policy.teamHoursPerWeek = 10 }
            for key in ["dev-1", "dev-2"] {
                try await api.database.environment(key) { $0.policy.teamBookingsAtOnce = 1 }
            }
            let first = try await api.book(TestAPI.booking("uat-1", from: 1, to: 7))
            let refused = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-1", from: 24, to: 30))
            #expect(refused.status == 422)
            let violation = try #require((refused.json["violations"] as? [[String: Any]])?.first)
            #expect(violation["environment"] as? String == "uat-1")
            #expect(violation["rule"] as? String == "teamHoursPerWeek")
            #expect("\(violation["limit"] ?? "")" == "10")
            #expect("\(violation["value"] ?? "")" == "12")
            try await api.book(TestAPI.booking("uat-1", from: 24, to: 28))
            #expect(try await api.move(first, "extend", #"{"minutes":1}"#).problem == "policy")
            // Another team, and another week, have their own.
            try await api.book(TestAPI.booking("uat-1", from: 30, to: 36), as: "bob")
            try await api.book(TestAPI.booking("uat-1", from: 7 * 24, to: 7 * 24 + 6))

            try await api.book(TestAPI.booking("dev-1", from: 1, to: 3))
            let second = try await api.post(
                "/v1/bookings", TestAPI.booking("dev-2", from: 2, to: 4))
            #expect(second.problem == "policy")
            #expect(second.text.contains("teamBookingsAtOnce"))
            try await api.book(TestAPI.booking("dev-2", from: 3, to: 4))
            try await api.book(TestAPI.booking("dev-2", from: 1, to: 2), as: "bob")
        }
    }

    @Test("Holds, no-shows, leases and waits end once, with any number of servers at it")
    func manyServers() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("asks") {
                $0.policy.approval = .manager
                $0.policy.requestHoldMinutes = 30
            }
            try await api.database.environment("checks") { $0.policy.checkInMinutes = 15 }
            try await api.database.environment("plain")
            try await api.database.environment("wanted")
            var ending: [String] = []
            for hour in stride(from: 1.0, to: 9, by: 1) {
                for (key, more) in [
                    ("asks", ""), ("checks", ""), ("plain", #""leaseSeconds":600"#),
                ] {
                    ending.append(
                        try await api.book(TestAPI.booking(key, from: hour, to: hour + 0.5, more)))
                }
            }
            let holder = try await api.book(TestAPI.booking("wanted", from: 1, to: 20))
            for hour in stride(from: 2.0, to: 6, by: 1) {
                let line = #""onConflict":"waitlist","waitUntil":"\#(TestAPI.at(9))""#
                ending.append(
                    try await api.book(
                        TestAPI.booking("wanted", from: hour, to: hour + 8, line), as: "bob"))
            }
            let early = try await api.book(TestAPI.booking("plain", from: 0.25, to: 0.5))
            api.clock.now = TestDatabase.now.addingTimeInterval(9.5 * 3600)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...4 {
                    group.addTask { try await api.pass(to: 9.5) }
                }
                try await group.waitForAll()
            }
            for reference in ending {
                let now = try await api.get("/v1/bookings/\(reference)")
                #expect(now["state"] == "expired", "\(now.text)")
                let history = try await api.get("/v1/bookings/\(reference)/history")
                #expect(history.items.count { $0["state"] as? String == "expired" } == 1)
            }
            #expect(try await api.state(holder) == "active")
            #expect(try await api.state(early) == "completed", "it had no check-in to miss")
            for name in ["tess", "bob"] {
                let told = try await api.get("/v1/notices?limit=200", as: name).items
                    .filter { $0["kind"] as? String == "booking.expired" }
                    .compactMap { $0["subject"] as? String }
                #expect(!told.isEmpty)
                #expect(Set(told).count == told.count)
            }
        }
    }

    @Test(
        "A booking that ended while nobody minded the clock is no no-show, whoever meets it first")
    func endedUnnoticed() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let booking = try await api.book(
                TestAPI.booking("uat-1", from: 1, to: 2, #""leaseSeconds":86400"#))
            api.clock.now = TestDatabase.now.addingTimeInterval(3 * 3600)
            #expect(try await api.move(booking, "release").problem == "illegal-move")
            try await api.pass(to: 3)
            #expect(try await api.state(booking) == "completed")
        }
    }
}
