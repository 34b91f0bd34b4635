import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// The request was cut off before its body was whole.
struct RequestCutShort: Error {}

/// Bounds how long a client may take to send a request, and ends connections so that the last
/// answer arrives. Hummingbird's own idle timeout starts anew with every byte, so it stops no
/// client that sends a byte a second.
///
/// It costs nothing on the usual path: a timer is set only when a read ends in the midst of a
/// request.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long a client may take.
    struct Times: Sendable {
        var head: TimeAmount
        var body: TimeAmount
        /// How long what a client still sends is thrown away after the last answer. Closed at once,
        /// the unread bytes would make the kernel reset the connection, and the answer could be
        /// lost.
        var linger: TimeAmount = .seconds(2)
    }

    private enum Reading {
        case nothing, head, body
    }

    private let times: Times
    private var reading = Reading.nothing
    private var partsSinceReadComplete = 0
    private var deadline: NIODeadline?
    private var alarm: Scheduled<Void>?
    /// Requests read, and not yet answered to the end.
    private var answersDue = 0
    private var answerHasBegun = false
    /// An answer says that it is the last.
    private var isLastAnswer = false
    /// How what came after the requests that are being answered will be refused.
    private var refusalDue: HTTPResponse.Status?
    /// The connection is ending: what comes is thrown away.
    private var isEnding = false

    init(times: Times) {
        self.times = times
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        alarm?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        alarm?.cancel()
        alarm = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isEnding else { return }
        partsSinceReadComplete += 1
        switch unwrapInboundIn(data) {
        case .head(let head):
            reading = .body
            answersDue += 1
            deadline = nil
            if head.headerFields[.expect]?.lowercased() == "100-continue", answersDue == 1 {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: break
        case .end:
            reading = .nothing
            deadline = nil
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isEnding {
            // Bytes came and made no part: they are the beginning of a head.
            if reading == .nothing, partsSinceReadComplete == 0 { reading = .head }
            if reading != .nothing, deadline == nil {
                deadline = context.eventLoop.now + (reading == .head ? times.head : times.body)
                setAlarm(context)
            }
        }
        partsSinceReadComplete = 0
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isEnding else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.status.kind != .informational { answerHasBegun = true }
            if head.headerFields[.connection]?.lowercased() == "close" { isLastAnswer = true }
            context.write(data, promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            answersDue -= 1
            answerHasBegun = false
            if isLastAnswer {
                context.writeAndFlush(data, promise: promise)
                end(context)
            } else {
                context.write(data, promise: promise)
                if let refusalDue, answersDue == 0 { refuse(refusalDue, context) }
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isEnding else { return }
        switch error {
        case HTTPParserError.headerOverflow: refuse(.requestHeaderFieldsTooLarge, context)
        case is HTTPParserError: refuse(.badRequest, context)
        default: context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isEnding, let event = event as? ChannelEvent, event == .inputClosed {
            context.close(promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }
}

extension ConnectionGuard {
    /// Sets the timer, unless it runs: when it fires, it looks whether the deadline is still the
    /// same.
    private func setAlarm(_ context: ChannelHandlerContext) {
        guard alarm == nil, let deadline else { return }
        alarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.alarm = nil
            self.alarmRang(context)
        }
    }

    private func alarmRang(_ context: ChannelHandlerContext) {
        guard let deadline, !isEnding else { return }
        guard deadline <= context.eventLoop.now else {
            setAlarm(context)
            return
        }
        refuse(.requestTimeout, context)
    }

    /// Answers instead of the server, if that can still be done, and ends the connection. Requests
    /// that came whole before are answered first.
    private func refuse(_ status: HTTPResponse.Status, _ context: ChannelHandlerContext) {
        if reading != .body, answersDue > 0 {
            refusalDue = status
            return
        }
        guard !answerHasBegun, answersDue <= 1 else {
            context.close(promise: nil)
            return
        }
        let problem = Problem(.blank(status))
        var answer = problem.response()
        answer.headers[.connection] = "close"
        var json = JSONWriter()
        problem.write(&json)
        context.write(wrapOutboundOut(.head(answer.head)), promise: nil)
        context.write(wrapOutboundOut(.body(json.buffer)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // A handler that waits for the rest of the body must not take what came for all of it.
        if reading == .body { context.fireErrorCaught(RequestCutShort()) }
        end(context)
    }

    /// Says that no more will be sent, and closes when the client has, or after a while.
    private func end(_ context: ChannelHandlerContext) {
        isEnding = true
        deadline = nil
        alarm?.cancel()
        context.close(mode: .output, promise: nil)
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: times.linger) {
            self.alarm = nil
            context.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}
