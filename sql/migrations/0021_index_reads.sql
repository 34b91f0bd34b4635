-- Lists, reports and what is forgotten read what they answer. See
-- docs/decisions/0021-a-read-costs-what-it-answers.md, with what each index costs a booking.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- A part of a title or a ticket.
CREATE INDEX bookings_by_text ON bookings
    USING gin (lower(title || ' ' || coalesce(ticket, '')) gin_trgm_ops);
-- Most bookings have none, and then nothing is written.
CREATE INDEX bookings_by_labels ON bookings USING gin (labels jsonb_path_ops) WHERE labels <> '{}';

-- What began, and how long it takes: so that one day is not looked for among all that began in the year before.
-- In the place of the index over the start alone.
CREATE FUNCTION booking_length_step(p_from timestamptz, p_until timestamptz) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_until - p_from <= interval '24 hours' THEN 1
                WHEN p_until - p_from <= interval '240 hours' THEN 2
                WHEN p_until - p_from <= interval '2400 hours' THEN 3
                ELSE 4 END
$$;
CREATE INDEX bookings_by_length ON bookings (booking_length_step(starts_at, ends_at), starts_at);
DROP INDEX bookings_by_start;

-- Whether a booking overlaps a span, as conditions of that index. Cost: those that do, and of each length as many as
-- begin within it before.
CREATE FUNCTION booking_overlaps(
    p_starts timestamptz, p_ends timestamptz, p_from timestamptz, p_until timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT p_ends > p_from
       AND ((booking_length_step(p_starts, p_ends) = 1
             AND p_starts > p_from - interval '24 hours' AND p_starts < p_until)
            OR (booking_length_step(p_starts, p_ends) = 2
                AND p_starts > p_from - interval '240 hours' AND p_starts < p_until)
            OR (booking_length_step(p_starts, p_ends) = 3
                AND p_starts > p_from - interval '2400 hours' AND p_starts < p_until)
            OR (booking_length_step(p_starts, p_ends) = 4
                AND p_starts > p_from - interval '8784 hours' AND p_starts < p_until))
$$;

-- Bookings that hold no claim, of each environment; a booking that is made is not among them.
CREATE INDEX bookings_without_claims_by_environment ON bookings ((environment_ids[1]), starts_at)
    WHERE record_only OR state IN ('rejected', 'cancelled', 'expired', 'displaced');

-- Bookings without claims of these environments that began after `p_after`; of several environments, all.
CREATE FUNCTION bookings_without_claims(p_environments bigint[], p_after timestamptz)
RETURNS TABLE (booking_id bigint)
LANGUAGE sql STABLE AS $$
    SELECT b.id
    FROM unnest(p_environments) e (id)
    CROSS JOIN LATERAL (
        SELECT o.id FROM bookings o
        WHERE o.environment_ids[1] = e.id AND o.starts_at > p_after
          AND (o.record_only OR o.state IN ('rejected', 'cancelled', 'expired', 'displaced'))
        OFFSET 0) b
    UNION ALL
    SELECT b.id
    FROM unnest(p_environments) e (id)
    CROSS JOIN LATERAL (
        SELECT m.id FROM bookings m
        WHERE cardinality(m.environment_ids) > 1 AND m.environment_ids @> ARRAY[e.id]
          AND m.starts_at > p_after
          AND (m.record_only OR m.state IN ('rejected', 'cancelled', 'expired', 'displaced'))
        OFFSET 0) b
$$;

-- When somebody waited, by the time of waiting.
CREATE INDEX booking_versions_in_line_at ON booking_versions USING gist (tstzrange(valid_from, valid_until, '[)'))
    WHERE state IN ('waitlisted', 'displaced');
DROP INDEX booking_versions_in_line;

-- What concerns admins alone.
CREATE INDEX notices_of_nobody ON notices (id) WHERE person IS NULL AND team_id IS NULL;

-- Longer than a booking or a window may be, which only a hand can make.
CREATE INDEX claims_longest ON claims (lower(period)) INCLUDE (environment_id, period, share_key)
    WHERE lane = 'use' AND upper(period) - lower(period) > interval '9600 hours';

-- Those of each length are looked for as far back as they may have begun; the longest no longer from the beginning
-- of time.
CREATE OR REPLACE FUNCTION claims_between(p_from timestamptz, p_until timestamptz, p_most bigint)
RETURNS TABLE (environment_id bigint, period tstzrange, share_key bigint)
LANGUAGE plpgsql STABLE ROWS 10000
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
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
      AND lower(c.period) > p_from - interval '9600 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND upper(c.period) - lower(c.period) > interval '9600 hours'
      AND upper(c.period) > p_from AND lower(c.period) <= p_from - interval '9600 hours'
    LIMIT p_most;
END $$;

-- Removes at most `p_limit` of each kind that has served, and returns the larger number; by one server at a time. Events
-- go in their own order, which is that of time. Those of a database that was restored elsewhere have numbers of
-- transactions still to come.
CREATE FUNCTION forget_served(p_now timestamptz, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_answers bigint;
    v_events bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('berth.forgetting', 0)) THEN
        RETURN 0;
    END IF;
    DELETE FROM idempotency_records WHERE ctid = ANY (array(
        SELECT r.ctid FROM idempotency_records r
        WHERE r.created_at < p_now - interval '25 hours' LIMIT p_limit));
    GET DIAGNOSTICS v_answers = ROW_COUNT;
    DELETE FROM outbox WHERE ctid = ANY (array(
        SELECT u.tid
        FROM ((SELECT o.ctid AS tid, o.at FROM outbox o ORDER BY o.xid, o.id LIMIT p_limit)
              UNION ALL
              (SELECT o.ctid, o.at FROM outbox o
               WHERE o.xid >= pg_snapshot_xmax(pg_current_snapshot()) ORDER BY o.xid, o.id LIMIT p_limit)) u
        WHERE u.at < p_now - interval '7 days'
        LIMIT p_limit));
    GET DIAGNOSTICS v_events = ROW_COUNT;
    RETURN greatest(v_answers, v_events);
END $$;

-- The bookings of what a part is put into are found environment by environment, not among all there are.
CREATE OR REPLACE FUNCTION on_environments_updated() RETURNS trigger
LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
AS $$
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
        SELECT array_agg(u.id) INTO v_bookings
        FROM (
            SELECT b.id FROM unnest(v_affected) a (id)
            CROSS JOIN LATERAL (
                SELECT f.id FROM bookings f
                WHERE f.environment_ids[1] = a.id AND f.state IN ('requested', 'confirmed', 'active')
                OFFSET 0) b
            UNION
            SELECT b.id FROM unnest(v_affected) a (id)
            CROSS JOIN LATERAL (
                SELECT m.id FROM bookings m
                WHERE cardinality(m.environment_ids) > 1 AND m.environment_ids @> ARRAY[a.id]
                  AND m.state IN ('requested', 'confirmed', 'active')
                OFFSET 0) b
            UNION
            -- An undecided edit also holds what its approved version names.
            SELECT b.id FROM bookings b
            JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
            WHERE b.state = 'requested' AND b.approved_version IS NOT NULL
              AND v.environment_ids && v_affected) u;
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

-- Each look-up of another's claim is by environment and period. Those that come together are put in order of time
-- first: only one that begins before an earlier one ends is compared with the others.
CREATE OR REPLACE FUNCTION clashes(p_bookings bigint[])
RETURNS TABLE (environment_id bigint, booking_id bigint, other_id bigint, window_id bigint, period tstzrange)
LANGUAGE sql STABLE AS $$
    WITH implied AS MATERIALIZED (
        SELECT d.booking_id, d.environment_id, d.period, d.share_key FROM derive_claims(p_bookings) d),
    later AS MATERIALIZED (
        SELECT i.booking_id, i.environment_id, i.period, i.share_key
        FROM (
            SELECT n.booking_id, n.environment_id, n.period, n.share_key,
                   max(upper(n.period)) OVER earlier AS taken_until,
                   max(upper(n.period)) FILTER (WHERE n.share_key <> 0) OVER earlier AS alone_until
            FROM implied n
            WINDOW earlier AS (
                PARTITION BY n.environment_id ORDER BY lower(n.period), n.booking_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) i
        WHERE lower(i.period) < CASE i.share_key WHEN 0 THEN i.alone_until ELSE i.taken_until END)
    SELECT mine.environment_id, mine.booking_id, other.booking_id, other.window_id, other.period
    FROM implied mine
    CROSS JOIN LATERAL (
        SELECT c.booking_id, c.window_id, c.period FROM claims c
        WHERE c.environment_id = mine.environment_id AND c.lane = 'use' AND c.period && mine.period
          AND c.share_key <> mine.share_key
        OFFSET 0) other
    WHERE other.booking_id IS NULL OR other.booking_id <> ALL (p_bookings)
    UNION
    SELECT l.environment_id, least(l.booking_id, o.booking_id), greatest(l.booking_id, o.booking_id), NULL,
           CASE WHEN l.booking_id > o.booking_id THEN l.period ELSE o.period END
    FROM later l
    JOIN implied o ON o.environment_id = l.environment_id AND o.period && l.period
     AND o.share_key <> l.share_key AND o.booking_id <> l.booking_id
$$;
