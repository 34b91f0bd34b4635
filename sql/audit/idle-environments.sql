-- Nobody booked an environment, nor anything that contains it, for `idle_weeks` (8), and nobody has booked it ahead.
WITH idle AS MATERIALIZED (
    SELECT e.id, e.key, e.created_at, e.owner_team_id
    FROM environments e
    WHERE e.status <> 'retired'
      AND e.created_at < (SELECT audit_at() - make_interval(weeks => audit_setting('idle_weeks', 8)::integer))
      AND e.id NOT IN (
        SELECT h.environment_id FROM audit_holdings h
        WHERE h.taken_until
              >= (SELECT audit_at() - make_interval(weeks => audit_setting('idle_weeks', 8)::integer)))),
used AS (
    SELECT h.environment_id, max(h.taken_until) AS until
    FROM audit_holdings h JOIN idle i ON i.id = h.environment_id GROUP BY h.environment_id)
SELECT 'idle-environments' AS "check", 'info' AS severity, i.key AS environment, '{}'::text[] AS subjects,
       u.until AS starts_at, NULL::timestamptz AS ends_at,
       CASE WHEN u.until IS NULL
            THEN format('nobody has booked it since it was made, at %s UTC', audit_time(i.created_at))
            ELSE format('nobody has booked it since %s UTC', audit_time(u.until)) END AS detail,
       o.name AS actor, audit_fingerprint('idle-environments', i.key) AS fingerprint
FROM idle i
LEFT JOIN used u ON u.environment_id = i.id
LEFT JOIN teams o ON o.id = i.owner_team_id;
