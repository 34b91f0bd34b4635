-- The write path of bookings. One call decides a whole batch, in one transaction.

-- Books each request that can be booked, first come first served, all or nothing for each.
--
-- The arrays are parallel, one element a request in order of arrival; p_environments and p_versions hold
-- array literals ('{7,9}'): the environments, and the versions at which the caller read their policies.
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
CREATE FUNCTION book(
    p_now timestamptz,
    p_environments text[], p_versions text[],
    p_states text[], p_starts timestamptz[], p_ends timestamptz[], p_time_zones text[],
    p_titles text[], p_teams bigint[], p_contacts text[], p_modes text[], p_tickets text[],
    p_notes text[], p_labels jsonb[], p_priorities text[], p_actors text[],
    p_tokens bigint[], p_scopes text[], p_keys text[], p_hashes bytea[], p_imports bytea[]
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
            import_identity, created_at, updated_at, updated_by)
        SELECT v_ids[w.ord], p_states[w.ord], p_environments[w.ord]::bigint[], p_starts[w.ord],
               p_ends[w.ord], p_time_zones[w.ord], p_titles[w.ord], p_teams[w.ord], p_contacts[w.ord],
               p_modes[w.ord], p_tickets[w.ord], p_notes[w.ord], p_labels[w.ord], p_priorities[w.ord],
               p_actors[w.ord], v_setups[w.ord], v_teardowns[w.ord], p_imports[w.ord], p_now, p_now,
               p_actors[w.ord]
        FROM unnest(v_won) w (ord);

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
CREATE FUNCTION blockers(
    p_environments bigint[], p_mode text, p_from timestamptz, p_until timestamptz, p_except bigint,
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
          AND k.booking_id IS DISTINCT FROM p_except
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
          AND k.booking_id IS DISTINCT FROM p_except
          AND EXISTS (
            SELECT FROM claims peak
            WHERE peak.environment_id = w.part_id AND peak.lane = 'use' AND peak.share_key = 0
              AND peak.period && (k.period * tstzrange(p_from, p_until, '[)'))
              AND peak.booking_id IS DISTINCT FROM p_except
              AND w.capacity <= (
                SELECT count(*) FROM claims other
                WHERE other.environment_id = w.part_id AND other.lane = 'use' AND other.share_key = 0
                  AND other.booking_id IS DISTINCT FROM p_except
                  AND other.period @> greatest(lower(peak.period), lower(k.period), p_from)))
        ORDER BY lower(k.period), k.booking_id
        LIMIT p_limit) c
    WHERE w.capacity IS NOT NULL AND NOT w.exclusive;
END $$;

-- The keys of the parts that lead from an environment down to one that it reaches, the last one included;
-- the shortest way, as a breadth-first walk finds it first. Empty for the environment itself.
CREATE FUNCTION part_path(p_environment bigint, p_part bigint) RETURNS text[]
LANGUAGE sql STABLE
AS $$
    WITH RECURSIVE walk (id, path) AS (
        SELECT p_environment, '{}'::text[]
        UNION ALL
        SELECT e.id, w.path || e.key
        FROM walk w
        JOIN environments above ON above.id = w.id
        CROSS JOIN unnest(above.part_ids) p (id)
        JOIN environments e ON e.id = p.id
        WHERE w.id <> p_part
          AND EXISTS (SELECT FROM environment_reach r
                      WHERE r.environment_id = e.id AND r.part_id = p_part))
    SELECT w.path FROM walk w WHERE w.id = p_part LIMIT 1
$$;

-- Moves bookings on with the time: confirmed ones begin, active ones complete. Any number of servers may
-- run it at once; each booking moves once. Returns how many moved; call again while that is p_limit.
CREATE FUNCTION advance_bookings(p_now timestamptz, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_begun bigint;
    v_completed bigint;
BEGIN
    UPDATE bookings b SET state = 'active', updated_at = p_now, updated_by = 'berth'
    WHERE b.id IN (SELECT d.id FROM bookings d WHERE d.state = 'confirmed' AND d.starts_at <= p_now
                   ORDER BY d.starts_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_begun = ROW_COUNT;
    UPDATE bookings b SET state = 'completed', updated_at = p_now, updated_by = 'berth'
    WHERE b.id IN (SELECT d.id FROM bookings d WHERE d.state = 'active' AND d.ends_at <= p_now
                   ORDER BY d.ends_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_completed = ROW_COUNT;
    RETURN greatest(v_begun, v_completed);
END $$;
