-- An approved change window lies in a freeze that it is no exception to. Emergencies go through freezes.
SELECT 'windows-in-freezes' AS "check", 'critical' AS severity, e.key AS environment,
       ARRAY['CW-' || s.window_id, 'CW-' || f.window_id] AS subjects,
       min(greatest(s.starts_at, f.starts_at)) AS starts_at, max(least(s.ends_at, f.ends_at)) AS ends_at,
       format('CW-%s (%s) lies in the freeze CW-%s (%s) at %s UTC', s.window_id, w.title, f.window_id, z.title,
              audit_time(min(greatest(s.starts_at, f.starts_at)))) AS detail,
       o.name AS actor,
       audit_fingerprint('windows-in-freezes', e.key, s.window_id::text, f.window_id::text) AS fingerprint
FROM audit_spans s
JOIN audit_spans f ON f.environment_id = s.environment_id AND f.starts_at < s.ends_at AND f.ends_at > s.starts_at
JOIN change_windows w ON w.id = s.window_id
JOIN change_windows z ON z.id = f.window_id
JOIN environments e ON e.id = s.environment_id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE s.kind = 'change' AND s.state = 'approved' AND NOT s.is_emergency AND s.ends_at > s.created_at
  AND f.kind = 'freeze' AND f.state = 'approved' AND f.ends_at > f.created_at
  AND f.window_id IS DISTINCT FROM s.exception_to
GROUP BY e.key, s.window_id, w.title, f.window_id, z.title, o.name;
