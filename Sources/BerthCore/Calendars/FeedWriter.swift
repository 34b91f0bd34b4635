import Foundation
import ICalendar

/// Turns records into the entries of a calendar.
public struct FeedWriter: Sendable {
    let options: FeedOptions
    /// What follows the `@` in a UID: this installation and no other.
    let host: String

    /// A writer for an installation.
    public init(_ options: FeedOptions, installation: UUID) {
        self.options = options
        host = "\(installation.uuidString.lowercased()).berth"
    }

    /// The UID of a record, by its reference: the same for ever.
    public func uid(_ reference: some CustomStringConvertible) -> String {
        "\(reference)@\(host)"
    }

    /// A booking of no series.
    public func entry(_ booking: FeedBooking) -> CalendarEntry {
        entry(booking, uid: uid(booking.reference), sequence: booking.version - 1)
    }

    func entry(_ booking: FeedBooking, uid: String, sequence: Int) -> CalendarEntry {
        let place = Self.place(booking.environments)
        let what = options.isBusyOnly ? "Busy" : "\(booking.title) (\(booking.team))"
        var entry = CalendarEntry(
            uid: uid, sequence: sequence, createdAt: booking.createdAt,
            modifiedAt: booking.updatedAt, start: booking.startsAt, end: booking.endsAt,
            status: booking.status,
            // Outlook shows what is cancelled like the rest.
            summary: "\(booking.isCancelled ? "Cancelled: " : "")\(place): \(what)")
        entry.location = booking.environments.joined(separator: ", ")
        entry.categories = ["Booking"]
        entry.color = "steelblue"
        entry.isOpaque = !booking.isCancelled
        guard !options.isBusyOnly else { return entry }
        entry.description = Self.lines([
            ("Team", booking.team), ("Booked by", booking.requestedBy),
            ("Contact", booking.contact), ("Mode", booking.mode.rawValue),
            ("Ticket", booking.ticket), (nil, booking.notes),
        ])
        entry.url = "\(options.publicURL)/v1/bookings/\(booking.reference)"
        return entry
    }

    /// Where all bookings of a series are: none of them stands for the others.
    func url(of series: SeriesReference) -> String {
        "\(options.publicURL)/v1/bookings?series=\(series)"
    }

    /// What stands before the colon of a summary.
    static func place(_ keys: [String]) -> String {
        keys.count <= 3
            ? keys.joined(separator: ", ")
            : keys.prefix(2).joined(separator: ", ") + " and \(keys.count - 2) more"
    }

    static func lines(_ facts: [(name: String?, value: String?)]) -> String {
        var text = ""
        for (name, value) in facts {
            guard let value, !value.isEmpty else { continue }
            if !text.isEmpty { text += "\n" }
            if let name {
                text += name
                text += ": "
            }
            text += value
        }
        return text
    }
}
