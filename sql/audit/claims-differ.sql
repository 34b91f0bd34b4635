-- What is held is not what bookings and windows imply: a claim, or a span by which changes are judged, is missing,
-- is left over, or says another time or usage. Whatever is decided next is decided on it.
WITH booked AS (
    SELECT h.booking_id, h.environment_id, h.taken_from, h.taken_until,
           CASE WHEN h.is_exclusive THEN h.booking_id ELSE 0 END AS share_key, h.is_judged
    FROM audit_holdings h WHERE NOT h.is_edited
    UNION ALL
    -- Both versions of an undecided edit are held, as one period where they meet.
    SELECT u.booking_id, u.environment_id, lower(u.period), upper(u.period), u.share_key, true
    FROM (SELECT h.booking_id, h.environment_id,
                 unnest(range_agg(tstzrange(h.taken_from, h.taken_until, '[)'))) AS period,
                 CASE WHEN bool_or(h.is_exclusive) THEN h.booking_id ELSE 0 END AS share_key
          FROM audit_holdings h WHERE h.is_edited
          GROUP BY h.booking_id, h.environment_id) u),
planned AS (
    SELECT s.window_id, s.environment_id, lower(p.period) AS taken_from, upper(p.period) AS taken_until, s.kind
    FROM audit_spans s
    CROSS JOIN LATERAL unnest(
        tstzmultirange(tstzrange(s.starts_at, s.ends_at, '[)')) - coalesce((
            SELECT range_agg(tstzrange(f.starts_at, f.ends_at, '[)')) FROM audit_spans f
            WHERE s.exception_to IS NOT NULL AND f.window_id = s.exception_to
              AND f.environment_id = s.environment_id AND f.state = 'approved'), '{}')) p (period)
    WHERE s.state = 'approved' AND NOT s.is_emergency AND s.ends_at > s.created_at),
unlike AS (
    SELECT 'BK-' || coalesce(b.booking_id, c.booking_id) AS holder,
           coalesce(b.booking_id, c.booking_id) AS booking_id,
           coalesce(b.environment_id, c.environment_id) AS environment_id,
           coalesce(b.taken_from, lower(c.period)) AS starts_at,
           coalesce(b.taken_until, upper(c.period)) AS ends_at,
           CASE WHEN c.booking_id IS NULL THEN 'claim is missing' WHEN b.booking_id IS NULL THEN 'claim is left over'
                ELSE 'claim says another time or usage' END AS fault
    FROM booked b
    FULL JOIN (SELECT c.booking_id, c.environment_id, c.period, c.share_key
               FROM claims c WHERE c.booking_id IS NOT NULL) c
      ON c.booking_id = b.booking_id AND c.environment_id = b.environment_id AND lower(c.period) = b.taken_from
    WHERE b.is_judged IS NOT FALSE
      AND (b.booking_id IS NULL OR c.booking_id IS NULL
           OR upper(c.period) <> b.taken_until OR c.share_key <> b.share_key)
    UNION ALL
    SELECT 'CW-' || coalesce(w.window_id, c.window_id), NULL, coalesce(w.environment_id, c.environment_id),
           coalesce(w.taken_from, lower(c.period)), coalesce(w.taken_until, upper(c.period)),
           CASE WHEN c.window_id IS NULL THEN 'claim is missing' WHEN w.window_id IS NULL THEN 'claim is left over'
                ELSE 'claim says another time or usage' END
    FROM planned w
    FULL JOIN (SELECT c.window_id, c.environment_id, c.period, c.lane, c.share_key
               FROM claims c WHERE c.window_id IS NOT NULL) c
      ON c.window_id = w.window_id AND c.environment_id = w.environment_id AND lower(c.period) = w.taken_from
    WHERE w.window_id IS NULL OR c.window_id IS NULL OR upper(c.period) <> w.taken_until
       OR c.lane <> CASE w.kind WHEN 'maintenance' THEN 'use' ELSE 'change' END
       OR c.share_key <> CASE w.kind WHEN 'maintenance' THEN -1 WHEN 'change' THEN -2 ELSE -3 END
    UNION ALL
    SELECT 'CW-' || coalesce(w.window_id, s.window_id), NULL, coalesce(w.environment_id, s.environment_id),
           coalesce(w.starts_at, lower(s.period)), coalesce(w.ends_at, upper(s.period)),
           CASE WHEN s.window_id IS NULL THEN 'span is missing' WHEN w.window_id IS NULL THEN 'span is left over'
                ELSE 'span says another thing' END
    FROM audit_spans w
    FULL JOIN (SELECT s.window_id, s.environment_id, s.kind, s.state, s.team_id, s.exception_to, s.is_emergency,
                      s.period
               FROM window_spans s WHERE s.valid_until = 'infinity') s
      ON s.window_id = w.window_id AND s.environment_id = w.environment_id AND lower(s.period) = w.starts_at
    WHERE w.window_id IS NULL OR s.window_id IS NULL OR upper(s.period) <> w.ends_at
       OR (s.kind, s.state, s.team_id, s.exception_to, s.is_emergency)
          IS DISTINCT FROM (w.kind, w.state, w.team_id, w.exception_to, w.is_emergency)),
regrouped AS MATERIALIZED (
    SELECT DISTINCT r.environment_id, r.changed_at FROM audit_reach r WHERE r.changed_at IS NOT NULL),
-- What had ended before an environment got its present parts holds what it contained then.
judged AS (
    SELECT u.holder, u.environment_id, u.starts_at, u.ends_at, u.fault
    FROM unlike u
    WHERE NOT coalesce((
        SELECT u.environment_id <> ALL (b.environment_ids) AND b.state NOT IN ('requested', 'confirmed', 'active')
               AND b.updated_at <= (SELECT max(r.changed_at) FROM regrouped r
                                    WHERE r.environment_id = ANY (b.environment_ids))
        FROM bookings b WHERE b.id = u.booking_id), false))
SELECT 'claims-differ' AS "check", 'critical' AS severity, e.key AS environment, ARRAY[j.holder] AS subjects,
       min(j.starts_at) AS starts_at, max(j.ends_at) AS ends_at,
       format('%s: its %s%s', j.holder, string_agg(DISTINCT j.fault, ', its ' ORDER BY j.fault),
              CASE WHEN count(*) > 1 THEN format(' (%s times)', count(*)) ELSE '' END) AS detail,
       NULL::text AS actor, audit_fingerprint('claims-differ', e.key, j.holder) AS fingerprint
FROM judged j
LEFT JOIN environments e ON e.id = j.environment_id
GROUP BY e.key, j.holder;
