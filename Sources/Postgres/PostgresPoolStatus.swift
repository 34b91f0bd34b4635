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
    /// How often a caller had to wait for one, since the pool was made.
    public var waits: UInt64
    /// How long all of them waited, those that gave up included.
    public var waited: Duration

    /// A pool in the given state; by default an empty one.
    public init(
        open: Int = 0, idle: Int = 0, leased: Int = 0, waiting: Int = 0, waits: UInt64 = 0,
        waited: Duration = .zero
    ) {
        self.open = open
        self.idle = idle
        self.leased = leased
        self.waiting = waiting
        self.waits = waits
        self.waited = waited
    }
}
