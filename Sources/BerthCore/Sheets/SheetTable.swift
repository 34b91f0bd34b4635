import Foundation

/// A sheet as header and rows, before anybody knows what its columns mean.
///
/// A rejects file is recognised by its first columns, which are taken off again, so that it can be
/// imported like the sheet it came from.
struct SheetTable {
    let delimiter: CSVDelimiter
    let header: [String]
    /// Rows without any text so far, which are skipped: spreadsheets write them below the data.
    private(set) var blankRows = 0

    private let isRejectsFile: Bool
    private var reader: CSVReader
    private var place = 0

    init(_ data: Data) throws(SheetError) {
        let bytes = try SheetText(data).bytes
        var start = 0
        if let stated = Self.statedDelimiter(in: bytes) {
            delimiter = stated
            start = 5
        } else {
            delimiter = CSVDelimiter.detect(in: bytes)
        }
        reader = CSVReader(bytes, delimiter: delimiter, from: start, line: 1)
        guard let first = try reader.next() else { throw .empty }
        let names = first.fields.map(FormulaGuard.unguarded)
        isRejectsFile = names.starts(with: RejectsFile.columns)
        header = isRejectsFile ? Array(names.dropFirst(RejectsFile.columns.count)) : names
    }

    /// Excel's first line `sep=;`, which is no record.
    private static func statedDelimiter(in text: Data) -> CSVDelimiter? {
        let bytes = Array(text.prefix(6))
        guard bytes.count > 5, bytes.starts(with: "sep=".utf8), bytes[5] == 0x0A || bytes[5] == 0x0D
        else { return nil }
        return CSVDelimiter(rawValue: bytes[4])
    }

    /// A row, and what can be said of it without knowing the columns.
    struct Row {
        let source: SheetSource
        /// The copy that a rejects file states.
        let copy: Int?
        /// Why it cannot be read, if so.
        let fault: String?
    }

    /// The next row that is not blank, nil at the end.
    mutating func next() throws(SheetError) -> Row? {
        while let record = try reader.next() {
            if record.fields.allSatisfy({ CellText.cleaned($0).isEmpty }) {
                blankRows += 1
                continue
            }
            place += 1
            return row(record)
        }
        return nil
    }

    private func row(_ record: CSVRecord) -> Row {
        var fields = record.fields
        for index in fields.indices where fields[index].utf8.first == UInt8(ascii: "'") {
            fields[index] = FormulaGuard.unguarded(fields[index])
        }
        var copy: Int?
        if isRejectsFile {
            copy = fields.count > 1 ? Int(fields[1]).flatMap { $0 > 0 ? $0 : nil } : nil
            fields.removeFirst(min(fields.count, RejectsFile.columns.count))
        }
        var fault: String?
        if fields.count != header.count {
            fault =
                "the row has \(fields.count) fields, the header \(header.count); "
                + "look for a missing or an unquoted delimiter"
        } else if let broken = record.brokenField {
            fault =
                "field \(broken) goes on after its closing quote; "
                + "double every quote inside a quoted field"
        }
        let source = SheetSource(line: record.line, place: place, fields: fields)
        return Row(source: source, copy: copy, fault: fault)
    }
}
