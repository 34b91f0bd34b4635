import BerthTestSupport
import Foundation
import Testing

@Suite("Hostile input", .gated)
struct HostileInputTests {
    @Test("A client that sends its head a byte a second is cut off after 10 s, others are served")
    func slowHead() async throws {
        try await Server.onDatabase { server, _ in
            let port = server.port
            async let cut = onThread { () -> (Duration, Answer) in
                // Each attempt to receive gives up after a second; then another byte is sent.
                let connection = try Connection(port: port, timeout: 1)
                let begun = ContinuousClock.now
                for byte in "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: aaaaaa".utf8 {
                    try connection.send([byte])
                    do {
                        let answer = try connection.receive()
                        return (ContinuousClock.now - begun, answer)
                    } catch is Connection.Lost where !connection.isClosed {
                        continue
                    }
                }
                throw Failure("never cut off")
            }
            for _ in 1...5 {
                #expect(try await server.answer(to: .get("/livez")).status == 200)
            }
            let (time, answer) = try await cut
            #expect(answer.status == 408)
            #expect(answer.type != nil)
            #expect(time > .seconds(9) && time < .seconds(14), "\(time)")
        }
    }

    @Test(
        "Without a Host or with two a request is 400; HTTP/1.0 is answered without one, and closed")
    func versions() async throws {
        try await Server.onDatabase { server, _ in
            let port = server.port
            for (request, status) in [
                ("GET /livez HTTP/1.1\r\n\r\n", 400),
                ("GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
                ("GET /livez HTTP/1.0\r\n\r\n", 200),
                ("GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200),
            ] {
                let answer = try await onThread { () -> Answer in
                    let connection = try Connection(port: port)
                    try connection.send(request.utf8)
                    return try connection.receive()
                }
                #expect(answer.status == status, "\(request)")
                #expect(answer.headers["connection"] == "close", "\(request)")
            }
        }
    }

    @Test("2 MB bodies are answered 413, with a length and in chunks, and JSON 10,000 deep 400")
    func tooMuch() async throws {
        try await Server.onDatabase { server, _ in
            let (port, token) = (server.port, server.token)
            let large = #"{"title":""# + String(repeating: "x", count: 2_000_000) + #""}"#
            let whole = try await server.post("/v1/bookings", large)
            #expect(whole.status == 413)
            #expect(whole.headers["content-type"] == "application/problem+json")
            let chunked = try await onThread { () -> Answer in
                let connection = try Connection(port: port)
                try connection.send(
                    """
                    POST /v1/bookings HTTP/1.1\r\nHost: localhost\r
                    Authorization: Bearer \(token)\r
                    Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n
                    """.utf8)
                let chunk = "10000\r\n" + String(repeating: " ", count: 65_536) + "\r\n"
                do {
                    for _ in 1...32 { try connection.send(chunk.utf8) }
                    try connection.send("0\r\n\r\n".utf8)
                } catch is Connection.Lost {
                    // It may have heard enough; the answer is there all the same.
                }
                return try connection.receive()
            }
            #expect(chunked.status == 413)
            for open in ["[", #"{"a":"#] {
                let deep = try await server.post(
                    "/v1/bookings", String(repeating: open, count: 10_000))
                #expect(deep.status == 400, "\(deep.text)")
            }
            #expect(try await server.isReady())
        }
    }
}
