import BerthCore

/// A sheet read to its end.
struct ReadSheet<Row: Sendable> {
    var entries: [SheetEntry<Row>] = []
    let header: [String]
    let ignoredHeaders: [String]
    let delimiter: CSVDelimiter
    let blankRows: Int
    let dates: DateSurvey

    init(_ sheet: Sheet<Row>) throws {
        var sheet = sheet
        while let entry = try sheet.next() { entries.append(entry) }
        header = sheet.header
        ignoredHeaders = sheet.ignoredHeaders
        delimiter = sheet.delimiter
        blankRows = sheet.blankRows
        dates = sheet.dates
    }

    var rows: [Row] {
        entries.compactMap { if case .row(let row) = $0 { row } else { nil } }
    }

    var rejects: [SheetReject] {
        entries.compactMap { if case .reject(let reject) = $0 { reject } else { nil } }
    }
}
