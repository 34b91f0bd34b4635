import NIOCore
import NIOHTTP1

/// What HTTP's versions ask of a request and its answer, seen before the version is lost: from 1.1 on exactly one Host
/// (RFC 9112, section 3.2), and before it a connection that ends with the answer.
final class VersionRules: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// Told to the handlers above: the next answer is the last.
    struct AnswerIsLast: Sendable {}

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            if (head.version.major, head.version.minor) < (1, 1) {
                context.fireUserInboundEventTriggered(AnswerIsLast())
            } else if head.headers["host"].count != 1 {
                context.fireErrorCaught(HTTPParserError.invalidHost)
                return
            }
        }
        context.fireChannelRead(data)
    }
}
