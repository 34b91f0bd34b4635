import Foundation
import ICalendar

extension ChangeWindowDraft {
    /// The window that a calendar's event describes: its kind stands in CATEGORIES, its environments in LOCATION,
    /// unless the import is told them. A rule without an end ends at `until`. Throws ``CalendarFault`` naming the event's line.
    public init(
        _ event: CalendarEvent, kind: ChangeWindow.Kind?, environments: [String], until: Date
    ) throws(CalendarFault) {
        func fault(_ detail: String) -> CalendarFault {
            CalendarFault(line: event.line, detail: detail)
        }
        guard event.recurrenceID == nil else {
            throw fault(
                "is one occurrence moved by itself: windows of a series are all alike; import it alone"
            )
        }
        let categories = event.categories.compactMap {
            ChangeWindow.Kind(rawValue: $0.lowercased())
        }
        guard let kind = categories.first ?? kind else {
            throw fault(
                "says no kind in CATEGORIES (change, maintenance or freeze): import with --kind")
        }
        let written = CellText.list(event.location).map { $0.lowercased() }
        let places = environments.isEmpty ? written : environments
        guard !places.isEmpty else {
            throw fault("names no environment in LOCATION: import with --environment")
        }
        guard event.start < event.end else { throw fault("takes no time: give it a DTEND") }
        guard event.status != .cancelled else { throw fault("is cancelled") }
        self.init(
            kind: kind, environments: places,
            title: String(ReportedChange.cleaned(event.summary).prefix(Limits.titleCharacters)),
            startsAt: event.start, endsAt: event.end)
        if title.isEmpty { title = kind.rawValue }
        if !event.description.isEmpty {
            notes = String(event.description.prefix(Limits.notesCharacters))
        }
        timeZone = event.timeZone
        if let rule = event.rule {
            guard timeZone != nil else {
                throw fault("recurs in a zone of the calendar's own: name an IANA zone in TZID")
            }
            guard event.additionEnds.isEmpty else {
                throw fault("has periods in RDATE: all of a series take as long")
            }
            recurrence = RecurrenceText(
                rrule: event.isEndless ? "\(rule);UNTIL=\(Self.basicText(of: until))" : rule,
                exdates: event.exclusions, rdates: event.additions)
        } else if !event.additions.isEmpty {
            throw fault("has RDATE without RRULE: write a rule")
        }
    }

    /// As UNTIL has it, in UTC.
    private static func basicText(of instant: Date) -> String {
        RFC3339.string(instant).filter { $0 != "-" && $0 != ":" }
    }
}
