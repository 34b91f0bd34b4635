import BerthCore
import BerthTestSupport
import Foundation
import Testing

@testable import BerthServer

@Suite("Who gives way, and who is told", .gated)
struct DisplacementAPITests {
    private func withAPI(_ body: @escaping @Sendable (TestAPI) async throws -> Void) async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.ownerTeam = "crm"
                $0.policy.displaceable = true
            }
            try await body(api)
        }
    }

    private static func maintenance(from: Double, to: Double) -> String {
        #"""
        {"kind":"maintenance","environments":["uat-1"],"title":"Patches","onConflict":"displace",
         "startsAt":"\#(TestAPI.at(from))","endsAt":"\#(TestAPI.at(to))"}
        """#
    }

    private static func references(_ list: Any?) -> [String] {
        (list as? [[String: Any]] ?? []).compactMap { $0["reference"] as? String }
    }

    @Test("Who says that it waits throws nobody out, whatever its priority")
    func waits() async throws {
        try await withAPI { api in
            let holder = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3), as: "bob")
            let urgent = TestAPI.booking(
                "uat-1", from: 1, to: 3, #""priority":"urgent","onConflict":"waitlist""#)
            let waiting = try await api.post("/v1/bookings", urgent, as: "max")
            #expect(waiting["state"] == "waitlisted", "\(waiting.text)")
            #expect(try await api.state(holder) == "confirmed")
        }
    }

    @Test("An urgent booking says whom it displaces: in the dry run, and again under its key")
    func urgent() async throws {
        try await withAPI { api in
            try await api.database.environment("suite") {
                $0.policy.displaceable = true
                $0.parts = [.init(key: "uat-1", usage: .same)]
            }
            let lower = try await api.book(
                TestAPI.booking("suite", from: 1, to: 3, #""contact":"bob@example.test""#),
                as: "bob")
            let urgent = TestAPI.booking("uat-1", from: 2, to: 4, #""priority":"urgent""#)
            let tried = try await api.post("/v1/bookings?dryRun=true", urgent, as: "max")
            #expect(tried.status == 200)
            #expect(Self.references(tried.json["displaces"]) == [lower], "\(tried.text)")
            #expect(try await api.state(lower) == "confirmed")
            let made = try await api.post("/v1/bookings", urgent, as: "max", key: "once")
            let displaced = try #require((made.json["displaces"] as? [[String: Any]])?.first)
            #expect(displaced["reference"] as? String == lower)
            #expect(displaced["team"] as? String == "mobile")
            #expect(displaced["holder"] as? String == "bob")
            #expect(displaced["contact"] as? String == "bob@example.test")
            #expect(displaced["environment"] as? String == "uat-1")
            #expect(displaced["endsAt"] as? String == TestAPI.at(3))
            _ = try await api.edit(lower, #"{"title":"Later"}"#, as: "bob")
            let again = try await api.post("/v1/bookings", urgent, as: "max", key: "once")
            #expect(again.text == made.text)
            let later = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-1", from: 6, to: 7), as: "max")
            #expect(later.json["displaces"] == nil)
        }
    }

    @Test("A maintenance says whom it displaces, when tried and when made")
    func maintenance() async throws {
        try await withAPI { api in
            let holder = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3), as: "bob")
            let other = try await api.book(TestAPI.booking("uat-1", from: 3, to: 4))
            let body = Self.maintenance(from: 2, to: 5)
            let tried = try await api.post("/v1/change-windows?dryRun=true", body, as: "max")
            #expect(Self.references(tried.json["hits"]) == [holder, other], "\(tried.text)")
            #expect(Self.references(tried.json["displaces"]) == [holder, other])
            #expect(try await api.state(holder) == "confirmed")
            let planned = try await api.post("/v1/change-windows", body, as: "max")
            #expect(Self.references(planned.json["displaces"]) == [holder, other])
            #expect(try await api.state(holder) == "displaced")
        }
    }

    @Test("A booking that had begun when it gave way moves to another time, and keeps its history")
    func moves() async throws {
        try await withAPI { api in
            let booking = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3), as: "bob")
            try await api.pass(to: 2)
            let window = Self.maintenance(from: 2, to: 5)
            #expect(try await api.post("/v1/change-windows", window, as: "max").status == 201)
            #expect(try await api.get("/v1/bookings/\(booking)")["releasedAt"] == TestAPI.at(2))
            let longer = try await api.edit(
                booking, #"{"endsAt":"\#(TestAPI.at(4))"}"#, as: "bob")
            #expect(longer.status == 200, "\(longer.text)")
            #expect(longer["state"] == "displaced")
            #expect(longer["waitUntil"] == TestAPI.at(4))
            let moved = try await api.edit(
                booking, #"{"startsAt":"\#(TestAPI.at(6))","endsAt":"\#(TestAPI.at(8))"}"#,
                as: "bob")
            #expect(moved.status == 200, "\(moved.text)")
            #expect(moved["state"] == "confirmed")
            #expect(moved.json["releasedAt"] is NSNull)
            let history = try await api.get("/v1/bookings/\(booking)/history").text
            #expect(history.contains(TestAPI.at(2)))
            #expect(try await api.database.doubleBookings() == 0)
        }
    }

    @Test("One in line that asks for another time waits until that")
    func waitsOn() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 1, to: 9), as: "bob")
            let waiting = try await api.book(
                TestAPI.booking("uat-1", from: 2, to: 3, #""onConflict":"waitlist""#))
            let moved = try await api.edit(
                waiting, #"{"startsAt":"\#(TestAPI.at(5))","endsAt":"\#(TestAPI.at(6))"}"#)
            #expect(moved["waitUntil"] == TestAPI.at(5), "\(moved.text)")
            try await api.pass(to: 3)
            #expect(try await api.state(waiting) == "waitlisted")
        }
    }

    @Test("What is over does not give way any more, even while its teardown lasts")
    func over() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.ownerTeam = "crm"
                $0.policy.displaceable = true
                $0.policy.teardownMinutes = 120
            }
            let booking = try await api.book(TestAPI.booking("uat-1", from: 1, to: 2), as: "bob")
            // Nobody has looked since.
            api.clock.now = TestDatabase.now.addingTimeInterval(3 * 3600)
            let window = try await api.post(
                "/v1/change-windows", Self.maintenance(from: 3, to: 5), as: "max")
            #expect(window.problem == "booking-conflict", "\(window.text)")
            #expect(window.conflicts.first?["reference"] as? String == booking)
            let urgent = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-1", from: 3, to: 4, #""priority":"urgent""#),
                as: "max")
            #expect(urgent.problem == "booking-conflict", "\(urgent.text)")
        }
    }
}
