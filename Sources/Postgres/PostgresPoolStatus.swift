/// How busy a client's pool is at one moment.
public struct PostgresPoolStatus: Sendable, Equatable {
    /// The connections there are, listeners not counted.
    public var open: Int
    /// Those that nobody uses.
    public var idle: Int
    /// Those that someone uses.
    public var leased: Int
    /// The callers that wait for one.
    public var waiting: Int

    /// A pool in the given state; by default an empty one.
    public init(open: Int = 0, idle: Int = 0, leased: Int = 0, waiting: Int = 0) {
        self.open = open
        self.idle = idle
        self.leased = leased
        self.waiting = waiting
    }
}
