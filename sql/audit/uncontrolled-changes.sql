-- A change that nothing allowed, and that nobody has reviewed. What an inventory saw is told by unexplained-drift.
SELECT 'uncontrolled-changes' AS "check", CASE WHEN c.approved_late THEN 'info' ELSE 'warning' END AS severity,
       e.key AS environment, ARRAY[c.change_id::text] AS subjects, c.occurred_at AS starts_at,
       NULL::timestamptz AS ends_at,
       format('%s by %s%s at %s UTC: %s (%s%s)', c.kind, c.actor, ' of ' || t.name, audit_time(c.occurred_at),
              left(c.summary, 120), array_to_string(c.reasons, ', '),
              CASE WHEN c.approved_late THEN '; a window was approved afterwards' ELSE '' END) AS detail,
       o.name AS actor, audit_fingerprint('uncontrolled-changes', c.change_id::text) AS fingerprint
FROM audit_changes c
JOIN environments e ON e.id = c.environment_id
LEFT JOIN teams t ON t.id = c.team_id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE c.control = 'uncontrolled' AND c.review IS NULL AND c.source <> 'inventory'
  AND c.recorded_at <= (SELECT audit_at())
  AND c.occurred_at > (SELECT audit_at() - make_interval(days => audit_setting('change_days', 30)::integer));
