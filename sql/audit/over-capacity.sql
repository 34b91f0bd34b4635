-- More shared bookings hold an environment at an instant than its capacity allowed at that instant.
--
-- A sweep over each beginning and end, so that no peak between two samples is missed.
WITH limits AS MATERIALIZED (
    SELECT e.id AS environment_id, e.capacity, e.updated_at AS valid_from, 'infinity'::timestamptz AS valid_until
    FROM environments e WHERE e.capacity IS NOT NULL
    UNION ALL
    SELECT v.environment_id, v.capacity, v.valid_from, v.valid_until
    FROM environment_versions v WHERE v.capacity IS NOT NULL AND v.valid_from < v.valid_until),
shared AS MATERIALIZED (
    SELECT DISTINCT h.booking_id, h.environment_id, h.taken_from, h.taken_until
    FROM audit_holdings h
    WHERE h.is_judged AND NOT h.is_exclusive AND h.environment_id IN (SELECT l.environment_id FROM limits l)),
levels AS MATERIALIZED (
    SELECT s.environment_id, s.at, lead(s.at) OVER w AS until, sum(s.step) OVER w AS used
    FROM (SELECT h.environment_id, v.at, sum(v.step) AS step
          FROM shared h CROSS JOIN LATERAL (VALUES (h.taken_from, 1), (h.taken_until, -1)) v (at, step)
          GROUP BY h.environment_id, v.at) s
    WINDOW w AS (PARTITION BY s.environment_id ORDER BY s.at)),
crowded AS (
    SELECT l.environment_id, greatest(l.at, c.valid_from) AS at, least(l.until, c.valid_until) AS until, l.used,
           c.capacity
    FROM levels l
    JOIN limits c ON c.environment_id = l.environment_id AND c.valid_from < l.until AND c.valid_until > l.at
    WHERE l.used > c.capacity),
stretches AS (
    SELECT c.environment_id, unnest(range_agg(tstzrange(c.at, c.until, '[)'))) AS period
    FROM crowded c GROUP BY c.environment_id),
peaks AS (
    SELECT s.environment_id, s.period, p.at, p.used, p.capacity
    FROM stretches s
    CROSS JOIN LATERAL (
        SELECT c.at, c.used, c.capacity FROM crowded c
        WHERE c.environment_id = s.environment_id AND c.at <@ s.period
        ORDER BY c.used DESC, c.at LIMIT 1) p)
SELECT 'over-capacity' AS "check", 'critical' AS severity, e.key AS environment,
       array(SELECT DISTINCT 'BK-' || h.booking_id FROM shared h
             WHERE h.environment_id = p.environment_id AND h.taken_from <= p.at AND h.taken_until > p.at
             ORDER BY 1 LIMIT 20) AS subjects,
       lower(p.period) AS starts_at, upper(p.period) AS ends_at,
       format('%s share it at %s UTC, and %s may', p.used, audit_time(p.at), p.capacity) AS detail,
       o.name AS actor,
       audit_fingerprint('over-capacity', e.key, audit_time(lower(p.period))) AS fingerprint
FROM peaks p
JOIN environments e ON e.id = p.environment_id
LEFT JOIN teams o ON o.id = e.owner_team_id;
