-- Claims of what 0006 added: an undecided edit holds two versions, what is given back calls the line, and
-- whoever a change concerns is told.

-- What these bookings must hold: all of it while they are live or ran to their end, up to the release
-- when they ended early, nothing when they never began or are only a record. While an edit waits for its
-- approval, what was approved and what is asked for; where the two meet, they are one claim.
CREATE OR REPLACE FUNCTION derive_claims(p_bookings bigint[])
RETURNS TABLE (booking_id bigint, environment_id bigint, period tstzrange, share_key bigint)
LANGUAGE sql STABLE AS $$
    SELECT b.id, c.environment_id, c.period, c.share_key
    FROM bookings b
    CROSS JOIN LATERAL implied_claims(
        b.id, b.environment_ids, b.mode,
        b.starts_at - make_interval(mins => b.setup_minutes),
        coalesce(b.released_at, b.ends_at) + make_interval(mins => b.teardown_minutes)) c
    WHERE b.id = ANY (p_bookings) AND b.approved_version IS NULL
      AND (b.state IN ('requested', 'confirmed', 'active', 'completed') OR b.released_at IS NOT NULL)
      AND NOT b.record_only
      AND NOT isempty(c.period)
    UNION ALL
    SELECT b.id, m.environment_id, m.period, m.share_key
    FROM bookings b
    JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
    CROSS JOIN LATERAL (
        SELECT c.environment_id, unnest(range_agg(c.period)) AS period, max(c.share_key) AS share_key
        FROM (
            SELECT n.environment_id, n.period, n.share_key
            FROM implied_claims(
                b.id, b.environment_ids, b.mode,
                b.starts_at - make_interval(mins => b.setup_minutes),
                b.ends_at + make_interval(mins => b.teardown_minutes)) n
            UNION ALL
            SELECT o.environment_id, o.period, o.share_key
            FROM implied_claims(
                b.id, v.environment_ids, v.mode,
                v.starts_at - make_interval(mins => v.setup_minutes),
                v.ends_at + make_interval(mins => v.teardown_minutes)) o) c
        GROUP BY c.environment_id) m
    WHERE b.id = ANY (p_bookings)
$$;

-- Makes the claims of these bookings equal to what they imply: delete, then insert, for all together. Where
-- something is given back while anybody waits, the line is called.
CREATE OR REPLACE FUNCTION align_claims(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_read_committed();
    PERFORM lock_environments(array(
        SELECT DISTINCT e.id FROM bookings b
        LEFT JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
        CROSS JOIN unnest(b.environment_ids || v.environment_ids) e (id)
        WHERE b.id = ANY (p_bookings)));

    WITH dropped AS (
        DELETE FROM claims c
        WHERE c.booking_id = ANY (p_bookings)
          AND NOT EXISTS (
            SELECT FROM derive_claims(ARRAY[c.booking_id]) d
            WHERE d.environment_id = c.environment_id AND d.period = c.period
              AND d.share_key = c.share_key AND c.lane = 'use')
        RETURNING c.environment_id)
    INSERT INTO line_calls (environment_id)
    SELECT DISTINCT d.environment_id FROM dropped d
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

-- Locks these environments, all that they reach, and all that those in line need who may get what these
-- give back. Returns what it locked; who joins the line later needs a call of his own.
CREATE FUNCTION lock_with_line(p_environments bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    v_wanted bigint[];
BEGIN
    v_wanted := p_environments || array(
        SELECT DISTINCT e.id
        FROM bookings w CROSS JOIN unnest(w.environment_ids) e (id)
        WHERE w.state IN ('waitlisted', 'displaced')
          AND w.environment_ids && array(
            SELECT up.environment_id FROM environment_reach down
            JOIN environment_reach up ON up.part_id = down.part_id
            WHERE down.environment_id = ANY (p_environments)));
    PERFORM lock_environments(v_wanted);
    RETURN array(SELECT DISTINCT r.part_id FROM environment_reach r
                 WHERE r.environment_id = ANY (v_wanted));
END $$;

-- A time as people read it in a notice.
CREATE FUNCTION readable(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;

-- Tells those who decide of the approvals that these bookings wait for.
CREATE FUNCTION ask_for_approval(p_bookings bigint[], p_now timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO notices (at, kind, subject, text, team_id)
    SELECT p_now, 'booking.requested', 'BK-' || b.id,
           format('%s asks for %s from %s to %s: %s', b.requested_by, string_agg(a.environment, ', '),
                  readable(b.starts_at), readable(b.ends_at), b.title),
           t.id
    FROM bookings b
    CROSS JOIN jsonb_to_recordset(b.approvals) a (environment text, "ownerTeam" text, state text)
    LEFT JOIN teams t ON t.name = a."ownerTeam"
    WHERE b.id = ANY (p_bookings) AND b.state = 'requested' AND a.state = 'pending'
    GROUP BY b.id, t.id
$$;

-- A changed booking: the version it leaves behind, its claims where the change bears on them, and the word to
-- its team where it was moved to another state.
CREATE OR REPLACE FUNCTION on_bookings_updated() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_moved bigint[];
BEGIN
    INSERT INTO booking_versions (
        booking_id, version, state, state_reason, environment_ids, starts_at, ends_at, time_zone, title,
        team_id, contact, mode, ticket, notes, labels, priority, setup_minutes, teardown_minutes,
        released_at, record_only, approvals, approved_version, hold_expires_at, check_in_minutes,
        checked_in_at, lease_seconds, lease_expires_at, wait_until, starts_when_free, displaced_by,
        valid_from, valid_until, updated_by)
    SELECT o.id, o.version, o.state, o.state_reason, o.environment_ids, o.starts_at, o.ends_at,
           o.time_zone, o.title, o.team_id, o.contact, o.mode, o.ticket, o.notes, o.labels, o.priority,
           o.setup_minutes, o.teardown_minutes, o.released_at, o.record_only, o.approvals,
           o.approved_version, o.hold_expires_at, o.check_in_minutes, o.checked_in_at, o.lease_seconds,
           o.lease_expires_at, o.wait_until, o.starts_when_free, o.displaced_by, o.updated_at,
           n.updated_at, o.updated_by
    FROM before o JOIN after n ON n.id = o.id;

    PERFORM require_references(array(SELECT n.id FROM after n));

    SELECT array_agg(n.id) INTO v_moved
    FROM before o JOIN after n ON n.id = o.id
    WHERE (o.environment_ids, o.starts_at, o.ends_at, o.mode, o.setup_minutes, o.teardown_minutes,
           o.released_at, o.record_only, o.approved_version, o.state)
          IS DISTINCT FROM
          (n.environment_ids, n.starts_at, n.ends_at, n.mode, n.setup_minutes, n.teardown_minutes,
           n.released_at, n.record_only, n.approved_version, n.state)
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

    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT n.updated_at, 'booking.' || k.words[1], 'BK-' || n.id,
           format('%s %s: from %s to %s%s', n.title, k.words[2], readable(n.starts_at), readable(n.ends_at),
                  ' (' || coalesce(n.displaced_by, n.state_reason) || ')'),
           n.team_id, n.requested_by
    FROM before o JOIN after n ON n.id = o.id
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN o.state IN ('waitlisted', 'displaced') AND n.state IN ('requested', 'confirmed', 'active')
                THEN ARRAY['served', 'got its place']
            WHEN o.state = 'requested' AND n.state IN ('confirmed', 'active')
                THEN CASE WHEN n.state_reason IS NULL THEN ARRAY['approved', 'was approved']
                          ELSE ARRAY['edit-refused', 'stays as it was approved'] END
            WHEN n.state = 'rejected' THEN ARRAY['rejected', 'was rejected']
            WHEN n.state = 'cancelled' THEN ARRAY['cancelled', 'was cancelled']
            WHEN n.state = 'expired' THEN ARRAY['expired', 'expired']
            WHEN n.state = 'displaced' THEN ARRAY['displaced', 'had to give way and waits in line'] END
    ) k (words)
    WHERE o.state <> n.state AND k.words IS NOT NULL;
    PERFORM ask_for_approval(array(
        SELECT n.id FROM before o JOIN after n ON n.id = o.id
        WHERE n.state = 'requested' AND (o.state <> 'requested' OR o.approvals <> n.approvals)),
        (SELECT max(n.updated_at) FROM after n))
    FROM after n WHERE n.state = 'requested' LIMIT 1;

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'booking.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;

-- What live bookings would claim of one another, were their claims made anew: pairs that may not meet.
CREATE FUNCTION clashes(p_bookings bigint[])
RETURNS TABLE (environment_id bigint, booking_id bigint, other_id bigint)
LANGUAGE sql STABLE AS $$
    SELECT mine.environment_id, mine.booking_id, other.booking_id
    FROM derive_claims(p_bookings) mine
    JOIN claims other ON other.environment_id = mine.environment_id AND other.lane = 'use'
     AND other.period && mine.period AND other.share_key <> mine.share_key
    WHERE other.booking_id <> ALL (p_bookings)
    UNION
    SELECT one.environment_id, one.booking_id, two.booking_id
    FROM derive_claims(p_bookings) one
    JOIN derive_claims(p_bookings) two
      ON two.environment_id = one.environment_id AND two.period && one.period
     AND two.share_key <> one.share_key AND two.booking_id > one.booking_id
$$;

-- Refuses claims that would meet, naming the bookings: what DETAIL lists is for the API to explain.
CREATE FUNCTION refuse_clashes(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_clashes jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(c.environment_id, c.booking_id, c.other_id)) INTO v_clashes
    FROM (SELECT k.environment_id, k.booking_id, k.other_id FROM clashes(p_bookings) k
          ORDER BY k.booking_id, k.other_id LIMIT 100) c;
    IF v_clashes IS NOT NULL THEN
        RAISE EXCEPTION 'bookings would clash'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'no_double_booking',
                  DETAIL = v_clashes::text;
    END IF;
END $$;

-- DETAIL lists where and when more would begin than may: [environment, instant, use, capacity].
CREATE OR REPLACE FUNCTION refuse_overbooking(p_bookings bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_peaks jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(p.environment_id, readable(p.at), p.used, p.capacity) ORDER BY p.at)
    INTO v_peaks
    FROM (SELECT DISTINCT o.environment_id, lower(near.period) AS at, u.used, o.capacity
          FROM overbooked(p_bookings) o
          JOIN claims mine ON mine.booking_id = o.booking_id AND mine.environment_id = o.environment_id
          JOIN claims near ON near.environment_id = o.environment_id AND near.lane = 'use'
               AND near.share_key = 0 AND near.period && mine.period
          CROSS JOIN LATERAL (
              SELECT count(*) FROM claims other
              WHERE other.environment_id = o.environment_id AND other.lane = 'use'
                AND other.share_key = 0 AND other.period @> lower(near.period)) u (used)
          WHERE u.used > o.capacity
          ORDER BY at LIMIT 20) p;
    IF v_peaks IS NOT NULL THEN
        RAISE EXCEPTION 'shared use would exceed capacity'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'no_overbooking',
                  DETAIL = v_peaks::text;
    END IF;
END $$;

-- A changed environment: the version it leaves behind; the reach and the live claims that its parts
-- imply; capacity never lowered below what is booked; holders told of an outage; and the line called where
-- more may be booked than before.
CREATE OR REPLACE FUNCTION on_environments_updated() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_regrouped bigint[];
    v_affected bigint[];
    v_bookings bigint[];
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
        -- An undecided edit also holds what its approved version names.
        SELECT array_agg(b.id) INTO v_bookings
        FROM bookings b
        LEFT JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
        WHERE b.state IN ('requested', 'confirmed', 'active')
          AND (b.environment_ids && v_affected OR v.environment_ids && v_affected);
        IF v_bookings IS NOT NULL THEN
            PERFORM refuse_clashes(v_bookings);
            PERFORM align_claims(v_bookings);
            PERFORM refuse_overbooking(v_bookings);
        END IF;
    END IF;

    SELECT array_agg(n.id) INTO v_narrowed FROM before o JOIN after n ON n.id = o.id
    WHERE n.capacity < coalesce(o.capacity, n.capacity + 1);
    IF v_narrowed IS NOT NULL THEN
        PERFORM refuse_overbooking(array(
            SELECT c.booking_id FROM claims c
            WHERE c.environment_id = ANY (v_narrowed) AND c.lane = 'use' AND c.share_key = 0
              AND upper(c.period) > (SELECT min(n.updated_at) FROM after n)));
    END IF;

    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT n.updated_at, 'environment.unavailable', 'BK-' || b.id,
           format('%s is unavailable%s%s: %s from %s to %s', n.key,
                  ' until ' || readable(n.status_until), ' (' || n.status_reason || ')', b.title,
                  readable(b.starts_at), readable(b.ends_at)),
           b.team_id, b.requested_by
    FROM before o JOIN after n ON n.id = o.id
    JOIN claims c ON c.environment_id = n.id AND c.lane = 'use'
     AND c.period && tstzrange(n.updated_at, coalesce(n.status_until, 'infinity'), '[)')
    JOIN bookings b ON b.id = c.booking_id AND b.state IN ('requested', 'confirmed', 'active')
    WHERE n.status = 'unavailable'
      AND (o.status, o.status_until) IS DISTINCT FROM (n.status, n.status_until);

    INSERT INTO line_calls (environment_id)
    SELECT c.id
    FROM (SELECT n.id FROM before o JOIN after n ON n.id = o.id
          WHERE (o.status, o.status_until, o.capacity, o.policy)
                IS DISTINCT FROM (n.status, n.status_until, n.capacity, n.policy)
          UNION SELECT unnest(v_affected)) c (id)
    WHERE EXISTS (SELECT FROM bookings w WHERE w.state IN ('waitlisted', 'displaced'));

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'environment.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;
