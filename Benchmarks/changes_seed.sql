-- :windows approved windows and :bookings bookings, half of them on env-1 and over two years, the others on
-- env-2 to env-1000: what is judged must not care.
INSERT INTO teams (name, created_at, updated_at)
SELECT 'team-' || i, now(), now() FROM generate_series(1, 20) i;

INSERT INTO environments (key, name, tier, time_zone, created_at, updated_at, updated_by)
SELECT 'env-' || i, 'Environment ' || i, 'tier-' || i / 10, 'UTC', now(), now(), 'bench'
FROM generate_series(1, 1000) i;

INSERT INTO change_windows (
    kind, state, environment_ids, title, requested_by, approved_at, starts_at, ends_at, time_zone,
    occurrence_starts, created_at, updated_at, updated_by)
SELECT 'change', 'approved', ARRAY[CASE WHEN i % 2 = 0 THEN 1 ELSE 2 + i % 999 END], 'Plan ' || i, 'bench',
       s.at - interval '1 day', s.at, s.at + interval '1 hour', 'UTC', ARRAY[s.at], s.at - interval '2 days',
       s.at - interval '2 days', 'bench'
FROM generate_series(1, :windows) i
CROSS JOIN LATERAL (
    SELECT date_trunc('hour', now()) - interval '1 year' + i * (interval '2 years' / :windows)) s (at);

INSERT INTO bookings (
    state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode, requested_by, created_at,
    updated_at, updated_by)
SELECT 'confirmed', ARRAY[CASE WHEN i % 2 = 0 THEN 1 ELSE 2 + i % 999 END], s.at,
       s.at + interval '5 minutes', 'UTC', 'Test ' || i, 1 + i % 20, 'exclusive', 'bench',
       s.at - interval '1 day', s.at - interval '1 day', 'bench'
FROM generate_series(1, :bookings) i
CROSS JOIN LATERAL (
    SELECT date_trunc('hour', now()) - interval '1 year' + i * (interval '2 years' / :bookings)) s (at);

VACUUM ANALYZE;
