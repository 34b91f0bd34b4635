import BerthCore
import BerthTestSupport
import Foundation
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import BerthServer

@Suite("The server on a socket", .gated)
struct ServerTests {
    /// Runs the whole server with short times on a free port.
    private func withServer(
        _ body: @escaping @Sendable (_ port: Int, _ token: String) async throws -> Void
    ) async throws {
        try await TestHTTPServer.with {
            $0.headTime = .milliseconds(300)
            $0.bodyTime = .milliseconds(300)
        } _: {
            try await body($0.port, $0.token)
        }
    }

    /// Sends the chunks, as far as the server takes them, and gives all that it answers until it
    /// closes.
    private func exchange(_ chunks: [String], port: Int) async throws -> String {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            for chunk in chunks {
                do {
                    try await outbound.write(ByteBuffer(string: chunk))
                } catch {
                    break
                }
            }
            var text = ""
            for try await part in inbound { text += String(buffer: part) }
            return text
        }
    }

    @Test("A body of 2 MB is refused with 413, announced or in chunks, and the answer arrives")
    func tooLarge() async throws {
        try await withServer { port, token in
            let head =
                "POST /v1/bookings HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
                + "Content-Type: application/json\r\n"
            let piece = String(repeating: "a", count: 1 << 16)
            let announced = try await exchange(
                [head + "Content-Length: \(2 << 20)\r\n\r\n"] + Array(repeating: piece, count: 32),
                port: port)
            #expect(announced.hasPrefix("HTTP/1.1 413"))
            #expect(announced.contains("/problems/too-large"))
            let chunk = "10000\r\n\(piece)\r\n"
            let chunked = try await exchange(
                [head + "Transfer-Encoding: chunked\r\n\r\n"] + Array(repeating: chunk, count: 32),
                port: port)
            #expect(chunked.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test("Slow heads and slow bodies are cut off with 408")
    func slow() async throws {
        try await withServer { port, token in
            let head = try await exchange(["GET /livez HT"], port: port)
            #expect(head.hasPrefix("HTTP/1.1 408"))
            let body = try await exchange(
                [
                    "POST /v1/bookings HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
                        + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
                ], port: port)
            #expect(body.hasPrefix("HTTP/1.1 408"))
        }
    }

    @Test("Requests in a row on one connection are answered in a row")
    func keepAlive() async throws {
        try await withServer { port, token in
            let me = "GET /v1/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
            let answers = try await exchange(
                [
                    "HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS /v1/me HTTP/1.1\r\nHost: a\r\n\r\n",
                    "PUT /v1/me HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
                    me + "\r\nbroken\r\n\r\n",
                ], port: port)
            let statuses = answers.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
            #expect(statuses == ["200", "204", "405", "200", "400"])
        }
    }
}
