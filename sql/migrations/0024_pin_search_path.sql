-- A function means the same tables whoever calls it, from whatever search_path (docs/decisions/0024): a temporary
-- table of the caller's named like ours, a restore or a replica's apply cannot lead it elsewhere.
--
-- Functions in plpgsql get a search_path of their own, temporary tables last. Those in SQL become bodies that are
-- bound when they are made: they name what they named here for ever, and can still be inlined, which a
-- setting would prevent. Triggers hold in every session, one that replays or imports too.

DO $$
DECLARE
    v_function record;
    v_trigger record;
    v_definition text;
BEGIN
    FOR v_function IN
        SELECT p.oid, p.prosrc, l.lanname
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = current_schema()::regnamespace AND p.prosqlbody IS NULL
          AND l.lanname IN ('plpgsql', 'sql')
          AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c (setting) WHERE c.setting LIKE 'search_path=%')
        ORDER BY p.oid
    LOOP
        IF v_function.lanname = 'plpgsql' THEN
            EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp',
                           v_function.oid::regprocedure, current_schema());
        ELSE
            v_definition := pg_get_functiondef(v_function.oid);
            EXECUTE left(v_definition, strpos(v_definition, E'\nAS $function$') - 1)
                    || E'\nBEGIN ATOMIC\n' || rtrim(v_function.prosrc, E' \n;') || E';\nEND';
        END IF;
    END LOOP;
    FOR v_trigger IN
        SELECT t.tgname, t.tgrelid FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'A'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I',
                       v_trigger.tgrelid::regclass, v_trigger.tgname);
    END LOOP;
END $$;
