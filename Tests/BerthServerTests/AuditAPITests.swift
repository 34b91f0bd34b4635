import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Testing

@testable import BerthServer

@Suite("The audit over REST", .gated)
struct AuditAPITests {
    /// A booking of uat-1 of crm's that was not checked in, and an environment that is another team's.
    private func world(_ api: TestAPI) async throws {
        try await api.database.environment("uat-1") {
            $0.ownerTeam = "crm"
            $0.policy.checkInMinutes = 15
        }
        try await api.database.environment("uat-2") {
            $0.ownerTeam = "mobile"
            $0.status = .unavailable
        }
        try await api.database.book(TestDatabase.draft("uat-1", from: 0, to: 4))
        try await api.database.psql(
            """
            UPDATE bookings SET starts_at = starts_at - interval '2 hours', created_at = created_at - interval '3 hours';
            INSERT INTO bookings (state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode,
                                  requested_by, created_at, updated_at, updated_by)
            SELECT 'confirmed', ARRAY[e.id], '2027-03-02 09:00Z', '2027-03-02 10:00Z', 'UTC', '<b>', t.id, 'exclusive',
                   'bob', '2027-03-01', '2027-03-01', 'bob'
            FROM environments e, teams t WHERE e.key = 'uat-2' AND t.name = 'mobile'
            """)
    }

    private func audit(_ api: TestAPI) async throws -> Audit {
        try await api.database.berth.audit(AuditRequest(recordedBy: "test"), now: api.clock.now)
    }

    @Test("Runs are listed, and one is read with its findings")
    func runs() async throws {
        try await TestAPI.with { api in
            #expect(try await api.get("/v1/audits", as: "vera").text.contains(#""items":[]"#))
            #expect(try await api.get("/v1/conflicts", as: "vera").text.contains(#""items":[]"#))
            try await world(api)
            let run = try await audit(api)
            let read = try await api.get("/v1/audits/\(run.run ?? 0)", as: "vera")
            #expect(read.status == 200)
            let summary = try #require(read.json["summary"] as? [String: Int])
            #expect(summary == ["new": 2, "persisting": 0, "resolved": 0, "waived": 0])
            let findings = try #require(read.json["findings"] as? [[String: Any]])
            #expect(
                findings.map { $0["check"] as? String } == [
                    "no-shows", "bookings-on-closed-environments",
                ])
            #expect(findings[1]["actor"] as? String == "mobile")
            let listed = try await api.get("/v1/audits", as: "vera")
            let items = try #require(listed.json["items"] as? [[String: Any]])
            #expect(items.count == 1 && items[0]["findings"] == nil)
            #expect(try await api.get("/v1/audits/99", as: "vera").status == 404)
        }
    }

    @Test("What is found can be asked for by check, environment, team, severity and status")
    func filters() async throws {
        try await TestAPI.with { api in
            try await world(api)
            _ = try await audit(api)
            func count(_ query: String) async throws -> Int? {
                let answer = try await api.get("/v1/conflicts?\(query)", as: "vera")
                #expect(answer.status == 200, "\(answer.text)")
                return (answer.json["items"] as? [Any])?.count
            }
            #expect(try await count("") == 2)
            #expect(try await count("check=no-shows") == 1)
            #expect(try await count("environment=uat-2") == 1)
            #expect(try await count("actor=mobile") == 1)
            #expect(try await count("severity=critical,info") == 1)
            #expect(try await count("status=resolved") == 0)
            #expect(try await count("run=7") == 0)
            let page = try await api.get("/v1/conflicts?limit=1", as: "vera")
            let cursor = try #require(page["nextCursor"])
            #expect(try await count("limit=1&cursor=\(cursor)") == 1)
            #expect(try await api.get("/v1/conflicts?severity=bad", as: "vera").status == 400)
        }
    }

    @Test("Who manages the environment may waive what is found on it, and take it back")
    func waivers() async throws {
        try await TestAPI.with { api in
            try await world(api)
            let found = try await audit(api).findings
            func draft(_ members: String, _ until: String = "2027-04-01T00:00:00Z") -> String {
                #"{\#(members),"reason":"Known.","endsAt":"\#(until)"}"#
            }
            let ours = draft(#""fingerprint":"\#(found[0].fingerprint)""#)
            let theirs = draft(#""fingerprint":"\#(found[1].fingerprint)""#)
            #expect(try await api.post("/v1/waivers", ours, as: "tess").status == 403)
            #expect(try await api.post("/v1/waivers", theirs, as: "max").status == 403)
            #expect(try await api.post("/v1/waivers?dryRun=true", ours, as: "max").status == 200)
            let made = try await api.post("/v1/waivers", ours, as: "max", key: "once")
            #expect(made.status == 201)
            #expect(
                try await api.post("/v1/waivers", ours, as: "max", key: "once").text == made.text)
            #expect(made["approvedBy"] == "max")
            #expect(try await audit(api).summary == Audit.Summary(persisting: 1, waived: 1))

            let everywhere = draft(#""check":"no-shows""#)
            #expect(try await api.post("/v1/waivers", everywhere, as: "max").status == 403)
            #expect(try await api.post("/v1/waivers", everywhere, as: "ada").status == 201)
            for refused in [
                draft(#""check":"nothing""#), draft(#""check":"no-shows","fingerprint":"x""#),
                draft(#""fingerprint":"x","environment":"uat-1""#),
                draft(#""fingerprint":"0000000000000000""#),
                draft(#""check":"no-shows","environment":"nowhere""#),
                draft(#""check":"no-shows""#, "2027-02-01T00:00:00Z"),
                draft(#""check":"no-shows""#, "2029-01-01T00:00:00Z"), #"{"check":"no-shows"}"#,
            ] {
                let answer = try await api.post("/v1/waivers", refused, as: "ada")
                #expect(answer.status == 400, "\(answer.text)")
            }
            let id = try #require(made.json["id"] as? Int)
            #expect(try await api.send(.delete, "/v1/waivers/\(id)", as: "bob").status == 403)
            #expect(try await api.send(.delete, "/v1/waivers/\(id)", as: "max").status == 204)
            #expect(try await api.send(.delete, "/v1/waivers/99", as: "ada").status == 404)
            let list = try await api.get("/v1/waivers", as: "vera")
            #expect((list.json["items"] as? [[String: Any]])?.count == 2)
        }
    }

    @Test("An admin switches checks and tunes them")
    func checks() async throws {
        try await TestAPI.with { api in
            let list = try await api.get("/v1/audit-checks", as: "vera")
            let items = try #require(list.json["items"] as? [[String: Any]])
            #expect(try items.count == AuditCheck.names().count)
            let path = "/v1/audit-checks/idle-environments"
            let tuned = try await api.send(
                .put,
                path, #"{"isOn":false,"settings":{"idle_weeks":12}}"#, as: "ada")
            #expect(tuned.status == 200, "\(tuned.text)")
            #expect(tuned.json["isOn"] as? Bool == false)
            #expect((tuned.json["settings"] as? [String: Int]) == ["idle_weeks": 12])
            let reset = try await api.send(.put, path, "{}", as: "ada")
            #expect(reset.json["isOn"] as? Bool == true)
            #expect((reset.json["settings"] as? [String: Int]) == ["idle_weeks": 8])
            #expect(try await api.send(.put, path, #"{"isOn":true}"#, as: "max").status == 403)
            for refused in [
                #"{"settings":{"weeks":1}}"#, #"{"settings":{"idle_weeks":-1}}"#,
                #"{"settings":{"idle_weeks":20000}}"#, #"{"settings":{"idle_weeks":null}}"#,
                #"{"settings":7}"#, #"{"isOff":true}"#,
            ] {
                #expect(try await api.send(.put, path, refused, as: "ada").status == 400)
            }
            let unknown = try await api.send(.put, "/v1/audit-checks/x", "{}", as: "ada")
            #expect(unknown.status == 404)
        }
    }

    @Test("Metrics count what the last run found, by check, severity and status")
    func metrics() async throws {
        try await TestAPI.with { api in
            #expect(try await !api.get("/metrics", as: nil).text.contains("berth_audit_findings{"))
            try await world(api)
            _ = try await audit(api)
            let text = try await api.get("/metrics", as: nil).text
            #expect(
                text.contains(
                    #"berth_audit_findings{check="no-shows",severity="critical",status="new"} 1"#))
            #expect(text.contains("berth_audit_timestamp_seconds 1803891600"))
        }
    }
}
