-- One bare claim, into a table with the same constraint and nothing else: the floor of any such system.
\set environment random(1, 1000)
\set hour random(1, 80000)
INSERT INTO bare_claims (booking_id, environment_id, lane, period, share_key)
VALUES (nextval('bare_claim_ids'), :environment, 'use',
        tstzrange(date_trunc('hour', now()) + :hour * interval '1 hour',
                  date_trunc('hour', now()) + :hour * interval '1 hour' + interval '1 hour', '[)'),
        currval('bare_claim_ids'))
ON CONFLICT DO NOTHING;
