-- A booking that is still to end breaks a rule that its environment has now: it is too long, too far ahead, at
-- hours at which the environment is closed, or its team has more than it may. Rules are not retroactive: what was
-- booked before a rule stays, and somebody has to decide about it.
WITH ahead AS MATERIALIZED (
    SELECT b.id, b.team_id, b.starts_at, b.ends_at, n.id AS environment_id, e.key, e.policy, e.time_zone,
           e.owner_team_id
    FROM bookings b
    CROSS JOIN unnest(b.environment_ids) n (id)
    JOIN environments e ON e.id = n.id
    WHERE b.state IN ('requested', 'confirmed', 'active') AND b.ends_at > (SELECT audit_at()) AND e.policy <> '{}'),
weeks AS (
    SELECT a.environment_id, a.key, a.owner_team_id, b.team_id, a.policy,
           k.monday AT TIME ZONE a.time_zone AS starts_at,
           (k.monday + interval '7 days') AT TIME ZONE a.time_zone AS ends_at
    FROM ahead a
    JOIN bookings b ON b.id = a.id
    CROSS JOIN LATERAL generate_series(
        date_trunc('week', a.starts_at AT TIME ZONE a.time_zone),
        (a.ends_at - interval '1 second') AT TIME ZONE a.time_zone, interval '7 days') k (monday)
    WHERE a.policy ? 'teamHoursPerWeek'
    GROUP BY 1, 2, 3, 4, 5, 6, 7),
hours AS (
    SELECT w.environment_id, w.key, w.owner_team_id, w.team_id, w.starts_at, w.ends_at,
           (w.policy ->> 'teamHoursPerWeek')::numeric AS most,
           sum(extract(epoch FROM least(coalesce(b.released_at, b.ends_at), w.ends_at)
                                  - greatest(b.starts_at, w.starts_at))) / 3600 AS used,
           array_agg('BK-' || b.id ORDER BY b.id) AS subjects
    FROM weeks w
    JOIN bookings b ON b.team_id = w.team_id AND w.environment_id = ANY (b.environment_ids)
     AND b.starts_at < w.ends_at AND coalesce(b.released_at, b.ends_at) > w.starts_at
     AND (b.state IN ('requested', 'confirmed', 'active', 'completed') OR b.released_at IS NOT NULL)
     AND NOT b.record_only
    GROUP BY 1, 2, 3, 4, 5, 6, 7),
crowds AS (
    SELECT a.environment_id, a.key, a.owner_team_id, a.team_id, a.id, a.starts_at, a.ends_at,
           (a.policy ->> 'teamBookingsAtOnce')::bigint AS most,
           (SELECT array_agg(DISTINCT o.id ORDER BY o.id) FROM ahead o
            WHERE o.team_id = a.team_id AND o.policy ? 'teamBookingsAtOnce'
              AND o.starts_at <= a.starts_at AND o.ends_at > a.starts_at) AS together
    FROM ahead a WHERE a.policy ? 'teamBookingsAtOnce'),
broken AS (
    SELECT a.key, a.owner_team_id, 'maxHours' AS rule, ARRAY['BK-' || a.id] AS subjects, a.starts_at, a.ends_at,
           format('BK-%s takes %s hours, and %s may be', a.id,
                  trim_scale(round(extract(epoch FROM a.ends_at - a.starts_at) / 3600, 1)),
                  a.policy ->> 'maxHours') AS detail,
           'BK-' || a.id AS about
    FROM ahead a
    WHERE extract(epoch FROM a.ends_at - a.starts_at) / 3600 > (a.policy ->> 'maxHours')::numeric
    UNION ALL
    SELECT a.key, a.owner_team_id, 'horizonDays', ARRAY['BK-' || a.id], a.starts_at, a.ends_at,
           format('BK-%s begins in %s days, and at most %s ahead may be booked', a.id,
                  ceil(extract(epoch FROM a.starts_at - (SELECT audit_at())) / 86400), a.policy ->> 'horizonDays'),
           'BK-' || a.id
    FROM ahead a
    WHERE a.starts_at > (SELECT audit_at()) + make_interval(days => (a.policy ->> 'horizonDays')::integer)
    UNION ALL
    SELECT a.key, a.owner_team_id, 'openingHours', ARRAY['BK-' || a.id], a.starts_at, a.ends_at,
           format('BK-%s holds it at %s UTC, when it is closed', a.id, audit_time(lower(c.closed))), 'BK-' || a.id
    FROM ahead a
    CROSS JOIN LATERAL (
        SELECT tstzmultirange(tstzrange(a.starts_at, a.ends_at, '[)'))
               - audit_open_hours(a.policy, a.time_zone, tstzrange(a.starts_at, a.ends_at, '[)')) AS closed) c
    WHERE jsonb_array_length(a.policy -> 'openingHours') > 0 AND NOT isempty(c.closed)
    UNION ALL
    SELECT h.key, h.owner_team_id, 'teamHoursPerWeek', h.subjects, h.starts_at, h.ends_at,
           format('%s has %s hours in the week from %s, and %s may be', t.name, trim_scale(round(h.used, 1)),
                  to_char(h.starts_at, 'YYYY-MM-DD'), h.most),
           t.name || to_char(h.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    FROM hours h JOIN teams t ON t.id = h.team_id
    WHERE h.used > h.most
    UNION ALL
    SELECT c.key, c.owner_team_id, 'teamBookingsAtOnce',
           array(SELECT 'BK-' || i FROM unnest(c.together) i), c.starts_at, c.ends_at,
           format('%s has %s bookings at %s UTC, and %s at once may be', t.name, cardinality(c.together),
                  audit_time(c.starts_at), c.most),
           'BK-' || c.id
    FROM crowds c JOIN teams t ON t.id = c.team_id
    WHERE cardinality(c.together) > c.most)
SELECT 'outside-policy' AS "check", 'warning' AS severity, b.key AS environment, b.subjects, b.starts_at, b.ends_at,
       format('%s (%s)', b.detail, b.rule) AS detail, o.name AS actor,
       audit_fingerprint('outside-policy', b.key, b.rule, b.about) AS fingerprint
FROM broken b
LEFT JOIN teams o ON o.id = b.owner_team_id;
