import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BerthServer

@Suite("What belongs to whom", .gated)
struct BelongingAPITests {
    /// A token of its own, with what its bearer sends.
    private struct Bearer {
        var id: Int
        var headers: HTTPFields
    }

    private func token(
        _ name: String, _ role: Role, team: String? = nil, _ api: TestAPI
    ) async throws -> Bearer {
        let made = try await api.post(
            "/v1/tokens",
            #"{"name":"\#(name)","role":"\#(role)"\#(team.map { #","team":"\#($0)""# } ?? "")}"#,
            as: "ada")
        #expect(made.status == 201, "\(made.text)")
        return Bearer(
            id: try #require(made.json["id"] as? Int),
            headers: [.authorization: "Bearer \(try #require(made["token"]))"])
    }

    private func revoke(_ bearer: Bearer, _ api: TestAPI) async throws {
        #expect(try await api.send(.delete, "/v1/tokens/\(bearer.id)", as: "ada").status == 200)
        // Whatever is remembered of a token lasts a second.
        api.clock.now += 1
    }

    @Test("A part needs the consent of who manages it: he adds it himself, or its policy is open")
    func parts() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("theirs") { $0.ownerTeam = "mobile" }
            try await api.database.environment("offered") {
                $0.ownerTeam = "mobile"
                $0.policy.asPart = .open
            }
            try await api.database.environment("own") { $0.ownerTeam = "crm" }
            func parts(_ key: String, _ usage: String) -> String {
                #"{"parts":[{"key":"\#(key)","usage":"\#(usage)"}]}"#
            }
            func edit(_ body: String, as name: String = "max") async throws -> TestAnswer {
                let etag = try await api.get("/v1/environments/own").headers[.eTag]
                return try await api.patch("/v1/environments/own", body, as: name, ifMatch: etag)
            }
            #expect(try await edit(parts("theirs", "exclusive")).status == 403)
            let made =
                #"{"key":"whole","ownerTeam":"crm","parts":[{"key":"theirs","usage":"same"}]}"#
            #expect(try await api.post("/v1/environments", made, as: "max").status == 403)
            #expect(try await edit(parts("offered", "exclusive")).status == 200)
            // One that is there stays, whatever else is edited; another usage is asked for again.
            #expect(try await edit(parts("theirs", "shared"), as: "ada").status == 200)
            #expect(try await edit(#"{"name":"Ours"}"#).status == 200)
            #expect(try await edit(parts("theirs", "shared")).status == 200)
            #expect(try await edit(parts("theirs", "exclusive")).status == 403)
        }
    }

    @Test("A booking is given to another team only by who might have booked for both")
    func givingAway() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            let booked = try await api.book(TestAPI.booking("uat-1", from: 1, to: 2))
            let given = #"{"team":"mobile"}"#
            #expect(try await api.edit(booked, given).status == 403)
            #expect(try await api.edit(booked, given, as: "bob").status == 403)
            #expect(try await api.edit(booked, given, as: "max").status == 200)
            #expect(try await api.get("/v1/bookings/\(booked)")["team"] == "mobile")
            #expect(try await api.edit(booked, #"{"title":"Ours now"}"#, as: "bob").status == 200)
        }
    }

    @Test("A booking that is given counts in the quotas of who gets it")
    func quotas() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.ownerTeam = "crm"
                $0.policy.teamHoursPerWeek = 4
            }
            try await api.book(TestAPI.booking("uat-1", from: 1, to: 4), as: "bob")
            let booked = try await api.book(TestAPI.booking("uat-1", from: 5, to: 7))
            let refused = try await api.edit(booked, #"{"team":"mobile"}"#, as: "max")
            #expect(refused.status == 422)
            #expect(refused.text.contains("teamHoursPerWeek"))
            #expect(try await api.get("/v1/bookings/\(booked)")["team"] == "crm")
        }
    }

    @Test(
        "A manager without team and labels manages nothing, and one with them only what is theirs")
    func scopes() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "mobile" }
            let nobody = try await token("nobody", .manager, api)
            let cam = try await token("cam", .manager, team: "crm", api)
            for (bearer, isMember) in [(nobody.headers, false), (cam.headers, true)] {
                func post(_ path: String, _ body: String) async throws -> TestAnswer {
                    try await api.send(.post, path, body, as: nil, headers: bearer)
                }
                func book(from: Double, _ more: String) async throws -> TestAnswer {
                    try await post(
                        "/v1/bookings", TestAPI.booking("uat-1", from: from, to: from + 1, more))
                }
                #expect(try await book(from: 1, #""team":"mobile""#).status == 403)
                #expect(try await book(from: 1, #""team":"crm","priority":"urgent""#).status == 403)
                let late = try await book(from: -2, #""team":"crm""#)
                #expect(late.status == (isMember ? 400 : 403), "\(late.text)")
                let past = """
                    {"kind":"change","environments":["uat-1"],"startsAt":"\(TestAPI.at(-2))","minutes":30}
                    """
                #expect(try await post("/v1/change-windows", past).status == 400)
                let displacing = """
                    {"kind":"maintenance","environments":["uat-1"],"startsAt":"\(TestAPI.at(2))","minutes":30,
                    "onConflict":"displace"}
                    """
                #expect(try await post("/v1/change-windows", displacing).status == 403)
                let theirs = """
                    {"kind":"change","environments":["uat-1"],"startsAt":"\(TestAPI.at(2))","minutes":30,
                    "team":"mobile"}
                    """
                #expect(try await post("/v1/change-windows", theirs).status == 403)
            }
            let made = try await api.send(
                .post, "/v1/environments", #"{"key":"nobodys"}"#, as: nil, headers: nobody.headers)
            #expect(made.status == 403)
            let raised = try await api.book(TestAPI.booking("uat-1", from: 1, to: 2))
            #expect(try await api.edit(raised, #"{"priority":"high"}"#, as: "max").status == 403)
        }
    }

    @Test("A bearer token opens nobody else's calendar, as a feed token does not")
    func calendars() async throws {
        try await TestAPI.with { api in
            let own = try await api.get("/calendars/people/tess.ics")
            #expect(own.status == 200)
            #expect(try await api.get("/calendars/people/tess.ics", as: "ada").status == 200)
            for name in ["vera", "max", "bob"] {
                #expect(try await api.get("/calendars/people/tess.ics", as: name).status == 404)
            }
        }
    }

    @Test("A name used again brings back nothing of who had it before")
    func names() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let old = try await token("ana", .booker, team: "crm", api)
            let feed = try await api.send(
                .post, "/v1/feed-tokens", #"{"environment":"uat-1"}"#, as: nil, headers: old.headers
            )
            let url = try #require(feed["url"]?.dropFirst("https://berth.test".count)).description
            let window = try await api.send(
                .post, "/v1/change-windows",
                """
                {"kind":"change","environments":["uat-1"],"startsAt":"\(TestAPI.at(2))","minutes":30}
                """, as: nil, headers: old.headers)
            let reference = try #require(window["reference"])
            let booked = try await api.send(
                .post, "/v1/bookings", TestAPI.booking("uat-1", from: 5, to: 6), as: nil,
                headers: old.headers)
            try await api.move(try #require(booked["reference"]), "cancel", as: "ada")
            #expect(try await api.get(url, as: nil).status == 200)

            try await revoke(old, api)
            let new = try await token("ana", .booker, team: "mobile", api)
            func send(_ method: HTTPRequest.Method, _ path: String, _ body: String? = nil)
                async throws
                -> TestAnswer
            {
                var headers = new.headers
                if method == .patch {
                    headers[.ifMatch] = try await api.get(path).headers[.eTag]
                }
                return try await api.send(method, path, body, as: nil, headers: headers)
            }
            #expect(try await api.get(url, as: nil).status == 404)
            #expect(try await send(.get, "/v1/feed-tokens").items.isEmpty)
            #expect(
                try await send(.delete, "/v1/feed-tokens/\(feed.json["id"] as? Int ?? 0)").status
                    == 404)
            let path = "/v1/change-windows/\(reference)"
            #expect(try await send(.patch, path, #"{"title":"Mine now"}"#).status == 403)
            #expect(try await send(.post, "\(path)/cancel").status == 403)
            #expect(try await send(.get, "/v1/notices").items.isEmpty)
        }
    }

    @Test(
        "A token's name that only looks like one in use, or hides something, is refused",
        arguments: [
            ("Tess", 409), ("tеss", 409), ("ТESS", 409), ("ｔｅｓｓ", 409), ("te\u{200B}ss", 400),
            ("tess ", 400), ("\u{A0}tess", 400), ("te\u{AD}ss", 400), ("te\u{2800}ss", 400),
            ("tess2", 201),
            ("тест", 201),
        ])
    func lookAlikes(name: String, status: Int) async throws {
        try await TestAPI.with { api in
            let made = try await api.post(
                "/v1/tokens", #"{"name":"\#(name)","role":"viewer"}"#, as: "ada")
            #expect(made.status == status, "\(made.text)")
        }
    }

    @Test("A person has at most so many feed tokens in use")
    func manyFeeds() async throws {
        try await TestAPI.with { api in
            let made = try await api.post("/v1/feed-tokens", #"{"team":"crm"}"#)
            #expect(made.status == 201)
            try await api.database.psql(
                """
                INSERT INTO feed_tokens (kind, subject, is_busy_only, owner, secret_hash, created_at)
                SELECT kind, subject, is_busy_only, owner, secret_hash, created_at
                FROM feed_tokens, generate_series(2, \(Limits.feedTokens))
                """)
            #expect(try await api.post("/v1/feed-tokens", #"{"team":"crm"}"#).status == 409)
            #expect(
                try await api.post("/v1/feed-tokens", #"{"team":"crm"}"#, as: "bob").status == 201)
            let id = made.json["id"] as? Int ?? 0
            #expect(try await api.send(.delete, "/v1/feed-tokens/\(id)").status == 204)
            #expect(try await api.post("/v1/feed-tokens", #"{"team":"crm"}"#).status == 201)
        }
    }
}
