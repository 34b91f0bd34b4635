import Foundation
import ICalendar

/// Why an event cannot be a booking.
struct EventFault: Error {
    let reason: RejectReason
    let detail: String
}

/// What an event says of each of its bookings.
struct EventBooking {
    private let environments: [String]
    private let team: String
    private let title: String
    private let notes: String?
    private let mode: Booking.Mode
    private let timeZone: String?

    /// Throws ``EventFault`` for what has no time, no title, no team, or no environment that there is.
    init(
        _ event: CalendarEvent, options: BookingCalendar.Options, names: KnownNames
    ) throws(EventFault) {
        guard event.start < event.end else {
            throw EventFault(reason: .invalid, detail: "DTEND: takes no time; give it an end")
        }
        title = String(ReportedChange.cleaned(event.summary).prefix(Limits.titleCharacters))
        guard !title.isEmpty else {
            throw EventFault(
                reason: .invalid, detail: "SUMMARY: empty; say what the booking is for")
        }
        guard
            let team = options.team.map({ names.team(among: [$0]) ?? $0 })
                ?? names.team(among: event.categories)
        else {
            throw EventFault(
                reason: .invalid, detail: "CATEGORIES: names no team; import with --team")
        }
        self.team = team
        if options.environments.isEmpty {
            environments = try Self.environments(event.location, names)
        } else {
            environments = options.environments
        }
        guard environments.count <= Limits.environmentsPerBooking else {
            throw EventFault(
                reason: .invalid,
                detail: "LOCATION: names more than \(Limits.environmentsPerBooking) environments")
        }
        let notes = String(event.description.prefix(Limits.notesCharacters))
        self.notes = notes.isEmpty ? nil : notes
        mode = options.mode
        // A calendar in UTC says nothing of where its people are.
        timeZone = event.timeZone == "UTC" ? nil : event.timeZone
    }

    private static func environments(
        _ location: String, _ names: KnownNames
    ) throws(EventFault) -> [String] {
        do throws(UnknownEnvironment) {
            let keys = try names.keys(in: location)
            if !keys.isEmpty { return keys }
        } catch {
            throw EventFault(
                reason: .unknownEnvironment,
                detail: "LOCATION: \(error)")
        }
        throw EventFault(
            reason: .invalid, detail: "LOCATION: empty; write a key, or import with --environment")
    }

    /// The booking of a period.
    func row(of period: Range<Date>, _ source: SheetSource) -> SheetRow {
        SheetRow(
            source: source, identity: SheetIdentity(content: "", copy: 1),
            environments: environments, period: period, title: title, mode: mode, team: team,
            contact: nil, ticket: nil, notes: notes, labels: [:], timeZone: timeZone)
    }
}
