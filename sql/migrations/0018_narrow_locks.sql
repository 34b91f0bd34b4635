-- Locks that keep nobody waiting who need not, taken in an order that can be checked.

-- Notes what this transaction has locked, and refuses environments that come out of the one order. For tests:
-- a session that sets berth.lock_order = 'asserted' pays for it, others only look whether it is set.
CREATE FUNCTION assert_lock_order(p_environments bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_held bigint[];
    v_new bigint[];
BEGIN
    IF coalesce(current_setting('berth.lock_order', true), '') <> 'asserted' THEN
        RETURN;
    END IF;
    v_held := coalesce(nullif(current_setting('berth.locked_environments', true), ''), '{}');
    v_new := array(SELECT e.id FROM unnest(p_environments) e (id) WHERE e.id <> ALL (v_held));
    IF v_new <> '{}' AND current_setting('berth.locked_beyond', true) <> '' THEN
        RAISE EXCEPTION 'environments % are locked after %', v_new,
            current_setting('berth.locked_beyond', true) USING ERRCODE = 'assert_failure';
    END IF;
    IF (SELECT min(n.id) FROM unnest(v_new) n (id)) < (SELECT max(h.id) FROM unnest(v_held) h (id)) THEN
        RAISE EXCEPTION 'environments % are locked after %', v_new, v_held USING ERRCODE = 'assert_failure';
    END IF;
    PERFORM set_config('berth.locked_environments', (v_held || v_new)::text, true);
END $$;

-- Locks what these environments reach by now, by id; the reach may have grown while it waited.
CREATE OR REPLACE FUNCTION lock_reach(p_environments bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    v_reach bigint[] := array(
        SELECT DISTINCT r.part_id FROM environment_reach r
        WHERE r.environment_id = ANY (p_environments) ORDER BY r.part_id);
BEGIN
    PERFORM assert_lock_order(v_reach);
    RETURN array(
        SELECT e.id FROM environments e WHERE e.id = ANY (v_reach)
        ORDER BY e.id FOR NO KEY UPDATE);
END $$;

-- The same, of what nobody else has locked; what somebody has is left out.
CREATE FUNCTION lock_free_reach(p_environments bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
BEGIN
    RETURN array(
        SELECT e.id FROM environments e
        WHERE e.id = ANY (array(SELECT r.part_id FROM environment_reach r
                                WHERE r.environment_id = ANY (p_environments)))
        ORDER BY e.id FOR NO KEY UPDATE SKIP LOCKED);
END $$;

-- Locks bookings by id; what they name is locked by the caller, who begins anew when that has changed meanwhile.
CREATE FUNCTION lock_bookings(p_bookings bigint[], p_locked bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM b.id FROM bookings b WHERE b.id = ANY (p_bookings) ORDER BY b.id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM bookings b
        LEFT JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
        WHERE b.id = ANY (p_bookings) AND NOT b.environment_ids || v.environment_ids <@ p_locked) THEN
        RAISE EXCEPTION 'a booking names other environments by now' USING ERRCODE = 'serialization_failure';
    END IF;
    IF current_setting('berth.lock_order', true) = 'asserted' THEN
        PERFORM set_config('berth.locked_beyond', 'bookings', true);
    END IF;
END $$;

-- Locks the teams of these bookings by id: quotas are counted under them.
CREATE FUNCTION lock_teams_of(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM t.id FROM teams t
    WHERE t.id IN (SELECT b.team_id FROM bookings b WHERE b.id = ANY (p_bookings))
    ORDER BY t.id FOR NO KEY UPDATE;
END $$;

-- The first of all locks: selectors and the graph of parts, by whoever plans or changes an environment.
CREATE FUNCTION lock_part_graph() RETURNS void
LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0))
$$;

-- Books each request that can be booked, first come first served, all or nothing for each.
--
-- The arrays are parallel, one element a request in order of arrival; p_environments and p_versions hold
-- array literals ('{7,9}'): the environments, and the versions at which the caller read their policies.
-- p_extras holds what few bookings have, by the API's names: seriesId, recurrenceId, approvals,
-- holdExpiresAt, checkInMinutes, leaseSeconds, leaseExpiresAt. With p_waits it waits for locks; without, those
-- who would wait are left undecided, and with them whoever needs one of their environments after them.
-- Outcomes:
--   booked       booking_id, booking_version and the buffers it got
--   refused      somebody holds what it needs; nothing was written
--   busy         somebody has locked what it needs: it is undecided, nothing was written
--   stale        an environment has another version by now: read it again, decide again
--   replay       this key was used for this request: booking_id at booking_version is the answer
--   key-reused   this key was used for another request
-- Two requests of one call must not carry the same key. Cost: about ten statements a call, whatever the
-- size of the batch; one round a request only where capacity is limited or a refused request had held
-- part of what it needs. Elements are taken by subscript: unnest() of so many arrays fills a tuple store
-- for each, which cost more than the insert.
DROP FUNCTION book(
    timestamptz, text[], text[], text[], timestamptz[], timestamptz[], text[], text[], bigint[], text[], text[],
    text[], text[], jsonb[], text[], text[], bigint[], text[], text[], bytea[], bytea[], jsonb[]);
CREATE FUNCTION book(
    p_now timestamptz,
    p_environments text[], p_versions text[],
    p_states text[], p_starts timestamptz[], p_ends timestamptz[], p_time_zones text[],
    p_titles text[], p_teams bigint[], p_contacts text[], p_modes text[], p_tickets text[],
    p_notes text[], p_labels jsonb[], p_priorities text[], p_actors text[],
    p_tokens bigint[], p_scopes text[], p_keys text[], p_hashes bytea[], p_imports bytea[],
    p_extras jsonb[], p_waits boolean
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
    v_busy boolean;
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
    v_awaited bigint[] := '{}';
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM require_read_committed();
    END IF;
    v_environments := array(
        SELECT unnest(q.environments::bigint[]) FROM unnest(p_environments) q (environments));

    WHILE NOT v_complete LOOP
        IF p_waits THEN
            v_locked := lock_reach(v_environments);
        ELSE
            v_locked := lock_free_reach(v_environments);
        END IF;

        -- What is true now that the environments are locked, in a statement of its own: was the key
        -- used before (its first request locked the same environments), are the environments as the
        -- caller read them, what buffers do they and their parts ask for, how many claims will there
        -- be, is any of them limited, and did the reach stay what was locked.
        SELECT array_agg(d.outcome), array_agg(d.id), array_agg(d.version),
               array_agg(d.setup), array_agg(d.teardown), array_agg(d.needed),
               sum(d.needed) FILTER (WHERE d.outcome IS NULL),
               bool_or(d.limited AND d.outcome IS NULL),
               array_agg(d.ord) FILTER (WHERE d.outcome IS NULL),
               bool_and(d.locked OR NOT p_waits), bool_or(d.outcome = 'busy')
        INTO v_outcomes, v_ids, v_booking_versions, v_setups, v_teardowns, v_needed, v_wanted, v_limited,
             v_queue, v_complete, v_busy
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
                SELECT CASE WHEN NOT p_waits AND NOT e.locked THEN 'busy'
                            WHEN r.created_at > p_now - interval '24 hours'
                            THEN CASE WHEN r.request_hash = p_hashes[q.ord] THEN 'replay'
                                      ELSE 'key-reused' END
                            WHEN NOT e.fresh THEN 'stale' END AS outcome) f
            ORDER BY q.ord) d;
    END LOOP;

    -- Who needs what an earlier one still waits for waits behind it.
    IF v_busy THEN
        FOR v_ord IN 1 .. cardinality(v_outcomes) LOOP
            IF v_outcomes[v_ord] = 'busy'
               OR (v_outcomes[v_ord] IS NULL AND p_environments[v_ord]::bigint[] && v_awaited) THEN
                v_outcomes[v_ord] := 'busy';
                v_awaited := v_awaited || p_environments[v_ord]::bigint[];
            END IF;
        END LOOP;
        SELECT coalesce(array_agg(q.ord ORDER BY q.ord), '{}'), sum(v_needed[q.ord])
        INTO v_queue, v_wanted
        FROM generate_subscripts(v_outcomes, 1) q (ord) WHERE v_outcomes[q.ord] IS NULL;
    END IF;

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

-- What comes by hand is bound by the same rules.

-- An undecided edit has a version to go back to: one that it left behind.
ALTER TABLE bookings
    ADD CONSTRAINT booking_approved_version_exists CHECK (approved_version BETWEEN 1 AND version - 1);

-- Spans and claims are derived from the kind that a window was planned as; another kind is another window.
CREATE FUNCTION refuse_window_kind_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a window stays what it was planned as'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
              HINT = 'Cancel the window and plan another.';
END $$;

CREATE TRIGGER window_kind_stays BEFORE UPDATE ON change_windows
    FOR EACH ROW WHEN ((OLD.kind, OLD.emergency_reason IS NULL, OLD.created_at)
                       IS DISTINCT FROM (NEW.kind, NEW.emergency_reason IS NULL, NEW.created_at))
    EXECUTE FUNCTION refuse_window_kind_change();
ALTER TABLE change_windows ENABLE ALWAYS TRIGGER window_kind_stays;

-- A capacity is compared with the claims that are committed by now.
CREATE FUNCTION on_capacity_changing() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_read_committed();
    RETURN NEW;
END $$;

CREATE TRIGGER capacity_is_decided_now BEFORE UPDATE ON environments
    FOR EACH ROW WHEN (OLD.capacity IS DISTINCT FROM NEW.capacity)
    EXECUTE FUNCTION on_capacity_changing();
ALTER TABLE environments ENABLE ALWAYS TRIGGER capacity_is_decided_now;

-- An id that was given by hand is not given again: the sequence, named by the trigger, goes past it. Ids are
-- numbered, not chosen: one that is far ahead is refused.
CREATE FUNCTION on_ids_inserted() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_sequence regclass := TG_ARGV[0];
    v_newest bigint := (SELECT max(n.id) FROM inserted n);
    v_last bigint := pg_sequence_last_value(v_sequence);
BEGIN
    -- Nothing was numbered yet: a restore brings the ids along.
    IF v_last IS NULL THEN
        PERFORM setval(v_sequence, v_newest)
        FROM pg_sequence s WHERE s.seqrelid = v_sequence AND v_newest >= s.seqstart;
        RETURN NULL;
    END IF;
    IF v_newest - v_last > 1000000 THEN
        RAISE EXCEPTION 'id % is far ahead of its sequence, at %', v_newest, v_last
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
                  HINT = 'Leave the id out: it is numbered.';
    END IF;
    -- Step by step: setval() could take the sequence back behind what another session just got.
    WHILE v_last < v_newest LOOP
        v_last := nextval(v_sequence);
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER team_ids_are_numbered AFTER INSERT ON teams
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION on_ids_inserted('teams_id_seq');
ALTER TABLE teams ENABLE ALWAYS TRIGGER team_ids_are_numbered;
CREATE TRIGGER environment_ids_are_numbered AFTER INSERT ON environments
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION on_ids_inserted('environments_id_seq');
ALTER TABLE environments ENABLE ALWAYS TRIGGER environment_ids_are_numbered;
CREATE TRIGGER series_ids_are_numbered AFTER INSERT ON series
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION on_ids_inserted('series_id_seq');
ALTER TABLE series ENABLE ALWAYS TRIGGER series_ids_are_numbered;
CREATE TRIGGER booking_ids_are_numbered AFTER INSERT ON bookings
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION on_ids_inserted('bookings_id_seq');
ALTER TABLE bookings ENABLE ALWAYS TRIGGER booking_ids_are_numbered;
CREATE TRIGGER window_ids_are_numbered AFTER INSERT ON change_windows
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION on_ids_inserted('change_windows_id_seq');
ALTER TABLE change_windows ENABLE ALWAYS TRIGGER window_ids_are_numbered;
CREATE TRIGGER token_ids_are_numbered AFTER INSERT ON tokens
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION on_ids_inserted('tokens_id_seq');
ALTER TABLE tokens ENABLE ALWAYS TRIGGER token_ids_are_numbered;
