import BerthCore
import Foundation
import HTTPTypes
import Hummingbird

/// Lets a route's callers in, and answers them.
struct RouteResponder: HTTPResponder {
    let route: Route
    let api: BerthAPI

    func respond(to request: Request, context: BerthContext) async throws -> Response {
        switch route.handler {
        case .everyone(let handler): return try await handler(api)
        case .signed(let handler):
            let call = Call(
                request: request, parameters: context.parameters, caller: .signer, now: api.clock())
            return try await handler(api, call)
        case .subscriber(let handler):
            var query = Query(request.uri.query)
            let token = query.text("token")
            let now = api.clock()
            let call = Call(
                request: request, parameters: context.parameters,
                // Clients send along whatever they were once told: beside a token it is not looked at.
                caller: token == nil ? try await caller(of: request, now: now) : .subscriber,
                now: now)
            return try await handler(api, call, token)
        case .atLeast(let role, let handler):
            let now = api.clock()
            let caller = try await caller(of: request, now: now)
            guard caller.role >= role else {
                throw BerthError.forbidden("it needs the role \(role.rawValue)")
            }
            let call = Call(
                request: request, parameters: context.parameters, caller: caller, now: now)
            return try await handler(api, call)
        }
    }

    private func caller(of request: Request, now: Date) async throws -> Caller {
        guard let header = request.headers[.authorization],
            let token = BearerToken(header),
            let caller = try await api.database.authenticate(bearer: token.secret, now: now)
        else { throw BerthError.unauthenticated }
        return caller
    }
}

extension Caller {
    /// Who signs deliveries: no token, no team, and no right to read anything; believed of whose they are.
    fileprivate static let signer = Caller(
        tokenID: 0, name: "github", role: .viewer, team: nil, labels: [:], reports: true)
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
