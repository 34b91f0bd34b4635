-- Somebody waits in line for a time that is free: nobody holds it, nothing is in maintenance, all of it is open,
-- and neither capacity nor a quota stands in the way. The clockwork serves within seconds; after a minute
-- something is wrong. Who takes any that match is served when enough of those are free.
WITH waiting AS MATERIALIZED (
    SELECT w.id, w.team_id, w.mode::text AS mode, w.created_at, c.environment_id, c.least, s.starts_at, s.ends_at,
           s.starts_at - make_interval(mins => u.setup) AS taken_from,
           s.ends_at + make_interval(mins => u.teardown) AS taken_until
    FROM bookings w
    CROSS JOIN LATERAL (
        SELECT n.id, cardinality(w.environment_ids), w.environment_ids
        FROM unnest(w.environment_ids) n (id) WHERE w.select_labels IS NULL
        UNION ALL
        SELECT e.id, w.select_count, ARRAY[e.id]
        FROM environments e LEFT JOIN teams t ON t.id = e.owner_team_id
        WHERE e.labels @> (w.select_labels - ARRAY['tier', 'owner', 'status'])
          AND coalesce(w.select_labels ->> 'tier', e.tier) = e.tier
          AND coalesce(w.select_labels ->> 'status', e.status) = e.status
          AND (w.select_labels ->> 'owner' IS NULL OR w.select_labels ->> 'owner' = t.name))
        c (environment_id, least, together)
    CROSS JOIN LATERAL (
        SELECT coalesce(max(e.setup_minutes), 0) AS setup, coalesce(max(e.teardown_minutes), 0) AS teardown
        FROM audit_reach r JOIN environments e ON e.id = r.part_id
        WHERE r.environment_id = ANY (c.together)) u
    CROSS JOIN LATERAL (
        SELECT CASE WHEN w.starts_when_free OR w.starts_at < (SELECT audit_at())
                    THEN (SELECT audit_at()) + make_interval(mins => u.setup) ELSE w.starts_at END,
               CASE WHEN w.starts_when_free
                    THEN (SELECT audit_at()) + make_interval(mins => u.setup) + (w.ends_at - w.starts_at)
                    ELSE w.ends_at END) s (starts_at, ends_at)
    WHERE w.state IN ('waitlisted', 'displaced') AND w.wait_until > (SELECT audit_at())
      AND w.updated_at < (SELECT audit_at() - interval '1 minute') AND s.starts_at < s.ends_at),
needed AS MATERIALIZED (
    SELECT w.id, w.environment_id AS named_id, w.taken_from, w.taken_until, r.part_id, e.capacity,
           CASE w.mode WHEN 'exclusive' THEN r.exclusive_if_exclusive ELSE r.exclusive_if_shared END AS is_exclusive
    FROM waiting w
    JOIN audit_reach r ON r.environment_id = w.environment_id
    JOIN environments e ON e.id = r.part_id),
met AS MATERIALIZED (
    SELECT n.id, n.named_id, n.part_id, n.capacity, n.is_exclusive OR h.is_exclusive AS is_excluded,
           greatest(h.taken_from, n.taken_from) AS taken_from, h.taken_until, h.booking_id
    FROM needed n
    -- Read only when anybody waits.
    JOIN (SELECT h.booking_id, h.environment_id, h.taken_from, h.taken_until, h.is_exclusive
          FROM audit_holdings h
          WHERE EXISTS (SELECT FROM needed) AND h.taken_until > (SELECT min(l.taken_from) FROM needed l)) h
      ON h.environment_id = n.part_id AND h.taken_from < n.taken_until AND h.taken_until > n.taken_from),
kept_out AS (
    SELECT m.id, m.named_id FROM met m WHERE m.is_excluded
    UNION
    SELECT m.id, m.named_id
    FROM met m
    JOIN met o ON o.id = m.id AND o.named_id = m.named_id AND o.part_id = m.part_id
              AND o.taken_from <= m.taken_from AND o.taken_until > m.taken_from
    GROUP BY m.id, m.named_id, m.part_id, m.capacity, m.taken_from
    HAVING count(DISTINCT o.booking_id) >= m.capacity
    UNION
    SELECT n.id, n.named_id
    FROM needed n
    JOIN audit_spans s ON s.environment_id = n.part_id AND s.starts_at < n.taken_until AND s.ends_at > n.taken_from
    WHERE s.kind = 'maintenance' AND s.state = 'approved' AND s.ends_at > s.created_at
    UNION
    SELECT w.id, w.environment_id
    FROM waiting w
    JOIN environments e ON e.id = w.environment_id
    WHERE e.status = 'retired'
       OR (e.status = 'unavailable' AND coalesce(e.status_until, 'infinity') > w.starts_at)
       OR extract(epoch FROM w.ends_at - w.starts_at) / 3600 > (e.policy ->> 'maxHours')::numeric
       OR w.starts_at < (SELECT audit_at()) + make_interval(mins => (e.policy ->> 'minLeadMinutes')::integer)
       OR w.starts_at > (SELECT audit_at()) + make_interval(days => (e.policy ->> 'horizonDays')::integer)
       OR NOT audit_open_hours(e.policy, e.time_zone, tstzrange(w.starts_at, w.ends_at, '[)'))
              @> tstzrange(w.starts_at, w.ends_at, '[)')
    UNION
    SELECT w.id, w.environment_id
    FROM waiting w
    JOIN environments e ON e.id = w.environment_id AND e.policy ? 'teamHoursPerWeek'
    CROSS JOIN LATERAL generate_series(
        date_trunc('week', w.starts_at AT TIME ZONE e.time_zone),
        (w.ends_at - interval '1 second') AT TIME ZONE e.time_zone, interval '7 days') l (monday)
    CROSS JOIN LATERAL (
        SELECT l.monday AT TIME ZONE e.time_zone, (l.monday + interval '7 days') AT TIME ZONE e.time_zone)
        k (starts_at, ends_at)
    WHERE (e.policy ->> 'teamHoursPerWeek')::numeric
          < extract(epoch FROM least(w.ends_at, k.ends_at) - greatest(w.starts_at, k.starts_at)) / 3600
            + coalesce((
                SELECT sum(extract(epoch FROM least(coalesce(b.released_at, b.ends_at), k.ends_at)
                                              - greatest(b.starts_at, k.starts_at))) / 3600
                FROM bookings b
                WHERE b.team_id = w.team_id AND e.id = ANY (b.environment_ids) AND NOT b.record_only
                  AND (b.state IN ('requested', 'confirmed', 'active', 'completed') OR b.released_at IS NOT NULL)
                  AND b.starts_at < k.ends_at AND coalesce(b.released_at, b.ends_at) > k.starts_at), 0)
    UNION
    SELECT w.id, w.environment_id
    FROM waiting w
    JOIN environments e ON e.id = w.environment_id AND e.policy ? 'teamBookingsAtOnce'
    CROSS JOIN LATERAL (
        SELECT w.starts_at
        UNION
        SELECT b.starts_at FROM bookings b
        WHERE b.team_id = w.team_id AND b.state IN ('requested', 'confirmed', 'active')
          AND b.starts_at > w.starts_at AND b.starts_at < w.ends_at) x (at)
    WHERE (e.policy ->> 'teamBookingsAtOnce')::bigint <= (
        SELECT count(DISTINCT b.id)
        FROM bookings b
        CROSS JOIN unnest(b.environment_ids) p (id)
        JOIN environments l ON l.id = p.id AND l.policy ? 'teamBookingsAtOnce'
        WHERE b.team_id = w.team_id AND b.state IN ('requested', 'confirmed', 'active')
          AND b.starts_at <= x.at AND b.ends_at > x.at))
SELECT 'waiters-to-serve' AS "check", 'critical' AS severity, min(e.key) AS environment,
       ARRAY['BK-' || w.id] AS subjects, min(w.starts_at) AS starts_at, max(w.ends_at) AS ends_at,
       format('BK-%s of %s waits since %s UTC for a time that is free', w.id, t.name, audit_time(w.created_at))
           AS detail,
       NULL::text AS actor, audit_fingerprint('waiters-to-serve', w.id::text) AS fingerprint
FROM waiting w
JOIN environments e ON e.id = w.environment_id
LEFT JOIN teams t ON t.id = w.team_id
WHERE (w.id, w.environment_id) NOT IN (SELECT k.id, k.named_id FROM kept_out k)
GROUP BY w.id, w.least, w.created_at, t.name
HAVING count(*) >= w.least;
