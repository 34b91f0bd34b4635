import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BerthServer

@Suite("The page, its sign-in and its stream", .gated)
struct PageTests {
    private let ours: HTTPFields = [.secFetchSite: "same-origin"]

    private func signIn(
        _ api: TestAPI, as name: String = "tess", headers: HTTPFields? = nil
    ) async throws -> TestAnswer {
        var headers = headers ?? ours
        headers[.contentType] = "application/x-www-form-urlencoded"
        return try await api.send(
            .post, "/sign-in", "token=\(api.secret(of: name) ?? name)", as: nil, headers: headers)
    }

    /// What a browser sends back.
    private func cookie(_ answer: TestAnswer) throws -> String {
        let field = try #require(answer.headers[.setCookie])
        return String(try #require(field.split(separator: ";").first))
    }

    @Test("Whoever signs in has a cookie that no script reads, and no other site has sent")
    func signingIn() async throws {
        try await TestAPI.with { api in
            #expect(try await api.get("/", as: nil).text.contains("action=\"/sign-in\""))
            let answer = try await signIn(api)
            #expect(answer.status == 303 && answer.headers[.location] == "/")
            let field = try #require(answer.headers[.setCookie])
            #expect(field.hasPrefix("__Host-berth="))
            for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
                #expect(field.contains(attribute))
            }
            #expect(!field.contains(try #require(api.secret(of: "tess"))))
            let headers: HTTPFields = [.cookie: try cookie(answer)]
            let me = try await api.send(.get, "/v1/me", as: nil, headers: headers)
            #expect(me["name"] == "tess")
            let page = try await api.send(.get, "/", as: nil, headers: headers)
            #expect(page.text.contains("data-name=\"tess\""))
            #expect(try await signIn(api, as: "nobody").status == 401)
            for foreign in [
                [.secFetchSite: "cross-site"], [.secFetchSite: "same-site"], [:],
                [.origin: "https://evil.test"],
            ] as [HTTPFields] {
                #expect(try await signIn(api, headers: foreign).status == 403)
            }
            #expect(try await signIn(api, headers: [.origin: "https://berth.test"]).status == 303)
        }
    }

    @Test("With a cookie only our own page changes anything; a bearer token is asked for nothing")
    func crossSite() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let cookie = try cookie(try await signIn(api))
            let body =
                #"{"environments":["uat-1"],"startsAt":"2027-03-02T09:00:00Z","minutes":60,"title":"One"}"#
            func post(_ headers: HTTPFields) async throws -> Int {
                var headers = headers
                headers[.cookie] = cookie
                return try await api.send(
                    .post, "/v1/bookings?dryRun=true", body, as: nil, headers: headers
                )
                .status
            }
            #expect(try await post([.secFetchSite: "cross-site"]) == 403)
            #expect(try await post([.origin: "https://evil.test"]) == 403)
            #expect(try await post([:]) == 403)
            #expect(try await post([.secFetchSite: "same-origin"]) == 200)
            #expect(try await api.post("/v1/bookings?dryRun=true", body).status == 200)
        }
    }

    @Test("A session ends by sign-out, by its time, and with its token; one in use goes on")
    func ends() async throws {
        try await TestAPI.with { api in
            func status(_ cookie: String) async throws -> Int {
                try await api.send(.get, "/v1/me", as: nil, headers: [.cookie: cookie]).status
            }
            let out = try cookie(try await signIn(api))
            var headers = ours
            headers[.cookie] = out
            let answer = try await api.send(.post, "/sign-out", as: nil, headers: headers)
            #expect(answer.status == 303)
            #expect(answer.headers[.setCookie]?.contains("Max-Age=0") == true)
            #expect(try await status(out) == 401)

            let used = try cookie(try await signIn(api, as: "bob"))
            let idle = try cookie(try await signIn(api, as: "bob"))
            api.clock.now += 8 * 3_600
            #expect(try await status(used) == 200)
            api.clock.now += 5 * 3_600
            #expect(try await status(used) == 200)
            #expect(try await status(idle) == 401)

            let revoked = try cookie(try await signIn(api, as: "max"))
            let tokens = try await api.get("/v1/tokens", as: "ada")
            let items = try #require(tokens.json["items"] as? [[String: Any]])
            let id = try #require(items.first { $0["name"] as? String == "max" }?["id"] as? Int)
            #expect(try await api.send(.delete, "/v1/tokens/\(id)", as: "ada").status == 200)
            #expect(try await status(revoked) == 401)
        }
    }

    @Test(
        "The first screen is text without a script, hostile titles included, under a strict policy")
    func firstPaint() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.name = "<b>UAT</b>" }
            try await api.database.book(
                TestDatabase.draft(
                    "uat-1", from: -0.05, to: 2, title: "<script>alert(1)</script>\"'&"))
            let cookie = try cookie(try await signIn(api))
            let page = try await api.send(.get, "/", as: nil, headers: [.cookie: cookie])
            #expect(!page.text.contains("<script>alert") && !page.text.contains("<b>UAT"))
            #expect(page.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"))
            #expect(page.text.contains("crm until"))
            #expect(!page.text.contains(" style=") && !page.text.contains("onclick"))
            let policy = try #require(page.headers[.contentSecurityPolicy])
            #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
            let script = try #require(page.text.firstMatch(of: #/src="([^"]+timeline\.js)"/#))
            let asset = try await api.get(String(script.1), as: nil)
            #expect(asset.status == 200)
            #expect(asset.headers[.cacheControl] == "public, max-age=31536000, immutable")
            #expect(try await api.get("/assets/0000/timeline.js", as: nil).status == 404)
        }
    }

    @Test(
        "A stream ends with its token, and with its session, on whichever server that was",
        arguments: [true, false])
    func streamEnds(withToken: Bool) async throws {
        try await TestHTTPServer.with { server in
            let berth = server.database.berth
            let session = try #require(
                try await berth.signIn(bearer: server.token, now: TestDatabase.now))
            let client = try await server.connect()
            // The server was told port 0 of this machine: its cookie is the one for a secure place.
            try await client.get("/v1/stream", ["Cookie: __Host-berth=\(session.secret)"])
            await client.until { $0.contains("retry:") }
            // Another server: nothing tells this one.
            let other = BerthDatabase(client: server.database.client)
            if withToken {
                _ = try await other.revokeToken(session.caller.tokenID, now: TestDatabase.now)
            } else {
                try await other.signOut(session: session.secret)
            }
            try await client.closed()
        }
    }

    @Test("A token has twenty sessions, the oldest gives way; a form of more than 4 KiB is refused")
    func bounds() async throws {
        try await TestAPI.with { api in
            var cookies: [String] = []
            for _ in 0...Limits.sessionsPerToken {
                cookies.append(try cookie(try await signIn(api)))
            }
            func status(_ cookie: String) async throws -> Int {
                try await api.send(.get, "/v1/me", as: nil, headers: [.cookie: cookie]).status
            }
            #expect(try await status(cookies[0]) == 401)
            #expect(try await status(cookies[1]) == 200)
            let long = String(repeating: "x", count: Limits.signInBytes)
            #expect(try await signIn(api, as: long).status == 413)
        }
    }

    @Test("A token has twenty streams, and one more is 503")
    func manyStreams() async throws {
        try await TestHTTPServer.with { server in
            var clients: [RawClient] = []
            for _ in 0..<Limits.streamsPerToken {
                let client = try await server.connect()
                try await client.get("/v1/stream", ["Authorization: Bearer \(server.token)"])
                await client.until { $0.contains("retry:") }
                clients.append(client)
            }
            let refused = try await server.get(
                "/v1/stream", "Authorization: Bearer \(server.token)")
            #expect(refused.hasPrefix("HTTP/1.1 503"))
            for client in clients { client.close() }
        }
    }

    @Test("A listener hears of what changes, and, asking again, of what it missed")
    func stream() async throws {
        try await TestHTTPServer.with { server in
            let begin = try await server.database.berth.streamPosition()
            let client = try await server.connect()
            try await client.get("/v1/stream", ["Authorization: Bearer \(server.token)"])
            await client.until { $0.contains("retry:") }
            try await server.database.environment("uat-1")
            let heard = await client.until { $0.contains("environment.created") }
            client.close()
            let place = try #require(heard.firstMatch(of: #/id: (\d+-\d+)/#)).1
            let again = try await server.connect()
            try await again.get(
                "/v1/stream?position=\(begin)", ["Authorization: Bearer \(server.token)"])
            await again.until { $0.contains("environment.created") }
            again.close()
            let later = try await server.connect()
            try await later.get(
                "/v1/stream",
                ["Authorization: Bearer \(server.token)", "Last-Event-ID: \(place)"])
            await later.until { $0.contains("retry:") }
            try await server.database.environment("uat-2")
            let rest = await later.until { $0.contains("environment.created") }
            #expect(rest.ranges(of: "environment.created").count == 1)
            later.close()
            #expect(
                try await server.get(
                    "/v1/stream?position=x", "Authorization: Bearer \(server.token)"
                ).hasPrefix("HTTP/1.1 400"))
        }
    }
}
