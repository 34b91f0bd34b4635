-- What windows bear on: what one would hit, and whether an environment is open now, and until when.

-- What a window would lie over from p_now on, at most p_limit: bookings, and other windows, on any environment
-- that it is about.
CREATE FUNCTION window_hits(
    p_environments bigint[], p_starts timestamptz[], p_length interval, p_except bigint, p_now timestamptz,
    p_limit bigint
) RETURNS TABLE (environment_id bigint, booking_id bigint, window_id bigint, period tstzrange)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT h.environment_id, h.booking_id, h.window_id, h.period
    FROM (
        SELECT c.environment_id, c.booking_id, NULL::bigint AS window_id, c.period
        FROM unnest(p_starts) s (at)
        CROSS JOIN unnest(p_environments) e (id)
        JOIN claims c ON c.environment_id = e.id AND c.lane = 'use' AND c.booking_id IS NOT NULL
         AND c.period && tstzrange(s.at, s.at + p_length, '[)')
        WHERE s.at + p_length > p_now
        UNION
        SELECT v.environment_id, NULL, v.window_id, v.period
        FROM unnest(p_starts) s (at)
        CROSS JOIN unnest(p_environments) e (id)
        JOIN window_spans v ON v.environment_id = e.id AND v.valid_until = 'infinity' AND v.state = 'approved'
         AND v.period && tstzrange(s.at, s.at + p_length, '[)')
        WHERE s.at + p_length > p_now AND v.window_id IS DISTINCT FROM p_except) h
    ORDER BY lower(h.period), h.booking_id, h.window_id, h.environment_id
    LIMIT p_limit;
END $$;

-- Whether an environment is open for a change by a team at p_at, as known at p_known_at.
CREATE FUNCTION is_open_for_change(
    p_environment bigint, p_team bigint, p_at timestamptz, p_known_at timestamptz
) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT w.emergency_id IS NOT NULL
        OR (w.freezes = '{}'
            AND (w.window_id IS NOT NULL OR w.own_booking IS NOT NULL OR (w.is_open AND w.others = '{}')))
    FROM weigh_change(p_environment, p_team, p_at, p_known_at) w
$$;

-- What keeps a team from using an environment at p_at: maintenance, and others' exclusive bookings, of it or of
-- what it contains.
CREATE FUNCTION use_obstacles(p_environment bigint, p_team bigint, p_at timestamptz)
RETURNS TABLE (part_id bigint, booking_id bigint, window_id bigint, period tstzrange)
LANGUAGE sql STABLE AS $$
    SELECT r.part_id, c.booking_id, c.window_id, c.period
    FROM environment_reach r
    JOIN claims c ON c.environment_id = r.part_id AND c.lane = 'use' AND c.share_key <> 0
     AND c.period @> p_at
    LEFT JOIN bookings b ON b.id = c.booking_id
    WHERE r.environment_id = p_environment AND b.team_id IS DISTINCT FROM p_team
$$;

-- Whether an environment's status lets it be used at p_at.
CREATE FUNCTION is_usable(p_status text, p_until timestamptz, p_at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_status NOT IN ('unavailable', 'retired') OR (p_status = 'unavailable' AND p_until <= p_at)
$$;

-- The next instant after p_at at which an environment's gate is not what it is at p_at: of the instants at which
-- anything on it begins or ends, the first p_most. Null: it stays so as far as is known.
CREATE FUNCTION next_gate_change(
    p_environment bigint, p_team bigint, p_for text, p_at timestamptz, p_known_at timestamptz,
    p_until timestamptz, p_most bigint
) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_status text;
    v_status_until timestamptz;
    v_is_open boolean;
    v_was_open boolean;
    v_at timestamptz;
BEGIN
    SELECT e.status, e.status_until INTO v_status, v_status_until
    FROM environments e WHERE e.id = p_environment;
    FOR v_at IN
        SELECT p_at
        UNION ALL
        (SELECT DISTINCT b.at
         FROM (
            SELECT unnest(ARRAY[lower(s.period), upper(s.period)])
            FROM window_spans s
            WHERE s.environment_id = p_environment AND s.valid_until > p_known_at
              AND s.valid_from <= p_known_at AND s.period && tstzrange(p_at, p_until, '[)')
            UNION
            -- A booking's use begins and ends inside what it claims.
            SELECT unnest(ARRAY[lower(c.period), upper(c.period), b.starts_at,
                                coalesce(b.released_at, b.ends_at)])
            FROM environment_reach r
            JOIN claims c ON c.environment_id = r.part_id AND c.lane = 'use'
             AND c.period && tstzrange(p_at, p_until, '[)')
            LEFT JOIN bookings b ON b.id = c.booking_id
            WHERE r.environment_id = p_environment
            UNION SELECT v_status_until) b (at)
         WHERE b.at > p_at AND b.at < p_until
         ORDER BY b.at LIMIT p_most)
    LOOP
        v_is_open := CASE p_for
            WHEN 'change' THEN is_open_for_change(p_environment, p_team, v_at, p_known_at)
            ELSE is_usable(v_status, v_status_until, v_at)
                 AND NOT EXISTS (SELECT FROM use_obstacles(p_environment, p_team, v_at)) END;
        IF v_was_open IS NULL THEN
            v_was_open := v_is_open;
        ELSIF v_is_open <> v_was_open THEN
            RETURN v_at;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
