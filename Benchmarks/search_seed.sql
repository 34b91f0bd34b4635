-- 10,000 environments and :per bookings of two hours for each of them, spread over the year before and the
-- year after now. Claims are placed before their bookings, as book() does; one transaction a booking of each.
INSERT INTO teams (name, created_at, updated_at)
SELECT 'team-' || i, now(), now() FROM generate_series(1, 20) i;

INSERT INTO environments (key, name, tier, time_zone, labels, policy, created_at, updated_at, updated_by)
SELECT 'env-' || i, 'Environment ' || i, 'tier-' || i % 10, 'UTC',
       jsonb_build_object('region', 'region-' || i % 7),
       CASE i % 2 WHEN 0 THEN '{"maxHours": 72}' ELSE '{}' END::jsonb, now(), now(), 'bench'
FROM generate_series(1, 10000) i;

SELECT set_config('bench.per', :'per', false) \g /dev/null

DO $$
DECLARE
    v_per integer := current_setting('bench.per')::integer;
    v_hours integer := 2 * 8760 / v_per;
    v_first timestamptz := date_trunc('hour', now()) - interval '8760 hours';
    v_ids bigint[];
    v_starts timestamptz[];
BEGIN
    FOR v_turn IN 0..v_per - 1 LOOP
        v_ids := array(SELECT nextval('bookings_id_seq') FROM generate_series(1, 10000));
        v_starts := array(
            SELECT v_first + make_interval(
                hours => v_turn * v_hours + (i * 7919 + v_turn * 4729) % (v_hours - 2))
            FROM generate_series(1, 10000) i);

        INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
        SELECT v_ids[i], i, 'use', tstzrange(v_starts[i], v_starts[i] + interval '2 hours', '[)'), v_ids[i]
        FROM generate_series(1, 10000) i;

        INSERT INTO bookings (
            id, state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode,
            requested_by, created_at, updated_at, updated_by)
        SELECT v_ids[i], CASE WHEN v_starts[i] < now() THEN 'completed' ELSE 'confirmed' END, ARRAY[i],
               v_starts[i], v_starts[i] + interval '2 hours', 'UTC', 'Turn ' || v_turn, 1 + i % 20,
               'exclusive', 'bench', now(), now(), 'bench'
        FROM generate_series(1, 10000) i;
        COMMIT;
    END LOOP;
END $$;

VACUUM ANALYZE;
