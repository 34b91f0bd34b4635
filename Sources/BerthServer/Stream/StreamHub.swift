import BerthCore
import BerthDatabase
import Foundation
import Logging
import NIOCore
import ServiceLifecycle

/// Tells everybody who listens what changed. One reader a server asks the database, as long as anybody listens; each
/// event is written once, and the same bytes go to all.
public actor StreamHub: Service {
    /// Who listens, and what is still to be sent to them. Who takes nothing for so many events is cut off, and asks again.
    struct Listener: Sendable {
        let id: Int
        let events: AsyncStream<ByteBuffer>
    }

    private static let mostWaiting = 64
    private static let mostTogether = 1_000
    private static let betweenLooks: Duration = .milliseconds(200)
    private static let looksBetweenBeats = 75
    private static let looksBetweenReviews = 4
    /// A comment (HTML Living Standard, server-sent events): it finds listeners that are gone.
    static let heartbeat = ByteBuffer(string: ": \n\n")

    private let database: BerthDatabase
    private let logger: Logger
    private let clock: @Sendable () -> Date
    private var listeners:
        [Int: (bearer: StreamBearer, sink: AsyncStream<ByteBuffer>.Continuation)] = [:]
    private var newest = 0
    /// How far all is told; nil while nobody listens.
    private var place: StreamPosition?
    private var isClosed = false

    /// A hub over a database. It tells nothing until it is run.
    public init(
        database: BerthDatabase, clock: @escaping @Sendable () -> Date = { Date() }, logger: Logger
    ) {
        self.database = database
        self.clock = clock
        self.logger = logger
    }

    /// How many listen.
    var count: Int { listeners.count }

    /// Takes one more listener, who hears of all that is not to be seen yet. Nil when there are too many, of all or of
    /// this token, and when the server stops.
    func listen(_ bearer: StreamBearer) async throws -> Listener? {
        let ofToken = listeners.values.count { $0.bearer.token == bearer.token }
        guard !isClosed, listeners.count < Limits.streams, ofToken < Limits.streamsPerToken
        else { return nil }
        newest += 1
        let id = newest
        let (events, sink) = AsyncStream.makeStream(
            of: ByteBuffer.self, bufferingPolicy: .bufferingOldest(Self.mostWaiting))
        listeners[id] = (bearer, sink)
        if place == nil {
            do {
                let present = try await database.streamPosition()
                place = place ?? present
            } catch {
                leave(id)
                throw error
            }
        }
        return Listener(id: id, events: events)
    }

    /// Lets a listener go.
    func leave(_ id: Int) {
        listeners.removeValue(forKey: id)?.sink.finish()
    }

    /// Reads what changed and tells it, until the server stops; then ends all streams.
    public func run() async {
        await cancelWhenGracefulShutdown { await self.tellUntilCancelled() }
        isClosed = true
        for id in listeners.keys { leave(id) }
    }

    private func tellUntilCancelled() async {
        var looks = 0
        while !Task.isCancelled {
            looks += 1
            if listeners.isEmpty { place = nil }
            do {
                try await tell()
                if looks.isMultiple(of: Self.looksBetweenReviews) { try await endWhatEnded() }
            } catch {
                logger.debug("the stream waits for the database", metadata: ["error": "\(error)"])
            }
            if looks.isMultiple(of: Self.looksBetweenBeats) { send(Self.heartbeat) }
            try? await Task.sleep(for: Self.betweenLooks)
        }
    }

    /// Ends the streams of whose token was revoked or who signed out, here or on another server.
    private func endWhatEnded() async throws {
        guard !listeners.isEmpty else { return }
        let ids = Array(listeners.keys)
        let ended = try await database.ended(ids.compactMap { listeners[$0]?.bearer }, now: clock())
        for index in ended { leave(ids[index]) }
    }

    /// Tells what came since it was told last.
    private func tell() async throws {
        while let place {
            let events = try await database.describedEvents(
                after: place, limit: Self.mostTogether)
            guard let last = events.last else { return }
            var text = ByteBuffer()
            for event in events { event.write(&text) }
            send(text)
            self.place = last.position
            if events.count < Self.mostTogether { return }
        }
    }

    private func send(_ text: ByteBuffer) {
        for (id, listener) in listeners {
            if case .dropped = listener.sink.yield(text) { leave(id) }
        }
    }
}
