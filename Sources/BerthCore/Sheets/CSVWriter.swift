/// Writes CSV as RFC 4180 section 2 has it: CRLF after every record, quotes only where needed.
///
/// Every cell goes through ``FormulaGuard``, because what is written here is opened in
/// spreadsheets.
public struct CSVWriter: Sendable {
    /// The text so far, UTF-8, starting with a byte order mark: without it Excel takes UTF-8 for
    /// the local code page.
    public internal(set) var bytes: [UInt8] = [0xEF, 0xBB, 0xBF]
    private let delimiter: UInt8

    /// A writer with nothing written.
    public init(delimiter: CSVDelimiter = .comma) {
        self.delimiter = delimiter.rawValue
    }

    /// Writes one record. A record of one empty field is written as `""`, since an empty line is
    /// no record.
    public mutating func append(_ fields: [String]) {
        for (position, field) in fields.enumerated() {
            if position > 0 { bytes.append(delimiter) }
            append(cell: FormulaGuard.guarded(field))
        }
        if fields == [""] { bytes.append(contentsOf: [0x22, 0x22]) }
        bytes.append(contentsOf: [0x0D, 0x0A])
    }

    private mutating func append(cell: String) {
        let needsQuotes = cell.utf8.contains { byte in
            switch byte {
            case 0x22, 0x0A, 0x0D, 0x2C, 0x3B, 0x09: true
            default: false
            }
        }
        // A reader may drop spaces at the ends of an unquoted field.
        guard needsQuotes || cell.utf8.first == 0x20 || cell.utf8.last == 0x20 else {
            bytes.append(contentsOf: cell.utf8)
            return
        }
        bytes.append(0x22)
        for byte in cell.utf8 {
            if byte == 0x22 { bytes.append(0x22) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }
}
