import Foundation

/// The right to one feed, as recorded: everything but its secret.
public struct FeedToken: Sendable, Equatable {
    /// Its number in the database.
    public var id: Int64
    /// The feed that it opens, and no other.
    public var feed: Feed
    /// It shows only that something is taken.
    public var isBusyOnly: Bool
    /// Who made it: a token's name.
    public var owner: String
    /// When it was made.
    public var createdAt: Date

    /// A token as recorded.
    public init(id: Int64, feed: Feed, isBusyOnly: Bool, owner: String, createdAt: Date) {
        self.id = id
        self.feed = feed
        self.isBusyOnly = isBusyOnly
        self.owner = owner
        self.createdAt = createdAt
    }
}
