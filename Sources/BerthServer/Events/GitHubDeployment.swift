import BerthCore
import Crypto
import Foundation
import NIOCore

/// GitHub's `deployment_status` webhook.
enum GitHubDeployment {
    /// What a delivery tells: a deployment that ended, well or not, is a change. Throws `.invalid` for a
    /// deployment status that lacks what GitHub always sends.
    static func read(event: String, _ body: JSONObject) throws -> EventReading {
        guard event == "deployment_status" else {
            return .ignored("nothing that is logged: \(event)")
        }
        let delivery = JSONValue.object(body)
        guard let state = delivery.text("deployment_status", "state"),
            case .object(let status)? = body["deployment_status"],
            case .number(let id)? = status["id"],
            let environment = delivery.text("deployment_status", "environment")
                ?? delivery.text("deployment", "environment"),
            let repository = delivery.text("repository", "full_name"),
            let at = delivery.text("deployment_status", "created_at").flatMap(CloudEvent.instant)
        else {
            throw BerthError.invalid(
                "/deployment_status", "lacks its id, state, environment, time or repository")
        }
        let outcome: String
        switch state {
        case "success": outcome = "deployed"
        case "failure", "error": outcome = "failed to deploy, perhaps in part"
        default: return .ignored("a deployment that is \(state)")
        }
        let ref = delivery.text("deployment", "ref")
        var change = ReportedChange(
            source: "github:\(repository)", eventID: "deployment_status:\(id)",
            environmentName: environment, occurredAt: at, kind: .deploy,
            summary: "\(repository) \(ref ?? "") \(outcome)")
        change.actor = delivery.text("deployment_status", "creator", "login")
        change.repository = repository
        change.component = repository.split(separator: "/").last.map(String.init)
        change.version = ref ?? delivery.text("deployment", "sha")
        change.url = delivery.text("deployment_status", "target_url")
        return .change(change)
    }

    /// Whether `X-Hub-Signature-256` is the HMAC-SHA256 of the body under the secret, compared in constant time.
    static func isSigned(_ body: ByteBuffer, _ signature: String?, secret: String) -> Bool {
        guard let signature, signature.hasPrefix("sha256="),
            let code = bytes(ofHex: signature.dropFirst(7)), code.count == 32
        else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(
            code, authenticating: Data(body.readableBytesView),
            using: SymmetricKey(data: Data(secret.utf8)))
    }

    private static func bytes(ofHex text: Substring) -> [UInt8]? {
        guard text.utf8.count == 64 else { return nil }
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
