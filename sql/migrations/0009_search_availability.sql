-- The search for free time over all environments: decision 12.
--
-- Adds a column to environments (which rewrites that table: a moment for 10,000 of them) and an index to
-- claims (3 s for a million, during which claims cannot be written).

-- What of an environment's rules decides when a booking may start. Most environments share their rules
-- with many others: they are read once for each different set of them.
ALTER TABLE environments ADD COLUMN rules_hash uuid NOT NULL GENERATED ALWAYS AS (md5(
    time_zone || ' ' || coalesce(policy ->> 'maxHours', '') || ' '
    || coalesce(policy ->> 'minLeadMinutes', '') || ' ' || coalesce(policy ->> 'horizonDays', '') || ' '
    || coalesce(policy ->> 'openingHours', ''))::uuid) STORED;

-- How long a claim is, in steps: what overlaps an instant began at most that long before it. So a b-tree
-- finds what overlaps a span; it takes a tenth of the time of a GiST index to write.
CREATE FUNCTION claim_length_step(p_period tstzrange) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN upper(p_period) - lower(p_period) <= interval '4 hours' THEN 1
                WHEN upper(p_period) - lower(p_period) <= interval '24 hours' THEN 2
                WHEN upper(p_period) - lower(p_period) <= interval '168 hours' THEN 3
                WHEN upper(p_period) - lower(p_period) <= interval '744 hours' THEN 4
                ELSE 5 END
$$;

CREATE INDEX claims_by_time ON claims (claim_length_step(period), lower(period))
    INCLUDE (environment_id, period, share_key) WHERE lane = 'use';

-- The claims that overlap a span, at most p_most of them; null: all. Cost: those, and those that began up to
-- a step's length before it and are over; and claims longer than a month, which are few.
CREATE FUNCTION claims_between(p_from timestamptz, p_until timestamptz, p_most bigint)
RETURNS TABLE (environment_id bigint, period tstzrange, share_key bigint)
LANGUAGE plpgsql STABLE ROWS 10000
-- A plan made while the table was small must not scan it once it is large.
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 1 AND upper(c.period) > p_from
      AND lower(c.period) > p_from - interval '4 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 2 AND upper(c.period) > p_from
      AND lower(c.period) > p_from - interval '24 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 3 AND upper(c.period) > p_from
      AND lower(c.period) > p_from - interval '168 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 4 AND upper(c.period) > p_from
      AND lower(c.period) > p_from - interval '744 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 5 AND upper(c.period) > p_from
      AND lower(c.period) < p_until
    LIMIT p_most;
END $$;

-- The claims on these environments and on what they reach that overlap a span. Cost: a look-up each.
CREATE FUNCTION claims_reached(p_environments bigint[], p_from timestamptz, p_until timestamptz)
RETURNS TABLE (environment_id bigint, period tstzrange, share_key bigint)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT p.id, c.period, c.share_key
    FROM (SELECT DISTINCT r.part_id FROM environment_reach r
          WHERE r.environment_id = ANY (p_environments)) p (id)
    CROSS JOIN LATERAL (
        SELECT k.period, k.share_key FROM claims k
        WHERE k.environment_id = p.id AND k.lane = 'use'
          AND k.period && tstzrange(p_from, p_until, '[)')
        OFFSET 0) c;
END $$;

-- When environments cannot be used in a mode, because of claims on them or on what they reach; of these
-- environments, or of all (null). Those without such a time are left out. It decides as blockers() does.
-- Cost: the claims of the span; of all environments, whatever the number of environments.
CREATE FUNCTION busy_times(p_environments bigint[], p_mode text, p_from timestamptz, p_until timestamptz)
RETURNS TABLE (environment_id bigint, busy tstzmultirange)
LANGUAGE plpgsql STABLE ROWS 10000
-- Sets of like size are joined, whatever the planner knew; and what it sums up stays in memory.
SET enable_nestloop = off SET enable_mergejoin = off SET enable_sort = off SET jit = off
SET work_mem = '64MB' SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    -- Whether anything is used alone, and whether anything is shared: most often it is one of them, and to
    -- sum up the claims for both would take half as long again.
    v_alone boolean := p_mode = 'exclusive'
        OR EXISTS (SELECT FROM environment_reach r WHERE r.exclusive_if_shared);
    v_shared boolean := p_mode = 'shared'
        OR EXISTS (SELECT FROM environment_reach r WHERE NOT r.exclusive_if_exclusive);
BEGIN
    RETURN QUERY
    WITH near AS MATERIALIZED (
        SELECT c.environment_id AS part_id, c.period, c.share_key
        FROM claims_between(p_from, p_until, NULL) c WHERE p_environments IS NULL
        UNION ALL
        SELECT c.environment_id, c.period, c.share_key
        FROM claims_reached(p_environments, p_from, p_until) c WHERE p_environments IS NOT NULL),
    -- Shared use at an instant: begins and ends counted in order; where a limit is reached, and until when.
    crowded AS (
        SELECT s.part_id, range_agg(tstzrange(s.at, s.next, '[)')) AS full_time
        FROM (
            SELECT v.part_id, v.at, e.capacity,
                   sum(v.step) OVER (PARTITION BY v.part_id ORDER BY v.at) AS used,
                   lead(v.at) OVER (PARTITION BY v.part_id ORDER BY v.at) AS next
            FROM (
                SELECT n.part_id, lower(n.period), 1 FROM near n WHERE n.share_key = 0
                UNION ALL
                SELECT n.part_id, upper(n.period), -1 FROM near n WHERE n.share_key = 0) v (part_id, at, step)
            JOIN environments e ON e.id = v.part_id AND e.capacity IS NOT NULL
            WHERE p_mode = 'shared') s
        WHERE s.used >= s.capacity
        GROUP BY s.part_id),
    taken AS (
        SELECT n.part_id, range_agg(n.period) FILTER (WHERE v_alone) AS by_any,
               range_agg(n.period) FILTER (WHERE v_shared AND n.share_key <> 0) AS by_one
        FROM near n GROUP BY n.part_id)
    SELECT r.environment_id,
           range_agg(CASE WHEN (CASE p_mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                                            ELSE r.exclusive_if_shared END)
                          THEN t.by_any
                          ELSE coalesce(t.by_one, '{}') + coalesce(c.full_time, '{}') END)
    FROM taken t
    LEFT JOIN crowded c ON c.part_id = t.part_id
    JOIN environment_reach r ON r.part_id = t.part_id
    WHERE p_environments IS NULL OR r.environment_id = ANY (p_environments)
    GROUP BY r.environment_id;
END $$;

-- The environments that a selector matches and that are not retired. Inlined where it is called.
CREATE FUNCTION matching_environments(p_labels jsonb, p_tier text, p_owner text, p_status text)
RETURNS TABLE (environment_id bigint, rules_hash uuid)
LANGUAGE sql STABLE AS $$
    SELECT e.id, e.rules_hash FROM environments e
    WHERE e.status <> 'retired'
      AND (p_tier IS NULL OR e.tier = p_tier) AND (p_status IS NULL OR e.status = p_status)
      AND (p_owner IS NULL OR e.owner_team_id = (SELECT t.id FROM teams t WHERE t.name = p_owner))
      AND (p_labels = '{}' OR e.labels @> p_labels)
$$;

-- The first whole second that is not before an instant: bookings start in whole seconds. STABLE, as what it
-- calls, or it would not be inlined.
CREATE FUNCTION whole_second(p_at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT to_timestamp(ceil(extract(epoch FROM p_at))::double precision)
$$;

-- In how many places booking these environments (null: any) would keep others out: another environment
-- that uses the same part, or contains this one, counts in each part where the two cannot be together.
-- Counted a place and not an environment, because that is a sum: counting the distinct others would take
-- the square of the users of a part. Those that meet nobody are left out.
CREATE FUNCTION shared_places(p_environments bigint[], p_mode text)
RETURNS TABLE (environment_id bigint, places bigint)
LANGUAGE plpgsql STABLE
SET enable_nestloop = off SET enable_mergejoin = off SET jit = off SET work_mem = '64MB'
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    -- Who else uses a part; the part itself, which can be booked too, takes the place of the one asking.
    WITH users AS (
        SELECT r.part_id, count(*) AS everyone,
               count(*) FILTER (WHERE r.exclusive_if_exclusive) AS alone
        FROM environment_reach r JOIN environments e ON e.id = r.environment_id
        WHERE r.environment_id <> r.part_id AND e.status <> 'retired'
          AND (p_environments IS NULL
               OR r.part_id IN (SELECT o.part_id FROM environment_reach o
                                WHERE o.environment_id = ANY (p_environments)))
        GROUP BY r.part_id)
    SELECT r.environment_id,
           sum(CASE WHEN (CASE p_mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                                      ELSE r.exclusive_if_shared END)
                    THEN u.everyone
                    WHEN r.environment_id = r.part_id THEN u.alone
                    ELSE u.alone + 1 - r.exclusive_if_exclusive::integer END)::bigint
    FROM environment_reach r JOIN users u ON u.part_id = r.part_id
    WHERE p_environments IS NULL OR r.environment_id = ANY (p_environments)
    GROUP BY r.environment_id;
END $$;

-- Of the environments that a selector matches, those with the best first slots between two instants, in
-- the order of decision 12; free_until is null where nothing begins before p_until.
--
-- p_rules and p_starts are parallel: for each rules_hash, when its bookings may start, a text of a
-- multirange in whole seconds; what is not listed may not start at all. Cost: one pass over the
-- environments, and the claims between the two instants.
CREATE FUNCTION first_slots(
    p_labels jsonb, p_tier text, p_owner text, p_status text, p_mode text, p_length interval,
    p_from timestamptz, p_until timestamptz, p_rules uuid[], p_starts text[], p_limit bigint
) RETURNS TABLE (
    environment_id bigint, starts_at timestamptz, degraded boolean, places bigint, free_until timestamptz)
LANGUAGE plpgsql STABLE
SET enable_nestloop = off SET enable_mergejoin = off SET jit = off SET work_mem = '64MB'
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_setup interval;
    v_teardown interval;
BEGIN
    SELECT make_interval(mins => max(e.setup_minutes)), make_interval(mins => max(e.teardown_minutes))
    INTO v_setup, v_teardown FROM environments e;

    RETURN QUERY
    WITH rules AS MATERIALIZED (
        SELECT a.rules_hash, a.starts::tstzmultirange AS starts, lower(a.starts::tstzmultirange) AS first
        FROM unnest(p_rules, p_starts) a (rules_hash, starts)),
    -- What a part asks for beyond what the environment asks for itself.
    buffers AS (
        SELECT r.environment_id, max(p.setup_minutes) AS setup, max(p.teardown_minutes) AS teardown
        FROM environment_reach r JOIN environments p ON p.id = r.part_id
        WHERE r.environment_id <> r.part_id AND p.setup_minutes + p.teardown_minutes > 0
        GROUP BY r.environment_id),
    wanted AS MATERIALIZED (
        SELECT e.id, e.key, e.status = 'degraded' AS degraded, e.rules_hash,
               greatest(e.setup_minutes, b.setup) AS setup,
               greatest(e.teardown_minutes, b.teardown) AS teardown,
               CASE e.status WHEN 'unavailable' THEN whole_second(e.status_until) END AS not_before
        FROM environments e
        LEFT JOIN buffers b ON b.environment_id = e.id
        WHERE e.status <> 'retired' AND (e.status <> 'unavailable' OR e.status_until IS NOT NULL)
          AND (p_tier IS NULL OR e.tier = p_tier) AND (p_status IS NULL OR e.status = p_status)
          AND (p_owner IS NULL OR e.owner_team_id = (SELECT t.id FROM teams t WHERE t.name = p_owner))
          AND (p_labels = '{}' OR e.labels @> p_labels)),
    busy AS MATERIALIZED (
        SELECT b.environment_id, b.busy
        FROM busy_times(NULL, p_mode, p_from - v_setup, p_until + v_teardown) b),
    slots AS (
        SELECT w.id, w.key, w.degraded, NULL::timestamptz AS free_until,
               CASE WHEN w.not_before IS NULL THEN r.first
                    ELSE lower(r.starts * tstzmultirange(tstzrange(w.not_before, NULL))) END AS starts_at
        FROM wanted w JOIN rules r ON r.rules_hash = w.rules_hash
        WHERE NOT EXISTS (SELECT FROM busy b WHERE b.environment_id = w.id)
        UNION ALL
        SELECT w.id, w.key, w.degraded, f.free_until, f.starts_at
        FROM wanted w
        JOIN busy b ON b.environment_id = w.id
        JOIN rules r ON r.rules_hash = w.rules_hash
        CROSS JOIN LATERAL (
            -- The gaps that hold the booking and its buffers; of these, the earliest start allowed.
            SELECT lower(r.starts * tstzmultirange(tstzrange(h.first, h.last, '[]'))) AS starts_at,
                   CASE WHEN h.free_until < p_until THEN h.free_until END AS free_until
            FROM (
                SELECT greatest(w.not_before, whole_second(lower(g.gap) + make_interval(mins => w.setup))),
                       upper(g.gap) - make_interval(mins => w.teardown) - p_length, upper(g.gap)
                FROM unnest(tstzmultirange(tstzrange(p_from - v_setup, p_until + v_teardown)) - b.busy)
                    g (gap)) h (first, last, free_until)
            WHERE h.first <= h.last
            ORDER BY starts_at
            LIMIT 1) f)
    SELECT s.id, s.starts_at, s.degraded, coalesce(p.places, 0), s.free_until
    FROM slots s LEFT JOIN shared_places(NULL, p_mode) p ON p.environment_id = s.id
    WHERE s.starts_at IS NOT NULL
    ORDER BY s.starts_at, s.degraded, coalesce(p.places, 0), s.free_until, s.key
    LIMIT p_limit;
END $$;

-- How far to look first: as far as there are few claims, for what is found near is best. Cost: at most
-- p_most claims for each of a few tries.
CREATE FUNCTION search_horizon(
    p_from timestamptz, p_until timestamptz, p_length interval, p_most bigint
) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_ahead interval := p_length + interval '1 hour';
    v_horizon timestamptz := least(p_until, p_from + p_length + v_ahead);
    v_next timestamptz;
BEGIN
    WHILE v_horizon < p_until LOOP
        v_ahead := v_ahead * 4;
        v_next := least(p_until, p_from + p_length + v_ahead);
        EXIT WHEN (SELECT count(*) FROM claims_between(p_from, v_next, p_most)) >= p_most;
        v_horizon := v_next;
    END LOOP;
    RETURN v_horizon;
END $$;
