import BerthCore
import HTTPTypes
import Hummingbird
import NIOCore

/// An RFC 9457 problem: how every error is answered.
struct Problem: Error {
    /// A kind of problem, with what is the same each time it happens.
    struct Kind: Sendable, Equatable {
        /// The last part of `type`; nil where the status alone says it all (`about:blank`).
        var name: String?
        var status: HTTPResponse.Status
        var title: String
    }

    var kind: Kind
    /// What happened this time.
    var detail: String?
    var errors: [FieldFault] = []
    var refusal: Refusal?
    var violations: [Violation] = []
    /// Fields that the status asks for: `Allow`, `Retry-After`, …
    var headers: HTTPFields = [:]

    init(_ kind: Kind, _ detail: String? = nil) {
        self.kind = kind
        self.detail = detail
    }

    /// The body.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("type", kind.name.map { "/problems/" + $0 } ?? "about:blank")
            json.member("title", kind.title)
            json.member("status", kind.status.code)
            if let detail { json.member("detail", detail) }
            if !errors.isEmpty {
                json.name("errors")
                json.array(errors) { $1.write(&$0) }
            }
            if let refusal {
                json.name("conflicts")
                json.array(refusal.conflicts) { $1.write(&$0) }
                json.name("alternatives")
                json.array(refusal.alternatives) { $1.write(&$0) }
            }
            if !violations.isEmpty {
                json.name("violations")
                json.array(violations) { $1.write(&$0) }
            }
        }
    }

    /// The whole answer.
    func response() -> Response {
        var json = JSONWriter()
        write(&json)
        var headers = headers
        headers.append(HTTPField(name: .contentType, value: "application/problem+json"))
        return Response(
            status: kind.status, headers: headers, body: ResponseBody(byteBuffer: json.buffer))
    }
}

extension Problem.Kind {
    static let invalid = Self(
        name: "invalid", status: .badRequest, title: "The request is invalid.")
    static let unauthenticated = Self(
        name: "unauthenticated", status: .unauthorized, title: "A valid token is needed.")
    static let badSignature = Self(
        name: "bad-signature", status: .unauthorized, title: "The delivery is not signed as agreed."
    )
    static let forbidden = Self(
        name: "forbidden", status: .forbidden, title: "The caller may not do this.")
    static let notFound = Self(
        name: "not-found", status: .notFound, title: "There is no such thing.")
    static let methodNotAllowed = Self(
        name: "method-not-allowed", status: .methodNotAllowed,
        title: "The method is not allowed here.")
    static let bookingConflict = Self(
        name: "booking-conflict", status: .conflict, title: "The environment is taken.")
    static let illegalMove = Self(
        name: "illegal-move", status: .conflict, title: "The state does not allow it.")
    static let alreadyExists = Self(
        name: "already-exists", status: .conflict, title: "The name is taken.")
    static let requestInFlight = Self(
        name: "request-in-flight", status: .conflict,
        title: "The first request with this key is still running.")
    static let stale = Self(
        name: "stale", status: .preconditionFailed, title: "The record has changed meanwhile.")
    static let tooLarge = Self(
        name: "too-large", status: .contentTooLarge, title: "The body is too large.")
    static let unsupportedMediaType = Self(
        name: "unsupported-media-type", status: .unsupportedMediaType,
        title: "The body is not in a form that is read here.")
    static let idempotencyKeyReused = Self(
        name: "idempotency-key-reused", status: .unprocessableContent,
        title: "The key was used for another request.")
    static let policy = Self(
        name: "policy", status: .unprocessableContent,
        title: "The environment's policy does not allow it.")
    static let preconditionRequired = Self(
        name: "precondition-required", status: .preconditionRequired, title: "If-Match is required."
    )
    static let tooManyFailures = Self(
        name: "too-many-failures", status: .tooManyRequests,
        title: "Too many failed attempts came from this address.")
    static let `internal` = Self(
        name: "internal", status: .internalServerError, title: "Something went wrong inside Berth.")
    static let unavailable = Self(
        name: "unavailable", status: .serviceUnavailable, title: "Berth cannot answer just now.")
    static let storageFull = Self(
        name: "storage-full", status: .serviceUnavailable, title: "The database has no room left.")
    static let outcomeUnknown = Self(
        name: "outcome-unknown", status: .serviceUnavailable,
        title: "Whether it was done is not known.")

    /// What has no type of its own: the status says it all.
    static func blank(_ status: HTTPResponse.Status) -> Self {
        Self(name: nil, status: status, title: status.reasonPhrase)
    }
}

extension Problem {
    /// The body is over the limit. The rest of it is not read, so the connection ends.
    static var tooLarge: Problem {
        var problem = Problem(.tooLarge, "a body has at most \(Limits.bodyBytes) bytes")
        problem.headers[.connection] = "close"
        return problem
    }

    /// Every place for connections is taken by requests under way.
    static var full: Problem {
        var problem = Problem(.unavailable, "every connection is in use: try again later")
        problem.headers[.retryAfter] = "1"
        return problem
    }

    /// Whoever has a good token is never told so.
    static func tooManyFailures(retryAfter seconds: Int) -> Problem {
        var problem = Problem(
            .tooManyFailures, "send a token that is not revoked, or wait \(seconds) s")
        problem.headers[.retryAfter] = String(seconds)
        return problem
    }

    /// The body is compressed, or otherwise not as it is meant (RFC 9110, section 15.5.16).
    static func encoded(as coding: String) -> Problem {
        var problem = Problem(
            .unsupportedMediaType,
            "\(coding.prefix(32)) is not understood: send it without Content-Encoding")
        problem.headers[.acceptEncoding] = "identity"
        return problem
    }

    /// A delivery that its sender's secret has not signed.
    static var badSignature: Problem {
        Problem(
            .badSignature,
            "X-Hub-Signature-256 does not fit the body: give the webhook the secret that the server has in BERTH_GITHUB_SECRET"
        )
    }

    static var unsupportedMediaType: Problem {
        Problem(.unsupportedMediaType, "send it with Content-Type: application/json")
    }

    /// The path exists, and not with this method.
    static func methodNotAllowed(allow: String) -> Problem {
        var problem = Problem(.methodNotAllowed, "this path answers \(allow)")
        problem.headers[.allow] = allow
        return problem
    }
}

extension FieldFault {
    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("pointer", pointer)
            json.member("detail", detail)
        }
    }
}

extension Violation {
    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("environment", environment)
            json.member("rule", rule)
            json.member("limit", limit)
            json.member("value", value)
            json.member("detail", detail)
        }
    }
}
