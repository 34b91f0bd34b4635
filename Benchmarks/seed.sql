-- 1,000 environments and 1,000,000 past bookings with their claims: 1,000 each, hour after hour.
-- Written through the triggers, as a hand in psql would.
INSERT INTO teams (name, created_at, updated_at)
SELECT 'team-' || i, now(), now() FROM generate_series(1, 20) i;

INSERT INTO environments (key, name, tier, time_zone, created_at, updated_at, updated_by)
SELECT 'env-' || i, 'Environment ' || i, 'tier-' || i / 10, 'UTC', now(), now(), 'bench'
FROM generate_series(1, 1000) i;

SELECT format($insert$
    INSERT INTO bookings (
        state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode, requested_by,
        created_at, updated_at, updated_by)
    SELECT 'completed', ARRAY[e.id], date_trunc('hour', now()) - interval '%s hours',
           date_trunc('hour', now()) - interval '%s hours', 'UTC', 'Past %s', 1 + e.id %% 20,
           'exclusive', 'bench', now(), now(), 'bench'
    FROM environments e$insert$, hour + 1, hour, hour)
FROM generate_series(1, :past) hour
\gexec

VACUUM ANALYZE;
