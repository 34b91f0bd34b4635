-- A booking or a window begins within `undecided_hours` (24), and nobody has said yes or no.
SELECT 'undecided-requests' AS "check", 'warning' AS severity, e.key AS environment, ARRAY[u.subject] AS subjects,
       u.starts_at, u.ends_at,
       format('%s of %s (%s) begins at %s UTC, and nobody has decided', u.subject, u.asked_by, left(u.title, 80),
              audit_time(u.starts_at)) AS detail,
       o.name AS actor, audit_fingerprint('undecided-requests', u.subject, e.key) AS fingerprint
FROM (SELECT 'BK-' || b.id AS subject, n.id AS environment_id, b.starts_at, b.ends_at, b.title, t.name AS asked_by
      FROM bookings b
      LEFT JOIN teams t ON t.id = b.team_id
      CROSS JOIN unnest(b.environment_ids) n (id)
      WHERE b.state = 'requested' AND coalesce(b.hold_expires_at, b.ends_at) > (SELECT audit_at())
      UNION ALL
      SELECT 'CW-' || s.window_id, s.environment_id, min(s.starts_at), min(s.ends_at), w.title, w.requested_by
      FROM audit_spans s JOIN change_windows w ON w.id = s.window_id
      WHERE s.state = 'requested' AND s.ends_at > (SELECT audit_at())
      GROUP BY s.window_id, s.environment_id, w.title, w.requested_by) u
JOIN environments e ON e.id = u.environment_id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE u.starts_at < (SELECT audit_at() + make_interval(hours => audit_setting('undecided_hours', 24)::integer))
  AND u.ends_at > (SELECT audit_at());
