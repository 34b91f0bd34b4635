-- A request, a place in line or a lease whose time is over still stands: the clockwork should have ended it. A
-- minute is left to it.
SELECT 'overdue-holds' AS "check", 'critical' AS severity, e.key AS environment, ARRAY['BK-' || d.id] AS subjects,
       d.starts_at, d.ends_at,
       format('BK-%s of %s is still %s, and its %s ended at %s UTC', d.id, t.name, d.state, d.what,
              audit_time(d.due_at)) AS detail,
       NULL::text AS actor, audit_fingerprint('overdue-holds', d.id::text, d.what) AS fingerprint
FROM (SELECT b.id, b.state::text AS state, b.environment_ids, b.team_id, b.starts_at, b.ends_at, 'hold' AS what,
             coalesce(b.hold_expires_at, b.ends_at) AS due_at
      FROM bookings b WHERE b.state = 'requested'
      UNION ALL
      SELECT b.id, b.state::text, b.environment_ids, b.team_id, b.starts_at, b.ends_at, 'wait', b.wait_until
      FROM bookings b WHERE b.state IN ('waitlisted', 'displaced')
      UNION ALL
      SELECT b.id, b.state::text, b.environment_ids, b.team_id, b.starts_at, b.ends_at, 'lease', b.lease_expires_at
      FROM bookings b WHERE b.state IN ('confirmed', 'active') AND b.lease_expires_at < b.ends_at) d
LEFT JOIN environments e ON e.id = d.environment_ids[1]
LEFT JOIN teams t ON t.id = d.team_id
WHERE d.due_at < (SELECT audit_at() - interval '1 minute');
