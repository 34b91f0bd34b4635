import Hummingbird

/// What the server knows of a request beside what was sent.
struct BerthContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The other end of the connection; nil where that is no IP address.
    let peer: ClientAddress?
    /// Where the request comes from, by what the connection's end is and a trusted proxy says.
    var client: ClientAddress?
    /// What tells the request from all others, in answers and logs.
    var requestID = ""

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.channel.remoteAddress.flatMap(ClientAddress.init)
    }
}
