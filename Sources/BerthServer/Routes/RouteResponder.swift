import BerthCore
import HTTPTypes
import Hummingbird

/// Lets a route's callers in, and answers them.
struct RouteResponder: HTTPResponder {
    let route: Route
    let api: BerthAPI

    func respond(to request: Request, context: BerthContext) async throws -> Response {
        if case .everyone(let handler) = route.handler { return try await handler(api) }
        let origin = RequestOrigin(
            address: context.client, requestID: context.requestID, method: request.method,
            route: route.path, path: request.uri.path)
        let now = api.clock()
        func call(by caller: Caller) -> Call {
            Call(
                request: request, parameters: context.parameters, caller: caller, now: now,
                origin: origin)
        }
        switch route.handler {
        case .everyone(let handler): return try await handler(api)
        case .visitor(let handler): return try await handler(api, call(by: .visitor))
        case .signed(let handler):
            return try await api.doorkeeper.answerSigner(from: origin, now: now) {
                try await handler(api, call(by: .signer))
            }
        case .subscriber(let handler):
            var query = Query(request.uri.query)
            // Clients send along whatever they were once told: beside a token it is not looked at.
            guard let token = query.text("token") else {
                let caller = try await api.doorkeeper.caller(of: request, from: origin, now: now)
                return try await handler(api, call(by: caller), nil)
            }
            let call = call(by: .subscriber)
            return try await api.doorkeeper.answerSubscriber(from: origin, now: now) {
                try await handler(api, call, token)
            }
        case .atLeast(let role, let handler):
            let caller = try await api.doorkeeper.caller(of: request, from: origin, now: now)
            return try await recordingRefusals(of: caller, origin) {
                guard caller.role >= role else {
                    throw BerthError.forbidden("it needs the role \(role.rawValue)")
                }
                return try await handler(api, call(by: caller))
            }
        }
    }

    /// Writes to the security log what the caller may not do.
    private func recordingRefusals(
        of caller: Caller, _ origin: RequestOrigin, _ work: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await work()
        } catch let error as BerthError {
            if case .forbidden(let reason) = error {
                api.security.record(.requestRefused, origin, by: caller, reason: reason)
            }
            throw error
        }
    }
}

extension Caller {
    /// Who signs deliveries: no token, no team, and no right to read anything; believed of whose they are.
    fileprivate static let signer = Caller(
        tokenID: 0, name: "github", role: .viewer, team: nil, labels: [:], reports: true)
    /// Who opens the page and has not said who he is.
    fileprivate static let visitor = Caller(
        tokenID: 0, name: "visitor", role: .viewer, team: nil, labels: [:])
    /// Who fetches a feed by its own token: no right to anything else.
    fileprivate static let subscriber = Caller(
        tokenID: 0, name: "subscriber", role: .viewer, team: nil, labels: [:])
}

/// What stands in `Authorization`, when it is a bearer token (RFC 6750). It is never logged.
struct BearerToken {
    let secret: String

    /// Reads a header's value; the scheme in any case of letters. Nil for anything else.
    init?(_ header: String) {
        let scheme = header.utf8.prefix(7)
        guard scheme.count == 7, String(Substring(scheme)).lowercased() == "bearer " else {
            return nil
        }
        let token = header.dropFirst(7).trimmingOWS()
        guard (1...512).contains(token.utf8.count),
            token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        secret = String(token)
    }
}

/// Says what a path answers.
struct OptionsResponder: HTTPResponder {
    let allow: String

    func respond(to request: Request, context: BerthContext) async throws -> Response {
        Response(status: .noContent, headers: [.allow: allow])
    }
}
