import HTTPTypes
import Hummingbird

/// The proxies whose word counts for where a request comes from.
public struct TrustedProxies: Sendable, Equatable {
    private var ranges: [AddressRange] = []

    /// None: where the connection comes from is where the request comes from.
    public init() {}

    /// Reads addresses and CIDR blocks. Throws ``Fault`` for what is neither.
    public init(_ texts: [String]) throws(Fault) {
        for text in texts {
            let trimmed = Substring(text).trimmingOWS()
            guard let range = AddressRange(trimmed) else { throw Fault(text: text) }
            ranges.append(range)
        }
    }

    /// What was given is no address.
    public struct Fault: Error, CustomStringConvertible {
        var text: String

        /// What is wrong with it, and what would be right.
        public var description: String {
            "trusted proxy \(text) is neither an address nor a block of them: "
                + "write 10.0.0.7, 10.0.0.0/8 or fd00::/8"
        }
    }

    func contains(_ address: ClientAddress) -> Bool {
        ranges.contains { $0.contains(address) }
    }

    /// Where a request comes from: of the addresses that its proxies name, the nearest that is not a
    /// trusted proxy's own. Each proxy appends whom it heard it from, so what a client wrote itself
    /// stands farther left, and is never reached.
    func client(of headers: HTTPFields, peer: ClientAddress?) -> ClientAddress? {
        guard var nearest = peer, contains(nearest) else { return peer }
        for hop in Self.hops(headers).reversed() {
            guard let address = ClientAddress(hop: hop) else { break }
            nearest = address
            if !contains(address) { break }
        }
        return nearest
    }

    /// `X-Forwarded-For` is what proxies write. `Forwarded` (RFC 7239) counts only without it: a proxy
    /// that writes one passes on the other as the client sent it.
    private static func hops(_ headers: HTTPFields) -> [Substring] {
        let named = headers[values: .xForwardedFor]
        if !named.isEmpty { return named.flatMap { $0.split(separator: ",") } }
        return headers[values: .forwarded].flatMap { $0.split(separator: ",") }.map { element in
            for pair in element.split(separator: ";") {
                let pair = pair.trimmingOWS()
                if pair.prefix(4).lowercased() == "for=" { return pair.dropFirst(4) }
            }
            return ""
        }
    }
}
