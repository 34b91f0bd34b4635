import Foundation
import ICalendar

/// The columns of a sheet of changes.
public enum ChangeColumn: String, SheetColumn {
    /// What the change is known by elsewhere; rows without one are known by their content.
    case id
    /// The key; where the sheet has no such column, the import is told it.
    case environment
    /// When it happened. Required.
    case occurredAt
    /// Who or what did it.
    case actor
    /// The team.
    case team
    /// `deploy`, `config`, `data`, `infrastructure`, `restart` or `other` (also when empty).
    case kind
    /// What was done. Required.
    case summary
    /// What was changed.
    case component
    /// What it was changed to.
    case version
    /// A reference into a ticket system.
    case ticket

    /// Names that logs of changes have.
    public var aliases: [String] {
        switch self {
        case .id: ["change", "sourceId"]
        case .occurredAt: ["occurred_at", "at", "time"]
        default: []
        }
    }

    /// When, and what.
    public static var required: [[ChangeColumn]] { [[.occurredAt], [.summary]] }
}

/// A row of a sheet of changes that can be logged.
public struct ChangeRow: Sendable, Equatable {
    /// Where it stands, and its fields as read.
    public let source: SheetSource
    /// What the row is known by when the sheet is imported again.
    public let identity: SheetIdentity
    /// The change that it describes.
    public let draft: ChangeDraft
}

/// Turns the rows of a sheet of changes into entries, one after the other.
struct ChangeRowParser {
    private let columns: SheetHeader<ChangeColumn>
    /// Where rows that name no environment happened.
    private let environment: String?
    private let pattern: DatePattern?
    private var zones: ZoneTable
    private var copies = SheetCopies()

    init(
        columns: SheetHeader<ChangeColumn>, environment: String?, pattern: DatePattern?,
        names: KnownNames
    ) {
        self.columns = columns
        self.environment = environment
        self.pattern = pattern
        self.zones = ZoneTable(names)
    }

    mutating func entry(
        _ row: SheetTable.Row, _ dates: inout DateSurvey
    ) -> SheetEntry<ChangeRow> {
        if let fault = row.fault {
            return .reject(SheetReject(row.source, copy: nil, reason: .invalid, detail: fault))
        }
        let cells = columns.cells(of: row.source.fields)
        let identity = copies.identity(of: SheetIdentity.content(cells), stated: row.copy)
        var faults = RowFaults()
        if let draft = draft(cells, &faults) {
            return .row(ChangeRow(source: row.source, identity: identity, draft: draft))
        }
        faults.survey([cells[.occurredAt]], pattern, line: row.source.line, &dates)
        return .reject(faults.reject(row.source, copy: identity.copy))
    }

    private mutating func draft(
        _ cells: SheetCells<ChangeColumn>, _ faults: inout RowFaults
    ) -> ChangeDraft? {
        let written = cells[.environment].isEmpty ? environment ?? "" : cells[.environment]
        let places = zones.environments(written, &faults)
        if written.isEmpty {
            faults.note("environment: empty; write a key, or import with --environment")
        } else if places.count > 1 {
            faults.note("environment: names \(places.count); write a row for each")
        }
        let found = places.first
        let kind = cells[.kind].isEmpty ? .other : ChangeKind(rawValue: cells[.kind].lowercased())
        if kind == nil {
            let known = ChangeKind.allCases.map(\.rawValue).joined(separator: ", ")
            faults.note("kind: “\(cells[.kind])” is not known; write one of \(known)")
        }
        let summary = ReportedChange.cleaned(cells[.summary])
        if summary.isEmpty { faults.note("summary: empty; say what was done") }
        let occurredAt = found.flatMap { environment in
            faults.noting { () throws(CellFault) in
                do {
                    return try TimeText(cells[.occurredAt], pattern: pattern).instant(
                        in: environment.rules)
                } catch {
                    throw CellFault("occurredAt: \(error)")
                }
            }
        }
        let actor = faults.text(cells, .actor)
        let team = faults.text(cells, .team)
        let component = faults.text(cells, .component)
        let version = faults.text(cells, .version)
        let ticket = faults.text(cells, .ticket)
        let id = faults.text(cells, .id)
        guard faults.isEmpty, let found, let occurredAt, let kind else { return nil }
        var draft = ChangeDraft(
            environment: found.key, occurredAt: occurredAt, actor: actor ?? "unknown", team: team,
            kind: kind, summary: summary)
        draft.component = component
        draft.version = version
        draft.ticket = ticket
        draft.source = "import"
        draft.sourceID = id
        return draft
    }
}
