import BerthCore
import BerthTestSupport
import Foundation
import Testing

@testable import BerthServer

@Suite("Change windows over HTTP")
struct WindowAPITests {
    private static func window(
        _ kind: String, _ environments: String..., from: Double, to: Double, _ more: String = ""
    ) -> String {
        let keys = environments.map { "\"\($0)\"" }.joined(separator: ",")
        return """
            {"kind":"\(kind)","environments":[\(keys)],"startsAt":"\(TestAPI.at(from))",\
            "endsAt":"\(TestAPI.at(to))","title":"Plan"\(more.isEmpty ? "" : ",")\(more)}
            """
    }

    private func withAPI(_ body: @escaping @Sendable (TestAPI) async throws -> Void) async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2"] {
                _ = try await api.post(
                    "/v1/environments",
                    #"{"key":"\#(key)","name":"\#(key)","tier":"uat","ownerTeam":"crm","timeZone":"Europe/London"}"#,
                    as: "ada")
            }
            try await body(api)
        }
    }

    @discardableResult
    private func plan(
        _ api: TestAPI, _ body: String, as name: String = "max",
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let made = try await api.post("/v1/change-windows", body, as: name)
        #expect(made.status == 201, "\(made.text)", sourceLocation: location)
        return try #require(made["reference"], sourceLocation: location)
    }

    @Test("A manager's window is approved at once, a booker's waits for the owner")
    func approval() async throws {
        try await withAPI { api in
            let planned = try await api.post(
                "/v1/change-windows", Self.window("freeze", "uat-1", from: 1, to: 2), as: "max")
            #expect(planned.status == 201)
            #expect(planned["state"] == "approved")
            let asked = try await plan(
                api, Self.window("change", "uat-2", from: 1, to: 2), as: "bob")
            #expect(try await api.get("/v1/change-windows/\(asked)")["state"] == "requested")
            #expect(try await api.notices(of: "max").contains("window.requested"))
            #expect(
                try await api.post("/v1/change-windows/\(asked)/approve", as: "bob").status == 403)
            let approved = try await api.post("/v1/change-windows/\(asked)/approve", as: "max")
            #expect(approved["state"] == "approved", "\(approved.text)")
            #expect(try await api.notices(of: "bob") == ["window.approved"])
        }
    }

    @Test("A change in a freeze is refused by the database, whichever came first")
    func freezes() async throws {
        try await withAPI { api in
            let freeze = try await plan(api, Self.window("freeze", "uat-1", from: 2, to: 4))
            let refused = try await api.post(
                "/v1/change-windows", Self.window("change", "uat-1", from: 3, to: 5), as: "max")
            #expect(refused.problem == "booking-conflict", "\(refused.text)")
            #expect(refused.conflicts.first?["reference"] as? String == freeze)
            #expect(refused.conflicts.first?["kind"] as? String == "freeze")
            // Touching is no conflict; freezes may overlap.
            try await plan(api, Self.window("change", "uat-1", from: 4, to: 5))
            try await plan(api, Self.window("freeze", "uat-1", from: 3, to: 4))
            let late = try await api.post(
                "/v1/change-windows", Self.window("freeze", "uat-1", from: 4, to: 6), as: "max")
            #expect(late.conflicts.first?["kind"] as? String == "change")
        }
    }

    @Test("An approved exception goes through the freeze that it names, and no other")
    func exceptions() async throws {
        try await withAPI { api in
            let freeze = try await plan(api, Self.window("freeze", "uat-1", from: 2, to: 6))
            let exception = Self.window(
                "change", "uat-1", from: 3, to: 4, #""exceptionTo":"\#(freeze)""#)
            let reference = try await plan(api, exception)
            #expect(try await api.get("/v1/change-windows/\(reference)")["exceptionTo"] == freeze)
            // Another freeze over the same time is refused because of the exception, ...
            let other = try await api.post(
                "/v1/change-windows", Self.window("freeze", "uat-1", from: 3, to: 5), as: "max")
            #expect(other.conflicts.first?["kind"] as? String == "change", "\(other.text)")
            // ... and an exception because of another freeze.
            try await plan(api, Self.window("freeze", "uat-1", from: 5, to: 7))
            let both = Self.window(
                "change", "uat-1", from: 5, to: 6, #""exceptionTo":"\#(freeze)""#)
            #expect(try await api.post("/v1/change-windows", both, as: "max").status == 409)
        }
    }

    @Test("Maintenance over bookings is refused with the list, or displaces when a manager says so")
    func maintenance() async throws {
        try await withAPI { api in
            let booking = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let body = Self.window("maintenance", "uat-1", from: 3, to: 5)
            let refused = try await api.post("/v1/change-windows", body, as: "max")
            #expect(refused.conflicts.first?["reference"] as? String == booking, "\(refused.text)")
            let dry = try await api.post(
                "/v1/change-windows?dryRun=true",
                Self.window("maintenance", "uat-1", from: 3, to: 5, #""onConflict":"displace""#),
                as: "max")
            #expect(dry.status == 200, "\(dry.text)")
            #expect(try await api.state(booking) == "confirmed")
            let planned = try await plan(
                api,
                Self.window("maintenance", "uat-1", from: 3, to: 5, #""onConflict":"displace""#))
            let displaced = try await api.get("/v1/bookings/\(booking)")
            #expect(displaced["state"] == "displaced")
            #expect(displaced["displacedBy"] == planned)
            #expect(try await api.notices(of: "tess").contains("booking.displaced"))
            let booked = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-1", from: 4, to: 6))
            #expect(booked.conflicts.first?["kind"] as? String == "maintenance", "\(booked.text)")
            #expect(booked.conflicts.first?["reference"] as? String == planned)
            // Called off, it serves the line.
            let cancelled = try await api.post("/v1/change-windows/\(planned)/cancel", as: "max")
            #expect(cancelled["state"] == "cancelled", "\(cancelled.text)")
            #expect(try await api.state(booking) == "confirmed")
        }
    }

    @Test("A freeze over a tier also holds for an environment that joins later")
    func selectors() async throws {
        try await withAPI { api in
            let freeze = """
                {"kind":"freeze","labels":{"tier":"uat"},"startsAt":"\(TestAPI.at(2))",\
                "endsAt":"\(TestAPI.at(4))","title":"Quarter end"}
                """
            let reference = try await plan(api, freeze, as: "ada")
            _ = try await api.post(
                "/v1/environments", #"{"key":"new","name":"New","tier":"sit","timeZone":"UTC"}"#,
                as: "ada")
            let change = Self.window("change", "new", from: 3, to: 4)
            let planned = try await plan(api, change, as: "ada")
            // It joins the tier, and its change would meet the freeze.
            let etag = try await api.get("/v1/environments/new").headers[.eTag]
            let joined = try await api.patch(
                "/v1/environments/new", #"{"tier":"uat"}"#, as: "ada", ifMatch: etag)
            #expect(joined.status == 409, "\(joined.text)")
            _ = try await api.post("/v1/change-windows/\(planned)/cancel", as: "ada")
            #expect(
                try await api.patch(
                    "/v1/environments/new", #"{"tier":"uat"}"#, as: "ada", ifMatch: etag
                ).status == 200)
            let refused = try await api.post("/v1/change-windows", change, as: "ada")
            #expect(refused.conflicts.first?["reference"] as? String == reference)
            _ = try await api.post(
                "/v1/environments",
                #"{"key":"newer","name":"Newer","tier":"uat","timeZone":"UTC"}"#,
                as: "ada")
            #expect(
                try await api.post(
                    "/v1/change-windows", Self.window("change", "newer", from: 3, to: 4), as: "ada"
                ).status == 409)
        }
    }

    @Test(
        "A window read and sent back is unchanged; a booker's edit of what was approved asks again")
    func edits() async throws {
        try await withAPI { api in
            let asked = try await plan(
                api, Self.window("change", "uat-1", from: 1, to: 2), as: "bob")
            let path = "/v1/change-windows/\(asked)"
            _ = try await api.post("\(path)/approve", as: "max")
            func edit(_ patch: String, as name: String) async throws -> TestAnswer {
                let etag = try await api.get(path).headers[.eTag]
                return try await api.patch(path, patch, as: name, ifMatch: etag)
            }
            let same = try await edit(try await api.get(path).text, as: "bob")
            #expect(same["state"] == "approved", "\(same.text)")
            #expect(try await edit(#"{"title":"Other"}"#, as: "bob")["state"] == "approved")
            #expect(try await edit(#"{"title":"Mine"}"#, as: "tess").status == 403)
            let longer = try await edit(#"{"endsAt":"\#(TestAPI.at(3))"}"#, as: "bob")
            #expect(longer["state"] == "requested", "\(longer.text)")
            let selected = try await edit(#"{"labels":{"tier":"uat"}}"#, as: "max")
            #expect(
                selected.json["environments"] as? [String] == ["uat-1", "uat-2"], "\(selected.text)"
            )
            let back = try await edit(try await api.get(path).text, as: "max")
            #expect(back.status == 200, "\(back.text)")
            let named = try await edit(#"{"labels":null,"environments":["uat-2"]}"#, as: "max")
            #expect(named.json["environments"] as? [String] == ["uat-2"], "\(named.text)")
            #expect(try await api.patch(path, "{}", as: "max").status == 428)
        }
    }

    @Test("A weekly window keeps its local time across daylight saving")
    func series() async throws {
        try await withAPI { api in
            let body = Self.window(
                "change", "uat-1", from: 24, to: 25,
                #""timeZone":"Europe/London","recurrence":{"rrule":"FREQ=WEEKLY;COUNT=5"}"#)
            let reference = try await plan(api, body)
            #expect(
                try await api.get("/v1/change-windows/\(reference)").json["occurrences"] as? Int
                    == 5)
            // 30 March 2027 is after the clocks went forward: 09:00 in London is 08:00 UTC.
            let freeze = Self.window("freeze", "uat-1", from: 24 * 29 - 1, to: 24 * 29)
            #expect(try await api.post("/v1/change-windows", freeze, as: "max").status == 409)
        }
    }

    @Test(
        "Of a change and a freeze planned at once, and of a maintenance and a booking, one is refused"
    )
    func races() async throws {
        try await withAPI { api in
            for round in 0..<10 {
                let (from, to) = (Double(round) + 1, Double(round) + 1.5)
                async let freeze = api.post(
                    "/v1/change-windows",
                    Self.window("freeze", "uat-1", "uat-2", from: from, to: to),
                    as: "max")
                async let change = api.post(
                    "/v1/change-windows",
                    Self.window("change", "uat-2", "uat-1", from: from, to: to),
                    as: "ada")
                async let maintenance = api.post(
                    "/v1/change-windows", Self.window("maintenance", "uat-2", from: from, to: to),
                    as: "max")
                async let booking = api.post(
                    "/v1/bookings", TestAPI.booking("uat-1", "uat-2", from: from, to: to))
                let planned = try await [freeze.status, change.status]
                #expect(planned.sorted() == [201, 409], "round \(round)")
                let used = try await [maintenance.status, booking.status]
                #expect(used.sorted() == [201, 409], "round \(round)")
            }
        }
    }

    @Test(
        "An environment that joins while a freeze over its tier is planned is frozen, or was there before"
    )
    func joining() async throws {
        try await withAPI { api in
            for round in 0..<5 {
                let freeze = """
                    {"kind":"freeze","labels":{"tier":"tier-\(round)"},"startsAt":"\(TestAPI.at(2))","minutes":60}
                    """
                async let planned = api.post("/v1/change-windows", freeze, as: "ada")
                async let made = api.post(
                    "/v1/environments",
                    #"{"key":"env-\#(round)","name":"New","tier":"tier-\#(round)","timeZone":"UTC"}"#,
                    as: "ada")
                let statuses = try await [planned.status, made.status]
                #expect(statuses == [201, 201])
                let change = Self.window("change", "env-\(round)", from: 2, to: 3)
                #expect(try await api.post("/v1/change-windows", change, as: "ada").status == 409)
            }
        }
    }

    @Test("A hand in psql is bound by the same rules: claims of windows follow windows")
    func byHand() async throws {
        try await withAPI { api in
            let booking = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let client = api.database.berth.client
            let maintenance = """
                INSERT INTO change_windows (
                    kind, state, environment_ids, title, requested_by, approved_at, starts_at, ends_at, time_zone,
                    occurrence_starts, created_at, updated_at, updated_by)
                SELECT 'maintenance', 'approved', b.environment_ids, 'by hand', 'psql', b.created_at, b.starts_at,
                       b.ends_at, 'UTC', ARRAY[b.starts_at], b.created_at, b.created_at, 'psql'
                FROM bookings b
                """
            for statement in [
                maintenance,
                """
                INSERT INTO claims (window_id, environment_id, lane, period, share_key)
                SELECT 1, 1, 'change', tstzrange('2027-03-02', '2027-03-03'), -3
                """,
                "INSERT INTO window_spans SELECT 1, 1, 'freeze', 'approved', NULL, NULL, false, '[2027-03-02,2027-03-03)', now()",
                "TRUNCATE window_spans",
            ] {
                await #expect(throws: (any Error).self, "\(statement)") {
                    try await client.query("\(unescaped: statement)")
                }
            }
            #expect(try await api.state(booking) == "confirmed")
            _ = try await api.move(booking, "cancel")
            try await client.query("\(unescaped: maintenance)")
            #expect(
                try await api.post("/v1/bookings", TestAPI.booking("uat-1", from: 2, to: 4))
                    .conflicts.first?["kind"] as? String == "maintenance")
            await #expect(throws: (any Error).self) {
                try await client.query("DELETE FROM claims WHERE window_id IS NOT NULL")
            }
        }
    }

    @Test(
        "What is wrong with a window is named",
        arguments: [
            (#"{"kind":"party","environments":["uat-1"],"minutes":5}"#, "/kind"),
            (#"{"kind":"freeze","minutes":5}"#, "/environments"),
            (#"{"kind":"freeze","labels":{},"minutes":5}"#, "/labels"),
            (#"{"kind":"freeze","environments":["uat-1"]}"#, "/endsAt"),
            (
                #"{"kind":"freeze","environments":["uat-1"],"minutes":5,"exceptionTo":"CW-1"}"#,
                "/exceptionTo"
            ),
            (
                #"{"kind":"change","environments":["uat-1"],"minutes":5,"exceptionTo":"CW-99"}"#,
                "/exceptionTo"
            ),
            (
                #"{"kind":"change","environments":["uat-1"],"minutes":300,"emergency":{"reason":"x"}}"#,
                "/endsAt"
            ),
            (
                #"{"kind":"freeze","environments":["uat-1"],"minutes":5,"emergency":{"reason":"x"}}"#,
                "/emergency"
            ),
            (
                #"{"kind":"change","environments":["uat-1"],"minutes":5,"onConflict":"displace"}"#,
                "/onConflict"
            ),
            (#"{"kind":"change","environments":["nope"],"minutes":5}"#, "/environments"),
        ])
    func faults(body: String, pointer: String) async throws {
        try await withAPI { api in
            let answer = try await api.post("/v1/change-windows", body, as: "max")
            #expect(answer.status == 400)
            #expect(answer.pointers == [pointer], "\(answer.text)")
        }
    }
}
