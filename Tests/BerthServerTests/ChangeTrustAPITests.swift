import BerthCore
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BerthServer

@Suite("Who is believed of a change, who corrects and reviews it, and who hears of it", .gated)
struct ChangeTrustAPITests {
    private func withAPI(_ body: @escaping @Sendable (TestAPI) async throws -> Void) async throws {
        try await TestAPI.with { api in
            for (key, owner, changes) in [
                ("uat-1", "crm", "closed"), ("uat-2", "crm", "closed"), ("free-1", "crm", "open"),
                ("mob-1", "mobile", "closed"),
            ] {
                let made = try await api.post(
                    "/v1/environments",
                    """
                    {"key":"\(key)","name":"\(key)","tier":"uat","ownerTeam":"\(owner)",\
                    "timeZone":"UTC","policy":{"changes":"\(changes)"}}
                    """, as: "ada")
                #expect(made.status == 201, "\(made.text)")
            }
            try await body(api)
        }
    }

    private func at(_ hours: Double) -> String { TestAPI.at(hours) }

    /// The header that the bearer of a token just made sends.
    private func token(_ api: TestAPI, _ members: String) async throws -> HTTPFields {
        let made = try await api.post("/v1/tokens", "{\(members)}", as: "ada")
        #expect(made.status == 201, "\(made.text)")
        return [.authorization: "Bearer \(made["token"] ?? "")"]
    }

    private func log(
        _ api: TestAPI, _ members: String, as name: String? = "bob", _ headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        try await api.send(.post, "/v1/changes", "{\(members)}", as: name, headers: headers)
    }

    /// Logs a change, and gives its number.
    private func logged(
        _ api: TestAPI, _ members: String, as name: String = "bob"
    ) async throws -> Int {
        let made = try await log(api, members, as: name)
        #expect(made.status == 201, "\(made.text)")
        return try #require(made.json["id"] as? Int)
    }

    private func plan(
        _ api: TestAPI, _ kind: String, _ key: String, _ from: Double, _ to: Double,
        as name: String = "max"
    ) async throws -> String {
        let made = try await api.post(
            "/v1/change-windows",
            """
            {"kind":"\(kind)","environments":["\(key)"],"startsAt":"\(at(from))","endsAt":"\(at(to))"}
            """, as: name)
        #expect(made.status == 201, "\(made.text)")
        return made["reference"] ?? ""
    }

    private func review(
        _ api: TestAPI, _ id: Int, _ decision: String, as name: String? = "max",
        _ headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        try await api.send(
            .post, "/v1/changes/\(id)/review", #"{"decision":"\#(decision)"}"#, as: name,
            headers: headers)
    }

    private func uncontrolled(_ api: TestAPI) async throws -> Int? {
        let report = try await api.get("/v1/reports/changes?by=tier&from=\(at(-1))&to=\(at(9))")
        return report.items.first?["uncontrolled"] as? Int
    }

    @Test(
        "Who does not manage the environment corrects words, and nothing that the judgement is about",
        arguments: [
            #""environment":"free-1""#, #""occurredAt":"2027-03-01T08:30:00Z""#,
            #""team":"crm""#, #""kind":"restart""#, #""actor":"somebody""#,
            #""emergency":{"reason":"oh"}"#,
        ])
    func words(member: String) async throws {
        try await withAPI { api in
            let id = try await logged(api, #""environment":"uat-1","summary":"x","kind":"deploy""#)
            let place = member.contains("environment") ? "" : #""environment":"uat-1","#
            let refused = try await log(
                api, #"\#(place)"summary":"y","corrects":\#(id),\#(member)"#)
            #expect(refused.status == 403, "\(refused.text)")
            #expect(try await uncontrolled(api) == 1)
        }
    }

    @Test("A correction keeps the time, the judgement and the review of what it corrects")
    func keeps() async throws {
        try await withAPI { api in
            let first = try await logged(
                api, #""environment":"uat-1","summary":"x","kind":"deploy","component":"crm""#)
            #expect(try await review(api, first, "rejected").status == 200)
            _ = try await plan(api, "change", "uat-1", 1, 2)
            try await api.pass(to: 1.5)
            var id = first
            for words in ["y", "z"] {
                let corrected = try await log(
                    api,
                    #""environment":"uat-1","summary":"\#(words)","version":"2","corrects":\#(id)"#)
                #expect(corrected.status == 201, "\(corrected.text)")
                #expect(corrected["control"] == "uncontrolled")
                #expect(corrected["occurredAt"] == at(0))
                #expect(corrected["component"] == "crm")
                #expect(corrected["kind"] == "deploy")
                #expect(
                    (corrected.json["review"] as? [String: Any])?["state"] as? String == "rejected")
                id = try #require(corrected.json["id"] as? Int)
            }
            let items = try await api.get("/v1/changes?control=uncontrolled&reviewed=true").items
            #expect(items.compactMap { $0["id"] as? Int } == [id])
            #expect(items.first?["summary"] as? String == "z")
            #expect(try await uncontrolled(api) == 1)
            #expect(
                try await log(api, #""environment":"uat-1","summary":"v","corrects":\#(first)"#)
                    .problem == "illegal-move")
            // Its wording is no news to the owner.
            #expect(
                try await api.notices(of: "max").filter { $0 == "change.uncontrolled" }.count == 1)
        }
    }

    @Test(
        "A manager's correction may be judged softer, and the harder judgement stands until one accepts it"
    )
    func softer() async throws {
        try await withAPI { api in
            let booking = try await api.book(TestAPI.booking("uat-1", from: 0, to: 3))
            let id = try await logged(api, #""environment":"uat-1","summary":"x""#)
            let moved = try await log(
                api, #""environment":"free-1","summary":"x","corrects":\#(id)"#, as: "max")
            #expect(moved.status == 201, "\(moved.text)")
            #expect(moved["control"] == "uncontrolled")
            #expect(moved["judgedAs"] == "controlled")
            let newer = try #require(moved.json["id"] as? Int)
            // Words once more: the chain is looked at to its beginning.
            let worded = try await log(
                api, #""environment":"free-1","summary":"y","corrects":\#(newer)"#)
            let last = try #require(worded.json["id"] as? Int)
            for uri in ["control=uncontrolled", "reviewed=false", "booking=\(booking)"] {
                let items = try await api.get("/v1/changes?\(uri)").items
                #expect(items.compactMap { $0["id"] as? Int } == [last], "\(uri)")
            }
            #expect(try await api.get("/v1/changes/\(last)")["control"] == "uncontrolled")
            #expect(try await uncontrolled(api) == 1)
            #expect(try await review(api, last, "rejected").status == 200)
            #expect(try await uncontrolled(api) == 1)
            #expect(try await review(api, last, "accepted").status == 200)
            #expect(try await uncontrolled(api) == 0)
            #expect(
                try await api.get("/v1/changes").items.first?["control"] as? String == "controlled")
        }
    }

    @Test("A manager moves a change only between environments that he manages")
    func movedAway() async throws {
        try await withAPI { api in
            let id = try await logged(api, #""environment":"uat-1","summary":"x""#)
            let elsewhere = #""environment":"mob-1","summary":"x","corrects":\#(id)"#
            #expect(try await log(api, elsewhere, as: "max").status == 403)
            let mobile = try await token(api, #""name":"mia","role":"manager","team":"mobile""#)
            #expect(try await log(api, elsewhere, as: nil, mobile).status == 403)
            #expect(try await log(api, elsewhere, as: "ada").status == 201)
        }
    }

    @Test("A role without a scope logs for, corrects, reviews and maps nothing")
    func scopeless() async throws {
        try await withAPI { api in
            let loose = try await token(api, #""name":"lou","role":"manager""#)
            let id = try await logged(api, #""environment":"uat-1","summary":"x""#)
            let claim = try await log(
                api, #""environment":"uat-1","summary":"x","team":"crm""#, as: nil, loose)
            #expect(claim.json["team"] is NSNull, "\(claim.text)")
            #expect(claim["claimedTeam"] == "crm")
            #expect(
                try await log(
                    api, #""environment":"uat-1","summary":"y","corrects":\#(id)"#, as: nil, loose
                ).status == 403)
            #expect(try await review(api, id, "accepted", as: nil, loose).status == 403)
            for body in [
                #"{"kind":"environment","name":"staging","environment":"uat-1"}"#,
                #"{"kind":"actor","name":"octo","team":"crm"}"#,
                #"{"kind":"repository","name":"acme/shop","team":"crm"}"#,
            ] {
                let refused = try await api.send(
                    .post, "/v1/mappings", body, as: nil, headers: loose)
                #expect(refused.status == 403, "\(refused.text)")
                let made = try await api.post("/v1/mappings", body, as: "max")
                #expect(made.status == 201, "\(made.text)")
                let uri = "/v1/mappings/\(made.json["id"] as? Int ?? 0)"
                #expect(try await api.send(.delete, uri, as: nil, headers: loose).status == 403)
                #expect(try await api.send(.delete, uri, as: "max").status == 204)
            }
        }
    }

    @Test("A mapping takes no name from another team, and none from another's environment")
    func takenNames() async throws {
        try await withAPI { api in
            let mobile = try await token(api, #""name":"mia","role":"manager","team":"mobile""#)
            let octo = #"{"kind":"actor","name":"octo","team":"crm"}"#
            #expect(try await api.post("/v1/mappings", octo, as: "max").status == 201)
            for body in [
                #"{"kind":"actor","source":"/ci","name":"octo","team":"mobile"}"#,
                #"{"kind":"environment","name":"uat-1","environment":"mob-1"}"#,
            ] {
                let refused = try await api.send(
                    .post, "/v1/mappings", body, as: nil, headers: mobile)
                #expect(refused.status == 403, "\(refused.text)")
            }
        }
    }

    @Test("Nobody reviews his own change, whoever logged it; a later token of his name may")
    func ownReview() async throws {
        try await withAPI { api in
            let own = try await logged(api, #""environment":"uat-1","summary":"x""#, as: "max")
            #expect(try await review(api, own, "accepted").status == 403)
            #expect(try await review(api, own, "accepted", as: "ada").status == 200)
            let done = try await logged(
                api, #""environment":"uat-1","summary":"x","actor":"max""#, as: "tess")
            #expect(try await review(api, done, "accepted").status == 403)
            // Wording another's does not make it one's own.
            let worded = try await log(
                api, #""environment":"uat-1","summary":"y","corrects":\#(done)"#, as: "ada")
            let last = try #require(worded.json["id"] as? Int)
            #expect(try await review(api, last, "accepted").status == 403)
            #expect(try await review(api, last, "accepted", as: "ada").status == 200)
            let id = try await logged(api, #""environment":"uat-1","summary":"x""#, as: "max")
            let tokens = try await api.get("/v1/tokens", as: "ada").items
            let max = try #require(tokens.first { $0["name"] as? String == "max" }?["id"] as? Int)
            #expect(try await api.send(.delete, "/v1/tokens/\(max)", as: "ada").status == 200)
            try await api.pass(to: 1)
            let heir = try await token(api, #""name":"max","role":"manager","team":"crm""#)
            #expect(try await review(api, id, "accepted", as: nil, heir).status == 200)
        }
    }

    private static func event(_ id: String, source: String = "/ci/shop") -> String {
        """
        {"specversion":"1.0","id":"\(id)","source":"\(source)",\
        "type":"dev.cdevents.service.deployed.0.3.0",\
        "data":{"context":{"timestamp":"\(TestAPI.at(0))"},\
        "subject":{"id":"shop","content":{"environment":{"id":"uat-1"},\
        "artifactId":"pkg:oci/shop@1.4.2"}},"customData":{"actor":"crm-bot"}}}
        """
    }

    @Test("Another's team is believed through a mapping, from a token made to report alone")
    func reporters() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 0, to: 3))
            for body in [
                #"{"kind":"actor","name":"crm-bot","team":"crm"}"#,
                #"{"kind":"repository","name":"acme/shop","team":"crm"}"#,
            ] {
                #expect(try await api.post("/v1/mappings", body, as: "max").status == 201)
            }
            let ci = try await token(
                api, #""name":"ci","role":"booker","team":"mobile","reports":true"#)
            #expect(
                try await api.send(.get, "/v1/me", as: nil, headers: ci).json["reports"] as? Bool
                    == true)
            let claim = #""environment":"uat-1","summary":"x","actor":"crm-bot","team":"crm""#
            let words = try await log(api, claim)
            #expect(words["team"] == "mobile")
            #expect(words["claimedTeam"] == "crm")
            #expect(words["actor"] == "crm-bot")
            #expect(words["control"] == "uncontrolled")
            let believed = try await log(api, claim, as: nil, ci)
            #expect(believed["team"] == "crm", "\(believed.text)")
            #expect(believed["control"] == "controlled")
            let unmapped = try await log(
                api, #""environment":"uat-1","summary":"x","actor":"else","team":"crm""#, as: nil,
                ci)
            #expect(unmapped["team"] == "mobile")
            #expect(unmapped["claimedTeam"] == "crm")
            // A manager says it of the environments that he manages.
            let managed = try await log(
                api, #""environment":"uat-1","summary":"x","team":"mobile""#, as: "max")
            #expect(managed["team"] == "mobile")
            let chained = try await api.database.berth.verifyChangeLog(
                known: [], now: api.clock.now)
            guard case .whole(let head) = chained else {
                Issue.record("\(chained)")
                return
            }
            #expect(head.id == 4)
        }
    }

    @Test("An event's actor is another team's only where its token reports for others")
    func reportedEvents() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 0, to: 3))
            #expect(
                try await api.post(
                    "/v1/mappings", #"{"kind":"actor","name":"crm-bot","team":"crm"}"#, as: "max"
                ).status == 201)
            let ci = try await token(
                api, #""name":"ci","role":"booker","team":"mobile","reports":true"#)
            func send(_ event: String, as name: String?, _ more: HTTPFields = [:]) async throws
                -> TestAnswer
            {
                var headers = more
                headers[.contentType] = "application/cloudevents+json"
                return try await api.send(.post, "/v1/events", event, as: name, headers: headers)
            }
            func entry(_ answer: TestAnswer) async throws -> TestAnswer {
                let id = try #require((answer.json["changes"] as? [Int])?.first, "\(answer.text)")
                return try await api.get("/v1/changes/\(id)")
            }
            let words = try await entry(send(Self.event("e1"), as: "bob"))
            #expect(words["team"] == "mobile")
            #expect(words["actor"] == "crm-bot")
            #expect(words["claimedTeam"] == "crm")
            #expect(words["control"] == "uncontrolled")
            // What Berth itself reports under these names nobody else does.
            for source in ["inventory", "import", "api", "github:acme/shop"] {
                let refused = try await send(Self.event("drift:1", source: source), as: "bob")
                #expect(refused.pointers == ["/source"], "\(refused.text)")
            }
            let believed = try await entry(send(Self.event("e2"), as: nil, ci))
            #expect(believed["team"] == "crm")
            #expect(believed["control"] == "controlled")
        }
    }

    @Test("An inventory is believed of who answers for the environment, or reports for others")
    func inventories() async throws {
        try await withAPI { api in
            let ci = try await token(
                api, #""name":"ci","role":"booker","team":"mobile","reports":true"#)
            let uri = "/v1/environments/uat-1/inventory"
            let body = #"{"components":{"crm":"1"}}"#
            let refused = try await api.send(.put, uri, body, as: "bob")
            #expect(refused.status == 403, "\(refused.text)")
            #expect(try await api.send(.put, uri, body, as: "tess").status == 200)
            try await api.pass(to: 1)
            #expect(try await api.send(.put, uri, body, as: nil, headers: ci).status == 200)
        }
    }

    @Test("The owner hears of each uncontrolled change, each emergency and each drift, once")
    func ownersHear() async throws {
        try await withAPI { api in
            _ = try await logged(api, #""environment":"uat-1","summary":"x""#)
            _ = try await logged(
                api, #""environment":"uat-1","summary":"x","emergency":{"reason":"down"}"#)
            _ = try await logged(api, #""environment":"free-1","summary":"x""#)
            #expect(
                try await api.notices(of: "max") == ["change.uncontrolled", "change.emergency"])
            let notice = try #require(try await api.get("/v1/notices", as: "max").items.last)
            #expect(notice["subject"] as? String == "1")
            #expect((notice["text"] as? String)?.contains("by bob (mobile) on uat-1") == true)
            let uri = "/v1/environments/uat-1/inventory"
            for (hours, body) in [(1.0, #"{"a":"1","b":"1"}"#), (2.0, #"{"a":"2","b":"2"}"#)] {
                try await api.pass(to: hours)
                let seen = try await api.send(.put, uri, #"{"components":\#(body)}"#)
                #expect(seen.status == 200)
            }
            // Explained within its settling time, a difference is no notice of drift.
            _ = try await logged(
                api,
                #""environment":"uat-1","summary":"x","component":"a","occurredAt":"\#(at(1.5))""#)
            try await api.pass(to: 2.1)
            #expect(!(try await api.notices(of: "max")).contains("change.drift"))
            try await api.pass(to: 3)
            #expect(try await api.notices(of: "max").filter { $0 == "change.drift" }.count == 1)
        }
    }

    @Test("A holder hears of what hit his booking even when it is told after the booking's end")
    func holdersHear() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 0, to: 1))
            try await api.pass(to: 2)
            _ = try await logged(
                api, #""environment":"uat-1","summary":"x","occurredAt":"\#(at(0.5))""#)
            #expect(try await api.notices(of: "tess").contains("change.under-booking"))
        }
    }

    @Test("A late approval marks what it would have covered, recorded before it or after it")
    func lateApprovals() async throws {
        try await withAPI { api in
            let asked = try await plan(api, "change", "uat-1", 1, 2, as: "bob")
            try await api.pass(to: 1.5)
            let before = try await logged(
                api, #""environment":"uat-1","summary":"x","occurredAt":"\#(at(1.25))""#)
            // Corrected in words alone, it keeps its judgement, and what is learned of it later.
            _ = try await log(api, #""environment":"uat-1","summary":"x","corrects":\#(before)"#)
            #expect(
                try await api.post("/v1/change-windows/\(asked)/approve", as: "max").status == 200)
            try await api.pass(to: 8)
            let evening = try await log(
                api, #""environment":"uat-1","summary":"x","occurredAt":"\#(at(1.25))""#)
            #expect(evening.json["approvedLate"] as? Bool == true, "\(evening.text)")
            #expect(evening["window"] == asked)
            #expect(evening["control"] == "uncontrolled")
            let items = try await api.get("/v1/changes").items
            #expect(items.map { $0["approvedLate"] as? Bool } == [true, true])
            #expect(items.map { $0["window"] as? String } == [asked, asked])
            #expect(
                items.contains { $0["summary"] as? String == "x" && $0["id"] as? Int != before })
            #expect(try await uncontrolled(api) == 0)
            // After its approval it covers; outside its time it does not.
            let after = try await log(
                api, #""environment":"uat-1","summary":"x","occurredAt":"\#(at(1.75))""#)
            #expect(after["control"] == "controlled")
            let outside = try await log(
                api, #""environment":"uat-1","summary":"x","occurredAt":"\#(at(2))""#)
            #expect(outside.json["approvedLate"] as? Bool == false)
        }
    }

    @Test("A late approval that no freeze was excepted from covers nothing in the freeze")
    func lateApprovalInFreeze() async throws {
        try await withAPI { api in
            let asked = try await plan(api, "change", "uat-1", 1, 2, as: "bob")
            // Planned first, the freeze is called off before the approval: it held when it happened.
            let freeze = try await plan(api, "freeze", "uat-1", 1, 1.5)
            try await api.pass(to: 1.3)
            for move in ["\(freeze)/cancel", "\(asked)/approve"] {
                let moved = try await api.post("/v1/change-windows/\(move)", as: "max")
                #expect(moved.status == 200, "\(moved.text)")
            }
            let made = try await log(
                api, #""environment":"uat-1","summary":"x","occurredAt":"\#(at(1.25))""#)
            #expect(made.json["approvedLate"] as? Bool == false, "\(made.text)")
        }
    }
}
