import CLibPQ

/// Why something asked of PostgreSQL did not happen.
///
/// `description` is safe to log: it names the kind, the SQLSTATE and the schema's own names, and
/// never a value. What may carry data (the server's message, detail and hint) has to be asked for.
public struct PostgresError: Error, Sendable {
    /// What went wrong, in the terms a caller decides on.
    public enum Kind: String, Sendable {
        /// The server refused the statement; see `sqlState`.
        case server
        /// No connection could be made.
        case connectionFailed
        /// The connection broke while it was needed.
        case connectionLost
        /// The answer did not come in time; the connection was given up.
        case deadlineExceeded
        /// No connection became free in time, or too many callers were waiting already.
        case poolTimeout
        /// The client is shutting down, or a connection was used after its scope had ended.
        case shutDown
        /// A column does not hold what was asked for.
        case decoding
        /// A parameter cannot be sent.
        case encoding
        /// A statement of the transaction failed earlier, so nothing of it was committed.
        case transactionAborted
        /// The connection string or a setting is malformed.
        case configuration
        /// The statement needs a protocol that this client does not speak, such as `COPY`.
        case unsupported
    }

    /// What went wrong.
    public var kind: Kind
    /// The five characters of the server's error code.
    public var sqlState: String?
    /// The constraint that was violated.
    public var constraintName: String?
    /// The schema of the table concerned.
    public var schemaName: String?
    /// The table concerned.
    public var tableName: String?
    /// The column concerned.
    public var columnName: String?
    /// The server's or libpq's message. May contain data: not for logs that strangers read.
    public var serverMessage: String?
    /// The server's detail, often the very values that conflict. May contain data.
    public var serverDetail: String?
    /// The server's hint. May contain data.
    public var serverHint: String?
    /// Where in the statement the server saw the error: characters, counted from 1.
    public var position: Int?
    /// The statement was sent and its answer never came: it may or may not have taken effect.
    public var outcomeUnknown = false

    /// What this module has to say, without data.
    var explanation: String?
    /// The server's function that raised the error; tells a stale plan from other 0A000.
    var sourceFunction: String?

    init(_ kind: Kind, _ explanation: String? = nil) {
        self.kind = kind
        self.explanation = explanation
    }
}

extension PostgresError: CustomStringConvertible {
    /// Kind, SQLSTATE and names; never data.
    public var description: String {
        var text = "PostgresError: \(kind.rawValue)"
        if let explanation { text += ": \(explanation)" }
        if let sqlState { text += ", SQLSTATE \(sqlState)" }
        if let constraintName { text += ", constraint \(constraintName)" }
        if let tableName { text += ", table \(tableName)" }
        if let columnName { text += ", column \(columnName)" }
        if outcomeUnknown { text += ", outcome unknown" }
        return text
    }
}

extension PostgresError: CustomDebugStringConvertible {
    /// The same as `description`: what is logged by accident must not leak either.
    public var debugDescription: String { description }
}

extension PostgresError: CustomReflectable {
    /// Shows no fields: `dump` and assertion messages must not leak either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension PostgresError {
    /// The error that a result carries.
    init(result: OpaquePointer) {
        func field(_ code: Int32) -> String? {
            PQresultErrorField(result, code).map { String(cString: $0) }
        }
        self.init(.server)
        sqlState = field(berth_diag_sqlstate)
        constraintName = field(berth_diag_constraint)
        schemaName = field(berth_diag_schema)
        tableName = field(berth_diag_table)
        columnName = field(berth_diag_column)
        serverMessage = field(berth_diag_message)
        serverDetail = field(berth_diag_detail)
        serverHint = field(berth_diag_hint)
        position = field(berth_diag_position).flatMap { Int($0) }
        sourceFunction = field(berth_diag_source_function)
        // Without a SQLSTATE it is libpq that speaks, as the connection broke.
        let severity = field(berth_diag_severity)
        if sqlState == nil || severity == "FATAL" || severity == "PANIC" {
            kind = .connectionLost
            outcomeUnknown = true
        }
    }

    /// The server could not keep this transaction apart from another; doing it again may succeed.
    var isSerializationFailure: Bool {
        kind == .server && (sqlState == "40001" || sqlState == "40P01")
    }

    /// The prepared statement is gone, or its table changed under it; preparing again cures both.
    var isStaleStatement: Bool {
        guard kind == .server else { return false }
        return sqlState == "26000"
            || (sqlState == "0A000" && sourceFunction == "RevalidateCachedQuery")
    }
}
