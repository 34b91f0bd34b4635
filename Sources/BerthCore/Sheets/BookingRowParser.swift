import Foundation
import ICalendar

/// Turns the rows of a booking sheet into entries, one after the other.
struct BookingRowParser {
    private let columns: SheetHeader<BookingColumn>
    private let pattern: DatePattern?
    private var zones: ZoneTable
    private var copies = SheetCopies()

    init(
        columns: SheetHeader<BookingColumn>, pattern: DatePattern?,
        names: KnownNames
    ) {
        self.columns = columns
        self.pattern = pattern
        self.zones = ZoneTable(names)
    }

    mutating func entry(
        _ row: SheetTable.Row, _ dates: inout DateSurvey
    ) -> SheetEntry<SheetRow> {
        if let fault = row.fault {
            return .reject(SheetReject(row.source, copy: nil, reason: .invalid, detail: fault))
        }
        let cells = columns.cells(of: row.source.fields)
        let content = SheetIdentity.content(cells)
        let identity = copies.identity(of: content, stated: row.copy)
        var faults = RowFaults()
        if let parsed = sheetRow(cells, row.source, identity, &faults) { return .row(parsed) }
        faults.survey([cells[.from], cells[.to]], pattern, line: row.source.line, &dates)
        return .reject(faults.reject(row.source, copy: identity.copy))
    }

    /// Nil when a fault was noted. All cells are looked at, so that one pass shows all faults.
    private mutating func sheetRow(
        _ cells: SheetCells<BookingColumn>, _ source: SheetSource, _ identity: SheetIdentity,
        _ faults: inout RowFaults
    ) -> SheetRow? {
        let environments = environments(cells[.environment], &faults)
        let zone = zone(named: cells[.timeZone], &faults)
        let title = faults.text(cells, .title, limit: Limits.titleCharacters)
        if cells[.title].isEmpty { faults.note("title: empty; say what the booking is for") }
        let mode = mode(cells[.mode], &faults)
        let labels = faults.noting { () throws(CellFault) in
            try CellText.labels(cells[.labels])
        }
        let team = faults.text(cells, .team)
        let contact = faults.text(cells, .contact)
        let ticket = faults.text(cells, .ticket)
        let notes = faults.text(cells, .notes, limit: Limits.notesCharacters)
        let written = PeriodText(
            from: cells[.from], to: cells[.to], minutes: cells[.minutes], pattern: pattern)
        let rules = zone.map { [$0] } ?? environments.map(\.rules)
        let period = faults.noting { () throws(CellFault) in try written.period(in: rules) }
        guard faults.isEmpty, let period, let period, let title, let labels else {
            return nil
        }
        return SheetRow(
            source: source, identity: identity, environments: environments.map(\.key),
            period: period, title: title, mode: mode, team: team, contact: contact,
            ticket: ticket, notes: notes, labels: labels, timeZone: zone?.identifier)
    }

    private mutating func environments(
        _ cell: String, _ faults: inout RowFaults
    ) -> [ZoneTable.Place] {
        if cell.isEmpty { faults.note("environment: empty; write a key") }
        let found = zones.environments(cell, &faults)
        guard found.count <= Limits.environmentsPerBooking else {
            faults.note(
                "environment: \(found.count) keys, more than \(Limits.environmentsPerBooking); "
                    + "split the row")
            return []
        }
        return found
    }

    private func zone(named name: String, _ faults: inout RowFaults) -> ZoneRules? {
        guard !name.isEmpty else { return nil }
        guard let zone = ZoneName.zone(name)?.rules else {
            faults.note("timeZone: “\(name)” is no IANA zone; write for example Europe/London")
            return nil
        }
        return zone
    }

    private func mode(_ cell: String, _ faults: inout RowFaults) -> Booking.Mode {
        if cell.isEmpty { return .exclusive }
        if let mode = Booking.Mode(rawValue: cell.lowercased()) { return mode }
        faults.note("mode: “\(cell)” is not known; write exclusive or shared")
        return .exclusive
    }
}
