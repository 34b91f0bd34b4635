-- One notice for a series; nobody asked twice for the same approval; environments named, with times on their clocks.

-- Where and when, as people read it in a notice: by the clock of the first environment.
CREATE FUNCTION place_and_time(p_environments bigint[], p_from timestamptz, p_until timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT format('%s, %s to %s %s',
                  (SELECT string_agg(n.key, ', ' ORDER BY n.key) FROM environments n
                   WHERE n.id = ANY (p_environments)),
                  to_char(p_from AT TIME ZONE e.time_zone, 'YYYY-MM-DD HH24:MI'),
                  to_char(p_until AT TIME ZONE e.time_zone, 'YYYY-MM-DD HH24:MI'), e.time_zone)
    FROM environments e WHERE e.id = p_environments[1]
$$;

-- Asks the owners of some environments of some bookings, pair by pair, for their approval: once a series.
CREATE FUNCTION ask_owners(p_bookings bigint[], p_environments text[], p_now timestamptz) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
    INSERT INTO notices (at, kind, subject, text, team_id)
    SELECT p_now, 'booking.requested',
           CASE WHEN g.count > 1 THEN 'SR-' || g.series_id ELSE 'BK-' || g.first_id END,
           format('%s%s asks for %s: %s',
                  CASE WHEN g.count > 1 THEN format('%s of SR-%s: ', g.count, g.series_id) END,
                  b.requested_by, place_and_time(b.environment_ids, b.starts_at, b.ends_at), b.title),
           g.team_id
    FROM (
        SELECT b.series_id, t.id AS team_id, count(DISTINCT b.id) AS count,
               (array_agg(b.id ORDER BY b.starts_at, b.id))[1] AS first_id
        FROM unnest(p_bookings, p_environments) w (id, environment)
        JOIN bookings b ON b.id = w.id
        CROSS JOIN jsonb_to_recordset(b.approvals) a (environment text, "ownerTeam" text)
        LEFT JOIN teams t ON t.name = a."ownerTeam"
        WHERE a.environment = w.environment
        GROUP BY b.series_id, CASE WHEN b.series_id IS NULL THEN b.id END, t.id) g
    JOIN bookings b ON b.id = g.first_id
$$;

-- Asks all whose approval these bookings wait for.
DROP FUNCTION ask_for_approval(bigint[], timestamptz);
CREATE FUNCTION ask_for_approval(p_bookings bigint[], p_now timestamptz) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
    SELECT ask_owners(array_agg(b.id), array_agg(a.environment), p_now)
    FROM bookings b CROSS JOIN jsonb_to_recordset(b.approvals) a (environment text, state text)
    WHERE b.id = ANY (p_bookings) AND b.state = 'requested' AND a.state = 'pending'
    HAVING count(*) > 0
$$;

-- Makes one notice a series of those that one decision has written after a number about some bookings.
CREATE FUNCTION gather_notices(p_bookings bigint[], p_after bigint, p_now timestamptz) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
    WITH told AS MATERIALIZED (
        SELECT n.id, n.kind, n.text, n.team_id, n.person, b.series_id
        FROM notices n JOIN bookings b ON n.subject = 'BK-' || b.id
        WHERE n.id > p_after AND n.at = p_now AND b.id = ANY (p_bookings) AND b.series_id IS NOT NULL),
    gathered AS MATERIALIZED (
        SELECT t.series_id, t.kind, t.team_id, t.person, array_agg(t.id) AS ids,
               (array_agg(t.text ORDER BY t.id))[1] AS text
        FROM told t GROUP BY t.series_id, t.kind, t.team_id, t.person HAVING count(*) > 1),
    gone AS (DELETE FROM notices n USING gathered g WHERE n.id = ANY (g.ids))
    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT p_now, g.kind, 'SR-' || g.series_id,
           format('%s of SR-%s: %s', cardinality(g.ids), g.series_id, g.text), g.team_id, g.person
    FROM gathered g
$$;

-- A changed booking: the version it leaves behind, its claims where the change bears on them, and the word to
-- its team where it was moved to another state.
CREATE OR REPLACE FUNCTION on_bookings_updated() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
           format('%s %s: %s%s', n.title, k.words[2],
                  place_and_time(n.environment_ids, n.starts_at, n.ends_at),
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
    -- Who was asked already is not asked again because another owner has answered.
    PERFORM ask_owners(array_agg(n.id), array_agg(a.environment), max(n.updated_at))
    FROM before o JOIN after n ON n.id = o.id
    CROSS JOIN jsonb_to_recordset(n.approvals) a (environment text, state text)
    WHERE n.state = 'requested' AND a.state = 'pending'
      AND NOT (o.state = 'requested' AND o.approvals @> jsonb_build_array(
                   jsonb_build_object('environment', a.environment, 'state', 'pending')))
    HAVING count(*) > 0;

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'booking.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;
