-- What a large company has after some years: 10,000 environments, :bookings bookings over two years back and
-- one ahead, their claims, versions, windows, changes, notices and events.
--
-- It is written as it would stand, past the triggers, and indexes are made afterwards, as they were: some
-- minutes instead of a quarter of an hour. Whatever index a later migration adds is made again like the others.
SET client_min_messages = warning;
SET jit = off;
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
SELECT set_config('bench.bookings', :'bookings', false) \g /dev/null

INSERT INTO teams (name, created_at, updated_at)
SELECT 'team-' || i, now(), now() FROM generate_series(1, 200) i;

-- 1 to 9,400 are booked all the time, every twentieth by many at once, 800 of them with a component of 9,401
-- to 9,500. 9,501 is booked for long, 9,502 holds 300 at once and is full, 9,503 has few bookings.
INSERT INTO environments (
    key, name, tier, owner_team_id, time_zone, labels, capacity, created_at, updated_at, updated_by)
SELECT 'env-' || i, 'Environment ' || i, 'tier-' || i % 10, 1 + i % 199, 'UTC',
       jsonb_build_object('region', 'region-' || i % 7, 'rack', 'rack-' || i / 10),
       CASE WHEN i = 9502 THEN 300 WHEN i <= 9400 AND i % 20 = 0 THEN 50 END,
       now() - interval '3 years', now() - interval '3 years', 'bench'
FROM generate_series(1, 10000) i;
UPDATE environments e SET part_ids = ARRAY[9401 + e.id % 100], part_usages = '{shared}'
WHERE e.id <= 9400 AND e.id % 47 IN (0, 1, 2, 3);

CREATE TEMPORARY TABLE postponed AS
SELECT c.conrelid::regclass AS target, c.conname AS name,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname,
              pg_get_constraintdef(c.oid)) AS made
FROM pg_constraint c WHERE c.contype = 'x' AND c.connamespace = 'public'::regnamespace
UNION ALL
SELECT NULL, x.indexrelid::regclass::text, pg_get_indexdef(x.indexrelid)
FROM pg_index x
WHERE x.indrelid IN ('bookings'::regclass, 'claims'::regclass, 'booking_versions'::regclass,
                     'change_log'::regclass, 'notices'::regclass, 'outbox'::regclass,
                     'window_spans'::regclass)
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid);
SELECT CASE WHEN p.target IS NULL THEN format('DROP INDEX %s', p.name)
            ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', p.target, p.name) END
FROM postponed p \gexec
SELECT format('ALTER TABLE %s DISABLE TRIGGER USER', t)
FROM unnest('{bookings,claims,booking_versions,change_log,change_log_head,notices,outbox,
              change_windows,window_spans}'::text[]) t \gexec

CREATE TEMPORARY TABLE made AS
SELECT 1000 + n AS id, 1 + n % 9400 AS environment_id, s.at, s.at + l.length AS until
FROM generate_series(0, :bookings - 1) n
CROSS JOIN LATERAL (SELECT greatest(26280 / greatest(:bookings / 9400 + 1, 1), 25)) p (hours)
CROSS JOIN LATERAL (
    SELECT date_trunc('hour', now()) - interval '730 days'
           + make_interval(hours => n / 9400 * p.hours + (n % 9400 * 31 + n / 9400 * 17) % (p.hours - 20))) s (at)
CROSS JOIN LATERAL (SELECT make_interval(hours => 1 + (n % 9400 + n / 9400) % 20)) l (length);
-- Long use, one after another, from four years ago; a full environment; one with few bookings.
INSERT INTO made (id, environment_id, at, until)
SELECT 1000 + :bookings + n, 9504 + n % 400, s.at, s.at + interval '35 days'
FROM generate_series(0, 19999) n
CROSS JOIN LATERAL (
    SELECT date_trunc('hour', now()) - interval '1800 days' + n / 400 * interval '36 days') s (at);
INSERT INTO made (id, environment_id, at, until)
SELECT 21000 + :bookings + n, 9502, s.at, s.at + interval '10 days'
FROM generate_series(0, 299) n
CROSS JOIN LATERAL (SELECT date_trunc('hour', now()) + interval '20 days' + n * interval '7 minutes') s (at);
INSERT INTO made (id, environment_id, at, until)
SELECT 22000 + :bookings + n, 9503, s.at, s.at + interval '2 hours'
FROM generate_series(0, 2) n
CROSS JOIN LATERAL (SELECT date_trunc('hour', now()) - n * interval '300 days') s (at);

INSERT INTO bookings (
    id, state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode, ticket, labels,
    requested_by, created_at, updated_at, updated_by, version)
SELECT m.id, CASE WHEN m.id % 23 = 0 AND m.environment_id <= 9400 THEN 'cancelled'
                  WHEN m.until <= now() THEN 'completed' WHEN m.at <= now() THEN 'active'
                  ELSE 'confirmed' END,
       ARRAY[m.environment_id], m.at, m.until, 'UTC',
       'Regression of release ' || m.id % 97 || CASE WHEN m.id IN (4711, 8150) THEN ' quokka' ELSE '' END,
       CASE WHEN m.environment_id = 9503 THEN 200 ELSE 1 + m.id % 199 END,
       CASE WHEN m.environment_id = 9502 OR m.environment_id % 20 = 0 THEN 'shared' ELSE 'exclusive' END,
       'QA-' || m.id, jsonb_build_object('release', 'r-' || m.id % 97)
                      || CASE WHEN m.id IN (4711, 8150) THEN '{"audit": "yes"}' ELSE '{}' END::jsonb,
       'person-' || m.id % 5000, m.at - interval '3 days', m.at - interval '3 days', 'bench',
       CASE WHEN m.id % 5 = 0 THEN 2 ELSE 1 END
FROM made m;
SELECT setval('bookings_id_seq', (SELECT max(b.id) FROM bookings b)) \g /dev/null

INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
SELECT b.id, r.part_id, 'use', tstzrange(b.starts_at, b.ends_at, '[)'),
       CASE WHEN b.mode = 'exclusive' AND r.exclusive_if_exclusive THEN b.id ELSE 0 END
FROM bookings b JOIN environment_reach r ON r.environment_id = b.environment_ids[1]
WHERE b.state <> 'cancelled';

INSERT INTO booking_versions (
    booking_id, version, state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode, ticket,
    labels, priority, setup_minutes, teardown_minutes, record_only, valid_from, valid_until, updated_by)
SELECT b.id, 1, CASE WHEN b.id % 500 = 0 THEN 'waitlisted' ELSE 'confirmed' END, b.environment_ids,
       b.starts_at, b.ends_at - interval '30 minutes', b.time_zone, b.title, b.team_id, b.mode, b.ticket,
       b.labels, b.priority, 0, 0, false, b.created_at - interval '2 days', b.updated_at, 'bench'
FROM bookings b WHERE b.version = 2;

-- A change an hour each on 1,000 windows of 50 weeks.
INSERT INTO change_windows (
    id, kind, state, environment_ids, title, requested_by, approved_at, starts_at, ends_at, time_zone, rrule,
    occurrence_starts, created_at, updated_at, updated_by)
OVERRIDING SYSTEM VALUE
SELECT i, 'change', 'approved', ARRAY[i * 9], 'Plan ' || i, 'bench', now() - interval '9 months', s.at,
       s.at + interval '1 hour', 'UTC', 'FREQ=WEEKLY;COUNT=50',
       array(SELECT s.at + w * interval '7 days' FROM generate_series(0, 49) w ORDER BY w),
       now() - interval '9 months', now() - interval '9 months', 'bench'
FROM generate_series(1, 1000) i
CROSS JOIN LATERAL (
    SELECT date_trunc('hour', now()) - interval '170 days' + i % 160 * interval '1 hour') s (at);
SELECT setval('change_windows_id_seq', 1000) \g /dev/null
INSERT INTO window_spans (window_id, environment_id, kind, state, is_emergency, period, valid_from)
SELECT w.id, w.environment_ids[1], 'change', 'approved', false, tstzrange(s.at, s.at + interval '1 hour', '[)'),
       w.created_at
FROM change_windows w CROSS JOIN unnest(w.occurrence_starts) s (at);
INSERT INTO claims (window_id, environment_id, lane, period, share_key)
SELECT s.window_id, s.environment_id, 'change', s.period, -2 FROM window_spans s;

-- The chain is not proven here: what reads the log does not ask for it.
INSERT INTO change_log (
    id, root_id, entry, environment_id, occurred_at, recorded_at, recorded_by, source, actor, team_id, kind,
    summary, control, reasons, bookings_hit, is_late, approved_late, hash)
SELECT n, n, 'change', 1 + n % 9400, now() - (1000000 - n) * interval '1 minute',
       now() - (1000000 - n) * interval '1 minute', 'bench', 'api', 'pipeline-' || n % 50, 1 + n % 199,
       'deploy', 'Deploy ' || n, 'uncontrolled', '{no-window}',
       CASE n % 10 WHEN 0 THEN ARRAY[1000 + (n * 7919) % (:bookings - 9000)] ELSE '{}' END, false, false,
       sha256(int8send(n))
FROM generate_series(1, least(1000000, :bookings / 5)::bigint) n;
UPDATE change_log_head SET (id, hash) = (SELECT c.id, c.hash FROM change_log c ORDER BY c.id DESC LIMIT 1);

-- All but the oldest five are of others than team-200 and person-quiet.
INSERT INTO notices (at, kind, subject, text, team_id, person)
SELECT now() - interval '2 years', 'booking.approved', 'BK-1000', 'was approved', 200, 'person-quiet'
FROM generate_series(1, 5);
INSERT INTO notices (at, kind, subject, text, team_id, person)
SELECT now() - (:bookings / 3 - n) * interval '30 seconds', 'booking.approved', 'BK-' || 1000 + n, 'was approved',
       1 + n % 199, 'person-' || n % 5000
FROM generate_series(1, :bookings / 3) n;

INSERT INTO outbox (at, kind, subject_id, version)
SELECT now() - interval '14 days' + n * (interval '14 days' / (:bookings / 2.0)), 'booking.created', 1000 + n, 1
FROM generate_series(1, :bookings / 2) n;

INSERT INTO refusals (day, environment_id, team_id, refused, minutes)
SELECT current_date - d, e, 1 + e % 199, 1, 60
FROM generate_series(1, 365) d CROSS JOIN generate_series(1, 100) e;

SELECT p.made FROM postponed p ORDER BY p.target DESC NULLS LAST \gexec
SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.tgrelid::regclass, t.tgname)
FROM pg_trigger t WHERE t.tgenabled = 'D' AND NOT t.tgisinternal \gexec
VACUUM ANALYZE;
