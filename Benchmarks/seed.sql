-- 1,000 environments and, for each of :past past hours, one booking of each with its claim.
--
-- Claims are placed before their bookings, as book() does: the trigger on bookings then finds them right,
-- and derives nothing. One transaction an hour.
INSERT INTO teams (name, created_at, updated_at)
SELECT 'team-' || i, now(), now() FROM generate_series(1, 20) i;

INSERT INTO environments (key, name, tier, time_zone, created_at, updated_at, updated_by)
SELECT 'env-' || i, 'Environment ' || i, 'tier-' || i / 10, 'UTC', now(), now(), 'bench'
FROM generate_series(1, 1000) i
UNION ALL SELECT 'stuck', 'Locked by somebody', '', 'UTC', now(), now(), 'bench';

SELECT set_config('bench.past', :'past', false) \g /dev/null

DO $$
DECLARE
    v_this_hour timestamptz := date_trunc('hour', now());
    v_from timestamptz;
    v_until timestamptz;
    v_ids bigint[];
BEGIN
    FOR v_hour IN REVERSE current_setting('bench.past')::integer..1 LOOP
        v_from := v_this_hour - v_hour * interval '1 hour';
        v_until := v_from + interval '1 hour';
        v_ids := array(SELECT nextval('bookings_id_seq') FROM generate_series(1, 1000));

        INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
        SELECT v_ids[i], i, 'use', tstzrange(v_from, v_until, '[)'), v_ids[i]
        FROM generate_series(1, 1000) i;

        INSERT INTO bookings (
            id, state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode,
            requested_by, created_at, updated_at, updated_by)
        SELECT v_ids[i], 'completed', ARRAY[i], v_from, v_until, 'UTC', 'Past ' || v_hour, 1 + i % 20,
               'exclusive', 'bench', now(), now(), 'bench'
        FROM generate_series(1, 1000) i;
        COMMIT;
    END LOOP;
END $$;

VACUUM ANALYZE;
