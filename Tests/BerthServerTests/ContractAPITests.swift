import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing
import Yams

@testable import BerthServer

@Suite("What the contract promises to programs", .gated)
struct ContractAPITests {
    @Test(
        "A dry run of a change, a waiver, a mapping or an event names nothing that does not exist")
    func dryRuns() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            let change = #"{"environment":"uat-1","summary":"1.2"}"#
            let tried = try await api.post("/v1/changes?dryRun=true", change)
            #expect(
                tried.status == 200 && tried.json["id"] is NSNull && tried.json["hash"] is NSNull)
            let logged = try await api.post("/v1/changes", change)
            #expect(logged.json["id"] as? Int == 1)
            let mapping = #"{"kind":"environment","name":"qa","environment":"uat-1"}"#
            let mapped = try await api.post("/v1/mappings?dryRun=true", mapping, as: "max")
            #expect(mapped.status == 200 && mapped.json["id"] is NSNull, "\(mapped.text)")
            let waiver =
                #"{"check":"uncontrolled-changes","reason":"known","endsAt":"2027-04-01T00:00:00Z"}"#
            let waived = try await api.post("/v1/waivers?dryRun=true", waiver, as: "ada")
            #expect(waived.status == 200 && waived.json["id"] is NSNull, "\(waived.text)")
            let event = """
                {"specversion":"1.0","id":"1","source":"/ci","type":"dev.cdevents.service.deployed.0.2.0",
                "data":{"context":{"version":"0.4.1","id":"1","source":"/ci",
                "type":"dev.cdevents.service.deployed.0.2.0","timestamp":"2027-03-01T08:00:00Z"},
                "subject":{"id":"shop","type":"service",
                "content":{"environment":{"id":"uat-1"},"artifactId":"pkg:oci/shop@1.2"}}}}
                """
            let dry = try await api.post("/v1/events?dryRun=true", event)
            #expect(dry.json["recorded"] as? Int == 1 && dry.json["changes"] as? [Int] == [])
            #expect(try await api.get("/v1/changes").items.count == 1)
            #expect(try await api.post("/v1/events", event).json["changes"] as? [Int] == [2])
        }
    }

    @Test("Every Location leads to what was made")
    func locations() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            _ = try await api.post("/v1/changes", #"{"environment":"uat-1","summary":"1.2"}"#)
            let posts = [
                ("/v1/environments", #"{"key":"uat-2"}"#),
                ("/v1/bookings", TestAPI.booking("uat-1", from: 2, to: 3, #""team":"crm""#)),
                (
                    "/v1/bookings",
                    TestAPI.booking(
                        "uat-1", from: 4, to: 5,
                        #""team":"crm","recurrence":{"rrule":"FREQ=DAILY;COUNT=2"}"#)
                ),
                (
                    "/v1/change-windows",
                    #"{"kind":"change","environments":["uat-1"],"title":"One","minutes":60,"#
                        + #""startsAt":"\#(TestAPI.at(50))"}"#
                ),
                ("/v1/changes", #"{"environment":"uat-1","summary":"1.3"}"#),
                ("/v1/mappings", #"{"kind":"environment","name":"qa","environment":"uat-1"}"#),
                (
                    "/v1/waivers",
                    #"{"check":"uncontrolled-changes","reason":"known","endsAt":"2027-04-01T00:00:00Z"}"#
                ),
                ("/v1/feed-tokens", #"{"environment":"uat-1"}"#),
                ("/v1/tokens", #"{"name":"new","role":"viewer"}"#),
                ("/v1/teams", #"{"name":"new"}"#),
            ]
            for (path, body) in posts {
                let made = try await api.post(path, body, as: "ada")
                try #require(made.status == 201, "\(path): \(made.text)")
                let location = try #require(made.headers[.location], "\(path)")
                #expect(try await api.get(location, as: "ada").status == 200, "\(location)")
            }
            // What is another's stays hidden.
            let feed = try await api.post("/v1/feed-tokens", #"{"environment":"uat-1"}"#, as: "bob")
            #expect(try await api.get(feed.headers[.location] ?? "", as: "tess").status == 404)
        }
    }

    @Test("If-Match with a comma in its tag is stale, and retiring an environment honours it")
    func ifMatch() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            for (tag, status) in [("\"1,2\"", 412), ("\"7\"", 412), ("1", 400), ("\"1\"", 200)] {
                let answer = try await api.send(
                    .delete, "/v1/environments/uat-1", as: "ada", headers: [.ifMatch: tag])
                #expect(answer.status == status, "\(tag): \(answer.text)")
            }
        }
    }

    @Test("A review says its decision under one of its two names")
    func review() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            _ = try await api.post("/v1/changes", #"{"environment":"uat-1","summary":"1.2"}"#)
            let both = try await api.post(
                "/v1/changes/1/review", #"{"decision":"accepted","state":"rejected"}"#, as: "max")
            #expect(both.status == 400 && both.pointers == ["/state"])
            let one = try await api.post(
                "/v1/changes/1/review", #"{"decision":"accepted"}"#, as: "max")
            #expect(one.status == 200, "\(one.text)")
        }
    }

    @Test("The list of what is wrong with a body ends after 50, and says how much there is")
    func manyFaults() async throws {
        try await TestAPI.with { api in
            let fields = (1...60).map { #""x\#($0)":1"# }.joined(separator: ",")
            let answer = try await api.post("/v1/bookings", "{\(fields)}")
            #expect(answer.pointers.count == 50)
            #expect(answer["detail"]?.contains("things are wrong with it") == true)
        }
    }

    @Test("The booker who declared an emergency may put it right, and no other booker may")
    func emergency() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "release" }
            let window =
                #"{"kind":"change","environments":["uat-1"],"title":"Hotfix","minutes":60,"#
                + #""emergency":{"reason":"down"}}"#
            let made = try await api.post("/v1/change-windows", window)
            #expect(made["state"] == "approved", "\(made.text)")
            let path = try #require(made.headers[.location])
            let tag = made.headers[.eTag]
            let longer = #"{"title":"Hotfix 2","endsAt":"\#(TestAPI.at(2))"}"#
            #expect(try await api.patch(path, longer, as: "bob", ifMatch: tag).status == 403)
            let edited = try await api.patch(path, longer, ifMatch: tag)
            #expect(edited.status == 200 && edited["state"] == "approved", "\(edited.text)")
            #expect(edited["endsAt"] == TestAPI.at(2))
            let tooLong = try await api.patch(
                path, #"{"endsAt":"\#(TestAPI.at(6))"}"#, ifMatch: edited.headers[.eTag])
            #expect(tooLong.status == 400, "\(tooLong.text)")
        }
    }
}
