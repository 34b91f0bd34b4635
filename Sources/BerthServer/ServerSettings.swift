import BerthCore

/// Where the server listens, and what it bears.
public struct ServerSettings: Sendable {
    /// The address to listen on.
    public var host: String
    /// The port; 0 takes a free one.
    public var port: Int
    /// The most connections at once. One more takes the place of the one that has waited longest for a
    /// request.
    public var connections = 4096
    /// How many more there may be when each of those is being answered: on them only health is.
    public var reservedConnections = 32
    /// The most connections from one address, or one /64 network of IPv6; 0: no bound. One more takes
    /// the place of the address' own that has waited longest. Trusted proxies have no bound.
    public var connectionsPerAddress = Limits.connectionsPerAddress
    /// The proxies that are believed about where a request comes from.
    public var trustedProxies = TrustedProxies()
    /// How many connections the kernel may keep waiting.
    public var backlog = 1024
    /// How long a connection may be silent; longer than a request may ask to wait for a change.
    public var idleTime: Duration = .seconds(Limits.preferredWaitSeconds + 30)
    /// How long a new connection may send nothing.
    public var silentTime: Duration = .seconds(10)
    /// How long a client may take none of an answer.
    public var stallTime: Duration = .seconds(60)
    /// How long the head of a request may take, from its first byte.
    public var headTime: Duration = .seconds(10)
    /// How long the rest of a request may take.
    public var bodyTime: Duration = .seconds(30)
    /// Where people reach Berth, such as `https://berth.example.com`: links in calendars begin with it. Nil: the
    /// address that it listens on.
    public var publicURL: String?
    /// The commit that the program was built from, for `/metrics`.
    public var revision = "unknown"
    /// What GitHub signs its deliveries with; nil: none is taken.
    public var githubSecret: String?
    /// The most bytes of a request's head.
    public var headBytes = 32 * 1024
    /// The most fields of a request's head.
    public var headFields = 100

    /// Settings with the usual limits.
    public init(host: String = "127.0.0.1", port: Int = 8080) {
        self.host = host
        self.port = port
    }
}
