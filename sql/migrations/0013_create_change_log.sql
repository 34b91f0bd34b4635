-- The change log: what really happened to environments, each entry judged when it is recorded, and chained to the
-- one before it by a hash.
--
-- Entries are never changed. What is learned later is a further entry: a correction (corrects), a window
-- approved afterwards (late-approval), a review. Lists show the latest; the old one stays.

-- Bookings of which no claim is left, by their time: a change reported late may have hit one.
CREATE INDEX bookings_without_claims ON bookings USING gist (tstzrange(starts_at, ends_at, '[)'))
    WHERE record_only OR state IN ('rejected', 'cancelled', 'expired', 'displaced');

-- Who used an environment at p_at, as was known at p_known_at: bookings of it and of what contains it, without
-- their buffers. Instants are whole seconds, as the API takes them.
CREATE FUNCTION users_at(p_environment bigint, p_at timestamptz, p_known_at timestamptz)
RETURNS TABLE (booking_id bigint, team_id bigint, exclusive boolean)
LANGUAGE sql STABLE AS $$
    SELECT b.id, v.team_id, u.exclusive
    FROM (
        SELECT c.booking_id AS id FROM claims c
        WHERE c.environment_id = p_environment AND c.lane = 'use' AND c.period @> p_at
          AND c.booking_id IS NOT NULL
        UNION
        SELECT g.id FROM bookings g
        WHERE (g.record_only OR g.state IN ('rejected', 'cancelled', 'expired', 'displaced'))
          AND tstzrange(g.starts_at, g.ends_at, '[)') @> p_at
          AND EXISTS (SELECT FROM environment_reach r
                      WHERE r.part_id = p_environment AND r.environment_id = ANY (g.environment_ids))
    ) k
    JOIN bookings b ON b.id = k.id
    CROSS JOIN LATERAL (
        SELECT p.environment_ids, p.team_id, p.mode
        FROM (
            SELECT b.state, b.environment_ids, b.team_id, b.mode, b.starts_at, b.released_at, b.ends_at,
                   b.approved_version
            WHERE b.record_only OR date_trunc('second', b.updated_at) <= p_known_at
            UNION ALL
            (SELECT o.state, o.environment_ids, o.team_id, o.mode, o.starts_at, o.released_at, o.ends_at,
                    o.approved_version
             FROM booking_versions o
             WHERE o.booking_id = b.id AND NOT b.record_only
               AND date_trunc('second', b.updated_at) > p_known_at
               AND date_trunc('second', o.valid_from) <= p_known_at
             ORDER BY o.version DESC LIMIT 1)) p
        WHERE (p.state IN ('confirmed', 'active', 'completed') OR p.approved_version IS NOT NULL
               OR p.released_at IS NOT NULL)
          AND p.starts_at <= p_at AND coalesce(p.released_at, p.ends_at) > p_at) v
    CROSS JOIN LATERAL (
        SELECT bool_or(CASE v.mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                                   ELSE r.exclusive_if_shared END) AS exclusive
        FROM environment_reach r
        WHERE r.part_id = p_environment AND r.environment_id = ANY (v.environment_ids)) u
    WHERE u.exclusive IS NOT NULL
$$;

-- What bears on a change of an environment at p_at by a team, as was known at p_known_at. One rule, for the log
-- and for the gate.
CREATE FUNCTION weigh_change(
    p_environment bigint, p_team bigint, p_at timestamptz, p_known_at timestamptz,
    -- The window that lets it happen: approved, for this team, and excepted from every freeze.
    OUT window_id bigint,
    -- The emergency window of its team.
    OUT emergency_id bigint,
    -- Freezes that no exception lets it through.
    OUT freezes bigint[],
    -- A window asked for and not approved.
    OUT requested_id bigint,
    -- Who uses it, and the other teams' of these.
    OUT bookings bigint[], OUT others bigint[],
    -- Its own team holds it exclusively, by this booking.
    OUT own_booking bigint,
    -- Its policy asks for no window.
    OUT is_open boolean)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    WITH span AS MATERIALIZED (
        SELECT s.window_id, s.kind, s.state, s.exception_to, s.is_emergency,
               s.team_id IS NULL OR s.team_id IS NOT DISTINCT FROM p_team AS is_for_team
        FROM window_spans s
        WHERE s.environment_id = p_environment AND s.period @> p_at
          AND s.valid_from <= p_known_at AND s.valid_until > p_known_at),
    frozen AS (SELECT f.window_id FROM span f WHERE f.kind = 'freeze' AND f.state = 'approved'),
    covering AS (
        SELECT w.window_id, w.exception_to,
               NOT EXISTS (SELECT FROM frozen f WHERE f.window_id IS DISTINCT FROM w.exception_to) AS reaches
        FROM span w
        WHERE w.kind IN ('change', 'maintenance') AND w.state = 'approved' AND NOT w.is_emergency
          AND w.is_for_team)
    SELECT (SELECT min(c.window_id) FROM covering c WHERE c.reaches),
           (SELECT min(e.window_id) FROM span e
            WHERE e.is_emergency AND e.is_for_team AND e.state = 'approved'),
           CASE WHEN EXISTS (SELECT FROM covering c WHERE c.reaches) THEN '{}'
                ELSE array(SELECT f.window_id FROM frozen f ORDER BY f.window_id) END,
           (SELECT min(r.window_id) FROM span r
            WHERE r.kind <> 'freeze' AND r.state = 'requested' AND r.is_for_team)
    INTO window_id, emergency_id, freezes, requested_id;

    SELECT coalesce(array_agg(u.booking_id ORDER BY u.booking_id), '{}'),
           coalesce(array_agg(u.booking_id ORDER BY u.booking_id)
                    FILTER (WHERE u.team_id IS DISTINCT FROM p_team), '{}'),
           min(u.booking_id) FILTER (WHERE u.team_id = p_team AND u.exclusive)
    INTO bookings, others, own_booking
    FROM users_at(p_environment, p_at, p_known_at) u;

    SELECT coalesce(
        (SELECT v.policy ->> 'changes' = 'open' FROM environment_versions v
         WHERE v.environment_id = p_environment AND date_trunc('second', v.valid_from) <= p_known_at
           AND date_trunc('second', v.valid_until) > p_known_at
         ORDER BY v.version DESC LIMIT 1),
        (SELECT e.policy ->> 'changes' = 'open' FROM environments e WHERE e.id = p_environment), false)
    INTO is_open;
END $$;

-- How a change is judged: what weigh_change() found, in the words of the log.
CREATE FUNCTION judge_change(
    p_environment bigint, p_team bigint, p_at timestamptz, p_is_declared boolean,
    OUT control text, OUT reasons text[], OUT window_id bigint, OUT bookings bigint[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
    w record;
BEGIN
    SELECT g.window_id, g.emergency_id, g.freezes, g.requested_id, g.bookings, g.others, g.own_booking,
           g.is_open
    INTO w FROM weigh_change(p_environment, p_team, p_at, p_at) g;
    bookings := w.bookings;
    reasons := CASE WHEN w.freezes <> '{}' THEN ARRAY['freeze'] ELSE '{}' END
        || CASE WHEN w.others <> '{}' THEN ARRAY['others-booking'] ELSE '{}' END;
    IF p_is_declared OR w.emergency_id IS NOT NULL THEN
        control := 'emergency';
        window_id := coalesce(w.emergency_id, w.window_id);
    ELSIF w.freezes = '{}' AND (
            w.window_id IS NOT NULL OR w.own_booking IS NOT NULL OR (w.is_open AND w.others = '{}')) THEN
        control := 'controlled';
        window_id := w.window_id;
    ELSE
        control := 'uncontrolled';
        reasons := reasons
            || CASE WHEN w.window_id IS NOT NULL OR w.own_booking IS NOT NULL OR w.is_open THEN '{}'
                    WHEN w.requested_id IS NOT NULL THEN ARRAY['window-not-approved']
                    ELSE ARRAY['no-window'] END
            || CASE WHEN p_team IS NULL THEN ARRAY['unattributed'] ELSE '{}' END;
    END IF;
END $$;

CREATE TABLE change_log (
    id bigint NOT NULL,
    -- The first entry about the same change: its own id, where it is that.
    root_id bigint NOT NULL,
    entry text NOT NULL,
    environment_id bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    source text NOT NULL,
    source_id text,
    actor text NOT NULL,
    team_id bigint,
    kind text NOT NULL,
    summary text NOT NULL,
    component text,
    component_version text,
    ticket text,
    emergency_reason text,
    corrects bigint,
    control text NOT NULL,
    reasons text[] NOT NULL,
    window_id bigint,
    bookings_hit bigint[] NOT NULL,
    is_late boolean NOT NULL,
    approved_late boolean NOT NULL,
    review text,
    review_note text,
    hash bytea NOT NULL,
    CONSTRAINT change_log_pkey PRIMARY KEY (id),
    CONSTRAINT change_entry_is_known CHECK (entry IN ('change', 'late-approval', 'review')),
    CONSTRAINT change_kind_is_known CHECK (
        kind IN ('deploy', 'config', 'data', 'infrastructure', 'restart', 'other')),
    CONSTRAINT change_control_is_known CHECK (control IN ('controlled', 'uncontrolled', 'emergency')),
    -- A review is an entry of its own, and says accepted or rejected.
    CONSTRAINT change_review_is_known CHECK (
        (entry = 'review') = (review IS NOT NULL) AND review IN ('accepted', 'rejected')),
    -- A change begins its own history; what is said of it later names an earlier entry.
    CONSTRAINT change_root_is_earlier CHECK (
        (entry = 'change' AND root_id = id) OR (entry <> 'change' AND root_id < id)),
    CONSTRAINT change_corrects_an_earlier CHECK (corrects < id),
    CONSTRAINT change_hash_is_sha256 CHECK (octet_length(hash) = 32)
);

CREATE INDEX change_log_by_environment ON change_log (environment_id, occurred_at);
CREATE INDEX change_log_by_time ON change_log (occurred_at);
CREATE INDEX change_log_by_root ON change_log (root_id, id) WHERE entry <> 'change';
CREATE INDEX change_log_by_corrected ON change_log (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX change_log_by_booking ON change_log USING gin (bookings_hit) WHERE bookings_hit <> '{}';
-- A source reports a change once.
CREATE UNIQUE INDEX change_source_is_unique ON change_log (source, source_id)
    WHERE source_id IS NOT NULL AND entry = 'change' AND corrects IS NULL;

-- The last entry: whoever appends locks it, so that numbers are contiguous and the chain has one end.
CREATE TABLE change_log_head (
    is_only boolean NOT NULL DEFAULT true,
    id bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT change_log_head_pkey PRIMARY KEY (is_only),
    CONSTRAINT change_log_has_one_head CHECK (is_only)
);
INSERT INTO change_log_head (id, hash) VALUES (0, sha256('berth change log'));

-- Heads that a verification or an audit saw, so that a chain cut or rewritten since shows.
CREATE TABLE change_log_heads_seen (
    id bigint NOT NULL,
    hash bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT change_log_heads_seen_pkey PRIMARY KEY (id, hash)
);

-- The bytes of an entry as the chain hashes them, all its columns but the hash: of each the length in bytes, -1
-- for none, then its text in UTF-8. Times are microseconds since 1970 in UTC.
CREATE FUNCTION chain_bytes(c change_log) RETURNS bytea
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
    LOOP
        v_bytes := v_bytes || CASE WHEN v_field IS NULL THEN int4send(-1)
            ELSE int4send(octet_length(convert_to(v_field, 'UTF8'))) || convert_to(v_field, 'UTF8') END;
    END LOOP;
    RETURN v_bytes;
END $$;

-- Gives an entry its number and its hash, whoever inserts it.
CREATE FUNCTION on_change_appended() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_head change_log_head;
BEGIN
    -- Neither is ever deleted, so no key has to lock them, as a foreign key would at each entry.
    IF NOT EXISTS (SELECT FROM environments e WHERE e.id = NEW.environment_id)
       OR NOT (NEW.team_id IS NULL OR EXISTS (SELECT FROM teams t WHERE t.id = NEW.team_id)) THEN
        RAISE EXCEPTION 'a change names an environment or a team that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'change_names_what_exists';
    END IF;
    SELECT h.is_only, h.id, h.hash INTO v_head FROM change_log_head h FOR UPDATE;
    NEW.id := v_head.id + 1;
    IF NEW.entry = 'change' THEN
        NEW.root_id := NEW.id;
    END IF;
    NEW.hash := sha256(v_head.hash || chain_bytes(NEW));
    UPDATE change_log_head SET id = NEW.id, hash = NEW.hash;
    RETURN NEW;
END $$;

CREATE TRIGGER changes_are_chained BEFORE INSERT ON change_log
    FOR EACH ROW EXECUTE FUNCTION on_change_appended();
CREATE TRIGGER change_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON change_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_write('Append a correction instead.');
CREATE TRIGGER head_follows_the_log BEFORE INSERT OR UPDATE OR DELETE ON change_log_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_direct_write('Append to the log; its head follows.');
CREATE TRIGGER head_is_never_truncated BEFORE TRUNCATE ON change_log_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_write('Append to the log; its head follows.');
CREATE TRIGGER heads_seen_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON change_log_heads_seen
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_write('What was seen is append-only.');
ALTER TABLE change_log ENABLE ALWAYS TRIGGER changes_are_chained;
ALTER TABLE change_log ENABLE ALWAYS TRIGGER change_log_is_append_only;
ALTER TABLE change_log_head ENABLE ALWAYS TRIGGER head_follows_the_log;
ALTER TABLE change_log_head ENABLE ALWAYS TRIGGER head_is_never_truncated;
ALTER TABLE change_log_heads_seen ENABLE ALWAYS TRIGGER heads_seen_are_kept;

-- Judges and appends changes, many a commit, in the order given: under the head's lock, so that each sees every
-- window that was approved before it. A change that its source reported before gives no row. Tells those whose
-- booking another team's change hit.
CREATE FUNCTION append_changes(
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
        FROM unnest(p_sources, p_source_ids, p_corrects) WITH ORDINALITY u (source, source_id, corrects, place)
        WHERE u.source_id IS NULL OR u.corrects IS NOT NULL
           OR NOT (EXISTS (
                    SELECT FROM change_log c
                    WHERE c.source = u.source AND c.source_id = u.source_id AND c.entry = 'change'
                      AND c.corrects IS NULL)
                OR EXISTS (
                    SELECT FROM unnest(p_sources[:u.place - 1], p_source_ids[:u.place - 1]) o (source, source_id)
                    WHERE o.source = u.source AND o.source_id = u.source_id))
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
    CROSS JOIN LATERAL judge_change(u.environment_id, u.team_id, u.occurred_at, u.emergency IS NOT NULL) j
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

-- The latest about each change: not corrected, and after late approvals.
CREATE VIEW latest_changes AS
    SELECT c.id, c.root_id, c.environment_id, c.occurred_at, c.recorded_at, c.recorded_by, c.source,
           c.source_id, c.actor, c.team_id, c.kind, c.summary, c.component, c.component_version, c.ticket,
           c.emergency_reason, c.corrects, c.control, c.reasons, c.window_id, c.bookings_hit, c.is_late,
           c.approved_late, c.hash
    FROM change_log c
    WHERE c.entry IN ('change', 'late-approval')
      AND NOT EXISTS (SELECT FROM change_log n WHERE n.root_id = c.root_id AND n.entry = 'late-approval'
                                                 AND n.id > c.id)
      AND NOT EXISTS (SELECT FROM change_log n WHERE n.corrects = c.root_id);

-- Appends to the log that these windows, approved only afterwards, would have covered what was judged
-- uncontrolled for want of them.
CREATE FUNCTION note_late_approvals(p_windows bigint[], p_now timestamptz, p_by text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM change_log_head FOR UPDATE;
    INSERT INTO change_log (
        id, root_id, entry, environment_id, occurred_at, recorded_at, recorded_by, source, source_id, actor,
        team_id, kind, summary, component, component_version, ticket, emergency_reason, corrects, control,
        reasons, window_id, bookings_hit, is_late, approved_late, hash)
    SELECT 0, c.root_id, 'late-approval', c.environment_id, c.occurred_at, p_now, p_by, c.source, c.source_id,
           c.actor, c.team_id, c.kind, c.summary, c.component, c.component_version, c.ticket,
           c.emergency_reason, NULL, c.control, c.reasons, k.window_id, c.bookings_hit, c.is_late, true, ''
    FROM (
        SELECT l.id, min(s.window_id) AS window_id
        FROM window_spans s
        JOIN latest_changes l ON l.environment_id = s.environment_id AND l.occurred_at <@ s.period
        WHERE s.window_id = ANY (p_windows) AND s.state = 'approved' AND s.valid_until = 'infinity'
          AND s.kind <> 'freeze' AND l.control = 'uncontrolled' AND NOT l.approved_late
          AND l.occurred_at < s.valid_from
          AND (s.team_id IS NULL OR s.team_id IS NOT DISTINCT FROM l.team_id)
          AND ('freeze' <> ALL (l.reasons) OR s.exception_to IS NOT NULL)
        GROUP BY l.id) k
    JOIN change_log c ON c.id = k.id
    ORDER BY c.id;
END $$;

-- A change window that was approved or moved may cover what already happened.
CREATE FUNCTION on_windows_approved() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_late bigint[] := array(
        SELECT n.id FROM after n
        WHERE n.state = 'approved' AND n.kind <> 'freeze' AND n.starts_at < n.updated_at
          AND n.import_identity IS NULL);
BEGIN
    IF v_late <> '{}' THEN
        PERFORM note_late_approvals(v_late, max(n.updated_at), max(n.updated_by)) FROM after n;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER windows_inserted_late AFTER INSERT ON change_windows
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION on_windows_approved();
CREATE TRIGGER windows_updated_late AFTER UPDATE ON change_windows
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION on_windows_approved();
ALTER TABLE change_windows ENABLE ALWAYS TRIGGER windows_inserted_late;
ALTER TABLE change_windows ENABLE ALWAYS TRIGGER windows_updated_late;
