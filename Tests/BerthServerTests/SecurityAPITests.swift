import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Synchronization
import Testing

@testable import BerthServer

@Suite("Who is let in, and what is told of it", .gated)
struct SecurityAPITests {
    @Test("Whoever guesses tokens is slowed down, and who has a good one never is")
    func throttle() async throws {
        try await TestAPI.with { api in
            func guess(_ secret: String) async throws -> TestAnswer {
                try await api.send(
                    .get, "/v1/me", as: nil, headers: [.authorization: "Bearer \(secret)"])
            }
            for number in 0..<10 {
                #expect(try await guess("berth_\(number)_guess").status == 401)
            }
            let slowed = try await guess("berth_10_guess")
            #expect(slowed.status == 429)
            #expect(slowed.problem == "too-many-failures")
            #expect(slowed.headers[.retryAfter] == "1")
            #expect(try await api.get("/v1/me", as: nil).status == 429)
            // Neither remembered nor used before.
            #expect(try await api.get("/v1/me", as: "tess").status == 200)
            #expect(try await api.get("/v1/me", as: "tess").status == 200)
            #expect(try await guess("berth_11_guess").status == 429)
            api.clock.now += 1
            #expect(try await guess("berth_12_guess").status == 401)
            #expect(try await guess("berth_13_guess").status == 429)
            #expect(api.securityLog.lines(about: "authentication-failed").count == 11)
            // The first of each row: a flood of guesses is no flood of lines.
            #expect(api.securityLog.lines(about: "throttled").count == 2)
        }
    }

    @Test("Guesses of feeds' tokens and of signatures are slowed down too")
    func throttleOthers() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let made = try await api.post(
                "/v1/feed-tokens", #"{"environment": "uat-1"}"#)
            let url = try #require(made["url"])
            let feed = url.replacing("https://berth.test", with: "")
            for number in 0..<5 {
                let guess = "/calendars/environments/uat-1.ics?token=feed_\(number)_guess"
                #expect(try await api.get(guess, as: nil).status == 404)
                let delivery = try await api.send(
                    .post, "/v1/hooks/github", "{}", as: nil,
                    headers: [.named("X-Hub-Signature-256"): "sha256=00"])
                #expect(delivery.status == 401)
            }
            let guess = "/calendars/environments/uat-1.ics?token=feed_9_guess"
            #expect(try await api.get(guess, as: nil).status == 429)
            #expect(try await api.send(.post, "/v1/hooks/github", "{}", as: nil).status == 429)
            #expect(try await api.get(feed, as: nil).status == 200)
            let reasons = api.securityLog.lines(about: "authentication-failed")
                .compactMap { $0["reason"] }
            #expect(Set(reasons) == [#""unknown or revoked feed token""#, #""bad signature""#])
        }
    }

    @Test("What is done to rights is told: who, from where, and to what")
    func events() async throws {
        try await TestAPI.with { api in
            let made = try await api.post(
                "/v1/tokens", #"{"name": "ci = \"x\"", "role": "booker", "team": "crm"}"#, as: "ada"
            )
            let id = try #require(made.json["id"] as? Int)
            let secret = try #require(made["token"])
            for _ in 0..<2 {
                _ = try await api.send(
                    .get, "/v1/me", as: nil, headers: [.authorization: "Bearer \(secret)"])
            }
            #expect(
                try await api.post(
                    "/v1/tokens?dryRun=true",
                    #"{"name": "no", "role": "booker"}"#, as: "ada"
                ).status == 200)
            #expect(try await api.send(.delete, "/v1/tokens/\(id)", as: "ada").status == 200)
            #expect(try await api.get("/v1/tokens", as: "tess").status == 403)
            try await api.database.environment("uat-1")
            let patched = try await api.patch(
                "/v1/environments/uat-1", #"{"policy": {"maxHours": 60}}"#, as: "ada",
                ifMatch: "\"1\"")
            #expect(patched.status == 200)
            let span = "from=2027-03-01T00:00:00Z&to=2027-03-02T00:00:00Z"
            _ = try await api.get("/v1/reports/utilisation?format=csv&\(span)", as: "vera")
            let feed = try await api.post("/v1/feed-tokens", #"{"labels": {}}"#, as: "vera")
            let feedID = try #require(feed.json["id"] as? Int)
            _ = try await api.send(.delete, "/v1/feed-tokens/\(feedID)", as: "vera")

            let log = api.securityLog
            let creation = try #require(log.lines(about: "token-made").first)
            #expect(creation["caller"] == "ada")
            #expect(creation["object"]?.contains("token \(id)") == true)
            #expect(creation["method"] == "POST")
            #expect(creation["route"] == "/v1/tokens")
            #expect(creation["request"]?.isEmpty == false)
            #expect(creation["address"] != nil)
            // What a name holds cannot be taken for another field.
            #expect(creation["object"]?.hasPrefix("\"") == true)
            #expect(log.lines(about: "token-made").count == 1)
            let uses = log.lines(about: "token-used-first")
            #expect(uses.filter { $0["token"] == "\(id)" }.count == 1)
            #expect(log.lines(about: "token-revoked").count == 1)
            let refusal = try #require(log.lines(about: "request-refused").first)
            #expect(refusal["caller"] == "tess")
            #expect(refusal["object"] == "/v1/tokens")
            #expect(
                log.lines(about: "environment-rights-changed").first?["object"]
                    == #""environment uat-1, policy""#)
            #expect(log.lines(about: "exported").first?["object"] == "utilisation.csv")
            #expect(log.lines(about: "feed-token-made").count == 1)
            #expect(log.lines(about: "feed-token-revoked").count == 1)
            let metrics = try await api.get("/metrics", as: nil).text
            #expect(metrics.contains("berth_security_events_total{event=\"token-made\"} 1\n"))
            #expect(metrics.contains("berth_security_events_total{event=\"throttled\"} 0\n"))
        }
    }

    @Test("No secret reaches the security log, in whichever way it was sent")
    func noSecrets() async throws {
        try await TestAPI.with { api in
            let bearer = try #require(api.secret(of: "tess"))
            let made = try await api.post("/v1/feed-tokens", #"{"labels": {}}"#)
            let url = try #require(made["url"])
            let feedSecret = try #require(url.split(separator: "=").last)
            let token = try #require(
                try await api.post("/v1/tokens", #"{"name": "ci", "role": "viewer"}"#, as: "ada")[
                    "token"])
            for uri in [
                "/calendars/all.ics?labels=a:b&token=\(feedSecret)", "/v1/me?token=\(bearer)",
                "/v1/tokens?access_token=\(bearer)",
            ] {
                _ = try await api.get(uri, as: nil)
                _ = try await api.get(uri, as: "tess")
                _ = try await api.send(
                    .get, uri, as: nil, headers: [.authorization: "Bearer \(bearer)x"])
                _ = try await api.send(
                    .get, uri, as: nil, headers: [.authorization: "Basic \(bearer)"])
            }
            let secrets = [bearer, String(feedSecret), token].compactMap {
                $0.split(separator: "_", maxSplits: 2).last.map(String.init)
            }
            #expect(secrets.allSatisfy { $0.count > 30 })
            #expect(api.securityLog.lines.count > 5)
            for line in api.securityLog.lines {
                #expect(line.label == "berth.security")
                for text in [line.message] + line.fields.values {
                    #expect(!secrets.contains { text.contains($0) }, "\(text)")
                }
            }
        }
    }

    @Test("The first use of a token is told once, also after a restart and by many servers")
    func firstUse() async throws {
        try await TestDatabase.with { database in
            let bearer = try await database.berth.createToken(
                TokenDraft(name: "ci", role: .viewer), by: TestDatabase.admin,
                now: TestDatabase.now
            ).bearer
            let uses = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let told = Mutex(0)
                        let caller = try? await BerthDatabase(client: database.client).authenticate(
                            bearer: bearer, now: TestDatabase.now
                        ) { _ in told.withLock { $0 += 1 } }
                        #expect(caller?.name == "ci")
                        return told.withLock { $0 }
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(uses == 1)
        }
    }

    @Test("Behind a trusted proxy each client is slowed by itself, and the log names it")
    func behindProxy() async throws {
        try await TestHTTPServer.with {
            $0.trustedProxies = (try? TrustedProxies(["127.0.0.1"])) ?? TrustedProxies()
        } _: { server in
            func status(_ address: String, _ secret: String) async throws -> String {
                let answer = try await server.get(
                    "/v1/me", "X-Forwarded-For: 1.1.1.1, \(address)",
                    "Authorization: Bearer \(secret)")
                return String(answer.dropFirst(9).prefix(3))
            }
            for _ in 0..<10 {
                #expect(try await status("203.0.113.7", "berth_1_guess") == "401")
            }
            let slowed = try await status("203.0.113.7", "berth_1_guess")
            #expect(slowed == "429")
            #expect(try await status("203.0.113.8", "berth_1_guess") == "401")
            #expect(try await status("203.0.113.7", server.token) == "200")
            #expect(
                server.securityLog.lines(about: "throttled").map { $0["address"] }
                    == ["203.0.113.7"])
        }
    }
}
