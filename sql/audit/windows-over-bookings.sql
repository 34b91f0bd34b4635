-- A change window lies ahead over another team's booking: somebody will change what somebody else tests.
SELECT 'windows-over-bookings' AS "check", 'warning' AS severity, e.key AS environment,
       ARRAY['CW-' || s.window_id, 'BK-' || h.booking_id] AS subjects,
       min(greatest(s.starts_at, h.taken_from)) AS starts_at, max(least(s.ends_at, h.taken_until)) AS ends_at,
       format('CW-%s (%s)%s%s lies over BK-%s of %s at %s UTC', s.window_id, w.title, ' of ' || p.name,
              CASE s.state WHEN 'requested' THEN ', not yet approved,' ELSE '' END, h.booking_id, t.name,
              audit_time(min(greatest(s.starts_at, h.taken_from)))) AS detail,
       o.name AS actor,
       audit_fingerprint('windows-over-bookings', e.key, s.window_id::text, h.booking_id::text) AS fingerprint
FROM (SELECT s.window_id, s.environment_id, s.state, s.team_id, s.starts_at, s.ends_at FROM audit_spans s
      WHERE s.kind = 'change' AND s.ends_at > (SELECT audit_at())) s
JOIN audit_holdings h ON h.environment_id = s.environment_id AND h.taken_from < s.ends_at
                     AND h.taken_until > s.starts_at
JOIN change_windows w ON w.id = s.window_id
JOIN environments e ON e.id = s.environment_id
LEFT JOIN teams p ON p.id = s.team_id
LEFT JOIN teams t ON t.id = h.team_id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE h.state IN ('requested', 'confirmed', 'active')
  AND s.team_id IS DISTINCT FROM h.team_id
  AND h.taken_until > (SELECT audit_at())
GROUP BY e.key, s.window_id, s.state, w.title, p.name, h.booking_id, t.name, o.name;
