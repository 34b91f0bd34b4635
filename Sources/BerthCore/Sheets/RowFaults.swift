/// What is wrong with one row, collected cell by cell.
struct RowFaults {
    private var reason = RejectReason.invalid
    private var details: [String] = []

    var isEmpty: Bool { details.isEmpty }

    mutating func note(_ detail: String) {
        details.append(detail)
    }

    /// Decides the row's reason: without the environment, nothing else can be judged.
    mutating func note(unknownEnvironment fault: UnknownEnvironment) {
        reason = .unknownEnvironment
        details.append("environment: \(fault)")
    }

    mutating func note(duplicate detail: String) {
        reason = .duplicate
        details.append(detail)
    }

    /// What the body gives, or nil with its fault noted.
    mutating func noting<Value>(_ body: () throws(CellFault) -> Value) -> Value? {
        do {
            return try body()
        } catch {
            details.append(error.detail)
            return nil
        }
    }

    /// The text of a column, nil when empty or, with its fault noted, when too long.
    mutating func text<Column>(
        _ cells: SheetCells<Column>, _ column: Column, limit: Int = Limits.textCharacters
    ) -> String? {
        let cell = cells[column]
        // No text has more characters than bytes, and bytes are quick to count.
        guard cell.utf8.count > limit, cell.count > limit else { return cell.isEmpty ? nil : cell }
        details.append(
            "\(column.rawValue): \(cell.count) characters, more than \(limit); shorten it")
        return nil
    }

    /// The whole number of a column, nil when empty or, with its fault noted, when it is none.
    mutating func number<Column>(
        _ cells: SheetCells<Column>, _ column: Column, in range: ClosedRange<Int>
    ) -> Int? {
        let number = noting { () throws(CellFault) in
            try CellText.number(cells[column], field: column.rawValue, in: range)
        }
        return number ?? nil
    }

    /// Shows those of these cells that are no times to who asks how the sheet's dates are written.
    func survey(
        _ cells: [String], _ pattern: DatePattern?, line: Int, _ dates: inout DateSurvey
    ) {
        guard pattern == nil else { return }
        for cell in cells where !cell.isEmpty && (try? TimeText(cell)) == nil {
            dates.note(cell, line: line)
        }
    }

    func reject(_ source: SheetSource, copy: Int?) -> SheetReject {
        SheetReject(
            source, copy: copy, reason: reason, detail: details.joined(separator: "; "))
    }
}
