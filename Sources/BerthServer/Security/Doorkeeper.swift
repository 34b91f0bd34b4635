import BerthCore
import BerthDatabase
import Foundation
import HTTPTypes
import Hummingbird

/// Says who a caller is, and slows down those who fail to say it.
///
/// A good token is always let in: what is slowed is failures. An address that is slowed waits for one of
/// two places before its token is looked up, unless it is remembered; so whoever guesses can take two of
/// the database's connections at most.
struct Doorkeeper: Sendable {
    let database: BerthDatabase
    let security: SecurityLog
    let cookie: SessionCookie
    private let publicURL: PublicURL
    private let throttle = FailureThrottle()
    private let lookUps = Turnstile(places: 2)

    init(database: BerthDatabase, security: SecurityLog, publicURL: PublicURL) {
        self.database = database
        self.security = security
        self.publicURL = publicURL
        cookie = SessionCookie(for: publicURL)
    }

    /// Who bears the request's token, or has signed in. Throws `.unauthenticated`, or a problem with status 429;
    /// `.forbidden` for what another site makes a browser send.
    func caller(
        of request: Request, from origin: RequestOrigin, now: Date
    ) async throws -> Caller {
        guard let header = request.headers[.authorization] else {
            guard let secret = cookie.secret(in: request.headers) else {
                throw failure("no token", origin, now: now)
            }
            try requireOwnPage(request)
            guard let caller = try await database.caller(ofSession: secret, now: now) else {
                throw failure("unknown or ended session", origin, now: now)
            }
            return caller
        }
        guard let token = BearerToken(header) else {
            throw failure("malformed token", origin, now: now)
        }
        guard let caller = try await caller(bearing: token.secret, from: origin, now: now) else {
            throw failure("unknown or revoked token", origin, now: now)
        }
        return caller
    }

    /// Opens a session for the bearer of a token. Throws as ``caller(of:from:now:)`` does.
    func signIn(
        bearing secret: String, with request: Request, from origin: RequestOrigin, now: Date
    ) async throws -> NewSession {
        try requireOwnPage(request)
        guard try await caller(bearing: secret, from: origin, now: now) != nil,
            let session = try await database.signIn(bearer: secret, now: now)
        else { throw failure("unknown or revoked token", origin, now: now) }
        security.record(.signedIn, origin, by: session.caller)
        return session
    }

    /// Throws `.forbidden` for a request that another site's page makes a browser send.
    func requireOwnPage(_ request: Request) throws {
        guard
            CrossOriginGuard.allows(
                request.method, request.headers, authority: request.head.authority, at: publicURL)
        else { throw BerthError.forbidden("another site's page asked for it") }
    }

    private func caller(
        bearing secret: String, from origin: RequestOrigin, now: Date
    ) async throws -> Caller? {
        @Sendable func look() async throws -> Caller? {
            try await database.authenticate(bearer: secret, now: now) { caller in
                security.record(
                    .tokenUsedFirst, origin, by: caller, object: "token \(caller.tokenID)")
            }
        }
        guard throttle.isSlowed(origin.address, now: now),
            database.remembered(bearer: secret, now: now) == nil
        else { return try await look() }
        return try await lookUps.pass(look)
    }

    /// Does what a feed's own token opens. There is no telling a wrong one from a feed that is not there.
    func answerSubscriber(
        from origin: RequestOrigin, now: Date, _ handler: @Sendable () async throws -> Response
    ) async throws -> Response {
        do {
            guard throttle.isSlowed(origin.address, now: now) else { return try await handler() }
            return try await lookUps.pass(handler)
        } catch let error as BerthError {
            guard case .notFound = error else { throw error }
            throw failure("unknown or revoked feed token", as: error, origin, now: now)
        }
    }

    /// Does what a signature lets one do. It looks nothing up before the signature is verified.
    func answerSigner(
        from origin: RequestOrigin, now: Date, _ handler: () async throws -> Response
    ) async throws -> Response {
        do {
            return try await handler()
        } catch let problem as Problem {
            guard problem.kind == .badSignature else { throw problem }
            throw failure("bad signature", as: problem, origin, now: now)
        }
    }

    /// Counts a failure, and gives the error that it is answered with. Of those that are slowed only the
    /// first, the tenth, the hundredth in a row are written down: they must not fill the log either.
    private func failure(
        _ reason: String, as error: any Error = BerthError.unauthenticated, _ origin: RequestOrigin,
        now: Date
    ) -> any Error {
        switch throttle.failed(origin.address, now: now) {
        case .heard:
            security.record(.authenticationFailed, origin, reason: reason)
            return error
        case .slowed(let seconds, let inARow):
            if Self.isPowerOfTen(inARow) {
                security.record(.throttled, origin, reason: "\(reason); \(inARow) in a row")
            } else {
                security.metrics.countSecurity(.throttled)
            }
            return Problem.tooManyFailures(retryAfter: seconds)
        }
    }

    private static func isPowerOfTen(_ number: Int) -> Bool {
        var rest = number
        while rest > 1, rest.isMultiple(of: 10) { rest /= 10 }
        return rest == 1
    }
}
