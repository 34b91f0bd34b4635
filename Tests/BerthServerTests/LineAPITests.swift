import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@Suite("The line over HTTP", .gated)
struct LineAPITests {
    private static let wait = #""onConflict":"waitlist""#

    private func withAPI(
        _ body: @escaping @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2"] {
                try await api.database.environment(key) { $0.ownerTeam = "crm" }
            }
            try await body(api)
        }
    }

    @Test("Who waits has a place: by priority, then age")
    func places() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let body = TestAPI.booking("uat-1", from: 3, to: 5, Self.wait)
            let first = try await api.book(body, as: "bob")
            let second = try await api.book(body)
            let urgent = try await api.book(
                TestAPI.booking("uat-1", from: 3, to: 5, Self.wait + #","priority":"high""#),
                as: "max")
            let elsewhere = try await api.book(
                TestAPI.booking("uat-1", from: 1, to: 3, Self.wait), as: "bob")
            var places: [Int?] = []
            for reference in [urgent, first, second, elsewhere] {
                let waiting = try await api.get("/v1/bookings/\(reference)")
                #expect(waiting["state"] == "waitlisted")
                #expect(waiting["waitUntil"] == waiting["startsAt"])
                places.append(waiting.json["waitPosition"] as? Int)
            }
            #expect(places == [1, 2, 3, 1])
        }
    }

    @Test(
        "What frees a time serves the line in the same commit",
        arguments: ["cancel", "release", "shorten", "reject"])
    func served(by event: String) async throws {
        try await withAPI { api in
            try await api.database.environment("uat-3") {
                $0.ownerTeam = "crm"
                $0.policy.approval = event == "reject" ? Policy.Approval.manager : nil
            }
            let holder = try await api.book(TestAPI.booking("uat-3", from: 2, to: 4))
            let body = TestAPI.booking("uat-3", from: 3, to: 5, Self.wait)
            let first = try await api.book(body, as: "bob")
            let second = try await api.book(body, as: "bob")
            switch event {
            case "cancel": try await api.move(holder, "cancel")
            case "release": try await api.move(holder, "release")
            case "reject": try await api.move(holder, "reject", as: "max")
            default: _ = try await api.edit(holder, #"{"endsAt":"\#(TestAPI.at(3))"}"#)
            }
            let expected = event == "reject" ? "requested" : "confirmed"
            #expect(try await api.state(first) == expected)
            let left = try await api.get("/v1/bookings/\(second)")
            #expect(left["state"] == "waitlisted")
            #expect(left.json["waitPosition"] as? Int == 1)
            #expect(try await api.notices(of: "bob").contains("booking.served"))
            #expect(try await api.database.doubleBookings() == 0)
        }
    }

    @Test("A no-show, an expired hold and a lease that ran out serve the line, too")
    func servedByTime() async throws {
        try await withAPI { api in
            try await api.database.environment("uat-3") { $0.policy.checkInMinutes = 15 }
            let noShow = try await api.book(TestAPI.booking("uat-3", from: 1, to: 4))
            let waiting = try await api.book(
                TestAPI.booking("uat-3", from: 2, to: 5, Self.wait), as: "bob")
            try await api.pass(to: 1.25)
            #expect(try await api.get("/v1/bookings/\(noShow)")["stateReason"] == "no-show")
            #expect(try await api.state(waiting) == "confirmed")
        }
    }

    @Test("Nobody waits for ever: at waitUntil, or at its start, one gives up")
    func givesUp() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let patient = try await api.book(
                TestAPI.booking(
                    "uat-1", from: 3, to: 6, Self.wait + #","waitUntil":"\#(TestAPI.at(5))""#))
            let usual = try await api.book(TestAPI.booking("uat-1", from: 3, to: 5, Self.wait))
            try await api.pass(to: 3)
            let gaveUp = try await api.get("/v1/bookings/\(usual)")
            #expect(gaveUp["state"] == "expired")
            #expect(gaveUp["stateReason"] == "wait")
            #expect(try await api.state(patient) == "waitlisted")
            // What is left of its time is better than nothing, to one who said so.
            try await api.pass(to: 4)
            let served = try await api.get("/v1/bookings/\(patient)")
            #expect(served["state"] == "active")
            #expect(served["startsAt"] == TestAPI.at(4))
            #expect(served["endsAt"] == TestAPI.at(6))
        }
    }

    @Test("Who asks for now gets its whole time as soon as it is free, after setup and teardown")
    func floats() async throws {
        try await withAPI { api in
            try await api.database.environment("uat-3") {
                $0.policy.setupMinutes = 15
                $0.policy.teardownMinutes = 30
            }
            let holder = try await api.book(TestAPI.booking("uat-3", from: 0.5, to: 2))
            let waiting = try await api.book(
                #"{"environments":["uat-3"],"minutes":45,"title":"CI","onConflict":"waitlist"}"#,
                as: "bob")
            try await api.pass(to: 1)
            try await api.move(holder, "release")
            #expect(try await api.state(waiting) == "waitlisted")
            try await api.pass(to: 1.5)
            let served = try await api.get("/v1/bookings/\(waiting)")
            #expect(served["state"] == "confirmed")
            #expect(served["startsAt"] == TestAPI.at(1.75))
            #expect(served["endsAt"] == TestAPI.at(2.5))
            #expect(try await api.database.doubleBookings() == 0)
        }
    }

    @Test("Who waits for several environments is served when the last of them is free")
    func several() async throws {
        try await withAPI { api in
            let one = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let two = try await api.book(TestAPI.booking("uat-2", from: 2, to: 4))
            let both = try await api.book(
                TestAPI.booking("uat-1", "uat-2", from: 2, to: 4, Self.wait), as: "bob")
            try await api.move(one, "cancel")
            #expect(try await api.state(both) == "waitlisted")
            try await api.move(two, "cancel")
            #expect(try await api.state(both) == "confirmed")
        }
    }

    @Test("Who waits for a part of what is freed is served")
    func throughParts() async throws {
        try await withAPI { api in
            try await api.database.environment("stub")
            for key in ["erp-1", "erp-2"] {
                try await api.database.environment(key) {
                    $0.parts = [TestEnvironment.Part(key: "stub", usage: .exclusive)]
                }
            }
            let holder = try await api.book(TestAPI.booking("erp-1", from: 2, to: 4))
            let waiting = try await api.book(
                TestAPI.booking("erp-2", from: 2, to: 4, Self.wait), as: "bob")
            try await api.move(holder, "cancel")
            #expect(try await api.state(waiting) == "confirmed")
        }
    }

    @Test("Who takes any that match gets the one that is free, and waits for any")
    func selects() async throws {
        try await TestAPI.with { api in
            for key in ["agent-1", "agent-2"] {
                try await api.database.environment(key) { $0.labels = ["pool": "ci"] }
            }
            let body = """
                {"select":{"labels":{"pool":"ci"}},"startsAt":"\(TestAPI.at(2))",\
                "endsAt":"\(TestAPI.at(4))","title":"CI","onConflict":"waitlist"}
                """
            let first = try await api.post("/v1/bookings", body)
            let second = try await api.post("/v1/bookings", body)
            #expect(first.json["environments"] as? [String] == ["agent-1"])
            #expect(second.json["environments"] as? [String] == ["agent-2"])
            let third = try await api.book(body, as: "bob")
            #expect(try await api.state(third) == "waitlisted")
            try await api.move(try #require(second["reference"]), "cancel")
            try await api.pass(to: 0.1)
            let served = try await api.get("/v1/bookings/\(third)")
            #expect(served["state"] == "confirmed")
            #expect(served.json["environments"] as? [String] == ["agent-2"])
            let tooMany = try await api.post(
                "/v1/bookings",
                #"{"select":{"labels":{"pool":"ci"},"count":3},"minutes":5,"title":"CI"}"#)
            #expect(tooMany.status == 400)
            #expect(tooMany.pointers == ["/select"])
        }
    }

    @Test("One call waits for a change, and says that it does")
    func prefers() async throws {
        try await withAPI { api in
            let holder = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let waiting = try await api.book(
                TestAPI.booking("uat-1", from: 2, to: 4, Self.wait), as: "bob")
            let header = try #require(HTTPField.Name("Prefer"))
            async let answer = api.send(
                .get, "/v1/bookings/\(waiting)", headers: [header: "respond-async, wait=50"])
            try await api.move(holder, "cancel")
            let changed = try await answer
            #expect(changed["state"] == "confirmed")
            let applied = try #require(HTTPField.Name("Preference-Applied"))
            #expect(changed.headers[applied] == "wait=50")
        }
    }

    @Test(
        "What is said of waiting is checked",
        arguments: [
            (#""waitUntil":"\#(TestAPI.at(3))""#, "/waitUntil"),
            (#""onConflict":"waitlist","waitUntil":"\#(TestAPI.at(-1))""#, "/waitUntil"),
            (#""onConflict":"waitlist","waitUntil":"\#(TestAPI.at(9))""#, "/waitUntil"),
            (#""onConflict":"skip""#, "/onConflict"), (#""onConflict":"queue""#, "/onConflict"),
            (#""leaseSeconds":0"#, "/leaseSeconds"), (#""leaseSeconds":86401"#, "/leaseSeconds"),
            (#""select":{"labels":{}}"#, "/select"),
        ])
    func faults(_ member: String, pointer: String) async throws {
        try await withAPI { api in
            let refused = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-1", from: 2, to: 4, member))
            #expect(refused.status == 400)
            #expect(refused.pointers == [pointer])
        }
    }
}
