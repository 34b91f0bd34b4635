import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The request was cut off before its body was whole.
struct RequestCutShort: Error {}

/// Bounds how long a client may take to send a request, and ends connections so that the last
/// answer arrives. Hummingbird's own idle timeout starts anew with every byte, so it stops no
/// client that sends a byte a second.
///
/// It costs little on the usual path: one timer a connection, and another only when a read ends in
/// the midst of a request.
///
/// It also tells the registry of connections whether this one waits for a request, and gives its place
/// to another when it is asked to.
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
        /// How long a new connection may send nothing at all.
        var silence: TimeAmount = .seconds(10)
        /// How long a client may take none of an answer.
        var stall: TimeAmount = .seconds(60)
    }

    private enum Reading {
        case nothing, head, body
    }

    private let times: Times
    private let registry: ConnectionRegistry
    /// Its place among the connections.
    private var place: Int?
    /// Nothing has been sent yet.
    private var isSilent = true
    private var reading = Reading.nothing
    private var partsSinceReadComplete = 0
    private var deadline: NIODeadline?
    private var alarm: Scheduled<Void>?
    private var alarmTime = NIODeadline.distantFuture
    /// Requests read, and not yet answered to the end.
    private var answersDue = 0
    private var answerHasBegun = false
    /// An answer says that it is the last.
    private var isLastAnswer = false
    /// The client speaks a version whose connections end with the answer.
    private var closesAfterAnswer = false
    /// How what came after the requests that are being answered will be refused.
    private var refusalDue: Problem?
    /// The connection is ending: what comes is thrown away.
    private var isEnding = false
    private var stallAlarm: Scheduled<Void>?

    init(times: Times, registry: ConnectionRegistry) {
        self.times = times
        self.registry = registry
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        if let codec = try? pipeline.handler(type: HTTP1ToHTTPServerCodec.self) {
            try? pipeline.addHandler(VersionRules(), position: .before(codec))
        }
        if context.channel.isActive { enter(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    func channelActive(context: ChannelHandlerContext) {
        enter(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallAlarm?.cancel()
        stallAlarm = nil
        if !context.channel.isWritable {
            stallAlarm = context.eventLoop.assumeIsolated().scheduleTask(in: times.stall) {
                context.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isEnding else { return }
        partsSinceReadComplete += 1
        switch unwrapInboundIn(data) {
        case .head(let head):
            reading = .body
            answersDue += 1
            deadline = nil
            if answersDue == 1, let place, !registry.began(place), !Routes.isHealth(head.path) {
                refuse(Problem.full, context, handlerWaits: false)
                return
            }
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
            if isSilent {
                isSilent = false
                deadline = nil
            }
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
            guard closesAfterAnswer, head.status.kind != .informational else {
                if head.headerFields[.connection]?.lowercased() == "close" { isLastAnswer = true }
                context.write(data, promise: promise)
                return
            }
            isLastAnswer = true
            var last = head
            last.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(last)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            answersDue -= 1
            answerHasBegun = false
            if answersDue == 0, let place { registry.ended(place) }
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
        case HTTPParserError.headerOverflow:
            refuse(Problem(.blank(.requestHeaderFieldsTooLarge)), context)
        case HTTPParserError.invalidHost:
            refuse(Problem(.blank(.badRequest), "send one Host (RFC 9112, section 3.2)"), context)
        case is HTTPParserError: refuse(Problem(.blank(.badRequest)), context)
        default: context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is VersionRules.AnswerIsLast {
            closesAfterAnswer = true
            return
        }
        if event is ConnectionRegistry.PlaceIsWanted {
            if answersDue == 0, !isEnding { context.close(promise: nil) }
            return
        }
        if isEnding, let event = event as? ChannelEvent, event == .inputClosed {
            context.close(promise: nil)
            return
        }
        context.fireUserInboundEventTriggered(event)
    }
}

extension ConnectionGuard {
    private func enter(_ context: ChannelHandlerContext) {
        let address = context.channel.remoteAddress.flatMap(ClientAddress.init)
        place = registry.admit(context.channel, from: address)
        guard place != nil else {
            isEnding = true
            context.close(promise: nil)
            return
        }
        deadline = context.eventLoop.now + times.silence
        setAlarm(context)
    }

    private func leave() {
        alarm?.cancel()
        alarm = nil
        stallAlarm?.cancel()
        stallAlarm = nil
        if let place { registry.left(place) }
        place = nil
    }

    /// Sets the timer, unless it rings in time: when it does, it looks whether the deadline is still
    /// the same.
    private func setAlarm(_ context: ChannelHandlerContext) {
        guard let deadline, alarm == nil || deadline < alarmTime else { return }
        alarm?.cancel()
        alarmTime = deadline
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
        if isSilent {
            context.close(promise: nil)
        } else {
            refuse(Problem(.blank(.requestTimeout)), context)
        }
    }

    /// Answers instead of the server, if that can still be done, and ends the connection. Requests
    /// that came whole before are answered first.
    private func refuse(
        _ problem: Problem, _ context: ChannelHandlerContext, handlerWaits: Bool = true
    ) {
        if reading != .body, answersDue > 0 {
            refusalDue = problem
            return
        }
        guard !answerHasBegun, answersDue <= 1 else {
            context.close(promise: nil)
            return
        }
        var answer = problem.response()
        answer.headers[.connection] = "close"
        var json = JSONWriter()
        problem.write(&json)
        context.write(wrapOutboundOut(.head(answer.head)), promise: nil)
        context.write(wrapOutboundOut(.body(json.buffer)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // A handler that waits for the rest of the body must not take what came for all of it.
        if handlerWaits, reading == .body { context.fireErrorCaught(RequestCutShort()) }
        end(context)
    }

    /// Says that no more will be sent, and closes when the client has, or after a while.
    private func end(_ context: ChannelHandlerContext) {
        isEnding = true
        if answersDue > 0, let place { registry.ended(place) }
        answersDue = 0
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
