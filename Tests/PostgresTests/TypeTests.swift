import Foundation
import BerthTestSupport
import Postgres
import Testing

private func roundTrip<Value: PostgresEncodable & PostgresDecodable & Equatable>(
    _ values: [Value], as type: String
) async throws {
    let client = try await TestServer.shared.value.client()
    for value in values {
        let row = try await client.query("SELECT \(value)::\(unescaped: type) AS value")[0]
        let decoded = try row.decode("value", as: Value?.self)
        #expect(decoded == value)
    }
    let none = Value?.none
    let null = try await client.query("SELECT \(none)::\(unescaped: type) AS value")[0]
    #expect(try null.decode("value", as: Value?.self) == nil)
    #expect(throws: PostgresError.self) { try null.decode("value", as: Value.self) }
}

@Suite(.gated) struct TypeTests {
    @Test("Integers survive the round trip, their limits included")
    func integers() async throws {
        try await roundTrip([Int16.min, -1, 0, 1, .max], as: "int2")
        try await roundTrip([Int32.min, -1, 0, 1, .max], as: "int4")
        try await roundTrip([Int64.min, -1, 0, 1, .max], as: "int8")
        try await roundTrip([Int.min, -1, 0, 1, .max], as: "int8")
    }

    @Test("Doubles survive the round trip, infinities included")
    func doubles() async throws {
        let values = [0, -0.0, 0.1, .greatestFiniteMagnitude, .leastNonzeroMagnitude]
        try await roundTrip(values + [Double.infinity, -.infinity], as: "float8")
        let client = try await TestServer.shared.value.client()
        let row = try await client.query("SELECT \(Double.nan)")[0]
        #expect(try row.decode(Double.self).isNaN)
    }

    @Test("Booleans, UUIDs and bytes survive the round trip")
    func plainTypes() async throws {
        try await roundTrip([true, false], as: "bool")
        try await roundTrip([UUID(), UUID()], as: "uuid")
        try await roundTrip([Data(), Data([0]), Data(0...255)], as: "bytea")
    }

    @Test("Strings survive the round trip as every text-like type")
    func strings() async throws {
        let long = String(repeating: "x", count: 100_000)
        let values = ["", "a", "käse 🧀", "'; DROP TABLE x; --", long]
        try await roundTrip(values, as: "text")
        try await roundTrip(values, as: "varchar")
        try await roundTrip(["a", "b"], as: "name")
        try await roundTrip(["abc"], as: "char(3)")
    }

    @Test("A string with a NUL character is refused, not cut off")
    func nulCharacter() async throws {
        let client = try await TestServer.shared.value.client()
        let error = await #expect(throws: PostgresError.self) {
            try await client.query("SELECT \("a\0b")::text")
        }
        #expect(error?.kind == .encoding)
    }

    @Test("A string becomes an enum, and an enum a string or a Swift enum")
    func enums() async throws {
        enum Mood: String, PostgresEncodable, PostgresDecodable { case calm, wild }
        let client = try await TestServer.shared.value.client()
        try await client.query("CREATE TYPE mood_of_enums AS ENUM ('calm', 'wild')")
        let row = try await client.query(
            "SELECT \("calm")::mood_of_enums, \(Mood.wild)::mood_of_enums")[0]
        let (calm, wild) = try row.decode(String.self, Mood.self)
        #expect(calm == "calm" && wild == .wild)
    }

    @Test("Dates survive the round trip to the microsecond")
    func dates() async throws {
        let micro = Date(timeIntervalSince1970: 1_700_000_000.123456)
        let values = [
            Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: -0.000001), micro,
            Date(timeIntervalSinceReferenceDate: 0), Date(timeIntervalSince1970: 253_402_300_799),
        ]
        let client = try await TestServer.shared.value.client()
        for value in values {
            let row = try await client.query(
                "SELECT \(value), (extract(epoch FROM \(value)) * 1000000)::int8")[0]
            let (date, micros) = try row.decode(Date.self, Int64.self)
            #expect(abs(date.timeIntervalSince(value)) < 0.0000005)
            #expect(micros == Int64((value.timeIntervalSince1970 * 1_000_000).rounded()))
            let again = try await client.query("SELECT \(date) = \(value)")[0]
            #expect(try again.decode(Bool.self))
        }
    }

    @Test("Every whole microsecond the server has comes back as the same microsecond")
    func microseconds() async throws {
        let client = try await TestServer.shared.value.client()
        let rows = try await client.query(
            """
            SELECT array_agg(t ORDER BY t) FROM (SELECT timestamptz '2026-03-29 00:59:59.999Z'
                + i * interval '1.000001 s' AS t FROM generate_series(1, 5000) i) s
            """)
        let dates = try rows[0].decode([Date].self)
        let check = try await client.query(
            """
            SELECT count(*) FROM unnest(\(dates)) WITH ORDINALITY AS d (t, i)
            WHERE t <> timestamptz '2026-03-29 00:59:59.999Z' + i * interval '1.000001 s'
            """)
        #expect(dates.count == 5000)
        #expect(try check[0].decode(Int.self) == 0)
    }

    @Test("An infinite timestamp is refused")
    func infiniteTimestamp() async throws {
        let client = try await TestServer.shared.value.client()
        let row = try await client.query("SELECT timestamptz 'infinity' AS t")[0]
        let error = #expect(throws: PostgresError.self) { try row.decode("t", as: Date.self) }
        #expect(error?.columnName == "t")
        await #expect(throws: PostgresError.self) {
            try await client.query("SELECT \(Date(timeIntervalSince1970: .infinity))")
        }
    }

    @Test("Half-open periods survive the round trip; empty, unbounded and closed ones are refused")
    func ranges() async throws {
        let start = Date(timeIntervalSince1970: 1_700_000_000)
        try await roundTrip([start..<start.addingTimeInterval(3600)], as: "tstzrange")
        let client = try await TestServer.shared.value.client()
        for literal in ["empty", "[2026-01-01,)", "(,2026-01-01)", "[2026-01-01,2026-01-02]"] {
            let row = try await client.query("SELECT \(literal)::tstzrange AS period")[0]
            let error = #expect(throws: PostgresError.self) {
                try row.decode("period", as: Range<Date>.self)
            }
            #expect(error?.kind == .decoding)
            #expect(error?.description.contains("2026") == false)
        }
    }

    @Test("JSON survives the round trip, from jsonb and from json")
    func json() async throws {
        struct Policy: Codable, Equatable { var hours: Int?; var days: [String]; var at: Date }
        let policy = Policy(hours: 4, days: ["MO"], at: Date(timeIntervalSince1970: 1_700_000_000))
        try await roundTrip([PostgresJSON(policy)], as: "jsonb")
        let client = try await TestServer.shared.value.client()
        let row = try await client.query("SELECT \(PostgresJSON(policy))::json")[0]
        #expect(try row.decode(PostgresJSON<Policy>.self).value == policy)
        let wrong = try await client.query("SELECT '{\"days\": \"secret\"}'::jsonb AS policy")[0]
        let error = #expect(throws: PostgresError.self) {
            try wrong.decode("policy", as: PostgresJSON<Policy>.self)
        }
        #expect(error?.description.contains("secret") == false)
        #expect(error?.description.contains("days") == true)
    }

    @Test("Arrays survive the round trip, with NULL elements and without any")
    func arrays() async throws {
        let start = Date(timeIntervalSince1970: 1_700_000_000)
        try await roundTrip([[Int64](), [1, 2, .max]], as: "int8[]")
        try await roundTrip([[Int32](), [1, .min]], as: "int4[]")
        try await roundTrip([[Int16](), [1, .min]], as: "int2[]")
        try await roundTrip([[String?](), ["a", nil, "", "ü"]], as: "text[]")
        try await roundTrip([[true, nil, false]], as: "bool[]")
        try await roundTrip([[1.5, -.infinity]], as: "float8[]")
        try await roundTrip([[UUID(), UUID()]], as: "uuid[]")
        try await roundTrip([[Data([1]), nil]], as: "bytea[]")
        try await roundTrip([[start, start.addingTimeInterval(1)]], as: "timestamptz[]")
        try await roundTrip([[start..<start.addingTimeInterval(1)]], as: "tstzrange[]")
        try await roundTrip([[PostgresJSON(["a": 1]), PostgresJSON([:])]], as: "jsonb[]")
    }

    @Test("Narrower integers are widened, wider ones are refused")
    func widening() async throws {
        let client = try await TestServer.shared.value.client()
        let row = try await client.query(
            "SELECT 1::int2 AS two, 2::int4 AS four, 3::int8 AS eight")[0]
        #expect(try row.decode("two", as: Int.self) == 1)
        #expect(try row.decode("four", as: Int64.self) == 2)
        #expect(try row.decode("two", as: Int32.self) == 1)
        #expect(throws: PostgresError.self) { try row.decode("eight", as: Int32.self) }
        #expect(throws: PostgresError.self) { try row.decode("four", as: Int16.self) }
    }

    @Test("A wrong type names the column and both types, never the data")
    func wrongType() async throws {
        let client = try await TestServer.shared.value.client()
        let row = try await client.query("SELECT 'secret'::text AS owner, NULL::int8 AS id")[0]
        let wrong = #expect(throws: PostgresError.self) { try row.decode("owner", as: UUID.self) }
        #expect(
            wrong?.description
                == "PostgresError: decoding: text cannot be read as UUID, column owner")
        let null = #expect(throws: PostgresError.self) { try row.decode("id", as: Int.self) }
        #expect(
            null?.description == "PostgresError: decoding: NULL cannot be read as Int, column id")
        #expect(throws: PostgresError.self) { try row.decode("ID", as: Int?.self) }
        #expect(throws: PostgresError.self) { try row.decode(String.self) }
        #expect(throws: PostgresError.self) { try row.decode(String.self, Int?.self, Int?.self) }
    }

    @Test("Columns can be read in order and passed over")
    func columnReader() async throws {
        let client = try await TestServer.shared.value.client()
        let rows = try await client.query(
            "SELECT i, i * 2, 'x' || i FROM generate_series(1, \(3)) i")
        #expect(rows.count == 3 && rows.affectedRows == 3)
        var columns = rows[2].columns
        let first: Int = try columns.next()
        columns.skip()
        let third: String = try columns.next()
        #expect(first == 3 && third == "x3" && columns.isAtEnd)
        #expect(throws: PostgresError.self) { try columns.next(as: Int.self) }
    }

    @Test("The same statement may bind different types")
    func changingTypes() async throws {
        try await TestServer.shared.value.client().withConnection { connection in
            let sql = "SELECT ($1)::text"
            let short = try await connection.query(PostgresQuery(sql, binds: [Int16(7)]))
            let long = try await connection.query(PostgresQuery(sql, binds: [Int64(8)]))
            let text = try await connection.query(PostgresQuery(sql, binds: ["nine"]))
            let all = try [short, long, text].map { try $0[0].decode(String.self) }
            #expect(all == ["7", "8", "nine"])
        }
    }
}
