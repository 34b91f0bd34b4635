-- Few stand in one's way: thought to be a thousand, they were sought by reading all bookings, until a table that
-- grows was counted again.
ALTER FUNCTION blockers ROWS 5;

-- What each of these bookings, kept as history alone, overlapped of those that were there before it: history is not
-- refused, but shown. Cost for each: what went on at its time, anywhere among history and on its own environments
-- among bookings that hold claims.
CREATE FUNCTION overlapped_before(p_bookings bigint[], p_limit bigint)
RETURNS TABLE (id bigint, overlapped bigint[]) LANGUAGE plpgsql STABLE ROWS 100
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT h.id, coalesce(o.ids, '{}')
    FROM unnest(p_bookings) n (id)
    JOIN bookings h ON h.id = n.id
    CROSS JOIN LATERAL (
        SELECT array_agg(f.id ORDER BY f.id) AS ids
        FROM (
            SELECT DISTINCT b.id
            FROM (
                SELECT r.id, r.environment_ids, r.starts_at, r.ends_at, r.mode, r.state FROM bookings r
                WHERE r.record_only
                  AND tstzrange(r.starts_at, r.ends_at, '[)') && tstzrange(h.starts_at, h.ends_at, '[)')
                UNION ALL
                SELECT u.id, u.environment_ids, u.starts_at, u.ends_at, u.mode, u.state
                FROM unnest(h.environment_ids) e (id)
                CROSS JOIN LATERAL (
                    SELECT c.booking_id FROM claims c
                    WHERE c.environment_id = e.id AND c.lane = 'use'
                      AND c.period && tstzrange(h.starts_at, h.ends_at, '[)')
                    OFFSET 0) c
                JOIN bookings u ON u.id = c.booking_id
                -- A table never analyzed is not to be read by its key up to here.
                OFFSET 0) b
            WHERE b.id < h.id AND b.state = 'completed' AND b.environment_ids && h.environment_ids
              AND b.starts_at < h.ends_at AND b.ends_at > h.starts_at
              AND (b.mode = 'exclusive' OR h.mode = 'exclusive')
            ORDER BY b.id LIMIT p_limit) f) o;
END $$;
