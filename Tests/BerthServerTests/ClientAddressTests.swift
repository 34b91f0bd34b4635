import Foundation
import HTTPTypes
import Testing

@testable import BerthServer

@Suite("Where a request comes from")
struct ClientAddressTests {
    private func client(
        _ peer: String, trusting proxies: [String], _ fields: [(String, String)]
    ) throws -> String? {
        var headers = HTTPFields()
        for (name, value) in fields {
            headers.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        return try TrustedProxies(proxies).client(of: headers, peer: ClientAddress(peer))?
            .description
    }

    @Test("Only a trusted proxy is believed, and only as far as trusted proxies reach")
    func forwarded() throws {
        let header = [("X-Forwarded-For", "1.2.3.4, 203.0.113.9, 10.0.0.2")]
        #expect(try client("198.51.100.1", trusting: [], header) == "198.51.100.1")
        #expect(try client("198.51.100.1", trusting: ["10.0.0.0/8"], header) == "198.51.100.1")
        #expect(try client("10.0.0.1", trusting: ["10.0.0.0/8"], header) == "203.0.113.9")
        #expect(try client("10.0.0.1", trusting: ["10.0.0.1"], header) == "10.0.0.2")
        // In several fields, which are one list.
        let fields = [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "203.0.113.9")]
        #expect(try client("10.0.0.1", trusting: ["10.0.0.1"], fields) == "203.0.113.9")
    }

    @Test("What is no address ends the chain, and the last proxy that is known stands for it")
    func broken() throws {
        for value in ["unknown", "", "203.0.113.9, _hidden", "1.2.3.4, 999.1.1.1"] {
            let header = [("X-Forwarded-For", value)]
            #expect(
                try client("10.0.0.1", trusting: ["10.0.0.1"], header) == "10.0.0.1", "\(value)")
        }
        #expect(try client("10.0.0.1", trusting: ["10.0.0.1"], []) == "10.0.0.1")
    }

    @Test(
        "Forwarded is read too, and never against X-Forwarded-For, which the client may not write")
    func rfc7239() throws {
        let forwarded = ("Forwarded", #"for=1.2.3.4, For="[2001:db8::7]:4711";proto=https"#)
        #expect(try client("::1", trusting: ["::1"], [forwarded]) == "2001:db8::7")
        let both = [forwarded, ("X-Forwarded-For", "203.0.113.9:5050")]
        #expect(try client("::1", trusting: ["::1"], both) == "203.0.113.9")
    }

    @Test("Blocks contain what begins with the same bits, IPv4 also inside IPv6")
    func blocks() throws {
        let ranges = [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"), ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("192.0.2.128/25", "192.0.2.200", "192.0.2.1"), ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("fd00::/8", "fdff::1", "fe00::1"), ("2001:db8::/64", "2001:db8::1", "2001:db8:0:1::1"),
            ("2001:db8::/65", "2001:db8::1", "2001:db8::8000:0:0:1"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
        ]
        for (text, inside, outside) in ranges {
            let range = try #require(AddressRange(text))
            let within = try #require(ClientAddress(inside))
            let beyond = try #require(ClientAddress(outside))
            #expect(range.contains(within), "\(text) \(inside)")
            #expect(!range.contains(beyond), "\(text) \(outside)")
        }
        for text in ["", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "berth.example.com", "10.0.0.0/x"]
        {
            #expect(throws: TrustedProxies.Fault.self) { try TrustedProxies([text]) }
        }
    }

    @Test("Ten failures are free, then one a second; a network of IPv6 is one address")
    func throttle() throws {
        let throttle = FailureThrottle()
        let start = Date(timeIntervalSince1970: 1_803_891_600)
        func failed(_ text: String, after seconds: Double = 0) -> FailureThrottle.Verdict {
            throttle.failed(ClientAddress(text), now: start.addingTimeInterval(seconds))
        }
        for host in 1...10 { #expect(failed("2001:db8::\(host)") == .heard) }
        #expect(failed("2001:db8::ffff") == .slowed(retryAfter: 1, inARow: 1))
        #expect(failed("2001:db8::1") == .slowed(retryAfter: 1, inARow: 2))
        #expect(failed("2001:db8:0:1::1") == .heard)
        #expect(throttle.isSlowed(ClientAddress("2001:db8::7"), now: start))
        #expect(failed("2001:db8::1", after: 1) == .heard)
        #expect(failed("2001:db8::1", after: 1) == .slowed(retryAfter: 1, inARow: 1))
        // A clock that is set back frees nothing, and locks nobody in.
        #expect(failed("2001:db8::1", after: -3600) == .slowed(retryAfter: 1, inARow: 2))
        #expect(failed("2001:db8::1", after: -3599) == .heard)
    }

    @Test("Of very many addresses the oldest are forgotten")
    func bounded() throws {
        let throttle = FailureThrottle(mostAddresses: 100)
        let now = Date(timeIntervalSince1970: 1_803_891_600)
        let first = ClientAddress("192.0.2.1")
        for _ in 0..<11 { _ = throttle.failed(first, now: now) }
        #expect(throttle.isSlowed(first, now: now))
        for host in 0..<49 { _ = throttle.failed(ClientAddress("10.0.0.\(host)"), now: now) }
        #expect(throttle.isSlowed(first, now: now))
        for host in 0..<150 { _ = throttle.failed(ClientAddress("10.0.1.\(host)"), now: now) }
        #expect(!throttle.isSlowed(first, now: now))
    }
}
