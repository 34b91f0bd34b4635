import Foundation

/// Turns the rows of an environment sheet into entries, one after the other.
struct EnvironmentRowParser {
    private let columns: SheetHeader<EnvironmentColumn>
    private var lines: [String: Int] = [:]

    init(columns: SheetHeader<EnvironmentColumn>) {
        self.columns = columns
    }

    mutating func entry(_ row: SheetTable.Row) -> SheetEntry<EnvironmentRow> {
        var faults = RowFaults()
        if let fault = row.fault {
            faults.note(fault)
        } else if let parsed = environmentRow(row.source, &faults) {
            lines[parsed.key] = row.source.line
            return .row(parsed)
        }
        return .reject(faults.reject(row.source, copy: nil))
    }

    private func environmentRow(
        _ source: SheetSource, _ faults: inout RowFaults
    ) -> EnvironmentRow? {
        let cells = columns.cells(of: source.fields)
        let key = key(cells[.key], &faults)
        let labels = faults.noting { () throws(CellFault) in
            try CellText.labels(cells[.labels])
        }
        let row = EnvironmentRow(
            source: source, key: key,
            name: faults.text(cells, .name, limit: Limits.titleCharacters),
            tier: faults.text(cells, .tier), ownerTeam: faults.text(cells, .owner),
            timeZone: timeZone(cells[.timeZone], &faults), capacity: capacity(cells, &faults),
            labels: labels ?? [:], parts: parts(cells[.parts], of: key, &faults),
            status: status(cells[.status], &faults),
            runbook: faults.text(cells, .runbook, limit: Limits.notesCharacters),
            setupMinutes: faults.number(cells, .setupMinutes, in: 0...Limits.bufferMinutes),
            teardownMinutes: faults.number(cells, .teardownMinutes, in: 0...Limits.bufferMinutes))
        return faults.isEmpty ? row : nil
    }

    private func key(_ cell: String, _ faults: inout RowFaults) -> String {
        if !Self.isKey(cell) {
            faults.note(
                "key: “\(cell)” is no key; write small letters, digits and hyphens, "
                    + "at most \(Limits.keyBytes), as in uat-1")
        } else if let line = lines[cell] {
            faults.note(duplicate: "key: line \(line) already describes “\(cell)”; keep one row")
        }
        return cell
    }

    private static func isKey(_ text: String) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return !text.isEmpty && text.utf8.count <= Limits.keyBytes
            && text.utf8.first != hyphen && text.utf8.last != hyphen
            && text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == hyphen
            }
    }

    private func timeZone(_ cell: String, _ faults: inout RowFaults) -> String? {
        guard !cell.isEmpty else { return nil }
        guard ZoneName.contains(cell) else {
            faults.note("timeZone: “\(cell)” is no IANA zone; write for example Europe/London")
            return nil
        }
        return cell
    }

    private func capacity(
        _ cells: SheetCells<EnvironmentColumn>, _ faults: inout RowFaults
    ) -> EnvironmentRow.Capacity? {
        if cells[.capacity].lowercased() == "unlimited" { return .unlimited }
        return faults.number(cells, .capacity, in: 1...Limits.capacity).map { .limited($0) }
    }

    private func status(_ cell: String, _ faults: inout RowFaults) -> TestEnvironment.Status? {
        guard !cell.isEmpty else { return nil }
        let status = TestEnvironment.Status(rawValue: cell.lowercased())
        if status == nil {
            let known = TestEnvironment.Status.allCases.map(\.rawValue).joined(separator: ", ")
            faults.note("status: “\(cell)” is not known; write one of \(known)")
        }
        return status
    }

    private func parts(
        _ cell: String, of parent: String, _ faults: inout RowFaults
    ) -> [TestEnvironment.Part] {
        var parts: [TestEnvironment.Part] = []
        for piece in CellText.list(cell) {
            let sides = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = String(sides[0])
            let usage = TestEnvironment.Part.Usage(
                rawValue: sides.count > 1 ? sides[1].lowercased() : "same")
            if !Self.isKey(key) || key == parent || parts.contains(where: { $0.key == key }) {
                faults.note(
                    "parts: “\(piece)” is no key, the row's own, or named twice; correct it")
            } else if let usage {
                parts.append(TestEnvironment.Part(key: key, usage: usage))
            } else {
                faults.note("parts: “\(piece)”: write key, or key=same, key=shared, key=exclusive")
            }
        }
        if parts.count > Limits.partsPerEnvironment {
            faults.note("parts: \(parts.count), more than \(Limits.partsPerEnvironment)")
        }
        return parts
    }
}
