-- What one search for two hours within 14 days over all environments stands on: the statements of
-- BerthDatabase+Search.swift, one after the other.
SELECT array_agg(g.rules_hash)::text AS rules, sum(g.environments) AS environments
FROM (
    SELECT m.rules_hash, count(*) AS environments, min(m.environment_id) AS one
    FROM matching_environments('{}', NULL, NULL, NULL) m GROUP BY m.rules_hash) g
JOIN environments e ON e.id = g.one \gset
SELECT date_trunc('second', now()) + interval '1 second' AS first,
       search_horizon(date_trunc('second', now()) + interval '1 second', now() + interval '14 days',
                      interval '2 hours', 4000) AS horizon \gset
SELECT array_agg(f.environment_id)::text AS found
FROM first_slots(
    '{}', NULL, NULL, NULL, 'exclusive', interval '2 hours', :first::timestamptz, :horizon::timestamptz,
    :rules::uuid[],
    array_fill(tstzmultirange(tstzrange(:first::timestamptz, :horizon::timestamptz - interval '2 hours',
                                        '[]'))::text,
               ARRAY[cardinality(:rules::uuid[])]), 21) f \gset
SELECT e.key, e.rules_hash, e.status, e.status_until, r.setup, r.teardown, coalesce(s.places, 0), r.parts,
       r.alone, array(SELECT t FROM unnest(b.busy) t)
FROM environments e
JOIN (SELECT h.environment_id, max(p.setup_minutes) AS setup, max(p.teardown_minutes) AS teardown,
             array_agg(h.part_id) AS parts, array_agg(h.exclusive_if_exclusive) AS alone
      FROM environment_reach h JOIN environments p ON p.id = h.part_id
      WHERE h.environment_id = ANY (:found::bigint[])
      GROUP BY h.environment_id) r ON r.environment_id = e.id
LEFT JOIN shared_places(:found::bigint[], 'exclusive') s ON s.environment_id = e.id
LEFT JOIN busy_times(:found::bigint[], 'exclusive', :first::timestamptz - interval '7 days',
                     :horizon::timestamptz + interval '7 days') b ON b.environment_id = e.id
WHERE e.id = ANY (:found::bigint[]);
