/// What a listener hears.
public enum PostgresNotification: Sendable, Equatable {
    /// The connection is up, for the first time or again, or the reader fell behind: whatever was
    /// sent before may have been missed.
    case connected
    /// Someone notified a channel.
    case notification(channel: String, payload: String)
}
