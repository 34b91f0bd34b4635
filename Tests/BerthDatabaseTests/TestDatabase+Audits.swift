import BerthCore
import BerthDatabase
import BerthSQL
import BerthTestSupport
import Foundation
import Postgres

/// The files of `sql/audit`.
enum BerthSQLChecks {
    static var all: [(name: String, sql: String)] {
        get throws { try BerthSQL.checks().map { ($0.name, $0.sql) } }
    }
}

extension TestDatabase {
    /// Audits as `berth audit` does.
    @discardableResult
    func audit(at instant: Date = TestDatabase.now, checks: Set<String> = []) async throws -> Audit
    {
        try await berth.audit(
            AuditRequest(at: instant, checks: checks, recordedBy: "test"), now: instant)
    }

    /// A booking of uat-1 that was not checked in, and that no clockwork ended. Returns its number.
    @discardableResult
    func plantNoShow() async throws -> Int64 {
        try await environment("uat-1") { $0.policy.checkInMinutes = 15 }
        let booking = try await book(Self.draft("uat-1", from: 0, to: 4), now: Self.now)
        try await psql(
            """
            UPDATE bookings SET starts_at = starts_at - interval '2 hours', updated_at = updated_at,
                created_at = created_at - interval '3 hours'
            """)
        return booking.reference.id
    }

    /// Waives something for a week, as an admin.
    func waive(_ scope: Waiver.Scope) async throws -> Waiver {
        let made = try await berth.createWaiver(
            WaiverDraft(
                scope: scope, reason: "It is known.",
                endsAt: Self.now.addingTimeInterval(7 * 86_400)),
            by: Self.admin, now: Self.now, dryRun: false, idempotency: nil,
            keep: { _ in KeptAnswer(status: 201, location: nil, etag: nil, body: Data()) })
        guard case .done(let waiver) = made else { throw NotWaived() }
        return waiver
    }

    private struct NotWaived: Error {}

    /// Tunes a check as an admin.
    func tune(
        _ check: String, isOn: Bool? = nil, settings: [String: Int] = [:]
    ) async throws -> AuditCheck {
        try await berth.tuneCheck(
            check, isOn: isOn, settings: settings, by: Self.admin, now: Self.now, dryRun: false)
    }

    /// The functions that triggers and decisions call: all of Berth's own but those of the audit.
    func functionsThatWrite() async throws -> [String] {
        try await client.query(
            """
            SELECT p.proname FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace AND p.proname NOT LIKE 'audit%'
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
            """
        ).map { try $0.decode(String.self) }
    }

    /// Records as they should be, among them all that could be taken for a fault: what touches, shares, was
    /// released, was planned past a freeze, has other parts by now.
    func makeSoundWorld() async throws {
        try await psql(
            """
            INSERT INTO teams (name, created_at, updated_at)
            SELECT n, timestamptz '2027-02-01', timestamptz '2027-02-01'
            FROM unnest('{one,two,three,four,five}'::text[]) n;
            INSERT INTO tokens (name, role, team_id, secret_hash, created_at, created_by, revoked_at)
            VALUES ('here', 'booker', NULL, sha256('a'), '2027-02-01', 'test', NULL),
                   ('gone', 'booker', NULL, sha256('b'), '2027-02-01', 'test', '2027-02-20'),
                   ('fifth', 'booker', 5, sha256('c'), '2027-02-01', 'test', '2027-02-20');
            INSERT INTO environments (key, name, tier, owner_team_id, time_zone, labels, capacity, created_at,
                                      updated_at, updated_by)
            SELECT 's-' || i, 's-' || i, 'uat', 1 + i % 4, 'UTC', '{"region": "emea"}', CASE WHEN i % 3 = 0 THEN 2 END,
                   '2027-02-10', '2027-02-10', 'test'
            FROM generate_series(1, 30) i;
            UPDATE environments e SET part_ids = ARRAY[e.id + 1], part_usages = '{same}', version = 2,
                                      updated_at = '2027-02-11'
            WHERE e.id % 10 = 1;
            INSERT INTO bookings (
                state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode, requested_by, setup_minutes,
                teardown_minutes, created_at, updated_at, updated_by)
            SELECT CASE WHEN s.at + interval '3 hours' <= '2027-03-01 09:00Z' THEN 'completed'
                        WHEN s.at <= '2027-03-01 09:00Z' THEN 'active' ELSE 'confirmed' END,
                   ARRAY[e.id], s.at, s.at + interval '3 hours', 'UTC', 'Sound', 1 + e.id % 4, m.mode, 'here',
                   CASE WHEN e.id % 7 = 0 THEN 30 ELSE 0 END, CASE WHEN e.id % 7 = 0 THEN 30 ELSE 0 END,
                   '2027-02-10', '2027-02-28', 'test'
            FROM environments e
            CROSS JOIN generate_series(0, 60) n
            CROSS JOIN LATERAL (SELECT timestamptz '2027-02-20' + n * interval '4 hours') s (at)
            CROSS JOIN LATERAL (
                SELECT 'exclusive' WHERE e.capacity IS NULL OR n % 2 = 0
                UNION ALL SELECT 'shared' FROM generate_series(1, 2) WHERE e.capacity IS NOT NULL AND n % 2 = 1)
                m (mode)
            WHERE e.id % 10 <> 2;
            -- One released early leaves its rest to another.
            UPDATE bookings SET released_at = starts_at + interval '1 hour', state = 'completed', version = 2
            WHERE environment_ids = ARRAY[4::bigint] AND starts_at = timestamptz '2027-02-20';
            INSERT INTO bookings (state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode,
                                  requested_by, created_at, updated_at, updated_by)
            VALUES ('completed', '{4}', '2027-02-20 01:00Z', '2027-02-20 03:00Z', 'UTC', 'Rest', 1, 'exclusive', 'here',
                    '2027-02-10', '2027-02-28', 'test');
            INSERT INTO change_windows (
                kind, state, labels, title, requested_by, approved_at, exception_to, starts_at, ends_at, time_zone,
                occurrence_starts, created_at, updated_at, updated_by)
            SELECT w.kind, 'approved', '{"tier": "uat"}', w.title, 'here', '2027-02-12', w.exception, w.from_at, w.to_at,
                   'UTC', ARRAY[w.from_at], '2027-02-12', '2027-02-12', 'test'
            FROM (VALUES ('freeze', 'Freeze', NULL::bigint, timestamptz '2027-04-01', timestamptz '2027-04-10'),
                         ('change', 'Allowed', 1, '2027-04-02', '2027-04-03'),
                         ('change', 'Before', NULL, '2027-03-31', '2027-04-01'))
                 w (kind, title, exception, from_at, to_at);
            -- What had ended keeps the parts that it had.
            UPDATE environments e SET part_ids = '{}', part_usages = '{}', version = 3, updated_at = '2027-03-01 08:00Z'
            WHERE e.id = 11;
            """)
    }

    /// Writes planted faults past triggers and constraints; what follows from them is as it should be, unless a
    /// fault says otherwise.
    func plant(_ faults: PlantedFaults) async throws {
        try await psql(
            """
            DO $$
            DECLARE v_statement text;
            BEGIN
                FOR v_statement IN
                    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', c.conrelid::regclass, c.conname)
                    FROM pg_constraint c
                    WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('x', 'f')
                    UNION ALL
                    SELECT format('ALTER TABLE %s DISABLE TRIGGER USER', t)
                    FROM unnest('{bookings,claims,change_windows,window_spans,change_log,change_log_head}'::text[]) t
                LOOP EXECUTE v_statement; END LOOP;
            END $$
            """)
        try await psql(faults.statements.joined(separator: ";\n"))
        try await psql(
            """
            INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
            SELECT d.booking_id, d.environment_id, 'use', d.period, d.share_key
            FROM derive_claims(array(SELECT b.id FROM bookings b WHERE b.id >= 100000)) d;
            INSERT INTO window_spans (window_id, environment_id, kind, state, team_id, exception_to, is_emergency,
                                      period, valid_from)
            SELECT d.window_id, d.environment_id, d.kind, d.state, d.team_id, d.exception_to, d.is_emergency, d.period,
                   '2027-02-12'
            FROM derive_spans(array(SELECT w.id FROM change_windows w WHERE w.id >= 5000)) d;
            INSERT INTO claims (window_id, environment_id, lane, period, share_key)
            SELECT d.window_id, d.environment_id, d.lane, d.period, d.share_key
            FROM derive_window_claims(array(SELECT w.id FROM change_windows w WHERE w.id >= 5000)) d
            """)
        try await psql(faults.late.joined(separator: ";\n"))
    }
}

extension PostgresConnection {
    /// Looks until another session waits for a lock.
    func untilSomebodyWaits() async throws {
        while true {
            let rows = try await query("SELECT EXISTS (SELECT FROM pg_locks l WHERE NOT l.granted)")
            if try rows[rows.startIndex].decode(Bool.self) { return }
        }
    }
}
