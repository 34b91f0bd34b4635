-- What is read to decide and to explain grows with what it decides, not with the tables. See
-- docs/decisions/0021-a-read-costs-what-it-answers.md.

-- The lane is a constant in each look-up: what is compared with a column is no condition of a partial index,
-- and the whole index was read for each claim.
CREATE OR REPLACE FUNCTION window_clashes(p_windows bigint[])
RETURNS TABLE (environment_id bigint, window_id bigint, booking_id bigint, other_id bigint, period tstzrange)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH implied AS MATERIALIZED (
        SELECT d.window_id, d.environment_id, d.lane, d.period, d.share_key
        FROM derive_window_claims(p_windows) d),
    -- Exceptions that are among the windows, that are to a freeze among them, or that meet one.
    excepted AS MATERIALIZED (
        SELECT s.window_id, s.environment_id, s.exception_to, s.period FROM window_spans s
        WHERE s.window_id = ANY (p_windows) AND s.exception_to IS NOT NULL AND s.state = 'approved'
          AND s.valid_until = 'infinity'
        UNION
        SELECT s.window_id, s.environment_id, s.exception_to, s.period
        FROM change_windows w JOIN window_spans s ON s.window_id = w.id
        WHERE w.exception_to = ANY (p_windows) AND s.exception_to IS NOT NULL AND s.state = 'approved'
          AND s.valid_until = 'infinity'
        UNION
        SELECT x.window_id, x.environment_id, x.exception_to, x.period
        FROM window_spans g
        CROSS JOIN LATERAL (
            SELECT s.window_id, s.environment_id, s.exception_to, s.period FROM window_spans s
            WHERE s.environment_id = g.environment_id AND s.period && g.period
              AND s.exception_to IS NOT NULL AND s.state = 'approved' AND s.valid_until = 'infinity'
            OFFSET 0) x
        WHERE g.window_id = ANY (p_windows) AND g.kind = 'freeze' AND g.state = 'approved'
          AND g.valid_until = 'infinity')
    SELECT d.environment_id, d.window_id, c.booking_id, c.window_id, c.period
    FROM implied d
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.window_id, k.period FROM claims k
        WHERE k.environment_id = d.environment_id AND k.lane = 'use' AND k.period && d.period
          AND k.share_key <> d.share_key
        OFFSET 0) c
    WHERE d.lane = 'use'
    UNION ALL
    SELECT d.environment_id, d.window_id, c.booking_id, c.window_id, c.period
    FROM implied d
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.window_id, k.period FROM claims k
        WHERE k.environment_id = d.environment_id AND k.lane = 'change' AND k.period && d.period
          AND k.share_key <> d.share_key
        OFFSET 0) c
    WHERE d.lane = 'change'
    UNION ALL
    SELECT x.environment_id, o.one, NULL, o.other, o.period
    FROM excepted x
    JOIN change_windows w ON w.id = x.window_id AND upper(x.period) > w.created_at
    JOIN window_spans f ON f.window_id = x.exception_to AND f.environment_id = x.environment_id
     AND f.period && x.period AND f.state = 'approved' AND f.valid_until = 'infinity'
    CROSS JOIN LATERAL (
        SELECT s.window_id, s.period FROM window_spans s
        WHERE s.environment_id = x.environment_id AND s.period && (x.period * f.period)
          AND s.kind = 'freeze' AND s.window_id <> x.exception_to
          AND s.state = 'approved' AND s.valid_until = 'infinity'
        OFFSET 0) g
    -- Who stood before is in the way of who comes.
    CROSS JOIN LATERAL (
        SELECT x.window_id, g.window_id, g.period WHERE x.window_id = ANY (p_windows)
        UNION ALL
        SELECT g.window_id, x.window_id, x.period WHERE x.window_id <> ALL (p_windows)) o (one, other, period)
    WHERE x.window_id = ANY (p_windows) OR f.window_id = ANY (p_windows) OR g.window_id = ANY (p_windows);
END $$;

-- Grouped, not joined: how many spans a window has is not known when this is planned, and a nested loop over
-- 50,000 of them never ends.
CREATE OR REPLACE FUNCTION align_windows(p_windows bigint[], p_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_windows bigint[] := p_windows || array(
        SELECT w.id FROM change_windows w WHERE w.exception_to = ANY (p_windows));
BEGIN
    PERFORM require_read_committed();
    PERFORM lock_environments(array(
        SELECT d.environment_id FROM derive_spans(v_windows) d
        UNION
        SELECT s.environment_id FROM window_spans s
        WHERE s.window_id = ANY (v_windows) AND s.valid_until = 'infinity'));

    WITH spans AS MATERIALIZED (
        SELECT u.window_id, u.environment_id, u.state, u.team_id, u.exception_to, u.period,
               max(u.kind) AS kind, bool_or(u.is_emergency) AS is_emergency, max(u.held) AS held,
               bool_or(u.held IS NULL) AS is_implied
        FROM (SELECT s.window_id, s.environment_id, s.state, s.team_id, s.exception_to, s.period, s.kind,
                     s.is_emergency, s.ctid AS held
              FROM window_spans s WHERE s.window_id = ANY (v_windows) AND s.valid_until = 'infinity'
              UNION ALL
              SELECT d.window_id, d.environment_id, d.state, d.team_id, d.exception_to, d.period, d.kind,
                     d.is_emergency, NULL
              FROM derive_spans(v_windows) d) u
        GROUP BY u.window_id, u.environment_id, u.state, u.team_id, u.exception_to, u.period),
    ended AS (
        UPDATE window_spans s
        SET valid_until = date_trunc('second', coalesce(p_at, w.updated_at))
        FROM change_windows w
        WHERE s.ctid = ANY (array(SELECT p.held FROM spans p WHERE NOT p.is_implied)) AND w.id = s.window_id)
    INSERT INTO window_spans (
        window_id, environment_id, kind, state, team_id, exception_to, is_emergency, period, valid_from)
    SELECT p.window_id, p.environment_id, p.kind, p.state, p.team_id, p.exception_to, p.is_emergency,
           p.period,
           date_trunc('second', coalesce(p_at, CASE WHEN w.version = 1
               THEN coalesce(w.approved_at, w.created_at) ELSE w.updated_at END))
    FROM spans p JOIN change_windows w ON w.id = p.window_id
    WHERE p.held IS NULL;

    WITH implied AS MATERIALIZED (
        SELECT u.window_id, u.environment_id, u.lane, u.period, max(u.held) AS held,
               bool_or(u.held IS NULL) AS is_implied
        FROM (SELECT c.window_id, c.environment_id, c.lane, c.period, c.ctid AS held
              FROM claims c WHERE c.window_id = ANY (v_windows)
              UNION ALL
              SELECT d.window_id, d.environment_id, d.lane, d.period, NULL
              FROM derive_window_claims(v_windows) d) u
        GROUP BY u.window_id, u.environment_id, u.lane, u.period),
    dropped AS (
        DELETE FROM claims c
        WHERE c.ctid = ANY (array(SELECT i.held FROM implied i WHERE NOT i.is_implied))
        RETURNING c.environment_id, c.lane, c.period)
    INSERT INTO line_calls (environment_id, period)
    SELECT d.environment_id, d.period FROM dropped d
    WHERE d.lane = 'use'
      AND EXISTS (SELECT FROM bookings w WHERE w.state IN ('waitlisted', 'displaced'));

    PERFORM refuse_window_clashes(v_windows);
    INSERT INTO claims (window_id, environment_id, lane, period, share_key)
    SELECT n.window_id, n.environment_id, max(n.lane), n.period, max(n.share_key)
    FROM (SELECT d.window_id, d.environment_id, d.lane, d.period, d.share_key
          FROM derive_window_claims(v_windows) d
          UNION ALL
          SELECT c.window_id, c.environment_id, NULL, c.period, NULL
          FROM claims c WHERE c.window_id = ANY (v_windows)) n
    GROUP BY n.window_id, n.environment_id, n.period
    HAVING bool_and(n.share_key IS NOT NULL)
    ORDER BY n.environment_id, n.window_id;
END $$;

-- How many claims share an environment from each instant on, in order, until the next one: begins and ends
-- counted once. Cost: sorting the claims of the span.
CREATE FUNCTION shared_use(p_environment bigint, p_span tstzrange, p_except bigint[])
RETURNS TABLE (at timestamptz, until timestamptz, used bigint)
LANGUAGE sql STABLE AS $$
    SELECT g.at, lead(g.at) OVER (ORDER BY g.at), (sum(g.step) OVER (ORDER BY g.at))::bigint
    FROM (
        SELECT v.at, sum(v.step) AS step
        FROM claims k
        CROSS JOIN LATERAL (
            VALUES (greatest(lower(k.period), lower(p_span)), 1), (upper(k.period), -1)) v (at, step)
        WHERE k.environment_id = p_environment AND k.lane = 'use' AND k.share_key = 0
          AND k.period && p_span AND k.booking_id <> ALL (p_except)
        GROUP BY v.at) g
$$;

CREATE OR REPLACE FUNCTION blockers(
    p_environments bigint[], p_mode text, p_from timestamptz, p_until timestamptz, p_except bigint[],
    p_limit bigint)
RETURNS TABLE (environment_id bigint, part_id bigint, booking_id bigint, window_id bigint, period tstzrange)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    WITH wanted AS (
        SELECT r.environment_id, r.part_id, e.capacity,
               CASE p_mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                           ELSE r.exclusive_if_shared END AS exclusive
        FROM environment_reach r JOIN environments e ON e.id = r.part_id
        WHERE r.environment_id = ANY (p_environments))
    SELECT w.environment_id, w.part_id, c.booking_id, c.window_id, c.period
    FROM wanted w
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.window_id, k.period
        FROM claims k
        WHERE k.environment_id = w.part_id AND k.lane = 'use'
          AND k.period && tstzrange(p_from, p_until, '[)')
          AND (k.booking_id IS NULL OR k.booking_id <> ALL (p_except))
          AND (k.share_key <> 0 OR w.exclusive)
        ORDER BY lower(k.period), k.booking_id
        LIMIT p_limit) c
    UNION ALL
    -- Who shares while no place is left.
    SELECT w.environment_id, w.part_id, c.booking_id, NULL, c.period
    FROM wanted w
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(s.at, s.until, '[)')) AS times
        FROM shared_use(w.part_id, tstzrange(p_from, p_until, '[)'), p_except) s
        WHERE s.used >= w.capacity
        OFFSET 0) crowded
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.period
        FROM claims k
        WHERE k.environment_id = w.part_id AND k.lane = 'use' AND k.share_key = 0
          AND k.period && tstzrange(p_from, p_until, '[)')
          AND k.period && crowded.times AND k.booking_id <> ALL (p_except)
        ORDER BY lower(k.period), k.booking_id
        LIMIT p_limit) c
    WHERE w.capacity IS NOT NULL AND NOT w.exclusive AND crowded.times IS NOT NULL;
END $$;

-- Each environment is counted once, over all the time that these bookings share it.
CREATE OR REPLACE FUNCTION overbooked(p_bookings bigint[])
RETURNS TABLE (booking_id bigint, environment_id bigint, at timestamptz, used bigint, capacity integer)
LANGUAGE sql STABLE AS $$
    WITH mine AS MATERIALIZED (
        SELECT c.booking_id, c.environment_id, c.period, e.capacity
        FROM claims c JOIN environments e ON e.id = c.environment_id AND e.capacity IS NOT NULL
        WHERE c.booking_id = ANY (p_bookings) AND c.share_key = 0 AND c.lane = 'use'),
    crowded AS MATERIALIZED (
        SELECT t.environment_id, s.at, s.until, s.used
        FROM (SELECT m.environment_id, m.capacity, unnest(range_agg(m.period)) AS period
              FROM mine m GROUP BY m.environment_id, m.capacity) t
        CROSS JOIN LATERAL shared_use(t.environment_id, t.period, '{}') s
        WHERE s.used > t.capacity)
    SELECT DISTINCT ON (m.booking_id, m.environment_id, m.period)
           m.booking_id, m.environment_id, greatest(c.at, lower(m.period)), c.used, m.capacity
    FROM crowded c
    JOIN mine m ON m.environment_id = c.environment_id AND m.period && tstzrange(c.at, c.until, '[)')
    ORDER BY m.booking_id, m.environment_id, m.period, c.used DESC, c.at
$$;

CREATE OR REPLACE FUNCTION refuse_overbooking(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_peaks jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(p.environment_id, readable(p.at), p.used, p.capacity) ORDER BY p.at)
    INTO v_peaks
    FROM (SELECT t.environment_id, s.at, s.used, t.capacity
          FROM (SELECT o.environment_id, o.capacity, unnest(range_agg(m.period)) AS period
                FROM overbooked(p_bookings) o
                JOIN claims m ON m.booking_id = o.booking_id AND m.environment_id = o.environment_id
                GROUP BY o.environment_id, o.capacity) t
          CROSS JOIN LATERAL shared_use(t.environment_id, t.period, '{}') s
          WHERE s.used > t.capacity
          ORDER BY s.at LIMIT 20) p;
    IF v_peaks IS NOT NULL THEN
        RAISE EXCEPTION 'shared use would exceed capacity'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'no_overbooking',
                  DETAIL = v_peaks::text;
    END IF;
END $$;

-- Only an exception looks for the freeze that it is to.
CREATE OR REPLACE FUNCTION derive_window_claims(p_windows bigint[])
RETURNS TABLE (window_id bigint, environment_id bigint, lane text, period tstzrange, share_key bigint)
LANGUAGE sql STABLE AS $$
    SELECT s.window_id, s.environment_id,
           CASE s.kind WHEN 'maintenance' THEN 'use' ELSE 'change' END, p.period,
           CASE s.kind WHEN 'maintenance' THEN -1 WHEN 'change' THEN -2 ELSE -3 END
    FROM window_spans s
    JOIN change_windows w ON w.id = s.window_id
    CROSS JOIN LATERAL (
        SELECT s.period WHERE s.exception_to IS NULL
        UNION ALL
        SELECT unnest(tstzmultirange(s.period) - coalesce(
            (SELECT range_agg(f.period) FROM window_spans f
             WHERE f.window_id = s.exception_to AND f.environment_id = s.environment_id
               AND f.state = 'approved' AND f.valid_until = 'infinity' AND f.period && s.period),
            '{}'))
        WHERE s.exception_to IS NOT NULL) p (period)
    WHERE s.window_id = ANY (p_windows) AND s.valid_until = 'infinity' AND s.state = 'approved'
      AND NOT s.is_emergency AND upper(s.period) > w.created_at
$$;

-- In a query of their own, so that the period is a condition of the index too: joined, all claims of an
-- environment were read for each occurrence.
CREATE OR REPLACE FUNCTION warn_of_windows(p_windows bigint[], p_at timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT DISTINCT p_at, CASE WHEN s.is_emergency THEN 'window.emergency' ELSE 'window.planned' END,
           'CW-' || w.id,
           format('%s on %s from %s to %s during BK-%s: %s', w.kind, e.key, readable(lower(s.period)),
                  readable(upper(s.period)), b.id, coalesce(w.emergency_reason, w.title)),
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
                  readable(w.ends_at), w.emergency_reason),
           e.owner_team_id, NULL
    FROM window_spans s
    JOIN change_windows w ON w.id = s.window_id
    JOIN environments e ON e.id = s.environment_id
    WHERE s.window_id = ANY (p_windows) AND s.is_emergency AND s.valid_until = 'infinity'
$$;

CREATE OR REPLACE FUNCTION window_hits(
    p_environments bigint[], p_starts timestamptz[], p_length interval, p_except bigint, p_now timestamptz,
    p_limit bigint)
RETURNS TABLE (environment_id bigint, booking_id bigint, window_id bigint, period tstzrange)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT h.environment_id, h.booking_id, h.window_id, h.period
    FROM (
        SELECT e.id AS environment_id, c.booking_id, NULL::bigint AS window_id, c.period
        FROM unnest(p_starts) s (at)
        CROSS JOIN unnest(p_environments) e (id)
        CROSS JOIN LATERAL (
            SELECT k.booking_id, k.period FROM claims k
            WHERE k.environment_id = e.id AND k.lane = 'use' AND k.booking_id IS NOT NULL
              AND k.period && tstzrange(s.at, s.at + p_length, '[)')
            OFFSET 0) c
        WHERE s.at + p_length > p_now
        UNION
        SELECT e.id, NULL, v.window_id, v.period
        FROM unnest(p_starts) s (at)
        CROSS JOIN unnest(p_environments) e (id)
        CROSS JOIN LATERAL (
            SELECT w.window_id, w.period FROM window_spans w
            WHERE w.environment_id = e.id AND w.valid_until = 'infinity' AND w.state = 'approved'
              AND w.period && tstzrange(s.at, s.at + p_length, '[)')
              AND w.window_id IS DISTINCT FROM p_except
            OFFSET 0) v
        WHERE s.at + p_length > p_now) h
    ORDER BY lower(h.period), h.booking_id, h.window_id, h.environment_id
    LIMIT p_limit;
END $$;

-- By the environments' own spans and by the windows that have a selector, not by all windows there ever were.
CREATE OR REPLACE FUNCTION windows_about(p_environments bigint[], p_at timestamptz) RETURNS bigint[]
LANGUAGE sql STABLE AS $$
    SELECT array(
        SELECT w.id FROM change_windows w
        WHERE w.labels IS NOT NULL AND w.state IN ('requested', 'approved') AND last_end(w) > p_at
          AND EXISTS (
            SELECT FROM environments e
            WHERE e.id = ANY (p_environments) AND e.status <> 'retired' AND matches_selector(e, w.labels))
        UNION
        SELECT w.id
        FROM unnest(p_environments) e (id)
        CROSS JOIN LATERAL (
            SELECT DISTINCT s.window_id FROM window_spans s
            WHERE s.environment_id = e.id AND s.period && tstzrange(p_at, NULL)
              AND s.valid_until = 'infinity'
            OFFSET 0) s
        JOIN change_windows w ON w.id = s.window_id
        WHERE w.state IN ('requested', 'approved') AND last_end(w) > p_at
        ORDER BY id)
$$;
