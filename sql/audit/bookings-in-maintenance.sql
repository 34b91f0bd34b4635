-- A booking holds an environment, or one that it contains, while an approved maintenance keeps everybody out.
WITH maintenance AS MATERIALIZED (
    SELECT s.window_id, s.environment_id, s.starts_at, s.ends_at FROM audit_spans s
    WHERE s.kind = 'maintenance' AND s.state = 'approved' AND s.ends_at > s.created_at)
SELECT 'bookings-in-maintenance' AS "check", 'critical' AS severity, e.key AS environment,
       ARRAY['BK-' || h.booking_id, 'CW-' || s.window_id] AS subjects,
       min(greatest(h.taken_from, s.starts_at)) AS starts_at, max(least(h.taken_until, s.ends_at)) AS ends_at,
       format('BK-%s of %s is in the maintenance CW-%s (%s) at %s UTC', h.booking_id, t.name, s.window_id, w.title,
              audit_time(min(greatest(h.taken_from, s.starts_at)))) AS detail,
       o.name AS actor,
       audit_fingerprint('bookings-in-maintenance', e.key, h.booking_id::text, s.window_id::text) AS fingerprint
FROM maintenance s
JOIN (SELECT h.booking_id, h.team_id, h.environment_id, h.taken_from, h.taken_until
      FROM audit_holdings h
      WHERE h.is_judged AND EXISTS (SELECT FROM maintenance)
        AND h.taken_until > (SELECT min(m.starts_at) FROM maintenance m)) h
  ON h.environment_id = s.environment_id AND h.taken_from < s.ends_at AND h.taken_until > s.starts_at
JOIN change_windows w ON w.id = s.window_id
JOIN environments e ON e.id = s.environment_id
LEFT JOIN teams t ON t.id = h.team_id
LEFT JOIN teams o ON o.id = e.owner_team_id
GROUP BY e.key, h.booking_id, t.name, s.window_id, w.title, o.name;
