import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Testing

@testable import BerthServer

@Suite("Teams that change their names and become one", .gated)
struct TeamAPITests {
    @Test("A renamed team keeps what it has, and its former name leads to it")
    func renamed() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.ownerTeam = "crm"
                $0.policy.approval = .manager
            }
            let asked = try await api.database.book(
                TestDatabase.draft("uat-1", from: 2, to: 3, team: "mobile"))
            let renamed = try await api.patch(
                "/v1/teams/crm", #"{"name":"CRM & Sales"}"#, as: "ada",
                ifMatch: #""1""#)
            #expect(renamed.status == 200 && renamed["name"] == "CRM & Sales")
            #expect(try await api.get("/v1/teams/CRM")["name"] == "CRM & Sales")
            #expect(try await api.get("/v1/environments/uat-1")["ownerTeam"] == "CRM & Sales")
            // The manager's token is of the same team, and who is asked for approval is the team under its name.
            let approved = try await api.post("/v1/bookings/\(asked.reference)/approve", as: "max")
            #expect(approved.status == 200, "\(approved.text)")
            let body =
                #"{"environments":["uat-1"],"team":"crm","title":"By the former name","minutes":60,"#
                + #""startsAt":"2027-03-03T09:00:00Z"}"#
            #expect(try await api.post("/v1/bookings", body, as: "ada")["team"] == "CRM & Sales")
            #expect(try await api.get("/v1/bookings?team=crm").items.count == 1)
            #expect(try await api.get("/v1/teams").text.contains("\"crm\"") == false)
            let taken = try await api.post("/v1/teams", #"{"name":"crm"}"#, as: "ada")
            #expect(taken.status == 409)
            // It takes its former name back.
            let tag = try await api.get("/v1/teams/crm").headers[.eTag]
            let back = try await api.patch(
                "/v1/teams/crm", #"{"name":"crm"}"#, as: "ada", ifMatch: tag)
            #expect(back["name"] == "crm", "\(back.text)")
            #expect(try await api.get("/v1/teams/CRM%20%26%20sales")["name"] == "crm")
        }
    }

    @Test(
        "A window that selects by its owner's name holds on the same environments under the new one"
    )
    func selectors() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            let window =
                #"{"kind":"freeze","labels":{"owner":"CRM"},"title":"Close","timeZone":"UTC","#
                + #""startsAt":"2027-03-02T09:00:00Z","endsAt":"2027-03-03T09:00:00Z"}"#
            let made = try await api.post("/v1/change-windows", window, as: "ada")
            #expect(made.status == 201, "\(made.text)")
            for name in ["Sales", "crm"] {
                let tag = try await api.get("/v1/teams/crm").headers[.eTag]
                _ = try await api.patch(
                    "/v1/teams/crm", #"{"name":"\#(name)"}"#, as: "ada", ifMatch: tag)
                let gate = try await api.get(
                    "/v1/environments/uat-1/gate?at=2027-03-02T10:00:00Z")
                #expect(gate.text.contains("freeze"), "\(gate.text)")
            }
            let audit = try await api.database.berth.audit(
                AuditRequest(at: TestDatabase.now, recordedBy: "test"), now: TestDatabase.now)
            #expect(audit.findings.map(\.detail) == [])
        }
    }

    @Test(
        "A team that becomes one with another gives it all it has; what was logged is found there")
    func merged() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "mobile" }
            let theirs = try await api.database.book(
                TestDatabase.draft("uat-1", from: 2, to: 3, team: "mobile"))
            let change =
                #"{"environment":"uat-1","occurredAt":"2027-03-01T09:00:00Z","actor":"bob","#
                + #""kind":"deploy","summary":"Before"}"#
            #expect(try await api.post("/v1/changes", change, as: "bob").status == 201)
            let dry = try await api.post(
                "/v1/teams/mobile/merge?dryRun=true", #"{"into":"crm"}"#, as: "ada")
            #expect(dry["name"] == "crm")
            #expect(try await api.get("/v1/teams/mobile")["name"] == "mobile")
            let key = "merge-1"
            for _ in 1...2 {
                let merged = try await api.post(
                    "/v1/teams/mobile/merge", #"{"into":"crm"}"#, as: "ada", key: key)
                #expect(merged.status == 200 && merged["name"] == "crm", "\(merged.text)")
            }
            #expect(try await api.get("/v1/bookings/\(theirs.reference)")["team"] == "crm")
            #expect(try await api.get("/v1/environments/uat-1")["ownerTeam"] == "crm")
            #expect(try await api.get("/v1/me", as: "bob")["team"] == "crm")
            let log = try await api.get("/v1/changes?team=crm")
            #expect(log.items.count == 1 && log.items.first?["team"] as? String == "crm")
            #expect(try await api.get("/v1/changes?team=mobile").items.count == 1)
            let again = try await api.post(
                "/v1/teams/mobile/merge", #"{"into":"crm"}"#, as: "ada")
            #expect(again.status == 400 && again.pointers == ["/into"])
            let nobody = try await api.post("/v1/teams/crm/merge", #"{"into":"x"}"#, as: "ada")
            #expect(nobody.pointers == ["/into"])
            #expect(
                try await api.post("/v1/teams/crm/merge", #"{"into":"x"}"#, as: "max").status == 403
            )
            let audit = try await api.database.berth.audit(
                AuditRequest(at: TestDatabase.now, recordedBy: "test"), now: TestDatabase.now)
            #expect(audit.findings.map(\.subjects) == [["1"]])
        }
    }

    @Test("A change of before a merge that is told after it hits no other team's booking")
    func toldLate() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let theirs = try await api.database.book(
                TestDatabase.draft("uat-1", from: 1, to: 3, team: "mobile"))
            try await api.pass(to: 2)
            let merged = try await api.post(
                "/v1/teams/mobile/merge", #"{"into":"crm"}"#, as: "ada")
            try #require(merged.status == 200, "\(merged.text)")
            let late =
                #"{"environment":"uat-1","occurredAt":"\#(TestAPI.at(1.5))","summary":"Before"}"#
            let judged = try await api.post("/v1/changes", late, as: "max")
            #expect(judged.json["bookingsHit"] as? [String] == [theirs.reference.description])
            #expect(judged["control"] == "controlled", "\(judged.text)")
        }
    }

    @Test("What is booked by who still remembers a merged team is moved by the clockwork")
    func latecomer() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let late = try await api.database.book(
                TestDatabase.draft("uat-1", from: 2, to: 3, team: "mobile"))
            _ = try await api.post("/v1/teams/mobile/merge", #"{"into":"crm"}"#, as: "ada")
            // As another server writes it that has not heard of it yet.
            try await api.database.client.query(
                """
                UPDATE bookings SET team_id = (SELECT id FROM teams WHERE name = 'mobile')
                WHERE id = \(late.reference.id)
                """)
            #expect(try await api.get("/v1/bookings/\(late.reference)")["team"] == "mobile")
            try await api.pass(to: 0.1)
            #expect(try await api.get("/v1/bookings/\(late.reference)")["team"] == "crm")
        }
    }
}
