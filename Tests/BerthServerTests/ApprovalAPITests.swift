import BerthCore
import BerthTestSupport
import Foundation
import Testing

@Suite("Approval over HTTP", .gated)
struct ApprovalAPITests {
    private func withAPI(
        hold: Int? = 60, _ body: @escaping @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.ownerTeam = "crm"
                $0.policy.approval = .manager
                $0.policy.requestHoldMinutes = hold
            }
            try await body(api)
        }
    }

    @Test("A request holds its time until its owner decides, and nobody else may")
    func decided() async throws {
        try await withAPI { api in
            let made = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            let reference = try #require(made["reference"])
            #expect(made["state"] == "requested")
            #expect(made["holdExpiresAt"] == TestAPI.at(1))
            #expect(
                try await api.post("/v1/bookings", TestAPI.booking("uat-1", from: 3, to: 5)).status
                    == 409)
            #expect(try await api.move(reference, "approve", as: "bob").status == 403)
            #expect(try await api.move(reference, "check-in", as: "bob").problem == "illegal-move")
            let approved = try await api.move(reference, "approve", #"{"note":"fine"}"#, as: "max")
            #expect(approved["state"] == "confirmed")
            let approval = try #require((approved.json["approvals"] as? [[String: Any]])?.first)
            #expect(approval["state"] as? String == "approved")
            #expect(approval["by"] as? String == "max")
            #expect(approval["note"] as? String == "fine")
            #expect(try await api.move(reference, "approve", as: "max").problem == "illegal-move")
            #expect(try await api.move(reference, "reject", as: "max").problem == "illegal-move")
            #expect(try await api.notices(of: "bob") == ["booking.approved"])
            #expect(try await api.notices(of: "max") == ["booking.requested"])
        }
    }

    @Test(
        "A series is asked for and decided in one notice, which names the environment and its time")
    func series() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.ownerTeam = "crm"
                $0.timeZone = "Europe/Zagreb"
                $0.policy.approval = .manager
            }
            let made = try await api.post(
                "/v1/bookings",
                #"{"environments":["uat-1"],"title":"Weekly","startsAt":"2027-03-02T09:00:00Z","minutes":60,"recurrence":{"rrule":"FREQ=WEEKLY;COUNT=3"}}"#,
                as: "bob")
            let (reference, series) = (
                try #require(made["reference"]), try #require(made["series"])
            )
            let asked = try await api.get("/v1/notices", as: "max").items
            #expect(asked.count == 1 && asked[0]["subject"] as? String == series)
            #expect(
                asked[0]["text"] as? String
                    == "3 of \(series): bob asks for uat-1, 2027-03-02 10:00 to 2027-03-02 11:00 Europe/Zagreb: Weekly"
            )
            let approve = "/v1/bookings/\(reference)/approve?scope=all"
            #expect(try await api.post(approve, as: "max").status == 200)
            let told = try await api.get("/v1/notices", as: "bob").items
            #expect(told.count == 1 && told[0]["subject"] as? String == series, "\(told)")
            #expect(
                (told[0]["text"] as? String)?.hasPrefix(
                    "3 of \(series): Weekly was approved: uat-1, ") == true)
            #expect(try await api.move(reference, "cancel", as: "bob").status == 200)
            let last = try #require(try await api.get("/v1/notices", as: "bob").items.first)
            #expect(last["subject"] as? String == reference)
        }
    }

    @Test("An owner who was asked is not asked again because another owner has answered")
    func askedOnce() async throws {
        try await withAPI { api in
            try await api.database.environment("uat-2") {
                $0.ownerTeam = "mobile"
                $0.policy.approval = .manager
            }
            let made = try await api.post(
                "/v1/bookings",
                #"{"environments":["uat-1","uat-2"],"title":"Both","startsAt":"2027-03-02T09:00:00Z","minutes":60}"#
            )
            #expect(made["state"] == "requested")
            #expect(try await api.move(made["reference"] ?? "", "approve", as: "max").status == 200)
            #expect(try await api.notices(of: "bob") == ["booking.requested"])
        }
    }

    @Test("A request that nobody decides expires with its hold, and frees its time")
    func expired() async throws {
        try await withAPI { api in
            let reference = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            try await api.pass(to: 0.99)
            #expect(try await api.state(reference) == "requested")
            try await api.pass(to: 1)
            let expired = try await api.get("/v1/bookings/\(reference)")
            #expect(expired["state"] == "expired")
            #expect(expired["stateReason"] == "hold")
            #expect(try await api.notices(of: "bob") == ["booking.expired"])
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
        }
    }

    @Test("A hold that has run out stands in nobody's way, whenever the clockwork comes by")
    func dueHoldIsMet() async throws {
        try await withAPI { api in
            let reference = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            api.clock.now = TestDatabase.now.addingTimeInterval(3600)
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            #expect(try await api.state(reference) == "expired")
            let late = try await api.move(reference, "approve", as: "max")
            #expect(late.problem == "illegal-move")
        }
    }

    @Test("An edit that widens asks again; rejected, what was approved stands as it was")
    func wideningIsRejected() async throws {
        try await withAPI { api in
            let reference = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            try await api.move(reference, "approve", as: "max")
            let asked = try await api.edit(
                reference, #"{"startsAt":"\#(TestAPI.at(10))","endsAt":"\#(TestAPI.at(12))"}"#,
                as: "bob")
            #expect(asked["state"] == "requested")
            #expect(asked["startsAt"] == TestAPI.at(10))
            // Both times are held: what was approved, and what is asked for.
            for from in [2.0, 10.0] {
                let other = TestAPI.booking("uat-1", from: from, to: from + 1)
                #expect(try await api.post("/v1/bookings", other).status == 409)
            }
            try await api.book(TestAPI.booking("uat-1", from: 6, to: 7))
            let rejected = try await api.move(reference, "reject", #"{"note":"no"}"#, as: "max")
            #expect(rejected["state"] == "confirmed")
            #expect(rejected["startsAt"] == TestAPI.at(2))
            #expect(rejected["endsAt"] == TestAPI.at(4))
            #expect(rejected["stateReason"] == "the edit was rejected: no")
            try await api.book(TestAPI.booking("uat-1", from: 10, to: 12))
            #expect(try await api.database.doubleBookings() == 0)
        }
    }

    @Test("An edit that widens and is approved gives up what it held before")
    func wideningIsApproved() async throws {
        try await withAPI { api in
            let reference = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            try await api.move(reference, "approve", as: "max")
            _ = try await api.edit(
                reference, #"{"startsAt":"\#(TestAPI.at(3))","endsAt":"\#(TestAPI.at(6))"}"#,
                as: "bob")
            let approved = try await api.move(reference, "approve", as: "max")
            #expect(approved["state"] == "confirmed")
            #expect(approved["endsAt"] == TestAPI.at(6))
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 3))
            let other = TestAPI.booking("uat-1", from: 5, to: 7)
            #expect(try await api.post("/v1/bookings", other).status == 409)
        }
    }

    @Test(
        "An edit that waits for approval may be moved to where another has begun: refused, with what is free"
    )
    func wideningMeetsAnother() async throws {
        try await withAPI { api in
            let reference = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            try await api.move(reference, "approve", as: "max")
            _ = try await api.edit(reference, #"{"endsAt":"\#(TestAPI.at(5))"}"#, as: "bob")
            try await api.book(TestAPI.booking("uat-1", from: 6, to: 10))
            let refused = try await api.edit(
                reference, #"{"startsAt":"\#(TestAPI.at(7))","endsAt":"\#(TestAPI.at(9))"}"#,
                as: "bob")
            #expect(refused.status == 409)
            #expect(refused.problem == "booking-conflict")
        }
    }

    @Test("An edit that widens and is not decided in time leaves what was approved")
    func wideningExpires() async throws {
        try await withAPI { api in
            let reference = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            try await api.move(reference, "approve", as: "max")
            _ = try await api.edit(reference, #"{"endsAt":"\#(TestAPI.at(6))"}"#, as: "bob")
            try await api.pass(to: 1)
            let restored = try await api.get("/v1/bookings/\(reference)")
            #expect(restored["state"] == "confirmed")
            #expect(restored["endsAt"] == TestAPI.at(4))
        }
    }

    @Test("An edit that asks for less needs nobody")
    func narrowing() async throws {
        try await withAPI { api in
            let reference = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4), as: "bob")
            try await api.move(reference, "approve", as: "max")
            let edited = try await api.edit(
                reference, #"{"endsAt":"\#(TestAPI.at(3))","title":"Shorter"}"#, as: "bob")
            #expect(edited["state"] == "confirmed")
        }
    }

    @Test("Each owner of a booking's environments decides; the last yes confirms, one no rejects")
    func severalOwners() async throws {
        try await withAPI { api in
            for key in ["uat-2", "uat-3"] {
                try await api.database.environment(key) {
                    $0.ownerTeam = "mobile"
                    $0.policy.approval = .manager
                }
            }
            let both = try await api.book(
                TestAPI.booking("uat-1", "uat-2", from: 2, to: 4), as: "bob")
            #expect(try await api.move(both, "approve", as: "max")["state"] == "requested")
            #expect(try await api.move(both, "approve", as: "max").status == 403)
            #expect(try await api.move(both, "approve", as: "ada")["state"] == "confirmed")
            let rejected = try await api.book(
                TestAPI.booking("uat-1", "uat-3", from: 5, to: 6), as: "bob")
            #expect(try await api.move(rejected, "reject", as: "max")["state"] == "rejected")
            #expect(try await api.move(rejected, "approve", as: "ada").problem == "illegal-move")
            try await api.book(TestAPI.booking("uat-3", from: 5, to: 6), as: "bob")
        }
    }

    @Test("Releasing what has begun, with an edit undecided, keeps what was used")
    func releaseOfUndecided() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.policy.approval = .manager }
            let booking = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3))
            try await api.move(booking, "approve", as: "ada")
            try await api.pass(to: 1.5)
            let longer = try await api.edit(booking, #"{"endsAt":"\#(TestAPI.at(4))"}"#)
            #expect(longer["state"] == "requested")
            try await api.pass(to: 2)
            let released = try await api.move(booking, "release")
            #expect(released["state"] == "completed")
            #expect(released["releasedAt"] == TestAPI.at(2))
            let claims = try await api.database.client.query("SELECT upper(period) FROM claims")
            #expect(try claims.map { RFC3339.string(try $0.decode(Date.self)) } == [TestAPI.at(2)])
        }
    }
}
