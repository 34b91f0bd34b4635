-- A change was reported more than 15 minutes late, and judged controlled: whoever reports late can choose the time.
SELECT 'late-entries-controlled' AS "check", 'info' AS severity, e.key AS environment,
       ARRAY[c.change_id::text] AS subjects, c.occurred_at AS starts_at, NULL::timestamptz AS ends_at,
       format('%s by %s%s at %s UTC was reported at %s UTC: %s', c.kind, c.actor, ' of ' || t.name,
              audit_time(c.occurred_at), audit_time(c.recorded_at), left(c.summary, 120)) AS detail,
       o.name AS actor, audit_fingerprint('late-entries-controlled', c.change_id::text) AS fingerprint
FROM audit_changes c
JOIN environments e ON e.id = c.environment_id
LEFT JOIN teams t ON t.id = c.team_id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE c.is_late AND c.control = 'controlled' AND c.review IS NULL AND c.recorded_at <= (SELECT audit_at())
  AND c.recorded_at > (SELECT audit_at() - make_interval(days => audit_setting('late_days', 7)::integer));
