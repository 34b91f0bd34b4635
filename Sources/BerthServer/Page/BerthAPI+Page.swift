import BerthCore
import BerthDatabase
import Foundation
import HTTPTypes
import Hummingbird

extension BerthAPI {
    /// The timeline for who has signed in; else where to sign in.
    func getPage(_ call: Call) async throws -> Response {
        guard let secret = doorkeeper.cookie.secret(in: call.request.headers),
            let caller = try await database.caller(ofSession: secret, now: call.now)
        else { return .page(SignInPage(assets: .shared).html) }
        let day = (call.now.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400
        let begin = Date(timeIntervalSince1970: day)
        var question = TimelineQuestion(span: begin..<begin.addingTimeInterval(7 * 86_400))
        question.withParts = true
        let timeline = try await database.timeline(question, now: call.now)
        return .page(
            TimelinePage(timeline: timeline, caller: caller, assets: .shared).html,
            accepting: call.request.headers)
    }

    /// A token, as a form's field, for a session's cookie.
    func signIn(_ call: Call) async throws -> Response {
        let body = try await call.body(atMost: Limits.signInBytes)
        var form = Query(String(buffer: body))
        guard let token = form.text("token") else {
            throw BerthError.invalid("token", "is required: the form sends it")
        }
        let session: NewSession
        do {
            session = try await doorkeeper.signIn(
                bearing: token.trimmingCharacters(in: .whitespaces), with: call.request,
                from: call.origin, now: call.now)
        } catch BerthError.unauthenticated {
            return .page(SignInPage(assets: .shared, hasFailed: true).html, status: .unauthorized)
        }
        var response = Response(status: .seeOther, headers: [.location: "/"])
        response.headers.append(
            doorkeeper.cookie.field(
                secret: session.secret, lastsSeconds: Limits.sessionHours * 3_600))
        return response
    }

    /// Ends the session, on the server too.
    func signOut(_ call: Call) async throws -> Response {
        try doorkeeper.requireOwnPage(call.request)
        if let secret = doorkeeper.cookie.secret(in: call.request.headers) {
            try await database.signOut(session: secret)
            security.record(.signedOut, call.origin)
        }
        var response = Response(status: .seeOther, headers: [.location: "/"])
        response.headers.append(doorkeeper.cookie.field(secret: "", lastsSeconds: 0))
        return response
    }

    /// Says what a problem means.
    func getProblem(_ call: Call) async throws -> Response {
        let name = try call.parameter("type")
        guard let page = ProblemPage(name, assets: .shared) else {
            throw BerthError.notFound("no problem \(name.prefix(64))")
        }
        return .page(page.html)
    }

    func getAsset(_ call: Call) async throws -> Response {
        guard
            let asset = PageAssets.shared.response(
                try call.parameter("hash"), try call.parameter("name"),
                accepting: call.request.headers)
        else { throw BerthError.notFound("no such file of this version") }
        return asset
    }
}

extension Response {
    /// A page of HTML that runs our own scripts and styles alone, is kept by nobody, and stands in no frame.
    static func page(
        _ html: String, status: HTTPResponse.Status = .ok, accepting sent: HTTPFields = [:]
    ) -> Response {
        var response = EncodedBody(ByteBuffer(string: html)).response(
            [
                .contentType: "text/html; charset=utf-8", .cacheControl: "private, no-cache",
                .contentSecurityPolicy:
                    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                    + "connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
                    + "frame-ancestors 'none'",
                .referrerPolicy: "same-origin",
            ], accepting: sent)
        response.status = status
        return response
    }
}
