import BerthCore
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@Suite("Environments that change under standing bookings, over HTTP", .gated)
struct StandingBookingAPITests {
    private static func withAPI(
        _ body: @escaping @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await TestAPI.with { api in
            for key in ["stub", "uat-1", "uat-2", "uat-3"] {
                try await api.database.environment(key)
            }
            try await body(api)
        }
    }

    private static func patch(
        _ api: TestAPI, _ key: String, _ patch: String, query: String = ""
    ) async throws -> TestAnswer {
        let etag = try await api.get("/v1/environments/\(key)").headers[.eTag]
        return try await api.patch(
            "/v1/environments/\(key)\(query)", patch, as: "ada", ifMatch: etag)
    }

    @Test(
        "New parts claim for bookings to come, or are refused with every booking that would clash")
    func parts() async throws {
        try await Self.withAPI { api in
            let usesStub = #"{"parts":[{"key":"stub","usage":"exclusive"}]}"#
            #expect(try await Self.patch(api, "uat-1", usesStub).status == 200)
            let one = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3))
            let two = try await api.book(TestAPI.booking("uat-2", from: 2, to: 4), as: "bob")
            let three = try await api.book(TestAPI.booking("uat-2", from: 0.5, to: 1.5))
            let far = try await api.book(TestAPI.booking("uat-2", from: 10, to: 11))

            for query in ["?dryRun=true", ""] {
                let refused = try await Self.patch(api, "uat-2", usesStub, query: query)
                #expect(refused.problem == "booking-conflict")
                #expect(
                    Set(refused.conflicts.compactMap { $0["reference"] as? String })
                        == [one, two, three])
                #expect(refused.conflicts.allSatisfy { $0["environment"] as? String == "stub" })
            }
            #expect(try await api.get("/v1/environments/uat-2").headers[.eTag] == "\"1\"")

            try await api.move(two, "cancel", as: "bob")
            try await api.move(three, "cancel")
            #expect(try await Self.patch(api, "uat-2", usesStub).status == 200)
            let blocked = try await api.post(
                "/v1/bookings", TestAPI.booking("stub", from: 10, to: 11))
            #expect(blocked.conflicts.first?["reference"] as? String == far)
            #expect(try await api.database.doubleBookings() == 0)
        }
    }

    @Test("A capacity below what is booked is refused with the instants")
    func capacity() async throws {
        try await Self.withAPI { api in
            let shared = #""mode":"shared""#
            for (from, to) in [(1.0, 3.0), (2.0, 4.0), (2.5, 3.0), (4.0, 5.0)] {
                try await api.book(TestAPI.booking("uat-1", from: from, to: to, shared))
            }
            let refused = try await Self.patch(api, "uat-1", #"{"capacity":1}"#)
            #expect(refused.status == 409)
            #expect(refused.text.contains("2 at \(TestAPI.at(2))"), "\(refused.text)")
            #expect(refused.text.contains("3 at \(TestAPI.at(2.5))"), "\(refused.text)")
            #expect(!refused.text.contains(TestAPI.at(4)), "who touch do not meet: \(refused.text)")
            #expect(try await Self.patch(api, "uat-1", #"{"capacity":3}"#).status == 200)
            let fourth = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-1", from: 2.5, to: 2.75, shared))
            #expect(fourth.status == 409)
        }
    }

    @Test(
        "An outage closes an environment for new use, tells the holders, and stays in its history")
    func outage() async throws {
        try await Self.withAPI { api in
            let standing = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3), as: "bob")
            let outage =
                #"{"status":"unavailable","statusReason":"disk full","statusUntil":"\#(TestAPI.at(4))"}"#
            #expect(try await Self.patch(api, "uat-1", outage).status == 200)
            let refused = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-1", from: 3, to: 5))
            #expect(refused.problem == "policy")
            #expect(refused.text.contains("disk full"), "\(refused.text)")
            try await api.book(TestAPI.booking("uat-1", from: 4, to: 5))
            #expect(try await api.state(standing) == "confirmed")

            let told = try await api.get("/v1/notices?unread=true", as: "bob").items
            #expect(told.map { $0["kind"] as? String } == ["environment.unavailable"])
            #expect(told.first?["subject"] as? String == standing)
            #expect((told.first?["text"] as? String)?.contains("disk full") == true)
            let id = try #require(told.first?["id"] as? Int)
            #expect(try await api.post("/v1/notices/\(id)/read", as: "tess").status == 404)
            #expect(
                try await api.post("/v1/notices/\(id)/read?dryRun=true", as: "bob").status == 200)
            #expect(try await api.post("/v1/notices/\(id)/read", as: "bob").status == 200)
            #expect(try await api.get("/v1/notices?unread=true", as: "bob").items.isEmpty)
            #expect(try await api.get("/v1/notices", as: "bob").items.count == 1)

            #expect(try await Self.patch(api, "uat-1", #"{"status":"available"}"#).status == 200)
            let history = try await api.get("/v1/environments/uat-1/history")
            #expect(history.text.contains("disk full"))
        }
    }

    @Test("Parts given to what an undecided edit left meet what was booked, and are refused")
    func undecidedEdit() async throws {
        try await Self.withAPI { api in
            for key in ["old", "asks"] {
                try await api.database.environment(key) { $0.policy.approval = .manager }
            }
            let edited = try await api.book(TestAPI.booking("old", from: 1, to: 2))
            try await api.move(edited, "approve", as: "ada")
            #expect(
                try await api.edit(edited, #"{"environments":["asks"]}"#)["state"] == "requested")
            try await api.book(TestAPI.booking("stub", from: 1, to: 2))
            let usesStub = #"{"parts":[{"key":"stub","usage":"exclusive"}]}"#
            let refused = try await Self.patch(api, "old", usesStub)
            #expect(refused.problem == "booking-conflict", "\(refused.text)")
            #expect(try await api.move(edited, "reject", as: "ada").status == 200)
            #expect(try await api.get("/v1/bookings/\(edited)")["state"] == "confirmed")
            #expect(try await api.database.doubleBookings() == 0)
        }
    }

    @Test("A part taken away serves those who waited for it")
    func partTakenAway() async throws {
        try await Self.withAPI { api in
            #expect(
                try await Self.patch(
                    api, "uat-1", #"{"parts":[{"key":"stub","usage":"exclusive"}]}"#
                )
                .status == 200)
            try await api.book(TestAPI.booking("stub", from: 1, to: 2))
            let waiting = try await api.book(
                TestAPI.booking("uat-1", from: 1, to: 2, #""onConflict":"waitlist""#))
            #expect(try await Self.patch(api, "uat-1", #"{"parts":[]}"#).status == 200)
            try await api.pass(to: 0)
            #expect(try await api.state(waiting) == "confirmed")
        }
    }

    @Test("Parts that come and go under bookings of several environments deadlock with nobody")
    func noDeadlock() async throws {
        try await Self.withAPI { api in
            for hour in 0..<10 {
                try await api.book(
                    TestAPI.booking("uat-1", "uat-2", from: Double(hour), to: Double(hour) + 1))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 1...3 {
                    group.addTask {
                        for turn in 0..<15 {
                            let from = Double(lane * 20 + turn)
                            try await api.book(
                                TestAPI.booking("uat-1", "uat-2", from: from, to: from + 1))
                        }
                    }
                }
                group.addTask {
                    for turn in 0..<12 {
                        let parts = turn % 2 == 0 ? #"{"key":"uat-3","usage":"same"}"# : ""
                        _ = try await Self.patch(api, "uat-2", #"{"parts":[\#(parts)]}"#)
                    }
                }
                try await group.waitForAll()
            }
            let rows = try await api.database.client.query(
                """
                SELECT d.deadlocks FROM pg_stat_database d WHERE d.datname = current_database()
                """)
            #expect(try rows[rows.startIndex].decode(Int.self) == 0)
        }
    }
}
