-- What environments reach may grow while their locks are waited for, by one with a smaller id than those locked by
-- then: locked after them it would be out of the one order, and two who do so deadlock. So all are given back,
-- with the savepoint under which they were taken, and locked anew.

-- Locks all that these environments reach, by id.
CREATE OR REPLACE FUNCTION lock_reach(p_environments bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    v_reach bigint[];
    v_has_grown boolean := true;
BEGIN
    WHILE v_has_grown LOOP
        v_reach := array(
            SELECT DISTINCT r.part_id FROM environment_reach r
            WHERE r.environment_id = ANY (p_environments) ORDER BY r.part_id);
        BEGIN
            PERFORM assert_lock_order(v_reach);
            PERFORM e.id FROM environments e WHERE e.id = ANY (v_reach) ORDER BY e.id FOR NO KEY UPDATE;
            v_has_grown := EXISTS (
                SELECT FROM environment_reach r
                WHERE r.environment_id = ANY (p_environments) AND r.part_id <> ALL (v_reach));
            IF v_has_grown THEN
                RAISE EXCEPTION USING ERRCODE = 'BRTH1', MESSAGE = 'the reach has grown';
            END IF;
        EXCEPTION WHEN SQLSTATE 'BRTH1' THEN
        END;
    END LOOP;
    RETURN v_reach;
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION lock_reach(bigint[]) SET search_path = %I, pg_temp', current_schema());
END $$;
