import Crypto
import Foundation
import NIOCore

/// What proves that a delivery is GitHub's (docs.github.com, "Validating webhook deliveries").
enum GitHubSignature {
    /// Whether the value of `X-Hub-Signature-256` is `sha256=` and the HMAC-SHA256 of the body under
    /// the secret, in hexadecimal. Compared in constant time. Under an empty secret nothing is: anyone
    /// could sign with it.
    static func isValid(_ signature: String?, of body: ByteBuffer, secret: String) -> Bool {
        let prefix = "sha256="
        guard !secret.isEmpty, let signature, signature.hasPrefix(prefix),
            let code = bytes(ofHex: signature.utf8.dropFirst(prefix.utf8.count)),
            code.count == SHA256.byteCount
        else { return false }
        return body.withUnsafeReadableBytes { bytes in
            HMAC<SHA256>.isValidAuthenticationCode(
                code, authenticating: bytes, using: SymmetricKey(data: Data(secret.utf8)))
        }
    }

    private static func bytes(ofHex text: Substring.UTF8View) -> [UInt8]? {
        let digits = text.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}
