-- :bookings bookings on env-1, each an hour from now on, with notes as people write them; and 5,000 feed tokens, one for
-- each of 5,000 people who asked for the bookings in turn. The secret of token N is 'secret-N'.
INSERT INTO teams (name, created_at, updated_at)
SELECT 'team-' || i, now(), now() FROM generate_series(1, 20) i;

INSERT INTO environments (key, name, tier, time_zone, created_at, updated_at, updated_by)
SELECT 'env-' || i, 'Environment ' || i, 'tier-' || i / 10, 'UTC', now(), now(), 'bench'
FROM generate_series(1, 1000) i;

INSERT INTO bookings (
    state, environment_ids, starts_at, ends_at, time_zone, title, team_id, contact, mode, ticket, notes,
    requested_by, created_at, updated_at, updated_by)
SELECT 'confirmed', ARRAY[1], s.at, s.at + interval '1 hour', 'UTC', 'Regression 26.3, part ' || i, 1 + i % 20,
       'team-' || i % 20 || '@example.test', 'exclusive', 'CHG' || 10000 + i,
       'Please leave the payment stub in record mode; ask in the channel before you restart anything.',
       'person-' || 1 + i % 5000, now(), now(), 'bench'
FROM generate_series(1, :bookings) i
CROSS JOIN LATERAL (SELECT date_trunc('hour', now()) + i * interval '1 hour') s (at);

INSERT INTO tokens (name, role, team_id, secret_hash, created_at, created_by)
SELECT 'person-' || i, 'viewer', 1, sha256(convert_to('none-' || i, 'UTF8')), now(), 'bench'
FROM generate_series(1, 5000) i;
INSERT INTO feed_tokens (kind, subject, is_busy_only, owner, secret_hash, created_at)
SELECT 'person', 'person-' || i, false, 'person-' || i, sha256(convert_to('secret-' || i, 'UTF8')), now()
FROM generate_series(1, 5000) i;

VACUUM ANALYZE;
