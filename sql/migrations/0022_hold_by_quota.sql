-- Those in line whom only a quota keeps out: not tried again before something that bears on it changed.

CREATE TABLE quota_holds (
    booking_id bigint NOT NULL,
    team_id bigint NOT NULL,
    -- A quota of hours is a week's, and weeks begin by themselves.
    try_again_at timestamptz NOT NULL,
    CONSTRAINT quota_holds_pkey PRIMARY KEY (booking_id)
);

CREATE INDEX quota_holds_by_team ON quota_holds (team_id);

CREATE INDEX bookings_that_select ON bookings (created_at)
    WHERE state IN ('waitlisted', 'displaced') AND select_labels IS NOT NULL;

-- Lets those be tried again whom only a quota kept out, and calls the line for them.
CREATE FUNCTION end_quota_holds(p_bookings bigint[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH ended AS (
        DELETE FROM quota_holds h WHERE h.booking_id = ANY (p_bookings) RETURNING h.booking_id)
    INSERT INTO line_calls (environment_id, period)
    SELECT n.id, a.period
    FROM ended e
    JOIN bookings w ON w.id = e.booking_id AND w.state IN ('waitlisted', 'displaced')
    CROSS JOIN LATERAL awaited_slot(w, w.environment_ids, p_now) a
    CROSS JOIN unnest(w.environment_ids) n (id);
END $$;

-- A team whose bookings changed may have room in its quotas; who no longer waits is held by none.
CREATE FUNCTION on_bookings_bearing_on_quotas() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_held bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM quota_holds) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(h.booking_id) INTO v_held
    FROM quota_holds h
    WHERE EXISTS (
        SELECT FROM before o JOIN after n ON n.id = o.id
        WHERE h.team_id IN (o.team_id, n.team_id)
          AND (h.booking_id = n.id
               OR o.state IN ('requested', 'confirmed', 'active')
                  AND (o.state, o.environment_ids, o.starts_at, o.ends_at, o.released_at, o.team_id)
                      IS DISTINCT FROM
                      (n.state, n.environment_ids, n.starts_at, n.ends_at, n.released_at, n.team_id)
                  AND (o.state, n.state) IS DISTINCT FROM ('confirmed', 'active')));
    IF v_held IS NOT NULL THEN
        PERFORM end_quota_holds(v_held, (SELECT max(n.updated_at) FROM after n));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER bookings_end_quota_holds AFTER UPDATE ON bookings
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION on_bookings_bearing_on_quotas();
ALTER TABLE bookings ENABLE ALWAYS TRIGGER bookings_end_quota_holds;

-- Another policy may allow more.
CREATE FUNCTION on_policies_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM quota_holds)
       AND EXISTS (SELECT FROM before o JOIN after n ON n.id = o.id WHERE o.policy <> n.policy) THEN
        PERFORM end_quota_holds(array(SELECT h.booking_id FROM quota_holds h),
                                (SELECT max(n.updated_at) FROM after n));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER policies_end_quota_holds AFTER UPDATE ON environments
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION on_policies_changed();
ALTER TABLE environments ENABLE ALWAYS TRIGGER policies_end_quota_holds;

-- Gives one of those in line its place, unless something stands in the way after all: a conflict, or a quota,
-- which then holds it. Its environments, its row and its team are locked by the caller, who has checked the
-- environments' rules. Returns whether it did.
CREATE OR REPLACE FUNCTION serve_waiter(
    p_booking bigint, p_environments bigint[], p_state text, p_starts timestamptz, p_ends timestamptz,
    p_setup bigint, p_teardown bigint, p_extras jsonb, p_now timestamptz
) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_over_quota boolean := false;
BEGIN
    BEGIN
        UPDATE bookings b
        SET state = p_state, state_reason = NULL, environment_ids = p_environments, starts_at = p_starts,
            ends_at = p_ends, setup_minutes = p_setup, teardown_minutes = p_teardown, wait_until = NULL,
            starts_when_free = false, select_labels = NULL, select_count = NULL, released_at = NULL,
            approvals = coalesce(p_extras -> 'approvals', '[]'),
            hold_expires_at = (p_extras ->> 'holdExpiresAt')::timestamptz,
            check_in_minutes = (p_extras ->> 'checkInMinutes')::integer,
            lease_expires_at = (p_extras ->> 'leaseExpiresAt')::timestamptz,
            updated_at = p_now, updated_by = 'berth'
        WHERE b.id = p_booking;
        IF EXISTS (SELECT FROM quota_violations(ARRAY[p_booking])) THEN
            v_over_quota := true;
            RAISE exclusion_violation;
        END IF;
        RETURN true;
    EXCEPTION WHEN exclusion_violation THEN
    END;
    IF v_over_quota THEN
        INSERT INTO quota_holds (booking_id, team_id, try_again_at)
        SELECT b.id, b.team_id, p_now + interval '10 minutes' FROM bookings b WHERE b.id = p_booking
        ON CONFLICT (booking_id) DO UPDATE SET try_again_at = excluded.try_again_at;
    END IF;
    RETURN false;
END $$;
