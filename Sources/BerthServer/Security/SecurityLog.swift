import BerthCore
import HTTPTypes
import Hummingbird
import Logging

/// What the security log tells of.
enum SecurityEvent: String, CaseIterable {
    case authenticationFailed = "authentication-failed"
    case throttled
    case requestRefused = "request-refused"
    case tokenMade = "token-made"
    case tokenUsedFirst = "token-used-first"
    case tokenRevoked = "token-revoked"
    case feedTokenMade = "feed-token-made"
    case feedTokenRevoked = "feed-token-revoked"
    case environmentRightsChanged = "environment-rights-changed"
    case exported
    case signedIn = "signed-in"
    case signedOut = "signed-out"
}

/// Where a request comes from, and what it is about. Never its query, which may hold a secret.
struct RequestOrigin: Sendable {
    var address: ClientAddress?
    var requestID: String
    var method: HTTPRequest.Method
    /// As in the contract: `/v1/bookings/{ref}`.
    var route: String
    /// As it was sent, without the query.
    var path: String
}

/// Who was let in, who was not, and what they did to rights: a line each, under a label of its own.
struct SecurityLog: Sendable {
    let logger: Logger
    let metrics: ServerMetrics

    /// The longest text that goes into a line, in characters.
    private static let longestText = 200

    /// Counts an event, and writes its line.
    ///
    /// - Parameters:
    ///   - caller: Who did it; nil for somebody unknown.
    ///   - object: What was done to; the request's path when nothing else is said.
    ///   - reason: Why it was not done.
    func record(
        _ event: SecurityEvent, _ origin: RequestOrigin, by caller: Caller? = nil,
        object: String? = nil, reason: String? = nil
    ) {
        metrics.countSecurity(event)
        var metadata: Logger.Metadata = [
            "event": "\(event.rawValue)",
            "address": "\(origin.address?.description ?? "unknown")",
            "method": "\(origin.method.rawValue)", "route": "\(origin.route)",
            "object": "\(Self.plain(object ?? origin.path))",
            "request": "\(origin.requestID)",
        ]
        if let caller {
            metadata["caller"] = "\(Self.plain(caller.name))"
            metadata["token"] = "\(caller.tokenID)"
        }
        if let reason { metadata["reason"] = "\(Self.plain(reason))" }
        logger.notice("security", metadata: metadata)
    }

    /// Text as it may stand in a line: what could be taken for another field, or for another line, is
    /// put into quotes.
    private static func plain(_ text: String) -> String {
        let text = String(text.prefix(longestText))
        let isPlain = text.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
        }
        return isPlain ? text : text.debugDescription
    }
}

extension Call {
    /// Writes to the security log what the caller did.
    func record(_ event: SecurityEvent, in log: SecurityLog, object: String? = nil) {
        log.record(event, origin, by: caller, object: object)
    }
}
