import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOPosix

/// The REST API as a client calls it.
public struct BerthClient: Sendable {
    /// The most bytes of an answer that are read.
    private static let mostBytes = 16 << 20

    private let base: URL
    private let token: String

    /// A client of the server at that URL, by the bearer of a token.
    public init(base: URL, token: String) {
        self.base = base
        self.token = token
    }

    /// Gets a path's JSON. Throws ``ClientError``. At most 30 seconds.
    public func get<Answer: Decodable>(
        _ path: [String], query: [String: String] = [:], as type: Answer.Type = Answer.self
    ) async throws -> Answer {
        var url = base
        for step in path { url.append(path: step) }
        url.append(
            queryItems: query.sorted { $0.key < $1.key }.map { URLQueryItem(name: $0, value: $1) })
        var request = HTTPClientRequest(url: url.absoluteString)
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        let (status, body) = try await send(request)
        guard status == 200 else {
            let problem = try? JSONDecoder().decode(Problem.self, from: body)
            throw ClientError.refused(
                status: status, detail: problem?.detail ?? problem?.title ?? "no reason was given")
        }
        do {
            return try JSONDecoder().decode(Answer.self, from: body)
        } catch {
            throw ClientError.unexpected("\(url.path()) did not answer as Berth does")
        }
    }

    private func send(_ request: HTTPClientRequest) async throws -> (status: Int, body: Data) {
        // Who waits for an answer wants to hear at once that nobody is there.
        var configuration = HTTPClient.Configuration(timeout: .init(connect: .seconds(5)))
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result: Result<(Int, Data), any Error>
        do {
            let response = try await client.execute(request, timeout: .seconds(30))
            let body = try await response.body.collect(upTo: Self.mostBytes)
            result = .success((Int(response.status.code), Data(buffer: body)))
        } catch {
            result = .failure(
                ClientError.unreachable("\(base.absoluteString): \(Self.reason(error))"))
        }
        try? await client.shutdown()
        return try result.get()
    }

    /// Why nobody answered, for people.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let refused = error.connectionErrors.first { return reason(refused.error) }
            return "no host of that name is known"
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        case let error as HTTPClientError
        where [.connectTimeout, .deadlineExceeded, .readTimeout].contains(error):
            return "no answer came in time"
        default: return "\(error)"
        }
    }

    private struct Problem: Decodable {
        var title: String?
        var detail: String?
    }
}

/// Why a call of the REST API gave nothing.
public enum ClientError: Error, Sendable, CustomStringConvertible {
    /// Nobody answered.
    case unreachable(String)
    /// The server said no.
    case refused(status: Int, detail: String)
    /// What answered is no Berth.
    case unexpected(String)

    /// What to tell the user.
    public var description: String {
        switch self {
        case .unreachable(let detail): "the server cannot be reached: \(detail)"
        case .refused(let status, let detail): "the server refused (\(status)): \(detail)"
        case .unexpected(let detail): detail
        }
    }
}
