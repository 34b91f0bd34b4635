-- A copy of claims with its constraints and rows, without triggers and foreign keys.
CREATE TABLE bare_claims (LIKE claims INCLUDING ALL);
INSERT INTO bare_claims (booking_id, environment_id, lane, period, share_key)
SELECT booking_id, environment_id, lane, period, share_key FROM claims;
CREATE SEQUENCE bare_claim_ids START 1000000000;
VACUUM ANALYZE bare_claims;
