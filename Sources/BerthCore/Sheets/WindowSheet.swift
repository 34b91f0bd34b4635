import Foundation
import ICalendar

/// The columns of a sheet of change windows.
public enum WindowColumn: String, SheetColumn {
    /// `change`, `maintenance` or `freeze`. Required.
    case kind
    /// Keys, separated by `;` `,` or white space; this or `labels` is required.
    case environments
    /// A selector, pairs `k:v`, separated likewise.
    case labels
    /// The start of the first occurrence. Required.
    case from
    /// Its end, exclusive. Required, unless `minutes` is there.
    case to
    /// Its length, instead of `to`.
    case minutes
    /// What it is for.
    case title
    /// The team whose changes alone it covers.
    case team
    /// A reference into a ticket system.
    case ticket
    /// Anything else.
    case notes
    /// The IANA zone of the row's local times, in which it recurs.
    case timeZone
    /// When it comes back, as RFC 5545 has it.
    case rrule
    /// `yes` when it also holds on what the environments contain.
    case includeParts
    /// Since when it was approved; now, where it is empty.
    case approvedAt

    /// The REST API's names.
    public var aliases: [String] {
        switch self {
        case .environments: ["environment"]
        case .from: ["startsAt"]
        case .to: ["endsAt"]
        default: []
        }
    }

    /// What, where and when.
    public static var required: [[WindowColumn]] {
        [[.kind], [.environments, .labels], [.from], [.to, .minutes]]
    }
}

/// A row of a sheet of windows that can be tried.
public struct WindowRow: Sendable, Equatable {
    /// Where it stands, and its fields as read.
    public let source: SheetSource
    /// What the row is known by when the sheet is imported again.
    public let identity: SheetIdentity
    /// The window that it describes.
    public let draft: ChangeWindowDraft
}

/// Turns the rows of a sheet of windows into entries, one after the other.
struct WindowRowParser {
    private let columns: SheetHeader<WindowColumn>
    private let pattern: DatePattern?
    private var zones: ZoneTable
    private var copies = SheetCopies()

    init(columns: SheetHeader<WindowColumn>, pattern: DatePattern?, names: KnownNames) {
        self.columns = columns
        self.pattern = pattern
        self.zones = ZoneTable(names)
    }

    mutating func entry(
        _ row: SheetTable.Row, _ dates: inout DateSurvey
    ) -> SheetEntry<WindowRow> {
        if let fault = row.fault {
            return .reject(SheetReject(row.source, copy: nil, reason: .invalid, detail: fault))
        }
        let cells = columns.cells(of: row.source.fields)
        let identity = copies.identity(of: SheetIdentity.content(cells), stated: row.copy)
        var faults = RowFaults()
        if let draft = draft(cells, &faults) {
            return .row(WindowRow(source: row.source, identity: identity, draft: draft))
        }
        faults.survey(
            [cells[.from], cells[.to], cells[.approvedAt]], pattern, line: row.source.line, &dates)
        return .reject(faults.reject(row.source, copy: identity.copy))
    }

    /// Nil when a fault was noted. All cells are looked at, so that one pass shows all faults.
    private mutating func draft(
        _ cells: SheetCells<WindowColumn>, _ faults: inout RowFaults
    ) -> ChangeWindowDraft? {
        let kind = ChangeWindow.Kind(rawValue: cells[.kind].lowercased())
        if kind == nil {
            faults.note("kind: “\(cells[.kind])”; write change, maintenance or freeze")
        }
        let places = zones.environments(cells[.environments], &faults)
        let keys = places.map(\.key)
        let labels = faults.noting { () throws(CellFault) in try CellText.labels(cells[.labels]) }
        if keys.isEmpty == (labels ?? [:]).isEmpty, faults.isEmpty {
            faults.note("environments: name some, or a selector in labels, and not both")
        }
        var zone: ZoneRules?
        if !cells[.timeZone].isEmpty {
            zone = ZoneName.zone(cells[.timeZone])?.rules
            if zone == nil {
                faults.note("timeZone: “\(cells[.timeZone])” is no IANA zone; write Europe/London")
            }
        }
        let rules = zone.map { [$0] } ?? places.map(\.rules)
        let written = PeriodText(
            from: cells[.from], to: cells[.to], minutes: cells[.minutes], pattern: pattern)
        let period = faults.noting { () throws(CellFault) in try written.period(in: rules) }
        let approvedAt = approval(cells[.approvedAt], in: rules, &faults)
        guard faults.isEmpty, let kind, let period, let period else {
            if faults.isEmpty { faults.note("from: no zone to read it in; fill timeZone") }
            return nil
        }
        let title = faults.text(cells, .title, limit: Limits.titleCharacters) ?? kind.rawValue
        var draft = ChangeWindowDraft(
            kind: kind, environments: keys, labels: keys.isEmpty ? labels : nil, title: title,
            startsAt: period.lowerBound, endsAt: period.upperBound)
        draft.team = faults.text(cells, .team)
        draft.ticket = faults.text(cells, .ticket)
        draft.notes = faults.text(cells, .notes, limit: Limits.notesCharacters)
        draft.timeZone = zone?.identifier
        draft.includeParts = ["yes", "true", "1"].contains(cells[.includeParts].lowercased())
        if !cells[.rrule].isEmpty { draft.recurrence = RecurrenceText(rrule: cells[.rrule]) }
        draft.approvedAt = approvedAt
        return faults.isEmpty ? draft : nil
    }

    private func approval(
        _ cell: String, in zones: [ZoneRules], _ faults: inout RowFaults
    ) -> Date? {
        guard !cell.isEmpty, let zone = zones.first else { return nil }
        return faults.noting { () throws(CellFault) in
            do {
                return try TimeText(cell, pattern: pattern).instant(in: zone)
            } catch {
                throw CellFault("approvedAt: \(error)")
            }
        }
    }
}
