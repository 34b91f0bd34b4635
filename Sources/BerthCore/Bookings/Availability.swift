import Foundation

/// When one environment is taken, by what, and when it is free.
public struct Availability: Sendable, Equatable {
    /// The environment.
    public var environment: String
    /// The start of the span.
    public var from: Date
    /// The end of the span.
    public var to: Date
    /// What would refuse an exclusive booking, each with its time.
    public var busy: [Conflict]
    /// The gaps between what blocks, buffers included.
    public var free: [Range<Date>]

    /// What was found.
    public init(
        environment: String, from: Date, to: Date, busy: [Conflict], free: [Range<Date>]
    ) {
        self.environment = environment
        self.from = from
        self.to = to
        self.busy = busy
        self.free = free
    }
}
