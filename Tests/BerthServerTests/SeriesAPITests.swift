import BerthCore
import BerthTestSupport
import Foundation
import Testing

@Suite("Series and shifts over HTTP", .gated)
struct SeriesAPITests {
    /// Tuesday, 2027-03-02, 09:00 in London.
    private static let tuesday = 24.0

    private static func weekly(_ count: Int, _ more: String = "", keys: String...) -> String {
        let names = (keys.isEmpty ? ["uat-1"] : keys).map { "\"\($0)\"" }.joined(separator: ",")
        return """
            {"environments":[\(names)],"startsAt":"\(TestAPI.at(tuesday))",\
            "endsAt":"\(TestAPI.at(tuesday + 2))","title":"Weekly","timeZone":"Europe/London",\
            "recurrence":{"rrule":"FREQ=WEEKLY;COUNT=\(count)"}\(more.isEmpty ? "" : ",")\(more)}
            """
    }

    private func withAPI(
        approval: Policy.Approval? = nil,
        _ body: @escaping @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2"] {
                try await api.database.environment(key) {
                    $0.ownerTeam = "crm"
                    $0.policy.approval = approval
                }
            }
            try await body(api)
        }
    }

    private func series(_ api: TestAPI, _ query: String = "") async throws -> [[String: Any]] {
        try await api.get("/v1/bookings?environment=uat-1&limit=100\(query)").items
            .sorted { ($0["startsAt"] as? String ?? "") < ($1["startsAt"] as? String ?? "") }
    }

    @Test("A series is booked whole, at the same local time across daylight saving")
    func booked() async throws {
        try await withAPI { api in
            let made = try await api.post("/v1/bookings", Self.weekly(5), key: "once")
            #expect(made.status == 201, "\(made.text)")
            #expect(made["series"] == "SR-1")
            #expect(made["recurrenceId"] == TestAPI.at(Self.tuesday))
            #expect(
                (made.json["recurrence"] as? [String: Any])?["rrule"] as? String
                    == "FREQ=WEEKLY;COUNT=5")
            let starts = try await series(api).compactMap { $0["startsAt"] as? String }
            #expect(
                starts == [
                    "2027-03-02T09:00:00Z", "2027-03-09T09:00:00Z", "2027-03-16T09:00:00Z",
                    "2027-03-23T09:00:00Z", "2027-03-30T08:00:00Z",
                ])
            let again = try await api.post("/v1/bookings", Self.weekly(5), key: "once")
            #expect(again.text == made.text)
            #expect(try await series(api).count == 5)
        }
    }

    @Test(
        "A clash refuses a series whole, unless it says skip or waitlist: then it is told of each")
    func clashes() async throws {
        try await withAPI { api in
            let holder = try await api.book(
                TestAPI.booking("uat-1", from: Self.tuesday + 168, to: Self.tuesday + 169),
                as: "bob")
            let refused = try await api.post("/v1/bookings", Self.weekly(3))
            #expect(refused.problem == "booking-conflict")
            let conflict = try #require((refused.json["conflicts"] as? [[String: Any]])?.first)
            #expect(conflict["reference"] as? String == holder)
            #expect(try await series(api).count == 1)

            let tried = try await api.post(
                "/v1/bookings?dryRun=true", Self.weekly(3, #""onConflict":"skip""#))
            #expect(tried.status == 200, "\(tried.text)")
            #expect(try await series(api).count == 1)
            let skipping = try await api.post(
                "/v1/bookings", Self.weekly(3, #""onConflict":"skip""#))
            let skipped = try #require(skipping.json["skipped"] as? [[String: Any]])
            #expect(skipped.map { $0["reference"] as? String } == [holder])
            #expect(try await series(api, "&team=crm").count == 2)

            let waiting = try await api.post(
                "/v1/bookings",
                Self.weekly(3, #""onConflict":"waitlist""#).replacing(
                    "\(TestAPI.at(Self.tuesday))", with: TestAPI.at(Self.tuesday + 3)
                )
                .replacing("\(TestAPI.at(Self.tuesday + 2))", with: TestAPI.at(Self.tuesday + 4)))
            #expect(waiting.status == 201, "\(waiting.text)")
            #expect((waiting.json["skipped"] as? [Any])?.isEmpty == true)
        }
    }

    @Test("An occurrence that clashes waits in line, and is served as any other")
    func waits() async throws {
        try await withAPI { api in
            let holder = try await api.book(
                TestAPI.booking("uat-1", from: Self.tuesday + 168, to: Self.tuesday + 169),
                as: "bob")
            try await api.book(Self.weekly(3, #""onConflict":"waitlist""#))
            #expect(try await series(api, "&state=waitlisted").count == 1)
            try await api.move(holder, "cancel", as: "bob")
            #expect(try await series(api, "&state=waitlisted").isEmpty)
            #expect(try await series(api, "&state=confirmed").count == 3)
        }
    }

    @Test("One call approves all of a series, or rejects what follows")
    func approves() async throws {
        try await withAPI(approval: .manager) { api in
            let first = try await api.book(Self.weekly(6))
            let all = try await series(api)
            #expect(all.allSatisfy { $0["state"] as? String == "requested" })
            let fourth = try #require(all[3]["reference"] as? String)
            try await api.move(fourth, "reject?scope=following", as: "max")
            try await api.move(first, "approve?scope=all", as: "max")
            let states = try await series(api).map { $0["state"] as? String }
            #expect(
                states == [
                    "confirmed", "confirmed", "confirmed", "rejected", "rejected", "rejected",
                ])
        }
    }

    @Test("An edit of all moves each by as much on its own clock, and touches nobody else's")
    func edits() async throws {
        try await withAPI { api in
            let first = try await api.book(Self.weekly(5))
            let second = try #require(try await series(api)[1]["reference"] as? String)
            _ = try await api.edit(second, #"{"team":"mobile"}"#, as: "ada")
            let patch = """
                {"title":"Later","startsAt":"\(TestAPI.at(Self.tuesday + 3))",\
                "endsAt":"\(TestAPI.at(Self.tuesday + 6))"}
                """
            let edited = try await api.edit(first, patch, query: "?scope=all")
            #expect(edited.status == 200, "\(edited.text)")
            let after = try await series(api)
            #expect(
                after.compactMap { $0["startsAt"] as? String } == [
                    "2027-03-02T12:00:00Z", "2027-03-09T09:00:00Z", "2027-03-16T12:00:00Z",
                    "2027-03-23T12:00:00Z", "2027-03-30T11:00:00Z",
                ])
            #expect(after[4]["endsAt"] as? String == "2027-03-30T14:00:00Z")
            #expect(after[1]["title"] as? String == "Weekly")
            #expect(after[4]["recurrenceId"] as? String == "2027-03-30T08:00:00Z")
        }
    }

    @Test("A series may be moved by its own distance, onto its own siblings' places")
    func ownPlaces() async throws {
        try await withAPI { api in
            let first = try await api.book(Self.weekly(4))
            let patch = """
                {"startsAt":"\(TestAPI.at(Self.tuesday + 168))","endsAt":"\(TestAPI.at(Self.tuesday + 170))"}
                """
            #expect(try await api.edit(first, patch, query: "?scope=all").status == 200)
            #expect(try await api.database.doubleBookings() == 0)
            // Alone, it meets the second.
            let back = """
                {"startsAt":"\(TestAPI.at(Self.tuesday + 336))","endsAt":"\(TestAPI.at(Self.tuesday + 338))"}
                """
            #expect(try await api.edit(first, back).problem == "booking-conflict")
        }
    }

    @Test("An edit of all leaves one alone that it would leave no time")
    func leavesTime() async throws {
        try await withAPI { api in
            let first = try await api.book(Self.weekly(3))
            let second = try #require(try await series(api)[1]["reference"] as? String)
            func ends(_ hours: Double) -> String {
                #"{"endsAt":"\#(TestAPI.at(Self.tuesday + hours))"}"#
            }
            let longer = try await api.edit(first, ends(9), query: "?scope=all")
            #expect(longer.status == 200, "\(longer.text)")
            #expect(try await api.edit(second, ends(168 + 2)).status == 200)
            #expect(try await api.edit(first, ends(2), query: "?scope=all").status == 200)
            let lengths = try await series(api).compactMap { $0["endsAt"] as? String }
            #expect(
                lengths == ["2027-03-02T11:00:00Z", "2027-03-09T11:00:00Z", "2027-03-16T11:00:00Z"])
        }
    }

    @Test("Extending all gives each occurrence as much")
    func extends() async throws {
        try await withAPI { api in
            let first = try await api.book(Self.weekly(3))
            let extended = try await api.move(first, "extend?scope=all", #"{"minutes":60}"#)
            #expect(extended.status == 200, "\(extended.text)")
            let ends = try await series(api).compactMap { $0["endsAt"] as? String }
            #expect(
                ends == ["2027-03-02T12:00:00Z", "2027-03-09T12:00:00Z", "2027-03-16T12:00:00Z"])
        }
    }

    @Test("Cancelling what follows leaves what came before")
    func cancels() async throws {
        try await withAPI { api in
            try await api.book(Self.weekly(5, "", keys: "uat-1", "uat-2"))
            let third = try #require(try await series(api)[2]["reference"] as? String)
            #expect(try await api.move(third, "cancel?scope=following")["state"] == "cancelled")
            #expect(try await series(api, "&state=confirmed").count == 2)
            #expect(try await api.move(third, "cancel?scope=following").problem == "illegal-move")
            #expect(try await api.move(third, "cancel?scope=some").status == 400)
        }
    }

    @Test(
        "What is wrong with a series is named",
        arguments: [
            (#"{"rrule":"FREQ=WEEKLY"}"#, "/recurrence/rrule"),
            (#"{"rrule":"FREQ=HOURLY;COUNT=2"}"#, "/recurrence/rrule"),
            (#"{"rrule":"FREQ=DAILY;COUNT=367"}"#, "/recurrence/rrule"),
            (#"{"rrule":"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2"}"#, "/recurrence/rrule"),
            (#"{"rrule":"FREQ=WEEKLY;BYDAY=WE;COUNT=2"}"#, "/startsAt"),
            (#"{"rrule":""}"#, "/recurrence/rrule"), ("{}", "/recurrence/rrule"),
            (#"{"rrule":"FREQ=DAILY;COUNT=2","until":"x"}"#, "/recurrence/until"),
            (
                #"{"rrule":"FREQ=DAILY;COUNT=2","rdate":["2027-03-02T10:00:00Z"]}"#,
                "/recurrence/rrule"
            ),
        ])
    func faults(_ recurrence: String, pointer: String) async throws {
        try await withAPI { api in
            let body = TestAPI.booking(
                "uat-1", from: Self.tuesday, to: Self.tuesday + 2, #""recurrence":\#(recurrence)"#)
            let refused = try await api.post("/v1/bookings", body)
            #expect(refused.status == 400)
            #expect(refused.pointers == [pointer], "\(refused.text)")
            #expect(try await series(api).isEmpty)
        }
    }

    @Test("A slipped release is shifted over all its environments, its bookings swapping places")
    func shifts() async throws {
        try await withAPI { api in
            let label = #""labels":{"release":"26.3"},"timeZone":"Europe/London""#
            // The clocks change before the first one's new day, and before the second one's old day.
            let hours = 26.0 * 24
            let one = try await api.book(
                TestAPI.booking("uat-1", from: hours, to: hours + 8, label))
            let two = try await api.book(
                TestAPI.booking("uat-1", from: hours + 24, to: hours + 30, label))
            let shift = #"{"labels":{"release":"26.3"},"days":1}"#
            let tried = try await api.post("/v1/bookings/shift?dryRun=true", shift)
            #expect(tried.items.count == 2)
            #expect(try await api.get("/v1/bookings/\(one)")["startsAt"] == TestAPI.at(hours))
            let shifted = try await api.post("/v1/bookings/shift", shift, key: "slip")
            #expect(shifted.status == 200, "\(shifted.text)")
            #expect(
                try await api.post("/v1/bookings/shift", shift, key: "slip").text == shifted.text)
            #expect(try await api.get("/v1/bookings/\(one)")["startsAt"] == TestAPI.at(hours + 23))
            #expect(try await api.get("/v1/bookings/\(two)")["startsAt"] == TestAPI.at(hours + 48))
            #expect(try await api.database.doubleBookings() == 0)
        }
    }

    @Test("A shift is all or none, and only of what is the caller's and still to begin")
    func shiftRefusals() async throws {
        try await withAPI { api in
            let label = #""labels":{"release":"26.3"}"#
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 3, label))
            let other = try await api.book(TestAPI.booking("uat-2", from: 2, to: 3, label))
            try await api.book(TestAPI.booking("uat-2", from: 26, to: 27), as: "bob")
            let shift = #"{"labels":{"release":"26.3"},"days":1}"#
            let refused = try await api.post("/v1/bookings/shift", shift)
            #expect(refused.problem == "booking-conflict")
            #expect(try await api.get("/v1/bookings/\(other)")["startsAt"] == TestAPI.at(2))
            #expect(try await api.post("/v1/bookings/shift", shift, as: "bob").status == 403)
            #expect(try await api.post("/v1/bookings/shift", shift, as: "vera").status == 403)
            for (body, pointer) in [
                (#"{"labels":{"release":"27"},"days":1}"#, "/labels"),
                (#"{"labels":{"a":"b"},"days":0}"#, "/days"), (#"{"days":1}"#, "/labels"),
                (#"{"labels":{"a":"b"},"days":367}"#, "/days"),
                (#"{"bookings":["X"],"days":1}"#, "/bookings/0"),
            ] {
                #expect(try await api.post("/v1/bookings/shift", body).pointers == [pointer])
            }
        }
    }
}
