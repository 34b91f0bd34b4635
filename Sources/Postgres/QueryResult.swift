import CLibPQ
import Foundation

/// Owns a `PGresult`.
///
/// `@unchecked Sendable`: a result is complete when libpq hands it out, nothing here changes it,
/// libpq only reads it in the functions used here, and it is cleared when no one refers to it.
final class QueryResult: @unchecked Sendable {
    private let pointer: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = Int(PQntuples(pointer))
        columnCount = Int(PQnfields(pointer))
    }

    deinit {
        PQclear(pointer)
    }

    var status: ExecStatusType { PQresultStatus(pointer) }

    var error: PostgresError { PostgresError(result: pointer) }

    /// What was done, such as `COMMIT` or `INSERT 0 1`.
    var commandTag: String { String(cString: PQcmdStatus(pointer)) }

    var affectedRows: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    func columnName(_ column: Int) -> String {
        PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? ""
    }

    // Not `PQfnumber`, which folds case unless the name is quoted.
    func columnNumber(of name: String) -> Int? {
        name.withCString { name in
            (0..<columnCount).first { column in
                PQfname(pointer, Int32(column)).map { strcmp($0, name) == 0 } ?? false
            }
        }
    }

    /// A value, which is valid as long as the result is; `nil` is NULL.
    func value(row: Int, column: Int) -> PostgresValue? {
        let (row, column) = (Int32(row), Int32(column))
        guard PQgetisnull(pointer, row, column) == 0 else { return nil }
        return PostgresValue(
            type: PostgresType(oid: PQftype(pointer, column)),
            bytes: UnsafeRawBufferPointer(
                start: PQgetvalue(pointer, row, column),
                count: Int(PQgetlength(pointer, row, column))))
    }
}
