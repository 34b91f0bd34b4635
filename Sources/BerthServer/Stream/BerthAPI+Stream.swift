import BerthCore
import BerthDatabase
import Foundation
import HTTPTypes
import Hummingbird

extension BerthAPI {
    private static let mostCaughtUp = 1_000

    /// What changes from now on, or from a place that the caller saw before, as server-sent events.
    func getStream(_ call: Call) async throws -> Response {
        var query = call.query
        let asked = query.text("position")
        try query.finish()
        var place: StreamPosition?
        if let text = call.request.headers[.lastEventID] ?? asked {
            guard let read = StreamPosition(text) else {
                throw BerthError.invalid("position", "is not one that a timeline or a stream gave")
            }
            place = read
        }
        // A bearer token comes before a cookie, as it does where one is let in.
        let session =
            call.request.headers[.authorization] == nil
            ? doorkeeper.cookie.secret(in: call.request.headers) : nil
        let bearer = StreamBearer(token: call.caller.tokenID, session: session)
        guard let listener = try await stream.listen(bearer) else {
            throw BerthError.unavailable(retryAfterSeconds: 10)
        }
        guard call.request.method != .head else {
            await stream.leave(listener.id)
            return .stream { _ in }
        }
        return .stream { [place] writer in
            do {
                try await call.request.body.consumeWithCancellationOnInboundClose { _ in
                    try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
                    if let place { try await writer.write(caughtUp(after: place)) }
                    for await text in listener.events { try await writer.write(text) }
                }
            } catch {
                await stream.leave(listener.id)
                throw error
            }
            await stream.leave(listener.id)
            try await writer.finish(nil)
        }
    }

    /// What a caller missed; when that is too much, that it has to read everything again.
    private func caughtUp(after place: StreamPosition) async throws -> ByteBuffer {
        let events = try await database.describedEvents(
            after: place, limit: Self.mostCaughtUp)
        var text = ByteBuffer()
        guard events.count < Self.mostCaughtUp else {
            text.writeString("data: {\"kind\":\"reset\"}\n\n")
            return text
        }
        for event in events { event.write(&text) }
        return text
    }
}

extension Response {
    /// A stream of server-sent events, which nothing on the way may keep or gather.
    fileprivate static func stream(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/event-stream", .xAccelBuffering: "no"],
            body: ResponseBody(write))
    }
}
