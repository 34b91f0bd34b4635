-- An emergency went through, and nobody has reviewed it.
SELECT 'unreviewed-emergencies' AS "check", 'warning' AS severity, e.key AS environment,
       ARRAY[c.change_id::text] AS subjects, c.occurred_at AS starts_at, NULL::timestamptz AS ends_at,
       format('%s by %s%s at %s UTC: %s', c.kind, c.actor, ' of ' || t.name, audit_time(c.occurred_at),
              left(c.summary, 120)) AS detail,
       o.name AS actor, audit_fingerprint('unreviewed-emergencies', c.change_id::text) AS fingerprint
FROM audit_changes c
JOIN environments e ON e.id = c.environment_id
LEFT JOIN teams t ON t.id = c.team_id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE c.control = 'emergency' AND c.review IS NULL AND c.recorded_at <= (SELECT audit_at());
