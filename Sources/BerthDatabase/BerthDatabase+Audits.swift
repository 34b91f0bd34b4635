import BerthCore
import Foundation
import Postgres

/// Which findings of a run are asked for; empty sets ask for all.
public struct FindingFilter: Sendable {
    /// The run's number; nil: the last one.
    public var run: Int64?
    /// The check that found them.
    public var check: String?
    /// The environment that they are about.
    public var environment: String?
    /// The team that has to act.
    public var actor: String?
    /// How bad they are.
    public var severities: [Finding.Severity] = []
    /// What became of them; empty: what is there, waived or not.
    public var statuses: [Finding.Status] = []

    /// All findings of the last run.
    public init() {}
}

extension BerthDatabase {
    /// The runs of the audit without their findings, the newest first.
    public func audits(_ page: Page) async throws -> Listing<Audit> {
        let before = try page.id() ?? .max
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT a.id, a.at, a.recorded_by, a.checks, f.new, f.persisting, f.resolved, f.waived
                FROM audits a
                CROSS JOIN LATERAL (
                    SELECT count(*) FILTER (WHERE f.status = 'new') AS new,
                           count(*) FILTER (WHERE f.status = 'persisting') AS persisting,
                           count(*) FILTER (WHERE f.status = 'resolved') AS resolved,
                           count(*) FILTER (WHERE f.status = 'waived') AS waived
                    FROM audit_findings f WHERE f.audit_id = a.id) f
                WHERE a.id < \(before) ORDER BY a.id DESC LIMIT \(page.limit + 1)
                """)
            return Listing(
                try rows.map(Audit.init), limit: page.limit, position: { String($0.run ?? 0) })
        }
    }

    /// A run with all that it found. Throws `.notFound`.
    public func audit(_ run: Int64) async throws -> Audit {
        try await translatingErrors {
            guard let audit = try await client.audit(run) else {
                throw BerthError.notFound("no audit \(run)")
            }
            return audit
        }
    }

    /// Findings of one run, in the order of their fingerprints.
    public func findings(_ filter: FindingFilter, _ page: Page) async throws -> Listing<Finding> {
        let after = page.after ?? ""
        let statuses = filter.statuses.isEmpty ? [.new, .persisting, .waived] : filter.statuses
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT \(unescaped: Finding.columnList)
                FROM audit_findings f
                WHERE f.audit_id = coalesce(\(filter.run)::bigint, (SELECT max(a.id) FROM audits a))
                  AND f.fingerprint > \(after)
                  AND (\(filter.check)::text IS NULL OR f.check_name = \(filter.check))
                  AND (\(filter.environment)::text IS NULL OR f.environment = \(filter.environment))
                  AND (\(filter.actor)::text IS NULL OR f.actor = \(filter.actor))
                  AND (\(filter.severities.isEmpty) OR f.severity = ANY (\(filter.severities)))
                  AND f.status = ANY (\(statuses))
                ORDER BY f.fingerprint LIMIT \(page.limit + 1)
                """)
            return Listing(
                try rows.map(Finding.init), limit: page.limit, position: \.fingerprint)
        }
    }

    /// How many findings the last run has, by check, severity and status; with the instant that it audited;
    /// nil before the first. For `/metrics`: at most a second.
    public func findingCounts() async throws -> FindingCounts? {
        let rows = try await client.query(
            """
            SELECT a.at, f.check_name, f.severity, f.status, f.count
            FROM (SELECT a.id, a.at FROM audits a ORDER BY a.id DESC LIMIT 1) a
            LEFT JOIN (SELECT f.audit_id, f.check_name, f.severity, f.status, count(*) AS count
                       FROM audit_findings f GROUP BY 1, 2, 3, 4) f ON f.audit_id = a.id
            ORDER BY f.check_name, f.severity, f.status
            """, deadline: .seconds(1))
        guard let first = rows.first else { return nil }
        return FindingCounts(
            at: try first.decode("at"),
            counts: try rows.compactMap { row in
                guard let check = try row.decode("check_name", as: String?.self) else { return nil }
                return FindingCounts.Count(
                    check: check, severity: try row.decode("severity"),
                    status: try row.decode("status"), count: try row.decode("count"))
            })
    }
}

/// How many findings a run has of each kind.
public struct FindingCounts: Sendable {
    /// How many there are of one kind.
    public struct Count: Sendable {
        /// The check that found them.
        public var check: String
        /// How bad they are.
        public var severity: Finding.Severity
        /// What became of them.
        public var status: Finding.Status
        /// How many there are.
        public var count: Int
    }

    /// The instant that was audited.
    public var at: Date
    /// Of each kind that there is.
    public var counts: [Count]
}

extension PostgresQuerying {
    /// A run with all that it found; nil when there is none of that number.
    func audit(_ run: Int64) async throws -> Audit? {
        let rows = try await query(
            "SELECT a.id, a.at, a.recorded_by, a.checks, 0, 0, 0, 0 FROM audits a WHERE a.id = \(run)"
        )
        guard let row = rows.first else { return nil }
        var audit = try Audit(row)
        audit.findings = try await query(
            """
            SELECT \(unescaped: Finding.columnList)
            FROM audit_findings f WHERE f.audit_id = \(run)
            """
        ).map(Finding.init).sorted(by: Audit.isBefore)
        audit.summary = Audit.Summary(of: audit.findings)
        return audit
    }
}

extension Audit {
    init(_ row: PostgresRow) throws {
        var columns = row.columns
        self.init(
            run: try columns.next(), at: try columns.next(), recordedBy: try columns.next(),
            checks: try columns.next(as: PostgresJSON<[String: Int]>.self).value,
            summary: Summary(
                new: try columns.next(), persisting: try columns.next(),
                resolved: try columns.next(), waived: try columns.next()),
            findings: [])
    }
}

extension Finding {
    static let columnList = """
        f.check_name, f.severity, f.status, f.fingerprint, f.environment, f.subjects, f.starts_at, f.ends_at,
        f.detail, f.actor, f.first_found_at, f.waiver_id
        """

    init(_ row: PostgresRow) throws {
        var columns = row.columns
        self.init(
            check: try columns.next(), severity: try columns.next(), status: try columns.next(),
            fingerprint: try columns.next(), environment: try columns.next(),
            subjects: try columns.next(), startsAt: try columns.next(), endsAt: try columns.next(),
            detail: try columns.next(), actor: try columns.next(),
            firstFoundAt: try columns.next(), waiver: try columns.next())
    }
}

extension Finding.Severity: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
extension Finding.Status: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
