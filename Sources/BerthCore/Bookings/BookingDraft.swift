import Foundation

/// What is asked for when a booking is made, or what it is to be after an edit.
public struct BookingDraft: Sendable, Equatable {
    /// Keys, without repetition.
    public var environments: [String]
    /// Its first instant.
    public var startsAt: Date
    /// The first instant that is no longer part of it.
    public var endsAt: Date
    /// Nil: the first environment's.
    public var timeZone: String?
    /// What it is for.
    public var title: String
    /// The team's name.
    public var team: String
    /// How to reach who asked for it.
    public var contact: String?
    /// How it uses what it books.
    public var mode: Booking.Mode
    /// A ticket elsewhere that it belongs to.
    public var ticket: String?
    /// Anything else worth saying.
    public var notes: String?
    /// Free pairs of key and value, to select by.
    public var labels: [String: String]
    /// Its place where not all can be served.
    public var priority: Booking.Priority
    /// How it is to be made; an edit has none of these.
    public var options = BookingOptions()

    /// A draft with the defaults of all that may be left out.
    public init(
        environments: [String], startsAt: Date, endsAt: Date, timeZone: String? = nil,
        title: String, team: String, contact: String? = nil, mode: Booking.Mode = .exclusive,
        ticket: String? = nil, notes: String? = nil, labels: [String: String] = [:],
        priority: Booking.Priority = .normal
    ) {
        self.environments = environments
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.timeZone = timeZone
        self.title = title
        self.team = team
        self.contact = contact
        self.mode = mode
        self.ticket = ticket
        self.notes = notes
        self.labels = labels
        self.priority = priority
    }

    /// What a booking is now: the start of an edit.
    public init(_ booking: Booking) {
        self.init(
            environments: booking.environments, startsAt: booking.startsAt, endsAt: booking.endsAt,
            timeZone: booking.timeZone, title: booking.title, team: booking.team,
            contact: booking.contact, mode: booking.mode, ticket: booking.ticket,
            notes: booking.notes, labels: booking.labels, priority: booking.priority)
    }
}
