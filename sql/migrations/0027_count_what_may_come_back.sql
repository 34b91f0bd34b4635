-- What may come back counts: a judgement that a correction of words kept, and what was approved before an edit; and
-- who waits for a lock holds no other.

-- What stands of a change, as before; but what a correction of words keeps is judged once, by the correction, which
-- is where a late approval is noted.
CREATE OR REPLACE FUNCTION standing(
    p_root bigint,
    -- The entry whose judgement stands: the hardest that no accepting review came after, or the last.
    OUT entry_id bigint,
    -- The last review of it or of what it corrects.
    OUT review_id bigint,
    -- A review came after the last judgement.
    OUT is_reviewed boolean)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE chain (id, corrects, keeps, is_kept) AS (
        SELECT c.id, c.corrects, keeps_judgement(c, o), false
        FROM change_log c LEFT JOIN change_log o ON o.id = c.corrects WHERE c.id = p_root
        UNION ALL
        SELECT c.id, c.corrects, keeps_judgement(c, o), k.keeps IS TRUE
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
               OR (NOT k.is_kept
                   AND k.id > coalesce((SELECT v.id FROM verdict v WHERE v.review = 'accepted'), 0))
            ORDER BY CASE e.control WHEN 'uncontrolled' THEN CASE WHEN e.approved_late THEN 2 ELSE 3 END
                                    WHEN 'emergency' THEN 1 ELSE 0 END DESC, k.id DESC
            LIMIT 1),
           (SELECT v.id FROM verdict v),
           (SELECT v.id FROM verdict v) > (SELECT max(k.id) FROM chain k WHERE k.keeps IS NOT TRUE);
END;

-- Has the transaction run again: what it locked is no longer what it needs.
CREATE FUNCTION begin_anew() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'more is to be locked by now' USING ERRCODE = 'serialization_failure';
END $$;

-- Waits until the first of what these environments reach that somebody has locked is unlocked, holding nothing
-- meanwhile: who waited with other locks in hand would stop all who share a part with it.
CREATE FUNCTION await_locks(p_environments bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_free bigint[];
BEGIN
    BEGIN
        v_free := lock_free_reach(p_environments);
        RAISE EXCEPTION USING ERRCODE = 'BRTH2', MESSAGE = 'what was free is given back';
    EXCEPTION WHEN SQLSTATE 'BRTH2' THEN
    END;
    PERFORM e.id FROM environments e
    WHERE e.id = (SELECT min(r.part_id) FROM environment_reach r
                  WHERE r.environment_id = ANY (p_environments) AND r.part_id <> ALL (v_free))
    FOR NO KEY UPDATE;
END $$;

-- Where these bookings bring their team over a quota of an environment that they name. A week is the
-- environment's own, from Monday, and buffers do not count. While an edit waits for approval, what was approved
-- counts as well, since it may come back: of hours the more of the two, at an instant either. At once are all bookings of the team, at one
-- instant, of environments with such a limit. The caller holds the team's lock.
CREATE OR REPLACE FUNCTION quota_violations(p_bookings bigint[])
RETURNS TABLE (environment_key text, rule text, most text, value text)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN QUERY
    SELECT e.key, 'teamHoursPerWeek', e.policy ->> 'teamHoursPerWeek',
           trim_scale(round(max(u.hours), 2))::text
    FROM bookings b
    CROSS JOIN unnest(b.environment_ids) n (id)
    JOIN environments e ON e.id = n.id AND e.policy ? 'teamHoursPerWeek'
    CROSS JOIN LATERAL generate_series(
        date_trunc('week', b.starts_at AT TIME ZONE e.time_zone),
        (b.ends_at - interval '1 second') AT TIME ZONE e.time_zone, interval '7 days') w (monday)
    CROSS JOIN LATERAL (SELECT tstzrange(w.monday AT TIME ZONE e.time_zone,
                                         (w.monday + interval '7 days') AT TIME ZONE e.time_zone)) s (week)
    CROSS JOIN LATERAL (
        SELECT sum(h.seconds) / 3600.0 AS hours
        FROM (
            SELECT greatest(
                CASE WHEN e.id = ANY (o.environment_ids) THEN multirange_seconds(tstzmultirange(
                    tstzrange(o.starts_at, coalesce(o.released_at, o.ends_at)) * s.week)) ELSE 0 END,
                CASE WHEN e.id = ANY (v.environment_ids) THEN multirange_seconds(tstzmultirange(
                    tstzrange(v.starts_at, v.ends_at) * s.week)) ELSE 0 END) AS seconds
            FROM (SELECT DISTINCT c.booking_id FROM claims c
                  WHERE c.environment_id = e.id AND c.lane = 'use' AND c.period && s.week) k
            JOIN bookings o ON o.id = k.booking_id AND o.team_id = b.team_id
            LEFT JOIN booking_versions v ON v.booking_id = o.id AND v.version = o.approved_version) h) u
    WHERE b.id = ANY (p_bookings)
    GROUP BY e.key, e.policy
    HAVING max(u.hours) > (e.policy ->> 'teamHoursPerWeek')::numeric
    UNION ALL
    SELECT e.key, 'teamBookingsAtOnce', e.policy ->> 'teamBookingsAtOnce', max(u.used)::text
    FROM bookings b
    CROSS JOIN unnest(b.environment_ids) n (id)
    JOIN environments e ON e.id = n.id AND e.policy ? 'teamBookingsAtOnce'
    CROSS JOIN LATERAL (
        WITH team AS MATERIALIZED (
            SELECT o.id, p.environment_ids, p.starts_at, p.ends_at
            FROM environments l
            JOIN claims c ON c.environment_id = l.id AND c.lane = 'use'
             AND c.period && tstzrange(b.starts_at, b.ends_at)
            JOIN bookings o ON o.id = c.booking_id AND o.team_id = b.team_id
            LEFT JOIN booking_versions v ON v.booking_id = o.id AND v.version = o.approved_version
            CROSS JOIN LATERAL (VALUES
                (o.environment_ids, o.starts_at, coalesce(o.released_at, o.ends_at)),
                (v.environment_ids, v.starts_at, v.ends_at)) p (environment_ids, starts_at, ends_at)
            WHERE l.policy ? 'teamBookingsAtOnce' AND l.id = ANY (p.environment_ids))
        SELECT max((SELECT count(DISTINCT t.id) FROM team t WHERE t.starts_at <= x.at AND t.ends_at > x.at)) AS used
        FROM (SELECT greatest(t.starts_at, b.starts_at) FROM team t) x (at)
        WHERE x.at < b.ends_at) u
    WHERE b.id = ANY (p_bookings)
    GROUP BY e.key, e.policy
    HAVING max(u.used) > (e.policy ->> 'teamBookingsAtOnce')::bigint;
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION begin_anew() SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION await_locks(bigint[]) SET search_path = %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION quota_violations(bigint[]) SET search_path = %I, pg_temp', current_schema());
END $$;
