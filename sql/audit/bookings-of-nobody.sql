-- A booking that is still to end belongs to somebody who is gone: its team does not exist, or nobody has a token of
-- it any more, or whoever asked for it has none. Nobody will use it, and nobody will release it.
WITH people AS (
    SELECT k.name, bool_or(k.revoked_at IS NULL OR k.revoked_at > (SELECT audit_at())) AS is_here
    FROM tokens k GROUP BY k.name),
crews AS (
    SELECT k.team_id, bool_or(k.revoked_at IS NULL OR k.revoked_at > (SELECT audit_at())) AS is_here
    FROM tokens k WHERE k.team_id IS NOT NULL GROUP BY k.team_id)
SELECT 'bookings-of-nobody' AS "check", 'warning' AS severity, e.key AS environment, ARRAY['BK-' || b.id] AS subjects,
       b.starts_at, b.ends_at,
       CASE WHEN t.id IS NULL THEN format('the team of BK-%s does not exist', b.id)
            WHEN NOT c.is_here THEN format('nobody of %s, who holds BK-%s, has a token any more', t.name, b.id)
            ELSE format('%s, who asked for BK-%s of %s, has no token any more', b.requested_by, b.id, t.name)
            END AS detail,
       o.name AS actor, audit_fingerprint('bookings-of-nobody', b.id::text) AS fingerprint
FROM bookings b
LEFT JOIN teams t ON t.id = b.team_id
LEFT JOIN crews c ON c.team_id = b.team_id
LEFT JOIN people p ON p.name = b.requested_by
LEFT JOIN environments e ON e.id = b.environment_ids[1]
LEFT JOIN teams o ON o.id = e.owner_team_id
WHERE b.state IN ('requested', 'waitlisted', 'displaced', 'confirmed', 'active') AND b.ends_at > (SELECT audit_at())
  AND (t.id IS NULL OR NOT c.is_here OR NOT p.is_here);
