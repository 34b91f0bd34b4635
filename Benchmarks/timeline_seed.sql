-- 500 environments with 40 bookings each over the next 90 days, every title different; :past bookings before today;
-- and a change window on each.
INSERT INTO teams (name, created_at, updated_at)
SELECT 'team-' || i, now(), now() FROM generate_series(1, 25) i;

INSERT INTO environments (key, name, tier, owner_team_id, time_zone, created_at, updated_at, updated_by)
SELECT 'env-' || i, 'Environment ' || i, 'tier-' || i % 4, (SELECT t.id FROM teams t WHERE t.name = 'team-' || 1 + i % 25),
       'UTC', now(), now(), 'bench'
FROM generate_series(1, 500) i;

INSERT INTO bookings (
    state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode, requested_by, created_at, updated_at,
    updated_by)
SELECT 'confirmed', ARRAY[e.id], s.at, s.at + interval '20 hours', 'UTC', 'Regression ' || e.key || ', part ' || i,
       (SELECT t.id FROM teams t WHERE t.name = 'team-' || 1 + (e.id + i) % 25), 'exclusive', 'bench', now(), now(), 'bench'
FROM environments e
CROSS JOIN generate_series(0, 39) i
CROSS JOIN LATERAL (SELECT date_trunc('day', now()) + interval '1 day' + i * interval '52 hours') s (at);

INSERT INTO bookings (
    state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode, requested_by, created_at, updated_at,
    updated_by)
SELECT 'completed', ARRAY[e.id], s.at, s.at + interval '20 hours', 'UTC', 'Past ' || e.key || ', part ' || i,
       (SELECT t.id FROM teams t WHERE t.name = 'team-' || 1 + (e.id + i) % 25), 'exclusive', 'bench', s.at, s.at, 'bench'
FROM environments e
CROSS JOIN generate_series(1, :past / 500) i
CROSS JOIN LATERAL (SELECT date_trunc('day', now()) - i * interval '52 hours') s (at);

INSERT INTO change_windows (
    kind, state, environment_ids, include_parts, requested_by, title, approved_at, starts_at, ends_at,
    time_zone, occurrence_starts, created_at, updated_at, updated_by)
SELECT 'change', 'approved', ARRAY[e.id], false, 'bench', 'Window of ' || e.key, now(), s.at,
       s.at + interval '4 hours', 'UTC', ARRAY[s.at], now(), now(), 'bench'
FROM environments e
CROSS JOIN LATERAL (SELECT date_trunc('day', now()) + e.id % 80 * interval '1 day') s (at);

VACUUM ANALYZE;
