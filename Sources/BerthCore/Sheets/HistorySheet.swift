import Foundation

/// A sheet of windows or of changes, each row read or rejected; no row is lost.
public struct HistorySheet<Row: Sendable>: Sendable {
    /// The rows that are not blank, in the file's order.
    public let entries: [SheetEntry<Row>]
    /// The headers as written, for the rejects file.
    public let header: [String]
    /// Headers that name no column; what stands below them is ignored.
    public let ignoredHeaders: [String]
    /// What the fields are separated by.
    public let delimiter: CSVDelimiter

    fileprivate init<Column>(
        _ data: Data, names: SheetColumnNames,
        _ parser: (SheetHeader<Column>) -> (SheetTable.Row) -> SheetEntry<Row>
    ) throws(SheetError) {
        var table = try SheetTable(data)
        let columns: SheetHeader<Column>
        do {
            columns = try SheetHeader(table.header, names: names)
        } catch {
            throw .header(error)
        }
        let entry = parser(columns)
        var entries: [SheetEntry<Row>] = []
        while let row = try table.next() { entries.append(entry(row)) }
        self.entries = entries
        header = table.header
        ignoredHeaders = columns.ignored
        delimiter = table.delimiter
    }

    /// The rows that can be tried, in the file's order.
    public var rows: [Row] {
        entries.compactMap { if case .row(let row) = $0 { row } else { nil } }
    }

    /// The rows that cannot be read, in the file's order.
    public var rejects: [SheetReject] {
        entries.compactMap { if case .reject(let reject) = $0 { reject } else { nil } }
    }
}

extension HistorySheet where Row == WindowRow {
    /// Reads a sheet of windows. O(bytes), with all rows in memory; `zone` gives an environment's, by key.
    /// Throws ``SheetError`` when the file as a whole cannot be read.
    public init(
        windows data: Data, names: SheetColumnNames = .none,
        zone: @escaping (String) -> TimeZone?
    ) throws(SheetError) {
        try self.init(data, names: names) { columns in
            var parser = WindowRowParser(columns: columns, zone: zone)
            return { parser.entry($0) }
        }
    }
}

extension HistorySheet where Row == ChangeRow {
    /// Reads a sheet of changes. O(bytes), with all rows in memory; `zone` gives an environment's, by key;
    /// rows that name none happened in `environment`. Throws ``SheetError`` when the file as a whole
    /// cannot be read.
    public init(
        changes data: Data, names: SheetColumnNames = .none, environment: String?,
        zone: @escaping (String) -> TimeZone?
    ) throws(SheetError) {
        try self.init(data, names: names) { columns in
            var parser = ChangeRowParser(columns: columns, environment: environment, zone: zone)
            return { parser.entry($0) }
        }
    }
}
