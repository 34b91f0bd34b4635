-- Notices tell times by a clock on a wall: that of the environment, or of the window. UTC is for programs.

-- An instant as people in a zone read it.
CREATE FUNCTION readable(p_at timestamptz, p_zone text) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT to_char(p_at AT TIME ZONE p_zone, 'YYYY-MM-DD HH24:MI ') || p_zone
$$;

-- In a query of their own, so that the period is a condition of the index too: joined, all claims of an
-- environment were read for each occurrence.
CREATE OR REPLACE FUNCTION warn_of_windows(p_windows bigint[], p_at timestamptz) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT DISTINCT p_at, CASE WHEN s.is_emergency THEN 'window.emergency' ELSE 'window.planned' END,
           'CW-' || w.id,
           format('%s on %s from %s to %s during BK-%s: %s', w.kind, e.key, readable(lower(s.period), w.time_zone),
                  readable(upper(s.period), w.time_zone), b.id, coalesce(w.emergency_reason, w.title)),
           b.team_id, b.requested_by
    FROM window_spans s
    JOIN change_windows w ON w.id = s.window_id
    JOIN environments e ON e.id = s.environment_id
    CROSS JOIN LATERAL (
        SELECT k.booking_id FROM claims k
        WHERE k.environment_id = s.environment_id AND k.lane = 'use' AND k.period && s.period
          AND k.booking_id IS NOT NULL
        OFFSET 0) c
    JOIN bookings b ON b.id = c.booking_id AND b.state IN ('requested', 'confirmed', 'active')
    WHERE s.window_id = ANY (p_windows) AND s.state = 'approved' AND s.valid_until = 'infinity'
      AND upper(s.period) > p_at AND s.kind <> 'freeze'
    UNION ALL
    SELECT DISTINCT p_at, 'window.emergency', 'CW-' || w.id,
           format('%s declared an emergency on %s until %s: %s', w.requested_by, e.key,
                  readable(w.ends_at, w.time_zone), w.emergency_reason),
           e.owner_team_id, NULL
    FROM window_spans s
    JOIN change_windows w ON w.id = s.window_id
    JOIN environments e ON e.id = s.environment_id
    WHERE s.window_id = ANY (p_windows) AND s.is_emergency AND s.valid_until = 'infinity'
$$;

-- A changed window: the version it leaves behind, its spans and claims, and the word to who asked for it.
CREATE OR REPLACE FUNCTION on_windows_updated() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    v_moved bigint[];
    v_at timestamptz := (SELECT max(n.updated_at) FROM after n);
BEGIN
    INSERT INTO window_versions (
        window_id, version, state, state_reason, environment_ids, labels, include_parts, team_id, title,
        ticket, notes, approvals, approved_at, exception_to, on_conflict, starts_at, ends_at, time_zone,
        rrule, exdates, rdates, occurrence_starts, valid_from, valid_until, updated_by)
    SELECT o.id, o.version, o.state, o.state_reason, o.environment_ids, o.labels, o.include_parts,
           o.team_id, o.title, o.ticket, o.notes, o.approvals, o.approved_at, o.exception_to,
           o.on_conflict, o.starts_at, o.ends_at, o.time_zone, o.rrule, o.exdates, o.rdates,
           o.occurrence_starts, o.updated_at, n.updated_at, o.updated_by
    FROM before o JOIN after n ON n.id = o.id;

    SELECT array_agg(n.id) INTO v_moved FROM before o JOIN after n ON n.id = o.id
    WHERE (o.state, o.environment_ids, o.labels, o.include_parts, o.team_id, o.exception_to, o.ends_at,
           o.occurrence_starts)
          IS DISTINCT FROM
          (n.state, n.environment_ids, n.labels, n.include_parts, n.team_id, n.exception_to, n.ends_at,
           n.occurrence_starts);
    IF v_moved IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0));
        PERFORM align_windows(v_moved, NULL);
        PERFORM warn_of_windows(v_moved, v_at);
        INSERT INTO notices (at, kind, subject, text, team_id, person)
        SELECT n.updated_at, 'window.' || n.state, 'CW-' || n.id,
               format('%s was %s: from %s to %s%s', n.title, n.state, readable(n.starts_at, n.time_zone),
                      readable(n.ends_at, n.time_zone), ' (' || n.state_reason || ')'),
               n.team_id, n.requested_by
        FROM before o JOIN after n ON n.id = o.id
        WHERE o.state <> n.state AND n.state <> 'requested';
        PERFORM ask_for_window_approval(array(
            SELECT n.id FROM before o JOIN after n ON n.id = o.id
            WHERE n.state = 'requested' AND o.state <> 'requested'), v_at);
    END IF;

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'window.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;

-- Judges and appends changes, many a commit, in the order given: under the head's lock, so that each sees every
-- window that was approved before it. A change that its source reported before gives no row. A correction that
-- says nothing the judgement was about keeps it. Tells those whose booking another team's change hit, or one that
-- was not planned, and who owns the environment of what was not planned.
CREATE OR REPLACE FUNCTION append_changes(
    p_now timestamptz, p_by text[], p_sources text[], p_source_ids text[], p_environments bigint[],
    p_occurred timestamptz[], p_actors text[], p_teams bigint[], p_kinds text[], p_summaries text[],
    p_components text[], p_versions text[], p_tickets text[], p_emergencies text[], p_corrects bigint[],
    p_claims text[] DEFAULT '{}'
) RETURNS TABLE (
    ordinal bigint, id bigint, control text, reasons text[], window_id bigint, bookings_hit bigint[],
    is_late boolean, approved_late boolean, hash bytea)
LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_last bigint;
    v_places bigint[];
BEGIN
    PERFORM require_read_committed();
    SELECT h.id INTO v_last FROM change_log_head h FOR UPDATE;
    -- What its source reported before, or earlier in the same batch, is there already.
    v_places := array(
        SELECT u.place
        FROM (SELECT a.source, a.source_id, a.corrects, a.place,
                     row_number() OVER (
                         PARTITION BY a.source, a.source_id, a.corrects IS NULL ORDER BY a.place) AS nth
              FROM unnest(p_sources, p_source_ids, p_corrects)
                  WITH ORDINALITY a (source, source_id, corrects, place)) u
        WHERE u.source_id IS NULL OR u.corrects IS NOT NULL
           OR (u.nth = 1
               AND NOT EXISTS (
                   SELECT FROM change_log c
                   WHERE c.source = u.source AND c.source_id = u.source_id AND c.entry = 'change'
                     AND c.corrects IS NULL))
        ORDER BY u.place);

    INSERT INTO change_log (
        id, root_id, entry, environment_id, occurred_at, recorded_at, recorded_by, source, source_id, actor,
        team_id, kind, summary, component, component_version, ticket, emergency_reason, corrects, control,
        reasons, window_id, bookings_hit, is_late, approved_late, claimed_team, hash)
    SELECT 0, 0, 'change', u.environment_id, u.occurred_at, p_now, u.recorded_by, u.source, u.source_id,
           u.actor, u.team_id, u.kind, u.summary, u.component, u.version, u.ticket, u.emergency, u.corrects,
           -- What was only seen afterwards is nobody's, whatever window it fell in.
           CASE WHEN k.keeps THEN o.control WHEN u.source = 'inventory' THEN 'uncontrolled' ELSE j.control END,
           CASE WHEN k.keeps THEN o.reasons
                WHEN u.source = 'inventory' AND 'unattributed' <> ALL (j.reasons)
                THEN j.reasons || 'unattributed'::text ELSE j.reasons END,
           CASE WHEN k.keeps THEN o.window_id ELSE coalesce(j.window_id, j.late_id) END,
           CASE WHEN k.keeps THEN o.bookings_hit
                WHEN o.is_accepted IS FALSE
                THEN array(SELECT unnest(o.bookings_hit) UNION SELECT unnest(j.bookings) ORDER BY 1)
                ELSE j.bookings END,
           CASE WHEN k.keeps THEN o.is_late ELSE p_now - u.occurred_at > interval '15 minutes' END,
           CASE WHEN k.keeps THEN o.approved_late ELSE j.late_id IS NOT NULL END,
           u.claim, ''
    FROM unnest(
        p_by, p_sources, p_source_ids, p_environments, p_occurred, p_actors, p_teams, p_kinds, p_summaries,
        p_components, p_versions, p_tickets, p_emergencies, p_corrects, p_claims)
        WITH ORDINALITY u (recorded_by, source, source_id, environment_id, occurred_at, actor, team_id, kind,
                           summary, component, version, ticket, emergency, corrects, claim, place)
    JOIN judge_changes(
        p_environments, p_teams, p_occurred,
        array(SELECT e.reason IS NOT NULL FROM unnest(p_emergencies) WITH ORDINALITY e (reason, place)
              ORDER BY e.place)) j ON j.place = u.place
    -- What corrections correct, as it stands.
    LEFT JOIN (
        SELECT x.place, o.environment_id, o.occurred_at, o.team_id, o.emergency_reason, o.control, o.reasons,
               o.window_id, o.bookings_hit, o.is_late, o.approved_late,
               coalesce((SELECT r.review = 'accepted' FROM change_log r
                         WHERE r.id = (standing(x.corrects)).review_id), false) AS is_accepted
        FROM unnest(p_corrects) WITH ORDINALITY x (corrects, place)
        CROSS JOIN LATERAL (
            SELECT coalesce(max(n.id), x.corrects) AS id FROM change_log n
            WHERE n.root_id = x.corrects AND n.entry = 'late-approval') l
        JOIN change_log o ON o.id = l.id
        WHERE x.corrects IS NOT NULL) o ON o.place = u.place
    CROSS JOIN LATERAL (
        SELECT o.place IS NOT NULL AND o.environment_id = u.environment_id AND o.occurred_at = u.occurred_at
               AND o.team_id IS NOT DISTINCT FROM u.team_id
               AND (o.emergency_reason IS NULL) = (u.emergency IS NULL) AS keeps) k
    WHERE u.place = ANY (v_places)
    ORDER BY u.place;

    -- Whoever heard of a change needs not hear of its wording.
    WITH news AS MATERIALIZED (
        SELECT c.id, c.control, c.kind, c.actor, c.team_id, c.source, c.bookings_hit, c.occurred_at, c.summary,
               e.key, e.owner_team_id, e.time_zone
        FROM change_log c
        JOIN environments e ON e.id = c.environment_id
        WHERE c.id > v_last AND (c.control <> 'controlled' OR 'others-booking' = ANY (c.reasons))
          AND (c.corrects IS NULL
               OR NOT EXISTS (SELECT FROM change_log o WHERE o.id = c.corrects AND keeps_judgement(c, o))))
    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT p_now, n.kind, n.subject, n.text, n.team_id, n.person
    FROM (
        SELECT w.id, 'change.under-booking' AS kind, 'BK-' || b.id AS subject,
               format('%s %s on %s at %s: %s', w.control, w.kind, w.key, readable(w.occurred_at, w.time_zone), w.summary)
                   AS text,
               b.team_id, b.requested_by AS person
        FROM news w JOIN bookings b ON b.id = ANY (w.bookings_hit)
        WHERE w.control <> 'controlled' OR w.team_id IS DISTINCT FROM b.team_id
        UNION ALL
        SELECT w.id,
               CASE WHEN w.source = 'inventory' THEN 'change.drift' ELSE 'change.' || w.control END,
               w.id::text,
               format('%s %s by %s (%s) on %s at %s: %s', w.control, w.kind, w.actor,
                      coalesce((SELECT t.name FROM teams t WHERE t.id = w.team_id), 'no team'), w.key,
                      readable(w.occurred_at, w.time_zone), w.summary),
               w.owner_team_id, NULL
        FROM news w WHERE w.control <> 'controlled' AND w.owner_team_id IS NOT NULL) n
    ORDER BY n.id, n.kind, n.subject;
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT p_now, 'change.recorded', c.id, 1 FROM change_log c WHERE c.id > v_last;

    -- Numbers are given in the order of the rows.
    RETURN QUERY
    SELECT v_places[c.id - v_last], c.id, c.control, c.reasons, c.window_id, c.bookings_hit, c.is_late,
           c.approved_late, c.hash
    FROM change_log c WHERE c.id > v_last ORDER BY c.id;
END $$;
