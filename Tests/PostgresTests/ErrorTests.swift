import BerthTestSupport
import Postgres
import Testing

@Suite(.gated) struct ErrorTests {
    @Test("A refused statement carries SQLSTATE and names, and its description no data")
    func constraint() async throws {
        let client = try await TestServer.shared.value.client()
        try await client.query(
            "CREATE TABLE errors (id int8, CONSTRAINT errors_unique UNIQUE (id))")
        try await client.query("INSERT INTO errors VALUES (\(4711))")
        let error = try #require(
            await #expect(throws: PostgresError.self) {
                try await client.query("INSERT INTO errors VALUES (\(4711))")
            })
        #expect(error.kind == .server && error.sqlState == "23505" && !error.outcomeUnknown)
        #expect(error.constraintName == "errors_unique" && error.tableName == "errors")
        #expect(error.serverDetail?.contains("4711") == true)
        var dumped = ""
        dump(error, to: &dumped)
        for text in ["\(error)", String(reflecting: error), dumped] {
            #expect(!text.contains("4711"))
        }
    }

    @Test("A statement that cannot be prepared leaves its connection and its cache usable")
    func prepareFails() async throws {
        try await TestServer.shared.value.client().withConnection { connection in
            for _ in 0..<2 {
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.query("SELECT * FROM not_yet_there")
                }
                #expect(error?.sqlState == "42P01")
            }
            try await connection.query("CREATE TEMP TABLE not_yet_there (id int4)")
            #expect(try await connection.query("SELECT * FROM not_yet_there").isEmpty)
        }
    }

    @Test("A table that changed under a prepared statement is prepared for again")
    func changedTable() async throws {
        try await TestServer.shared.value.client().withConnection { connection in
            try await connection.query("CREATE TEMP TABLE changing AS SELECT 1 AS a")
            let value = try await connection.query("SELECT * FROM changing")[0].decode(Int.self)
            #expect(value == 1)
            try await connection.query("ALTER TABLE changing ADD b text DEFAULT 'x'")
            let row = try await connection.query("SELECT * FROM changing")[0]
            let (a, b) = try row.decode(Int.self, String.self)
            #expect(a == 1 && b == "x")
            try await connection.query("DEALLOCATE ALL")
            #expect(try await connection.query("SELECT * FROM changing").count == 1)
        }
    }

    @Test("A stale statement that opens a transaction is prepared for again")
    func changedTableInTransaction() async throws {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 1 }
        try await client.query("CREATE TABLE changing_too AS SELECT 1 AS a")
        var expected = 1
        for column in ["b", "c", "d"] {
            let row = try await client.transaction { transaction in
                let rows = try await transaction.query("SELECT * FROM changing_too")
                try await transaction.query("UPDATE changing_too SET a = a + 1")
                return rows[0]
            }
            #expect(try row.decode("a", as: Int.self) == expected)
            expected += 1
            try await client.query("ALTER TABLE changing_too ADD \(unescaped: column) int4")
        }
    }

    @Test("Evicted statements are deallocated, and can be prepared again")
    func eviction() async throws {
        let client = try await TestServer.shared.value.client { $0.statementCacheSize = 4 }
        try await client.withConnection { connection in
            for round in 0..<3 {
                for number in 0..<10 {
                    let query: PostgresQuery = "SELECT \(round), \(unescaped: "\(number)")"
                    let row = try await connection.query(query)[0]
                    let (first, second) = try row.decode(Int.self, Int.self)
                    #expect(first == round && second == number)
                }
            }
            let sql: PostgresQuery = "SELECT count(*) FROM pg_prepared_statements"
            let prepared = try await connection.query(sql)[0].decode(Int.self)
            #expect(prepared <= 5)
        }
    }

    @Test("A statement that is planned anew is planned for its values however often it is run")
    func plannedAnew() async throws {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 1 }
        for number in 0..<8 {
            let query: PostgresQuery = "SELECT \(number) + 1"
            let rows = try await client.query(query.plannedAnew())
            #expect(try rows[0].decode(Int.self) == number + 1)
        }
        let kept = try await client.query(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%+ 1'")
        #expect(try kept[0].decode(Int.self) == 0)
    }

    @Test("A cache of size 0 prepares nothing")
    func noCache() async throws {
        let client = try await TestServer.shared.value.client { $0.statementCacheSize = 0 }
        try await client.withConnection { connection in
            let bound = try await connection.query("SELECT \(1)")[0].decode(Int.self)
            #expect(bound == 1)
            let sql: PostgresQuery = "SELECT count(*) FROM pg_prepared_statements"
            let prepared = try await connection.query(sql)[0].decode(Int.self)
            #expect(prepared == 0)
        }
    }

    @Test("COPY is refused, and the next statement gets another connection")
    func copy() async throws {
        let client = try await TestServer.shared.value.client()
        let error = await #expect(throws: PostgresError.self) {
            try await client.query("COPY pg_class TO STDOUT")
        }
        #expect(error?.kind == .unsupported)
        #expect(try await client.query("SELECT 1").count == 1)
    }

    @Test("A connection string that libpq cannot read is refused without being quoted")
    func badConnectionString() async throws {
        let error = await #expect(throws: PostgresError.self) {
            _ = try await TestServer.shared.value.client {
                $0.connectionString = "password=hunter2 nonsense"
            }
        }
        #expect(error?.kind == .configuration)
        #expect(error?.serverMessage == nil)
    }
}
