import BerthCore
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Testing

@testable import BerthServer

@Suite("Problems")
struct ProblemTests {
    @Test(
        "A read whose answer never came was not done: it is unavailable, where a mutation is unknown"
    )
    func reads() async throws {
        let router = Router(context: BerthContext.self)
        router.add(
            middleware: AnswerMiddleware(
                metrics: ServerMetrics(routes: []), proxies: TrustedProxies()))
        for method in [HTTPRequest.Method.get, .post] {
            router.on("/lost", method: method) { _, _ -> Response in throw BerthError.outcomeUnknown
            }
        }
        try await Application(router: router).test(.router) { client in
            for (method, problem) in [
                (HTTPRequest.Method.get, "unavailable"), (.post, "outcome-unknown"),
            ] {
                let answer = try await client.executeRequest(
                    uri: "/lost", method: method, headers: [:], body: nil)
                #expect(answer.status == .serviceUnavailable)
                #expect(String(buffer: answer.body).contains("/problems/\(problem)"))
            }
        }
    }

    @Test(
        "Every way of saying no has its status and type",
        arguments: [
            (BerthError.invalid("/a", "is wrong"), 400, "invalid"),
            (
                .policy([
                    Violation(
                        environment: "a", rule: "maxHours", limit: "1", value: "2", detail: "a: 1")
                ]),
                422, "policy"
            ),
            (.conflict(Refusal(conflicts: [], alternatives: [])), 409, "booking-conflict"),
            (.illegalMove("x"), 409, "illegal-move"), (.notFound("x"), 404, "not-found"),
            (.forbidden("x"), 403, "forbidden"), (.alreadyExists("x"), 409, "already-exists"),
            (.unauthenticated, 401, "unauthenticated"), (.stale(current: 3), 412, "stale"),
            (.preconditionRequired, 428, "precondition-required"),
            (.idempotencyKeyReused, 422, "idempotency-key-reused"),
            (.requestInFlight, 409, "request-in-flight"),
            (.unavailable(retryAfterSeconds: 2), 503, "unavailable"),
            (.outcomeUnknown, 503, "outcome-unknown"),
        ])
    func kinds(error: BerthError, status: Int, type: String) throws {
        let problem = Problem(error)
        #expect(problem.kind.status.code == status)
        var json = JSONWriter()
        problem.write(&json)
        let body = try #require(
            try JSONSerialization.jsonObject(with: Data(buffer: json.buffer)) as? [String: Any])
        #expect(body["type"] as? String == "/problems/\(type)")
        #expect(body["status"] as? Int == status)
        #expect(body["title"] is String)
        #expect(problem.response().headers[.contentType] == "application/problem+json")
        #expect((problem.headers[.retryAfter] != nil) == (status == 503))
        #expect(problem.headers[.eTag] == (status == 412 ? "\"3\"" : nil))
    }

    @Test("Counters show in Prometheus' format, by route and class of status")
    func metrics() {
        let metrics = ServerMetrics(routes: Routes.all)
        metrics.count(.get, "/v1/bookings/{ref}", .ok, .milliseconds(3))
        metrics.count(.get, "/v1/bookings/{ref}", .notFound, .milliseconds(3))
        metrics.count(.trace, "/teapot", .notFound, .seconds(9))
        metrics.countBooking(.accepted)
        let text = metrics.text(idle: 2, leased: 1, waiting: 0)
        let labels = #"method="GET",route="/v1/bookings/{ref}""#
        #expect(text.contains("berth_http_requests_total{\(labels),status=\"2xx\"} 1\n"))
        #expect(text.contains("berth_http_requests_total{\(labels),status=\"4xx\"} 1\n"))
        #expect(text.contains("_bucket{\(labels),le=\"0.0025\"} 0\n"))
        #expect(text.contains("_bucket{\(labels),le=\"0.005\"} 2\n"))
        #expect(text.contains("_bucket{method=\"other\",route=\"other\",le=\"+Inf\"} 1\n"))
        #expect(text.contains("berth_bookings_total{outcome=\"accepted\"} 1\n"))
        #expect(!text.contains("teapot"))
    }
}
