import CLibPQ

/// The rows that a statement returned, all of them, as the server sent them; values are decoded
/// when asked for. Copying costs nothing.
public struct PostgresRows: Sendable, RandomAccessCollection {
    let result: QueryResult

    /// How many rows the statement inserted, updated, deleted, selected or moved; 0 for others.
    public var affectedRows: Int { result.affectedRows }

    /// The names of the columns, in order.
    public var columnNames: [String] { (0..<result.columnCount).map(result.columnName) }

    /// 0.
    public var startIndex: Int { 0 }

    /// The number of rows.
    public var endIndex: Int { result.rowCount }

    /// A row.
    public subscript(position: Int) -> PostgresRow {
        precondition(indices.contains(position), "no such row")
        return PostgresRow(result: result, number: position)
    }
}

/// One row of a result. Keeps the whole result alive.
public struct PostgresRow: Sendable {
    let result: QueryResult
    let number: Int

    /// The value of the first column named `column`; names are compared exactly. Costs a search
    /// through the names; for wide rows use ``columns``.
    ///
    /// Throws a ``PostgresError`` of kind `decoding` if there is no such column, if its type or
    /// value does not fit, or if it is NULL and `Value` is no optional.
    public func decode<Value: PostgresDecodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws -> Value {
        guard let index = result.columnNumber(of: column) else {
            var error = PostgresError(.decoding, "no such column")
            error.columnName = column
            throw error
        }
        return try decode(index, as: type)
    }

    /// All values of the row, in order:
    ///
    ///     let (id, name) = try row.decode(Int64.self, String?.self)
    ///
    /// Throws a ``PostgresError`` of kind `decoding` if a value does not fit, or if the row has
    /// more or fewer columns.
    public func decode<each Value: PostgresDecodable>(
        _ types: repeat (each Value).Type
    ) throws -> (repeat each Value) {
        var reader = columns
        let values = (repeat try reader.next(as: (each Value).self))
        guard reader.isAtEnd else {
            throw PostgresError(.decoding, "the row has more columns than were asked for")
        }
        return values
    }

    /// Reads the columns one by one, from the first; the fastest way through wide rows.
    public var columns: PostgresColumnReader { PostgresColumnReader(row: self) }

    /// The value of a column counted from 0.
    func decode<Value: PostgresDecodable>(_ index: Int, as _: Value.Type) throws -> Value {
        do {
            // No closure over the value: a generic one costs more than most values take to read.
            defer { withExtendedLifetime(result) {} }
            guard let value = result.value(row: number, column: index) else {
                return try Value.null()
            }
            return try Value(postgres: value)
        } catch var error as PostgresError {
            error.columnName = result.columnName(index)
            throw error
        }
    }
}

/// Reads the columns of a row in their order.
public struct PostgresColumnReader: Sendable {
    let row: PostgresRow
    private var index = 0

    init(row: PostgresRow) {
        self.row = row
    }

    /// Whether all columns have been read.
    public var isAtEnd: Bool { index == row.result.columnCount }

    /// The next column's value. Throws a ``PostgresError`` of kind `decoding` if it does not fit,
    /// or if there is none left.
    public mutating func next<Value: PostgresDecodable>(
        as type: Value.Type = Value.self
    ) throws -> Value {
        guard !isAtEnd else {
            throw PostgresError(.decoding, "the row has only \(index) columns")
        }
        defer { index += 1 }
        return try row.decode(index, as: type)
    }

    /// Passes over columns.
    public mutating func skip(_ count: Int = 1) {
        index = Swift.min(index + count, row.result.columnCount)
    }
}
