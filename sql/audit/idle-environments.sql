-- Nobody booked an environment, nor anything that contains it, for `idle_weeks` (8), and nobody has booked it ahead.
SELECT 'idle-environments' AS "check", 'info' AS severity, e.key AS environment, '{}'::text[] AS subjects,
       u.until AS starts_at, NULL::timestamptz AS ends_at,
       CASE WHEN u.until IS NULL THEN format('nobody has booked it since it was made, at %s UTC', audit_time(e.created_at))
            ELSE format('nobody has booked it since %s UTC', audit_time(u.until)) END AS detail,
       o.name AS actor, audit_fingerprint('idle-environments', e.key) AS fingerprint
FROM environments e
LEFT JOIN (SELECT h.environment_id, max(h.taken_until) AS until FROM audit_holdings h GROUP BY h.environment_id) u
  ON u.environment_id = e.id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE e.status <> 'retired'
  AND greatest(e.created_at, coalesce(u.until, '-infinity'))
      < audit_at() - make_interval(weeks => audit_setting('idle_weeks', 8)::integer);
