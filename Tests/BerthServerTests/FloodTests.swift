import BerthTestSupport
import Testing

@testable import BerthServer

@Suite("Floods of connections", .gated)
struct FloodTests {
    /// Occupies a place with a request that is under way: its body does not come.
    private func busy(_ server: TestHTTPServer) async throws -> RawClient {
        let client = try await server.connect()
        try await client.send(
            "POST /v1/bookings HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(server.token)\r\n"
                + "Content-Type: application/json\r\nContent-Length: 9\r\n"
                + "Expect: 100-continue\r\n\r\n")
        #expect(await client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
        return client
    }

    @Test("Sockets that send nothing shut nobody out, however many there are")
    func idleFlood() async throws {
        try await TestHTTPServer.with {
            $0.connections = 8
            $0.connectionsPerAddress = 0
        } _: { server in
            var sockets: [RawClient] = []
            for _ in 0..<60 { sockets.append(try await server.connect()) }
            #expect(try await server.get("/livez").hasPrefix("HTTP/1.1 200"))
            let me = try await server.get("/v1/me", "Authorization: Bearer \(server.token)")
            #expect(me.hasPrefix("HTTP/1.1 200"))
            let client = try await server.connect()
            try await client.get("/metrics")
            let metrics = await client.until { $0.contains("\"refused\"} 0\n") }
            #expect(metrics.contains("berth_http_connections{state=\"busy\"} 1\n"))
            for socket in sockets { socket.close() }
        }
    }

    @Test("When it is full, the connection that has waited longest for a request gives its place")
    func oldestFirst() async throws {
        try await TestHTTPServer.with {
            $0.connections = 4
            $0.connectionsPerAddress = 0
        } _: { server in
            var clients: [RawClient] = []
            for _ in 0..<4 {
                let client = try await server.connect()
                try await client.get("/livez")
                #expect(await client.answer().hasPrefix("HTTP/1.1 200"))
                clients.append(client)
            }
            // The first asks again: now the second has waited longest.
            try await clients[0].get("/livez")
            #expect(await clients[0].answer().hasPrefix("HTTP/1.1 200"))
            let late = try await server.connect()
            try await clients[1].closed()
            for client in [clients[0], clients[2], clients[3], late] {
                try await client.get("/livez")
                #expect(await client.answer().hasPrefix("HTTP/1.1 200"))
                client.close()
            }
        }
    }

    @Test("One address takes no more than its share, and a trusted proxy takes what it needs")
    func perAddress() async throws {
        try await TestHTTPServer.with {
            $0.connectionsPerAddress = 2
        } _: { server in
            let first = try await busy(server)
            let second = try await server.connect()
            try await second.get("/livez")
            #expect(await second.answer().hasPrefix("HTTP/1.1 200"))
            let third = try await busy(server)
            try await second.closed()
            // Neither can give its place.
            let fourth = try await server.connect()
            try await fourth.closed()
            first.close()
            third.close()
        }
        try await TestHTTPServer.with {
            $0.connectionsPerAddress = 2
            $0.trustedProxies = (try? TrustedProxies(["127.0.0.0/8"])) ?? TrustedProxies()
        } _: { server in
            var clients: [RawClient] = []
            for _ in 0..<5 { clients.append(try await server.connect()) }
            for client in clients {
                try await client.get("/livez")
                #expect(await client.answer().hasPrefix("HTTP/1.1 200"))
                client.close()
            }
        }
    }

    @Test("When every connection is being answered, health still is, and all else is told to wait")
    func reserve() async throws {
        try await TestHTTPServer.with {
            $0.connections = 2
            $0.connectionsPerAddress = 0
        } _: { server in
            let occupied = [try await busy(server), try await busy(server)]
            let other = try await server.connect()
            try await other.get("/v1/me", ["Authorization: Bearer \(server.token)"])
            let answer = await other.answer()
            #expect(answer.hasPrefix("HTTP/1.1 503"))
            #expect(answer.lowercased().contains("retry-after: 1\r\n"))
            #expect(answer.lowercased().contains("connection: close\r\n"))
            #expect(answer.contains("/problems/unavailable"))
            try await other.closed()
            #expect(try await server.get("/livez").hasPrefix("HTTP/1.1 200"))
            #expect(try await server.get("/readyz?x=1").hasPrefix("HTTP/1.1 200"))
            for client in occupied { client.close() }
        }
    }

    @Test("A connection that sends nothing is closed after its time")
    func silent() async throws {
        try await TestHTTPServer.with {
            $0.silentTime = .milliseconds(100)
        } _: { server in
            try await server.connect().closed()
        }
    }
}
