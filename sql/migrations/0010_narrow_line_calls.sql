-- The line is called for the time that was given back, so that who waits for another time is not locked.

-- What was given back; by default, since a status, a policy or parts changed, all time.
ALTER TABLE line_calls
    ADD COLUMN period tstzrange NOT NULL DEFAULT tstzrange('-infinity', 'infinity', '[)');

-- What one in line would get of these environments if it were served at p_now, and the period it would claim:
-- what it asked for, or what is left of it; where it may start when it is free, its whole length from now on.
-- No row when nothing is left.
CREATE FUNCTION awaited_slot(p_waiter bookings, p_environments bigint[], p_now timestamptz)
RETURNS TABLE (starts_at timestamptz, ends_at timestamptz, setup_minutes bigint, teardown_minutes bigint,
               period tstzrange)
LANGUAGE sql STABLE AS $$
    SELECT s.starts_at, s.ends_at, b.setup, b.teardown,
           tstzrange(s.starts_at - make_interval(mins => b.setup),
                     s.ends_at + make_interval(mins => b.teardown), '[)')
    FROM (SELECT coalesce(max(e.setup_minutes), 0) AS setup, coalesce(max(e.teardown_minutes), 0) AS teardown
          FROM environment_reach r JOIN environments e ON e.id = r.part_id
          WHERE r.environment_id = ANY (p_environments)) b
    CROSS JOIN LATERAL (
        SELECT date_trunc('second', p_now) + make_interval(mins => b.setup) AS earliest) n
    CROSS JOIN LATERAL (
        SELECT CASE WHEN p_waiter.starts_when_free OR p_waiter.starts_at < date_trunc('second', p_now)
                    THEN n.earliest ELSE p_waiter.starts_at END AS starts_at,
               CASE WHEN p_waiter.starts_when_free
                    THEN n.earliest + (p_waiter.ends_at - p_waiter.starts_at)
                    ELSE p_waiter.ends_at END AS ends_at) s
    WHERE s.starts_at < s.ends_at
$$;

-- Makes the claims of these bookings equal to what they imply: delete, then insert, for all together. Where
-- something is given back while anybody waits, the line is called.
CREATE OR REPLACE FUNCTION align_claims(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_read_committed();
    PERFORM lock_environments(array(
        SELECT DISTINCT e.id FROM bookings b
        LEFT JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
        CROSS JOIN unnest(b.environment_ids || v.environment_ids) e (id)
        WHERE b.id = ANY (p_bookings)));

    WITH dropped AS (
        DELETE FROM claims c
        WHERE c.booking_id = ANY (p_bookings)
          AND NOT EXISTS (
            SELECT FROM derive_claims(ARRAY[c.booking_id]) d
            WHERE d.environment_id = c.environment_id AND d.period = c.period
              AND d.share_key = c.share_key AND c.lane = 'use')
        RETURNING c.environment_id, c.period)
    INSERT INTO line_calls (environment_id, period)
    SELECT d.environment_id, d.period FROM dropped d
    WHERE EXISTS (SELECT FROM bookings w WHERE w.state IN ('waitlisted', 'displaced'));

    INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
    SELECT d.booking_id, d.environment_id, 'use', d.period, d.share_key
    FROM derive_claims(p_bookings) d
    WHERE NOT EXISTS (
        SELECT FROM claims c
        WHERE c.booking_id = d.booking_id AND c.environment_id = d.environment_id
          AND c.period = d.period)
    ORDER BY d.environment_id, d.booking_id;
END $$;

-- Locks these environments, all that they reach, and all that those in line need who may get what these
-- bookings give back, or what was given back here before and not served yet. Returns what it locked. What
-- it read of the bookings may be old once it has the locks: whom that leaves out, the line's calls let in.
DROP FUNCTION lock_with_line(bigint[]);
CREATE FUNCTION lock_with_line(
    p_environments bigint[], p_bookings bigint[], p_now timestamptz
) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    v_wanted bigint[];
BEGIN
    v_wanted := p_environments || array(
        SELECT DISTINCT e.id
        FROM bookings w
        CROSS JOIN LATERAL awaited_slot(w, w.environment_ids, p_now) a
        CROSS JOIN unnest(w.environment_ids) e (id)
        WHERE w.state IN ('waitlisted', 'displaced')
          AND EXISTS (
            SELECT FROM (
                SELECT c.environment_id, c.period FROM claims c WHERE c.booking_id = ANY (p_bookings)
                UNION ALL
                SELECT c.environment_id, c.period FROM line_calls c
                WHERE c.environment_id = ANY (p_environments)) freed
            JOIN environment_reach r ON r.part_id = freed.environment_id
            WHERE r.environment_id = ANY (w.environment_ids) AND freed.period && a.period));
    PERFORM lock_environments(v_wanted);
    RETURN array(SELECT DISTINCT r.part_id FROM environment_reach r
                 WHERE r.environment_id = ANY (v_wanted));
END $$;
