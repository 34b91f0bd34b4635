-- The claims that bookings imply, and the triggers that keep them so.
--
-- Whatever writes a booking, or the parts of an environment, finds the claims made equal to what the
-- records now imply, in the same statement, or is refused whole. Nothing else may write claims.

CREATE TABLE claims (
    booking_id bigint NOT NULL,
    environment_id bigint NOT NULL,
    lane text NOT NULL DEFAULT 'use',
    period tstzrange NOT NULL,
    share_key bigint NOT NULL,
    -- A holder claims an environment once, however many paths lead there.
    CONSTRAINT claim_is_held_once PRIMARY KEY (booking_id, environment_id),
    -- Nobody uses an environment while somebody else holds it, unless both share it.
    CONSTRAINT no_double_booking
        EXCLUDE USING gist (environment_id WITH =, period WITH &&, share_key WITH <>) WHERE (lane = 'use'),
    -- Nothing is changed in a freeze.
    CONSTRAINT no_change_in_a_freeze
        EXCLUDE USING gist (environment_id WITH =, period WITH &&, share_key WITH <>) WHERE (lane = 'change'),
    CONSTRAINT claim_lane_is_known CHECK (lane IN ('use', 'change')),
    -- What would slip past an exclusion constraint (empty, unbounded) is refused, and so is what
    -- would make touching claims meet.
    CONSTRAINT claim_period_is_half_open CHECK (
        NOT isempty(period) AND lower_inc(period) AND NOT upper_inc(period)
        AND NOT lower_inf(period) AND NOT upper_inf(period)
        AND isfinite(lower(period)) AND isfinite(upper(period))),
    -- An exclusive claim is its holder's alone; shared claims all carry 0.
    CONSTRAINT claim_share_key_is_known CHECK (share_key = booking_id OR share_key = 0)
);

-- What one booking of these environments for this time (buffers included) must hold.
CREATE FUNCTION implied_claims(
    p_booking bigint, p_environments bigint[], p_mode text, p_from timestamptz, p_until timestamptz
) RETURNS TABLE (environment_id bigint, period tstzrange, share_key bigint)
LANGUAGE sql STABLE AS $$
    SELECT r.part_id, tstzrange(p_from, p_until, '[)'),
           CASE WHEN bool_or(CASE p_mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                                         ELSE r.exclusive_if_shared END)
                THEN p_booking ELSE 0 END
    FROM environment_reach r
    WHERE r.environment_id = ANY (p_environments)
    GROUP BY r.part_id
$$;

-- What these bookings must hold: all of it while they are live or ran to their end, up to the release
-- when they ended early, nothing when they never began or are only a record.
CREATE FUNCTION derive_claims(p_bookings bigint[])
RETURNS TABLE (booking_id bigint, environment_id bigint, period tstzrange, share_key bigint)
LANGUAGE sql STABLE AS $$
    SELECT b.id, c.environment_id, c.period, c.share_key
    FROM bookings b
    CROSS JOIN LATERAL implied_claims(
        b.id, b.environment_ids, b.mode,
        b.starts_at - make_interval(mins => b.setup_minutes),
        coalesce(b.released_at, b.ends_at) + make_interval(mins => b.teardown_minutes)) c
    WHERE b.id = ANY (p_bookings)
      AND (b.state IN ('requested', 'confirmed', 'active', 'completed') OR b.released_at IS NOT NULL)
      AND NOT b.record_only
      AND NOT isempty(c.period)
$$;

-- Locks these environments and everything they reach, in the one order: by id. Starts over when a
-- change of parts came in between.
CREATE FUNCTION lock_environments(p_environments bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_locked bigint[] := '{}';
BEGIN
    WHILE EXISTS (SELECT FROM environment_reach r
                  WHERE r.environment_id = ANY (p_environments) AND r.part_id <> ALL (v_locked)) LOOP
        v_locked := lock_reach(p_environments);
    END LOOP;
END $$;

-- Locks what these environments reach by now, by id; the reach may have grown while it waited.
CREATE FUNCTION lock_reach(p_environments bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
BEGIN
    RETURN array(
        SELECT e.id FROM environments e
        WHERE e.id = ANY (array(SELECT r.part_id FROM environment_reach r
                                WHERE r.environment_id = ANY (p_environments)))
        ORDER BY e.id FOR NO KEY UPDATE);
END $$;

-- Makes the claims of these bookings equal to what they imply: delete, then insert, for all together.
CREATE FUNCTION align_claims(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_read_committed();
    PERFORM lock_environments(array(
        SELECT DISTINCT e.id FROM bookings b CROSS JOIN unnest(b.environment_ids) e (id)
        WHERE b.id = ANY (p_bookings)));

    DELETE FROM claims c
    WHERE c.booking_id = ANY (p_bookings)
      AND NOT EXISTS (
        SELECT FROM derive_claims(ARRAY[c.booking_id]) d
        WHERE d.environment_id = c.environment_id AND d.period = c.period
          AND d.share_key = c.share_key AND c.lane = 'use');

    INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
    SELECT d.booking_id, d.environment_id, 'use', d.period, d.share_key
    FROM derive_claims(p_bookings) d
    WHERE NOT EXISTS (
        SELECT FROM claims c WHERE c.booking_id = d.booking_id AND c.environment_id = d.environment_id)
    ORDER BY d.environment_id, d.booking_id;
END $$;

-- The environments on which these bookings bring shared use over capacity, at any instant. The use at
-- an instant can only peak where a claim begins.
CREATE FUNCTION overbooked(p_bookings bigint[])
RETURNS TABLE (booking_id bigint, environment_id bigint, at timestamptz, used bigint, capacity integer)
LANGUAGE sql STABLE AS $$
    SELECT mine.booking_id, mine.environment_id, peak.at, peak.used, e.capacity
    FROM claims mine
    JOIN environments e ON e.id = mine.environment_id AND e.capacity IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT begin.at, (
            SELECT count(*) FROM claims other
            WHERE other.environment_id = mine.environment_id AND other.lane = 'use'
              AND other.period @> begin.at AND other.share_key = 0) AS used
        FROM (
            SELECT lower(mine.period)
            UNION
            SELECT lower(near.period) FROM claims near
            WHERE near.environment_id = mine.environment_id AND near.lane = 'use'
              AND near.period && mine.period AND near.share_key = 0
              AND lower(near.period) >= lower(mine.period)) begin (at)
        ORDER BY used DESC, begin.at
        LIMIT 1) peak
    WHERE mine.booking_id = ANY (p_bookings) AND mine.share_key = 0 AND mine.lane = 'use'
      AND peak.used > e.capacity
$$;

CREATE FUNCTION refuse_overbooking(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM overbooked(p_bookings)) THEN
        RAISE EXCEPTION 'shared use would exceed capacity'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'no_overbooking';
    END IF;
END $$;

-- What bookings name exists. Nothing they name is ever deleted, so no key has to lock it, as a foreign key
-- would at each booking, for all bookings of a team on the team's one row.
CREATE FUNCTION require_references(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM bookings b CROSS JOIN unnest(b.environment_ids) e (id)
               WHERE b.id = ANY (p_bookings)
                 AND NOT EXISTS (SELECT FROM environments x WHERE x.id = e.id)) THEN
        RAISE EXCEPTION 'a booking names an environment that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'booking_environment_exists';
    END IF;
    IF EXISTS (SELECT FROM bookings b
               WHERE b.id = ANY (p_bookings)
                 AND NOT EXISTS (SELECT FROM teams t WHERE t.id = b.team_id)) THEN
        RAISE EXCEPTION 'a booking names a team that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'booking_team_exists';
    END IF;
END $$;

-- A new booking: its claims, unless they stand already as they must; and the word to those who watch.
CREATE FUNCTION on_bookings_inserted() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_ids bigint[];
BEGIN
    -- A live booking made by book() has its claims already: just those that it must. One look decides it,
    -- and that its environments exist, for nothing else is ever claimed.
    IF EXISTS (
        SELECT FROM inserted n
        WHERE n.record_only OR n.released_at IS NOT NULL
           OR n.state NOT IN ('requested', 'confirmed', 'active', 'completed')
           OR array(SELECT ROW (c.environment_id, c.period, c.share_key, c.lane) FROM claims c
                    WHERE c.booking_id = n.id ORDER BY c.environment_id)
              <> array(SELECT ROW (d.environment_id, d.period, d.share_key, 'use'::text)
                       FROM implied_claims(
                           n.id, n.environment_ids, n.mode,
                           n.starts_at - make_interval(mins => n.setup_minutes),
                           n.ends_at + make_interval(mins => n.teardown_minutes)) d
                       ORDER BY d.environment_id)
           OR NOT n.environment_ids <@ array(
                SELECT c.environment_id FROM claims c WHERE c.booking_id = n.id)
           OR NOT EXISTS (SELECT FROM teams t WHERE t.id = n.team_id)) THEN
        SELECT array_agg(n.id) INTO v_ids FROM inserted n;
        PERFORM require_references(v_ids);
        PERFORM align_claims(v_ids);
        PERFORM refuse_overbooking(v_ids);
    END IF;

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.created_at, 'booking.created', n.id, n.version FROM inserted n;
    RETURN NULL;
END $$;

-- A changed booking: the version it leaves behind, its claims where the change bears on them.
CREATE FUNCTION on_bookings_updated() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_moved bigint[];
BEGIN
    INSERT INTO booking_versions (
        booking_id, version, state, state_reason, environment_ids, starts_at, ends_at, time_zone, title,
        team_id, contact, mode, ticket, notes, labels, priority, setup_minutes, teardown_minutes,
        released_at, record_only, valid_from, valid_until, updated_by)
    SELECT o.id, o.version, o.state, o.state_reason, o.environment_ids, o.starts_at, o.ends_at,
           o.time_zone, o.title, o.team_id, o.contact, o.mode, o.ticket, o.notes, o.labels, o.priority,
           o.setup_minutes, o.teardown_minutes, o.released_at, o.record_only, o.updated_at,
           n.updated_at, o.updated_by
    FROM before o JOIN after n ON n.id = o.id;

    PERFORM require_references(array(SELECT n.id FROM after n));

    SELECT array_agg(n.id) INTO v_moved
    FROM before o JOIN after n ON n.id = o.id
    WHERE (o.environment_ids, o.starts_at, o.ends_at, o.mode, o.setup_minutes, o.teardown_minutes,
           o.released_at, o.record_only, o.state)
          IS DISTINCT FROM
          (n.environment_ids, n.starts_at, n.ends_at, n.mode, n.setup_minutes, n.teardown_minutes,
           n.released_at, n.record_only, n.state)
      -- Beginning and completing on time change no claim.
      AND NOT ((o.state, n.state) IN (('confirmed', 'active'), ('active', 'completed'))
               AND (o.environment_ids, o.starts_at, o.ends_at, o.mode, o.setup_minutes,
                    o.teardown_minutes, o.released_at, o.record_only)
                   IS NOT DISTINCT FROM
                   (n.environment_ids, n.starts_at, n.ends_at, n.mode, n.setup_minutes,
                    n.teardown_minutes, n.released_at, n.record_only));
    IF v_moved IS NOT NULL THEN
        PERFORM align_claims(v_moved);
        PERFORM refuse_overbooking(v_moved);
    END IF;

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'booking.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;

CREATE TRIGGER booking_version_rises BEFORE UPDATE ON bookings
    FOR EACH ROW EXECUTE FUNCTION raise_version();
CREATE TRIGGER bookings_inserted AFTER INSERT ON bookings
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION on_bookings_inserted();
CREATE TRIGGER bookings_updated AFTER UPDATE ON bookings
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION on_bookings_updated();
CREATE TRIGGER bookings_are_never_deleted BEFORE DELETE OR TRUNCATE ON bookings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_write('Cancel the booking instead.');
CREATE TRIGGER booking_versions_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON booking_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_write('History is append-only.');

-- Claims follow bookings. A statement of its own (not one of the triggers above) may only place, or
-- give back, claims of bookings that do not exist yet ...
CREATE FUNCTION on_claims_placed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written w JOIN bookings b ON b.id = w.booking_id) THEN
        RAISE EXCEPTION 'claims follow their bookings'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
                  HINT = 'Change the booking; its claims follow.';
    END IF;
    RETURN NULL;
END $$;

-- ... and has to write those bookings, in the same transaction: the trigger on bookings then checks the
-- claims. Another transaction's booking would not do: its claims were checked before these were seen.
CREATE FUNCTION on_claim_committed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM claims c WHERE c.booking_id = NEW.booking_id)
       AND NOT EXISTS (SELECT FROM bookings b
                       WHERE b.id = NEW.booking_id AND b.xmin = pg_current_xact_id()::xid) THEN
        RAISE EXCEPTION 'a claim has no booking'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME,
                  HINT = 'Make the booking; its claims follow.';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER claim_has_a_booking AFTER INSERT ON claims
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION on_claim_committed();
CREATE TRIGGER claims_are_placed_by_bookings AFTER INSERT ON claims
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION on_claims_placed();
CREATE TRIGGER claims_are_dropped_by_bookings AFTER DELETE ON claims
    REFERENCING OLD TABLE AS written FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION on_claims_placed();
CREATE TRIGGER claims_are_never_updated BEFORE UPDATE OR TRUNCATE ON claims
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_write('Change the booking; its claims follow.');

-- A changed environment: the version it leaves behind; the reach and the live claims that its parts
-- imply; capacity never lowered below what is booked.
CREATE FUNCTION on_environments_updated() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_regrouped bigint[];
    v_affected bigint[];
    v_narrowed bigint[];
BEGIN
    INSERT INTO environment_versions (
        environment_id, version, name, tier, owner_team_id, time_zone, labels, capacity, status,
        status_reason, status_until, part_ids, part_usages, policy, runbook, valid_from, valid_until,
        updated_by)
    SELECT o.id, o.version, o.name, o.tier, o.owner_team_id, o.time_zone, o.labels, o.capacity,
           o.status, o.status_reason, o.status_until, o.part_ids, o.part_usages, o.policy, o.runbook,
           o.updated_at, n.updated_at, o.updated_by
    FROM before o JOIN after n ON n.id = o.id;

    SELECT array_agg(n.id) INTO v_regrouped FROM before o JOIN after n ON n.id = o.id
    WHERE (o.part_ids, o.part_usages) IS DISTINCT FROM (n.part_ids, n.part_usages);
    IF v_regrouped IS NOT NULL THEN
        PERFORM require_read_committed();
        PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0));
        v_affected := rebuild_reach(v_regrouped);
        PERFORM align_claims(b.ids), refuse_overbooking(b.ids)
        FROM (SELECT array_agg(b.id) AS ids FROM bookings b
              WHERE b.environment_ids && v_affected
                AND b.state IN ('requested', 'confirmed', 'active')) b
        WHERE b.ids IS NOT NULL;
    END IF;

    SELECT array_agg(n.id) INTO v_narrowed FROM before o JOIN after n ON n.id = o.id
    WHERE n.capacity < coalesce(o.capacity, n.capacity + 1);
    IF v_narrowed IS NOT NULL THEN
        PERFORM refuse_overbooking(array(
            SELECT c.booking_id FROM claims c
            WHERE c.environment_id = ANY (v_narrowed) AND c.lane = 'use' AND c.share_key = 0
              AND upper(c.period) > (SELECT min(n.updated_at) FROM after n)));
    END IF;

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'environment.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;

CREATE FUNCTION on_environments_inserted() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0))
    FROM inserted n WHERE n.part_ids <> '{}' LIMIT 1;
    PERFORM rebuild_reach(array(SELECT n.id FROM inserted n));
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.created_at, 'environment.created', n.id, n.version FROM inserted n;
    RETURN NULL;
END $$;

CREATE TRIGGER environments_inserted AFTER INSERT ON environments
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION on_environments_inserted();
CREATE TRIGGER environments_updated AFTER UPDATE ON environments
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION on_environments_updated();

-- The reach is derived: only the triggers above write it.
CREATE FUNCTION refuse_direct_write() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        RAISE EXCEPTION '% on % is refused: it is derived', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
                  HINT = TG_ARGV[0];
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER reach_follows_parts BEFORE INSERT OR UPDATE OR DELETE ON environment_reach
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_direct_write('Change part_ids; the reach follows.');
CREATE TRIGGER reach_is_never_truncated BEFORE TRUNCATE ON environment_reach
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_write('Change part_ids; the reach follows.');

-- These rules hold in a session that replays or imports, too (session_replication_role = replica).
ALTER TABLE teams ENABLE ALWAYS TRIGGER teams_are_never_deleted;
ALTER TABLE teams ENABLE ALWAYS TRIGGER team_version_rises;
ALTER TABLE environments ENABLE ALWAYS TRIGGER environments_are_never_deleted;
ALTER TABLE environments ENABLE ALWAYS TRIGGER environment_version_rises;
ALTER TABLE environments ENABLE ALWAYS TRIGGER environments_inserted;
ALTER TABLE environments ENABLE ALWAYS TRIGGER environments_updated;
ALTER TABLE environment_versions ENABLE ALWAYS TRIGGER environment_versions_are_kept;
ALTER TABLE environment_reach ENABLE ALWAYS TRIGGER reach_follows_parts;
ALTER TABLE environment_reach ENABLE ALWAYS TRIGGER reach_is_never_truncated;
ALTER TABLE bookings ENABLE ALWAYS TRIGGER booking_version_rises;
ALTER TABLE bookings ENABLE ALWAYS TRIGGER bookings_inserted;
ALTER TABLE bookings ENABLE ALWAYS TRIGGER bookings_updated;
ALTER TABLE bookings ENABLE ALWAYS TRIGGER bookings_are_never_deleted;
ALTER TABLE booking_versions ENABLE ALWAYS TRIGGER booking_versions_are_kept;
ALTER TABLE claims ENABLE ALWAYS TRIGGER claim_has_a_booking;
ALTER TABLE claims ENABLE ALWAYS TRIGGER claims_are_placed_by_bookings;
ALTER TABLE claims ENABLE ALWAYS TRIGGER claims_are_dropped_by_bookings;
ALTER TABLE claims ENABLE ALWAYS TRIGGER claims_are_never_updated;
