-- A booking holds an environment, or one that it contains, while an approved maintenance keeps everybody out.
SELECT 'bookings-in-maintenance' AS "check", 'critical' AS severity, e.key AS environment,
       ARRAY['BK-' || h.booking_id, 'CW-' || s.window_id] AS subjects,
       min(greatest(h.taken_from, s.starts_at)) AS starts_at, max(least(h.taken_until, s.ends_at)) AS ends_at,
       format('BK-%s of %s is in the maintenance CW-%s (%s) at %s UTC', h.booking_id, t.name, s.window_id, w.title,
              audit_time(min(greatest(h.taken_from, s.starts_at)))) AS detail,
       o.name AS actor,
       audit_fingerprint('bookings-in-maintenance', e.key, h.booking_id::text, s.window_id::text) AS fingerprint
FROM audit_spans s
JOIN audit_holdings h ON h.environment_id = s.environment_id AND h.taken_from < s.ends_at
                     AND h.taken_until > s.starts_at
JOIN change_windows w ON w.id = s.window_id
JOIN environments e ON e.id = s.environment_id
LEFT JOIN teams t ON t.id = h.team_id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE s.kind = 'maintenance' AND s.state = 'approved' AND s.ends_at > s.created_at
GROUP BY e.key, h.booking_id, t.name, s.window_id, w.title, o.name;
