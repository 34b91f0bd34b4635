import BerthCore
import BerthTestSupport
import Foundation
import Testing

@testable import BerthServer

@Suite("The change log and the gate over HTTP")
struct ChangeAPITests {
    private func withAPI(
        changes: String = "closed", _ body: @escaping @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await TestAPI.with { api in
            for key in ["part", "uat-1", "uat-2"] {
                let parts = key == "uat-1" ? #"[{"key":"part","usage":"same"}]"# : "[]"
                _ = try await api.post(
                    "/v1/environments",
                    """
                    {"key":"\(key)","name":"\(key)","tier":"uat","ownerTeam":"crm","timeZone":"UTC",\
                    "parts":\(parts),"policy":{"changes":"\(changes)"}}
                    """, as: "ada")
            }
            _ = try await api.post("/v1/teams", #"{"name":"mobile"}"#, as: "ada")
            try await body(api)
        }
    }

    private func at(_ hours: Double) -> String { TestAPI.at(hours) }

    private func plan(
        _ api: TestAPI, _ kind: String, _ key: String, _ from: Double, _ to: Double,
        _ more: String = "", as name: String = "max"
    ) async throws -> String {
        let made = try await api.post(
            "/v1/change-windows",
            """
            {"kind":"\(kind)","environments":["\(key)"],"startsAt":"\(at(from))","endsAt":"\(at(to))"\
            \(more.isEmpty ? "" : ",")\(more)}
            """, as: name)
        #expect(made.status == 201, "\(made.text)")
        return made["reference"] ?? ""
    }

    private func log(
        _ api: TestAPI, _ key: String, _ hours: Double, _ more: String = "",
        as name: String = "tess"
    ) async throws -> TestAnswer {
        let made = try await api.post(
            "/v1/changes",
            """
            {"environment":"\(key)","occurredAt":"\(at(hours))","kind":"deploy","summary":"crm 26.3"\
            \(more.isEmpty ? "" : ",")\(more)}
            """, as: name)
        #expect(made.status == 201, "\(made.text)")
        return made
    }

    private func reasons(_ answer: TestAnswer) -> [String] {
        answer.json["reasons"] as? [String] ?? []
    }

    @Test("A change in its window is controlled, one at the window's end is not")
    func windows() async throws {
        try await withAPI { api in
            let window = try await plan(api, "change", "uat-1", 1, 2)
            try await api.pass(to: 3)
            let first = try await log(api, "uat-1", 1)
            #expect(first["control"] == "controlled")
            #expect(first["window"] == window)
            #expect(first.json["late"] as? Bool == true)
            let end = try await log(api, "uat-1", 2)
            #expect(end["control"] == "uncontrolled")
            #expect(reasons(end) == ["no-window"])
            #expect(end.json["id"] as? Int == (first.json["id"] as? Int ?? 0) + 1)
        }
    }

    @Test(
        "A freeze makes a change uncontrolled even in a window, unless the window is excepted from it"
    )
    func freezes() async throws {
        try await withAPI { api in
            let freeze = try await plan(api, "freeze", "uat-1", 1, 4)
            _ = try await plan(api, "change", "uat-1", 2, 3, #""exceptionTo":"\#(freeze)""#)
            try await api.pass(to: 4)
            #expect(reasons(try await log(api, "uat-1", 1)).contains("freeze"))
            #expect(try await log(api, "uat-1", 2)["control"] == "controlled")
            // A freeze reaches the parts; the exception was for uat-1 alone.
            #expect(reasons(try await log(api, "part", 2)).contains("freeze"))
        }
    }

    @Test("Whoever holds an environment exclusively may change it; others' changes hit the booking")
    func bookings() async throws {
        try await withAPI { api in
            let booking = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3))
            try await api.pass(to: 2)
            let own = try await log(api, "uat-1", 1.5)
            #expect(own["control"] == "controlled")
            #expect(own.json["bookingsHit"] as? [String] == [booking])
            // A change of a part hits who uses what contains it.
            let other = try await log(api, "part", 1.5, as: "bob")
            #expect(other["control"] == "uncontrolled")
            #expect(reasons(other) == ["others-booking", "no-window"])
            #expect(other.json["bookingsHit"] as? [String] == [booking])
            #expect(try await api.notices(of: "tess").contains("change.under-booking"))
            let under = try await api.get("/v1/changes?booking=\(booking)&control=uncontrolled")
            #expect(under.items.count == 1)
            // Judged by what was so then: the booking was released later.
            try await api.move(booking, "release")
            #expect(
                try await log(api, "part", 1.5, as: "bob").json["bookingsHit"] as? [String]
                    == [booking])
            #expect(
                try await log(api, "uat-1", 2.5 - 0.45).json["bookingsHit"] as? [String] == [])
        }
    }

    @Test("Where changes are open, no window is needed but for freezes and others' bookings")
    func open() async throws {
        try await withAPI(changes: "open") { api in
            try await api.book(TestAPI.booking("uat-2", from: 1, to: 3))
            try await api.pass(to: 2)
            #expect(try await log(api, "uat-1", 2, as: "bob")["control"] == "controlled")
            let other = try await log(api, "uat-2", 2, as: "bob")
            #expect(other["control"] == "uncontrolled")
            #expect(reasons(other) == ["others-booking"])
        }
    }

    @Test("An emergency is open at once, through a freeze, for its team, and waits for review")
    func emergencies() async throws {
        try await withAPI { api in
            _ = try await plan(api, "freeze", "uat-1", -0.05, 9)
            #expect(try await api.get("/v1/environments/uat-1/gate")["state"] == "closed")
            let body =
                #"{"kind":"change","environments":["uat-1"],"minutes":60,"emergency":{"reason":"payments down"}}"#
            let declared = try await api.post("/v1/change-windows", body, as: "bob")
            #expect(declared["state"] == "approved", "\(declared.text)")
            #expect(try await api.get("/v1/environments/uat-1/gate", as: "bob")["state"] == "open")
            #expect(
                try await api.get("/v1/environments/uat-1/gate", as: "tess")["state"] == "closed")
            #expect(try await api.notices(of: "max").contains("window.emergency"))
            let change = try await log(api, "uat-1", 0, as: "bob")
            #expect(change["control"] == "emergency")
            let waiting = try await api.get("/v1/changes?reviewed=false")
            #expect(waiting.items.count == 1)
            let id = try #require(change.json["id"] as? Int)
            let review = #"{"decision":"accepted","note":"right so"}"#
            #expect(try await api.post("/v1/changes/\(id)/review", review, as: "bob").status == 403)
            let reviewed = try await api.post("/v1/changes/\(id)/review", review, as: "max")
            #expect((reviewed.json["review"] as? [String: Any])?["state"] as? String == "accepted")
            #expect(try await api.get("/v1/changes?reviewed=false").items.isEmpty)
            #expect(try await api.get("/v1/changes").items.count == 1)
        }
    }

    @Test("A window approved afterwards marks what it would have covered, in an entry of its own")
    func lateApproval() async throws {
        try await withAPI { api in
            let asked = try await plan(api, "change", "uat-1", 1, 2, as: "bob")
            try await api.pass(to: 1.5)
            let change = try await log(api, "uat-1", 1.25)
            #expect(reasons(change) == ["window-not-approved"])
            _ = try await api.post("/v1/change-windows/\(asked)/approve", as: "max")
            let items = try await api.get("/v1/changes").items
            #expect(items.count == 1)
            #expect(items.first?["approvedLate"] as? Bool == true)
            #expect(items.first?["control"] as? String == "uncontrolled")
            #expect(items.first?["window"] as? String == asked)
            let id = try #require(change.json["id"] as? Int)
            let old = try await api.get("/v1/changes/\(id)")
            #expect(old.json["approvedLate"] as? Bool == false)
            #expect(old.json["supersededBy"] as? Int == items.first?["id"] as? Int)
        }
    }

    @Test("A correction is a new entry, and takes the old one's place in lists")
    func corrections() async throws {
        try await withAPI { api in
            _ = try await plan(api, "change", "uat-2", -0.05, 2)
            let wrong = try await log(api, "uat-1", 0)
            let id = try #require(wrong.json["id"] as? Int)
            let right = try await log(api, "uat-2", 0, #""corrects":\#(id)"#, as: "max")
            #expect(right["judgedAs"] == "controlled")
            #expect(try await api.get("/v1/changes").items.count == 1)
            let again = try await api.post(
                "/v1/changes", #"{"environment":"uat-1","summary":"x","corrects":\#(id)}"#)
            #expect(again.problem == "illegal-move")
            #expect(
                try await api.post(
                    "/v1/changes", #"{"environment":"uat-1","summary":"x","corrects":99}"#
                ).pointers == ["/corrects"])
        }
    }

    @Test("The gate says why it is closed, and when it opens")
    func gates() async throws {
        try await withAPI { api in
            let closed = try await api.get("/v1/environments/uat-1/gate")
            #expect(closed["state"] == "closed")
            #expect(
                (closed.json["reasons"] as? [[String: Any]])?.first?["kind"] as? String
                    == "no-window")
            #expect(closed.json["next"] is NSNull)
            let window = try await plan(api, "change", "uat-1", 1, 2)
            let before = try await api.get("/v1/environments/uat-1/gate")
            #expect((before.json["next"] as? [String: Any])?["at"] as? String == at(1))
            let open = try await api.get("/v1/environments/uat-1/gate?at=\(at(1))")
            #expect(open["state"] == "open")
            #expect(
                (open.json["openedBy"] as? [[String: Any]])?.first?["reference"] as? String
                    == window)
            #expect((open.json["next"] as? [String: Any])?["at"] as? String == at(2))
            #expect(
                try await api.get("/v1/environments/uat-1/gate?at=\(at(2))")["state"] == "closed")
            // For use: free, until somebody has it.
            try await api.book(TestAPI.booking("uat-1", from: 3, to: 4))
            let use = "/v1/environments/uat-1/gate?for=use&at=\(at(3))"
            #expect(try await api.get(use, as: "bob")["state"] == "closed")
            #expect(try await api.get(use, as: "tess")["state"] == "open")
        }
    }

    @Test("Nothing in the log can be changed, and no number is skipped")
    func appendOnly() async throws {
        try await withAPI { api in
            for _ in 0..<3 { _ = try await log(api, "uat-1", 0) }
            for statement in [
                "UPDATE change_log SET summary = 'x'", "DELETE FROM change_log",
                "TRUNCATE change_log", "UPDATE change_log_head SET id = 0",
                "DELETE FROM change_log_head",
            ] {
                await #expect(throws: (any Error).self, "\(statement)") {
                    try await api.database.berth.client.query("\(unescaped: statement)")
                }
            }
            #expect(
                try await api.get("/v1/changes").items.compactMap { $0["id"] as? Int } == [3, 2, 1])
        }
    }

    @Test(
        "What is wrong with a change is named",
        arguments: [
            (#"{"summary":"x"}"#, "/environment"),
            (#"{"environment":"nope","summary":"x"}"#, "/environment"),
            (#"{"environment":"uat-1"}"#, "/summary"),
            (#"{"environment":"uat-1","summary":"x","kind":"party"}"#, "/kind"),
            (
                #"{"environment":"uat-1","summary":"x","occurredAt":"2027-03-01T09:06:00Z"}"#,
                "/occurredAt"
            ),
            (#"{"environment":"uat-1","summary":"x","team":"nobody"}"#, "/team"),
        ])
    func faults(body: String, pointer: String) async throws {
        try await withAPI { api in
            let answer = try await api.post("/v1/changes", body, as: "max")
            #expect(answer.pointers == [pointer], "\(answer.text)")
        }
    }

    @Test(
        "A time with a fraction is cut to the second",
        arguments: [
            ("2027-03-01T09:00:00.000Z", "2027-03-01T09:00:00Z"),
            ("2027-03-01T09:00:00.999999999Z", "2027-03-01T09:00:00Z"),
            ("2027-03-01T10:00:00.5+01:00", "2027-03-01T09:00:00Z"),
        ])
    func fractions(written: String, read: String) async throws {
        try await withAPI { api in
            let made = try await api.post(
                "/v1/changes",
                #"{"environment":"uat-1","summary":"x","occurredAt":"\#(written)"}"#)
            #expect(made["occurredAt"] == read, "\(made.text)")
            let query = written.replacing("+", with: "%2B")
            let gate = try await api.get("/v1/environments/uat-1/gate?at=\(query)")
            #expect(gate["at"] == read, "\(gate.text)")
            #expect(try await api.get("/v1/changes?from=\(query)").items.count == 1)
        }
    }
}
