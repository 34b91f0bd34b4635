import Foundation
import ICalendar

/// Moves many bookings by days: a release that slipped.
public struct BookingShift: Sendable, Equatable {
    /// Days later; negative: earlier.
    public var days: Int
    /// Bookings with all these labels; empty: any.
    public var labels: [String: String]
    /// Just these; empty: any.
    public var references: [BookingReference]
    /// Of these teams' bookings only; nil: any.
    public var team: String?

    /// Which bookings, and by how much.
    public init(
        days: Int, labels: [String: String] = [:], references: [BookingReference] = [],
        team: String? = nil
    ) {
        self.days = days
        self.labels = labels
        self.references = references
        self.team = team
    }
}

/// What an edit of one occurrence means for the others of its series: each is moved by as much on the clock of
/// its zone, and lasts as long on that clock.
public struct OccurrenceShift: Sendable {
    private let startSeconds: Int
    private let endSeconds: Int

    /// What moved an occurrence to its draft.
    public init(from booking: Booking, to draft: BookingDraft) {
        let zone = ZoneRules.named(booking.timeZone)
        func shift(_ from: Date, _ to: Date) -> Int {
            from == to ? 0 : zone.civilTime(at: to).seconds - zone.civilTime(at: from).seconds
        }
        startSeconds = shift(booking.startsAt, draft.startsAt)
        endSeconds = shift(booking.endsAt, draft.endsAt)
    }

    /// By whole days.
    public init(days: Int) {
        startSeconds = days * 86_400
        endSeconds = startSeconds
    }

    /// Moves another occurrence likewise; a local time that its day does not have becomes the next that it has.
    public func apply(to draft: inout BookingDraft, of booking: Booking) {
        let zone = ZoneRules.named(booking.timeZone)
        func moved(_ instant: Date, by seconds: Int) -> Date {
            guard seconds != 0 else { return instant }
            let reading = CivilTime(seconds: zone.civilTime(at: instant).seconds + seconds)
            return zone.calendarInstant(of: reading)
        }
        draft.startsAt = moved(booking.startsAt, by: startSeconds)
        draft.endsAt = moved(booking.endsAt, by: endSeconds)
    }
}
