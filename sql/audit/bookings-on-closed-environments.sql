-- A booking that is still to end holds an environment that is unavailable at its time, or retired, or contains one.
SELECT 'bookings-on-closed-environments' AS "check", 'warning' AS severity, e.key AS environment,
       ARRAY['BK-' || h.booking_id] AS subjects, min(h.taken_from) AS starts_at, max(h.taken_until) AS ends_at,
       format('BK-%s of %s holds it from %s UTC, and it is %s%s', h.booking_id, t.name,
              audit_time(min(h.taken_from)), e.status,
              CASE WHEN e.status = 'unavailable' AND e.status_until IS NOT NULL
                   THEN ' until ' || audit_time(e.status_until) || ' UTC' ELSE '' END) AS detail,
       t.name AS actor,
       audit_fingerprint('bookings-on-closed-environments', e.key, h.booking_id::text) AS fingerprint
FROM environments e
JOIN audit_holdings h ON h.environment_id = e.id
LEFT JOIN teams t ON t.id = h.team_id
WHERE h.state IN ('requested', 'confirmed', 'active') AND h.taken_until > (SELECT audit_at())
  AND (e.status = 'retired'
       OR (e.status = 'unavailable'
           AND coalesce(e.status_until, 'infinity') > greatest(h.taken_from, (SELECT audit_at()))))
GROUP BY e.key, e.status, e.status_until, h.booking_id, t.name;
