import Foundation

/// What is asked for when a booking is made, or what it is to be after an edit.
public struct BookingDraft: Sendable, Equatable {
    /// Keys, without repetition.
    public var environments: [String]
    public var startsAt: Date
    public var endsAt: Date
    /// Nil: the first environment's.
    public var timeZone: String?
    public var title: String
    public var team: String
    public var contact: String?
    public var mode: Booking.Mode
    public var ticket: String?
    public var notes: String?
    public var labels: [String: String]
    public var priority: Booking.Priority

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
