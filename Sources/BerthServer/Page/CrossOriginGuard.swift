import Foundation
import HTTPTypes

/// Tells a request that our own page makes from one that another site has a browser make: a browser sends the
/// session's cookie with both. As Go's `CrossOriginProtection` does, by what browsers say of a request's origin
/// (Fetch Metadata, and RFC 6454's Origin): no token in forms, no state.
enum CrossOriginGuard {
    /// Whether a request that a cookie vouches for may change anything.
    static func allows(
        _ method: HTTPRequest.Method, _ headers: HTTPFields, authority: String?, at url: PublicURL
    ) -> Bool {
        if [.get, .head, .options].contains(method) { return true }
        if let site = headers[.secFetchSite] { return site == "same-origin" || site == "none" }
        guard let origin = headers[.origin] else { return false }
        if origin == url.origin { return true }
        // Without a proxy that rewrites it, the host that was asked is the page's own.
        return authority.map { origin == "http://\($0)" || origin == "https://\($0)" } ?? false
    }
}

extension PublicURL {
    /// Scheme, host and port: what a browser sends as `Origin`.
    var origin: String {
        guard let url = URL(string: text), let scheme = url.scheme, let host = url.host() else {
            return text
        }
        return "\(scheme)://\(host)" + (url.port.map { ":\($0)" } ?? "")
    }
}
