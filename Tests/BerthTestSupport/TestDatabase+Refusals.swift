import Postgres
import Testing

extension TestDatabase {
    /// Runs statements as a superuser in a transaction that is rolled back, and fails unless PostgreSQL refuses the last
    /// of them by that very constraint, index or trigger. `without` names a table whose own triggers are switched off:
    /// then the constraint alone stands in the way.
    public func refuses(
        by name: String, _ statements: String..., without table: String? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        try await client.withConnection { connection in
            try await connection.script("BEGIN")
            do {
                if let table {
                    try await connection.script("ALTER TABLE \(table) DISABLE TRIGGER USER")
                }
                for statement in statements { try await connection.script(statement) }
                Issue.record("\(name) refuses nothing", sourceLocation: location)
            } catch let error as PostgresError where error.sqlState != nil {
                #expect(
                    error.constraintName == name,
                    "\(error.constraintName ?? error.serverMessage ?? "") refused",
                    sourceLocation: location)
            }
            try await connection.script("ROLLBACK")
        }
    }
}
