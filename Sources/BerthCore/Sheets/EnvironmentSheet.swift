import Foundation

/// A sheet of environments, each row read or rejected; no row is lost.
public struct EnvironmentSheet: Sendable {
    /// The rows that are not blank, in the file's order.
    public let entries: [SheetEntry<EnvironmentRow>]
    /// The headers as written, for the rejects file.
    public let header: [String]
    /// Headers that name no column; what stands below them is ignored.
    public let ignoredHeaders: [String]
    /// What the fields are separated by.
    public let delimiter: CSVDelimiter
    /// Rows without any text, which are in no entry.
    public let blankRows: Int

    /// Reads a sheet. O(bytes), with all rows in memory.
    ///
    /// A key that an earlier row has is rejected as a duplicate. Whether parts exist is not known
    /// here.
    ///
    /// - Parameters:
    ///   - data: the file, UTF-8 or UTF-16 with byte order mark.
    ///   - names: headers given for columns (`--columns`).
    /// - Throws: ``SheetError`` when the file as a whole cannot be read.
    public init(_ data: Data, names: SheetColumnNames = .none) throws(SheetError) {
        var table = try SheetTable(data)
        let columns: SheetHeader<EnvironmentColumn>
        do {
            columns = try SheetHeader(table.header, names: names)
        } catch {
            throw .header(error)
        }
        var parser = EnvironmentRowParser(columns: columns)
        var entries: [SheetEntry<EnvironmentRow>] = []
        while let row = try table.next() { entries.append(parser.entry(row)) }
        self.entries = entries
        self.header = table.header
        self.ignoredHeaders = columns.ignored
        self.delimiter = table.delimiter
        self.blankRows = table.blankRows
    }

    /// The rows that can be tried, in the file's order.
    public var rows: [EnvironmentRow] {
        entries.compactMap { if case .row(let row) = $0 { row } else { nil } }
    }

    /// The rows that cannot be read, in the file's order.
    public var rejects: [SheetReject] {
        entries.compactMap { if case .reject(let reject) = $0 { reject } else { nil } }
    }
}
