import BerthTestSupport
import Postgres
import Synchronization
import Testing

private struct Refusal: Error {}

@Suite(.gated) struct TransactionTests {
    @Test("A transaction commits what it did, and undoes it when its closure throws")
    func commitAndRollBack() async throws {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 1 }
        try await client.query("CREATE TABLE transacted (id int8)")
        try await client.transaction { transaction in
            try await transaction.query("INSERT INTO transacted VALUES (1)")
            try await transaction.pipeline(["INSERT INTO transacted VALUES (2)"])
        }
        await #expect(throws: Refusal.self) {
            try await client.transaction { transaction in
                try await transaction.query("INSERT INTO transacted VALUES (3)")
                throw Refusal()
            }
        }
        let rows = try await client.query("SELECT array_agg(id ORDER BY id) FROM transacted")
        #expect(try rows[0].decode([Int].self) == [1, 2])
        #expect(await client.poolStatus.open == 1)
    }

    @Test("A transaction whose first statement fails leaves nothing open")
    func firstFails() async throws {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 1 }
        let error = await #expect(throws: PostgresError.self) {
            try await client.transaction { try await $0.query("SELECT 1/0") }
        }
        #expect(error?.sqlState == "22012")
        let level = try await client.transaction { transaction in
            try await transaction.query("SHOW transaction_isolation")
        }
        #expect(try level[0].decode(String.self) == "read committed")
    }

    @Test("A swallowed error does not let a transaction seem committed")
    func swallowedError() async throws {
        let client = try await TestServer.shared.value.client()
        let error = await #expect(throws: PostgresError.self) {
            try await client.transaction { transaction in
                try await transaction.query("SELECT 1")
                _ = try? await transaction.query("SELECT 1/0")
            }
        }
        #expect(error?.kind == .transactionAborted)
    }

    @Test("Statements started together all belong to the transaction")
    func together() async throws {
        let client = try await TestServer.shared.value.client()
        try await client.query("CREATE TABLE together (id int8)")
        await #expect(throws: Refusal.self) {
            try await client.transaction { transaction in
                try await withThrowingTaskGroup { group in
                    for number in 0..<20 {
                        group.addTask {
                            try await transaction.query("INSERT INTO together VALUES (\(number))")
                        }
                    }
                    try await group.waitForAll()
                }
                throw Refusal()
            }
        }
        #expect(try await client.query("SELECT FROM together").isEmpty)
    }

    @Test("A serialisation failure is retried within the bound, other errors are not")
    func retries() async throws {
        let client = try await TestServer.shared.value.client()
        func attempts(_ state: String, _ policy: RetryPolicy, succeedAt: Int) async throws -> Int {
            let attempts = Mutex(0)
            try await client.transaction(retries: policy) { transaction in
                attempts.withLock { $0 += 1 }
                guard attempts.withLock({ $0 < succeedAt }) else { return }
                let code = "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '\(state)'; END $$"
                try await transaction.query("\(unescaped: code)")
            }
            return attempts.withLock { $0 }
        }
        #expect(try await attempts("40001", .default, succeedAt: 4) == 4)
        #expect(try await attempts("40P01", .default, succeedAt: 3) == 3)
        for (state, policy) in [("40001", RetryPolicy(maxAttempts: 3)), ("23505", .default)] {
            let error = await #expect(throws: PostgresError.self) {
                _ = try await attempts(state, policy, succeedAt: 100)
            }
            #expect(error?.sqlState == state)
        }
    }

    @Test("Two transactions that deadlock both get done")
    func deadlock() async throws {
        let client = try await TestServer.shared.value.client {
            $0.sessionParameters = [("deadlock_timeout", "20ms")]
        }
        try await client.query(
            "CREATE TABLE deadlocked AS SELECT i AS id, 0 AS n FROM generate_series(1, 2) i")
        try await withThrowingTaskGroup { group in
            for order in [[1, 2], [2, 1]] {
                group.addTask {
                    try await client.transaction { transaction in
                        for id in order {
                            try await transaction.query(
                                "UPDATE deadlocked SET n = n + 1 WHERE id = \(id)")
                            try await transaction.query("SELECT pg_sleep(0.02)")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let rows = try await client.query("SELECT sum(n)::int8 FROM deadlocked")
        #expect(try rows[0].decode(Int.self) == 4)
    }

    @Test("A connection is never given back in a transaction")
    func leakedTransaction() async throws {
        let client = try await TestServer.shared.value.client { $0.maxConnections = 1 }
        let pid = try await client.withConnection { connection in
            try await connection.query("BEGIN")
            return try await connection.query("SELECT pg_backend_pid()")[0].decode(Int.self)
        }
        let row = try await client.query("SELECT pg_backend_pid()")[0]
        #expect(try row.decode(Int.self) != pid)
    }

    @Test("A connection lost in a transaction undid it; lost in a commit, nobody knows")
    func lostConnection() async throws {
        let client = try await TestServer.shared.value.client()
        let open = await #expect(throws: PostgresError.self) {
            try await client.transaction { transaction in
                try await transaction.query("SELECT pg_terminate_backend(pg_backend_pid())")
            }
        }
        #expect(open?.kind == .connectionLost && open?.outcomeUnknown == false)
        try await client.script(
            """
            CREATE TABLE lost (id int8);
            CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON lost DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION lose();
            """)
        let attempts = Mutex(0)
        let commit = await #expect(throws: PostgresError.self) {
            try await client.transaction { transaction in
                attempts.withLock { $0 += 1 }
                try await transaction.query("INSERT INTO lost VALUES (1)")
            }
        }
        #expect(commit?.kind == .connectionLost && commit?.outcomeUnknown == true)
        #expect(attempts.withLock { $0 } == 1)
    }
}

extension PostgresClient {
    func script(_ sql: String) async throws {
        try await withConnection { try await $0.script(sql) }
    }
}
