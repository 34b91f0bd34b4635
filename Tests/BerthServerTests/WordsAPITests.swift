import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Testing

@testable import BerthServer

@Suite("Words that do not mislead", .gated)
struct WordsAPITests {
    @Test("A holder that still waits for approval is said to")
    func pending() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.ownerTeam = "crm"
                $0.policy.approval = .manager
            }
            let asked = try await api.book(TestAPI.booking("uat-1", from: 2, to: 3), as: "bob")
            let refused = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-1", from: 2, to: 3))
            #expect(refused.conflicts.first?["isPending"] as? Bool == true)
            let sentence = refused["detail"] ?? ""
            #expect(
                sentence.hasPrefix("uat-1 is asked for by \(asked) (mobile, to be approved) until"),
                "\(sentence)")
            #expect(try await api.move(asked, "approve", as: "max").status == 200)
            let held = try await api.post("/v1/bookings", TestAPI.booking("uat-1", from: 2, to: 3))
            #expect(held.conflicts.first?["isPending"] as? Bool == false)
            #expect(held["detail"]?.hasPrefix("uat-1 is held by \(asked) (mobile) until") == true)
        }
    }

    @Test("A conflict's mode is how its holder uses the part where the two meet")
    func partMode() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("stub")
            try await api.database.environment("uat-1") {
                $0.parts = [.init(key: "stub", usage: .shared)]
            }
            try await api.database.environment("uat-2") {
                $0.parts = [.init(key: "stub", usage: .exclusive)]
            }
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 3))
            let refused = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-2", from: 2, to: 3))
            #expect(refused.conflicts.first?["via"] as? [String] == ["stub"])
            #expect(refused.conflicts.first?["mode"] as? String == "shared")
            let same = try await api.post("/v1/bookings", TestAPI.booking("uat-1", from: 2, to: 3))
            #expect(same.conflicts.first?["mode"] as? String == "exclusive")
        }
    }

    @Test("A freeze that holds on an environment and its parts closes its gate once")
    func freezeOnce() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("stub")
            try await api.database.environment("uat-1") {
                $0.parts = [.init(key: "stub", usage: .same)]
            }
            let freeze =
                #"{"kind":"freeze","environments":["uat-1"],"title":"Close","#
                + #""startsAt":"\#(TestAPI.at(1))","endsAt":"\#(TestAPI.at(3))"}"#
            #expect(try await api.post("/v1/change-windows", freeze, as: "ada").status == 201)
            let gate = try await api.get("/v1/environments/uat-1/gate?at=\(TestAPI.at(2))")
            let kinds = (gate.json["reasons"] as? [[String: Any]])?.compactMap {
                $0["kind"] as? String
            }
            #expect(kinds?.filter { $0 == "freeze" }.count == 1, "\(gate.text)")
        }
    }

    @Test("An environment that would contain itself is refused by the part that leads back")
    func cycle() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            try await api.database.environment("stub") {
                $0.parts = [.init(key: "uat-1", usage: .same)]
            }
            try await api.database.environment("mainframe") {
                $0.parts = [.init(key: "stub", usage: .same)]
            }
            for (part, sentence) in [
                ("stub", "stub contains uat-1: leave it out, or take uat-1 out of it first"),
                ("mainframe", "mainframe contains uat-1 through stub: leave it out"),
            ] {
                let tag = try await api.get("/v1/environments/uat-1").headers[.eTag]
                let refused = try await api.patch(
                    "/v1/environments/uat-1", #"{"parts":[{"key":"\#(part)","usage":"same"}]}"#,
                    as: "ada", ifMatch: tag)
                #expect(refused.status == 400 && refused.pointers == ["/parts/0/key"])
                #expect(refused.text.contains(sentence), "\(refused.text)")
            }
        }
    }

    @Test("An impact counts one booking as one")
    func counted() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 3))
            let window =
                #"{"kind":"change","environments":["uat-1"],"title":"Patch","#
                + #""startsAt":"\#(TestAPI.at(1))","endsAt":"\#(TestAPI.at(3))"}"#
            let made = try await api.post("/v1/change-windows", window, as: "ada")
            let path = try #require(made.headers[.location])
            let impact = try await api.get("\(path)/impact")
            #expect(impact.text.contains(#""1 booking in its periods""#), "\(impact.text)")
            #expect(impact.text.contains("0 rejected reviews"))
        }
    }

    @Test("Notices of windows, changes and outages tell times by the clock of the place")
    func localTimes() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.timeZone = "Asia/Kolkata"
                $0.ownerTeam = "crm"
            }
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 3), as: "bob")
            let window =
                #"{"kind":"maintenance","environments":["uat-1"],"title":"Patch","#
                + #""startsAt":"2027-03-05T09:00:00Z","endsAt":"2027-03-05T10:00:00Z"}"#
            #expect(try await api.post("/v1/change-windows", window, as: "bob").status == 201)
            let change =
                #"{"environment":"uat-1","occurredAt":"2027-03-01T08:30:00Z","actor":"ci","#
                + #""kind":"deploy","summary":"1.2"}"#
            #expect(try await api.post("/v1/changes", change, as: "bob").status == 201)
            let told = try await api.get("/v1/notices", as: "max").text
            #expect(
                told.contains(
                    "uat-1 from 2027-03-05 14:30 Asia/Kolkata to 2027-03-05 15:30 Asia/Kolkata"),
                "\(told)")
            #expect(told.contains("at 2027-03-01 14:00 Asia/Kolkata: 1.2"), "\(told)")
            let tag = try await api.get("/v1/environments/uat-1").headers[.eTag]
            _ = try await api.patch(
                "/v1/environments/uat-1",
                #"{"status":"unavailable","statusUntil":"2027-03-02T00:00:00Z"}"#, as: "max",
                ifMatch: tag)
            let theirs = try await api.get("/v1/notices", as: "bob").text
            #expect(theirs.contains("until 2027-03-02 05:30 Asia/Kolkata"), "\(theirs)")
        }
    }

    @Test("The calendar of a series leads to all its bookings, not to its last")
    func seriesURL() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            try await api.book(
                TestAPI.booking(
                    "uat-1", from: 2, to: 3, #""recurrence":{"rrule":"FREQ=DAILY;COUNT=3"}"#))
            let feed = try await api.get("/calendars/environments/uat-1.ics").text
                .replacing("\r\n ", with: "")
            #expect(feed.contains("URL:https://berth.test/v1/bookings?series=SR-1\r\n"), "\(feed)")
        }
    }
}
