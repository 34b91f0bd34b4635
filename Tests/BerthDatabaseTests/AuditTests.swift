import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Postgres
import Testing

@Suite("The audit", .gated)
struct AuditTests {
    @Test("It finds every planted fault and nothing else", arguments: [1, 2, 3] as [UInt64])
    func plantedFaults(seed: UInt64) async throws {
        try await TestDatabase.with { database in
            try await database.makeSoundWorld()
            let sound = try await database.audit()
            #expect(sound.findings.map(ExpectedFinding.init) == [])

            var faults = PlantedFaults(seed: seed)
            faults.plant(ofEach: 6)
            faults.plantChanges(6)
            try await database.plant(faults)
            let found = try await database.audit().findings
            let told = Set(found.map(ExpectedFinding.init))
            #expect(faults.expected.subtracting(told) == [], "planted, and not found")
            #expect(told.subtracting(faults.expected) == [], "found, and not planted")
            #expect(found.count == told.count, "found more than once")
            #expect(faults.expected.count > 250)
            let checks = Set(faults.expected.map(\.check))
            #expect(try AuditCheck.names().subtracting(checks) == ["broken-chain"])
        }
    }

    @Test(
        "A change log that was tampered with is told where",
        arguments: [
            ("UPDATE change_log SET summary = 'nothing' WHERE id = 5", ["5"]),
            ("DELETE FROM change_log WHERE id = 4", ["5", "5"]),
            (
                """
                DELETE FROM change_log WHERE id >= 8;
                UPDATE change_log_head SET (id, hash) = (SELECT c.id, c.hash FROM change_log c WHERE c.id = 7)
                """, ["9"]
            ),
            ("DELETE FROM change_log_head", ["9"]),
        ])
    func tampering(sql: String, subjects: [String]) async throws {
        try await TestDatabase.with { database in
            var faults = PlantedFaults(seed: 1)
            faults.plantChanges(1)
            try await database.psql(
                "INSERT INTO teams (name, created_at, updated_at) VALUES ('qa', now(), now())")
            try await database.plant(faults)
            // Nine entries only: the test says where.
            try await database.psql(
                """
                DELETE FROM change_log WHERE id > 9;
                UPDATE change_log_head SET (id, hash) = (SELECT c.id, c.hash FROM change_log c WHERE c.id = 9)
                """)
            let before = try await database.audit(checks: ["broken-chain"])
            #expect(before.findings == [])
            try await database.psql(sql)
            let after = try await database.audit(checks: ["broken-chain"])
            #expect(after.findings.flatMap(\.subjects).sorted() == subjects)
            #expect(after.findings.allSatisfy { $0.severity == .critical && $0.actor == nil })
        }
    }

    @Test("A finding is new, then persisting, then resolved, and then gone")
    func statuses() async throws {
        try await TestDatabase.with { database in
            let booking = try await database.plantNoShow()
            let first = try await database.audit()
            #expect(first.summary == Audit.Summary(new: 1))
            let second = try await database.audit(at: TestDatabase.now.addingTimeInterval(60))
            #expect(second.summary == Audit.Summary(persisting: 1))
            #expect(second.findings.first?.firstFoundAt == TestDatabase.now)
            try await database.psql("UPDATE bookings SET state = 'cancelled' WHERE id = \(booking)")
            let third = try await database.audit()
            #expect(third.summary == Audit.Summary(resolved: 1))
            let fourth = try await database.audit()
            #expect(fourth.summary == Audit.Summary())
            let listed = try await database.berth.audits(Page(limit: 2))
            #expect(listed.items.map(\.run) == [fourth.run, third.run])
            #expect(listed.next != nil)
        }
    }

    @Test("A run that leaves a check out says nothing about what that check had found")
    func skippedChecks() async throws {
        try await TestDatabase.with { database in
            try await database.plantNoShow()
            try await database.audit()
            let other = try await database.audit(checks: ["contention"])
            #expect(other.summary == Audit.Summary())
            let all = try await database.audit()
            #expect(all.summary == Audit.Summary(persisting: 1))
        }
    }

    @Test("Two runs at once give one result, and each team hears of it once")
    func together() async throws {
        try await TestDatabase.with { database in
            try await database.plantNoShow()
            let runs = try await withThrowingTaskGroup(of: Int64?.self) { group in
                for _ in 0..<3 { group.addTask { try await database.audit().run } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(runs.count == 1)
            let notices = try await database.berth.notices(
                for: TestDatabase.admin, unreadOnly: true, Page(limit: 10))
            #expect(notices.items.map(\.kind) == ["audit.findings"])
            #expect(notices.items.first?.subject == "AU-1")
        }
    }

    @Test("A night is audited once, however many servers ask")
    func nights() async throws {
        try await TestDatabase.with { database in
            for hour in 0..<3 {
                _ = try await database.berth.audit(
                    AuditRequest(recordedBy: "test", dueAt: TestDatabase.now),
                    now: TestDatabase.now.addingTimeInterval(Double(hour) * 3600))
            }
            #expect(try await database.berth.audits(Page(limit: 10)).items.count == 1)
        }
    }

    @Test("A run that is killed half-way leaves nothing")
    func killed() async throws {
        try await TestDatabase.with { database in
            try await database.plantNoShow()
            try await database.client.withConnection { holder in
                // The first check that reads bookings waits for this lock.
                try await holder.query("BEGIN")
                try await holder.query("LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE")
                let run = Task { try await database.audit() }
                try await holder.untilSomebodyWaits()
                run.cancel()
                await #expect(throws: (any Error).self) { try await run.value }
                try await holder.query("ROLLBACK")
            }
            #expect(try await database.berth.audits(Page(limit: 10)).items.isEmpty)
            #expect(try await database.audit().summary == Audit.Summary(new: 1))
        }
    }

    @Test("What is waived stays visible until the waiver ends or is taken back")
    func waivers() async throws {
        try await TestDatabase.with { database in
            try await database.plantNoShow()
            let found = try await database.audit().findings[0]
            let waiver = try await database.waive(.finding(found.fingerprint))
            let waived = try await database.audit()
            #expect(waived.summary == Audit.Summary(waived: 1))
            #expect(waived.findings.first?.waiver == waiver.id)
            let later = try await database.audit(at: waiver.endsAt.addingTimeInterval(1))
            #expect(later.findings.first { $0.check == "no-shows" }?.status == .persisting)

            let second = try await database.waive(.check("no-shows", environment: "uat-1"))
            #expect(try await database.audit().summary.waived == 1)
            for id in [waiver.id, second.id] {
                try await database.berth.revokeWaiver(
                    id, by: TestDatabase.admin, now: TestDatabase.now, dryRun: false)
            }
            #expect(try await database.audit().summary.waived == 0)
        }
    }

    @Test(
        "Of a check that finds more than are listed all are counted, and nothing is called resolved"
    )
    func manyFindings() async throws {
        try await TestDatabase.with { database in
            try await database.psql(
                """
                INSERT INTO environments (key, name, tier, time_zone, created_at, updated_at, updated_by)
                SELECT 'idle-' || i, 'idle-' || i, 'uat', 'UTC', '2026-10-01', '2026-10-01', 'test'
                FROM generate_series(1, \(Limits.findingsPerCheck + 5)) i
                """)
            let audit = try await database.audit()
            #expect(audit.checks["idle-environments"] == Limits.findingsPerCheck + 5)
            #expect(audit.findings.count == Limits.findingsPerCheck)
            #expect(audit.text.contains("idle-environments found 5 more, which are not listed"))
            // Of those listed one is used by now, and another takes its place.
            let key = try #require(audit.findings.first?.environment)
            try await database.psql(
                "UPDATE environments SET status = 'retired' WHERE key = '\(key)'")
            #expect(try await database.audit().summary.resolved == 0)
        }
    }

    @Test("The latest runs are kept, and the oldest goes")
    func retention() async throws {
        try await TestDatabase.with { database in
            try await database.psql(
                """
                INSERT INTO audits (at, recorded_at, recorded_by, checks)
                SELECT now(), now(), 'test', '{}' FROM generate_series(1, \(Limits.auditsKept))
                """)
            try await database.audit()
            let rows = try await database.client.query("SELECT count(*), min(a.id) FROM audits a")
            let (count, oldest) = try rows[0].decode(Int.self, Int64.self)
            #expect(count == Limits.auditsKept && oldest == 2)
        }
    }

    @Test("A check can be switched off and tuned")
    func tuning() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            try await database.psql(
                "UPDATE environments SET created_at = created_at - interval '21 days'")
            #expect(try await database.audit().findings.isEmpty)
            _ = try await database.tune("idle-environments", settings: ["idle_weeks": 2])
            #expect(try await database.audit().findings.map(\.check) == ["idle-environments"])
            _ = try await database.tune("idle-environments", isOn: false)
            #expect(try await database.audit().checks["idle-environments"] == nil)
            let back = try await database.tune("idle-environments")
            #expect(back.settings == ["idle_weeks": 8] && back.isOn)
            await #expect(throws: BerthError.self) {
                try await database.tune("idle-environments", settings: ["weeks": 2])
            }
        }
    }

    @Test("Each check stands alone in psql, and says what it finds")
    func alone() async throws {
        try await TestDatabase.with { database in
            for check in try await database.berth.auditChecks() {
                #expect(!check.purpose.isEmpty, "\(check.name)")
            }
            for (name, sql) in try BerthSQLChecks.all {
                try await database.psql(sql)
                for function in try await database.functionsThatWrite() {
                    #expect(!sql.contains("\(function)("), "\(name) calls \(function)")
                }
            }
        }
    }
}
