import BerthCore
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BerthServer

@Suite("What the API refuses, and repeats", .gated)
struct RefusalAPITests {
    private let body = #"""
        {"environments":["uat-1"],"startsAt":"2027-03-01T10:00:00Z","minutes":60,
         "title":"Smoke"}
        """#

    @Test("Without a token that Berth knows there is no answer under /v1")
    func unauthenticated() async throws {
        try await TestAPI.with { api in
            for path in ["/v1/me", "/v1/bookings", "/v1/bookings/BK-1", "/v1/tokens"] {
                let none = try await api.get(path, as: nil)
                #expect(none.status == 401)
                #expect(none.headers[.wwwAuthenticate] == #"Bearer realm="Berth""#)
                let wrong = try await api.send(
                    .get, path, as: nil, headers: [.authorization: "Bearer berth_1_x"])
                #expect(wrong.problem == "unauthenticated")
            }
            #expect(try await api.get("/v1/me?token=x", as: nil).status == 401)
            #expect(try await api.get("/livez", as: nil).status == 200)
            #expect(try await api.get("/readyz", as: nil).text == #"{"status":"ready"}"#)
        }
    }

    @Test("Each role may do what is its own, on routes and on objects")
    func roles() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            #expect(try await api.post("/v1/bookings", body, as: "vera").problem == "forbidden")
            let path = try #require(try await api.post("/v1/bookings", body).headers[.location])
            let other = try await api.patch(path, #"{"title":"x"}"#, as: "bob", ifMatch: "\"1\"")
            #expect(other.problem == "forbidden")
            #expect(try await api.post("\(path)/cancel", as: "bob").problem == "forbidden")
            let foreign = body.replacing("Smoke\"", with: "Smoke\",\"team\":\"mobile\"")
            #expect(try await api.post("/v1/bookings", foreign).problem == "forbidden")
            let environment = #"{"key":"uat-9","ownerTeam":"crm"}"#
            #expect(try await api.post("/v1/environments", environment).status == 403)
            #expect(try await api.post("/v1/environments", environment, as: "max").status == 201)
            #expect(
                try await api.post("/v1/environments", #"{"key":"uat-8"}"#, as: "max").status == 403
            )
            #expect(try await api.get("/v1/tokens", as: "max").status == 403)
            #expect(try await api.post("/v1/teams", #"{"name":"x"}"#, as: "max").status == 403)
        }
    }

    @Test(
        "A path that is not there is 404, a method that is not is 405 with Allow, OPTIONS says it")
    func methods() async throws {
        try await TestAPI.with { api in
            #expect(try await api.get("/v1/nothing").problem == "not-found")
            #expect(try await api.get("/nothing").problem == "not-found")
            #expect(try await api.get("/v1/bookings/BK-1").problem == "not-found")
            #expect(try await api.get("/v1/bookings/1").problem == "not-found")
            #expect(try await api.get("/v1/environments/a%00b").problem == "not-found")
            let wrong = try await api.send(.put, "/v1/bookings/BK-1")
            #expect(wrong.status == 405)
            #expect(wrong.problem == "method-not-allowed")
            #expect(wrong.headers[.allow] == "GET, HEAD, PATCH, OPTIONS")
            let options = try await api.send(.options, "/v1/bookings", as: nil)
            #expect(options.status == 204)
            #expect(options.headers[.allow] == "GET, HEAD, POST, OPTIONS")
        }
    }

    @Test("Bodies that are no JSON object, too deep, too large or of another type are refused")
    func bodies() async throws {
        try await TestAPI.with { api in
            #expect(try await api.post("/v1/bookings", "{").status == 400)
            #expect(try await api.post("/v1/bookings", "[]").status == 400)
            #expect(try await api.post("/v1/bookings", "").status == 400)
            let deep = String(repeating: "[", count: 10_000)
            #expect(try await api.post("/v1/bookings", deep)["detail"]?.contains("deeper") == true)
            let twice = try await api.post("/v1/bookings", #"{"title":"a","title":"b"}"#)
            #expect(twice.pointers == ["/title"])
            let large = "{\"title\":\"" + String(repeating: "a", count: 2 << 20) + "\"}"
            let refused = try await api.post("/v1/bookings", large)
            #expect(refused.status == 413)
            #expect(refused.headers[.connection] == "close")
            for type in ["text/plain", "application/xml", "application/merge-patch+json"] {
                let answer = try await api.send(
                    .post, "/v1/bookings", body, headers: [.contentType: type])
                #expect(answer.problem == "unsupported-media-type")
            }
            #expect(try await api.send(.post, "/v1/bookings").status == 415)
        }
    }

    @Test("Unknown environments and fields are told by pointer, and parameters by name")
    func unknown() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let unknown = body.replacing("\"uat-1\"", with: "\"uat-1\",\"uat-7\"")
            #expect(try await api.post("/v1/bookings", unknown).pointers == ["/environments/1"])
            #expect(try await api.post("/v1/bookings?dry=1", body).pointers == ["dry"])
            #expect(try await api.get("/v1/bookings/BK-1?x=1").pointers == ["x"])
        }
    }

    @Test(
        "A key and body are answered as before, another body is refused, a refusal is not kept"
    )
    func idempotency() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let first = try await api.post("/v1/bookings", body, key: "k1")
            #expect(first.status == 201)
            let path = try #require(first.headers[.location])
            _ = try await api.patch(path, #"{"title":"Edited"}"#, ifMatch: "\"1\"")
            let again = try await api.post("/v1/bookings", body, key: "k1")
            #expect(again.status == 201)
            #expect(again.text == first.text)
            #expect(again.headers[.location] == first.headers[.location])
            #expect(again.headers[.eTag] == first.headers[.eTag])
            let other = try await api.post("/v1/bookings", body + " ", key: "k1")
            #expect(other.status == 422)
            #expect(other.problem == "idempotency-key-reused")
            #expect(try await api.get("/v1/bookings").items.count == 1)

            #expect(
                try await api.post("/v1/bookings", body, key: "k2").problem == "booking-conflict")
            #expect(try await api.post("\(path)/cancel", key: "k3").status == 200)
            #expect(try await api.post("\(path)/cancel", key: "k3").status == 200)
            #expect(try await api.post("/v1/bookings", body, key: "k2").status == 201)
            for bad in ["a b", String(repeating: "k", count: 256)] {
                #expect(
                    try await api.post("/v1/bookings", body, key: bad).pointers == [
                        "Idempotency-Key"
                    ])
            }
        }
    }

    @Test("A second request whose key is in flight is refused at once")
    func inFlight() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await api.post("/v1/bookings", body, key: "same") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for answer in answers {
                #expect(answer.status == 201 || answer.problem == "request-in-flight")
            }
            #expect(answers.contains { $0.status == 201 })
            #expect(try await api.get("/v1/bookings").items.count == 1)
        }
    }

    @Test("Every answer has a request id, the caller's own when it is sane")
    func requestID() async throws {
        try await TestAPI.with { api in
            let own = try await api.send(.get, "/livez", headers: [.requestID: "ci-42"])
            #expect(own.headers[.requestID] == "ci-42")
            let insane = try await api.send(.get, "/livez", headers: [.requestID: "a b"])
            #expect(insane.headers[.requestID] != "a b")
            #expect(insane.headers[.requestID]?.isEmpty == false)
            #expect(try await api.get("/v1/nothing").headers[.requestID] != nil)
        }
    }
}
