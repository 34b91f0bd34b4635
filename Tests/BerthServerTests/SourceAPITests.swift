import BerthCore
import BerthTestSupport
import Crypto
import Foundation
import HTTPTypes
import NIOCore
import Testing

@testable import BerthServer

@Suite("Events of other tools, inventories and what is made of them")
struct SourceAPITests {
    private func withAPI(_ body: @escaping @Sendable (TestAPI) async throws -> Void) async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2"] {
                _ = try await api.post(
                    "/v1/environments",
                    #"{"key":"\#(key)","name":"\#(key)","tier":"uat","ownerTeam":"crm","timeZone":"UTC"}"#,
                    as: "ada")
            }
            _ = try await api.post("/v1/teams", #"{"name":"mobile"}"#, as: "ada")
            try await body(api)
        }
    }

    private static func event(
        _ id: String, _ type: String = "service.deployed.0.3.0", on environment: String = "uat-1",
        at hours: Double = 0, padding: String = ""
    ) -> String {
        """
        {"specversion":"1.0","id":"\(id)","source":"/ci/shop","type":"dev.cdevents.\(type)",\
        "data":{"context":{"timestamp":"\(TestAPI.at(hours).dropLast()).315384Z"},\
        "subject":{"id":"shop","content":{"environment":{"id":"\(environment)"},\
        "artifactId":"pkg:oci/shop@1.4.2"}},"customData":{"padding":"\(padding)"}}}
        """
    }

    private func send(
        _ api: TestAPI, _ body: String, _ type: String = "application/cloudevents+json",
        _ headers: [String: String] = [:]
    ) async throws -> TestAnswer {
        var fields: HTTPFields = [.contentType: type]
        for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
        return try await api.send(.post, "/v1/events", body, as: "tess", headers: fields)
    }

    @Test("A deployment event is logged once, however often it comes")
    func events() async throws {
        try await withAPI { api in
            let taken = try await send(api, Self.event("e1"))
            #expect(taken.status == 202, "\(taken.text)")
            #expect((taken.json["changes"] as? [Int]) == [1])
            #expect(try await send(api, Self.event("e1")).json["repeated"] as? Int == 1)
            let change = try await api.get("/v1/changes/1")
            #expect(change["component"] == "shop")
            #expect(change["version"] == "1.4.2")
            #expect(change["team"] == "crm")
            #expect(change["occurredAt"] == TestAPI.at(0))
            let binary = try await send(
                api, #"{"context":{},"subject":{"id":"uat-2","content":{}}}"#, "application/json",
                [
                    "ce-id": "e%202", "ce-source": "/infra", "ce-specversion": "1.0",
                    "ce-type": "dev.cdevents.environment.modified.0.3.0", "ce-time": TestAPI.at(0),
                ])
            #expect((binary.json["changes"] as? [Int]) == [2], "\(binary.text)")
            #expect(try await api.get("/v1/changes/2")["sourceId"] == "e 2")
        }
    }

    @Test("Events may come out of order and a little ahead of our clock; one far ahead is refused")
    func clocks() async throws {
        try await withAPI { api in
            try await api.pass(to: 2)
            for (id, hours) in [("second", 1.5), ("first", 1.0), ("ahead", 2.08)] {
                #expect(try await send(api, Self.event(id, at: hours)).status == 202)
            }
            let ahead = try await send(api, Self.event("far", at: 2.1))
            #expect(ahead.pointers == ["/time"], "\(ahead.text)")
            let logged = try await api.get("/v1/changes").items
            #expect(
                logged.compactMap { $0["sourceId"] as? String } == ["ahead", "first", "second"])
            #expect(logged.map { $0["late"] as? Bool } == [false, true, true])
            #expect(try await send(api, Self.event("far", at: 1)).status == 202)
        }
    }

    @Test("A batch takes all or says which is wrong, and ignores other types")
    func batches() async throws {
        try await withAPI { api in
            let type = "application/cloudevents-batch+json"
            let mixed = [
                Self.event("b1"), Self.event("b2", "build.finished.0.3.0"), Self.event("b1"),
                Self.event("b3", "service.deployed.1.0.0"),
            ]
            let taken = try await send(api, "[\(mixed.joined(separator: ","))]", type)
            #expect(taken.json["received"] as? Int == 4)
            #expect((taken.json["changes"] as? [Int])?.count == 1)
            #expect(taken.json["ignored"] as? Int == 2)
            #expect(taken.json["repeated"] as? Int == 1)
            let broken = try await send(
                api, #"[\#(Self.event("c1")),{"specversion":"1.0","id":"c2","type":"x"}]"#, type)
            #expect(broken.pointers == ["/1/source"])
            #expect(try await api.get("/v1/changes").items.count == 1)
            let tooMany = "[" + (0...1000).map { Self.event("d\($0)") }.joined(separator: ",") + "]"
            #expect(try await send(api, tooMany, type).status == 400)
            // Ten megabytes are taken: a thousand events with much in them.
            let padding = String(repeating: "x", count: 10_000)
            let large = (0..<1000).map { Self.event("f\($0)", padding: padding) }
            let answer = try await send(api, "[\(large.joined(separator: ","))]", type)
            #expect((answer.json["changes"] as? [Int])?.count == 1000, "\(answer.text.prefix(300))")
            #expect(
                try await send(api, String(repeating: " ", count: 17 << 20), type).status == 413)
        }
    }

    @Test("No text of a source fails to be stored, and long ids stay apart")
    func hostileTexts() async throws {
        try await withAPI { api in
            let id = String(repeating: "x", count: 999)
            let events = [
                Self.event("\(id)1"), Self.event("\(id)2"),
                Self.event("n").replacing("@1.4.2", with: "@1%004"),
            ]
            let taken = try await send(
                api, "[\(events.joined(separator: ","))]", "application/cloudevents-batch+json")
            #expect((taken.json["changes"] as? [Int])?.count == 3, "\(taken.text)")
            #expect(try await api.get("/v1/changes/3")["version"] == "1 4")
        }
    }

    @Test(
        "What is wrong with an event is named",
        arguments: [
            ("application/cloudevents+json", "{}", "/specversion"),
            ("application/cloudevents+json", #"{"specversion":"0.3","id":"a"}"#, "/specversion"),
            (
                "application/cloudevents+json",
                #"{"specversion":"1.0","id":"","source":"a","type":"b"}"#, "/id"
            ),
            (
                "application/cloudevents+json",
                #"{"specversion":"1.0","id":"a","source":"a","type":"b","time":"now"}"#, "/time"
            ),
            ("application/cloudevents-batch+json", "{}", ""),
            ("application/json", "nonsense", ""),
        ])
    func faults(type: String, body: String, pointer: String) async throws {
        try await withAPI { api in
            let answer = try await send(api, body, type)
            #expect(answer.status == 400)
            #expect(answer.pointers == [pointer], "\(answer.text)")
        }
    }

    @Test(
        "An event for an unknown environment is kept, shown, and logged once it is assigned or mapped"
    )
    func unassigned() async throws {
        try await withAPI { api in
            #expect(
                try await send(api, Self.event("u1", on: "prod-like")).json["unassigned"] as? Int
                    == 1)
            _ = try await send(api, Self.event("u2", on: "staging"))
            let kept = try await api.get("/v1/events/unassigned").items
            #expect(kept.map { $0["environment"] as? String } == ["staging", "prod-like"])
            let id = try #require(kept.last?["id"] as? Int)
            let assign = "/v1/events/unassigned/\(id)/assign"
            #expect(
                try await api.post(assign, #"{"environment":"uat-1"}"#, as: "tess").status == 403)
            let change = try await api.post(assign, #"{"environment":"uat-1"}"#, as: "max")
            #expect(change["environment"] == "uat-1", "\(change.text)")
            #expect(
                try await api.post(assign, #"{"environment":"uat-1"}"#, as: "max").status == 404)
            let mapping =
                #"{"kind":"environment","source":"/ci/shop","name":"staging","environment":"uat-2"}"#
            #expect(try await api.post("/v1/mappings", mapping, as: "max").status == 201)
            #expect(
                try await api.post("/v1/mappings", mapping, as: "max").problem == "already-exists")
            #expect(try await api.get("/v1/events/unassigned").items.isEmpty)
            #expect(try await api.get("/v1/changes?environment=uat-2").items.count == 1)
            #expect(try await api.get("/v1/mappings").items.count == 1)
        }
    }

    private static let delivery = """
        {"action":"created","deployment_status":{"id":7,"state":"success","creator":{"login":"octo"},\
        "environment":"uat-1","created_at":"2027-03-01T09:00:00Z"},\
        "deployment":{"ref":"v1.2","sha":"f95f","environment":"uat-1"},"repository":{"full_name":"acme/shop"}}
        """

    @Test(
        "A delivery of GitHub is logged when its signature is right, and is its repository's team's"
    )
    func github() async throws {
        try await withAPI { api in
            _ = try await api.post(
                "/v1/mappings", #"{"kind":"repository","name":"acme/shop","team":"mobile"}"#,
                as: "ada")
            func deliver(_ signature: String?, event: String = "deployment_status") async throws
                -> TestAnswer
            {
                var headers: HTTPFields = [.contentType: "application/json"]
                headers[try #require(HTTPField.Name("X-Hub-Signature-256"))] = signature
                headers[try #require(HTTPField.Name("X-GitHub-Event"))] = event
                return try await api.send(
                    .post, "/v1/hooks/github", Self.delivery, as: nil, headers: headers)
            }
            let code = HMAC<SHA256>.authenticationCode(
                for: Data(Self.delivery.utf8),
                using: SymmetricKey(data: Data(TestAPI.githubSecret.utf8)))
            let signature =
                "sha256=" + code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            for forged in [
                nil, "sha256=00", "sha1=" + signature.dropFirst(7),
                String(signature.dropLast()) + "!",
            ] {
                #expect(try await deliver(forged).status == 401)
            }
            #expect((try await deliver(signature).json["changes"] as? [Int]) == [1])
            #expect(try await deliver(signature).json["repeated"] as? Int == 1)
            #expect(try await deliver(signature, event: "ping").json["ignored"] as? Int == 1)
            let change = try await api.get("/v1/changes/1")
            #expect(change["team"] == "mobile")
            #expect(change["actor"] == "octo")
            #expect(change["source"] == "github:acme/shop")
        }
    }

    private func observe(
        _ api: TestAPI, _ components: String, _ hours: Double
    ) async throws -> [[String: Any]] {
        try await api.pass(to: hours)
        let answer = try await api.send(
            .put, "/v1/environments/uat-1/inventory", #"{"components":\#(components)}"#)
        #expect(answer.status == 200, "\(answer.text)")
        return answer.json["differences"] as? [[String: Any]] ?? []
    }

    @Test("A difference that no change explains is logged after its settling time, as nobody's")
    func drift() async throws {
        try await withAPI { api in
            #expect(try await observe(api, #"{"crm":"1","web":"1"}"#, 0).isEmpty)
            // Explained by a change logged before ...
            try await api.pass(to: 0.5)
            let body = #"{"environment":"uat-1","summary":"crm 2","component":"crm","version":"2"}"#
            let logged = try await api.post("/v1/changes", body)
            let first = try await observe(api, #"{"crm":"2","web":"1"}"#, 1)
            #expect(first.first?["explainedBy"] as? Int == logged.json["id"] as? Int)
            // ... or within the settling time; or not at all.
            let second = try await observe(api, #"[{"component":"crm","version":"3"}]"#, 2)
            #expect(second.count == 2)
            #expect(second.allSatisfy { $0["settlesAt"] as? String == TestAPI.at(2.25) })
            let late =
                #"{"environment":"uat-1","summary":"crm 3","component":"crm","occurredAt":"\#(TestAPI.at(1.5))"}"#
            _ = try await api.post("/v1/changes", late)
            try await api.pass(to: 2.2)
            #expect(try await api.get("/v1/changes").items.count == 2)
            try await api.pass(to: 2.3)
            let changes = try await api.get("/v1/changes").items
            #expect(changes.count == 3)
            #expect(changes.first?["source"] as? String == "inventory")
            #expect(changes.first?["component"] as? String == "web")
            #expect(changes.first?["control"] as? String == "uncontrolled")
            #expect((changes.first?["reasons"] as? [String])?.contains("unattributed") == true)
            let inventory = try await api.get("/v1/environments/uat-1/inventory")
            #expect(inventory.json["components"] as? [String: String] == ["crm": "3"])
        }
    }

    @Test(
        "A component that flaps between two versions is logged once each way; that it went back is a change too"
    )
    func flapping() async throws {
        try await withAPI { api in
            for hour in 0..<8 {
                _ = try await observe(api, #"{"crm":"\#(hour % 2)"}"#, Double(hour))
            }
            try await api.pass(to: 9)
            let changes = try await api.get("/v1/changes").items
            #expect(
                changes.compactMap { $0["summary"] as? String }.map { String($0.prefix(22)) }
                    .sorted()
                    == ["crm went from 0 to 1, ", "crm went from 1 to 0, "])
        }
    }

    @Test("An inventory has at most 10,000 components, and is newer than the last")
    func inventoryLimits() async throws {
        try await withAPI { api in
            func components(_ count: Int) -> String {
                "{" + (0..<count).map { #""c\#($0)":"1""# }.joined(separator: ",") + "}"
            }
            _ = try await observe(api, components(10_000), 1)
            let more = try await api.send(
                .put, "/v1/environments/uat-1/inventory", #"{"components":\#(components(10_001))}"#)
            #expect(more.pointers == ["/components"])
            let old = try await api.send(
                .put, "/v1/environments/uat-1/inventory",
                #"{"components":{},"observedAt":"\#(TestAPI.at(1))"}"#)
            #expect(old.problem == "illegal-move")
        }
    }

    @Test(
        "Reports count each change once; the impact of a window says why it is risky, and whom to warn"
    )
    func reports() async throws {
        try await withAPI { api in
            for _ in 0..<3 {
                _ = try await api.post("/v1/changes", #"{"environment":"uat-1","summary":"x"}"#)
            }
            _ = try await api.post(
                "/v1/changes",
                #"{"environment":"uat-2","summary":"x","emergency":{"reason":"down"}}"#)
            try await api.pass(to: 1)
            let report = try await api.get("/v1/reports/changes?by=tier")
            #expect(report.items.first?["changes"] as? Int == 4)
            #expect(report.items.first?["uncontrolledPercent"] as? Int == 75)
            #expect(report.items.first?["unplannedPercent"] as? Int == 100)
            #expect(
                try await api.get("/v1/reports/changes?by=week").items.first?["key"] as? String
                    == "2027-W09")
            #expect(
                try await api.get("/v1/reports/changes?format=csv").text.contains(
                    "environment,changes,"))

            let booking = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let next = try await api.book(TestAPI.booking("uat-1", from: 6, to: 7))
            let window = try await api.post(
                "/v1/change-windows",
                #"{"kind":"change","environments":["uat-1"],"startsAt":"\#(TestAPI.at(3))","minutes":60}"#,
                as: "max")
            let impact = try await api.get("/v1/change-windows/\(window["reference"] ?? "")/impact")
            #expect(impact["risk"] == "medium", "\(impact.text)")
            let warned = impact.json["warn"] as? [[String: Any]] ?? []
            #expect(warned.map { $0["reference"] as? String } == [booking, next])
            #expect(warned.map { $0["next"] as? Bool } == [false, true])

            try await api.pass(to: 2.5)
            let people = try await api.get("/v1/environments/uat-1/people")
            #expect((people.json["owner"] as? [String: Any])?["team"] as? String == "crm")
            #expect(
                (people.json["holders"] as? [[String: Any]])?.first?["reference"] as? String
                    == booking)
            #expect((people.json["next"] as? [String: Any])?["reference"] as? String == next)
            #expect(
                (people.json["authors"] as? [[String: Any]])?.first?["actor"] as? String == "tess")
        }
    }
}
