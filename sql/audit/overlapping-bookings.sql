-- Two bookings hold one environment at one time, and at least one of them needs it alone.
--
-- Found by one sweep over what bookings and parts imply, buffers included: whoever begins before all earlier ones
-- have ended is a suspect; then each suspect's pairs. Looking at the one before alone would miss what hides
-- behind a long booking.
WITH suspects AS MATERIALIZED (
    SELECT s.booking_id, s.environment_id, s.taken_from, s.taken_until, s.is_exclusive
    FROM (SELECT h.booking_id, h.environment_id, h.taken_from, h.taken_until, h.is_exclusive,
                 max(h.taken_until) OVER earlier AS any_until,
                 max(CASE WHEN h.is_exclusive THEN h.taken_until END) OVER earlier AS exclusive_until
          FROM audit_holdings h WHERE h.is_judged
          WINDOW earlier AS (PARTITION BY h.environment_id ORDER BY h.taken_from
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) s
    WHERE s.taken_from < CASE WHEN s.is_exclusive THEN s.any_until ELSE s.exclusive_until END),
pairs AS (
    SELECT s.environment_id, least(s.booking_id, o.booking_id) AS first_id,
           greatest(s.booking_id, o.booking_id) AS second_id,
           min(greatest(s.taken_from, o.taken_from)) AS starts_at,
           max(least(s.taken_until, o.taken_until)) AS ends_at
    FROM suspects s
    -- Read again only when there is a suspect at all.
    JOIN (SELECT h.booking_id, h.environment_id, h.taken_from, h.taken_until, h.is_exclusive
          FROM audit_holdings h WHERE h.is_judged AND EXISTS (SELECT FROM suspects)) o
      ON o.environment_id = s.environment_id AND o.booking_id <> s.booking_id
     AND o.taken_from < s.taken_until AND o.taken_until > s.taken_from AND (o.is_exclusive OR s.is_exclusive)
    GROUP BY s.environment_id, least(s.booking_id, o.booking_id), greatest(s.booking_id, o.booking_id)),
named AS (
    SELECT p.first_id, p.second_id, p.starts_at, p.ends_at, e.key, e.owner_team_id,
           (SELECT t.name FROM bookings b JOIN teams t ON t.id = b.team_id WHERE b.id = p.first_id) AS first_team,
           (SELECT t.name FROM bookings b JOIN teams t ON t.id = b.team_id WHERE b.id = p.second_id) AS second_team
    FROM pairs p JOIN environments e ON e.id = p.environment_id)
SELECT 'overlapping-bookings' AS "check", 'critical' AS severity, n.key AS environment,
       ARRAY['BK-' || n.first_id, 'BK-' || n.second_id] AS subjects, n.starts_at, n.ends_at,
       format('BK-%s of %s and BK-%s of %s both hold it from %s to %s UTC', n.first_id, n.first_team, n.second_id,
              n.second_team, audit_time(n.starts_at), audit_time(n.ends_at)) AS detail,
       o.name AS actor,
       audit_fingerprint('overlapping-bookings', n.key, n.first_id::text, n.second_id::text) AS fingerprint
FROM named n
LEFT JOIN teams o ON o.id = n.owner_team_id;
