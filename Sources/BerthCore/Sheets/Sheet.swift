import Foundation

/// A sheet that is read row by row; each row is read or rejected, and none is lost.
///
/// The file is looked over once when it is opened, so that one that cannot be read as a whole is refused before
/// any of its rows is; then it is read as it is asked for. Besides the file, which may be mapped, it holds a row and
/// what tells equal rows apart: some 40 bytes for each row.
public struct Sheet<Row: Sendable> {
    /// The headers as written, for the rejects file.
    public let header: [String]
    /// Headers that name no column; what stands below them is ignored.
    public let ignoredHeaders: [String]
    /// What the fields are separated by.
    public let delimiter: CSVDelimiter
    /// Rows with any text.
    public let rowCount: Int
    /// Rows without any text so far, which are in no entry.
    public var blankRows: Int { table.blankRows }
    /// What the dates of the rows read so far need to be told.
    public private(set) var dates = DateSurvey()

    private var table: SheetTable
    private let parse: (SheetTable.Row, inout DateSurvey) -> SheetEntry<Row>

    init<Column: SheetColumn>(
        _ data: Data, names: SheetColumnNames,
        _ parser: (SheetHeader<Column>) -> (SheetTable.Row, inout DateSurvey) -> SheetEntry<Row>
    ) throws(SheetError) {
        table = try SheetTable(data)
        let columns: SheetHeader<Column>
        do {
            columns = try SheetHeader(table.header, names: names)
        } catch {
            throw .header(error)
        }
        parse = parser(columns)
        header = table.header
        ignoredHeaders = columns.ignored
        delimiter = table.delimiter
        var rows = table
        var count = 0
        while try rows.next() != nil { count += 1 }
        rowCount = count
    }

    /// The next row that is not blank, nil at the end.
    public mutating func next() throws(SheetError) -> SheetEntry<Row>? {
        guard let row = try table.next() else { return nil }
        return parse(row, &dates)
    }

    /// All that is left, in memory: the rows that can be tried, and those that cannot be read.
    public mutating func readAll() throws(SheetError) -> (rows: [Row], rejects: [SheetReject]) {
        var rows: [Row] = []
        var rejects: [SheetReject] = []
        while let entry = try next() {
            switch entry {
            case .row(let row): rows.append(row)
            case .reject(let reject): rejects.append(reject)
            }
        }
        return (rows, rejects)
    }
}

extension Sheet where Row == SheetRow {
    /// Opens a sheet of bookings.
    ///
    /// - Parameters:
    ///   - data: the file, UTF-8 or UTF-16 with byte order mark.
    ///   - columns: headers given for columns (`--columns`).
    ///   - pattern: how dates are written (`--date-format`), besides ISO.
    ///   - names: the environments that a row can name.
    /// - Throws: ``SheetError`` when the file as a whole cannot be read.
    public init(
        bookings data: Data, columns names: SheetColumnNames = .none, pattern: DatePattern? = nil,
        names known: KnownNames
    ) throws(SheetError) {
        try self.init(data, names: names) { columns in
            var parser = BookingRowParser(columns: columns, pattern: pattern, names: known)
            return { parser.entry($0, &$1) }
        }
    }
}

extension Sheet where Row == EnvironmentRow {
    /// Opens a sheet of environments.
    ///
    /// A key that an earlier row has is rejected as a duplicate. Whether parts exist is not known here. Throws
    /// ``SheetError`` when the file as a whole cannot be read.
    public init(
        environments data: Data, columns names: SheetColumnNames = .none
    ) throws(SheetError) {
        try self.init(data, names: names) { columns in
            var parser = EnvironmentRowParser(columns: columns)
            return { row, _ in parser.entry(row) }
        }
    }
}

extension Sheet where Row == WindowRow {
    /// Opens a sheet of change windows, as one of bookings. Throws ``SheetError`` when the file as a whole cannot be
    /// read.
    public init(
        windows data: Data, columns names: SheetColumnNames = .none, pattern: DatePattern? = nil,
        names known: KnownNames
    ) throws(SheetError) {
        try self.init(data, names: names) { columns in
            var parser = WindowRowParser(columns: columns, pattern: pattern, names: known)
            return { parser.entry($0, &$1) }
        }
    }
}

extension Sheet where Row == ChangeRow {
    /// Opens a sheet of changes, as one of bookings; rows that name no environment happened in `environment`. Throws
    /// ``SheetError`` when the file as a whole cannot be read.
    public init(
        changes data: Data, columns names: SheetColumnNames = .none, pattern: DatePattern? = nil,
        environment: String? = nil, names known: KnownNames
    ) throws(SheetError) {
        try self.init(data, names: names) { columns in
            var parser = ChangeRowParser(
                columns: columns, environment: environment, pattern: pattern, names: known)
            return { parser.entry($0, &$1) }
        }
    }
}
