-- Claims are compared with what bookings imply for all of them at once: a change of parts, which touches hundreds,
-- derived them claim by claim.

-- Makes the claims of these bookings equal to what they imply: delete, then insert, for all together. Where
-- something is given back while anybody waits, the waitlist is called.
CREATE OR REPLACE FUNCTION align_claims(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM require_read_committed();
    PERFORM lock_environments(array(
        SELECT DISTINCT e.id FROM bookings b
        LEFT JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
        CROSS JOIN unnest(b.environment_ids || v.environment_ids) e (id)
        WHERE b.id = ANY (p_bookings)));

    WITH implied AS MATERIALIZED (
        SELECT d.booking_id, d.environment_id, d.period, d.share_key FROM derive_claims(p_bookings) d),
    dropped AS (
        DELETE FROM claims c
        WHERE c.booking_id = ANY (p_bookings)
          AND NOT EXISTS (
            SELECT FROM implied d
            WHERE d.booking_id = c.booking_id AND d.environment_id = c.environment_id AND d.period = c.period
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
