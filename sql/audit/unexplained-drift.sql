-- An inventory found another version than was known, no logged change explains it, and its time to settle is over.
SELECT 'unexplained-drift' AS "check", 'warning' AS severity, e.key AS environment,
       CASE WHEN d.logged_as IS NULL THEN '{}' ELSE ARRAY[d.logged_as::text] END AS subjects,
       d.seen_after AS starts_at, d.seen_at AS ends_at,
       format('%s was %s and is %s, seen at %s UTC', d.component, coalesce(d.version_from, 'not there'),
              coalesce(d.version_to, 'not there'), audit_time(d.seen_at)) AS detail,
       o.name AS actor, audit_fingerprint('unexplained-drift', e.key, d.id::text) AS fingerprint
FROM drifts d
JOIN environments e ON e.id = d.environment_id
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE d.explained_by IS NULL AND d.settles_at <= (SELECT audit_at())
  AND d.seen_at > (SELECT audit_at() - make_interval(days => audit_setting('change_days', 30)::integer))
  AND NOT EXISTS (SELECT FROM change_log r WHERE r.root_id = d.logged_as AND r.entry = 'review');
