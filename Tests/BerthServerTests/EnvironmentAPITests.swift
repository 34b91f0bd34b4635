import BerthCore
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BerthServer

@Suite("Environments, teams and tokens over HTTP", .gated)
struct EnvironmentAPITests {
    @Test("An environment is made once, read, listed by selector, edited and retired")
    func environment() async throws {
        try await TestAPI.with { api in
            let body = """
                {"key":"uat-1","name":"UAT 1","tier":"uat","ownerTeam":"crm",
                 "timeZone":"Europe/London","labels":{"region":"emea"},"policy":{"maxHours":72}}
                """
            let made = try await api.post("/v1/environments", body, as: "ada", key: "k")
            #expect(made.status == 201)
            #expect(made.headers[.location] == "/v1/environments/uat-1")
            #expect(
                made.text
                    == #"{"key":"uat-1","name":"UAT 1","tier":"uat","ownerTeam":"crm","#
                    + #""timeZone":"Europe/London","labels":{"region":"emea"},"capacity":null,"#
                    + #""status":"available","statusReason":null,"statusUntil":null,"parts":[],"#
                    + #""policy":{"maxHours":72},"runbook":"","version":1}"#)
            let again = try await api.post("/v1/environments", body, as: "ada", key: "k")
            #expect(again.text == made.text)
            #expect(again.status == 201)
            #expect(
                try await api.post("/v1/environments", body, as: "ada").problem == "already-exists")

            #expect(
                try await api.get("/v1/environments?labels=tier:uat,region:emea").items.count == 1)
            #expect(try await api.get("/v1/environments?labels=owner:mobile").items.isEmpty)
            #expect(try await api.get("/v1/environments?q=UAT").items.count == 1)

            let edited = try await api.patch(
                "/v1/environments/uat-1",
                #"{"labels":{"region":null},"policy":{"setupMinutes":15}}"#,
                as: "max", ifMatch: "\"1\"")
            #expect(edited.status == 200)
            #expect(
                (edited.json["policy"] as? [String: Int]) == ["maxHours": 72, "setupMinutes": 15])
            #expect(
                try await api.patch("/v1/environments/uat-1", "{}", as: "max", ifMatch: "\"1\"")
                    .problem
                    == "stale")

            let tried = try await api.patch(
                "/v1/environments/uat-1?dryRun=true", #"{"status":"retired"}"#, as: "max",
                ifMatch: "\"2\"")
            #expect(tried["status"] == "retired")
            let retired = try await api.send(.delete, "/v1/environments/uat-1", as: "ada")
            #expect(retired["status"] == "retired")
            #expect(try await api.get("/v1/environments").items.isEmpty)
            #expect(try await api.get("/v1/environments?retired=true").items.count == 1)
            let history = try await api.get("/v1/environments/uat-1/history")
            #expect(history.items.compactMap { $0["version"] as? Int } == [3, 2, 1])
        }
    }

    @Test("Availability shows busy spans with their causes, and free ones")
    func availability() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            try await api.database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
            let answer = try await api.get(
                "/v1/environments/uat-1/availability"
                    + "?from=2027-03-01T09:00:00Z&to=2027-03-01T18:00:00Z"
            )
            let busy = try #require(answer.json["busy"] as? [[String: Any]])
            #expect(busy.count == 1)
            #expect(busy[0]["startsAt"] as? String == "2027-03-01T10:00:00Z")
            #expect((busy[0]["cause"] as? [String: Any])?["kind"] as? String == "booking")
            let free = try #require(answer.json["free"] as? [[String: String]])
            #expect(
                free == [
                    ["startsAt": "2027-03-01T09:00:00Z", "endsAt": "2027-03-01T10:00:00Z"],
                    ["startsAt": "2027-03-01T11:00:00Z", "endsAt": "2027-03-01T18:00:00Z"],
                ])
            #expect(try await api.get("/v1/environments/uat-1/availability").status == 200)
            let reversed = "?from=2027-03-02T00:00:00Z&to=2027-03-01T00:00:00Z"
            #expect(
                try await api.get("/v1/environments/uat-1/availability\(reversed)").pointers == [
                    "to"
                ])
        }
    }

    @Test("Who books may report an outage; owner and holders are told, and its manager ends it")
    func outage() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            try await api.database.book(TestDatabase.draft("uat-1", from: 3, to: 4, team: "mobile"))
            let path = "/v1/environments/uat-1/outage"
            let report = #"{"reason":"Log-in answers 502"}"#
            #expect(try await api.post(path, report, as: "vera").status == 403)
            #expect(try await api.post(path, "{}", as: "bob").pointers == ["/reason"])
            let long = String(repeating: "x", count: 121)
            #expect(try await api.post(path, #"{"reason":"\#(long)"}"#, as: "bob").status == 400)
            #expect(
                try await api.post("/v1/environments/none/outage", report, as: "bob").status == 404)

            let tried = try await api.post("\(path)?dryRun=true", report, as: "bob")
            #expect(tried["status"] == "degraded")
            #expect(try await api.get("/v1/environments/uat-1")["status"] == "available")
            let made = try await api.post(path, report, as: "bob", key: "o-1")
            #expect(made.status == 200 && made["status"] == "degraded", "\(made.text)")
            #expect(made["statusReason"]?.hasSuffix("Log-in answers 502") == true)
            #expect(try await api.post(path, report, as: "bob", key: "o-1").text == made.text)
            #expect(try await api.notices(of: "max") == ["environment.outage"])

            let etag = try #require(made.headers[.eTag])
            let ended = try await api.patch(
                "/v1/environments/uat-1",
                #"{"status":"unavailable","statusReason":"Disk"}"#, as: "max", ifMatch: etag)
            #expect(ended.status == 200, "\(ended.text)")
            // What its manager has taken out of use stays so.
            let again = try await api.post(path, report, as: "bob")
            #expect(again["status"] == "unavailable" && again["statusReason"] == "Disk")
            try await api.database.environment("old") { $0.status = .available }
            #expect(
                try await api.send(.delete, "/v1/environments/old", as: "ada").status == 200)
            #expect(
                try await api.post("/v1/environments/old/outage", report, as: "bob").problem
                    == "illegal-move")
        }
    }

    @Test("Teams are made by admins, and edited")
    func teams() async throws {
        try await TestAPI.with { api in
            let body = ##"{"name":"Data & Co","colour":"#1f77b4"}"##
            let made = try await api.post("/v1/teams", body, as: "ada")
            #expect(made.status == 201)
            let path = try #require(made.headers[.location])
            #expect(path == "/v1/teams/Data%20%26%20Co")
            #expect(try await api.get(path)["colour"] == "#1f77b4")
            #expect(try await api.post("/v1/teams", body, as: "ada").problem == "already-exists")
            let edited = try await api.patch(
                path, #"{"colour":null,"contact":"data@example.test"}"#, as: "ada", ifMatch: "\"1\""
            )
            #expect(edited["contact"] == "data@example.test")
            #expect(try await api.get("/v1/teams").items.count == 3)
        }
    }

    @Test("A token's secret is shown once, and works until the token is revoked")
    func tokens() async throws {
        try await TestAPI.with { api in
            let made = try await api.post(
                "/v1/tokens", #"{"name":"ci","role":"booker","team":"crm"}"#, as: "ada")
            #expect(made.status == 201)
            let secret = try #require(made["token"])
            let path = try #require(made.headers[.location])
            let header: HTTPFields = [.authorization: "bearer \(secret)"]
            let me = try await api.send(.get, "/v1/me", as: nil, headers: header)
            #expect(me["name"] == "ci")
            #expect(me["team"] == "crm")
            #expect(try await api.get(path, as: "ada").json["token"] == nil)
            #expect(try await !api.get("/v1/tokens", as: "ada").text.contains(secret))
            let revoked = try await api.send(.delete, path, as: "ada")
            #expect(revoked["revokedAt"] == "2027-03-01T09:00:00Z")
            #expect(try await api.send(.get, "/v1/me", as: nil, headers: header).status == 401)
        }
    }

    @Test("A token is made once for a key, its secret not repeated, and none is made by a dry run")
    func tokensOnce() async throws {
        try await TestAPI.with { api in
            let body = #"{"name":"ci","role":"viewer"}"#
            let tried = try await api.post("/v1/tokens?dryRun=true", body, as: "ada", key: "t-1")
            #expect(tried.status == 200)
            #expect(tried.json["id"] is NSNull && tried.json["token"] is NSNull)

            let made = try await api.post("/v1/tokens", body, as: "ada", key: "t-1")
            #expect(made.status == 201 && made["token"] != nil)
            let again = try await api.post("/v1/tokens", body, as: "ada", key: "t-1")
            #expect(again.status == 201)
            #expect(again.headers[.location] == made.headers[.location])
            #expect(again.json["token"] is NSNull)
            let other = try await api.post(
                "/v1/tokens", #"{"name":"cd","role":"viewer"}"#, as: "ada", key: "t-1")
            #expect(other.status == 422 && other.problem == "idempotency-key-reused")

            let path = try #require(made.headers[.location])
            let revoked = try await api.send(.delete, path + "?dryRun=true", as: "ada")
            #expect(revoked["revokedAt"] != nil)
            #expect(try await api.get(path, as: "ada").json["revokedAt"] is NSNull)
        }
    }

    @Test("Metrics and the contract are served to anybody")
    func operations() async throws {
        try await TestAPI.with { api in
            _ = try await api.get("/v1/me")
            let metrics = try await api.get("/metrics", as: nil)
            #expect(
                metrics.text.contains(
                    #"berth_http_requests_total{method="GET",route="/v1/me",status="2xx"} 1"#))
            #expect(metrics.text.contains("berth_database_connections{state=\"idle\"}"))
            #expect(try await api.get("/openapi.yaml", as: nil).text == "openapi: 3.1.0\n")
        }
    }
}
