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

-- Bookings that overlap a span. Cost: those, and of each length as many as begin within it before.
CREATE FUNCTION bookings_between(p_from timestamptz, p_until timestamptz) RETURNS SETOF bookings
LANGUAGE sql STABLE AS $$
    SELECT b.* FROM bookings b
    WHERE booking_length_step(b.starts_at, b.ends_at) = 1 AND b.ends_at > p_from
      AND b.starts_at > p_from - interval '24 hours' AND b.starts_at < p_until
    UNION ALL
    SELECT b.* FROM bookings b
    WHERE booking_length_step(b.starts_at, b.ends_at) = 2 AND b.ends_at > p_from
      AND b.starts_at > p_from - interval '240 hours' AND b.starts_at < p_until
    UNION ALL
    SELECT b.* FROM bookings b
    WHERE booking_length_step(b.starts_at, b.ends_at) = 3 AND b.ends_at > p_from
      AND b.starts_at > p_from - interval '2400 hours' AND b.starts_at < p_until
    UNION ALL
    SELECT b.* FROM bookings b
    WHERE booking_length_step(b.starts_at, b.ends_at) = 4 AND b.ends_at > p_from
      AND b.starts_at > p_from - interval '8784 hours' AND b.starts_at < p_until
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
