import BerthCore
import Foundation
import Postgres

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
                return try await source.inSnapshot(deadline: Self.longest) { snapshot in
                    let plan = try await snapshot.plan(request, now: now)
                    let found = try await snapshot.findings(plan, deadline: Self.longest)
                    return try await snapshot.compared(found, plan, by: request.recordedBy)
                }
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
                let found = try await source.inSnapshot(deadline: Self.longest) {
                    try await $0.findings(plan, deadline: Self.longest)
                }
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

/// What checks found, not yet compared with any other run.
struct FoundByAudit {
    var findings: [Finding]
    /// How much each check found, what is not listed included.
    var totals: [String: Int]
    /// The end of the change log, when its chain was found whole.
    var head: LogHead?
}

extension PostgresClient {
    /// Runs `body` on one consistent snapshot that nothing is written to.
    fileprivate func inSnapshot<Value: Sendable>(
        deadline: Duration, _ body: @Sendable (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        try await withConnection { connection in
            try await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            // One core and no more, so that bookings go on beside it. PostgreSQL makes its hash tables as large
            // as it expects them, and with more memory than this takes longer to clear than to use them.
            try await connection.query(
                """
                SELECT set_config('search_path', 'public, pg_temp', true),
                       set_config('jit', 'off', true), set_config('work_mem', '32MB', true),
                       set_config('max_parallel_workers_per_gather', '0', true)
                """)
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
        return AuditCheck.all.map { check, sql in
            guard let tuning = tuned[check.name] else { return (check, sql) }
            var check = check
            check.isOn = tuning.isOn
            check.settings.merge(tuning.settings) { $1 }
            return (check, sql)
        }
    }
}

extension PostgresConnection {
    /// Runs the checks of a plan, one after the other.
    fileprivate func findings(_ plan: AuditPlan, deadline: Duration) async throws -> FoundByAudit {
        try await query(
            "SELECT set_config('berth.audit_at', (\(plan.at)::timestamptz)::text, true)")
        var found = FoundByAudit(findings: [], totals: [:])
        for (check, sql) in plan.checks {
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
                found.findings.append(try Finding(&columns, at: plan.at))
                found.totals[check.name] = try columns.next()
            }
        }
        if found.totals["broken-chain"] == 0 {
            let rows = try await query("SELECT h.id, encode(h.hash, 'hex') FROM change_log_head h")
            found.head = try rows.first.map {
                let (id, hash) = try $0.decode(Int64.self, String.self)
                return LogHead(id: id, hash: hash)
            }
        }
        return found
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
