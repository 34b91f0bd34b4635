import Foundation
import ICalendar

extension FeedWriter {
    /// A change window: one entry, and one for each occurrence in which clocks are changed. Throws when its stored
    /// rule is none.
    public func entries(_ window: ChangeWindow) throws -> [CalendarEntry] {
        let master = try entry(window)
        guard let clock = master.clock else { return [master] }
        var entries = [master]
        for start in window.starts {
            let end = start.addingTimeInterval(window.draft.length)
            guard clock.isChanged(from: start, to: end) else { continue }
            var exception = master
            exception.recurrence = nil
            exception.recurrenceID = start
            exception.start = start
            exception.end = end
            entries.append(exception)
        }
        return entries
    }

    private func entry(_ window: ChangeWindow) throws -> CalendarEntry {
        let draft = window.draft
        let isOver = window.state == .cancelled || window.state == .rejected
        let place = draft.labels.map { Feed.labels($0).selector } ?? Self.place(draft.environments)
        let kind = draft.kind.title
        let what = options.isBusyOnly || draft.title.isEmpty ? kind : "\(kind): \(draft.title)"
        var entry = CalendarEntry(
            uid: uid(window.reference), sequence: window.version - 1,
            createdAt: window.createdAt, modifiedAt: window.updatedAt, start: draft.startsAt,
            end: draft.endsAt, status: window.status,
            summary: "\(isOver ? "Cancelled: " : "")\(place): \(what)")
        entry.location =
            draft.labels == nil ? draft.environments.joined(separator: ", ") : place
        entry.categories = [kind]
        entry.color = draft.kind.color
        // Only maintenance takes the time from those who would use it.
        entry.isOpaque = draft.kind == .maintenance && !isOver
        if let text = draft.recurrence {
            let name = draft.timeZone ?? "UTC"
            entry.clock =
                name == "UTC" ? nil : SeriesClock(.named(name), first: draft.startsAt)
            entry.recurrence = Recurrence(
                try RecurrenceRule(text.rrule), exclusions: text.exdates, additions: text.rdates)
        }
        guard !options.isBusyOnly else { return entry }
        entry.description = Self.lines([
            ("Team", draft.team), ("Requested by", window.requestedBy), ("Ticket", draft.ticket),
            ("Exception to", draft.exceptionTo?.description), ("Emergency", draft.emergency),
            (nil, draft.notes),
        ])
        entry.url = "\(options.publicURL)/v1/change-windows/\(window.reference)"
        return entry
    }
}

extension ChangeWindow {
    fileprivate var status: CalendarEntry.Status {
        switch state {
        case .requested: .tentative
        case .approved, .ended: .confirmed
        case .rejected, .cancelled: .cancelled
        }
    }
}

extension ChangeWindow.Kind {
    /// As people read it, and as a category of a calendar tells it.
    fileprivate var title: String {
        switch self {
        case .change: "Change window"
        case .maintenance: "Maintenance"
        case .freeze: "Freeze"
        }
    }

    /// A CSS3 colour name (RFC 7986, section 5.9).
    fileprivate var color: String {
        switch self {
        case .change: "seagreen"
        case .maintenance: "darkorange"
        case .freeze: "slateblue"
        }
    }
}
