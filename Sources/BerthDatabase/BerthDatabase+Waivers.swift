import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Waivers, those that ended or were taken back included, the newest first.
    public func waivers(_ page: Page) async throws -> Listing<Waiver> {
        let before = try page.id() ?? .max
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT \(unescaped: Waiver.columnList) FROM waivers w WHERE w.id < \(before) ORDER BY w.id DESC LIMIT \(page.limit + 1)
                """)
            return Listing(
                try rows.map(Waiver.init), limit: page.limit, position: { String($0.id) })
        }
    }

    /// The waiver of that number, also one that was taken back. Throws `.notFound`.
    public func waiver(_ id: Int64) async throws -> Waiver {
        try await translatingErrors {
            let rows = try await client.query(
                "SELECT \(unescaped: Waiver.columnList) FROM waivers w WHERE w.id = \(id)")
            guard let row = rows.first else { throw BerthError.notFound("no waiver \(id)") }
            return try Waiver(row)
        }
    }

    /// Makes a waiver; it counts from the next run on. Throws `.invalid`, and `.forbidden` for who does not
    /// manage the environment that it is about; what is about none is an admin's.
    public func createWaiver(
        _ draft: WaiverDraft, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (Waiver) throws -> KeptAnswer
    ) async throws -> Once<Waiver> {
        try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
            var waiver = Waiver(
                id: 0, scope: draft.scope, reason: draft.reason, approvedBy: caller.name,
                createdAt: now.flooredToSecond, endsAt: draft.endsAt)
            try await transaction.requireApprover(of: waiver.scope, caller)
            let (fingerprint, check, environment) = waiver.scope.columns
            let rows = try await transaction.query(
                """
                INSERT INTO waivers (
                    fingerprint, check_name, environment, reason, approved_by, created_at, ends_at)
                VALUES (\(fingerprint), \(check), \(environment), \(waiver.reason), \(waiver.approvedBy),
                        \(waiver.createdAt), \(waiver.endsAt))
                RETURNING id
                """)
            waiver.id = try rows[rows.startIndex].decode(Int64.self)
            return waiver
        }
    }

    /// Takes a waiver back; again changes nothing. Throws `.notFound`, `.forbidden`.
    public func revokeWaiver(
        _ id: Int64, by caller: Caller, now: Date, dryRun: Bool
    ) async throws {
        try await decide(dryRun: dryRun) { transaction in
            let rows = try await transaction.query(
                """
                SELECT \(unescaped: Waiver.columnList) FROM waivers w WHERE w.id = \(id) FOR UPDATE
                """)
            guard let row = rows.first else { throw BerthError.notFound("no waiver \(id)") }
            try await transaction.requireApprover(of: Waiver(row).scope, caller)
            try await transaction.query(
                """
                UPDATE waivers SET revoked_at = \(now), revoked_by = \(caller.name)
                WHERE id = \(id) AND revoked_at IS NULL
                """)
        }
    }

    /// The checks of the audit, by name, with how they are tuned.
    public func auditChecks() async throws -> [AuditCheck] {
        try await translatingErrors { try await client.auditChecks().map(\.check) }
    }

    /// Tunes a check wholly: whether it runs, and its numbers; what is not given is the check's own. Throws
    /// `.notFound`, `.invalid` for a number that the check does not have.
    public func tuneCheck(
        _ name: String, isOn: Bool?, settings: [String: Int], by caller: Caller, now: Date,
        dryRun: Bool
    ) async throws -> AuditCheck {
        try await decide(dryRun: dryRun) { transaction in
            guard var check = try AuditCheck.all().first(where: { $0.check.name == name })?.check
            else {
                throw BerthError.notFound("no check \(name)")
            }
            if let unknown = Set(settings.keys).subtracting(check.settings.keys).sorted().first {
                let known = check.settings.keys.sorted().joined(separator: ", ")
                throw BerthError.invalid(
                    "/settings/\(unknown)",
                    "is not a setting of \(name)"
                        + (known.isEmpty ? ", which has none" : ": it has \(known)"))
            }
            check.isOn = isOn ?? check.isOn
            check.settings.merge(settings) { $1 }
            try await transaction.query(
                """
                INSERT INTO audit_settings (check_name, is_on, settings, updated_at, updated_by)
                VALUES (\(name), \(check.isOn), \(PostgresJSON(settings)), \(now), \(caller.name))
                ON CONFLICT (check_name) DO UPDATE
                SET is_on = excluded.is_on, settings = excluded.settings, updated_at = excluded.updated_at,
                    updated_by = excluded.updated_by
                """)
            return check
        }
    }
}

extension PostgresQuerying {
    /// The waivers that hold at an instant.
    func waiversInForce(at instant: Date) async throws -> [Waiver] {
        try await query(
            """
            SELECT \(unescaped: Waiver.columnList) FROM waivers w WHERE w.revoked_at IS NULL AND w.ends_at > \(instant) ORDER BY w.id
            """
        ).map(Waiver.init)
    }
}

extension PostgresTransaction {
    /// Throws unless the caller may answer for what a waiver leaves as it is.
    fileprivate func requireApprover(of scope: Waiver.Scope, _ caller: Caller) async throws {
        let (fingerprint, _, named) = scope.columns
        var key = named
        if let fingerprint {
            let found = try await query(
                """
                SELECT f.environment FROM audit_findings f
                WHERE f.fingerprint = \(fingerprint) ORDER BY f.audit_id DESC LIMIT 1
                """)
            guard let row = found.first else {
                throw BerthError.invalid(
                    "/fingerprint", "is of no finding: take it from a run of the audit")
            }
            key = try row.decode("environment", as: String?.self)
        }
        var environment: TestEnvironment?
        if let key {
            let rows = try await query("SELECT e.id FROM environments e WHERE e.key = \(key)")
            if let id = try rows.first?.decode(Int64.self) {
                environment = try await self.environment(id: id)
            } else if named != nil {
                throw BerthError.invalid("/environment", "there is no environment \(key)")
            }
        }
        guard caller.role == .admin || environment.map(caller.manages) == true else {
            throw BerthError.forbidden(
                "only who manages the environment may waive what is found on it, and only an admin what is "
                    + "on none or on all")
        }
    }
}

extension Waiver.Scope {
    fileprivate var columns: (fingerprint: String?, check: String?, environment: String?) {
        switch self {
        case .finding(let fingerprint): (fingerprint, nil, nil)
        case .check(let check, let environment): (nil, check, environment)
        }
    }
}

extension Waiver {
    fileprivate static let columnList = """
        w.id, w.fingerprint, w.check_name, w.environment, w.reason, w.approved_by, w.created_at, w.ends_at,
        w.revoked_at
        """

    fileprivate init(_ row: PostgresRow) throws {
        var columns = row.columns
        let id: Int64 = try columns.next()
        let fingerprint: String? = try columns.next()
        let check: String? = try columns.next()
        let environment: String? = try columns.next()
        self.init(
            id: id,
            scope: fingerprint.map { .finding($0) }
                ?? .check(check ?? "", environment: environment),
            reason: try columns.next(), approvedBy: try columns.next(),
            createdAt: try columns.next(), endsAt: try columns.next(),
            revokedAt: try columns.next())
    }
}
