import Foundation

/// A team's sheet of bookings, each row read or rejected; no row is lost.
public struct BookingSheet: Sendable {
    /// How the sheet is written where it cannot be told by looking.
    public struct Options: Hashable, Sendable {
        /// Headers given for columns (`--columns`).
        public var names: SheetColumnNames
        /// How dates are written (`--date-format`), besides ISO.
        public var pattern: DatePattern?

        /// Options; headers stand for themselves and dates are ISO unless said otherwise.
        public init(names: SheetColumnNames = .none, pattern: DatePattern? = nil) {
            self.names = names
            self.pattern = pattern
        }
    }

    /// The rows that are not blank, in the file's order.
    public let entries: [SheetEntry<SheetRow>]
    /// The headers as written, for the rejects file.
    public let header: [String]
    /// Headers that name no column; what stands below them is ignored.
    public let ignoredHeaders: [String]
    /// What the fields are separated by.
    public let delimiter: CSVDelimiter
    /// Rows without any text, which are in no entry.
    public let blankRows: Int

    /// Reads a sheet.
    ///
    /// O(bytes), with all rows in memory. `zone` is asked once for each key in the sheet.
    ///
    /// - Parameters:
    ///   - data: the file, UTF-8 or UTF-16 with byte order mark.
    ///   - options: how it is written.
    ///   - zone: the zone of the environment with a key, nil where there is none. A key is tried
    ///     as written, then in small letters, in which keys are kept.
    /// - Throws: ``SheetError`` when the file as a whole cannot be read.
    public init(
        _ data: Data, options: Options = Options(), zone: @escaping (String) -> TimeZone?
    ) throws(SheetError) {
        var table = try SheetTable(data)
        let columns: SheetHeader<BookingColumn>
        do {
            columns = try SheetHeader(table.header, names: options.names)
        } catch {
            throw .header(error)
        }
        var parser = BookingRowParser(columns: columns, pattern: options.pattern, zone: zone)
        var entries: [SheetEntry<SheetRow>] = []
        while let row = try table.next() { entries.append(parser.entry(row)) }
        self.entries = entries
        self.header = table.header
        self.ignoredHeaders = columns.ignored
        self.delimiter = table.delimiter
        self.blankRows = table.blankRows
    }

    /// The rows that can be tried, in the file's order.
    public var rows: [SheetRow] {
        entries.compactMap { if case .row(let row) = $0 { row } else { nil } }
    }

    /// The rows that cannot be read, in the file's order.
    public var rejects: [SheetReject] {
        entries.compactMap { if case .reject(let reject) = $0 { reject } else { nil } }
    }
}
