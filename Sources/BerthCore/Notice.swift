import Foundation

/// A word to a team or a person about something that concerns them.
public struct Notice: Sendable, Equatable {
    /// Its number.
    public var id: Int64
    /// When it happened.
    public var at: Date
    /// What happened, such as `booking.approved`.
    public var kind: String
    /// The reference of what it happened to.
    public var subject: String
    /// What happened, for people.
    public var text: String
    /// When somebody it concerns marked it as read.
    public var readAt: Date?

    /// A notice as recorded.
    public init(id: Int64, at: Date, kind: String, subject: String, text: String, readAt: Date?) {
        self.id = id
        self.at = at
        self.kind = kind
        self.subject = subject
        self.text = text
        self.readAt = readAt
    }
}
