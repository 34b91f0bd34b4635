import Foundation
import ICalendar

/// What a calendar shows of a booking.
public struct FeedBooking: Sendable, Equatable {
    /// How people name it.
    public var reference: BookingReference
    /// Where it is in its life.
    public var state: Booking.State
    /// Their keys.
    public var environments: [String]
    /// When it begins.
    public var startsAt: Date
    /// Its end; where it was released, that instant.
    public var endsAt: Date
    /// What it is for.
    public var title: String
    /// The team's name.
    public var team: String
    /// Whom to ask.
    public var contact: String?
    /// Whether it shares.
    public var mode: Booking.Mode
    /// A reference into a ticket system.
    public var ticket: String?
    /// Anything else.
    public var notes: String?
    /// Who asked for it: a token's name.
    public var requestedBy: String
    /// Raised by each change.
    public var version: Int
    /// When it was made.
    public var createdAt: Date
    /// When it was changed last.
    public var updatedAt: Date
    /// The start that the rule gave it; nil when it is of no series.
    public var recurrenceID: Date?

    /// A booking as a calendar shows it.
    public init(
        reference: BookingReference, state: Booking.State, environments: [String], startsAt: Date,
        endsAt: Date, title: String, team: String, contact: String?, mode: Booking.Mode,
        ticket: String?, notes: String?, requestedBy: String, version: Int, createdAt: Date,
        updatedAt: Date, recurrenceID: Date?
    ) {
        self.reference = reference
        self.state = state
        self.environments = environments
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.title = title
        self.team = team
        self.contact = contact
        self.mode = mode
        self.ticket = ticket
        self.notes = notes
        self.requestedBy = requestedBy
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.recurrenceID = recurrenceID
    }

    /// Whether it no longer takes any time.
    public var isCancelled: Bool { status == .cancelled }

    var status: CalendarEntry.Status {
        switch state {
        case .requested, .waitlisted: .tentative
        case .confirmed, .active, .completed: .confirmed
        case .rejected, .cancelled, .expired, .displaced: .cancelled
        }
    }
}
