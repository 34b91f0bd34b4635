import BerthCore
import Foundation
import Postgres
import Synchronization

/// What is asked of an audit.
public struct AuditRequest: Sendable {
    /// The instant to audit; nil: now.
    public var at: Date?
    /// The checks to run; empty: all that are on.
    public var checks: Set<String>
    /// Who asks, for the record.
    public var recordedBy: String
    /// The night that it is for: one that was audited is not audited again.
    public var dueAt: Date?
    /// Whether the run is kept.
    public var isRecorded = true

    /// A request.
    public init(
        at: Date? = nil, checks: Set<String> = [], recordedBy: String, dueAt: Date? = nil,
        isRecorded: Bool = true
    ) {
        self.at = at
        self.checks = checks
        self.recordedBy = recordedBy
        self.dueAt = dueAt
        self.isRecorded = isRecorded
    }
}

extension BerthDatabase {
    /// How long a check may take, and how long one run waits for another.
    private static let longest: Duration = .seconds(900)

    /// Audits everything: runs the checks in one read-only snapshot, compares what they found with what the runs
    /// before found, and keeps the run, with a notice to each team that has to act, in one transaction. One that
    /// waited for another asked for the same takes that one's result. The checks read from `replica`, if there
    /// is one. Throws `.invalid` for a check that is not known. Cost: some passes over all bookings, claims and
    /// changes; what it holds in memory is bounded by `Limits.findingsPerCheck`.
    public func audit(
        _ request: AuditRequest, reading replica: PostgresClient? = nil, now: Date
    ) async throws -> Audit {
        try await translatingErrors {
            let now = now.flooredToSecond
            let source = replica ?? client
            guard request.isRecorded else {
                let plan = try await source.plan(request, now: now)
                return try await source.compared(
                    try await source.findings(plan, deadline: Self.longest), plan,
                    by: request.recordedBy)
            }
            let last = try await client.lastAudit()
            return try await client.transaction { transaction in
                try await transaction.query(
                    "SELECT pg_advisory_xact_lock(hashtextextended('berth.audit', 0))",
                    deadline: Self.longest)
                let plan = try await transaction.plan(request, now: now)
                if let made = try await transaction.audit(after: last, like: request, plan) {
                    return made
                }
                let found = try await source.findings(plan, deadline: Self.longest)
                var audit = try await transaction.compared(found, plan, by: request.recordedBy)
                try await transaction.record(
                    &audit, head: found.head, dueAt: request.dueAt, now: now)
                return audit
            }
        }
    }
}

/// What a run does: its instant, and the checks with their settings.
struct AuditPlan {
    /// The instant to audit.
    var at: Date
    /// The checks to run, by name.
    var checks: [(check: AuditCheck, sql: String)]
}

/// The checks that are still to be run, for the sessions that share them.
private final class CheckQueue: Sendable {
    private let checks: Mutex<ArraySlice<(check: AuditCheck, sql: String)>>

    init(_ checks: [(check: AuditCheck, sql: String)]) {
        self.checks = Mutex(checks[...])
    }

    func next() -> (check: AuditCheck, sql: String)? {
        checks.withLock { $0.popFirst() }
    }
}

/// What checks found, not yet compared with any other run.
struct FoundByAudit {
    var findings: [Finding]
    /// How much each check found, what is not listed included.
    var totals: [String: Int]
    /// The end of the change log, when its chain was found whole.
    var head: LogHead?

    /// Adds what another session found.
    mutating func add(_ other: FoundByAudit) {
        findings += other.findings
        totals.merge(other.totals) { $1 }
    }
}

extension PostgresClient {
    /// Runs the checks of a plan on one consistent snapshot that nothing is written to, in two sessions that share it.
    fileprivate func findings(_ plan: AuditPlan, deadline: Duration) async throws -> FoundByAudit {
        let queue = CheckQueue(plan.checks)
        return try await inSnapshot { first in
            try await first.begin(plan)
            let rows = try await first.query("SELECT pg_export_snapshot()")
            let snapshot = try rows[rows.startIndex].decode(String.self)
            async let others = self.inSnapshot(of: snapshot) { second in
                try await second.begin(plan)
                return try await second.findings(
                    of: queue, at: plan.at, deadline: deadline)
            }
            var found = try await first.findings(
                of: queue, at: plan.at, deadline: deadline)
            try await found.add(others)
            if found.totals["broken-chain"] == 0 { found.head = try await first.logHead() }
            return found
        }
    }

    /// Runs `body` on one consistent snapshot, or on one that another session exported.
    private func inSnapshot<Value: Sendable>(
        of exported: String? = nil, _ body: @Sendable (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        try await withConnection { connection in
            try await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            // The server made the name; it is a literal by PostgreSQL's grammar.
            if let exported {
                try await connection.query("SET TRANSACTION SNAPSHOT '\(unescaped: exported)'")
            }
            let value = try await body(connection)
            try await connection.query("COMMIT")
            return value
        }
    }

    fileprivate func lastAudit() async throws -> Int64 {
        let rows = try await query("SELECT coalesce(max(a.id), 0) FROM audits a")
        return try rows[rows.startIndex].decode(Int64.self)
    }
}

extension PostgresQuerying {
    /// What a request comes to, with the settings that hold now.
    fileprivate func plan(_ request: AuditRequest, now: Date) async throws -> AuditPlan {
        let checks = try await auditChecks()
        let known = Set(checks.map(\.check.name))
        if let unknown = request.checks.subtracting(known).sorted().first {
            throw BerthError.invalid(
                "check",
                "there is no check \(unknown): there are \(known.sorted().joined(separator: ", "))")
        }
        return AuditPlan(
            at: request.at ?? now,
            checks: checks.filter {
                request.checks.isEmpty ? $0.check.isOn : request.checks.contains($0.check.name)
            })
    }

    /// All checks with how they are tuned.
    func auditChecks() async throws -> [(check: AuditCheck, sql: String)] {
        let rows = try await query(
            "SELECT s.check_name, s.is_on, s.settings FROM audit_settings s")
        var tuned: [String: (isOn: Bool, settings: [String: Int])] = [:]
        for row in rows {
            let (name, isOn, settings) = try row.decode(
                String.self, Bool.self, PostgresJSON<[String: Int]>.self)
            tuned[name] = (isOn, settings.value)
        }
        return try AuditCheck.all().map { check, sql in
            guard let tuning = tuned[check.name] else { return (check, sql) }
            var check = check
            check.isOn = tuning.isOn
            check.settings.merge(tuning.settings) { $1 }
            return (check, sql)
        }
    }
}

extension PostgresConnection {
    /// Readies a session for checks: one core, so that bookings go on beside it, and no table of the session's own.
    /// PostgreSQL makes its hash tables as large as it expects them, and with more memory than this takes longer to
    /// clear than to use them.
    fileprivate func begin(_ plan: AuditPlan) async throws {
        try await query(
            """
            SELECT set_config('search_path', 'public, pg_temp', true), set_config('jit', 'off', true),
                   set_config('work_mem', '32MB', true),
                   set_config('max_parallel_workers_per_gather', '0', true),
                   set_config('berth.audit_at', (\(plan.at)::timestamptz)::text, true)
            """)
    }

    /// Runs checks, one after the other, until there is none left.
    fileprivate func findings(
        of queue: CheckQueue, at instant: Date, deadline: Duration
    ) async throws -> FoundByAudit {
        var found = FoundByAudit(findings: [], totals: [:])
        while let (check, sql) = queue.next() {
            for (name, value) in check.settings {
                try await query(
                    "SELECT set_config(\("berth.audit_" + name), \(String(value)), true)")
            }
            let rows = try await query(
                """
                SELECT f."check", f.severity, f.environment, f.subjects, f.starts_at, f.ends_at, f.detail,
                       f.actor, f.fingerprint, count(*) OVER ()
                FROM (\(unescaped: AuditCheck.subquery(sql))) f
                ORDER BY f.fingerprint LIMIT \(Limits.findingsPerCheck)
                """, deadline: deadline)
            found.totals[check.name] = 0
            for row in rows {
                var columns = row.columns
                found.findings.append(try Finding(&columns, at: instant))
                found.totals[check.name] = try columns.next()
            }
        }
        return found
    }

    fileprivate func logHead() async throws -> LogHead? {
        let rows = try await query("SELECT h.id, encode(h.hash, 'hex') FROM change_log_head h")
        return try rows.first.map {
            let (id, hash) = try $0.decode(Int64.self, String.self)
            return LogHead(id: id, hash: hash)
        }
    }
}

extension Finding {
    /// A row of a check.
    fileprivate init(_ columns: inout PostgresColumnReader, at instant: Date) throws {
        self.init(
            check: try columns.next(), severity: try columns.next(), status: .new, fingerprint: "",
            environment: try columns.next(), subjects: try columns.next(),
            startsAt: try columns.next(), endsAt: try columns.next(), detail: try columns.next(),
            actor: try columns.next(), firstFoundAt: instant)
        fingerprint = try columns.next()
    }
}
