import BerthCore
import Foundation
import Postgres

extension PostgresQuerying {
    /// The run that what was found makes, told by what the runs before had found and by the waivers that hold.
    func compared(
        _ found: FoundByAudit, _ plan: AuditPlan, by recordedBy: String
    ) async throws -> Audit {
        let before = try await findingsBefore(plan.checks.map(\.check.name))
        let waivers = try await waiversInForce(at: plan.at)
        var findings = found.findings.map { finding in
            var finding = finding
            let earlier = before[finding.fingerprint]
            finding.firstFoundAt = earlier?.firstFoundAt ?? plan.at
            finding.waiver = waivers.first { $0.covers(finding) }?.id
            finding.status =
                finding.waiver != nil ? .waived : earlier == nil ? .new : .persisting
            return finding
        }
        let present = Set(findings.map(\.fingerprint))
        for var finding in before.values where !present.contains(finding.fingerprint) {
            // Of a check that found more than are listed, nobody knows.
            guard found.totals[finding.check] ?? 0 <= Limits.findingsPerCheck else { continue }
            finding.status = .resolved
            finding.waiver = nil
            findings.append(finding)
        }
        findings.sort(by: Audit.isBefore)
        return Audit(
            run: nil, at: plan.at, recordedBy: recordedBy, checks: found.totals,
            summary: Audit.Summary(of: findings), findings: findings)
    }

    /// What each of these checks had found when it was run last, by fingerprint.
    private func findingsBefore(_ checks: [String]) async throws -> [String: Finding] {
        let rows = try await query(
            """
            SELECT \(unescaped: Finding.columnList)
            FROM unnest(\(checks)::text[]) c (name)
            CROSS JOIN LATERAL (
                SELECT a.id FROM audits a WHERE a.checks ? c.name ORDER BY a.id DESC LIMIT 1) a
            JOIN audit_findings f ON f.audit_id = a.id AND f.check_name = c.name
            WHERE f.status <> 'resolved'
            """)
        return try Dictionary(
            rows.map { row in
                let finding = try Finding(row)
                return (finding.fingerprint, finding)
            }, uniquingKeysWith: { $1 })
    }
}

extension PostgresTransaction {
    /// A run that another request made meanwhile and that answers this one: for the same night, or of the same
    /// instant and checks.
    func audit(
        after last: Int64, like request: AuditRequest, _ plan: AuditPlan
    ) async throws -> Audit? {
        let names = plan.checks.map(\.check.name)
        let rows = try await query(
            """
            SELECT a.id FROM audits a
            WHERE a.due_at = \(request.dueAt)
               OR (a.id > \(last) AND (\(request.at)::timestamptz IS NULL OR a.at = \(request.at))
                   AND array(SELECT k FROM jsonb_object_keys(a.checks) k ORDER BY k COLLATE "C") = \(names))
            ORDER BY a.id DESC LIMIT 1
            """)
        guard let id = try rows.first?.decode(Int64.self) else { return nil }
        return try await audit(id)
    }

    /// Keeps a run, and the head of the log that it saw; tells each team that has something new to act on, in
    /// one notice. Forgets the oldest runs.
    func record(_ audit: inout Audit, head: LogHead?, dueAt: Date?, now: Date) async throws {
        let rows = try await query(
            """
            INSERT INTO audits (at, recorded_at, recorded_by, checks, due_at)
            VALUES (\(audit.at), \(now), \(audit.recordedBy), \(PostgresJSON(audit.checks)), \(dueAt))
            RETURNING id
            """)
        let run = try rows[rows.startIndex].decode(Int64.self)
        audit.run = run
        try await query(
            """
            INSERT INTO audit_findings (
                audit_id, check_name, severity, status, fingerprint, environment, subjects, starts_at, ends_at,
                detail, actor, first_found_at, waiver_id)
            SELECT \(run), f.check_name, f.severity, f.status, f.fingerprint, f.environment, f.subjects,
                   f.starts_at, f.ends_at, f.detail, f.actor, f.first_found_at, f.waiver_id
            FROM jsonb_to_recordset(\(PostgresJSON(audit.findings.map(FindingRecord.init)))) f (
                check_name text, severity text, status text, fingerprint text, environment text, subjects text[],
                starts_at timestamptz, ends_at timestamptz, detail text, actor text,
                first_found_at timestamptz, waiver_id bigint)
            """, deadline: .seconds(60))
        if let head {
            try await query(
                """
                INSERT INTO change_log_heads_seen (id, hash, seen_at)
                VALUES (\(head.id), decode(\(head.hash), 'hex'), \(now)) ON CONFLICT DO NOTHING
                """)
        }
        try await tell(audit, run, now: now)
        try await query("DELETE FROM audits a WHERE a.id <= \(run - Int64(Limits.auditsKept))")
    }

    private func tell(_ audit: Audit, _ run: Int64, now: Date) async throws {
        let toAct = Dictionary(
            grouping: audit.findings.filter { $0.isOpen && $0.severity != .info }, by: \.actor)
        for (actor, findings) in toAct {
            let new = findings.filter { $0.status == .new }
            guard let worst = new.first else { continue }
            let text =
                "\(new.count) new, \(findings.count) in all; the worst: "
                + "\(worst.environment.map { "\($0): " } ?? "")\(worst.detail)"
            try await query(
                """
                INSERT INTO notices (at, kind, subject, text, team_id)
                SELECT \(now), 'audit.findings', \("AU-\(run)"), \(text), t.id
                FROM (SELECT team_id(\(actor)) AS id) t
                """)
        }
    }
}

/// A finding as it goes into its table.
private struct FindingRecord: Encodable {
    var finding: Finding

    init(_ finding: Finding) {
        self.finding = finding
    }

    private enum CodingKeys: String, CodingKey {
        case check = "check_name"
        case severity, status, fingerprint, environment, subjects
        case startsAt = "starts_at"
        case endsAt = "ends_at"
        case detail, actor
        case firstFoundAt = "first_found_at"
        case waiver = "waiver_id"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(finding.check, forKey: .check)
        try container.encode(finding.severity.rawValue, forKey: .severity)
        try container.encode(finding.status.rawValue, forKey: .status)
        try container.encode(finding.fingerprint, forKey: .fingerprint)
        try container.encode(finding.environment, forKey: .environment)
        try container.encode(finding.subjects, forKey: .subjects)
        try container.encode(finding.startsAt, forKey: .startsAt)
        try container.encode(finding.endsAt, forKey: .endsAt)
        try container.encode(finding.detail, forKey: .detail)
        try container.encode(finding.actor, forKey: .actor)
        try container.encode(finding.firstFoundAt, forKey: .firstFoundAt)
        try container.encode(finding.waiver, forKey: .waiver)
    }
}
