-- The changes of a batch are weighed, judged and chained together: one statement for all, where 0013 asked once an
-- entry, and one write of the head. The rule stays one, for the log and for the gate.

DROP FUNCTION judge_change(bigint, bigint, timestamptz, boolean);
DROP FUNCTION weigh_change(bigint, bigint, timestamptz, timestamptz);

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
    is_open boolean)
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
               (SELECT e.policy ->> 'changes' = 'open' FROM environments e WHERE e.id = a.environment_id), false)
    FROM unnest(p_environments, p_teams, p_ats, p_knowns)
        WITH ORDINALITY a (environment_id, team_id, at, known_at, place)
    CROSS JOIN LATERAL (
        WITH span AS MATERIALIZED (
            SELECT s.window_id, s.kind, s.state, s.exception_to, s.is_emergency,
                   s.team_id IS NULL OR s.team_id IS NOT DISTINCT FROM a.team_id AS is_for_team
            FROM window_spans s
            WHERE s.environment_id = a.environment_id AND s.period @> a.at
              AND s.valid_from <= a.known_at AND s.valid_until > a.known_at),
        frozen AS (SELECT f.window_id FROM span f WHERE f.kind = 'freeze' AND f.state = 'approved'),
        covering AS (
            SELECT min(c.window_id) AS window_id FROM span c
            WHERE c.kind IN ('change', 'maintenance') AND c.state = 'approved' AND NOT c.is_emergency
              AND c.is_for_team
              AND NOT EXISTS (SELECT FROM frozen f WHERE f.window_id IS DISTINCT FROM c.exception_to))
        SELECT c.window_id,
               (SELECT min(e.window_id) FROM span e
                WHERE e.is_emergency AND e.is_for_team AND e.state = 'approved') AS emergency_id,
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
RETURNS TABLE (place bigint, control text, reasons text[], window_id bigint, bookings bigint[])
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
           g.bookings
    FROM weigh_changes(p_environments, p_teams, p_ats, p_ats) g
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p_are_declared[g.place] OR g.emergency_id IS NOT NULL THEN 'emergency'
                    WHEN g.freezes = '{}' AND (g.window_id IS NOT NULL OR g.own_booking IS NOT NULL
                                               OR (g.is_open AND g.others = '{}')) THEN 'controlled'
                    ELSE 'uncontrolled' END AS control) j
$$;

-- Whether an environment is open for a change by a team at p_at, as known at p_known_at.
CREATE OR REPLACE FUNCTION is_open_for_change(
    p_environment bigint, p_team bigint, p_at timestamptz, p_known_at timestamptz
) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT w.emergency_id IS NOT NULL
        OR (w.freezes = '{}'
            AND (w.window_id IS NOT NULL OR w.own_booking IS NOT NULL OR (w.is_open AND w.others = '{}')))
    FROM weigh_changes(ARRAY[p_environment], ARRAY[p_team], ARRAY[p_at], ARRAY[p_known_at]) w
$$;

-- The head is written once a statement: rows in between follow the row before them. Written once an entry, each
-- would read all versions of the head that its own transaction left behind.
DROP TRIGGER changes_are_chained ON change_log;

-- Whoever appends waits here for the one before.
CREATE FUNCTION on_changes_begun() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM change_log_head FOR UPDATE;
    RETURN NULL;
END $$;

-- Gives an entry its number and its hash, whoever inserts it.
CREATE OR REPLACE FUNCTION on_change_appended() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_hash bytea;
BEGIN
    SELECT l.id + 1, l.hash INTO NEW.id, v_hash
    FROM (SELECT h.id, h.hash FROM change_log_head h
          UNION ALL
          (SELECT c.id, c.hash FROM change_log c ORDER BY c.id DESC LIMIT 1)) l
    ORDER BY l.id DESC LIMIT 1;
    IF NEW.entry = 'change' THEN
        NEW.root_id := NEW.id;
    END IF;
    NEW.hash := sha256(v_hash || chain_bytes(NEW));
    RETURN NEW;
END $$;

CREATE FUNCTION on_changes_appended() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- Neither is ever deleted, so no key has to lock them, as a foreign key would at each entry.
    IF EXISTS (SELECT FROM after n
               WHERE NOT EXISTS (SELECT FROM environments e WHERE e.id = n.environment_id)
                  OR (n.team_id IS NOT NULL AND NOT EXISTS (SELECT FROM teams t WHERE t.id = n.team_id))) THEN
        RAISE EXCEPTION 'a change names an environment or a team that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'change_names_what_exists';
    END IF;
    UPDATE change_log_head h SET id = n.id, hash = n.hash
    FROM (SELECT a.id, a.hash FROM after a ORDER BY a.id DESC LIMIT 1) n;
    RETURN NULL;
END $$;

CREATE TRIGGER changes_wait_for_the_head BEFORE INSERT ON change_log
    FOR EACH STATEMENT EXECUTE FUNCTION on_changes_begun();
CREATE TRIGGER changes_are_chained BEFORE INSERT ON change_log
    FOR EACH ROW EXECUTE FUNCTION on_change_appended();
CREATE TRIGGER changes_move_the_head AFTER INSERT ON change_log
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION on_changes_appended();
ALTER TABLE change_log ENABLE ALWAYS TRIGGER changes_wait_for_the_head;
ALTER TABLE change_log ENABLE ALWAYS TRIGGER changes_are_chained;
ALTER TABLE change_log ENABLE ALWAYS TRIGGER changes_move_the_head;

-- Judges and appends changes, many a commit, in the order given: under the head's lock, so that each sees every
-- window that was approved before it. A change that its source reported before gives no row. Tells those whose
-- booking another team's change hit.
CREATE OR REPLACE FUNCTION append_changes(
    p_now timestamptz, p_by text[], p_sources text[], p_source_ids text[], p_environments bigint[],
    p_occurred timestamptz[], p_actors text[], p_teams bigint[], p_kinds text[], p_summaries text[],
    p_components text[], p_versions text[], p_tickets text[], p_emergencies text[], p_corrects bigint[]
) RETURNS TABLE (
    ordinal bigint, id bigint, control text, reasons text[], window_id bigint, bookings_hit bigint[],
    is_late boolean, hash bytea)
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
        reasons, window_id, bookings_hit, is_late, approved_late, hash)
    SELECT 0, 0, 'change', u.environment_id, u.occurred_at, p_now, u.recorded_by, u.source, u.source_id,
           u.actor, u.team_id, u.kind, u.summary, u.component, u.version, u.ticket, u.emergency, u.corrects,
           -- What was only seen afterwards is nobody's, whatever window it fell in.
           CASE u.source WHEN 'inventory' THEN 'uncontrolled' ELSE j.control END,
           CASE WHEN u.source = 'inventory' AND 'unattributed' <> ALL (j.reasons)
                THEN j.reasons || 'unattributed'::text ELSE j.reasons END,
           j.window_id, j.bookings, p_now - u.occurred_at > interval '15 minutes', false, ''
    FROM unnest(
        p_by, p_sources, p_source_ids, p_environments, p_occurred, p_actors, p_teams, p_kinds, p_summaries,
        p_components, p_versions, p_tickets, p_emergencies, p_corrects)
        WITH ORDINALITY u (recorded_by, source, source_id, environment_id, occurred_at, actor, team_id, kind,
                           summary, component, version, ticket, emergency, corrects, place)
    JOIN judge_changes(
        p_environments, p_teams, p_occurred,
        array(SELECT e.reason IS NOT NULL FROM unnest(p_emergencies) WITH ORDINALITY e (reason, place)
              ORDER BY e.place)) j ON j.place = u.place
    WHERE u.place = ANY (v_places)
    ORDER BY u.place;

    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT p_now, 'change.under-booking', 'BK-' || b.id,
           format('%s %s on %s at %s: %s', c.control, c.kind, e.key, readable(c.occurred_at), c.summary),
           b.team_id, b.requested_by
    FROM change_log c
    JOIN environments e ON e.id = c.environment_id
    JOIN bookings b ON b.id = ANY (c.bookings_hit)
    WHERE c.id > v_last AND 'others-booking' = ANY (c.reasons)
      AND c.team_id IS DISTINCT FROM b.team_id AND b.state IN ('confirmed', 'active');
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT p_now, 'change.recorded', c.id, 1 FROM change_log c WHERE c.id > v_last;

    -- Numbers are given in the order of the rows.
    RETURN QUERY
    SELECT v_places[c.id - v_last], c.id, c.control, c.reasons, c.window_id, c.bookings_hit, c.is_late, c.hash
    FROM change_log c WHERE c.id > v_last ORDER BY c.id;
END $$;
