-- Teams asked for more than there was: in the last `contention_days` (7), requests for `contention_hours` (24) or
-- more were refused, or stand in line now.
WITH asked AS (
    SELECT r.environment_id, r.minutes / 60.0 AS refused, 0.0 AS waiting
    FROM refusals r
    WHERE r.day > ((SELECT audit_at()) AT TIME ZONE 'UTC')::date - audit_setting('contention_days', 7)::integer
      AND r.day <= ((SELECT audit_at()) AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT n.id, 0.0, extract(epoch FROM w.ends_at - w.starts_at) / 3600.0
    FROM bookings w CROSS JOIN unnest(w.environment_ids) n (id)
    WHERE w.state IN ('waitlisted', 'displaced') AND w.wait_until > (SELECT audit_at()))
SELECT 'contention' AS "check", 'info' AS severity, e.key AS environment, '{}'::text[] AS subjects,
       NULL::timestamptz AS starts_at, NULL::timestamptz AS ends_at,
       format('requests for %s hours were refused in the last %s days, and for %s hours wait now',
              trim_scale(round(sum(a.refused), 1)), audit_setting('contention_days', 7),
              trim_scale(round(sum(a.waiting), 1))) AS detail,
       o.name AS actor, audit_fingerprint('contention', e.key) AS fingerprint
FROM asked a
JOIN environments e ON e.id = a.environment_id
LEFT JOIN teams o ON o.id = e.owner_team_id
GROUP BY e.key, o.name
HAVING sum(a.refused) + sum(a.waiting) >= audit_setting('contention_hours', 24);
