import BerthTestSupport
import Foundation
import Postgres
import Testing

@Suite("The rules of the schema, each by its name", .gated)
struct ConstraintTests {
    @Test("Each refuses what breaks it, and nothing else does so first")
    func broken() async throws {
        try await TestDatabase.with { database in
            try await database.psql(Breakage.world)
            for breakage in Breakage.all {
                try await database.refuses(
                    by: breakage.name, breakage.statement, without: breakage.table)
            }
        }
    }

    @Test("Every CHECK, EXCLUDE, UNIQUE, foreign key and refusing trigger is among them")
    func complete() async throws {
        try await TestDatabase.with { database in
            let rows = try await database.client.query(
                """
                SELECT c.conname::text FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
                WHERE n.nspname = 'public' AND c.contype IN ('c', 'x', 'u', 'f')
                UNION
                SELECT i.relname::text FROM pg_index x
                JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
                WHERE n.nspname = 'public' AND x.indisunique AND NOT x.indisprimary
                UNION
                SELECT t.tgname::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE NOT t.tgisinternal AND p.proname LIKE 'refuse%'
                """)
            let names = try rows.map { try $0.decode(String.self) }
            #expect(Set(names).subtracting(Breakage.all.map(\.name)).sorted() == [])
            #expect(Set(Breakage.all.map(\.name)).subtracting(names).sorted() == [])
        }
    }
}
