/// How to reach the server, and the limits of everything that could grow or last.
public struct PostgresConfiguration: Sendable {
    /// Any connection string of libpq, as `key=value` pairs or as a URI; several hosts,
    /// `target_session_attrs`, TLS and service files included.
    public var connectionString: String
    /// What the server shows as the name of the application, unless the string says another.
    public var applicationName: String
    /// The most connections of the pool; a listener has one more of its own. Default 16.
    public var maxConnections = 16
    /// The most callers that may wait for a connection; the next one fails at once. Default 1024.
    public var maxWaiters = 1024
    /// How long a caller waits while no connection comes free for anybody. Default 1.5 s.
    public var acquireTimeout: Duration = .milliseconds(1500)
    /// How long a caller waits at most, in a line that moves. Default 10 s.
    public var acquireLimit: Duration = .seconds(10)
    /// How long a statement may take, from the call to its answer, unless it says otherwise.
    /// Default 5 s.
    public var queryTimeout: Duration = .seconds(5)
    /// How long connecting to one host may take, in whole seconds and at least 2, unless the
    /// string sets `connect_timeout`. Default 5 s.
    public var connectTimeout: Duration = .seconds(5)
    /// How long shutting down waits for connections that are in use. Default 10 s.
    public var shutdownTimeout: Duration = .seconds(10)
    /// The most prepared statements of one connection; 0 prepares none. Default 256.
    public var statementCacheSize = 256
    /// How long to wait after the first failed connect; each further failure doubles it.
    /// Default 50 ms.
    public var reconnectBackoffMinimum: Duration = .milliseconds(50)
    /// The longest wait between two attempts to connect. Default 2 s.
    public var reconnectBackoffMaximum: Duration = .seconds(2)
    /// Settings of every session, such as `("statement_timeout", "10s")`.
    public var sessionParameters: [(String, String)] = []

    /// The defaults, for a server.
    public init(connectionString: String, applicationName: String = "berth") {
        self.connectionString = connectionString
        self.applicationName = applicationName
    }

    /// When a caller gives up who has waited for a connection since `since`, if none comes free for anybody
    /// after `lastOffer`.
    func patience(
        since: ContinuousClock.Instant, lastOffer: ContinuousClock.Instant,
        deadline: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        min(deadline, max(since, lastOffer) + acquireTimeout)
    }
}
