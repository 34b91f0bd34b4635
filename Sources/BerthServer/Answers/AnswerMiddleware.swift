import BerthCore
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// The one middleware. It gives every answer its id and its common fields, turns every error into a
/// problem, and counts.
struct AnswerMiddleware: RouterMiddleware {
    let metrics: ServerMetrics
    let proxies: TrustedProxies

    func handle(
        _ request: Request, context: BerthContext,
        next: (Request, BerthContext) async throws -> Response
    ) async throws -> Response {
        let started = ContinuousClock.now
        let id = Self.requestID(request, context)
        var context = context
        context.requestID = id
        context.client = proxies.client(of: request.headers, peer: context.peer)
        var response: Response
        do {
            guard Self.isPlain(request.uri.path) else {
                throw Problem(
                    .notFound, "there is nothing at this path: write it without empty parts")
            }
            response = try await next(request, context)
        } catch {
            response = self.response(to: error, request, context, id: id)
        }
        Self.challenge(&response, request)
        if request.method == .head { response = response.createHeadResponse() }
        response.headers.append(HTTPField(name: .requestID, value: id))
        response.headers.append(HTTPField(name: .xContentTypeOptions, value: "nosniff"))
        if request.uri.path.hasPrefix("/v1/"), response.headers[.cacheControl] == nil {
            response.headers.append(HTTPField(name: .cacheControl, value: "no-store"))
        } else if request.uri.path.hasPrefix("/calendars/") {
            // The address holds the token.
            response.headers.append(HTTPField(name: .referrerPolicy, value: "no-referrer"))
            response.headers.append(HTTPField(name: .cacheControl, value: "private, no-cache"))
        }
        metrics.count(
            request.method, context.endpointPath ?? "", response.status, .now - started)
        return response
    }

    /// Whether a path is written in the one way in which it is known: the router passes over empty parts, and what is
    /// decided by the path (keys, headers) would take `//v1/` for another door.
    private static func isPlain(_ path: String) -> Bool {
        !path.contains("//") && (path == "/" || !path.hasSuffix("/"))
    }

    /// Says how to authenticate, and what was wrong with the token that was sent (RFC 6750, section 3).
    private static func challenge(_ response: inout Response, _ request: Request) {
        let isBearer = request.headers[.authorization].map { BearerToken($0) != nil } ?? false
        switch response.status {
        case .unauthorized where !request.uri.path.hasPrefix("/v1/hooks/"):
            let fault = #", error="invalid_token", error_description="unknown or revoked""#
            response.headers[.wwwAuthenticate] = #"Bearer realm="Berth""# + (isBearer ? fault : "")
        case .forbidden where isBearer:
            response.headers[.wwwAuthenticate] =
                #"Bearer realm="Berth", error="insufficient_scope""#
        default: break
        }
    }

    /// The caller's own id, when it is one that can stand in a log line, else a new one.
    private static func requestID(_ request: Request, _ context: BerthContext) -> String {
        guard let sent = request.headers[.requestID], (1...128).contains(sent.utf8.count),
            sent.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            })
        else { return context.id }
        return sent
    }

    private func response(
        to error: any Error, _ request: Request, _ context: BerthContext, id: String
    ) -> Response {
        switch error {
        case BerthError.outcomeUnknown where [.get, .head].contains(request.method):
            // Nothing is done by a read, whether or not it was answered.
            return Problem(BerthError.unavailable(retryAfterSeconds: 1)).response()
        case let error as BerthError:
            if error == .storageFull { metrics.noteFullStorage() }
            return Problem(error).response()
        case let problem as Problem: return problem.response()
        case let error as HTTPError: return problem(error, at: request.uri.path).response()
        case is CancellationError, is ChannelError, is IOError, is HTTPParserError,
            is RequestCutShort:
            // The caller is gone, or was cut off: nobody reads this answer.
            context.logger.debug("request not answered", metadata: ["request": "\(id)"])
            var problem = Problem(.blank(.requestTimeout))
            problem.headers[.connection] = "close"
            return problem.response()
        default:
            context.logger.error(
                "request failed",
                metadata: [
                    "request": "\(id)", "route": "\(request.method) \(context.endpointPath ?? "")",
                    "error": "\(error)",
                ])
            return Problem(.internal, "tell the operators the request's id: \(id)").response()
        }
    }

    /// What Hummingbird throws: for a path or method that is not there.
    private func problem(_ error: HTTPError, at path: String) -> Problem {
        switch error.status {
        case .notFound:
            if let allow = Routes.allowed(at: path) { return .methodNotAllowed(allow: allow) }
            return Problem(.notFound, "there is nothing at this path")
        case .contentTooLarge: return .tooLarge
        default: return Problem(.blank(error.status))
        }
    }
}
