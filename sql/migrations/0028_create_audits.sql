-- The nightly audit: what its checks compute anew from the records, and what is kept of each run.
--
-- The checks themselves are sql/audit/*.sql. They read the views below, which stand on bookings, windows,
-- environments and their versions alone: on no claim, no span, no reach and no function that writes.

-- The instant that is audited: what the session says, else now. As (SELECT audit_at()) it is asked for once; bare,
-- once a row.
CREATE FUNCTION audit_at() RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(nullif(current_setting('berth.audit_at', true), '')::timestamptz, now());
END;

-- A number that tunes a check: what the session says, else the check's own.
CREATE FUNCTION audit_setting(p_name text, p_default numeric) RETURNS numeric
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(nullif(current_setting('berth.audit_' || p_name, true), '')::numeric, p_default);
END;

-- What tells a finding from all others, in each run alike: its check and what it is about.
CREATE FUNCTION audit_fingerprint(VARIADIC p_about text[]) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT left(encode(sha256(convert_to(array_to_string(p_about, '|', '-'), 'UTF8')), 'hex'), 16);
END;

CREATE FUNCTION audit_time(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI');
END;

-- When an environment is open within a span, by its policy and zone: all of it where no hours are set.
CREATE FUNCTION audit_open_hours(p_policy jsonb, p_zone text, p_span tstzrange) RETURNS tstzmultirange
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN coalesce(jsonb_array_length(p_policy -> 'openingHours'), 0) = 0
        THEN tstzmultirange(p_span)
        ELSE tstzmultirange(p_span) * coalesce((
            SELECT range_agg(tstzrange(o.opens, o.closes, '[)'))
            FROM generate_series(
                date_trunc('day', lower(p_span) AT TIME ZONE p_zone),
                upper(p_span) AT TIME ZONE p_zone, interval '1 day') d (day)
            CROSS JOIN jsonb_array_elements(p_policy -> 'openingHours') h (hours)
            CROSS JOIN LATERAL (
                SELECT (d.day + (h.hours ->> 'from')::time) AT TIME ZONE p_zone,
                       (d.day + ((h.hours ->> 'to')::time)::interval) AT TIME ZONE p_zone) o (opens, closes)
            WHERE h.hours -> 'days' ? ('{SU,MO,TU,WE,TH,FR,SA}'::text[])[1 + extract(dow FROM d.day)::integer]
              AND o.opens < o.closes), '{}')
        END;
END;

-- What each environment is and contains, itself included, and how strictly: walked anew from the parts.
-- `changed_at` is when any of it got other parts last: what had ended before then kept the parts it had.
CREATE VIEW audit_reach AS
WITH RECURSIVE walk (root, id, if_shared, if_exclusive) AS (
    SELECT e.id, e.id, false, true FROM environments e
    UNION
    SELECT w.root, p.id,
           CASE p.usage WHEN 'same' THEN w.if_shared ELSE p.usage = 'exclusive' END,
           CASE p.usage WHEN 'same' THEN w.if_exclusive ELSE p.usage = 'exclusive' END
    FROM walk w
    JOIN environments e ON e.id = w.id
    CROSS JOIN unnest(e.part_ids, e.part_usages) p (id, usage)),
reach AS (
    SELECT w.root, w.id, bool_or(w.if_shared) AS if_shared, bool_or(w.if_exclusive) AS if_exclusive
    FROM walk w GROUP BY w.root, w.id),
regrouped AS (
    SELECT v.environment_id, max(v.valid_until) AS at
    FROM environment_versions v JOIN environments e ON e.id = v.environment_id
    WHERE (v.part_ids, v.part_usages) IS DISTINCT FROM (e.part_ids, e.part_usages)
    GROUP BY v.environment_id)
SELECT r.root AS environment_id, r.id AS part_id, r.if_shared AS exclusive_if_shared,
       r.if_exclusive AS exclusive_if_exclusive, c.at AS changed_at
FROM reach r
LEFT JOIN (SELECT r.root, max(g.at) AS at FROM reach r JOIN regrouped g ON g.environment_id = r.id
           GROUP BY r.root) c ON c.root = r.root;

-- The few whose edit is undecided: what was approved of them is found without reading all others.
CREATE INDEX bookings_edited ON bookings (id) WHERE approved_version IS NOT NULL;

-- The period that each booking takes of what it names, buffers included. Of an undecided edit that is what it asks
-- for; audit_edits has what was approved of it, which it takes as well.
CREATE VIEW audit_bookings AS
SELECT t.booking_id, t.state, t.team_id, t.environment_ids, t.mode, t.taken_from, t.taken_until, t.known_at,
       t.is_edited
FROM (SELECT b.id AS booking_id, b.state::text AS state, b.team_id, b.environment_ids, b.mode::text AS mode,
             CASE b.setup_minutes::integer WHEN 0 THEN b.starts_at
                  ELSE b.starts_at - make_interval(mins => b.setup_minutes::integer) END AS taken_from,
             CASE WHEN b.released_at IS NULL AND b.teardown_minutes::integer = 0 THEN b.ends_at
                  WHEN b.approved_version IS NULL
                  THEN coalesce(b.released_at, b.ends_at) + make_interval(mins => b.teardown_minutes::integer)
                  ELSE b.ends_at + make_interval(mins => b.teardown_minutes::integer) END AS taken_until,
             CASE WHEN b.state IN ('requested', 'confirmed', 'active') THEN 'infinity' ELSE b.updated_at END
                 AS known_at,
             b.approved_version IS NOT NULL AS is_edited
      FROM bookings b
      WHERE NOT b.record_only
        AND (b.state IN ('completed', 'confirmed', 'active', 'requested') OR b.released_at IS NOT NULL)) t
WHERE t.taken_from < t.taken_until;

CREATE VIEW audit_edits AS
SELECT b.id AS booking_id, b.state::text AS state, b.team_id, v.environment_ids, v.mode::text AS mode,
       v.starts_at - make_interval(mins => v.setup_minutes::integer) AS taken_from,
       v.ends_at + make_interval(mins => v.teardown_minutes::integer) AS taken_until
FROM (SELECT e.id, e.state, e.team_id, e.approved_version FROM bookings e
      WHERE e.approved_version IS NOT NULL OFFSET 0) b
JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version;

-- What bookings hold: of the environments they name and of all that these contain, the strictest usage. What is not
-- judged had ended before an environment got the parts that it has now: it kept those that there were.
CREATE VIEW audit_holdings AS
SELECT t.booking_id, t.state, t.team_id, r.part_id AS environment_id, t.taken_from, t.taken_until, t.is_edited,
       CASE t.mode WHEN 'exclusive' THEN r.exclusive_if_exclusive ELSE r.exclusive_if_shared END AS is_exclusive,
       r.part_id = r.environment_id OR r.changed_at IS NULL OR t.known_at > r.changed_at AS is_judged
FROM audit_bookings t
JOIN audit_reach r ON r.environment_id = t.environment_ids[1]
WHERE cardinality(t.environment_ids) = 1
UNION ALL
SELECT t.booking_id, t.state, t.team_id, r.part_id, t.taken_from, t.taken_until, t.is_edited,
       bool_or(CASE t.mode WHEN 'exclusive' THEN r.exclusive_if_exclusive ELSE r.exclusive_if_shared END),
       bool_or(r.part_id = r.environment_id OR r.changed_at IS NULL OR t.known_at > r.changed_at)
FROM (SELECT b.booking_id, b.state, b.team_id, b.environment_ids, b.mode, b.taken_from, b.taken_until, b.is_edited,
             b.known_at
      FROM audit_bookings b WHERE cardinality(b.environment_ids) > 1
      UNION ALL
      SELECT e.booking_id, e.state, e.team_id, e.environment_ids, e.mode, e.taken_from, e.taken_until, true,
             'infinity'
      FROM audit_edits e) t
CROSS JOIN unnest(t.environment_ids) n (id)
JOIN audit_reach r ON r.environment_id = n.id
GROUP BY t.booking_id, t.state, t.team_id, r.part_id, t.taken_from, t.taken_until, t.is_edited;

-- Each occurrence of a requested or approved window on each environment that it is about.
CREATE VIEW audit_spans AS
WITH named AS (
    SELECT w.id AS window_id, n.id AS environment_id
    FROM change_windows w CROSS JOIN unnest(w.environment_ids) n (id)
    WHERE w.state IN ('requested', 'approved')
    UNION
    SELECT w.id, e.id
    FROM change_windows w
    JOIN environments e ON e.labels @> (w.labels - ARRAY['tier', 'owner', 'status'])
    LEFT JOIN teams t ON t.id = e.owner_team_id
    WHERE w.state IN ('requested', 'approved') AND w.labels IS NOT NULL AND e.status <> 'retired'
      AND coalesce(w.labels ->> 'tier', e.tier) = e.tier
      AND coalesce(w.labels ->> 'status', e.status) = e.status
      AND (w.labels ->> 'owner' IS NULL OR w.labels ->> 'owner' = t.name)),
about AS (
    SELECT n.window_id, n.environment_id
    FROM named n JOIN change_windows w ON w.id = n.window_id
    WHERE w.kind <> 'freeze' AND NOT w.include_parts
    UNION
    SELECT n.window_id, r.part_id
    FROM named n JOIN change_windows w ON w.id = n.window_id
    JOIN audit_reach r ON r.environment_id = n.environment_id
    WHERE w.kind = 'freeze' OR w.include_parts)
SELECT a.window_id, a.environment_id, w.kind::text AS kind, w.state::text AS state, w.team_id, w.exception_to,
       w.emergency_reason IS NOT NULL AS is_emergency, s.at AS starts_at,
       s.at + make_interval(secs => extract(epoch FROM w.ends_at - w.starts_at)::double precision) AS ends_at,
       w.created_at
FROM about a
JOIN change_windows w ON w.id = a.window_id
CROSS JOIN unnest(w.occurrence_starts) s (at);

-- What stands of each change: its last correction, with the hardest judgement on the way there that no review
-- accepted before the next correction. `review` is the last one at or after that judgement.
CREATE VIEW audit_changes AS
WITH RECURSIVE chain (first_id, id) AS (
    SELECT c.id, c.id FROM change_log c
    WHERE c.entry = 'change' AND c.corrects IS NULL
      AND c.id IN (SELECT n.corrects FROM change_log n WHERE n.corrects IS NOT NULL)
    UNION ALL
    SELECT k.first_id, c.id FROM chain k JOIN change_log c ON c.corrects = k.id AND c.entry = 'change'),
judged AS (
    SELECT k.first_id, k.id, c.control, c.environment_id, c.bookings_hit, c.reasons, c.is_late,
           c.approved_late OR EXISTS (
               SELECT FROM change_log n WHERE n.root_id = k.id AND n.entry = 'late-approval') AS approved_late,
           max(k.id) OVER (PARTITION BY k.first_id) AS last_id,
           (SELECT r.review FROM change_log r
            WHERE r.root_id = k.id AND r.entry = 'review' ORDER BY r.id DESC LIMIT 1) AS review
    FROM chain k
    JOIN change_log c ON c.id = k.id),
weighed AS (
    SELECT DISTINCT ON (j.first_id) j.first_id, j.last_id, j.id AS judged_id, j.control, j.environment_id,
           j.bookings_hit, j.reasons, j.is_late, j.approved_late
    FROM judged j
    WHERE NOT EXISTS (
        SELECT FROM judged a
        WHERE a.first_id = j.first_id AND a.id >= j.id AND a.id < j.last_id AND a.review = 'accepted')
    ORDER BY j.first_id,
             CASE j.control WHEN 'uncontrolled' THEN CASE WHEN j.approved_late THEN 2 ELSE 3 END
                            WHEN 'emergency' THEN 1 ELSE 0 END DESC, j.id DESC)
SELECT c.id AS change_id, c.control, c.environment_id, c.bookings_hit, c.reasons, c.is_late,
       c.approved_late OR EXISTS (
           SELECT FROM change_log n WHERE n.root_id = c.id AND n.entry = 'late-approval') AS approved_late,
       c.occurred_at, c.recorded_at, c.actor, c.kind, c.summary, c.source, c.team_id,
       (SELECT r.review FROM change_log r
        WHERE r.root_id = c.id AND r.entry = 'review' ORDER BY r.id DESC LIMIT 1) AS review
FROM change_log c
WHERE c.entry = 'change' AND c.corrects IS NULL
  AND c.id NOT IN (SELECT n.corrects FROM change_log n WHERE n.corrects IS NOT NULL)
UNION ALL
SELECT w.last_id, w.control, w.environment_id, w.bookings_hit, w.reasons, w.is_late, w.approved_late,
       c.occurred_at, c.recorded_at, c.actor, c.kind, c.summary, c.source, c.team_id,
       (SELECT j.review FROM judged j
        WHERE j.first_id = w.first_id AND j.id >= w.judged_id AND j.review IS NOT NULL
        ORDER BY j.id DESC LIMIT 1)
FROM weighed w
JOIN change_log c ON c.id = w.last_id;

-- One run of the audit.
CREATE TABLE audits (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    -- How much each check that it ran found; what a check that it left out had found is as it was.
    checks jsonb NOT NULL,
    -- A night is audited once, however many servers there are.
    due_at timestamptz CONSTRAINT audit_of_a_night_is_one UNIQUE
);

-- What a run found, as it was then; what the run before had found and this one did not is there as resolved.
CREATE TABLE audit_findings (
    audit_id bigint NOT NULL REFERENCES audits ON DELETE CASCADE,
    fingerprint text NOT NULL,
    check_name text NOT NULL,
    severity text NOT NULL,
    status text NOT NULL,
    environment text,
    subjects text[] NOT NULL,
    starts_at timestamptz,
    ends_at timestamptz,
    detail text NOT NULL,
    actor text,
    first_found_at timestamptz NOT NULL,
    waiver_id bigint,
    -- A run finds a thing once.
    CONSTRAINT audit_finding_is_unique PRIMARY KEY (audit_id, fingerprint),
    CONSTRAINT audit_severity_is_known CHECK (severity IN ('critical', 'warning', 'info')),
    CONSTRAINT audit_status_is_known CHECK (status IN ('new', 'persisting', 'resolved', 'waived')),
    -- What is waived says by which waiver.
    CONSTRAINT audit_waived_by_a_waiver CHECK ((status = 'waived') = (waiver_id IS NOT NULL))
);

-- Somebody answers for leaving a finding as it is, for a reason and until a day: one finding, or all of a check on
-- an environment, or all of a check.
CREATE TABLE waivers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint text,
    check_name text,
    environment text,
    reason text NOT NULL,
    approved_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by text,
    -- It is about one finding, or about a check.
    CONSTRAINT waiver_is_about_something CHECK (
        (fingerprint IS NULL) <> (check_name IS NULL) AND (environment IS NULL OR check_name IS NOT NULL)),
    -- A waiver ends.
    CONSTRAINT waiver_ends CHECK (ends_at > created_at AND isfinite(ends_at))
);

-- How a check is tuned: what is not here is as the check says.
CREATE TABLE audit_settings (
    check_name text PRIMARY KEY,
    is_on boolean NOT NULL,
    settings jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL
);
