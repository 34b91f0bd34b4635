import Foundation

/// What makes one slot better than another, the better one smaller: decision 12. Bookings that leave
/// the choice of environments to Berth take the first by this order.
public struct SlotRank: Sendable, Equatable, Comparable {
    /// When it starts: the sooner, the better.
    public var startsAt: Date
    /// How many of its environments are degraded.
    public var degraded: Int
    /// In how many places it keeps others out: users of shared parts, and what contains its environments.
    public var places: Int
    /// When its gap ends; nil: not in the span looked at. A gap that ends sooner is of less use to others.
    public var freeUntil: Date?
    /// The environments' keys, so that no two slots are equally good.
    public var keys: [String]

    /// What counts of a slot.
    public init(startsAt: Date, degraded: Int, places: Int, freeUntil: Date?, keys: [String]) {
        self.startsAt = startsAt
        self.degraded = degraded
        self.places = places
        self.freeUntil = freeUntil
        self.keys = keys
    }

    /// The order of slots.
    public static func < (one: SlotRank, other: SlotRank) -> Bool {
        if one.startsAt != other.startsAt { return one.startsAt < other.startsAt }
        if one.degraded != other.degraded { return one.degraded < other.degraded }
        if one.places != other.places { return one.places < other.places }
        if one.freeUntil != other.freeUntil {
            return (one.freeUntil ?? .distantFuture) < (other.freeUntil ?? .distantFuture)
        }
        return one.keys.lexicographicallyPrecedes(other.keys)
    }
}
