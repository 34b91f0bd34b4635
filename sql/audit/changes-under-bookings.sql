-- A change hit an environment while another team had booked it: its holder may have tested something else than he
-- believes. Told for `change_days` (30), until somebody reviews it.
SELECT 'changes-under-bookings' AS "check", 'warning' AS severity, e.key AS environment,
       ARRAY[c.change_id::text] || array(SELECT 'BK-' || b FROM unnest(c.bookings_hit) b LIMIT 19) AS subjects,
       c.occurred_at AS starts_at, NULL::timestamptz AS ends_at,
       format('%s by %s%s at %s UTC hit %s: %s', c.kind, c.actor, ' of ' || t.name, audit_time(c.occurred_at),
              (SELECT string_agg('BK-' || b, ', ') FROM unnest(c.bookings_hit[:5]) b), left(c.summary, 120))
           AS detail,
       o.name AS actor, audit_fingerprint('changes-under-bookings', c.change_id::text) AS fingerprint
FROM audit_changes c
JOIN environments e ON e.id = c.environment_id
LEFT JOIN teams t ON t.id = c.team_id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE 'others-booking' = ANY (c.reasons) AND c.review IS NULL AND c.recorded_at <= (SELECT audit_at())
  AND c.occurred_at > (SELECT audit_at() - make_interval(days => audit_setting('change_days', 30)::integer));
