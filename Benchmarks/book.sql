-- One booking as Berth makes it, one by one: its idempotency record, lock, claim, booking, history.
\set environment random(1, 1000)
\set hour random(1, 80000)
\set key random(1, 9000000000000000)
SELECT outcome, booking_id FROM book(
    now(), ARRAY['{' || :environment || '}'], ARRAY['{1}'], ARRAY['confirmed'],
    ARRAY[date_trunc('hour', now()) + :hour * interval '1 hour'],
    ARRAY[date_trunc('hour', now()) + :hour * interval '1 hour' + interval '1 hour'],
    ARRAY['UTC'], ARRAY['Regression 26.3'], ARRAY[1::bigint], ARRAY[NULL::text], ARRAY['exclusive'],
    ARRAY['CHG1234'], ARRAY[NULL::text], ARRAY['{}'::jsonb], ARRAY['normal'], ARRAY['bench'],
    ARRAY[1::bigint], ARRAY['POST /v1/bookings'], ARRAY[:key::text], ARRAY['\x00'::bytea],
    ARRAY[NULL::bytea], ARRAY[NULL::jsonb], false);
