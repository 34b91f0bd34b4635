-- A judgement outlives its correction; who reports for others is said by his token; owners hear of what was not
-- planned; a late approval counts whether it came before the record or after it.
--
-- Old entries hash as before: what is new in an entry is hashed only where there is any.

-- Made to report changes of other teams: what it says of them is believed, through a mapping.
ALTER TABLE tokens ADD COLUMN reports boolean NOT NULL DEFAULT false;

-- The team that a change was said to be of by who is not believed.
ALTER TABLE change_log ADD COLUMN claimed_team text;

-- Whether it came from who reports for others.
ALTER TABLE source_events ADD COLUMN is_believed boolean NOT NULL DEFAULT false;
-- A webhook's deliveries are signed, and sent by no token: those still unassigned are believed as before.
UPDATE source_events SET is_believed = true
WHERE change_id IS NULL AND received_by = 'github' AND source LIKE 'github:%' AND team_id IS NULL;

-- The bytes of an entry as the chain hashes them, all its columns but the hash: of each the length in bytes, -1
-- for none, then its text in UTF-8. Times are microseconds since 1970 in UTC. A claim is a last field, where there
-- is one.
CREATE OR REPLACE FUNCTION chain_bytes(c change_log) RETURNS bytea
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_bytes bytea := '';
    v_field text;
BEGIN
    FOREACH v_field IN ARRAY ARRAY[
        c.id::text, c.root_id::text, c.entry, c.environment_id::text,
        (extract(epoch FROM c.occurred_at) * 1000000)::bigint::text,
        (extract(epoch FROM c.recorded_at) * 1000000)::bigint::text,
        c.recorded_by, c.source, c.source_id, c.actor, c.team_id::text, c.kind, c.summary, c.component,
        c.component_version, c.ticket, c.emergency_reason, c.corrects::text, c.control,
        array_to_string(c.reasons, ','), c.window_id::text, array_to_string(c.bookings_hit, ','),
        c.is_late::text, c.approved_late::text, c.review, c.review_note]
        || CASE WHEN c.claimed_team IS NULL THEN '{}' ELSE ARRAY[c.claimed_team] END
    LOOP
        v_bytes := v_bytes || CASE WHEN v_field IS NULL THEN int4send(-1)
            ELSE int4send(octet_length(convert_to(v_field, 'UTF8'))) || convert_to(v_field, 'UTF8') END;
    END LOOP;
    RETURN v_bytes;
END $$;

-- Whether a correction says nothing that the judgement of what it corrects was about.
CREATE FUNCTION keeps_judgement(c change_log, p_corrected change_log) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT c.environment_id = p_corrected.environment_id AND c.occurred_at = p_corrected.occurred_at
       AND c.team_id IS NOT DISTINCT FROM p_corrected.team_id
       AND (c.emergency_reason IS NULL) = (p_corrected.emergency_reason IS NULL)
$$;

-- What stands of a change that was corrected, by its last correction. Cost: an index look-up for each correction
-- of that change. Lists ask it of corrections alone.
CREATE FUNCTION standing(
    p_root bigint,
    -- The entry whose judgement stands: the hardest that no accepting review came after, or the last.
    OUT entry_id bigint,
    -- The last review of it or of what it corrects.
    OUT review_id bigint,
    -- A review came after the last judgement.
    OUT is_reviewed boolean)
LANGUAGE sql STABLE AS $$
    WITH RECURSIVE chain (id, corrects, keeps) AS (
        SELECT c.id, c.corrects, keeps_judgement(c, o)
        FROM change_log c LEFT JOIN change_log o ON o.id = c.corrects WHERE c.id = p_root
        UNION ALL
        SELECT c.id, c.corrects, keeps_judgement(c, o)
        FROM chain k JOIN change_log c ON c.id = k.corrects LEFT JOIN change_log o ON o.id = c.corrects),
    verdict AS (
        SELECT r.id, r.review
        FROM chain k
        CROSS JOIN LATERAL (
            SELECT r.id, r.review FROM change_log r
            WHERE r.root_id = k.id AND r.entry = 'review' ORDER BY r.id DESC LIMIT 1) r
        ORDER BY r.id DESC LIMIT 1)
    SELECT (SELECT e.id
            FROM chain k
            CROSS JOIN LATERAL (
                SELECT coalesce(max(n.id), k.id) AS id FROM change_log n
                WHERE n.root_id = k.id AND n.entry = 'late-approval') l
            JOIN change_log e ON e.id = l.id
            WHERE k.id = p_root
               OR k.id > coalesce((SELECT v.id FROM verdict v WHERE v.review = 'accepted'), 0)
            ORDER BY CASE e.control WHEN 'uncontrolled' THEN CASE WHEN e.approved_late THEN 2 ELSE 3 END
                                    WHEN 'emergency' THEN 1 ELSE 0 END DESC, k.id DESC
            LIMIT 1),
           (SELECT v.id FROM verdict v),
           (SELECT v.id FROM verdict v) > (SELECT max(k.id) FROM chain k WHERE k.keeps IS NOT TRUE)
$$;

-- Every entry but the reviews, with what stands: of a correction the judgement that it may not soften by itself,
-- and its review. judged_as is what the entry was judged as by itself.
CREATE VIEW shown_changes AS
    SELECT c.id, c.root_id, c.environment_id, c.occurred_at, c.recorded_at, c.recorded_by, c.source,
           c.source_id, c.actor, c.team_id, c.kind, c.summary, c.component, c.component_version, c.ticket,
           c.emergency_reason, c.corrects,
           CASE WHEN c.corrects IS NULL THEN c.control
                ELSE (SELECT s.control FROM change_log s WHERE s.id = (standing(c.root_id)).entry_id)
           END AS control,
           CASE WHEN c.corrects IS NULL THEN c.reasons
                ELSE (SELECT s.reasons FROM change_log s WHERE s.id = (standing(c.root_id)).entry_id)
           END AS reasons,
           CASE WHEN c.corrects IS NULL THEN c.window_id
                ELSE (SELECT s.window_id FROM change_log s WHERE s.id = (standing(c.root_id)).entry_id)
           END AS window_id,
           c.bookings_hit, c.is_late,
           CASE WHEN c.corrects IS NULL THEN c.approved_late
                ELSE (SELECT s.approved_late FROM change_log s WHERE s.id = (standing(c.root_id)).entry_id)
           END AS approved_late,
           c.hash, c.control AS judged_as, c.claimed_team,
           CASE WHEN c.corrects IS NULL
                THEN (SELECT max(r.id) FROM change_log r WHERE r.root_id = c.root_id AND r.entry = 'review')
                ELSE (standing(c.root_id)).review_id END AS review_id,
           CASE WHEN c.corrects IS NULL
                THEN EXISTS (SELECT FROM change_log r WHERE r.root_id = c.root_id AND r.entry = 'review')
                ELSE coalesce((standing(c.root_id)).is_reviewed, false) END AS is_reviewed
    FROM change_log c
    WHERE c.entry <> 'review';

-- The latest about each change: not corrected, and after late approvals.
CREATE OR REPLACE VIEW latest_changes AS
    SELECT c.id, c.root_id, c.environment_id, c.occurred_at, c.recorded_at, c.recorded_by, c.source,
           c.source_id, c.actor, c.team_id, c.kind, c.summary, c.component, c.component_version, c.ticket,
           c.emergency_reason, c.corrects, c.control, c.reasons, c.window_id, c.bookings_hit, c.is_late,
           c.approved_late, c.hash, c.judged_as, c.claimed_team, c.review_id, c.is_reviewed
    FROM shown_changes c
    WHERE NOT EXISTS (SELECT FROM change_log n WHERE n.root_id = c.root_id AND n.entry = 'late-approval'
                                                 AND n.id > c.id)
      AND NOT EXISTS (SELECT FROM change_log n WHERE n.corrects = c.root_id AND n.entry = 'change');

DROP FUNCTION judge_changes(bigint[], bigint[], timestamptz[], boolean[]);
DROP FUNCTION weigh_changes(bigint[], bigint[], timestamptz[], timestamptz[]);

-- What bears on changes of environments by teams, each at its instant, as was known then: in the order given.
CREATE FUNCTION weigh_changes(
    p_environments bigint[], p_teams bigint[], p_ats timestamptz[], p_knowns timestamptz[])
RETURNS TABLE (
    place bigint,
    -- The window that lets it happen: approved, for this team, and excepted from every freeze.
    window_id bigint,
    -- The emergency window of its team.
    emergency_id bigint,
    -- Freezes that no exception lets it through.
    freezes bigint[],
    -- A window asked for and not approved.
    requested_id bigint,
    -- Who uses it, and the other teams' of these.
    bookings bigint[], others bigint[],
    -- Its own team holds it exclusively, by this booking.
    own_booking bigint,
    -- Its policy asks for no window.
    is_open boolean,
    -- A window that would have let it happen, and was approved only afterwards. An emergency is none: nobody
    -- approves it.
    late_id bigint)
LANGUAGE plpgsql STABLE ROWS 64
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.place, w.window_id, w.emergency_id, w.freezes, w.requested_id, k.bookings, k.others, k.own_booking,
           coalesce(
               (SELECT v.policy ->> 'changes' = 'open' FROM environment_versions v
                WHERE v.environment_id = a.environment_id AND date_trunc('second', v.valid_from) <= a.known_at
                  AND date_trunc('second', v.valid_until) > a.known_at
                ORDER BY v.version DESC LIMIT 1),
               (SELECT e.policy ->> 'changes' = 'open' FROM environments e WHERE e.id = a.environment_id), false),
           w.late_id
    FROM unnest(p_environments, p_teams, p_ats, p_knowns)
        WITH ORDINALITY a (environment_id, team_id, at, known_at, place)
    CROSS JOIN LATERAL (
        WITH span AS MATERIALIZED (
            SELECT s.window_id, s.kind, s.state, s.exception_to, s.is_emergency,
                   s.team_id IS NULL OR s.team_id IS NOT DISTINCT FROM a.team_id AS is_for_team,
                   s.valid_from <= a.known_at AS is_known
            FROM window_spans s
            WHERE s.environment_id = a.environment_id AND s.period @> a.at
              AND ((s.valid_from <= a.known_at AND s.valid_until > a.known_at)
                   OR (s.valid_from > a.known_at AND s.valid_from < s.valid_until AND s.state = 'approved'))),
        frozen AS (
            SELECT f.window_id FROM span f WHERE f.kind = 'freeze' AND f.state = 'approved' AND f.is_known),
        covering AS (
            SELECT min(c.window_id) FILTER (WHERE c.is_known) AS window_id,
                   min(c.window_id) FILTER (WHERE NOT c.is_known) AS late_id
            FROM span c
            WHERE c.kind IN ('change', 'maintenance') AND c.state = 'approved' AND NOT c.is_emergency
              AND c.is_for_team
              AND NOT EXISTS (SELECT FROM frozen f WHERE f.window_id IS DISTINCT FROM c.exception_to))
        SELECT c.window_id, c.late_id,
               (SELECT min(e.window_id) FROM span e
                WHERE e.is_emergency AND e.is_for_team AND e.is_known AND e.state = 'approved') AS emergency_id,
               CASE WHEN c.window_id IS NOT NULL THEN '{}'
                    ELSE array(SELECT f.window_id FROM frozen f ORDER BY f.window_id) END AS freezes,
               (SELECT min(r.window_id) FROM span r
                WHERE r.kind <> 'freeze' AND r.state = 'requested' AND r.is_for_team) AS requested_id
        FROM covering c) w
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(u.booking_id ORDER BY u.booking_id), '{}') AS bookings,
               coalesce(array_agg(u.booking_id ORDER BY u.booking_id)
                        FILTER (WHERE u.team_id IS DISTINCT FROM a.team_id), '{}') AS others,
               min(u.booking_id) FILTER (WHERE u.team_id = a.team_id AND u.exclusive) AS own_booking
        FROM users_at(a.environment_id, a.at, a.known_at) u) k
    ORDER BY a.place;
END $$;

-- How changes are judged: what weigh_changes() found, in the words of the log.
CREATE FUNCTION judge_changes(
    p_environments bigint[], p_teams bigint[], p_ats timestamptz[], p_are_declared boolean[])
RETURNS TABLE (
    place bigint, control text, reasons text[], window_id bigint, bookings bigint[],
    -- Of an uncontrolled one: a window approved only afterwards, by now.
    late_id bigint)
LANGUAGE sql STABLE ROWS 64 AS $$
    SELECT g.place, j.control,
           CASE WHEN g.freezes <> '{}' THEN ARRAY['freeze'] ELSE '{}' END
           || CASE WHEN g.others <> '{}' THEN ARRAY['others-booking'] ELSE '{}' END
           || CASE WHEN j.control <> 'uncontrolled' OR g.window_id IS NOT NULL OR g.own_booking IS NOT NULL
                        OR g.is_open THEN '{}'
                   WHEN g.requested_id IS NOT NULL THEN ARRAY['window-not-approved']
                   ELSE ARRAY['no-window'] END
           || CASE WHEN j.control = 'uncontrolled' AND p_teams[g.place] IS NULL THEN ARRAY['unattributed']
                   ELSE '{}' END,
           CASE j.control WHEN 'emergency' THEN coalesce(g.emergency_id, g.window_id)
                          WHEN 'controlled' THEN g.window_id END,
           g.bookings,
           CASE j.control WHEN 'uncontrolled' THEN g.late_id END
    FROM weigh_changes(p_environments, p_teams, p_ats, p_ats) g
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p_are_declared[g.place] OR g.emergency_id IS NOT NULL THEN 'emergency'
                    WHEN g.freezes = '{}' AND (g.window_id IS NOT NULL OR g.own_booking IS NOT NULL
                                               OR (g.is_open AND g.others = '{}')) THEN 'controlled'
                    ELSE 'uncontrolled' END AS control) j
$$;

DROP FUNCTION append_changes(
    timestamptz, text[], text[], text[], bigint[], timestamptz[], text[], bigint[], text[], text[], text[], text[],
    text[], text[], bigint[]);

-- Judges and appends changes, many a commit, in the order given: under the head's lock, so that each sees every
-- window that was approved before it. A change that its source reported before gives no row. A correction that
-- says nothing the judgement was about keeps it. Tells those whose booking another team's change hit, or one that
-- was not planned, and who owns the environment of what was not planned.
CREATE FUNCTION append_changes(
    p_now timestamptz, p_by text[], p_sources text[], p_source_ids text[], p_environments bigint[],
    p_occurred timestamptz[], p_actors text[], p_teams bigint[], p_kinds text[], p_summaries text[],
    p_components text[], p_versions text[], p_tickets text[], p_emergencies text[], p_corrects bigint[],
    p_claims text[] DEFAULT '{}'
) RETURNS TABLE (
    ordinal bigint, id bigint, control text, reasons text[], window_id bigint, bookings_hit bigint[],
    is_late boolean, approved_late boolean, hash bytea)
LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
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
               e.key, e.owner_team_id
        FROM change_log c
        JOIN environments e ON e.id = c.environment_id
        WHERE c.id > v_last AND (c.control <> 'controlled' OR 'others-booking' = ANY (c.reasons))
          AND (c.corrects IS NULL
               OR NOT EXISTS (SELECT FROM change_log o WHERE o.id = c.corrects AND keeps_judgement(c, o))))
    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT p_now, n.kind, n.subject, n.text, n.team_id, n.person
    FROM (
        SELECT w.id, 'change.under-booking' AS kind, 'BK-' || b.id AS subject,
               format('%s %s on %s at %s: %s', w.control, w.kind, w.key, readable(w.occurred_at), w.summary)
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
                      readable(w.occurred_at), w.summary),
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

-- Appends to the log that these windows, approved only afterwards, would have covered what was judged
-- uncontrolled for want of them. By the rule that judges what is recorded after the approval.
CREATE OR REPLACE FUNCTION note_late_approvals(p_windows bigint[], p_now timestamptz, p_by text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_changes bigint[];
    v_environments bigint[];
    v_teams bigint[];
    v_ats timestamptz[];
BEGIN
    PERFORM FROM change_log_head FOR UPDATE;
    SELECT array_agg(l.id ORDER BY l.id), array_agg(l.environment_id ORDER BY l.id),
           array_agg(l.team_id ORDER BY l.id), array_agg(l.occurred_at ORDER BY l.id)
    INTO v_changes, v_environments, v_teams, v_ats
    FROM (SELECT DISTINCT c.id, c.environment_id, c.team_id, c.occurred_at
          FROM window_spans s
          JOIN change_log c ON c.environment_id = s.environment_id
           AND c.occurred_at >= lower(s.period) AND c.occurred_at < upper(s.period)
          WHERE s.window_id = ANY (p_windows) AND s.state = 'approved' AND s.valid_until = 'infinity'
            AND s.kind <> 'freeze' AND NOT s.is_emergency AND c.occurred_at < s.valid_from
            AND c.entry = 'change' AND c.control = 'uncontrolled' AND NOT c.approved_late
            AND NOT EXISTS (SELECT FROM change_log n WHERE n.root_id = c.id AND n.entry = 'late-approval')
            AND NOT EXISTS (SELECT FROM change_log n WHERE n.corrects = c.id AND n.entry = 'change')) l;
    IF v_changes IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO change_log (
        id, root_id, entry, environment_id, occurred_at, recorded_at, recorded_by, source, source_id, actor,
        team_id, kind, summary, component, component_version, ticket, emergency_reason, corrects, control,
        reasons, window_id, bookings_hit, is_late, approved_late, claimed_team, hash)
    SELECT 0, c.root_id, 'late-approval', c.environment_id, c.occurred_at, p_now, p_by, c.source, c.source_id,
           c.actor, c.team_id, c.kind, c.summary, c.component, c.component_version, c.ticket,
           c.emergency_reason, c.corrects, c.control, c.reasons, j.late_id, c.bookings_hit, c.is_late, true,
           c.claimed_team, ''
    FROM judge_changes(
        v_environments, v_teams, v_ats, array_fill(false, ARRAY[cardinality(v_changes)])) j
    JOIN change_log c ON c.id = v_changes[j.place]
    WHERE j.late_id IS NOT NULL
    ORDER BY c.id;
END $$;

-- A change window that was approved or moved may cover what already happened.
CREATE OR REPLACE FUNCTION on_windows_approved() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_late bigint[] := array(
        SELECT n.id FROM after n
        WHERE n.state = 'approved' AND n.kind <> 'freeze' AND n.starts_at < n.updated_at);
BEGIN
    IF v_late <> '{}' THEN
        PERFORM note_late_approvals(v_late, max(n.updated_at), max(n.updated_by)) FROM after n;
    END IF;
    RETURN NULL;
END $$;
