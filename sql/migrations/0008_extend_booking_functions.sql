-- The write path of bookings, with what 0006 added to them.

-- Books each request that can be booked, first come first served, all or nothing for each.
--
-- The arrays are parallel, one element a request in order of arrival; p_environments and p_versions hold
-- array literals ('{7,9}'): the environments, and the versions at which the caller read their policies.
-- p_extras holds what few bookings have, by the API's names: seriesId, recurrenceId, approvals,
-- holdExpiresAt, checkInMinutes, leaseSeconds, leaseExpiresAt.
-- Outcomes:
--   booked       booking_id, booking_version and the buffers it got
--   refused      somebody holds what it needs; nothing was written
--   stale        an environment has another version by now: read it again, decide again
--   replay       this key was used for this request: booking_id at booking_version is the answer
--   key-reused   this key was used for another request
-- Two requests of one call must not carry the same key. Cost: about ten statements a call, whatever the
-- size of the batch; one round a request only where capacity is limited or a refused request had held
-- part of what it needs. Elements are taken by subscript: unnest() of so many arrays fills a tuple store
-- for each, which cost more than the insert.
DROP FUNCTION book(
    timestamptz, text[], text[], text[], timestamptz[], timestamptz[], text[], text[], bigint[], text[], text[],
    text[], text[], jsonb[], text[], text[], bigint[], text[], text[], bytea[], bytea[]);
CREATE FUNCTION book(
    p_now timestamptz,
    p_environments text[], p_versions text[],
    p_states text[], p_starts timestamptz[], p_ends timestamptz[], p_time_zones text[],
    p_titles text[], p_teams bigint[], p_contacts text[], p_modes text[], p_tickets text[],
    p_notes text[], p_labels jsonb[], p_priorities text[], p_actors text[],
    p_tokens bigint[], p_scopes text[], p_keys text[], p_hashes bytea[], p_imports bytea[],
    p_extras jsonb[]
) RETURNS TABLE (
    ordinal integer, outcome text, booking_id bigint, booking_version integer, setup_minutes integer,
    teardown_minutes integer)
LANGUAGE plpgsql
-- A plan made while the tables were small must not scan them once they are large; what is estimated dear
-- only because seqscan is off must not be compiled; and plans over arrays would be made anew at each call.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_environments bigint[];
    v_locked bigint[];
    v_complete boolean := false;
    v_outcomes text[];
    v_ids bigint[];
    v_booking_versions integer[];
    v_setups integer[];
    v_teardowns integer[];
    v_needed integer[];
    v_wanted integer;
    v_limited boolean;
    v_queue integer[];
    v_try integer[];
    v_placed integer[];
    v_lost integer[];
    v_partial boolean;
    v_count integer;
    v_alone boolean;
    v_won integer[] := '{}';
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM require_read_committed();
    END IF;
    v_environments := array(
        SELECT unnest(q.environments::bigint[]) FROM unnest(p_environments) q (environments));

    WHILE NOT v_complete LOOP
        v_locked := lock_reach(v_environments);

        -- What is true now that the environments are locked, in a statement of its own: was the key
        -- used before (its first request locked the same environments), are the environments as the
        -- caller read them, what buffers do they and their parts ask for, how many claims will there
        -- be, is any of them limited, and did the reach stay what was locked.
        SELECT array_agg(d.outcome), array_agg(d.id), array_agg(d.version),
               array_agg(d.setup), array_agg(d.teardown), array_agg(d.needed),
               sum(d.needed) FILTER (WHERE d.outcome IS NULL),
               bool_or(d.limited AND d.outcome IS NULL),
               array_agg(d.ord) FILTER (WHERE d.outcome IS NULL),
               bool_and(d.locked)
        INTO v_outcomes, v_ids, v_booking_versions, v_setups, v_teardowns, v_needed, v_wanted, v_limited,
             v_queue, v_complete
        FROM (
            SELECT q.ord, f.outcome, coalesce(r.booking_version, 1) AS version, e.setup, e.teardown,
                   e.needed, e.limited, e.locked,
                   CASE WHEN f.outcome IS NULL THEN nextval('bookings_id_seq')
                        ELSE r.booking_id END AS id
            FROM generate_subscripts(p_environments, 1) q (ord)
            LEFT JOIN idempotency_records r
                ON r.token_id = p_tokens[q.ord] AND r.scope = p_scopes[q.ord] AND r.key = p_keys[q.ord]
            CROSS JOIN LATERAL (
                SELECT count(DISTINCT h.part_id) AS needed, max(x.setup_minutes) AS setup,
                       max(x.teardown_minutes) AS teardown, bool_or(x.capacity IS NOT NULL) AS limited,
                       count(*) FILTER (
                           WHERE h.part_id = h.environment_id
                             AND x.version = (p_versions[q.ord]::integer[])[
                                 array_position(p_environments[q.ord]::bigint[], x.id)]
                       ) = cardinality(p_environments[q.ord]::bigint[]) AS fresh,
                       coalesce(bool_and(h.part_id = ANY (v_locked)), true) AS locked
                FROM environment_reach h JOIN environments x ON x.id = h.part_id
                WHERE h.environment_id = ANY (p_environments[q.ord]::bigint[])) e
            CROSS JOIN LATERAL (
                SELECT CASE WHEN r.created_at > p_now - interval '24 hours'
                            THEN CASE WHEN r.request_hash = p_hashes[q.ord] THEN 'replay'
                                      ELSE 'key-reused' END
                            WHEN NOT e.fresh THEN 'stale' END AS outcome) f
            ORDER BY q.ord) d;
    END LOOP;

    v_alone := v_limited;
    WHILE cardinality(v_queue) > 0 LOOP
        v_try := CASE WHEN v_alone THEN v_queue[1:1] ELSE v_queue END;

        INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
        SELECT v_ids[t.ord], c.environment_id, 'use', c.period, c.share_key
        FROM unnest(v_try) t (ord)
        CROSS JOIN LATERAL implied_claims(
            v_ids[t.ord], p_environments[t.ord]::bigint[], p_modes[t.ord],
            p_starts[t.ord] - make_interval(mins => v_setups[t.ord]),
            p_ends[t.ord] + make_interval(mins => v_teardowns[t.ord])) c
        ORDER BY t.ord, c.environment_id
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_count = ROW_COUNT;

        IF v_count = (CASE WHEN v_alone THEN v_needed[v_try[1]] ELSE v_wanted END) THEN
            v_placed := v_try;
            v_lost := NULL;
            v_partial := false;
        ELSE
            SELECT array_agg(t.ord ORDER BY t.ord) FILTER (WHERE p.n = v_needed[t.ord]),
                   array_agg(t.ord ORDER BY t.ord) FILTER (WHERE p.n < v_needed[t.ord]),
                   bool_or(p.n > 0 AND p.n < v_needed[t.ord])
            INTO v_placed, v_lost, v_partial
            FROM unnest(v_try) t (ord)
            CROSS JOIN LATERAL (
                SELECT count(*) AS n FROM claims c WHERE c.booking_id = v_ids[t.ord]) p;
        END IF;

        -- A condition of its own: an EXISTS beside another condition is made ready even when not needed.
        IF v_limited AND v_placed IS NOT NULL THEN
            IF EXISTS (SELECT FROM overbooked(ARRAY[v_ids[v_placed[1]]])) THEN
                v_lost := v_placed;
                v_placed := NULL;
                v_partial := true;
            END IF;
        END IF;
        IF v_partial THEN
            DELETE FROM claims c
            WHERE c.booking_id = ANY (array(SELECT v_ids[l.ord] FROM unnest(v_lost) l (ord)));
        END IF;
        v_won := v_won || v_placed;

        -- The half of what a refused request held may have refused another one: those are decided
        -- again, alone, in order of arrival.
        v_queue := CASE WHEN v_alone THEN v_queue[2:] WHEN v_partial THEN v_lost ELSE '{}' END;
        v_alone := true;
    END LOOP;

    IF v_won <> '{}' THEN
        INSERT INTO bookings (
            id, state, environment_ids, starts_at, ends_at, time_zone, title, team_id, contact, mode,
            ticket, notes, labels, priority, requested_by, setup_minutes, teardown_minutes,
            import_identity, series_id, recurrence_id, approvals, hold_expires_at, check_in_minutes,
            lease_seconds, lease_expires_at, created_at, updated_at, updated_by)
        SELECT v_ids[w.ord], p_states[w.ord], p_environments[w.ord]::bigint[], p_starts[w.ord],
               p_ends[w.ord], p_time_zones[w.ord], p_titles[w.ord], p_teams[w.ord], p_contacts[w.ord],
               p_modes[w.ord], p_tickets[w.ord], p_notes[w.ord], p_labels[w.ord], p_priorities[w.ord],
               p_actors[w.ord], v_setups[w.ord], v_teardowns[w.ord], p_imports[w.ord],
               (p_extras[w.ord] ->> 'seriesId')::bigint,
               (p_extras[w.ord] ->> 'recurrenceId')::timestamptz,
               coalesce(p_extras[w.ord] -> 'approvals', '[]'),
               (p_extras[w.ord] ->> 'holdExpiresAt')::timestamptz,
               (p_extras[w.ord] ->> 'checkInMinutes')::integer,
               (p_extras[w.ord] ->> 'leaseSeconds')::integer,
               (p_extras[w.ord] ->> 'leaseExpiresAt')::timestamptz, p_now, p_now, p_actors[w.ord]
        FROM unnest(v_won) w (ord);

        IF 'requested' = ANY (p_states) THEN
            PERFORM ask_for_approval(array(SELECT v_ids[w.ord] FROM unnest(v_won) w (ord)), p_now);
        END IF;

        INSERT INTO idempotency_records (
            token_id, scope, key, request_hash, status, booking_id, booking_version, created_at)
        SELECT p_tokens[w.ord], p_scopes[w.ord], p_keys[w.ord], p_hashes[w.ord], 201, v_ids[w.ord], 1,
               p_now
        FROM unnest(v_won) w (ord)
        WHERE p_keys[w.ord] IS NOT NULL
        ON CONFLICT (token_id, scope, key) DO UPDATE
        SET request_hash = excluded.request_hash, status = excluded.status,
            booking_id = excluded.booking_id, booking_version = excluded.booking_version,
            location = NULL, etag = NULL, body = NULL, created_at = excluded.created_at
        WHERE idempotency_records.created_at <= p_now - interval '24 hours';
        GET DIAGNOSTICS v_count = ROW_COUNT;
        -- Another server answered the key meanwhile, for other environments: neither may stand for both.
        IF v_count < cardinality(v_won) THEN
            IF v_count < (SELECT count(p_keys[w.ord]) FROM unnest(v_won) w (ord)) THEN
                RAISE unique_violation USING CONSTRAINT = 'idempotency_key_is_used_once';
            END IF;
        END IF;
    END IF;

    RETURN QUERY
    SELECT q.ord,
           coalesce(v_outcomes[q.ord], CASE WHEN q.ord = ANY (v_won) THEN 'booked' ELSE 'refused' END),
           v_ids[q.ord], v_booking_versions[q.ord], v_setups[q.ord], v_teardowns[q.ord]
    FROM generate_subscripts(p_environments, 1) q (ord);
END $$;

-- Whose claims stand in the way of using these environments for this time, buffers included: those that
-- exclude the use, and those that fill a limited environment; at most p_limit of each kind for each
-- environment and part. Scalar look-ups, one an environment: `= ANY` is no index condition on GiST and
-- would read every environment's claims of that hour. In plpgsql, which keeps the plan: planning it anew
-- took 1 ms a call.
DROP FUNCTION blockers(bigint[], text, timestamptz, timestamptz, bigint, bigint);
CREATE FUNCTION blockers(
    p_environments bigint[], p_mode text, p_from timestamptz, p_until timestamptz, p_except bigint[],
    p_limit bigint
) RETURNS TABLE (environment_id bigint, part_id bigint, booking_id bigint, period tstzrange)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    WITH wanted AS (
        SELECT r.environment_id, r.part_id, e.capacity,
               CASE p_mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                           ELSE r.exclusive_if_shared END AS exclusive
        FROM environment_reach r JOIN environments e ON e.id = r.part_id
        WHERE r.environment_id = ANY (p_environments))
    SELECT w.environment_id, w.part_id, c.booking_id, c.period
    FROM wanted w
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.period
        FROM claims k
        WHERE k.environment_id = w.part_id AND k.lane = 'use'
          AND k.period && tstzrange(p_from, p_until, '[)')
          AND k.booking_id <> ALL (p_except)
          AND (k.share_key <> 0 OR w.exclusive)
        ORDER BY lower(k.period), k.booking_id
        LIMIT p_limit) c
    UNION ALL
    SELECT w.environment_id, w.part_id, c.booking_id, c.period
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

-- Where these bookings bring their team over a quota of an environment that they name. A week is the
-- environment's own, from Monday, and buffers do not count. At once are all bookings of the team, at one
-- instant, of environments with such a limit. The caller holds the team's lock.
CREATE FUNCTION quota_violations(p_bookings bigint[])
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
        SELECT sum(extract(epoch FROM upper(h.used) - lower(h.used))) / 3600 AS hours
        FROM (
            SELECT DISTINCT o.id, tstzrange(o.starts_at, coalesce(o.released_at, o.ends_at)) * s.week AS used
            FROM claims c JOIN bookings o ON o.id = c.booking_id
            WHERE c.environment_id = e.id AND c.lane = 'use' AND c.period && s.week
              AND o.team_id = b.team_id AND e.id = ANY (o.environment_ids)) h
        WHERE NOT isempty(h.used)) u
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
            SELECT DISTINCT o.id, o.starts_at, coalesce(o.released_at, o.ends_at) AS ends_at
            FROM environments l
            JOIN claims c ON c.environment_id = l.id AND c.lane = 'use'
             AND c.period && tstzrange(b.starts_at, b.ends_at)
            JOIN bookings o ON o.id = c.booking_id AND o.team_id = b.team_id
             AND l.id = ANY (o.environment_ids)
            WHERE l.policy ? 'teamBookingsAtOnce')
        SELECT max((SELECT count(*) FROM team t WHERE t.starts_at <= x.at AND t.ends_at > x.at)) AS used
        FROM (SELECT greatest(t.starts_at, b.starts_at) FROM team t) x (at)
        WHERE x.at < b.ends_at) u
    WHERE b.id = ANY (p_bookings)
    GROUP BY e.key, e.policy
    HAVING max(u.used) > (e.policy ->> 'teamBookingsAtOnce')::bigint;
END $$;

CREATE INDEX environments_that_limit_teams ON environments (id) WHERE policy ? 'teamBookingsAtOnce';

-- Of two in line, who has more comes first.
CREATE FUNCTION priority_rank(p_priority text) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['low', 'normal', 'high', 'urgent'], p_priority)
$$;

-- Gives one of those in line its place, unless something stands in the way after all. Its environments and
-- its row are locked by the caller, who has checked the environments' rules. Returns whether it did.
CREATE FUNCTION serve_waiter(
    p_booking bigint, p_environments bigint[], p_state text, p_starts timestamptz, p_ends timestamptz,
    p_setup bigint, p_teardown bigint, p_extras jsonb, p_now timestamptz
) RETURNS boolean
LANGUAGE plpgsql AS $$
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
        RAISE exclusion_violation;
    END IF;
    RETURN true;
EXCEPTION WHEN exclusion_violation THEN
    RETURN false;
END $$;

-- The place in line of one that waits: before it come those of more priority, then the older ones, that
-- want one of its environments for a time that meets its own.
CREATE FUNCTION wait_position(p_booking bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT 1 + count(*)
    FROM bookings b JOIN bookings w
      ON w.state IN ('waitlisted', 'displaced') AND w.environment_ids && b.environment_ids
     AND (w.starts_when_free OR b.starts_when_free
          OR (w.starts_at < b.ends_at AND w.ends_at > b.starts_at))
     AND (priority_rank(b.priority), w.created_at, w.id) < (priority_rank(w.priority), b.created_at, b.id)
    WHERE b.id = p_booking
$$;

-- Whether an environment matches a selector: all its pairs; tier, owner and status are reserved keys.
CREATE FUNCTION matches_selector(e environments, p_selector jsonb) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT e.labels @> (p_selector - ARRAY['tier', 'owner', 'status'])
       AND (p_selector ->> 'tier' IS NULL OR e.tier = p_selector ->> 'tier')
       AND (p_selector ->> 'status' IS NULL OR e.status = p_selector ->> 'status')
       AND (p_selector ->> 'owner' IS NULL
            OR e.owner_team_id = (SELECT t.id FROM teams t WHERE t.name = p_selector ->> 'owner'))
$$;
