import BerthCore
import BerthTestSupport
import Foundation
import Testing

@testable import BerthServer

@Suite("What is offered instead can be booked as it stands", .gated)
struct AlternativeAPITests {
    /// Books each of what a refusal offers in place of what was asked for, one after the other, each called off
    /// before the next; how many there were.
    @discardableResult
    private func bookAll(
        _ api: TestAPI, _ refused: TestAnswer, of body: String, as name: String = "tess",
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> Int {
        #expect(
            refused.problem == "booking-conflict", "\(refused.text)", sourceLocation: location)
        let offers = refused.json["alternatives"] as? [[String: Any]] ?? []
        for offer in offers {
            var asked =
                try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] ?? [:]
            asked["select"] = nil
            asked["minutes"] = nil
            for name in ["environments", "startsAt", "endsAt"] { asked[name] = offer[name] }
            let sent = try JSONSerialization.data(withJSONObject: asked)
            let made = try await api.post(
                "/v1/bookings", String(decoding: sent, as: UTF8.self), as: name)
            #expect(made.status == 201, "\(offer): \(made.text)", sourceLocation: location)
            if let reference = made["reference"] {
                try await api.move(reference, "cancel?scope=all", as: name)
            }
        }
        return offers.count
    }

    /// Rules that what is equal to `uat-1` may have, and how many alternatives are left where `uat-2` has them.
    enum Rule: String, CaseIterable {
        case none, buffers, partBuffers, hours, length, notice, horizon, quota, atOnce, capacity
        case unavailable, maintenance, part
    }

    @Test("Under every rule that an equal environment may have", arguments: Rule.allCases)
    func rules(_ rule: Rule) async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.tier = "uat" }
            try await api.database.environment("payments") {
                if rule == .partBuffers { $0.policy.setupMinutes = 60 }
            }
            try await api.database.environment("uat-2") { draft in
                draft.tier = "uat"
                switch rule {
                case .buffers: draft.policy.setupMinutes = 60
                case .hours:
                    draft.policy.openingHours = [.init(days: ["TU"], from: "08:00", to: "18:00")]
                case .length: draft.policy.maxHours = 1
                case .notice: draft.policy.minLeadMinutes = 120
                case .horizon: draft.policy.horizonDays = 0
                case .quota: draft.policy.teamHoursPerWeek = 3
                case .atOnce: draft.policy.teamBookingsAtOnce = 1
                case .capacity: draft.capacity = 1
                case .part, .partBuffers: draft.parts = [.init(key: "payments", usage: .exclusive)]
                case .none, .unavailable, .maintenance: break
                }
            }
            // What is beside it: touching with buffers, or before in the same week, or at the same time.
            if ![.hours, .length, .notice].contains(rule) {
                try await api.book(TestAPI.booking("uat-2", from: 0, to: 2))
            }
            if rule == .capacity {
                try await api.book(TestAPI.booking("uat-2", from: 2, to: 3, #""mode":"shared""#))
            }
            if rule == .part { try await api.book(TestAPI.booking("payments", from: 2, to: 3)) }
            if rule == .unavailable || rule == .maintenance {
                let body =
                    rule == .unavailable
                    ? #"{"status":"unavailable","statusUntil":"\#(TestAPI.at(8))"}"# : nil
                if let body {
                    let etag = try await api.get("/v1/environments/uat-2").headers[.eTag]
                    let closed = try await api.patch(
                        "/v1/environments/uat-2", body, as: "ada", ifMatch: etag)
                    #expect(closed.status == 200, "\(closed.text)")
                } else {
                    let window = #"""
                        {"kind":"maintenance","environments":["uat-2"],"title":"Patches",
                         "startsAt":"\#(TestAPI.at(2))","endsAt":"\#(TestAPI.at(5))"}
                        """#
                    #expect(
                        try await api.post("/v1/change-windows", window, as: "ada").status == 201)
                }
            }
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            if rule == .notice { try await api.pass(to: 0.5) }
            if rule == .atOnce {
                try await api.database.environment("other") {
                    $0.policy.teamBookingsAtOnce = 5
                }
                try await api.book(TestAPI.booking("other", from: 2, to: 4))
            }
            let mode = rule == .capacity ? #""mode":"shared""# : ""
            let body = TestAPI.booking("uat-1", from: 2, to: 4, mode)
            let count = try await bookAll(api, api.post("/v1/bookings", body), of: body)
            #expect(count == (rule == .none ? 4 : 3), "\(count)")
        }
    }

    @Test("Of several that are taken, each is exchanged for another one")
    func several() async throws {
        try await TestAPI.with { api in
            for number in 1...6 {
                try await api.database.environment("uat-\(number)") {
                    $0.tier = "uat"
                    if number == 4 { $0.policy.setupMinutes = 120 }
                }
            }
            try await api.database.environment("mainframe")
            // The setup of uat-4 would reach into this, on the environment that is kept.
            try await api.book(TestAPI.booking("mainframe", from: 0.5, to: 1.5), as: "bob")
            try await api.book(TestAPI.booking("uat-1", "uat-2", from: 2, to: 4), as: "bob")
            let body = TestAPI.booking("uat-1", "uat-2", "mainframe", from: 2, to: 4)
            let count = try await bookAll(api, api.post("/v1/bookings", body), of: body)
            #expect(count == 4)
        }
    }

    @Test("Who books for another team is offered what it manages")
    func rights() async throws {
        try await TestAPI.with { api in
            for (key, owner) in [("uat-1", "crm"), ("uat-2", "mobile"), ("uat-3", "crm")] {
                try await api.database.environment(key) {
                    $0.tier = "uat"
                    $0.ownerTeam = owner
                }
            }
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            let body = TestAPI.booking("uat-1", from: 2, to: 4, #""team":"mobile""#)
            let refused = try await api.post("/v1/bookings", body, as: "max")
            #expect(try await bookAll(api, refused, of: body, as: "max") == 4)
            #expect(!refused.text.contains("uat-2"))
        }
    }

    @Test("Who takes any that match is offered the best of all that match")
    func selections() async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2", "uat-3"] {
                try await api.database.environment(key) {
                    $0.tier = "uat"
                    if key == "uat-1" { $0.policy.maxHours = 1 }
                    if key == "uat-3" { $0.policy.teamHoursPerWeek = 2 }
                }
                try await api.book(
                    TestAPI.booking(key, from: key == "uat-1" ? 3 : 2, to: 4, #""team":"mobile""#),
                    as: "ada")
            }
            let body = #"""
                {"select":{"labels":{"tier":"uat"},"count":1},"startsAt":"\#(TestAPI.at(2))",
                 "minutes":120,"title":"Any"}
                """#
            let refused = try await api.post("/v1/bookings", body)
            // Not uat-1: its rules keep it out, whoever is there.
            #expect(refused.conflicts.allSatisfy { $0["environment"] as? String != "uat-1" })
            #expect(try await bookAll(api, refused, of: body) > 0)
        }
    }

    @Test("A refused series says which occurrence, that skip books the rest, and when all is free")
    func series() async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2", "uat-3"] {
                try await api.database.environment(key) { draft in
                    draft.tier = "uat"
                    draft.policy.setupMinutes = 30
                    if key == "uat-3" { draft.policy.teamHoursPerWeek = 1 }
                }
            }
            try await api.book(TestAPI.booking("uat-1", from: 168, to: 169), as: "bob")
            let body = TestAPI.booking(
                "uat-1", from: 24, to: 26, #""recurrence":{"rrule":"FREQ=DAILY;COUNT=10"}"#)
            let refused = try await api.post("/v1/bookings", body)
            #expect(refused.problem == "booking-conflict", "\(refused.text)")
            #expect(refused.conflicts.first?["recurrenceId"] as? String == TestAPI.at(168))
            #expect(refused["detail"]?.contains("onConflict skip") == true, "\(refused.text)")
            #expect(refused["detail"]?.contains("1 of 10") == true)
            let offers = refused.json["alternatives"] as? [[String: Any]] ?? []
            #expect(offers.contains { $0["environments"] as? [String] == ["uat-2"] })
            #expect(!offers.contains { $0["environments"] as? [String] == ["uat-3"] })
            #expect(try await bookAll(api, refused, of: body) == 4)

            let skipping = try await api.post(
                "/v1/bookings", String(body.dropLast()) + #","onConflict":"skip"}"#)
            let skipped = skipping.json["skipped"] as? [[String: Any]]
            #expect(skipped?.first?["recurrenceId"] as? String == TestAPI.at(168))
        }
    }

    @Test("A refused shift says which booking meets what, and by how many days all can move")
    func shifts() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let first = try await api.book(
                TestAPI.booking("uat-1", from: 24, to: 26, #""labels":{"release":"26.3"}"#))
            let second = try await api.book(
                TestAPI.booking("uat-1", from: 48, to: 50, #""labels":{"release":"26.3"}"#))
            let holder = try await api.book(
                TestAPI.booking("uat-1", from: 72, to: 73), as: "bob")
            let refused = try await api.post(
                "/v1/bookings/shift", #"{"labels":{"release":"26.3"},"days":1}"#)
            #expect(refused.problem == "booking-conflict", "\(refused.text)")
            #expect(refused.conflicts.first?["reference"] as? String == holder)
            #expect(refused.conflicts.first?["moving"] as? String == second)
            let offer = (refused.json["alternatives"] as? [[String: Any]])?.first
            let days = try #require(offer?["days"] as? Int)
            #expect(days == 3)
            #expect(offer?["startsAt"] as? String == TestAPI.at(96))
            let moved = try await api.post(
                "/v1/bookings/shift", #"{"labels":{"release":"26.3"},"days":\#(days)}"#)
            #expect(moved.status == 200, "\(moved.text)")
            #expect(try await api.get("/v1/bookings/\(first)")["startsAt"] == TestAPI.at(96))
        }
    }

    @Test("What a maintenance displaces is offered times beside it, to each another one")
    func notices() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            for hour in [2.0, 3.0] {
                try await api.book(TestAPI.booking("uat-1", from: hour, to: hour + 1), as: "bob")
            }
            let window = #"""
                {"kind":"maintenance","environments":["uat-1"],"title":"Patches",
                 "startsAt":"\#(TestAPI.at(1))","endsAt":"\#(TestAPI.at(9))","onConflict":"displace"}
                """#
            #expect(try await api.post("/v1/change-windows", window, as: "max").status == 201)
            var free: [String] = []
            for notice in try await api.get("/v1/notices", as: "bob").items {
                let text = try #require(notice["text"] as? String)
                let offers = try #require(
                    text.split(separator: "; free instead: ").dropFirst().first, "\(text)")
                for offer in offers.split(separator: ", ") {
                    let words = offer.split(separator: " ").map(String.init)
                    free.append(words[2])
                    let body = """
                        {"environments":["\(words[0])"],"startsAt":"\(words[2])",\
                        "endsAt":"\(words[4])","title":"Instead"}
                        """
                    let made = try await api.post("/v1/bookings", body, as: "bob")
                    #expect(made.status == 201, "\(offer): \(made.text)")
                }
            }
            #expect(free.count == 6)
            #expect(Set(free).count == 6)
        }
    }

    @Test("An extension that is refused is offered what is free of it")
    func extensions() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let booking = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3))
            try await api.book(TestAPI.booking("uat-1", from: 4, to: 5), as: "bob")
            try await api.pass(to: 2)
            let refused = try await api.move(booking, "extend", #"{"minutes":120}"#)
            let offers = refused.json["alternatives"] as? [[String: Any]] ?? []
            #expect(offers.count == 1, "\(refused.text)")
            let end = try #require(offers.first?["endsAt"] as? String)
            #expect(end == TestAPI.at(4))
            #expect(try await api.edit(booking, #"{"endsAt":"\#(end)"}"#).status == 200)
        }
    }

    @Test("An edit that would let a series overlap itself is told as that")
    func overlapsItself() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let first = try await api.book(
                TestAPI.booking(
                    "uat-1", from: 24, to: 26, #""recurrence":{"rrule":"FREQ=DAILY;COUNT=3"}"#))
            let refused = try await api.edit(
                first, #"{"endsAt":"\#(TestAPI.at(50))"}"#, query: "?scope=all")
            #expect(refused.pointers == ["/endsAt"], "\(refused.text)")
        }
    }
}
