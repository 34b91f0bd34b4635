import BerthTestSupport
import Postgres
import Testing

@Suite(.gated) struct ConnectionTests {
    @Test("A pipeline is all or nothing, and tells the first error")
    func pipeline() async throws {
        let client = try await TestServer.shared.value.client()
        try await client.query("CREATE TABLE pipelined (id int8 CHECK (id < 10))")
        try await client.withConnection { connection in
            let error = await #expect(throws: PostgresError.self) {
                try await connection.pipeline(
                    (8..<12).map { "INSERT INTO pipelined VALUES (\($0))" })
            }
            #expect(error?.sqlState == "23514")
            let results = try await connection.pipeline([
                "SELECT count(*) FROM pipelined", "INSERT INTO pipelined VALUES (\(1)), (\(2))",
                "SELECT count(*) FROM pipelined",
            ])
            #expect(try results[0][0].decode(Int.self) == 0)
            #expect(results[1].affectedRows == 2)
            #expect(try results[2][0].decode(Int.self) == 2)
        }
    }

    @Test("Statements of several tasks share one connection and get their own answers")
    func sharing() async throws {
        try await TestServer.shared.value.client().withConnection { connection in
            try await withThrowingTaskGroup { group in
                for number in 0..<500 {
                    group.addTask {
                        let rows = try await connection.query("SELECT \(number)")
                        #expect(try rows[0].decode(Int.self) == number)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("Large parameters and results pass in both directions at once")
    func large() async throws {
        let text = String(repeating: "0123456789", count: 800_000)
        try await TestServer.shared.value.client().withConnection { connection in
            let results = try await connection.pipeline(
                (0..<4).map { _ in "SELECT \(text)::text" })
            for rows in results { #expect(try rows[0].decode(String.self) == text) }
        }
    }

    @Test("A script runs many statements as one transaction, and pipelining goes on after it")
    func script() async throws {
        try await TestServer.shared.value.client().withConnection { connection in
            try await connection.script(
                "CREATE TEMP TABLE scripted (id int4); INSERT INTO scripted VALUES (1), (2);")
            let error = await #expect(throws: PostgresError.self) {
                try await connection.script("DELETE FROM scripted; SELECT 1/0; SELECT 1")
            }
            #expect(error?.sqlState == "22012")
            async let slow: Void = connection.script("SELECT pg_sleep(0.05); SELECT 1")
            async let count = connection.query("SELECT count(*) FROM scripted")
            try await slow
            let value = try await count[0].decode(Int.self)
            #expect(value == 2)
        }
    }

    @Test("Statements that cannot run in a transaction can be run")
    func outsideTransaction() async throws {
        let client = try await TestServer.shared.value.client()
        try await client.query("CREATE DATABASE made_by_test")
        try await client.query("DROP DATABASE made_by_test")
        try await client.query("VACUUM pg_class")
    }

    @Test("A connection kept beyond its scope refuses to work")
    func escaped() async throws {
        let client = try await TestServer.shared.value.client()
        let connection = try await client.withConnection { $0 }
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("SELECT 1")
        }
        #expect(error?.kind == .shutDown)
        let transaction = try await client.transaction { $0 }
        await #expect(throws: PostgresError.self) { try await transaction.query("SELECT 1") }
    }

    @Test("Session parameters and the application's name reach the server")
    func parameters() async throws {
        let client = try await TestServer.shared.value.client {
            $0.applicationName = "test of parameters"
            $0.sessionParameters = [("search_path", "\"a b\", c"), ("statement_timeout", "1234")]
        }
        let row = try await client.query(
            """
            SELECT current_setting('application_name'), current_setting('search_path'),
                   current_setting('statement_timeout')
            """)[0]
        let settings = try row.decode(String.self, String.self, String.self)
        #expect(settings == ("test of parameters", "\"a b\", c", "1234ms"))
    }

    @Test("With several hosts the first that is up and writable is taken")
    func severalHosts() async throws {
        let server = try await TestServer.shared.value
        let client = try server.client {
            $0.connectionString =
                "host=/nowhere,\(server.directory) user=postgres dbname=postgres"
                + " target_session_attrs=read-write"
        }
        #expect(try await client.query("SELECT 1").count == 1)
    }
}
