import BerthCore
import BerthTestSupport
import Foundation
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import BerthServer

/// The whole server on a free port, over a database of the test's own.
struct TestHTTPServer: Sendable {
    let port: Int
    /// A booker's.
    let token: String
    let securityLog: CapturedLog
    let database: TestDatabase

    /// Runs a test against the server, with other settings than the usual.
    static func with(
        _ adjust: (inout ServerSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (TestHTTPServer) async throws -> Void
    ) async throws {
        var settings = ServerSettings(port: 0)
        adjust(&settings)
        try await TestDatabase.with { [settings] database in
            let token = try await database.berth.createToken(
                TokenDraft(name: "tess", role: .booker, team: "crm"), by: TestDatabase.admin,
                now: TestDatabase.now
            ).bearer
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let captured = CapturedLog()
            let (ports, port) = AsyncStream.makeStream(of: Int.self)
            let stream = StreamHub(
                database: database.berth, clock: { TestDatabase.now }, logger: logger)
            let application = buildApplication(
                database: database.berth, settings: settings, contract: "",
                clock: { TestDatabase.now }, stream: stream, logger: logger,
                securityLogger: captured.logger,
                onRunning: { port.yield($0) })
            try await withThrowingTaskGroup { group in
                group.addTask { try await application.run() }
                group.addTask { await stream.run() }
                if let port = await ports.first(where: { _ in true }) {
                    try await body(
                        TestHTTPServer(
                            port: port, token: token, securityLog: captured, database: database))
                }
                group.cancelAll()
            }
        }
    }

    func connect() async throws -> RawClient {
        try await RawClient(port: port)
    }

    /// Sends a GET on a connection of its own, and gives the whole answer.
    func get(_ path: String, _ fields: String...) async throws -> String {
        let client = try await connect()
        try await client.get(path, fields)
        let answer = await client.answer()
        client.close()
        return answer
    }
}

/// A socket, and what came over it.
final class RawClient: Sendable {
    private let channel: any Channel
    private let pieces: AsyncStream<String>

    /// Connects.
    init(port: Int) async throws {
        let (pieces, piece) = AsyncStream.makeStream(of: String.self)
        self.pieces = pieces
        channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(piece: piece))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    func get(_ path: String, _ fields: [String] = []) async throws {
        let lines = ["GET \(path) HTTP/1.1", "Host: berth"] + fields + ["", ""]
        try await send(lines.joined(separator: "\r\n"))
    }

    /// What comes until it ends so; all of it when the connection closes before.
    func receive(until ending: String) async -> String {
        var text = ""
        for await piece in pieces {
            text += piece
            if text.hasSuffix(ending) { break }
        }
        return text
    }

    /// What comes until it has what is looked for; all of it when the connection closes before.
    @discardableResult
    func until(_ isThere: (String) -> Bool) async -> String {
        var text = ""
        for await piece in pieces {
            text += piece
            if isThere(text) { break }
        }
        return text
    }

    /// An answer in JSON, or a part of one when the connection closes before.
    func answer() async -> String {
        await receive(until: "}")
    }

    /// Waits until the server has closed the connection.
    func closed() async throws {
        try await channel.closeFuture.get()
    }

    func close() {
        channel.close(promise: nil)
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let piece: AsyncStream<String>.Continuation

        init(piece: AsyncStream<String>.Continuation) {
            self.piece = piece
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            piece.yield(String(buffer: unwrapInboundIn(data)))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            piece.finish()
        }
    }
}
