import NIOCore

/// An IP address. IPv4 is kept as IPv6 writes it (`::ffff:192.0.2.1`), so that one client is one
/// address whichever family its socket has.
struct ClientAddress: Hashable, Sendable {
    fileprivate var high: UInt64
    fileprivate var low: UInt64

    private static let mappedIPv4: UInt64 = 0xFFFF_0000_0000

    /// The address of a socket; nil for one that has none, such as a Unix socket's.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let address):
            high = 0
            low = Self.mappedIPv4 | UInt64(UInt32(bigEndian: address.address.sin_addr.s_addr))
        case .v6(let address):
            (high, low) = withUnsafeBytes(of: address.address.sin6_addr) { bytes in
                (
                    UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
        case .unixDomainSocket: return nil
        }
    }

    /// Reads an address, without a port. Nil for anything else.
    init?(_ text: some StringProtocol) {
        guard let address = try? SocketAddress(ipAddress: String(text), port: 0) else { return nil }
        self.init(address)
    }

    /// Reads what a proxy writes of a hop: an address, perhaps in quotes, in brackets, and with a
    /// port. Nil for anything else, such as `unknown`.
    init?(hop: Substring) {
        var text = hop.trimmingOWS()
        if text.count >= 2, text.first == "\"", text.last == "\"" {
            text = text.dropFirst().dropLast()
        }
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            text = text[..<end].dropFirst()
        } else if text.count(where: { $0 == ":" }) == 1 {
            text = text.prefix { $0 != ":" }
        }
        self.init(text)
    }

    var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// What one client can be held to: an IPv4 address, or the 64 bits of IPv6 that a network gives
    /// to one link. The rest of it any machine chooses anew as it likes.
    var network: ClientAddress {
        guard !isIPv4 else { return self }
        var network = self
        network.low = 0
        return network
    }
}

extension ClientAddress: CustomStringConvertible {
    var description: String {
        if isIPv4 {
            return [24, 16, 8, 0].map { String(low >> $0 & 0xFF) }.joined(separator: ".")
        }
        var bytes = ByteBuffer()
        bytes.writeInteger(high)
        bytes.writeInteger(low)
        return (try? SocketAddress(packedIPAddress: bytes, port: 0))?.ipAddress ?? "unknown"
    }
}

/// Addresses that begin with the same bits: `10.0.0.0/8`, or a single one.
struct AddressRange: Hashable, Sendable {
    private var base: ClientAddress
    private var highMask: UInt64
    private var lowMask: UInt64

    /// Reads an address or a CIDR block. Nil for anything else.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = ClientAddress(parts[0]) else { return nil }
        var bits = 128
        if parts.count == 2 {
            let given = address.isIPv4 ? 0...32 : 0...128
            guard let length = Int(parts[1]), given.contains(length) else { return nil }
            bits = address.isIPv4 ? length + 96 : length
        }
        highMask = bits >= 64 ? .max : ~(.max >> UInt64(bits))
        lowMask = bits <= 64 ? 0 : ~(.max >> UInt64(bits - 64))
        if bits == 128 { lowMask = .max }
        base = address
        base.high &= highMask
        base.low &= lowMask
    }

    func contains(_ address: ClientAddress) -> Bool {
        address.high & highMask == base.high && address.low & lowMask == base.low
    }
}
