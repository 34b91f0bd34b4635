/// What breaks each rule of the schema, by the name of the constraint, index or trigger that refuses it; and a world of
/// one row or two in each table, in which it is tried.
struct Breakage: Sendable {
    var name: String
    /// The table whose own triggers are switched off; nil: the trigger itself is tried.
    var table: String?
    var statement: String

    /// Each row of a table is made this.
    static func update(_ table: String, _ assignments: String, _ name: String) -> Breakage {
        Breakage(name: name, table: table, statement: "UPDATE \(table) SET \(assignments)")
    }

    /// The first row of a table is put in once more, with these columns otherwise.
    static func again(_ table: String, _ columns: String, _ otherwise: String, _ name: String)
        -> Breakage
    {
        Breakage(
            name: name, table: table,
            statement: """
                INSERT INTO \(table) (\(columns)) OVERRIDING SYSTEM VALUE
                SELECT \(otherwise.isEmpty ? columns : otherwise) FROM \(table) LIMIT 1
                """)
    }

    /// A hand does what only a trigger keeps it from.
    static func hand(_ statement: String, _ name: String) -> Breakage {
        Breakage(name: name, table: nil, statement: statement)
    }

    static let all: [Breakage] = checks + foreignKeys + unique + triggers

    private static let checks: [Breakage] = [
        .update(
            "bookings", "approved_version = 1, state = 'requested'",
            "booking_approved_version_exists"),
        .update("bookings", "check_in_minutes = 0", "booking_check_in_is_bounded"),
        .update("bookings", "approved_version = 1, version = 2", "booking_edit_is_undecided"),
        .update("bookings", "id = -id", "booking_id_is_positive"),
        .update("bookings", "lease_seconds = 60", "booking_lease_expires"),
        .update("bookings", "environment_ids = '{}'", "booking_names_its_environments"),
        .update("bookings", "ends_at = starts_at", "booking_period_is_ordered"),
        .update("bookings", "record_only = true", "booking_record_is_past"),
        .update("bookings", "series_id = 1", "booking_recurs_in_a_series"),
        .update(
            "bookings", "released_at = ends_at + interval '1 second'", "booking_release_is_inside"),
        .update("bookings", "select_count = 1", "booking_selects_some"),
        .update("bookings", "state = 'waitlisted'", "booking_wait_ends"),
        .update("bookings", "mode = 'both'", "booking_mode_is_known"),
        .update("bookings", "priority = 'highest'", "booking_priority_is_known"),
        .update("bookings", "state = 'lost'", "booking_state_is_known"),
        .update("bookings", "setup_minutes = -1", "booking_buffers_are_bounded"),
        .update(
            "booking_versions", "valid_until = valid_from - interval '1 second'",
            "booking_version_is_ordered"),
        .update(
            "environments", #"policy = '{"setupMinutes": 10081}'"#,
            "environment_buffers_are_bounded"),
        .update("environments", "capacity = 0", "environment_capacity_is_positive"),
        .update("environments", "key = 'UAT 1'", "environment_key_is_a_slug"),
        .update("environments", "part_ids = '{2}'", "environment_parts_are_paired"),
        .update("environments", "status = 'broken'", "environment_status_is_known"),
        .update(
            "environment_versions", "valid_until = valid_from - interval '1 second'",
            "environment_version_is_ordered"),
        .update(
            "environment_reach_versions", "valid_until = valid_from - interval '1 second'",
            "reach_version_is_ordered"),
        .update("change_log", "control = 'wild'", "change_control_is_known"),
        .update("change_log", "corrects = id", "change_corrects_an_earlier"),
        .update("change_log", "entry = 'note'", "change_entry_is_known"),
        .update("change_log", "hash = 'x'", "change_hash_is_sha256"),
        .update("change_log", "kind = 'party'", "change_kind_is_known"),
        .update("change_log", "review = 'accepted'", "change_review_is_known"),
        .update("change_log", "root_id = id + 1", "change_root_is_earlier"),
        .update("change_log_head", "is_only = false", "change_log_has_one_head"),
        .update("claims", "window_id = 1", "claim_has_one_holder"),
        .update("claims", "lane = 'air'", "claim_lane_is_known"),
        .update(
            "claims", "period = tstzrange(lower(period), upper(period), '[]')",
            "claim_period_is_half_open"),
        .update("claims", "share_key = 7", "claim_share_key_is_known"),
        .update("teams", "merged_into = id", "team_leads_elsewhere"),
        .update("teams", "name = 'a/b'", "team_name_is_plain"),
        .update("change_windows", "approved_at = NULL", "window_approval_is_timed"),
        .update(
            "change_windows", "emergency_reason = 'down', ends_at = starts_at + interval '5 hours'",
            "window_emergency_is_short"),
        .update(
            "change_windows", "exception_to = 1, kind = 'freeze'", "window_exception_is_a_change"),
        .update("change_windows", "environment_ids = '{}'", "window_names_its_environments"),
        .update("change_windows", "occurrence_starts = '{}'", "window_occurrences_are_listed"),
        .update("change_windows", "on_conflict = 'ignore'", "window_on_conflict_is_known"),
        .update("change_windows", "ends_at = starts_at", "window_period_is_ordered"),
        .update("change_windows", "kind = 'party'", "window_kind_is_known"),
        .update("change_windows", "state = 'lost'", "window_state_is_known"),
        .update(
            "window_versions", "valid_until = valid_from - interval '1 second'",
            "window_version_is_ordered"),
        .update("mappings", "team_id = 1", "mapping_has_its_target"),
        .update(
            "mappings", "kind = 'place', environment_id = NULL, team_id = 1",
            "mapping_kind_is_known"),
        .update("audit_findings", "severity = 'awful'", "audit_severity_is_known"),
        .update("audit_findings", "status = 'odd'", "audit_status_is_known"),
        .update("audit_findings", "status = 'waived'", "audit_waived_by_a_waiver"),
        .update("feed_tokens", "kind = 'all'", "feed_kind_is_known"),
        .update("feed_tokens", "secret_hash = 'x'", "feed_secret_is_hashed"),
        .update("idempotency_records", "body = NULL", "idempotency_answer_is_kept"),
        .update("installation", "is_only = false", "installation_is_one"),
        .update("series", "ends_at = starts_at", "series_period_is_ordered"),
        .update("sessions", "expires_at = created_at", "session_expires"),
        .update("sessions", "secret_hash = 'x'", "session_secret_is_hashed"),
        .update("tokens", "name = ' ada'", "token_name_is_plain"),
        .update("tokens", "role = 'king'", "token_role_is_known"),
        .update("tokens", "secret_hash = 'x'", "token_secret_is_hashed"),
        .update("waivers", "ends_at = created_at", "waiver_ends"),
        .update("waivers", "fingerprint = 'x'", "waiver_is_about_something"),
        .update(
            "claims", "period = tstzrange('2027-03-02', '2027-03-03'), environment_id = 1",
            "no_double_booking"),
        Breakage(
            name: "no_change_in_a_freeze", table: "claims",
            statement: """
                INSERT INTO claims (window_id, environment_id, lane, period, share_key)
                VALUES (1, 1, 'change', '[2027-03-02,2027-03-03)', -2), (2, 1, 'change', '[2027-03-02,2027-03-03)', -3)
                """),
    ]

    private static let foreignKeys: [Breakage] = [
        .update("audit_findings", "audit_id = 99", "audit_findings_audit_id_fkey"),
        .update("booking_versions", "booking_id = 99", "booking_version_has_a_booking"),
        .update("drifts", "environment_id = 99", "drift_environment_exists"),
        .update("environments", "owner_team_id = 99", "environment_owner_exists"),
        .update(
            "environment_versions", "environment_id = 99", "environment_version_has_an_environment"),
        .update("inventory_components", "environment_id = 99", "inventory_environment_exists"),
        .update("inventories", "environment_id = 99", "inventory_has_an_environment"),
        .update("mappings", "environment_id = 99", "mapping_environment_exists"),
        .update(
            "mappings", "kind = 'actor', environment_id = NULL, team_id = 99", "mapping_team_exists"
        ),
        .update("sessions", "token_id = 99", "sessions_token_id_fkey"),
        .update("source_events", "change_id = 99", "source_event_change_exists"),
        .update("teams", "merged_into = 99", "team_leads_to_a_team"),
        .update("tokens", "team_id = 99", "token_team_exists"),
        .update("window_spans", "window_id = 99", "window_span_has_a_window"),
        .update("change_windows", "team_id = 99", "window_team_exists"),
        .update("window_versions", "window_id = 99", "window_version_has_a_window"),
    ]

    private static let unique: [Breakage] = [
        .update("audits", "due_at = '2027-03-01'", "audit_of_a_night_is_one"),
        .again(
            "claims", "booking_id, environment_id, lane, period, share_key", "",
            "claim_is_held_once"),
        .update("environments", "key = 'uat-1'", "environment_key_is_unique"),
        .again(
            "mappings", "kind, name, environment_id, created_at, created_by", "",
            "mapping_is_unique"),
        .update("sessions", "secret_hash = sha256('same')", "session_secret_is_unique"),
        .again(
            "source_events", "source, event_id, received_at, received_by, report", "",
            "source_event_is_unique"),
        .update("teams", "name = 'crm'", "team_name_is_unique"),
        .update(
            "teams", "name = CASE id WHEN 1 THEN 'crm' ELSE 'CRM' END", "team_name_is_unlike_others"
        ),
        .update("bookings", "import_identity = 'same'", "booking_import_is_unique"),
        .update("change_log", "source_id = 'same'", "change_source_is_unique"),
        .update("tokens", "name = 'same'", "token_name_is_unique"),
        .update(
            "tokens", "name = CASE id WHEN 1 THEN 'ada' ELSE 'Ada' END",
            "token_name_is_unlike_others"),
        Breakage(
            name: "window_claim_is_held_once", table: "claims",
            statement: """
                INSERT INTO claims (window_id, environment_id, lane, period, share_key)
                SELECT 1, 1, 'change', '[2027-04-02,2027-04-03)', -2 FROM generate_series(1, 2)
                """),
        .update("change_windows", "import_identity = 'same'", "window_import_is_unique"),
    ]

    private static let triggers: [Breakage] = [
        .hand("DELETE FROM booking_versions", "booking_versions_are_kept"),
        .hand("DELETE FROM bookings", "bookings_are_never_deleted"),
        .hand("UPDATE change_log SET summary = 'x'", "change_log_is_append_only"),
        .hand("UPDATE claims SET share_key = 0", "claims_are_never_updated"),
        .hand("DELETE FROM environment_versions", "environment_versions_are_kept"),
        .hand("DELETE FROM environment_reach_versions", "reach_versions_are_kept"),
        .hand("DELETE FROM environments", "environments_are_never_deleted"),
        .hand("UPDATE change_log_head SET id = 7", "head_follows_the_log"),
        .hand("TRUNCATE change_log_head", "head_is_never_truncated"),
        .hand("DELETE FROM change_log_heads_seen", "heads_seen_are_kept"),
        .hand("DELETE FROM installation", "installation_is_kept"),
        .hand("DELETE FROM environment_reach", "reach_follows_parts"),
        .hand("TRUNCATE environment_reach", "reach_is_never_truncated"),
        .hand("TRUNCATE window_spans", "spans_are_never_truncated"),
        .hand("DELETE FROM window_spans", "spans_follow_windows"),
        .hand("DELETE FROM teams", "teams_are_never_deleted"),
        .hand("UPDATE change_windows SET kind = 'maintenance'", "window_kind_stays"),
        .hand("DELETE FROM window_versions", "window_versions_are_kept"),
        .hand("DELETE FROM change_windows", "windows_are_never_deleted"),
    ]

    /// Rows in every table that a breakage touches, put there with the tables' own triggers switched off.
    static let world = """
        BEGIN;
        DO $$ DECLARE t text; BEGIN
            FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', t);
            END LOOP;
        END $$;
        INSERT INTO teams (id, name, created_at, updated_at) OVERRIDING SYSTEM VALUE
        VALUES (1, 'crm', '2027-03-01', '2027-03-01'), (2, 'pay', '2027-03-01', '2027-03-01');
        INSERT INTO tokens (id, name, role, secret_hash, created_at, created_by) OVERRIDING SYSTEM VALUE
        VALUES (1, 'ada', 'admin', sha256('1'), '2027-03-01', 'x'), (2, 'bob', 'booker', sha256('2'), '2027-03-01', 'x');
        INSERT INTO environments (id, key, name, tier, time_zone, created_at, updated_at, updated_by)
        OVERRIDING SYSTEM VALUE
        VALUES (1, 'uat-1', 'UAT 1', 'uat', 'UTC', '2027-03-01', '2027-03-01', 'x'),
               (2, 'uat-2', 'UAT 2', 'uat', 'UTC', '2027-03-01', '2027-03-01', 'x');
        INSERT INTO environment_reach (environment_id, part_id, exclusive_if_shared, exclusive_if_exclusive)
        VALUES (1, 1, false, true), (2, 2, false, true);
        INSERT INTO environment_reach_versions
            (environment_id, part_id, exclusive_if_shared, exclusive_if_exclusive, valid_from, valid_until)
        VALUES (1, 1, false, true, '2027-02-01', '2027-03-01');
        INSERT INTO environment_versions (environment_id, version, name, tier, time_zone, labels, status, part_ids,
            part_usages, policy, runbook, valid_from, valid_until, updated_by)
        VALUES (1, 1, 'UAT', 'uat', 'UTC', '{}', 'available', '{}', '{}', '{}', '', '2027-02-01', '2027-03-01', 'x');
        INSERT INTO bookings (id, state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode,
            requested_by, created_at, updated_at, updated_by)
        OVERRIDING SYSTEM VALUE
        SELECT n, 'confirmed', ARRAY[n], '2027-03-02', '2027-03-03', 'UTC', 'x', 1, 'exclusive', 'ada', '2027-03-01',
               '2027-03-01', 'ada' FROM generate_series(1, 2) n;
        INSERT INTO booking_versions (booking_id, version, state, environment_ids, starts_at, ends_at, time_zone, title,
            team_id, mode, labels, priority, setup_minutes, teardown_minutes, record_only, valid_from, valid_until,
            updated_by)
        VALUES (1, 1, 'confirmed', '{1}', '2027-03-02', '2027-03-03', 'UTC', 'x', 1, 'exclusive', '{}', 'normal', 0, 0,
                false, '2027-02-01', '2027-03-01', 'x');
        INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
        VALUES (1, 1, 'use', '[2027-03-02,2027-03-03)', 1), (2, 2, 'use', '[2027-03-02,2027-03-03)', 2);
        INSERT INTO change_windows (id, kind, state, environment_ids, title, requested_by, approved_at, starts_at, ends_at,
            time_zone, occurrence_starts, created_at, updated_at, updated_by, team_id)
        OVERRIDING SYSTEM VALUE
        SELECT n, 'change', 'approved', '{1}', 'x', 'ada', '2027-03-01', '2027-03-02', '2027-03-02 01:00', 'UTC',
               '{2027-03-02}', '2027-03-01', '2027-03-01', 'ada', 1 FROM generate_series(1, 2) n;
        INSERT INTO window_spans (window_id, environment_id, kind, state, is_emergency, period, valid_from)
        VALUES (1, 1, 'change', 'approved', false, '[2027-03-02,2027-03-03)', '2027-03-01');
        INSERT INTO window_versions (window_id, version, state, environment_ids, include_parts, title, approvals,
            on_conflict, starts_at, ends_at, time_zone, exdates, rdates, occurrence_starts, valid_from, valid_until,
            updated_by)
        VALUES (1, 1, 'approved', '{1}', false, 'x', '[]', 'refuse', '2027-03-02', '2027-03-03', 'UTC', '{}', '{}',
                '{2027-03-02}', '2027-02-01', '2027-03-01', 'x');
        INSERT INTO change_log (id, root_id, entry, environment_id, occurred_at, recorded_at, recorded_by, source, actor,
            kind, summary, control, reasons, bookings_hit, is_late, approved_late, hash)
        SELECT n, n, 'change', 1, '2027-03-01', '2027-03-01', 'ada', 'api', 'ci', 'deploy', 'x', 'controlled', '{}', '{}',
               false, false, sha256('x') FROM generate_series(1, 2) n;
        INSERT INTO change_log_heads_seen (id, hash, seen_at) VALUES (1, sha256('x'), '2027-03-01');
        INSERT INTO mappings (kind, name, environment_id, created_at, created_by) VALUES ('environment', 'qa', 1, '2027-03-01', 'x');
        INSERT INTO inventories (environment_id, observed_at, recorded_by) VALUES (1, '2027-03-01', 'x');
        INSERT INTO inventory_components (environment_id, component, component_version, seen_at)
        VALUES (1, 'crm', '1', '2027-03-01');
        INSERT INTO drifts (environment_id, component, seen_at, settles_at) VALUES (1, 'crm', '2027-03-01', '2027-03-01');
        INSERT INTO source_events (source, event_id, received_at, received_by, report)
        VALUES ('ci', '1', '2027-03-01', 'x', '{}');
        INSERT INTO feed_tokens (kind, subject, is_busy_only, owner, secret_hash, created_at)
        VALUES ('team', 'crm', false, 'ada', sha256('x'), '2027-03-01');
        INSERT INTO sessions (secret_hash, token_id, created_at, expires_at)
        VALUES (sha256('1'), 1, '2027-03-01', '2027-03-02'), (sha256('2'), 1, '2027-03-01', '2027-03-02');
        INSERT INTO idempotency_records (token_id, scope, key, request_hash, status, body, created_at)
        VALUES (1, 'x', 'x', 'x', 200, 'x', '2027-03-01');
        INSERT INTO series (rrule, starts_at, ends_at, time_zone, created_at, created_by)
        VALUES ('FREQ=DAILY;COUNT=2', '2027-03-02', '2027-03-03', 'UTC', '2027-03-01', 'x');
        INSERT INTO audits (id, at, recorded_at, recorded_by, checks) OVERRIDING SYSTEM VALUE
        VALUES (1, '2027-03-01', '2027-03-01', 'x', '{}'), (2, '2027-03-01', '2027-03-01', 'x', '{}');
        INSERT INTO audit_findings (audit_id, fingerprint, check_name, severity, status, subjects, detail, first_found_at)
        VALUES (1, 'x', 'x', 'info', 'new', '{}', 'x', '2027-03-01');
        INSERT INTO waivers (check_name, reason, approved_by, created_at, ends_at)
        VALUES ('x', 'x', 'ada', '2027-03-01', '2027-03-02');
        DO $$ DECLARE t text; BEGIN
            FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', t);
            END LOOP;
        END $$;
        COMMIT
        """
}
