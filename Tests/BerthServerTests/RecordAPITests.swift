import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Testing

@testable import BerthServer

@Suite("Records that are kept and counted", .gated)
struct RecordAPITests {
    @Test("A change window shows what it has been, newest first, and what each version changed")
    func windowHistory() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            let window =
                #"{"kind":"change","environments":["uat-1"],"title":"One","minutes":60,"#
                + #""startsAt":"\#(TestAPI.at(4))"}"#
            let made = try await api.post("/v1/change-windows", window, as: "bob")
            let path = try #require(made.headers[.location])
            #expect(try await api.post("\(path)/approve", as: "max").status == 200)
            let tag = try await api.get(path).headers[.eTag]
            _ = try await api.patch(path, #"{"title":"Two"}"#, as: "max", ifMatch: tag)
            let history = try await api.get("\(path)/history")
            #expect(history.items.compactMap { $0["version"] as? Int } == [3, 2, 1])
            #expect(history.items.compactMap { $0["by"] as? String } == ["max", "max", "bob"])
            #expect(
                history.items.compactMap { $0["state"] as? String } == [
                    "approved", "approved", "requested",
                ])
            let title =
                (history.items[0]["changes"] as? [String: Any])?["title"] as? [String: String]
            #expect(title == ["from": "One", "to": "Two"])
            let page = try await api.get("\(path)/history?limit=1")
            #expect(page.items.count == 1 && page.json["nextCursor"] is String)
            #expect(try await api.get("/v1/change-windows/CW-99/history").status == 404)
        }
    }

    @Test("A refused wish for any that match is counted on those that were looked at")
    func refusedSelection() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.labels = ["app": "crm"] }
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let refused = try await api.post(
                "/v1/bookings",
                #"{"select":{"labels":{"app":"crm"}},"startsAt":"\#(TestAPI.at(2))","minutes":60,"title":"Any"}"#,
                as: "bob")
            #expect(refused.status == 409, "\(refused.text)")
            try await api.database.berth.flushRefusals()
            let report = try await api.get(
                "/v1/reports/utilisation?from=2027-03-01T00:00:00Z&to=2027-03-08T00:00:00Z&by=team")
            let mobile = report.items.first {
                $0["team"] as? String == "mobile" || $0["key"] as? String == "mobile"
            }
            #expect(mobile?["refusedHours"] as? Double == 1, "\(report.text)")
        }
    }

    @Test(
        "The report takes the opening hours that held then, and maintenance as time nobody can use")
    func bookable() async throws {
        try await TestAPI.with { api in
            api.clock.now = try RFC3339.date("2027-03-01T00:00:00Z")
            let made = try await api.post(
                "/v1/environments",
                #"{"key":"uat-1","timeZone":"UTC","policy":{"openingHours":[{"days":["MO","TU","WE","TH","FR","SA","SU"],"from":"08:00","to":"18:00"}]}}"#,
                as: "ada")
            try #require(made.status == 201, "\(made.text)")
            api.clock.now = try RFC3339.date("2027-03-03T00:00:00Z")
            let opened = try await api.patch(
                "/v1/environments/uat-1", #"{"policy":{"openingHours":null}}"#, as: "ada",
                ifMatch: made.headers[.eTag])
            try #require(opened.status == 200, "\(opened.text)")
            let window =
                #"{"kind":"maintenance","environments":["uat-1"],"title":"Patch","minutes":360,"#
                + #""startsAt":"2027-03-04T00:00:00Z"}"#
            try #require(try await api.post("/v1/change-windows", window, as: "ada").status == 201)
            let report = try await api.get(
                "/v1/reports/utilisation?from=2027-03-01T00:00:00Z&to=2027-03-05T00:00:00Z")
            let line = try #require(report.items.first)
            // Two days of ten hours and two of 24, less the maintenance.
            #expect(line["bookableHours"] as? Double == 62.0, "\(line)")
            #expect(line["unavailableHours"] as? Double == 6.0, "\(line)")
        }
    }

    @Test("A change that is told late hit whom it hit by the parts as they were then")
    func formerParts() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("stub")
            try await api.database.environment("uat-1")
            try await api.database.environment("uat-2") {
                $0.parts = [.init(key: "stub", usage: .same)]
            }
            let before = try await api.book(TestAPI.booking("uat-2", from: 1, to: 9), as: "bob")
            let other = try await api.book(TestAPI.booking("uat-1", from: 1, to: 9), as: "bob")
            // At four, the stub leaves uat-2, and becomes a part of uat-1.
            try await api.pass(to: 4)
            for (key, parts) in [("uat-2", "[]"), ("uat-1", #"[{"key":"stub","usage":"same"}]"#)] {
                let tag = try await api.get("/v1/environments/\(key)").headers[.eTag]
                let edited = try await api.patch(
                    "/v1/environments/\(key)", #"{"parts":\#(parts)}"#, as: "ada", ifMatch: tag)
                #expect(edited.status == 200, "\(edited.text)")
            }
            try await api.pass(to: 6)
            func hit(at hours: Double) async throws -> [String]? {
                let change =
                    #"{"environment":"stub","summary":"late","occurredAt":"\#(TestAPI.at(hours))"}"#
                let logged = try await api.post("/v1/changes", change)
                #expect(logged.status == 201, "\(logged.text)")
                return logged.json["bookingsHit"] as? [String]
            }
            #expect(try await hit(at: 2) == [before])
            #expect(try await hit(at: 5) == [other])
        }
    }

    @Test("A database that was told to forget commits is not ready any more")
    func durability() async throws {
        try await TestAPI.with { api in
            #expect(try await api.get("/readyz", as: nil).status == 200)
            try await api.database.client.query(
                "ALTER DATABASE \(unescaped: api.database.name) SET synchronous_commit = off")
            #expect(try await api.get("/readyz", as: nil).status == 503)
        }
    }

    @Test("Metrics count who waited for a connection, and how long")
    func poolWaits() async throws {
        try await TestAPI.with { api in
            let text = try await api.get("/metrics", as: nil).text
            #expect(text.contains("berth_database_waits_total "))
            #expect(text.contains("berth_database_wait_seconds_total "))
        }
    }
}
