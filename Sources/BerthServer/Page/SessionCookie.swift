import Foundation
import HTTPTypes

/// The cookie that a browser shows its session by.
///
/// `__Host-` and `Secure` where people reach Berth over TLS, or on the machine itself; a browser drops such cookies
/// silently on plain http to any other name. Lax and not Strict: people come by links in chats and tickets.
struct SessionCookie: Sendable {
    let name: String
    private let isSecure: Bool

    /// The cookie for a server that people reach at a URL.
    init(for url: PublicURL) {
        let host = URL(string: url.text)?.host() ?? ""
        isSecure = url.text.hasPrefix("https:") || ["localhost", "127.0.0.1", "::1"].contains(host)
        name = isSecure ? "__Host-berth" : "berth"
    }

    /// The secret that a request shows; nil when it shows none.
    func secret(in headers: HTTPFields) -> String? {
        for header in headers[values: .cookie] {
            for pair in header.split(separator: ";") {
                let sides = pair.split(separator: "=", maxSplits: 1)
                if sides.count == 2, sides[0].trimmingOWS() == name {
                    return String(sides[1].trimmingOWS())
                }
            }
        }
        return nil
    }

    /// `Set-Cookie` for a new session, or, with an empty secret, for the end of one.
    func field(secret: String, lastsSeconds: Int) -> HTTPField {
        let attributes =
            "Path=/; HttpOnly; SameSite=Lax; Max-Age=\(lastsSeconds)" + (isSecure ? "; Secure" : "")
        return HTTPField(name: .setCookie, value: "\(name)=\(secret); \(attributes)")
    }
}
