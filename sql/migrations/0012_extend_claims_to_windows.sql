-- Windows in the predicate: what blocks a booking may be a maintenance, and windows follow the environments that
-- they are about.

-- A statement of its own never writes a window's claims.
CREATE OR REPLACE FUNCTION on_claims_placed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written w JOIN bookings b ON b.id = w.booking_id)
       OR EXISTS (SELECT FROM written w WHERE w.window_id IS NOT NULL) THEN
        RAISE EXCEPTION 'claims follow their holders'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
                  HINT = 'Change the booking or the window; its claims follow.';
    END IF;
    RETURN NULL;
END $$;

-- Which of the windows still to come a change of these environments bears on: those that hold on them or on
-- what they contain, and those whose selector matches them now.
CREATE FUNCTION windows_about(p_environments bigint[], p_at timestamptz) RETURNS bigint[]
LANGUAGE sql STABLE AS $$
    SELECT array(
        SELECT w.id FROM change_windows w
        WHERE w.state IN ('requested', 'approved') AND last_end(w) > p_at
          AND ((w.labels IS NOT NULL AND EXISTS (
                    SELECT FROM environments e
                    WHERE e.id = ANY (p_environments) AND e.status <> 'retired'
                      AND matches_selector(e, w.labels)))
               OR EXISTS (
                    SELECT FROM window_spans s
                    WHERE s.window_id = w.id AND s.valid_until = 'infinity'
                      AND s.environment_id = ANY (p_environments)))
        ORDER BY w.id)
$$;

-- Windows that hold on these environments, or whose selector matches them now, follow what they became.
CREATE FUNCTION on_environments_regrouped() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_at timestamptz := (SELECT max(n.updated_at) FROM after n);
    v_windows bigint[];
BEGIN
    PERFORM require_read_committed();
    PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0));
    v_windows := windows_about(array(SELECT n.id FROM after n), v_at);
    IF v_windows <> '{}' THEN
        PERFORM align_windows(v_windows, v_at);
    END IF;
    RETURN NULL;
END $$;

-- The same, where an update bears on what a selector matches or on parts.
CREATE FUNCTION on_environments_relabelled() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_at timestamptz := (SELECT max(n.updated_at) FROM after n);
    v_windows bigint[];
BEGIN
    IF EXISTS (
        SELECT FROM before o JOIN after n ON n.id = o.id
        WHERE (o.labels, o.tier, o.owner_team_id, o.status, o.part_ids, o.part_usages)
              IS DISTINCT FROM (n.labels, n.tier, n.owner_team_id, n.status, n.part_ids, n.part_usages))
    THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0));
        v_windows := windows_about(array(SELECT n.id FROM after n), v_at);
        IF v_windows <> '{}' THEN
            PERFORM align_windows(v_windows, v_at);
        END IF;
    END IF;
    RETURN NULL;
END $$;

-- After environments_inserted and environments_updated, which derive the reach: triggers run in order of name.
CREATE TRIGGER windows_follow_new_environments AFTER INSERT ON environments
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION on_environments_regrouped();
CREATE TRIGGER windows_follow_their_environments AFTER UPDATE ON environments
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION on_environments_relabelled();
ALTER TABLE environments ENABLE ALWAYS TRIGGER windows_follow_new_environments;
ALTER TABLE environments ENABLE ALWAYS TRIGGER windows_follow_their_environments;

-- What stands in the way of a use, at most so many an environment reached: bookings, and maintenance.
DROP FUNCTION blockers(bigint[], text, timestamptz, timestamptz, bigint[], bigint);
CREATE FUNCTION blockers(
    p_environments bigint[], p_mode text, p_from timestamptz, p_until timestamptz, p_except bigint[],
    p_limit bigint
) RETURNS TABLE (environment_id bigint, part_id bigint, booking_id bigint, window_id bigint, period tstzrange)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
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
    SELECT w.environment_id, w.part_id, c.booking_id, NULL, c.period
    FROM wanted w
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.period
        FROM claims k
        WHERE k.environment_id = w.part_id AND k.lane = 'use' AND k.share_key = 0
          AND k.period && tstzrange(p_from, p_until, '[)')
          AND k.booking_id <> ALL (p_except)
          AND EXISTS (
            SELECT FROM claims peak
            WHERE peak.environment_id = w.part_id AND peak.lane = 'use' AND peak.share_key = 0
              AND peak.period && (k.period * tstzrange(p_from, p_until, '[)'))
              AND peak.booking_id <> ALL (p_except)
              AND w.capacity <= (
                SELECT count(*) FROM claims other
                WHERE other.environment_id = w.part_id AND other.lane = 'use' AND other.share_key = 0
                  AND other.booking_id <> ALL (p_except)
                  AND other.period @> greatest(lower(peak.period), lower(k.period), p_from)))
        ORDER BY lower(k.period), k.booking_id
        LIMIT p_limit) c
    WHERE w.capacity IS NOT NULL AND NOT w.exclusive;
END $$;

-- What live bookings would claim of one another and of maintenance, were their claims made anew.
DROP FUNCTION clashes(bigint[]);
CREATE FUNCTION clashes(p_bookings bigint[])
RETURNS TABLE (environment_id bigint, booking_id bigint, other_id bigint, window_id bigint, period tstzrange)
LANGUAGE sql STABLE AS $$
    SELECT mine.environment_id, mine.booking_id, other.booking_id, other.window_id, other.period
    FROM derive_claims(p_bookings) mine
    JOIN claims other ON other.environment_id = mine.environment_id AND other.lane = 'use'
     AND other.period && mine.period AND other.share_key <> mine.share_key
    WHERE other.booking_id IS NULL OR other.booking_id <> ALL (p_bookings)
    UNION
    SELECT one.environment_id, one.booking_id, two.booking_id, NULL, two.period
    FROM derive_claims(p_bookings) one
    JOIN derive_claims(p_bookings) two
      ON two.environment_id = one.environment_id AND two.period && one.period
     AND two.share_key <> one.share_key AND two.booking_id > one.booking_id
$$;

-- Refuses claims that would meet, naming the holders: what DETAIL lists is for the API to explain.
CREATE OR REPLACE FUNCTION refuse_clashes(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_clashes jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(c.environment_id, c.booking_id, c.other_id, c.window_id,
                                       readable(lower(c.period)), readable(upper(c.period))))
    INTO v_clashes
    FROM (SELECT k.environment_id, k.booking_id, k.other_id, k.window_id, k.period FROM clashes(p_bookings) k
          ORDER BY k.booking_id, k.other_id, k.window_id, k.period LIMIT 100) c;
    IF v_clashes IS NOT NULL THEN
        RAISE EXCEPTION 'bookings would clash'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'no_double_booking',
                  DETAIL = v_clashes::text;
    END IF;
END $$;
