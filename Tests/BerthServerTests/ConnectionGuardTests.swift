import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Testing

@testable import BerthServer

@Suite("Slow and broken clients")
struct ConnectionGuardTests {
    private let channel: EmbeddedChannel
    private var loop: EmbeddedEventLoop { channel.embeddedEventLoop }

    init() throws {
        channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withErrorHandling: false)
        try channel.pipeline.syncOperations.addHandlers([
            HTTP1ToHTTPServerCodec(secure: false),
            ConnectionGuard(
                times: .init(head: .seconds(10), body: .seconds(30)),
                registry: ConnectionRegistry()),
        ])
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/test")).wait()
    }

    private func send(_ text: String) throws {
        try channel.writeInbound(ByteBuffer(string: text))
    }

    private func answer() throws -> String {
        var text = ""
        while let part = try channel.readOutbound(as: ByteBuffer.self) {
            text += String(buffer: part)
        }
        return text
    }

    /// Answers as the server would, from behind the guard.
    private func answerOK(connection: String? = nil) throws {
        var headers: HTTPFields = [.contentLength: "0"]
        headers[.connection] = connection
        try channel.writeOutbound(HTTPResponsePart.head(.init(status: .ok, headerFields: headers)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    @Test("A head sent a byte a second is cut off after its time, with 408")
    func slowHead() throws {
        for (second, byte) in "GET /livez HTTP/1.1\r\nHost: a\r\n".enumerated() {
            try send(String(byte))
            if second < 10 { #expect(try answer() == "") }
            loop.advanceTime(by: .seconds(1))
            if second == 10 { break }
        }
        #expect(try answer().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        loop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test("A slow second head on a connection kept alive is cut off too")
    func slowSecondHead() throws {
        try send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        try answerOK()
        #expect(try answer().hasPrefix("HTTP/1.1 200"))
        loop.advanceTime(by: .seconds(50))
        #expect(channel.isActive)
        try send("GET")
        loop.advanceTime(by: .seconds(9))
        #expect(try answer() == "")
        loop.advanceTime(by: .seconds(1))
        #expect(try answer().hasPrefix("HTTP/1.1 408"))
    }

    @Test(
        "A body sent a byte a second is cut off with 408, and is not taken for whole"
    )
    func slowBody() throws {
        try send("POST /v1/bookings HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        #expect(throws: RequestCutShort.self) {
            for _ in 0..<40 {
                try send("{")
                loop.advanceTime(by: .seconds(1))
                try channel.throwIfErrorCaught()
            }
        }
        #expect(try answer().hasPrefix("HTTP/1.1 408"))
        // The handler answers too late: what it writes goes nowhere.
        #expect(throws: ChannelError.self) { try answerOK() }
        #expect(try answer() == "")
    }

    @Test("Who sends in time is never cut off, however long the answer takes")
    func inTime() throws {
        try send("POST /v1/bookings HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
        loop.advanceTime(by: .seconds(29))
        try send("{}")
        loop.advanceTime(by: .hours(1))
        try answerOK()
        #expect(try answer().hasPrefix("HTTP/1.1 200"))
        #expect(channel.isActive)
    }

    @Test("The last answer is flushed, and the rest of the request thrown away, before the end")
    func lastAnswer() throws {
        try send(
            "POST /v1/bookings HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
        try answerOK(connection: "close")
        #expect(try answer().hasPrefix("HTTP/1.1 200"))
        try send("1\r\n{\r\n")
        loop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test("A head that is too large or broken is answered as a problem")
    func brokenHead() throws {
        try send("GET /livez HTTP/1.1\r\nHost: a\r\nbroken header\r\n\r\n")
        let text = try answer()
        #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(text.lowercased().contains("content-type: application/problem+json\r\n"))
        #expect(text.hasSuffix("}"))
    }

    @Test("What comes broken after a whole request does not take that request's answer")
    func brokenAfterWhole() throws {
        try send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\nbroken\r\n\r\n")
        #expect(try answer() == "")
        try answerOK()
        let statuses = try answer().split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
        #expect(statuses == ["200", "400"])
    }

    @Test("Who waits to be told to go on is told")
    func expectContinue() throws {
        try send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(try answer().hasPrefix("HTTP/1.1 100 Continue\r\n"))
        try send("{}")
        try answerOK()
        #expect(try answer().hasPrefix("HTTP/1.1 200"))
    }

    @Test("Who sends nothing at all is closed after ten seconds, without a word")
    func silent() throws {
        loop.advanceTime(by: .seconds(9))
        #expect(channel.isActive)
        loop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
        #expect(try answer() == "")
    }

    @Test("Who has sent something may be idle for longer")
    func idleAfterRequest() throws {
        try send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        try answerOK()
        loop.advanceTime(by: .seconds(60))
        #expect(channel.isActive)
    }

    @Test("A connection that is asked for its place gives it, unless a request has come meanwhile")
    func givesItsPlace() throws {
        try send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        channel.pipeline.fireUserInboundEventTriggered(ConnectionRegistry.PlaceIsWanted())
        #expect(channel.isActive)
        try answerOK()
        channel.pipeline.fireUserInboundEventTriggered(ConnectionRegistry.PlaceIsWanted())
        #expect(!channel.isActive)
    }
}
