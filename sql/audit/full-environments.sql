-- Of the hours at which an environment is open in the next `full_days` (14), at least `full_percent` (95) are taken:
-- exclusively, by a maintenance, or by as many as may share it. Whoever needs it has nowhere to go.
WITH span AS MATERIALIZED (
    SELECT audit_at() AS starts_at,
           audit_at() + make_interval(days => audit_setting('full_days', 14)::integer) AS ends_at),
ahead AS MATERIALIZED (
    SELECT h.booking_id, h.environment_id, h.is_exclusive,
           greatest(h.taken_from, (SELECT s.starts_at FROM span s)) AS taken_from,
           least(h.taken_until, (SELECT s.ends_at FROM span s)) AS taken_until
    FROM audit_holdings h
    WHERE h.taken_from < (SELECT s.ends_at FROM span s) AND h.taken_until > (SELECT s.starts_at FROM span s)),
levels AS (
    SELECT l.environment_id, l.at, lead(l.at) OVER w AS until, sum(l.step) OVER w AS used
    FROM (SELECT a.environment_id, v.at, sum(v.step) AS step
          FROM ahead a CROSS JOIN LATERAL (VALUES (a.taken_from, 1), (a.taken_until, -1)) v (at, step)
          WHERE NOT a.is_exclusive GROUP BY a.environment_id, v.at) l
    WINDOW w AS (PARTITION BY l.environment_id ORDER BY l.at)),
taken AS (
    SELECT t.environment_id, range_agg(t.period) AS periods
    FROM (SELECT a.environment_id, tstzrange(a.taken_from, a.taken_until, '[)') AS period
          FROM ahead a WHERE a.is_exclusive
          UNION ALL
          SELECT s.environment_id, tstzrange(s.starts_at, s.ends_at, '[)')
          FROM audit_spans s CROSS JOIN span n
          WHERE s.kind = 'maintenance' AND s.state = 'approved'
            AND s.starts_at < n.ends_at AND s.ends_at > n.starts_at
          UNION ALL
          SELECT l.environment_id, tstzrange(l.at, l.until, '[)')
          FROM levels l JOIN environments e ON e.id = l.environment_id
          WHERE l.used >= e.capacity AND l.at < l.until) t
    GROUP BY t.environment_id),
shares AS (
    SELECT e.id, e.key, e.owner_team_id,
           (SELECT sum(extract(epoch FROM upper(p) - lower(p))) FROM unnest(h.open) p) AS open_seconds,
           (SELECT sum(extract(epoch FROM upper(p) - lower(p))) FROM unnest(h.open * t.periods) p) AS taken_seconds
    FROM taken t
    JOIN environments e ON e.id = t.environment_id AND e.status <> 'retired'
    CROSS JOIN span s
    CROSS JOIN LATERAL (SELECT audit_open_hours(
        e.policy, e.time_zone, tstzrange(s.starts_at, s.ends_at, '[)')) AS open) h)
SELECT 'full-environments' AS "check", 'info' AS severity, f.key AS environment, '{}'::text[] AS subjects,
       s.starts_at, s.ends_at,
       format('%s %% of its open hours in the next %s days are taken',
              round(100 * f.taken_seconds / f.open_seconds), audit_setting('full_days', 14)) AS detail,
       o.name AS actor, audit_fingerprint('full-environments', f.key) AS fingerprint
FROM shares f
CROSS JOIN span s
LEFT JOIN teams o ON o.id = f.owner_team_id
WHERE f.open_seconds > 0 AND 100 * f.taken_seconds >= audit_setting('full_percent', 95) * f.open_seconds;
