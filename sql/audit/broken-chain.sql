-- The change log is not what was once written: an entry is missing, was edited or was put in, or it does not end
-- where the last audit left it. Every hash is computed anew from the entry and the hash before it.
WITH entries AS MATERIALIZED (
    SELECT c.id, c.environment_id, c.hash, c.occurred_at, lag(c.id, 1, 0::bigint) OVER chain AS id_before,
           sha256(lag(c.hash, 1, sha256(convert_to('berth change log', 'UTF8'))) OVER chain || (
               -- Each field as its length in four bytes, -1 for none, and its bytes.
               SELECT string_agg(
                   coalesce(int4send(octet_length(f)) || convert_to(f, 'UTF8'), int4send(-1)), '')
               FROM unnest(ARRAY[
                   c.id::text, c.root_id::text, c.entry, c.environment_id::text,
                   (extract(epoch FROM c.occurred_at) * 1000000)::bigint::text,
                   (extract(epoch FROM c.recorded_at) * 1000000)::bigint::text,
                   c.recorded_by, c.source, c.source_id, c.actor, c.team_id::text, c.kind, c.summary, c.component,
                   c.component_version, c.ticket, c.emergency_reason, c.corrects::text, c.control,
                   array_to_string(c.reasons, ','), c.window_id::text, array_to_string(c.bookings_hit, ','),
                   c.is_late::text, c.approved_late::text, c.review, c.review_note]
                   || CASE WHEN c.claimed_team IS NULL THEN '{}' ELSE ARRAY[c.claimed_team] END) f))
               = c.hash AS is_right
    FROM change_log c
    WINDOW chain AS (ORDER BY c.id)),
ends AS (
    SELECT coalesce(max(l.id), 0) AS id,
           coalesce((SELECT e.hash FROM entries e ORDER BY e.id DESC LIMIT 1),
                    sha256(convert_to('berth change log', 'UTF8'))) AS hash
    FROM entries l),
faults AS (
    SELECT e.id, 'edited' AS fault, e.environment_id, e.occurred_at,
           format('entry %s does not follow from what it says and the entry before: it was edited', e.id) AS detail
    FROM entries e WHERE NOT e.is_right
    UNION ALL
    SELECT e.id, 'missing', NULL, NULL,
           format('%s before entry %s %s missing',
                  CASE WHEN e.id - e.id_before = 2 THEN 'the entry' ELSE (e.id - e.id_before - 1) || ' entries' END,
                  e.id, CASE WHEN e.id - e.id_before = 2 THEN 'is' ELSE 'are' END)
    FROM entries e WHERE e.id <> e.id_before + 1
    UNION ALL
    SELECT n.id, 'head', NULL, NULL,
           format('the log ends at entry %s, and its head says %s', n.id, coalesce(h.id::text, 'nothing'))
    FROM ends n LEFT JOIN change_log_head h ON true
    WHERE (h.id, h.hash) IS DISTINCT FROM (n.id, n.hash) AND (h.id IS NOT NULL OR n.id > 0)
    UNION ALL
    SELECT s.id, 'seen', NULL, NULL,
           CASE WHEN s.id > n.id
                THEN format('the log ended at entry %s at %s UTC: what came after %s was cut off', s.id,
                            audit_time(s.seen_at), n.id)
                ELSE format('entry %s had another hash at %s UTC: the chain was written anew', s.id,
                            audit_time(s.seen_at)) END
    FROM change_log_heads_seen s CROSS JOIN ends n
    WHERE s.id > 0 AND NOT EXISTS (SELECT FROM entries e WHERE e.id = s.id AND e.hash = s.hash))
SELECT 'broken-chain' AS "check", 'critical' AS severity, e.key AS environment, ARRAY[f.id::text] AS subjects,
       f.occurred_at AS starts_at, NULL::timestamptz AS ends_at, f.detail, NULL::text AS actor,
       audit_fingerprint('broken-chain', f.fault, f.id::text) AS fingerprint
FROM faults f
LEFT JOIN environments e ON e.id = f.environment_id;
