-- Those in line whom only a quota keeps out: not tried again before something that bears on it changed.

CREATE TABLE quota_holds (
    booking_id bigint NOT NULL,
    team_id bigint NOT NULL,
    -- How often in a row; each time it is left alone twice as long, up to ten minutes. It is tried again without
    -- cause, since a week may begin by itself, and since what freed the quota may not have seen the hold yet.
    tries integer NOT NULL,
    try_again_at timestamptz NOT NULL,
    CONSTRAINT quota_holds_pkey PRIMARY KEY (booking_id)
);

CREATE INDEX quota_holds_by_team ON quota_holds (team_id);

CREATE INDEX bookings_that_select ON bookings (created_at)
    WHERE state IN ('waitlisted', 'displaced') AND select_labels IS NOT NULL;

-- Calls the line for those whom a quota kept out for long enough.
CREATE FUNCTION call_for_held(p_bookings bigint[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO line_calls (environment_id, period)
    SELECT n.id, a.period
    FROM bookings w
    CROSS JOIN LATERAL awaited_slot(w, w.environment_ids, p_now) a
    CROSS JOIN unnest(w.environment_ids) n (id)
    WHERE w.id = ANY (p_bookings) AND w.state IN ('waitlisted', 'displaced');
END $$;

-- Lets those be tried again whom only a quota kept out, and calls the line for them.
CREATE FUNCTION end_quota_holds(p_bookings bigint[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM quota_holds h WHERE h.booking_id = ANY (p_bookings);
    PERFORM call_for_held(p_bookings, p_now);
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
        INSERT INTO quota_holds (booking_id, team_id, tries, try_again_at)
        SELECT b.id, b.team_id, 1, p_now + interval '2 seconds' FROM bookings b WHERE b.id = p_booking
        ON CONFLICT (booking_id) DO UPDATE
        SET tries = quota_holds.tries + 1,
            try_again_at = p_now + least(interval '2 seconds' * 2 ^ least(quota_holds.tries, 20),
                                         interval '10 minutes');
    END IF;
    RETURN false;
END $$;
