import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Testing

@Suite("Importing windows and changes as they were", .gated)
struct HistoryImportTests {
    private static let shared = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "shared/data")

    private static func windows(
        _ text: String, _ database: TestDatabase
    ) async throws -> [ImportedRecord] {
        var sheet = try Sheet(
            windows: Data(text.utf8), names: try await database.berth.knownNames())
        let (rows, rejects) = try sheet.readAll()
        #expect(rejects.map(\.detail) == [])
        let imports = try HistoryImport(
            into: database.berth, by: TestDatabase.admin, now: TestDatabase.now)
        return try await ImportSource.all(
            rows.map { HistoryRow($0.draft, identity: $0.identity.text) }
        ) { try await imports.windows($0, dryRun: false) }
    }

    private static func changes(
        _ data: Data, _ database: TestDatabase, dryRun: Bool = false
    ) async throws -> [ImportedRecord] {
        var sheet = try Sheet(
            changes: data, environment: "prod", names: try await database.berth.knownNames())
        let (rows, rejects) = try sheet.readAll()
        #expect(rejects.map(\.detail) == [])
        let imports = try HistoryImport(
            into: database.berth, by: TestDatabase.admin, now: TestDatabase.now)
        return try await ImportSource.all(
            rows.map { HistoryRow($0.draft, identity: $0.identity.text) }
        ) { try await imports.changes($0, dryRun: dryRun) }
    }

    /// Three series of Monday to Thursday, an hour each, across both changes of the clocks.
    private static let series =
        "kind,environments,from,minutes,timeZone,rrule,approvedAt\n"
        + ["00", "06", "13"].map { hour in
            "change,prod,2025-08-18 \(hour):00,60,America/Los_Angeles,"
                + "\"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH;UNTIL=20260821T065959Z\",2025-08-01\n"
        }.joined()

    /// Counted by a program over Python's zoneinfo that knows nothing of Berth; by ISO weekday in Los Angeles.
    private static let counts = [
        1: (253, 275), 2: (218, 311), 3: (216, 281), 4: (249, 258), 5: (0, 29), 6: (0, 6),
        7: (0, 11),
    ]

    @Test(
        "A year of real changes falls in and out of its windows as an independent program counts",
        .enabled(
            if: FileManager.default.fileExists(
                atPath: shared.appending(path: "wikimedia-config-changes.csv").path),
            "the folder ../shared/data is not on this machine"))
    func wikimedia() async throws {
        let data = try Data(
            contentsOf: Self.shared.appending(path: "wikimedia-config-changes.csv"))
        try await TestDatabase.with { database in
            try await database.environment("prod") { $0.timeZone = "UTC" }
            #expect(try await Self.windows(Self.series, database).imported == 3)
            #expect(try await Self.windows(Self.series, database).alreadyThere == 3)
            #expect(try await Self.changes(data, database, dryRun: true).imported == 2107)
            #expect(try await Self.changes(data, database).imported == 2107)
            #expect(try await Self.changes(data, database).alreadyThere == 2107)
            let rows = try await database.client.query(
                """
                SELECT extract(isodow FROM c.occurred_at AT TIME ZONE 'America/Los_Angeles')::integer,
                       count(*) FILTER (WHERE c.control = 'controlled'),
                       count(*) FILTER (WHERE c.control = 'uncontrolled')
                FROM latest_changes c GROUP BY 1 ORDER BY 1
                """)
            for row in rows {
                let (day, inside, outside) = try row.decode(Int.self, Int.self, Int.self)
                let expected = try #require(Self.counts[day])
                #expect(inside == expected.0 && outside == expected.1, "weekday \(day)")
            }
            #expect(rows.count == 7)
        }
    }

    @Test(
        "A window that was approved later than a change does not cover it, and is no late approval")
    func approval() async throws {
        try await TestDatabase.with { database in
            try await database.environment("prod") { $0.timeZone = "UTC" }
            let sheet = """
                kind,environments,from,to,approvedAt
                change,prod,2027-01-04 08:00,2027-01-04 10:00,2027-01-04 09:00
                """
            #expect(try await Self.windows(sheet, database).imported == 1)
            let log = """
                occurred_at,summary
                2027-01-04T08:59:59Z,too early
                2027-01-04T09:00:00Z,in time
                2027-01-04T10:00:00Z,too late
                """
            _ = try await Self.changes(Data(log.utf8), database)
            let listed = try await database.berth.changes(ChangeFilter(), Page(limit: 10)).items
            #expect(listed.map(\.control) == [.uncontrolled, .controlled, .uncontrolled])
            #expect(listed.allSatisfy { $0.isLate })
        }
    }

    @Test(
        "Rows that cannot be read are rejected by name",
        arguments: [
            ("kind,environments,from,minutes\nparty,prod,2027-01-04 08:00,5", "kind:"),
            ("kind,environments,from,minutes\nfreeze,nowhere,2027-01-04 08:00,5", "nowhere"),
            ("kind,environments,from,minutes\nfreeze,prod,yesterday,5", "from:"),
            ("kind,labels,from,minutes\nfreeze,tier:uat,2027-01-04 08:00,5", "timeZone"),
            ("kind,environments,from,to\nfreeze,prod,2027-01-04 08:00,", "to:"),
        ])
    func rejects(sheet: String, word: String) throws {
        let names = KnownNames(environments: [("prod", "", "UTC", false)], teams: [])
        var read = try Sheet(windows: Data(sheet.utf8), names: names)
        let rejects = try read.readAll().rejects
        #expect(rejects.count == 1)
        #expect(rejects.first?.detail.contains(word) == true, "\(rejects)")
    }
}

extension [ImportedRecord] {
    fileprivate var imported: Int { count { if case .imported = $0 { true } else { false } } }
    fileprivate var alreadyThere: Int {
        count { if case .alreadyThere = $0 { true } else { false } }
    }
}

@Suite("The chain of the change log", .gated)
struct ChangeLogChainTests {
    private func withLog(
        _ body: @escaping @Sendable (TestDatabase, LogHead) async throws -> Void
    ) async throws {
        try await TestDatabase.with { database in
            try await database.environment("prod")
            for number in 1...6 {
                let draft = ChangeDraft(
                    environment: "prod", occurredAt: TestDatabase.now, actor: "Zoë", team: nil,
                    kind: .deploy, summary: "Änderung \(number)")
                _ = try await database.berth.recordChange(
                    draft, by: TestDatabase.admin, now: TestDatabase.now, dryRun: false,
                    idempotency: nil,
                    keep: { _ in KeptAnswer(status: 201, location: nil, etag: nil, body: Data()) })
            }
            guard case .whole(let head) = try await Self.verify(database) else {
                Issue.record("a log that nobody touched is broken")
                return
            }
            #expect(head.id == 6)
            try await body(database, head)
        }
    }

    private static func verify(
        _ database: TestDatabase, known: [LogHead] = []
    ) async throws -> LogVerdict {
        try await database.berth.verifyChangeLog(known: known, now: TestDatabase.now)
    }

    /// What a superuser can do who switches the triggers off.
    private static func tamper(_ database: TestDatabase, _ statements: String...) async throws {
        try await database.client.transaction { transaction in
            for table in ["change_log", "change_log_head", "change_log_heads_seen"] {
                try await transaction.query("ALTER TABLE \(unescaped: table) DISABLE TRIGGER ALL")
            }
            for statement in statements {
                try await transaction.query("\(unescaped: statement)")
            }
        }
    }

    @Test(
        "An edited entry is named",
        arguments: [
            "UPDATE change_log SET summary = 'nothing' WHERE id = 4",
            "UPDATE change_log SET control = 'controlled' WHERE id = 4",
            "UPDATE change_log SET occurred_at = occurred_at + interval '1 microsecond' WHERE id = 4",
            "UPDATE change_log SET component = '' WHERE id = 4",
            "DELETE FROM change_log WHERE id = 4",
        ])
    func edited(statement: String) async throws {
        try await withLog { database, _ in
            try await Self.tamper(database, statement)
            guard case .broken(let id, _) = try await Self.verify(database) else {
                Issue.record("it was not found")
                return
            }
            #expect(id == 4)
        }
    }

    @Test("A tail that was cut off shows, even with its head put right")
    func cut() async throws {
        try await withLog { database, head in
            try await Self.tamper(
                database, "DELETE FROM change_log WHERE id > 4",
                "UPDATE change_log_head SET id = 4, hash = (SELECT hash FROM change_log WHERE id = 4)"
            )
            guard case .broken(5, _) = try await Self.verify(database) else {
                Issue.record("it was not found")
                return
            }
            // Who also removes what was seen is betrayed by a head that was kept elsewhere.
            try await Self.tamper(database, "DELETE FROM change_log_heads_seen")
            guard case .broken(5, _) = try await Self.verify(database, known: [head]) else {
                Issue.record("it was not found by the head kept elsewhere")
                return
            }
        }
    }

    @Test("A chain that was rewritten whole shows by the heads that were seen")
    func rewritten() async throws {
        try await withLog { database, _ in
            try await Self.tamper(
                database, "UPDATE change_log SET summary = 'nothing' WHERE id = 1",
                """
                DO $$ DECLARE c change_log; v bytea := sha256('berth change log'); BEGIN
                    FOR c IN SELECT l.* FROM change_log l ORDER BY l.id LOOP
                        v := sha256(v || chain_bytes(c));
                        UPDATE change_log SET hash = v WHERE id = c.id;
                    END LOOP;
                    UPDATE change_log_head SET hash = v;
                END $$
                """)
            guard case .broken(6, _) = try await Self.verify(database) else {
                Issue.record("it was not found")
                return
            }
        }
    }

    @Test("Many who append at once leave one chain without gaps")
    func concurrent() async throws {
        try await withLog { database, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let draft = ChangeDraft(
                            environment: "prod", occurredAt: TestDatabase.now, actor: "a",
                            team: nil,
                            kind: .config, summary: "\(number)")
                        _ = try await database.berth.recordChange(
                            draft, by: TestDatabase.admin, now: TestDatabase.now,
                            dryRun: number % 10 == 0,
                            idempotency: nil,
                            keep: { _ in
                                KeptAnswer(status: 201, location: nil, etag: nil, body: Data())
                            })
                    }
                }
                try await group.waitForAll()
            }
            guard case .whole(let head) = try await Self.verify(database) else {
                Issue.record("the chain is broken")
                return
            }
            #expect(head.id == 6 + 180)
        }
    }
}
