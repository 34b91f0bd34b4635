-- Somebody did not come: a booking that had to be checked in was not. One that still stands a minute after its
-- time is overdue; those that ended so count for `no_show_days` (7).
SELECT 'no-shows' AS "check", CASE WHEN b.state = 'confirmed' THEN 'critical' ELSE 'info' END AS severity,
       e.key AS environment, ARRAY['BK-' || b.id] AS subjects, b.starts_at, b.ends_at,
       CASE WHEN b.state = 'confirmed'
            THEN format('BK-%s of %s was not checked in by %s UTC, and is still held', b.id, t.name,
                        audit_time(b.starts_at + make_interval(mins => b.check_in_minutes)))
            ELSE format('BK-%s of %s (%s) was booked and not used', b.id, t.name, b.requested_by) END AS detail,
       CASE WHEN b.state = 'confirmed' THEN NULL ELSE t.name END AS actor,
       audit_fingerprint('no-shows', b.id::text, b.state::text) AS fingerprint
FROM bookings b
LEFT JOIN environments e ON e.id = b.environment_ids[1]
LEFT JOIN teams t ON t.id = b.team_id
WHERE (b.state = 'confirmed' AND b.checked_in_at IS NULL
       AND least(b.starts_at + make_interval(mins => b.check_in_minutes), b.ends_at)
           < (SELECT audit_at() - interval '1 minute'))
   OR (b.state = 'expired' AND b.state_reason = 'no-show' AND b.starts_at <= (SELECT audit_at())
       AND b.updated_at > (SELECT audit_at() - make_interval(days => audit_setting('no_show_days', 7)::integer)));
