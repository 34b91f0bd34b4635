import BerthCore
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BerthServer

@Suite("Bookings over HTTP", .gated)
struct BookingAPITests {
    private let body = #"""
        {"environments":["uat-1"],"startsAt":"2027-03-01T10:00:00+01:00",
         "endsAt":"2027-03-01T12:00:00Z",
         "title":"Regression 26.3","ticket":"CHG2486","labels":{"suite":"full"}}
        """#

    @Test("A booking is made, and read with exactly the fields of the contract, in their order")
    func create() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let made = try await api.post("/v1/bookings", body)
            #expect(made.status == 201)
            let reference = try #require(made["reference"])
            #expect(made.headers[.location] == "/v1/bookings/\(reference)")
            #expect(made.headers[.eTag] == "\"1\"")
            #expect(made.headers[.contentType] == "application/json")
            #expect(made.headers[.cacheControl] == "no-store")
            #expect(made.headers[.xContentTypeOptions] == "nosniff")
            #expect(
                made.text
                    == #"{"reference":"\#(reference)","state":"active","stateReason":null,"#
                    + #""environments":["uat-1"],"startsAt":"2027-03-01T09:00:00Z","#
                    + #""endsAt":"2027-03-01T12:00:00Z","timeZone":"UTC","#
                    + #""title":"Regression 26.3","#
                    + #""team":"crm","contact":null,"mode":"exclusive","ticket":"CHG2486","#
                    + #""notes":null,"labels":{"suite":"full"},"priority":"normal","#
                    + #""requestedBy":"tess","recurrence":null,"series":null,"recurrenceId":null,"#
                    + #""approvals":[],"checkedInAt":null,"releasedAt":null,"holdExpiresAt":null,"#
                    + #""leaseSeconds":null,"leaseExpiresAt":null,"waitPosition":null,"waitUntil":null,"#
                    + #""displacedBy":null,"#
                    + #""version":1,"createdAt":"2027-03-01T09:00:00Z","#
                    + #""updatedAt":"2027-03-01T09:00:00Z"}"#)
            let read = try await api.get("/v1/bookings/\(reference)", as: "vera")
            #expect(read.text.contains(#""reference":"\#(reference)","#))
            #expect(read.headers[.eTag] == "\"1\"")
        }
    }

    @Test("A dry run decides, answers 200 without reference, and writes nothing")
    func dryRun() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let tried = try await api.post("/v1/bookings?dryRun=true", body, key: "k")
            #expect(tried.status == 200)
            #expect(tried.json["reference"] is NSNull)
            #expect(tried.headers[.location] == nil)
            #expect(try await api.get("/v1/bookings").items.isEmpty)
            #expect(try await api.post("/v1/bookings", body).status == 201)
            #expect(
                try await api.post("/v1/bookings?dryRun=true", body).problem == "booking-conflict")
            let metrics = try await api.get("/metrics").text
            #expect(metrics.contains("berth_bookings_total{outcome=\"accepted\"} 1\n"))
            #expect(metrics.contains("berth_bookings_total{outcome=\"conflict\"} 0\n"))
        }
    }

    @Test("A double booking is refused with who holds it, until when, and what is free")
    func conflict() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.tier = "uat" }
            try await api.database.environment("uat-2") { $0.tier = "uat" }
            let made = try await api.post("/v1/bookings", body)
            let refused = try await api.post("/v1/bookings", body, as: "bob")
            #expect(refused.status == 409)
            #expect(refused.problem == "booking-conflict")
            #expect(refused.headers[.contentType] == "application/problem+json")
            let conflict = try #require((refused.json["conflicts"] as? [[String: Any]])?.first)
            #expect(
                conflict.keys.sorted() == [
                    "blocksFrom", "blocksUntil", "contact", "endsAt", "environment", "holder",
                    "isPending", "kind", "mode", "reference", "startsAt", "team", "title", "via",
                ])
            #expect(conflict["reference"] as? String == made["reference"])
            #expect(conflict["holder"] as? String == "tess")
            #expect(conflict["endsAt"] as? String == "2027-03-01T12:00:00Z")
            let free = try #require(refused.json["alternatives"] as? [[String: Any]])
            #expect(free.count { $0["environments"] as? [String] == ["uat-1"] } >= 3)
            #expect(free.contains { $0["environments"] as? [String] == ["uat-2"] })
        }
    }

    @Test("An edit needs the present version, and says so")
    func ifMatch() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let made = try await api.post("/v1/bookings", body)
            let path = try #require(made.headers[.location])
            let edit = #"{"title":"Longer","ticket":null,"endsAt":"2027-03-01T13:00:00Z"}"#
            #expect(try await api.patch(path, edit).problem == "precondition-required")
            #expect(try await api.patch(path, edit).status == 428)
            let stale = try await api.patch(path, edit, ifMatch: "\"7\"")
            #expect(stale.status == 412)
            #expect(stale.headers[.eTag] == "\"1\"")
            #expect(try await api.patch(path, edit, ifMatch: "W/\"1\"").status == 412)
            #expect(try await api.patch(path, edit, ifMatch: "1").pointers == ["If-Match"])
            let edited = try await api.patch(path, edit, ifMatch: "\"9\", \"1\"")
            #expect(edited.status == 200)
            #expect(edited.headers[.eTag] == "\"2\"")
            #expect(edited["title"] == "Longer")
            #expect(edited.json["ticket"] is NSNull)
            #expect(try await api.patch(path, #"{"notes":"x"}"#, ifMatch: "*").status == 200)
        }
    }

    @Test("The whole body of a GET may be sent back edited; what is read-only may not change")
    func sendBack() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let made = try await api.post("/v1/bookings", body)
            let path = try #require(made.headers[.location])
            let edited = made.text.replacing("Regression 26.3", with: "Regression 26.4")
            let answer = try await api.patch(path, edited, ifMatch: "\"1\"")
            #expect(answer.status == 200)
            #expect(answer["title"] == "Regression 26.4")
            let forged = #"{"requestedBy":"bob","version":9,"state":"completed","unknown":1}"#
            let refused = try await api.patch(path, forged, ifMatch: "\"2\"")
            #expect(refused.status == 400)
            #expect(refused.pointers == ["/requestedBy", "/state", "/unknown", "/version"])
        }
    }

    @Test("What the caller already has is answered with 304, and HEAD without a body")
    func notModified() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let path = try #require(try await api.post("/v1/bookings", body).headers[.location])
            let same = try await api.send(.get, path, headers: [.ifNoneMatch: "W/\"1\""])
            #expect(same.status == 304)
            #expect(same.text.isEmpty)
            #expect(same.headers[.eTag] == "\"1\"")
            #expect(try await api.send(.get, path, headers: [.ifNoneMatch: "\"2\""]).status == 200)
            let full = try await api.get(path)
            let head = try await api.send(.head, path)
            #expect(head.status == 200)
            #expect(head.text.isEmpty)
            #expect(head.headers[.contentLength] == "\(full.text.utf8.count)")
        }
    }

    @Test("Cancel and release take a reason or nothing, and are refused when it is over")
    func actions() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let path = try #require(try await api.post("/v1/bookings", body).headers[.location])
            #expect(try await api.post("\(path)/cancel", #"{"why":"x"}"#).pointers == ["/why"])
            #expect(
                try await api.send(.post, "\(path)/cancel", headers: [.ifMatch: "\"5\""]).problem
                    == "stale")
            let cancelled = try await api.post("\(path)/cancel", #"{"reason":"postponed"}"#)
            #expect(cancelled.status == 200)
            #expect(cancelled["state"] == "cancelled")
            #expect(try await api.post("\(path)/cancel").problem == "illegal-move")
            #expect(try await api.post("\(path)/release").problem == "illegal-move")
        }
    }

    @Test("History shows what changed, the newest first")
    func history() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let path = try #require(try await api.post("/v1/bookings", body).headers[.location])
            _ = try await api.patch(path, #"{"title":"B"}"#, ifMatch: "\"1\"")
            _ = try await api.patch(path, #"{"notes":"C"}"#, ifMatch: "\"2\"")
            let all = try await api.get("\(path)/history")
            #expect(all.items.compactMap { $0["version"] as? Int } == [3, 2, 1])
            #expect(
                (all.items[0]["changes"] as? [String: [String: Any]])?["notes"]?["to"] as? String
                    == "C")
            #expect((all.items[2]["changes"] as? [String: Any])?.isEmpty == true)
            let first = try await api.get("\(path)/history?limit=1")
            #expect(
                (first.items[0]["changes"] as? [String: Any])?.keys.sorted() == ["notes"])
            #expect(first["nextCursor"] != nil)
        }
    }

    @Test("Each filter of the list shows what it says, and nothing else")
    func filters() async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2"] { try await api.database.environment(key) }
            let weekly = try await api.book(
                TestAPI.booking(
                    "uat-1", from: 24, to: 25, #""recurrence":{"rrule":"FREQ=WEEKLY;COUNT=52"}"#))
            let other = try await api.book(
                TestAPI.booking(
                    "uat-2", "uat-1", from: 48, to: 49,
                    #""labels":{"release":"26.3"},"ticket":"TEST-7""#), as: "bob")
            let series = try #require(try await api.get("/v1/bookings/\(weekly)")["series"])
            let all = try await api.get("/v1/bookings?series=\(series)&limit=100").items
            #expect(all.count == 52)
            #expect(all.allSatisfy { $0["series"] as? String == series })
            for query in [
                "environment=uat-2", "team=mobile", "labels=release:26.3", "q=test-7",
                "team=mobile&state=confirmed", "from=\(TestAPI.at(48))&to=\(TestAPI.at(49))",
            ] {
                let found = try await api.get("/v1/bookings?\(query)").items
                #expect(found.compactMap { $0["reference"] as? String } == [other], "\(query)")
            }
            #expect(try await api.get("/v1/bookings?series=SR-999").items.isEmpty)
            #expect(try await api.get("/v1/bookings?series=7").pointers == ["series"])
        }
    }

    @Test("Lists go from page to page by cursor and link, under their filters")
    func pages() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            for hour in 10..<15 {
                let made = try await api.post(
                    "/v1/bookings",
                    #"""
                    {"environments":["uat-1"],"startsAt":"2027-03-01T\#(hour):00:00Z","minutes":60,
                     "title":"Run \#(hour)","labels":{"run":"\#(hour % 2)"}}
                    """#)
                #expect(made.status == 201)
            }
            var seen: [String] = []
            var uri: String? = "/v1/bookings?labels=run:0&limit=2&from=2027-03-01T10:00:00+00:00"
            while let next = uri {
                let page = try await api.get(next)
                #expect(page.status == 200)
                seen += page.items.compactMap { $0["title"] as? String }
                uri = page.headers[.link].map { String($0.dropFirst().prefix { $0 != ">" }) }
                #expect((uri == nil) == (page["nextCursor"] == nil))
            }
            #expect(seen == ["Run 14", "Run 12", "Run 10"])
            let bad = try await api.get("/v1/bookings?limit=201&cursor=abc&colour=red&state=gone")
            #expect(bad.pointers == ["colour", "cursor", "limit", "state"])
            #expect(try await api.get("/v1/bookings?q=run%2011").items.count == 1)
            #expect(try await api.get("/v1/bookings?state=cancelled,expired").items.isEmpty)
            #expect(try await api.get("/v1/bookings?environment=uat-1&team=mobile").items.isEmpty)
        }
    }
}
