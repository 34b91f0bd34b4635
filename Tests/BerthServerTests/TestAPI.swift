import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import Testing

@testable import BerthServer

/// The real router over a real database of the test's own, with a token of each role.
struct TestAPI: Sendable {
    let database: TestDatabase
    let clock: TestClock
    private let client: any TestClientProtocol
    private let secrets: [String: String]
    /// What the security log was told.
    let securityLog: CapturedLog

    /// Runs a test against the API.
    static func with(
        _ body: @escaping @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await TestDatabase.with { database in
            let scheduling = Task { await database.berth.watchTokens() }
            defer { scheduling.cancel() }
            let clock = TestClock()
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let metrics = ServerMetrics(routes: Routes.all)
            let captured = CapturedLog()
            let api = BerthAPI(
                database: database.berth, metrics: metrics,
                contract: "openapi: 3.1.0\n", clock: { clock.now },
                publicURL: PublicURL("https://berth.test"),
                githubSecret: githubSecret,
                security: SecurityLog(logger: captured.logger, metrics: metrics),
                stream: StreamHub(database: database.berth, logger: logger))
            var secrets: [String: String] = [:]
            for draft in tokens {
                secrets[draft.name] = try await database.berth.createToken(
                    draft, by: TestDatabase.admin, now: TestDatabase.now
                ).bearer
            }
            let app = Application(router: buildRouter(api), logger: logger)
            let known = secrets
            try await app.test(.router) { client in
                try await body(
                    TestAPI(
                        database: database, clock: clock, client: client, secrets: known,
                        securityLog: captured))
            }
        }
    }

    /// What the bearer of the token of that name presents.
    func secret(of name: String) -> String? {
        secrets[name]
    }

    static let githubSecret = "shared with GitHub"

    private static let tokens = [
        TokenDraft(name: "vera", role: .viewer),
        TokenDraft(name: "tess", role: .booker, team: "crm"),
        TokenDraft(name: "bob", role: .booker, team: "mobile"),
        TokenDraft(name: "max", role: .manager, team: "crm"),
        TokenDraft(name: "ada", role: .admin),
    ]

    /// Sends a request as the bearer of the token of that name; nil sends none.
    func send(
        _ method: HTTPRequest.Method, _ uri: String, _ body: String? = nil,
        as name: String? = "tess",
        headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = headers
        if let name, let secret = secrets[name] { headers[.authorization] = "Bearer \(secret)" }
        if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        let response = try await client.executeRequest(
            uri: uri, method: method, headers: headers, body: body.map(ByteBuffer.init(string:)))
        let answer = TestAnswer(
            status: response.status.code, headers: response.headers,
            text: String(buffer: response.body))
        // Whatever a test is about, each answer it gets is held to the contract.
        let faults = try ContractSchema.shared.get().faults(
            method.rawValue, uri, status: answer.status,
            mediaType: answer.headers[.contentType], body: answer.text)
        #expect(faults == [])
        return answer
    }

    /// Reads a path whose answer may be no text.
    func bytes(
        _ uri: String, as name: String, headers: HTTPFields
    ) async throws -> (headers: HTTPFields, body: Data) {
        var headers = headers
        if let secret = secrets[name] { headers[.authorization] = "Bearer \(secret)" }
        let response = try await client.executeRequest(
            uri: uri, method: .get, headers: headers, body: nil)
        return (response.headers, Data(response.body.readableBytesView))
    }

    func get(_ uri: String, as name: String? = "tess") async throws -> TestAnswer {
        try await send(.get, uri, as: name)
    }

    func post(
        _ uri: String, _ body: String? = nil, as name: String? = "tess", key: String? = nil
    ) async throws -> TestAnswer {
        var headers: HTTPFields = [:]
        headers[.idempotencyKey] = key
        return try await send(.post, uri, body, as: name, headers: headers)
    }

    func patch(
        _ uri: String, _ body: String, as name: String? = "tess", ifMatch: String? = nil
    ) async throws -> TestAnswer {
        var headers: HTTPFields = [:]
        headers[.ifMatch] = ifMatch
        return try await send(.patch, uri, body, as: name, headers: headers)
    }
}

/// A clock that stands until it is set.
final class TestClock: Sendable {
    private let time = Mutex(TestDatabase.now)

    var now: Date {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }
}

/// What came back.
struct TestAnswer {
    var status: Int
    var headers: HTTPFields
    var text: String

    /// The body as JSON, read by a parser that is not ours.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
    }

    subscript(name: String) -> String? {
        json[name] as? String
    }

    /// The last part of a problem's type.
    var problem: String? {
        self["type"]?.split(separator: "/").last.map(String.init)
    }

    /// The pointers of a problem's errors.
    var pointers: [String] {
        (json["errors"] as? [[String: String]] ?? []).compactMap { $0["pointer"] }.sorted()
    }

    /// The conflicts of a refusal.
    var conflicts: [[String: Any]] {
        json["conflicts"] as? [[String: Any]] ?? []
    }

    /// The items of a list.
    var items: [[String: Any]] {
        json["items"] as? [[String: Any]] ?? []
    }
}
