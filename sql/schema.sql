--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: btree_gist; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;


--
-- Name: EXTENSION btree_gist; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';


--
-- Name: pg_trgm; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;


--
-- Name: EXTENSION pg_trgm; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';


--
-- Name: booking_mode; Type: DOMAIN; Schema: public; Owner: -
--

CREATE DOMAIN public.booking_mode AS text
	CONSTRAINT booking_mode_is_known CHECK ((VALUE = ANY (ARRAY['exclusive'::text, 'shared'::text])));


--
-- Name: booking_priority; Type: DOMAIN; Schema: public; Owner: -
--

CREATE DOMAIN public.booking_priority AS text
	CONSTRAINT booking_priority_is_known CHECK ((VALUE = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'urgent'::text])));


--
-- Name: booking_state; Type: DOMAIN; Schema: public; Owner: -
--

CREATE DOMAIN public.booking_state AS text
	CONSTRAINT booking_state_is_known CHECK ((VALUE = ANY (ARRAY['requested'::text, 'waitlisted'::text, 'confirmed'::text, 'active'::text, 'completed'::text, 'rejected'::text, 'cancelled'::text, 'expired'::text, 'displaced'::text])));


--
-- Name: buffer_minutes; Type: DOMAIN; Schema: public; Owner: -
--

CREATE DOMAIN public.buffer_minutes AS integer
	CONSTRAINT booking_buffers_are_bounded CHECK (((VALUE >= 0) AND (VALUE <= 10080)));


--
-- Name: window_kind; Type: DOMAIN; Schema: public; Owner: -
--

CREATE DOMAIN public.window_kind AS text
	CONSTRAINT window_kind_is_known CHECK ((VALUE = ANY (ARRAY['change'::text, 'maintenance'::text, 'freeze'::text])));


--
-- Name: window_state; Type: DOMAIN; Schema: public; Owner: -
--

CREATE DOMAIN public.window_state AS text
	CONSTRAINT window_state_is_known CHECK ((VALUE = ANY (ARRAY['requested'::text, 'approved'::text, 'rejected'::text, 'cancelled'::text])));


--
-- Name: advance_bookings(timestamp with time zone, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.advance_bookings(p_now timestamp with time zone, p_limit bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_begun bigint;
    v_completed bigint;
BEGIN
    UPDATE bookings b SET state = 'active', updated_at = p_now, updated_by = 'berth'
    WHERE b.id IN (SELECT d.id FROM bookings d
                   WHERE d.state = 'confirmed' AND d.starts_at <= p_now
                     AND (d.check_in_minutes IS NULL OR d.checked_in_at IS NOT NULL)
                   ORDER BY d.starts_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_begun = ROW_COUNT;
    UPDATE bookings b SET state = 'completed', updated_at = p_now, updated_by = 'berth'
    WHERE b.id IN (SELECT d.id FROM bookings d WHERE d.state = 'active' AND d.ends_at <= p_now
                   ORDER BY d.ends_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED);
    GET DIAGNOSTICS v_completed = ROW_COUNT;
    RETURN greatest(v_begun, v_completed);
END $$;


--
-- Name: align_claims(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.align_claims(p_bookings bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_read_committed();
    PERFORM lock_environments(array(
        SELECT DISTINCT e.id FROM bookings b
        LEFT JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
        CROSS JOIN unnest(b.environment_ids || v.environment_ids) e (id)
        WHERE b.id = ANY (p_bookings)));

    WITH implied AS MATERIALIZED (
        SELECT d.booking_id, d.environment_id, d.period, d.share_key FROM derive_claims(p_bookings) d),
    dropped AS (
        DELETE FROM claims c
        WHERE c.booking_id = ANY (p_bookings)
          AND NOT EXISTS (
            SELECT FROM implied d
            WHERE d.booking_id = c.booking_id AND d.environment_id = c.environment_id AND d.period = c.period
              AND d.share_key = c.share_key AND c.lane = 'use')
        RETURNING c.environment_id, c.period)
    INSERT INTO line_calls (environment_id, period)
    SELECT d.environment_id, d.period FROM dropped d
    WHERE EXISTS (SELECT FROM bookings w WHERE w.state IN ('waitlisted', 'displaced'));

    INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
    SELECT d.booking_id, d.environment_id, 'use', d.period, d.share_key
    FROM derive_claims(p_bookings) d
    WHERE NOT EXISTS (
        SELECT FROM claims c
        WHERE c.booking_id = d.booking_id AND c.environment_id = d.environment_id
          AND c.period = d.period)
    ORDER BY d.environment_id, d.booking_id;
END $$;


--
-- Name: align_windows(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.align_windows(p_windows bigint[], p_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_windows bigint[] := p_windows || array(
        SELECT w.id FROM change_windows w WHERE w.exception_to = ANY (p_windows));
BEGIN
    PERFORM require_read_committed();
    PERFORM lock_environments(array(
        SELECT d.environment_id FROM derive_spans(v_windows) d
        UNION
        SELECT s.environment_id FROM window_spans s
        WHERE s.window_id = ANY (v_windows) AND s.valid_until = 'infinity'));

    WITH spans AS MATERIALIZED (
        SELECT u.window_id, u.environment_id, u.state, u.team_id, u.exception_to, u.period,
               max(u.kind) AS kind, bool_or(u.is_emergency) AS is_emergency, max(u.held) AS held,
               bool_or(u.held IS NULL) AS is_implied
        FROM (SELECT s.window_id, s.environment_id, s.state, s.team_id, s.exception_to, s.period, s.kind,
                     s.is_emergency, s.ctid AS held
              FROM window_spans s WHERE s.window_id = ANY (v_windows) AND s.valid_until = 'infinity'
              UNION ALL
              SELECT d.window_id, d.environment_id, d.state, d.team_id, d.exception_to, d.period, d.kind,
                     d.is_emergency, NULL
              FROM derive_spans(v_windows) d) u
        GROUP BY u.window_id, u.environment_id, u.state, u.team_id, u.exception_to, u.period),
    ended AS (
        UPDATE window_spans s
        SET valid_until = date_trunc('second', coalesce(p_at, w.updated_at))
        FROM change_windows w
        WHERE s.ctid = ANY (array(SELECT p.held FROM spans p WHERE NOT p.is_implied)) AND w.id = s.window_id)
    INSERT INTO window_spans (
        window_id, environment_id, kind, state, team_id, exception_to, is_emergency, period, valid_from)
    SELECT p.window_id, p.environment_id, p.kind, p.state, p.team_id, p.exception_to, p.is_emergency,
           p.period,
           date_trunc('second', coalesce(p_at, CASE WHEN w.version = 1
               THEN coalesce(w.approved_at, w.created_at) ELSE w.updated_at END))
    FROM spans p JOIN change_windows w ON w.id = p.window_id
    WHERE p.held IS NULL;

    WITH implied AS MATERIALIZED (
        SELECT u.window_id, u.environment_id, u.lane, u.period, max(u.held) AS held,
               bool_or(u.held IS NULL) AS is_implied
        FROM (SELECT c.window_id, c.environment_id, c.lane, c.period, c.ctid AS held
              FROM claims c WHERE c.window_id = ANY (v_windows)
              UNION ALL
              SELECT d.window_id, d.environment_id, d.lane, d.period, NULL
              FROM derive_window_claims(v_windows) d) u
        GROUP BY u.window_id, u.environment_id, u.lane, u.period),
    dropped AS (
        DELETE FROM claims c
        WHERE c.ctid = ANY (array(SELECT i.held FROM implied i WHERE NOT i.is_implied))
        RETURNING c.environment_id, c.lane, c.period)
    INSERT INTO line_calls (environment_id, period)
    SELECT d.environment_id, d.period FROM dropped d
    WHERE d.lane = 'use'
      AND EXISTS (SELECT FROM bookings w WHERE w.state IN ('waitlisted', 'displaced'));

    PERFORM refuse_window_clashes(v_windows);
    INSERT INTO claims (window_id, environment_id, lane, period, share_key)
    SELECT n.window_id, n.environment_id, max(n.lane), n.period, max(n.share_key)
    FROM (SELECT d.window_id, d.environment_id, d.lane, d.period, d.share_key
          FROM derive_window_claims(v_windows) d
          UNION ALL
          SELECT c.window_id, c.environment_id, NULL, c.period, NULL
          FROM claims c WHERE c.window_id = ANY (v_windows)) n
    GROUP BY n.window_id, n.environment_id, n.period
    HAVING bool_and(n.share_key IS NOT NULL)
    ORDER BY n.environment_id, n.window_id;
END $$;


--
-- Name: append_changes(timestamp with time zone, text[], text[], text[], bigint[], timestamp with time zone[], text[], bigint[], text[], text[], text[], text[], text[], text[], bigint[], text[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.append_changes(p_now timestamp with time zone, p_by text[], p_sources text[], p_source_ids text[], p_environments bigint[], p_occurred timestamp with time zone[], p_actors text[], p_teams bigint[], p_kinds text[], p_summaries text[], p_components text[], p_versions text[], p_tickets text[], p_emergencies text[], p_corrects bigint[], p_claims text[] DEFAULT '{}'::text[]) RETURNS TABLE(ordinal bigint, id bigint, control text, reasons text[], window_id bigint, bookings_hit bigint[], is_late boolean, approved_late boolean, hash bytea)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
    v_last bigint;
    v_places bigint[];
BEGIN
    PERFORM require_read_committed();
    SELECT h.id INTO v_last FROM change_log_head h FOR UPDATE;
    -- What its source reported before, or earlier in the same batch, is there already.
    v_places := array(
        SELECT u.place
        FROM (SELECT a.source, a.source_id, a.corrects, a.place,
                     row_number() OVER (
                         PARTITION BY a.source, a.source_id, a.corrects IS NULL ORDER BY a.place) AS nth
              FROM unnest(p_sources, p_source_ids, p_corrects)
                  WITH ORDINALITY a (source, source_id, corrects, place)) u
        WHERE u.source_id IS NULL OR u.corrects IS NOT NULL
           OR (u.nth = 1
               AND NOT EXISTS (
                   SELECT FROM change_log c
                   WHERE c.source = u.source AND c.source_id = u.source_id AND c.entry = 'change'
                     AND c.corrects IS NULL))
        ORDER BY u.place);

    INSERT INTO change_log (
        id, root_id, entry, environment_id, occurred_at, recorded_at, recorded_by, source, source_id, actor,
        team_id, kind, summary, component, component_version, ticket, emergency_reason, corrects, control,
        reasons, window_id, bookings_hit, is_late, approved_late, claimed_team, hash)
    SELECT 0, 0, 'change', u.environment_id, u.occurred_at, p_now, u.recorded_by, u.source, u.source_id,
           u.actor, u.team_id, u.kind, u.summary, u.component, u.version, u.ticket, u.emergency, u.corrects,
           -- What was only seen afterwards is nobody's, whatever window it fell in.
           CASE WHEN k.keeps THEN o.control WHEN u.source = 'inventory' THEN 'uncontrolled' ELSE j.control END,
           CASE WHEN k.keeps THEN o.reasons
                WHEN u.source = 'inventory' AND 'unattributed' <> ALL (j.reasons)
                THEN j.reasons || 'unattributed'::text ELSE j.reasons END,
           CASE WHEN k.keeps THEN o.window_id ELSE coalesce(j.window_id, j.late_id) END,
           CASE WHEN k.keeps THEN o.bookings_hit
                WHEN o.is_accepted IS FALSE
                THEN array(SELECT unnest(o.bookings_hit) UNION SELECT unnest(j.bookings) ORDER BY 1)
                ELSE j.bookings END,
           CASE WHEN k.keeps THEN o.is_late ELSE p_now - u.occurred_at > interval '15 minutes' END,
           CASE WHEN k.keeps THEN o.approved_late ELSE j.late_id IS NOT NULL END,
           u.claim, ''
    FROM unnest(
        p_by, p_sources, p_source_ids, p_environments, p_occurred, p_actors, p_teams, p_kinds, p_summaries,
        p_components, p_versions, p_tickets, p_emergencies, p_corrects, p_claims)
        WITH ORDINALITY u (recorded_by, source, source_id, environment_id, occurred_at, actor, team_id, kind,
                           summary, component, version, ticket, emergency, corrects, claim, place)
    JOIN judge_changes(
        p_environments, p_teams, p_occurred,
        array(SELECT e.reason IS NOT NULL FROM unnest(p_emergencies) WITH ORDINALITY e (reason, place)
              ORDER BY e.place)) j ON j.place = u.place
    -- What corrections correct, as it stands.
    LEFT JOIN (
        SELECT x.place, o.environment_id, o.occurred_at, o.team_id, o.emergency_reason, o.control, o.reasons,
               o.window_id, o.bookings_hit, o.is_late, o.approved_late,
               coalesce((SELECT r.review = 'accepted' FROM change_log r
                         WHERE r.id = (standing(x.corrects)).review_id), false) AS is_accepted
        FROM unnest(p_corrects) WITH ORDINALITY x (corrects, place)
        CROSS JOIN LATERAL (
            SELECT coalesce(max(n.id), x.corrects) AS id FROM change_log n
            WHERE n.root_id = x.corrects AND n.entry = 'late-approval') l
        JOIN change_log o ON o.id = l.id
        WHERE x.corrects IS NOT NULL) o ON o.place = u.place
    CROSS JOIN LATERAL (
        SELECT o.place IS NOT NULL AND o.environment_id = u.environment_id AND o.occurred_at = u.occurred_at
               AND o.team_id IS NOT DISTINCT FROM u.team_id
               AND (o.emergency_reason IS NULL) = (u.emergency IS NULL) AS keeps) k
    WHERE u.place = ANY (v_places)
    ORDER BY u.place;

    -- Whoever heard of a change needs not hear of its wording.
    WITH news AS MATERIALIZED (
        SELECT c.id, c.control, c.kind, c.actor, c.team_id, c.source, c.bookings_hit, c.occurred_at, c.summary,
               e.key, e.owner_team_id, e.time_zone
        FROM change_log c
        JOIN environments e ON e.id = c.environment_id
        WHERE c.id > v_last AND (c.control <> 'controlled' OR 'others-booking' = ANY (c.reasons))
          AND (c.corrects IS NULL
               OR NOT EXISTS (SELECT FROM change_log o WHERE o.id = c.corrects AND keeps_judgement(c, o))))
    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT p_now, n.kind, n.subject, n.text, n.team_id, n.person
    FROM (
        SELECT w.id, 'change.under-booking' AS kind, 'BK-' || b.id AS subject,
               format('%s %s on %s at %s: %s', w.control, w.kind, w.key, readable(w.occurred_at, w.time_zone), w.summary)
                   AS text,
               b.team_id, b.requested_by AS person
        FROM news w JOIN bookings b ON b.id = ANY (w.bookings_hit)
        WHERE w.control <> 'controlled' OR w.team_id IS DISTINCT FROM b.team_id
        UNION ALL
        SELECT w.id,
               CASE WHEN w.source = 'inventory' THEN 'change.drift' ELSE 'change.' || w.control END,
               w.id::text,
               format('%s %s by %s (%s) on %s at %s: %s', w.control, w.kind, w.actor,
                      coalesce((SELECT t.name FROM teams t WHERE t.id = w.team_id), 'no team'), w.key,
                      readable(w.occurred_at, w.time_zone), w.summary),
               w.owner_team_id, NULL
        FROM news w WHERE w.control <> 'controlled' AND w.owner_team_id IS NOT NULL) n
    ORDER BY n.id, n.kind, n.subject;
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT p_now, 'change.recorded', c.id, 1 FROM change_log c WHERE c.id > v_last;

    -- Numbers are given in the order of the rows.
    RETURN QUERY
    SELECT v_places[c.id - v_last], c.id, c.control, c.reasons, c.window_id, c.bookings_hit, c.is_late,
           c.approved_late, c.hash
    FROM change_log c WHERE c.id > v_last ORDER BY c.id;
END $$;


--
-- Name: ask_for_approval(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ask_for_approval(p_bookings bigint[], p_now timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT ask_owners(array_agg(b.id), array_agg(a.environment), p_now)
    FROM bookings b CROSS JOIN jsonb_to_recordset(b.approvals) a (environment text, state text)
    WHERE b.id = ANY (p_bookings) AND b.state = 'requested' AND a.state = 'pending'
    HAVING count(*) > 0
$$;


--
-- Name: ask_for_window_approval(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ask_for_window_approval(p_windows bigint[], p_at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO notices (at, kind, subject, text, team_id)
    SELECT p_at, 'window.requested', 'CW-' || w.id,
           format('%s asks for %s on %s from %s to %s: %s', w.requested_by, w.kind,
                  string_agg(a.environment, ', '), readable(w.starts_at, w.time_zone), readable(w.ends_at, w.time_zone), w.title),
           t.id
    FROM change_windows w
    CROSS JOIN jsonb_to_recordset(w.approvals) a (environment text, "ownerTeam" text, state text)
    LEFT JOIN teams t ON t.id = team_id(a."ownerTeam")
    WHERE w.id = ANY (p_windows) AND w.state = 'requested' AND a.state = 'pending'
    GROUP BY w.id, t.id
$$;


--
-- Name: ask_owners(bigint[], text[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.ask_owners(p_bookings bigint[], p_environments text[], p_now timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO notices (at, kind, subject, text, team_id)
    SELECT p_now, 'booking.requested',
           CASE WHEN g.count > 1 THEN 'SR-' || g.series_id ELSE 'BK-' || g.first_id END,
           format('%s%s asks for %s: %s',
                  CASE WHEN g.count > 1 THEN format('%s of SR-%s: ', g.count, g.series_id) END,
                  b.requested_by, place_and_time(b.environment_ids, b.starts_at, b.ends_at), b.title),
           g.team_id
    FROM (
        SELECT b.series_id, t.id AS team_id, count(DISTINCT b.id) AS count,
               (array_agg(b.id ORDER BY b.starts_at, b.id))[1] AS first_id
        FROM unnest(p_bookings, p_environments) w (id, environment)
        JOIN bookings b ON b.id = w.id
        CROSS JOIN jsonb_to_recordset(b.approvals) a (environment text, "ownerTeam" text)
        LEFT JOIN teams t ON t.id = team_id(a."ownerTeam")
        WHERE a.environment = w.environment
        GROUP BY b.series_id, CASE WHEN b.series_id IS NULL THEN b.id END, t.id) g
    JOIN bookings b ON b.id = g.first_id
$$;


--
-- Name: assert_lock_order(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.assert_lock_order(p_environments bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_held bigint[];
    v_new bigint[];
BEGIN
    IF coalesce(current_setting('berth.lock_order', true), '') <> 'asserted' THEN
        RETURN;
    END IF;
    v_held := coalesce(nullif(current_setting('berth.locked_environments', true), ''), '{}');
    v_new := array(SELECT e.id FROM unnest(p_environments) e (id) WHERE e.id <> ALL (v_held));
    IF v_new <> '{}' AND current_setting('berth.locked_beyond', true) <> '' THEN
        RAISE EXCEPTION 'environments % are locked after %', v_new,
            current_setting('berth.locked_beyond', true) USING ERRCODE = 'assert_failure';
    END IF;
    IF (SELECT min(n.id) FROM unnest(v_new) n (id)) < (SELECT max(h.id) FROM unnest(v_held) h (id)) THEN
        RAISE EXCEPTION 'environments % are locked after %', v_new, v_held USING ERRCODE = 'assert_failure';
    END IF;
    PERFORM set_config('berth.locked_environments', (v_held || v_new)::text, true);
END $$;


--
-- Name: audit_at(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_at() RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE((NULLIF(current_setting('berth.audit_at'::text, true), ''::text))::timestamp with time zone, now()) AS "coalesce";
END;


--
-- Name: audit_fingerprint(text[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_fingerprint(VARIADIC p_about text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT "left"(encode(sha256(convert_to(array_to_string(p_about, '|'::text, '-'::text), 'UTF8'::name)), 'hex'::text), 16) AS "left";
END;


--
-- Name: audit_open_hours(jsonb, text, tstzrange); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_open_hours(p_policy jsonb, p_zone text, p_span tstzrange) RETURNS tstzmultirange
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN (COALESCE(jsonb_array_length((p_policy -> 'openingHours'::text)), 0) = 0) THEN tstzmultirange(p_span)
             ELSE (tstzmultirange(p_span) * COALESCE(( SELECT range_agg(tstzrange(o.opens, o.closes, '[)'::text)) AS range_agg
                FROM ((generate_series(date_trunc('day'::text, (lower(audit_open_hours.p_span) AT TIME ZONE audit_open_hours.p_zone)), (upper(audit_open_hours.p_span) AT TIME ZONE audit_open_hours.p_zone), '1 day'::interval) d(day)
                  CROSS JOIN jsonb_array_elements((audit_open_hours.p_policy -> 'openingHours'::text)) h(hours))
                  CROSS JOIN LATERAL ( SELECT ((d.day + (((h.hours ->> 'from'::text))::time without time zone)::interval) AT TIME ZONE audit_open_hours.p_zone) AS timezone,
                         ((d.day + (((h.hours ->> 'to'::text))::time without time zone)::interval) AT TIME ZONE audit_open_hours.p_zone) AS timezone) o(opens, closes))
               WHERE (((h.hours -> 'days'::text) ? ('{SU,MO,TU,WE,TH,FR,SA}'::text[])[(1 + (EXTRACT(dow FROM d.day))::integer)]) AND (o.opens < o.closes))), '{}'::tstzmultirange))
         END AS "case";
END;


--
-- Name: audit_setting(text, numeric); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_setting(p_name text, p_default numeric) RETURNS numeric
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE((NULLIF(current_setting(('berth.audit_'::text || p_name), true), ''::text))::numeric, p_default) AS "coalesce";
END;


--
-- Name: audit_time(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.audit_time(p_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT to_char((p_at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD HH24:MI'::text) AS to_char;
END;


--
-- Name: await_locks(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.await_locks(p_environments bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_free bigint[];
BEGIN
    BEGIN
        v_free := lock_free_reach(p_environments);
        RAISE EXCEPTION USING ERRCODE = 'BRTH2', MESSAGE = 'what was free is given back';
    EXCEPTION WHEN SQLSTATE 'BRTH2' THEN
    END;
    PERFORM e.id FROM environments e
    WHERE e.id = (SELECT min(r.part_id) FROM environment_reach r
                  WHERE r.environment_id = ANY (p_environments) AND r.part_id <> ALL (v_free))
    FOR NO KEY UPDATE;
END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: bookings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.bookings (
    id bigint NOT NULL,
    state public.booking_state NOT NULL,
    state_reason text,
    environment_ids bigint[] NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    time_zone text NOT NULL,
    title text NOT NULL,
    team_id bigint NOT NULL,
    contact text,
    mode public.booking_mode NOT NULL,
    ticket text,
    notes text,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    priority public.booking_priority DEFAULT 'normal'::text NOT NULL,
    requested_by text NOT NULL,
    setup_minutes public.buffer_minutes DEFAULT 0 NOT NULL,
    teardown_minutes public.buffer_minutes DEFAULT 0 NOT NULL,
    released_at timestamp with time zone,
    record_only boolean DEFAULT false NOT NULL,
    import_identity bytea,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    series_id bigint,
    recurrence_id timestamp with time zone,
    approvals jsonb DEFAULT '[]'::jsonb NOT NULL,
    approved_version integer,
    hold_expires_at timestamp with time zone,
    check_in_minutes integer,
    checked_in_at timestamp with time zone,
    lease_seconds integer,
    lease_expires_at timestamp with time zone,
    wait_until timestamp with time zone,
    starts_when_free boolean DEFAULT false NOT NULL,
    displaced_by text,
    select_labels jsonb,
    select_count integer,
    CONSTRAINT booking_approved_version_exists CHECK (((approved_version >= 1) AND (approved_version <= (version - 1)))),
    CONSTRAINT booking_check_in_is_bounded CHECK (((check_in_minutes >= 1) AND (check_in_minutes <= 10080))),
    CONSTRAINT booking_edit_is_undecided CHECK (((approved_version IS NULL) OR ((state)::text = 'requested'::text))),
    CONSTRAINT booking_id_is_positive CHECK ((id > 0)),
    CONSTRAINT booking_lease_expires CHECK ((((lease_seconds IS NULL) = (lease_expires_at IS NULL)) AND ((lease_seconds >= 1) AND (lease_seconds <= 86400)))),
    CONSTRAINT booking_names_its_environments CHECK ((((cardinality(environment_ids) >= 1) AND (cardinality(environment_ids) <= 20)) AND (array_position(environment_ids, NULL::bigint) IS NULL))),
    CONSTRAINT booking_period_is_ordered CHECK (((starts_at < ends_at) AND isfinite(starts_at) AND isfinite(ends_at))),
    CONSTRAINT booking_record_is_past CHECK (((NOT record_only) OR (((state)::text = 'completed'::text) AND (ends_at <= created_at)))),
    CONSTRAINT booking_recurs_in_a_series CHECK (((series_id IS NULL) = (recurrence_id IS NULL))),
    CONSTRAINT booking_release_is_inside CHECK (((released_at >= starts_at) AND (released_at <= ends_at))),
    CONSTRAINT booking_selects_some CHECK ((((select_labels IS NULL) = (select_count IS NULL)) AND ((select_count >= 1) AND (select_count <= 20)))),
    CONSTRAINT booking_wait_ends CHECK ((((state)::text <> ALL (ARRAY['waitlisted'::text, 'displaced'::text])) OR (wait_until IS NOT NULL)))
);


--
-- Name: environment_reach; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.environment_reach (
    environment_id bigint NOT NULL,
    part_id bigint NOT NULL,
    exclusive_if_shared boolean NOT NULL,
    exclusive_if_exclusive boolean NOT NULL
);


--
-- Name: environments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.environments (
    id bigint NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    tier text NOT NULL,
    owner_team_id bigint,
    time_zone text NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    capacity integer,
    status text DEFAULT 'available'::text NOT NULL,
    status_reason text,
    status_until timestamp with time zone,
    part_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    part_usages text[] DEFAULT '{}'::text[] NOT NULL,
    policy jsonb DEFAULT '{}'::jsonb NOT NULL,
    setup_minutes integer GENERATED ALWAYS AS (COALESCE(((policy ->> 'setupMinutes'::text))::integer, 0)) STORED NOT NULL,
    teardown_minutes integer GENERATED ALWAYS AS (COALESCE(((policy ->> 'teardownMinutes'::text))::integer, 0)) STORED NOT NULL,
    runbook text DEFAULT ''::text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    rules_hash uuid GENERATED ALWAYS AS ((md5(((((((((time_zone || ' '::text) || COALESCE((policy ->> 'maxHours'::text), ''::text)) || ' '::text) || COALESCE((policy ->> 'minLeadMinutes'::text), ''::text)) || ' '::text) || COALESCE((policy ->> 'horizonDays'::text), ''::text)) || ' '::text) || COALESCE((policy ->> 'openingHours'::text), ''::text))))::uuid) STORED NOT NULL,
    CONSTRAINT environment_buffers_are_bounded CHECK ((((setup_minutes >= 0) AND (setup_minutes <= 10080)) AND ((teardown_minutes >= 0) AND (teardown_minutes <= 10080)))),
    CONSTRAINT environment_capacity_is_positive CHECK ((capacity > 0)),
    CONSTRAINT environment_key_is_a_slug CHECK ((key ~ '^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$'::text)),
    CONSTRAINT environment_parts_are_paired CHECK (((cardinality(part_ids) = cardinality(part_usages)) AND (cardinality(part_ids) <= 100) AND (array_position(part_ids, NULL::bigint) IS NULL) AND (part_usages <@ ARRAY['same'::text, 'shared'::text, 'exclusive'::text]))),
    CONSTRAINT environment_status_is_known CHECK ((status = ANY (ARRAY['available'::text, 'degraded'::text, 'unavailable'::text, 'retired'::text])))
);


--
-- Name: awaited_slot(public.bookings, bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.awaited_slot(p_waiter public.bookings, p_environments bigint[], p_now timestamp with time zone) RETURNS TABLE(starts_at timestamp with time zone, ends_at timestamp with time zone, setup_minutes bigint, teardown_minutes bigint, period tstzrange)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT s.starts_at,
     s.ends_at,
     b.setup,
     b.teardown,
     tstzrange((s.starts_at - make_interval(mins => b.setup)), (s.ends_at + make_interval(mins => b.teardown)), '[)'::text) AS tstzrange
    FROM ((( SELECT COALESCE(max(e.setup_minutes), 0) AS setup,
             COALESCE(max(e.teardown_minutes), 0) AS teardown
            FROM (public.environment_reach r
              JOIN public.environments e ON ((e.id = r.part_id)))
           WHERE (r.environment_id = ANY (awaited_slot.p_environments))) b
      CROSS JOIN LATERAL ( SELECT (date_trunc('second'::text, awaited_slot.p_now) + make_interval(mins => b.setup)) AS earliest) n)
      CROSS JOIN LATERAL ( SELECT
                 CASE
                     WHEN ((awaited_slot.p_waiter).starts_when_free OR ((awaited_slot.p_waiter).starts_at < date_trunc('second'::text, awaited_slot.p_now))) THEN n.earliest
                     ELSE (awaited_slot.p_waiter).starts_at
                 END AS starts_at,
                 CASE
                     WHEN (awaited_slot.p_waiter).starts_when_free THEN (n.earliest + ((awaited_slot.p_waiter).ends_at - (awaited_slot.p_waiter).starts_at))
                     ELSE (awaited_slot.p_waiter).ends_at
                 END AS ends_at) s)
   WHERE (s.starts_at < s.ends_at);
END;


--
-- Name: begin_anew(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.begin_anew() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION 'more is to be locked by now' USING ERRCODE = 'serialization_failure';
END $$;


--
-- Name: blockers(bigint[], text, timestamp with time zone, timestamp with time zone, bigint[], bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.blockers(p_environments bigint[], p_mode text, p_from timestamp with time zone, p_until timestamp with time zone, p_except bigint[], p_limit bigint) RETURNS TABLE(environment_id bigint, part_id bigint, booking_id bigint, window_id bigint, period tstzrange)
    LANGUAGE plpgsql STABLE ROWS 5
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    WITH wanted AS (
        SELECT r.environment_id, r.part_id, e.capacity,
               CASE p_mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                           ELSE r.exclusive_if_shared END AS exclusive
        FROM environment_reach r JOIN environments e ON e.id = r.part_id
        WHERE r.environment_id = ANY (p_environments))
    SELECT w.environment_id, w.part_id, c.booking_id, c.window_id, c.period
    FROM wanted w
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.window_id, k.period
        FROM claims k
        WHERE k.environment_id = w.part_id AND k.lane = 'use'
          AND k.period && tstzrange(p_from, p_until, '[)')
          AND (k.booking_id IS NULL OR k.booking_id <> ALL (p_except))
          AND (k.share_key <> 0 OR w.exclusive)
        ORDER BY lower(k.period), k.booking_id
        LIMIT p_limit) c
    UNION ALL
    -- Who shares while no place is left.
    SELECT w.environment_id, w.part_id, c.booking_id, NULL, c.period
    FROM wanted w
    CROSS JOIN LATERAL (
        SELECT range_agg(tstzrange(s.at, s.until, '[)')) AS times
        FROM shared_use(w.part_id, tstzrange(p_from, p_until, '[)'), p_except) s
        WHERE s.used >= w.capacity
        OFFSET 0) crowded
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.period
        FROM claims k
        WHERE k.environment_id = w.part_id AND k.lane = 'use' AND k.share_key = 0
          AND k.period && tstzrange(p_from, p_until, '[)')
          AND k.period && crowded.times AND k.booking_id <> ALL (p_except)
        ORDER BY lower(k.period), k.booking_id
        LIMIT p_limit) c
    WHERE w.capacity IS NOT NULL AND NOT w.exclusive AND crowded.times IS NOT NULL;
END $$;


--
-- Name: book(timestamp with time zone, text[], text[], text[], timestamp with time zone[], timestamp with time zone[], text[], text[], bigint[], text[], text[], text[], text[], jsonb[], text[], text[], bigint[], text[], text[], bytea[], bytea[], jsonb[], boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.book(p_now timestamp with time zone, p_environments text[], p_versions text[], p_states text[], p_starts timestamp with time zone[], p_ends timestamp with time zone[], p_time_zones text[], p_titles text[], p_teams bigint[], p_contacts text[], p_modes text[], p_tickets text[], p_notes text[], p_labels jsonb[], p_priorities text[], p_actors text[], p_tokens bigint[], p_scopes text[], p_keys text[], p_hashes bytea[], p_imports bytea[], p_extras jsonb[], p_waits boolean) RETURNS TABLE(ordinal integer, outcome text, booking_id bigint, booking_version integer, setup_minutes integer, teardown_minutes integer)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_environments bigint[];
    v_locked bigint[];
    v_complete boolean := false;
    v_busy boolean;
    v_outcomes text[];
    v_ids bigint[];
    v_booking_versions integer[];
    v_setups integer[];
    v_teardowns integer[];
    v_needed integer[];
    v_wanted integer;
    v_limited boolean;
    v_queue integer[];
    v_try integer[];
    v_placed integer[];
    v_lost integer[];
    v_partial boolean;
    v_count integer;
    v_alone boolean;
    v_won integer[] := '{}';
    v_awaited bigint[] := '{}';
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        PERFORM require_read_committed();
    END IF;
    v_environments := array(
        SELECT unnest(q.environments::bigint[]) FROM unnest(p_environments) q (environments));

    WHILE NOT v_complete LOOP
        IF p_waits THEN
            v_locked := lock_reach(v_environments);
        ELSE
            v_locked := lock_free_reach(v_environments);
        END IF;

        -- What is true now that the environments are locked, in a statement of its own: was the key
        -- used before (its first request locked the same environments), are the environments as the
        -- caller read them, what buffers do they and their parts ask for, how many claims will there
        -- be, is any of them limited, and did the reach stay what was locked.
        SELECT array_agg(d.outcome), array_agg(d.id), array_agg(d.version),
               array_agg(d.setup), array_agg(d.teardown), array_agg(d.needed),
               sum(d.needed) FILTER (WHERE d.outcome IS NULL),
               bool_or(d.limited AND d.outcome IS NULL),
               array_agg(d.ord) FILTER (WHERE d.outcome IS NULL),
               bool_and(d.locked OR NOT p_waits), bool_or(d.outcome = 'busy')
        INTO v_outcomes, v_ids, v_booking_versions, v_setups, v_teardowns, v_needed, v_wanted, v_limited,
             v_queue, v_complete, v_busy
        FROM (
            SELECT q.ord, f.outcome, coalesce(r.booking_version, 1) AS version, e.setup, e.teardown,
                   e.needed, e.limited, e.locked,
                   CASE WHEN f.outcome IS NULL THEN nextval('bookings_id_seq')
                        ELSE r.booking_id END AS id
            FROM generate_subscripts(p_environments, 1) q (ord)
            LEFT JOIN idempotency_records r
                ON r.token_id = p_tokens[q.ord] AND r.scope = p_scopes[q.ord] AND r.key = p_keys[q.ord]
            CROSS JOIN LATERAL (
                SELECT count(DISTINCT h.part_id) AS needed, max(x.setup_minutes) AS setup,
                       max(x.teardown_minutes) AS teardown, bool_or(x.capacity IS NOT NULL) AS limited,
                       count(*) FILTER (
                           WHERE h.part_id = h.environment_id
                             AND x.version = (p_versions[q.ord]::integer[])[
                                 array_position(p_environments[q.ord]::bigint[], x.id)]
                       ) = cardinality(p_environments[q.ord]::bigint[]) AS fresh,
                       coalesce(bool_and(h.part_id = ANY (v_locked)), true) AS locked
                FROM environment_reach h JOIN environments x ON x.id = h.part_id
                WHERE h.environment_id = ANY (p_environments[q.ord]::bigint[])) e
            CROSS JOIN LATERAL (
                SELECT CASE WHEN NOT p_waits AND NOT e.locked THEN 'busy'
                            WHEN r.created_at > p_now - interval '24 hours'
                            THEN CASE WHEN r.request_hash = p_hashes[q.ord] THEN 'replay'
                                      ELSE 'key-reused' END
                            WHEN NOT e.fresh THEN 'stale' END AS outcome) f
            ORDER BY q.ord) d;
    END LOOP;

    -- Who needs what an earlier one still waits for waits behind it.
    IF v_busy THEN
        FOR v_ord IN 1 .. cardinality(v_outcomes) LOOP
            IF v_outcomes[v_ord] = 'busy'
               OR (v_outcomes[v_ord] IS NULL AND p_environments[v_ord]::bigint[] && v_awaited) THEN
                v_outcomes[v_ord] := 'busy';
                v_awaited := v_awaited || p_environments[v_ord]::bigint[];
            END IF;
        END LOOP;
        SELECT coalesce(array_agg(q.ord ORDER BY q.ord), '{}'), sum(v_needed[q.ord])
        INTO v_queue, v_wanted
        FROM generate_subscripts(v_outcomes, 1) q (ord) WHERE v_outcomes[q.ord] IS NULL;
    END IF;

    v_alone := v_limited;
    WHILE cardinality(v_queue) > 0 LOOP
        v_try := CASE WHEN v_alone THEN v_queue[1:1] ELSE v_queue END;

        INSERT INTO claims (booking_id, environment_id, lane, period, share_key)
        SELECT v_ids[t.ord], c.environment_id, 'use', c.period, c.share_key
        FROM unnest(v_try) t (ord)
        CROSS JOIN LATERAL implied_claims(
            v_ids[t.ord], p_environments[t.ord]::bigint[], p_modes[t.ord],
            p_starts[t.ord] - make_interval(mins => v_setups[t.ord]),
            p_ends[t.ord] + make_interval(mins => v_teardowns[t.ord])) c
        ORDER BY t.ord, c.environment_id
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_count = ROW_COUNT;

        IF v_count = (CASE WHEN v_alone THEN v_needed[v_try[1]] ELSE v_wanted END) THEN
            v_placed := v_try;
            v_lost := NULL;
            v_partial := false;
        ELSE
            SELECT array_agg(t.ord ORDER BY t.ord) FILTER (WHERE p.n = v_needed[t.ord]),
                   array_agg(t.ord ORDER BY t.ord) FILTER (WHERE p.n < v_needed[t.ord]),
                   bool_or(p.n > 0 AND p.n < v_needed[t.ord])
            INTO v_placed, v_lost, v_partial
            FROM unnest(v_try) t (ord)
            CROSS JOIN LATERAL (
                SELECT count(*) AS n FROM claims c WHERE c.booking_id = v_ids[t.ord]) p;
        END IF;

        -- A condition of its own: an EXISTS beside another condition is made ready even when not needed.
        IF v_limited AND v_placed IS NOT NULL THEN
            IF EXISTS (SELECT FROM overbooked(ARRAY[v_ids[v_placed[1]]])) THEN
                v_lost := v_placed;
                v_placed := NULL;
                v_partial := true;
            END IF;
        END IF;
        IF v_partial THEN
            DELETE FROM claims c
            WHERE c.booking_id = ANY (array(SELECT v_ids[l.ord] FROM unnest(v_lost) l (ord)));
        END IF;
        v_won := v_won || v_placed;

        -- The half of what a refused request held may have refused another one: those are decided
        -- again, alone, in order of arrival.
        v_queue := CASE WHEN v_alone THEN v_queue[2:] WHEN v_partial THEN v_lost ELSE '{}' END;
        v_alone := true;
    END LOOP;

    IF v_won <> '{}' THEN
        INSERT INTO bookings (
            id, state, environment_ids, starts_at, ends_at, time_zone, title, team_id, contact, mode,
            ticket, notes, labels, priority, requested_by, setup_minutes, teardown_minutes,
            import_identity, series_id, recurrence_id, approvals, hold_expires_at, check_in_minutes,
            lease_seconds, lease_expires_at, created_at, updated_at, updated_by)
        SELECT v_ids[w.ord], p_states[w.ord], p_environments[w.ord]::bigint[], p_starts[w.ord],
               p_ends[w.ord], p_time_zones[w.ord], p_titles[w.ord], p_teams[w.ord], p_contacts[w.ord],
               p_modes[w.ord], p_tickets[w.ord], p_notes[w.ord], p_labels[w.ord], p_priorities[w.ord],
               p_actors[w.ord], v_setups[w.ord], v_teardowns[w.ord], p_imports[w.ord],
               (p_extras[w.ord] ->> 'seriesId')::bigint,
               (p_extras[w.ord] ->> 'recurrenceId')::timestamptz,
               coalesce(p_extras[w.ord] -> 'approvals', '[]'),
               (p_extras[w.ord] ->> 'holdExpiresAt')::timestamptz,
               (p_extras[w.ord] ->> 'checkInMinutes')::integer,
               (p_extras[w.ord] ->> 'leaseSeconds')::integer,
               (p_extras[w.ord] ->> 'leaseExpiresAt')::timestamptz, p_now, p_now, p_actors[w.ord]
        FROM unnest(v_won) w (ord);

        IF 'requested' = ANY (p_states) THEN
            PERFORM ask_for_approval(array(SELECT v_ids[w.ord] FROM unnest(v_won) w (ord)), p_now);
        END IF;

        INSERT INTO idempotency_records (
            token_id, scope, key, request_hash, status, booking_id, booking_version, created_at)
        SELECT p_tokens[w.ord], p_scopes[w.ord], p_keys[w.ord], p_hashes[w.ord], 201, v_ids[w.ord], 1,
               p_now
        FROM unnest(v_won) w (ord)
        WHERE p_keys[w.ord] IS NOT NULL
        ON CONFLICT (token_id, scope, key) DO UPDATE
        SET request_hash = excluded.request_hash, status = excluded.status,
            booking_id = excluded.booking_id, booking_version = excluded.booking_version,
            location = NULL, etag = NULL, body = NULL, created_at = excluded.created_at
        WHERE idempotency_records.created_at <= p_now - interval '24 hours';
        GET DIAGNOSTICS v_count = ROW_COUNT;
        -- Another server answered the key meanwhile, for other environments: neither may stand for both.
        IF v_count < cardinality(v_won) THEN
            IF v_count < (SELECT count(p_keys[w.ord]) FROM unnest(v_won) w (ord)) THEN
                RAISE unique_violation USING CONSTRAINT = 'idempotency_key_is_used_once';
            END IF;
        END IF;
    END IF;

    RETURN QUERY
    SELECT q.ord,
           coalesce(v_outcomes[q.ord], CASE WHEN q.ord = ANY (v_won) THEN 'booked' ELSE 'refused' END),
           v_ids[q.ord], v_booking_versions[q.ord], v_setups[q.ord], v_teardowns[q.ord]
    FROM generate_subscripts(p_environments, 1) q (ord);
END $$;


--
-- Name: booking_length_step(timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.booking_length_step(p_from timestamp with time zone, p_until timestamp with time zone) RETURNS integer
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN ((p_until - p_from) <= '24:00:00'::interval) THEN 1
             WHEN ((p_until - p_from) <= '240:00:00'::interval) THEN 2
             WHEN ((p_until - p_from) <= '2400:00:00'::interval) THEN 3
             ELSE 4
         END AS "case";
END;


--
-- Name: booking_overlaps(timestamp with time zone, timestamp with time zone, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.booking_overlaps(p_starts timestamp with time zone, p_ends timestamp with time zone, p_from timestamp with time zone, p_until timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ((p_ends > p_from) AND (((public.booking_length_step(p_starts, p_ends) = 1) AND (p_starts > (p_from - '24:00:00'::interval)) AND (p_starts < p_until)) OR ((public.booking_length_step(p_starts, p_ends) = 2) AND (p_starts > (p_from - '240:00:00'::interval)) AND (p_starts < p_until)) OR ((public.booking_length_step(p_starts, p_ends) = 3) AND (p_starts > (p_from - '2400:00:00'::interval)) AND (p_starts < p_until)) OR ((public.booking_length_step(p_starts, p_ends) = 4) AND (p_starts > (p_from - '8784:00:00'::interval)) AND (p_starts < p_until))));
END;


--
-- Name: bookings_without_claims(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.bookings_without_claims(p_environments bigint[], p_after timestamp with time zone) RETURNS TABLE(booking_id bigint)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT b.id
    FROM (unnest(bookings_without_claims.p_environments) e(id)
      CROSS JOIN LATERAL ( SELECT o.id
            FROM public.bookings o
           WHERE ((o.environment_ids[1] = e.id) AND (o.starts_at > bookings_without_claims.p_after) AND (o.record_only OR ((o.state)::text = ANY (ARRAY['rejected'::text, 'cancelled'::text, 'expired'::text, 'displaced'::text]))))
          OFFSET 0) b)
 UNION ALL
  SELECT b.id
    FROM (unnest(bookings_without_claims.p_environments) e(id)
      CROSS JOIN LATERAL ( SELECT m.id
            FROM public.bookings m
           WHERE ((cardinality(m.environment_ids) > 1) AND (m.environment_ids @> ARRAY[e.id]) AND (m.starts_at > bookings_without_claims.p_after) AND (m.record_only OR ((m.state)::text = ANY (ARRAY['rejected'::text, 'cancelled'::text, 'expired'::text, 'displaced'::text]))))
          OFFSET 0) b);
END;


--
-- Name: busy_times(bigint[], text, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.busy_times(p_environments bigint[], p_mode text, p_from timestamp with time zone, p_until timestamp with time zone) RETURNS TABLE(environment_id bigint, busy tstzmultirange)
    LANGUAGE plpgsql STABLE ROWS 10000
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_sort TO 'off'
    SET jit TO 'off'
    SET work_mem TO '64MB'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    -- Whether anything is used alone, and whether anything is shared: most often it is one of them, and to
    -- sum up the claims for both would take half as long again.
    v_alone boolean := p_mode = 'exclusive'
        OR EXISTS (SELECT FROM environment_reach r WHERE r.exclusive_if_shared);
    v_shared boolean := p_mode = 'shared'
        OR EXISTS (SELECT FROM environment_reach r WHERE NOT r.exclusive_if_exclusive);
BEGIN
    RETURN QUERY
    WITH near AS MATERIALIZED (
        SELECT c.environment_id AS part_id, c.period, c.share_key
        FROM claims_between(p_from, p_until, NULL) c WHERE p_environments IS NULL
        UNION ALL
        SELECT c.environment_id, c.period, c.share_key
        FROM claims_reached(p_environments, p_from, p_until) c WHERE p_environments IS NOT NULL),
    -- Shared use at an instant: begins and ends counted in order; where a limit is reached, and until when.
    crowded AS (
        SELECT s.part_id, range_agg(tstzrange(s.at, s.next, '[)')) AS full_time
        FROM (
            SELECT v.part_id, v.at, e.capacity,
                   sum(v.step) OVER (PARTITION BY v.part_id ORDER BY v.at) AS used,
                   lead(v.at) OVER (PARTITION BY v.part_id ORDER BY v.at) AS next
            FROM (
                SELECT n.part_id, lower(n.period), 1 FROM near n WHERE n.share_key = 0
                UNION ALL
                SELECT n.part_id, upper(n.period), -1 FROM near n WHERE n.share_key = 0) v (part_id, at, step)
            JOIN environments e ON e.id = v.part_id AND e.capacity IS NOT NULL
            WHERE p_mode = 'shared') s
        WHERE s.used >= s.capacity
        GROUP BY s.part_id),
    taken AS (
        SELECT n.part_id, range_agg(n.period) FILTER (WHERE v_alone) AS by_any,
               range_agg(n.period) FILTER (WHERE v_shared AND n.share_key <> 0) AS by_one
        FROM near n GROUP BY n.part_id)
    SELECT r.environment_id,
           range_agg(CASE WHEN (CASE p_mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                                            ELSE r.exclusive_if_shared END)
                          THEN t.by_any
                          ELSE coalesce(t.by_one, '{}') + coalesce(c.full_time, '{}') END)
    FROM taken t
    LEFT JOIN crowded c ON c.part_id = t.part_id
    JOIN environment_reach r ON r.part_id = t.part_id
    WHERE p_environments IS NULL OR r.environment_id = ANY (p_environments)
    GROUP BY r.environment_id;
END $$;


--
-- Name: call_for_held(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.call_for_held(p_bookings bigint[], p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO line_calls (environment_id, period)
    SELECT n.id, a.period
    FROM bookings w
    CROSS JOIN LATERAL awaited_slot(w, w.environment_ids, p_now) a
    CROSS JOIN unnest(w.environment_ids) n (id)
    WHERE w.id = ANY (p_bookings) AND w.state IN ('waitlisted', 'displaced');
END $$;


--
-- Name: change_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.change_log (
    id bigint NOT NULL,
    root_id bigint NOT NULL,
    entry text NOT NULL,
    environment_id bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    recorded_by text NOT NULL,
    source text NOT NULL,
    source_id text,
    actor text NOT NULL,
    team_id bigint,
    kind text NOT NULL,
    summary text NOT NULL,
    component text,
    component_version text,
    ticket text,
    emergency_reason text,
    corrects bigint,
    control text NOT NULL,
    reasons text[] NOT NULL,
    window_id bigint,
    bookings_hit bigint[] NOT NULL,
    is_late boolean NOT NULL,
    approved_late boolean NOT NULL,
    review text,
    review_note text,
    hash bytea NOT NULL,
    claimed_team text,
    CONSTRAINT change_control_is_known CHECK ((control = ANY (ARRAY['controlled'::text, 'uncontrolled'::text, 'emergency'::text]))),
    CONSTRAINT change_corrects_an_earlier CHECK ((corrects < id)),
    CONSTRAINT change_entry_is_known CHECK ((entry = ANY (ARRAY['change'::text, 'late-approval'::text, 'review'::text]))),
    CONSTRAINT change_hash_is_sha256 CHECK ((octet_length(hash) = 32)),
    CONSTRAINT change_kind_is_known CHECK ((kind = ANY (ARRAY['deploy'::text, 'config'::text, 'data'::text, 'infrastructure'::text, 'restart'::text, 'other'::text]))),
    CONSTRAINT change_review_is_known CHECK ((((entry = 'review'::text) = (review IS NOT NULL)) AND (review = ANY (ARRAY['accepted'::text, 'rejected'::text])))),
    CONSTRAINT change_root_is_earlier CHECK ((((entry = 'change'::text) AND (root_id = id)) OR ((entry <> 'change'::text) AND (root_id < id))))
);


--
-- Name: chain_bytes(public.change_log); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.chain_bytes(c public.change_log) RETURNS bytea
    LANGUAGE plpgsql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_bytes bytea := '';
    v_field text;
BEGIN
    FOREACH v_field IN ARRAY ARRAY[
        c.id::text, c.root_id::text, c.entry, c.environment_id::text,
        (extract(epoch FROM c.occurred_at) * 1000000)::bigint::text,
        (extract(epoch FROM c.recorded_at) * 1000000)::bigint::text,
        c.recorded_by, c.source, c.source_id, c.actor, c.team_id::text, c.kind, c.summary, c.component,
        c.component_version, c.ticket, c.emergency_reason, c.corrects::text, c.control,
        array_to_string(c.reasons, ','), c.window_id::text, array_to_string(c.bookings_hit, ','),
        c.is_late::text, c.approved_late::text, c.review, c.review_note]
        || CASE WHEN c.claimed_team IS NULL THEN '{}' ELSE ARRAY[c.claimed_team] END
    LOOP
        v_bytes := v_bytes || CASE WHEN v_field IS NULL THEN int4send(-1)
            ELSE int4send(octet_length(convert_to(v_field, 'UTF8'))) || convert_to(v_field, 'UTF8') END;
    END LOOP;
    RETURN v_bytes;
END $$;


--
-- Name: claim_length_step(tstzrange); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.claim_length_step(p_period tstzrange) RETURNS integer
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN ((upper(p_period) - lower(p_period)) <= '04:00:00'::interval) THEN 1
             WHEN ((upper(p_period) - lower(p_period)) <= '24:00:00'::interval) THEN 2
             WHEN ((upper(p_period) - lower(p_period)) <= '168:00:00'::interval) THEN 3
             WHEN ((upper(p_period) - lower(p_period)) <= '744:00:00'::interval) THEN 4
             ELSE 5
         END AS "case";
END;


--
-- Name: claims_between(timestamp with time zone, timestamp with time zone, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.claims_between(p_from timestamp with time zone, p_until timestamp with time zone, p_most bigint) RETURNS TABLE(environment_id bigint, period tstzrange, share_key bigint)
    LANGUAGE plpgsql STABLE ROWS 10000
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 1 AND upper(c.period) > p_from
      AND lower(c.period) > p_from - interval '4 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 2 AND upper(c.period) > p_from
      AND lower(c.period) > p_from - interval '24 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 3 AND upper(c.period) > p_from
      AND lower(c.period) > p_from - interval '168 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 4 AND upper(c.period) > p_from
      AND lower(c.period) > p_from - interval '744 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND claim_length_step(c.period) = 5 AND upper(c.period) > p_from
      AND lower(c.period) > p_from - interval '9600 hours' AND lower(c.period) < p_until
    UNION ALL
    SELECT c.environment_id, c.period, c.share_key FROM claims c
    WHERE c.lane = 'use' AND upper(c.period) - lower(c.period) > interval '9600 hours'
      AND upper(c.period) > p_from AND lower(c.period) <= p_from - interval '9600 hours'
    LIMIT p_most;
END $$;


--
-- Name: claims_reached(bigint[], timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.claims_reached(p_environments bigint[], p_from timestamp with time zone, p_until timestamp with time zone) RETURNS TABLE(environment_id bigint, period tstzrange, share_key bigint)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    SELECT p.id, c.period, c.share_key
    FROM (SELECT DISTINCT r.part_id FROM environment_reach r
          WHERE r.environment_id = ANY (p_environments)) p (id)
    CROSS JOIN LATERAL (
        SELECT k.period, k.share_key FROM claims k
        WHERE k.environment_id = p.id AND k.lane = 'use'
          AND k.period && tstzrange(p_from, p_until, '[)')
        OFFSET 0) c;
END $$;


--
-- Name: implied_claims(bigint, bigint[], text, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.implied_claims(p_booking bigint, p_environments bigint[], p_mode text, p_from timestamp with time zone, p_until timestamp with time zone) RETURNS TABLE(environment_id bigint, period tstzrange, share_key bigint)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT r.part_id,
     tstzrange(implied_claims.p_from, implied_claims.p_until, '[)'::text) AS tstzrange,
         CASE
             WHEN bool_or(
             CASE implied_claims.p_mode
                 WHEN 'exclusive'::text THEN r.exclusive_if_exclusive
                 ELSE r.exclusive_if_shared
             END) THEN implied_claims.p_booking
             ELSE (0)::bigint
         END AS "case"
    FROM public.environment_reach r
   WHERE (r.environment_id = ANY (implied_claims.p_environments))
   GROUP BY r.part_id;
END;


--
-- Name: booking_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.booking_versions (
    booking_id bigint NOT NULL,
    version integer NOT NULL,
    state public.booking_state NOT NULL,
    state_reason text,
    environment_ids bigint[] NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    time_zone text NOT NULL,
    title text NOT NULL,
    team_id bigint NOT NULL,
    contact text,
    mode public.booking_mode NOT NULL,
    ticket text,
    notes text,
    labels jsonb NOT NULL,
    priority public.booking_priority NOT NULL,
    setup_minutes public.buffer_minutes NOT NULL,
    teardown_minutes public.buffer_minutes NOT NULL,
    released_at timestamp with time zone,
    record_only boolean NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    approvals jsonb DEFAULT '[]'::jsonb NOT NULL,
    approved_version integer,
    hold_expires_at timestamp with time zone,
    check_in_minutes integer,
    checked_in_at timestamp with time zone,
    lease_seconds integer,
    lease_expires_at timestamp with time zone,
    wait_until timestamp with time zone,
    starts_when_free boolean DEFAULT false NOT NULL,
    displaced_by text,
    CONSTRAINT booking_version_is_ordered CHECK ((valid_from <= valid_until))
);


--
-- Name: derive_claims(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.derive_claims(p_bookings bigint[]) RETURNS TABLE(booking_id bigint, environment_id bigint, period tstzrange, share_key bigint)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT b.id,
     c.environment_id,
     c.period,
     c.share_key
    FROM (public.bookings b
      CROSS JOIN LATERAL public.implied_claims(b.id, b.environment_ids, (b.mode)::text, (b.starts_at - make_interval(mins => (b.setup_minutes)::integer)), (COALESCE(b.released_at, b.ends_at) + make_interval(mins => (b.teardown_minutes)::integer))) c(environment_id, period, share_key))
   WHERE ((b.id = ANY (derive_claims.p_bookings)) AND (b.approved_version IS NULL) AND (((b.state)::text = ANY (ARRAY['requested'::text, 'confirmed'::text, 'active'::text, 'completed'::text])) OR (b.released_at IS NOT NULL)) AND (NOT b.record_only) AND (NOT isempty(c.period)))
 UNION ALL
  SELECT b.id,
     m.environment_id,
     m.period,
     m.share_key
    FROM ((public.bookings b
      JOIN public.booking_versions v ON (((v.booking_id = b.id) AND (v.version = b.approved_version))))
      CROSS JOIN LATERAL ( SELECT c.environment_id,
             unnest(range_agg(c.period)) AS period,
             max(c.share_key) AS share_key
            FROM ( SELECT n.environment_id,
                     n.period,
                     n.share_key
                    FROM public.implied_claims(b.id, b.environment_ids, (b.mode)::text, (b.starts_at - make_interval(mins => (b.setup_minutes)::integer)), (b.ends_at + make_interval(mins => (b.teardown_minutes)::integer))) n(environment_id, period, share_key)
                 UNION ALL
                  SELECT o.environment_id,
                     o.period,
                     o.share_key
                    FROM public.implied_claims(b.id, v.environment_ids, (v.mode)::text, (v.starts_at - make_interval(mins => (v.setup_minutes)::integer)), (v.ends_at + make_interval(mins => (v.teardown_minutes)::integer))) o(environment_id, period, share_key)) c
           GROUP BY c.environment_id) m)
   WHERE (b.id = ANY (derive_claims.p_bookings));
END;


--
-- Name: claims; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.claims (
    booking_id bigint,
    environment_id bigint NOT NULL,
    lane text DEFAULT 'use'::text NOT NULL,
    period tstzrange NOT NULL,
    share_key bigint NOT NULL,
    window_id bigint,
    CONSTRAINT claim_has_one_holder CHECK ((num_nonnulls(booking_id, window_id) = 1)),
    CONSTRAINT claim_lane_is_known CHECK ((lane = ANY (ARRAY['use'::text, 'change'::text]))),
    CONSTRAINT claim_period_is_half_open CHECK (((NOT isempty(period)) AND lower_inc(period) AND (NOT upper_inc(period)) AND (NOT lower_inf(period)) AND (NOT upper_inf(period)) AND isfinite(lower(period)) AND isfinite(upper(period)))),
    CONSTRAINT claim_share_key_is_known CHECK (
CASE
    WHEN (window_id IS NULL) THEN ((lane = 'use'::text) AND ((share_key = 0) OR (share_key = booking_id)))
    ELSE ((((lane = 'use'::text) AND (share_key = '-1'::integer)) OR ((lane = 'change'::text) AND (share_key = '-2'::integer))) OR ((lane = 'change'::text) AND (share_key = '-3'::integer)))
END)
);


--
-- Name: clashes(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.clashes(p_bookings bigint[]) RETURNS TABLE(environment_id bigint, booking_id bigint, other_id bigint, window_id bigint, period tstzrange)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH implied AS MATERIALIZED (
          SELECT d.booking_id,
             d.environment_id,
             d.period,
             d.share_key
            FROM public.derive_claims(clashes.p_bookings) d(booking_id, environment_id, period, share_key)
         ), later AS MATERIALIZED (
          SELECT i.booking_id,
             i.environment_id,
             i.period,
             i.share_key
            FROM ( SELECT n.booking_id,
                     n.environment_id,
                     n.period,
                     n.share_key,
                     max(upper(n.period)) OVER earlier AS taken_until,
                     max(upper(n.period)) FILTER (WHERE (n.share_key <> 0)) OVER earlier AS alone_until
                    FROM implied n
                   WINDOW earlier AS (PARTITION BY n.environment_id ORDER BY (lower(n.period)), n.booking_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) i
           WHERE (lower(i.period) <
                 CASE i.share_key
                     WHEN 0 THEN i.alone_until
                     ELSE i.taken_until
                 END)
         )
  SELECT mine.environment_id,
     mine.booking_id,
     other.booking_id,
     other.window_id,
     other.period
    FROM (implied mine
      CROSS JOIN LATERAL ( SELECT c.booking_id,
             c.window_id,
             c.period
            FROM public.claims c
           WHERE ((c.environment_id = mine.environment_id) AND (c.lane = 'use'::text) AND (c.period && mine.period) AND (c.share_key <> mine.share_key))
          OFFSET 0) other)
   WHERE ((other.booking_id IS NULL) OR (other.booking_id <> ALL (clashes.p_bookings)))
 UNION
  SELECT l.environment_id,
     LEAST(l.booking_id, o.booking_id) AS "least",
     GREATEST(l.booking_id, o.booking_id) AS "greatest",
     NULL::bigint,
         CASE
             WHEN (l.booking_id > o.booking_id) THEN l.period
             ELSE o.period
         END AS period
    FROM (later l
      JOIN implied o ON (((o.environment_id = l.environment_id) AND (o.period && l.period) AND (o.share_key <> l.share_key) AND (o.booking_id <> l.booking_id))));
END;


--
-- Name: teams; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.teams (
    id bigint NOT NULL,
    name text NOT NULL,
    colour text,
    contact text,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    merged_into bigint,
    CONSTRAINT team_leads_elsewhere CHECK ((merged_into <> id)),
    CONSTRAINT team_name_is_plain CHECK ((name ~ '^[^[:cntrl:][:space:]/]([^[:cntrl:]/]{0,98}[^[:cntrl:][:space:]/])?$'::text))
);


--
-- Name: team_id(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.team_id(p_name text) RETURNS bigint
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE(t.merged_into, t.id) AS "coalesce"
    FROM public.teams t
   WHERE (lower(t.name) = lower(team_id.p_name));
END;


--
-- Name: matches_selector(public.environments, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.matches_selector(e public.environments, p_selector jsonb) RETURNS boolean
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (((e).labels @> (p_selector - ARRAY['tier'::text, 'owner'::text, 'status'::text])) AND (((p_selector ->> 'tier'::text) IS NULL) OR ((e).tier = (p_selector ->> 'tier'::text))) AND (((p_selector ->> 'status'::text) IS NULL) OR ((e).status = (p_selector ->> 'status'::text))) AND (((p_selector ->> 'owner'::text) IS NULL) OR ((e).owner_team_id = ( SELECT public.team_id((p_selector ->> 'owner'::text)) AS team_id))));
END;


--
-- Name: change_windows; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.change_windows (
    id bigint NOT NULL,
    kind public.window_kind NOT NULL,
    state public.window_state NOT NULL,
    state_reason text,
    environment_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    labels jsonb,
    include_parts boolean DEFAULT false NOT NULL,
    team_id bigint,
    title text NOT NULL,
    ticket text,
    notes text,
    requested_by text NOT NULL,
    approvals jsonb DEFAULT '[]'::jsonb NOT NULL,
    approved_at timestamp with time zone,
    exception_to bigint,
    emergency_reason text,
    on_conflict text DEFAULT 'refuse'::text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    time_zone text NOT NULL,
    rrule text,
    exdates timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    rdates timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    occurrence_starts timestamp with time zone[] NOT NULL,
    import_identity text,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    CONSTRAINT window_approval_is_timed CHECK ((((state)::text <> 'approved'::text) OR (approved_at IS NOT NULL))),
    CONSTRAINT window_emergency_is_short CHECK (((emergency_reason IS NULL) OR (((kind)::text = 'change'::text) AND (team_id IS NOT NULL) AND (exception_to IS NULL) AND (rrule IS NULL) AND ((ends_at - starts_at) <= '04:00:00'::interval)))),
    CONSTRAINT window_exception_is_a_change CHECK (((exception_to IS NULL) OR ((kind)::text = 'change'::text))),
    CONSTRAINT window_names_its_environments CHECK ((((labels IS NULL) = (environment_ids <> '{}'::bigint[])) AND (cardinality(environment_ids) <= 500) AND (array_position(environment_ids, NULL::bigint) IS NULL))),
    CONSTRAINT window_occurrences_are_listed CHECK ((((cardinality(occurrence_starts) >= 1) AND (cardinality(occurrence_starts) <= 2000)) AND (array_position(occurrence_starts, NULL::timestamp with time zone) IS NULL) AND (occurrence_starts[1] = starts_at) AND ((rrule IS NOT NULL) OR (cardinality(occurrence_starts) = 1)))),
    CONSTRAINT window_on_conflict_is_known CHECK ((on_conflict = ANY (ARRAY['refuse'::text, 'displace'::text]))),
    CONSTRAINT window_period_is_ordered CHECK (((starts_at < ends_at) AND isfinite(starts_at) AND isfinite(ends_at)))
);


--
-- Name: occurrence_length(public.change_windows); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.occurrence_length(w public.change_windows) RETURNS interval
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT make_interval(secs => (EXTRACT(epoch FROM ((w).ends_at - (w).starts_at)))::double precision) AS make_interval;
END;


--
-- Name: window_environments(text, bigint[], jsonb, boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.window_environments(p_kind text, p_environments bigint[], p_labels jsonb, p_include_parts boolean) RETURNS TABLE(environment_id bigint)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH named AS (
          SELECT unnest(window_environments.p_environments) AS id
         UNION
          SELECT e.id
            FROM public.environments e
           WHERE ((window_environments.p_labels IS NOT NULL) AND (e.status <> 'retired'::text) AND public.matches_selector(e.*, window_environments.p_labels))
         )
  SELECT n.id
    FROM named n
   WHERE (NOT ((window_environments.p_kind = 'freeze'::text) OR window_environments.p_include_parts))
 UNION
  SELECT r.part_id
    FROM (named n
      JOIN public.environment_reach r ON ((r.environment_id = n.id)))
   WHERE ((window_environments.p_kind = 'freeze'::text) OR window_environments.p_include_parts);
END;


--
-- Name: derive_spans(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.derive_spans(p_windows bigint[]) RETURNS TABLE(window_id bigint, environment_id bigint, kind text, state text, team_id bigint, exception_to bigint, is_emergency boolean, period tstzrange)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT w.id,
     e.environment_id,
     w.kind,
     w.state,
     w.team_id,
     w.exception_to,
     (w.emergency_reason IS NOT NULL),
     tstzrange(s.at, (s.at + public.occurrence_length(w.*)), '[)'::text) AS tstzrange
    FROM ((public.change_windows w
      CROSS JOIN LATERAL public.window_environments((w.kind)::text, w.environment_ids, w.labels, w.include_parts) e(environment_id))
      CROSS JOIN LATERAL unnest(w.occurrence_starts) s(at))
   WHERE ((w.id = ANY (derive_spans.p_windows)) AND ((w.state)::text = ANY (ARRAY['requested'::text, 'approved'::text])));
END;


--
-- Name: window_spans; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.window_spans (
    window_id bigint NOT NULL,
    environment_id bigint NOT NULL,
    kind public.window_kind NOT NULL,
    state public.window_state NOT NULL,
    team_id bigint,
    exception_to bigint,
    is_emergency boolean NOT NULL,
    period tstzrange NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone NOT NULL
);


--
-- Name: derive_window_claims(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.derive_window_claims(p_windows bigint[]) RETURNS TABLE(window_id bigint, environment_id bigint, lane text, period tstzrange, share_key bigint)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT s.window_id,
     s.environment_id,
         CASE s.kind
             WHEN 'maintenance'::text THEN 'use'::text
             ELSE 'change'::text
         END AS "case",
     p.period,
         CASE s.kind
             WHEN 'maintenance'::text THEN '-1'::integer
             WHEN 'change'::text THEN '-2'::integer
             ELSE '-3'::integer
         END AS "case"
    FROM ((public.window_spans s
      JOIN public.change_windows w ON ((w.id = s.window_id)))
      CROSS JOIN LATERAL ( SELECT s.period
           WHERE (s.exception_to IS NULL)
         UNION ALL
          SELECT unnest((tstzmultirange(s.period) - COALESCE(( SELECT range_agg(f.period) AS range_agg
                    FROM public.window_spans f
                   WHERE ((f.window_id = s.exception_to) AND (f.environment_id = s.environment_id) AND ((f.state)::text = 'approved'::text) AND (f.valid_until = 'infinity'::timestamp with time zone) AND (f.period && s.period))), '{}'::tstzmultirange))) AS unnest
           WHERE (s.exception_to IS NOT NULL)) p(period))
   WHERE ((s.window_id = ANY (derive_window_claims.p_windows)) AND (s.valid_until = 'infinity'::timestamp with time zone) AND ((s.state)::text = 'approved'::text) AND (NOT s.is_emergency) AND (upper(s.period) > w.created_at));
END;


--
-- Name: end_quota_holds(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.end_quota_holds(p_bookings bigint[], p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM quota_holds h WHERE h.booking_id = ANY (p_bookings);
    PERFORM call_for_held(p_bookings, p_now);
END $$;


--
-- Name: expire_due(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.expire_due(p_bookings bigint[], p_now timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_restored bigint;
    v_expired bigint;
BEGIN
    SELECT count(restore_approved(b.id, 'the edit was not decided in time', p_now, 'berth'))
    INTO v_restored
    FROM bookings b
    WHERE b.id = ANY (p_bookings) AND b.approved_version IS NOT NULL AND is_due(b, p_now);

    UPDATE bookings b
    SET state = 'expired',
        state_reason = CASE WHEN b.state = 'requested' THEN 'hold'
                            WHEN b.state IN ('waitlisted', 'displaced') THEN 'wait'
                            WHEN b.lease_expires_at <= p_now THEN 'lease'
                            ELSE 'no-show' END,
        released_at = CASE WHEN b.lease_expires_at <= p_now AND b.state IN ('confirmed', 'active')
                           THEN least(b.ends_at,
                                      greatest(b.starts_at, date_trunc('second', b.lease_expires_at)))
                           ELSE b.released_at END,
        updated_at = p_now, updated_by = 'berth'
    WHERE b.id = ANY (p_bookings) AND b.approved_version IS NULL AND is_due(b, p_now);
    GET DIAGNOSTICS v_expired = ROW_COUNT;
    RETURN v_restored + v_expired;
END $$;


--
-- Name: keeps_judgement(public.change_log, public.change_log); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.keeps_judgement(c public.change_log, p_corrected public.change_log) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT (((c).environment_id = (p_corrected).environment_id) AND ((c).occurred_at = (p_corrected).occurred_at) AND (NOT ((c).team_id IS DISTINCT FROM (p_corrected).team_id)) AND (((c).emergency_reason IS NULL) = ((p_corrected).emergency_reason IS NULL)));
END;


--
-- Name: standing(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.standing(p_root bigint, OUT entry_id bigint, OUT review_id bigint, OUT is_reviewed boolean) RETURNS record
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH RECURSIVE chain(id, corrects, keeps, is_kept) AS (
          SELECT c.id,
             c.corrects,
             public.keeps_judgement(c.*, o.*) AS keeps_judgement,
             false AS "?column?"
            FROM (public.change_log c
              LEFT JOIN public.change_log o ON ((o.id = c.corrects)))
           WHERE (c.id = standing.p_root)
         UNION ALL
          SELECT c.id,
             c.corrects,
             public.keeps_judgement(c.*, o.*) AS keeps_judgement,
             (k.keeps IS TRUE)
            FROM ((chain k
              JOIN public.change_log c ON ((c.id = k.corrects)))
              LEFT JOIN public.change_log o ON ((o.id = c.corrects)))
         ), verdict AS (
          SELECT r.id,
             r.review
            FROM (chain k
              CROSS JOIN LATERAL ( SELECT r_1.id,
                     r_1.review
                    FROM public.change_log r_1
                   WHERE ((r_1.root_id = k.id) AND (r_1.entry = 'review'::text))
                   ORDER BY r_1.id DESC
                  LIMIT 1) r)
           ORDER BY r.id DESC
          LIMIT 1
         )
  SELECT ( SELECT e.id
            FROM ((chain k
              CROSS JOIN LATERAL ( SELECT COALESCE(max(n.id), k.id) AS id
                    FROM public.change_log n
                   WHERE ((n.root_id = k.id) AND (n.entry = 'late-approval'::text))) l)
              JOIN public.change_log e ON ((e.id = l.id)))
           WHERE ((k.id = standing.p_root) OR ((NOT k.is_kept) AND (k.id > COALESCE(( SELECT v.id
                    FROM verdict v
                   WHERE (v.review = 'accepted'::text)), (0)::bigint))))
           ORDER BY
                 CASE e.control
                     WHEN 'uncontrolled'::text THEN
                     CASE
                         WHEN e.approved_late THEN 2
                         ELSE 3
                     END
                     WHEN 'emergency'::text THEN 1
                     ELSE 0
                 END DESC, k.id DESC
          LIMIT 1) AS id,
     ( SELECT v.id
            FROM verdict v) AS id,
     (( SELECT v.id
            FROM verdict v) > ( SELECT max(k.id) AS max
            FROM chain k
           WHERE (k.keeps IS NOT TRUE)));
END;


--
-- Name: shown_changes; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.shown_changes AS
 SELECT c.id,
    c.root_id,
    c.environment_id,
    c.occurred_at,
    c.recorded_at,
    c.recorded_by,
    c.source,
    c.source_id,
    c.actor,
    c.team_id,
    c.kind,
    c.summary,
    c.component,
    c.component_version,
    c.ticket,
    c.emergency_reason,
    c.corrects,
        CASE
            WHEN (c.corrects IS NULL) THEN c.control
            ELSE ( SELECT s.control
               FROM public.change_log s
              WHERE (s.id = (public.standing(c.root_id)).entry_id))
        END AS control,
        CASE
            WHEN (c.corrects IS NULL) THEN c.reasons
            ELSE ( SELECT s.reasons
               FROM public.change_log s
              WHERE (s.id = (public.standing(c.root_id)).entry_id))
        END AS reasons,
        CASE
            WHEN (c.corrects IS NULL) THEN c.window_id
            ELSE ( SELECT s.window_id
               FROM public.change_log s
              WHERE (s.id = (public.standing(c.root_id)).entry_id))
        END AS window_id,
    c.bookings_hit,
    c.is_late,
        CASE
            WHEN (c.corrects IS NULL) THEN c.approved_late
            ELSE ( SELECT s.approved_late
               FROM public.change_log s
              WHERE (s.id = (public.standing(c.root_id)).entry_id))
        END AS approved_late,
    c.hash,
    c.control AS judged_as,
    c.claimed_team,
        CASE
            WHEN (c.corrects IS NULL) THEN ( SELECT max(r.id) AS max
               FROM public.change_log r
              WHERE ((r.root_id = c.root_id) AND (r.entry = 'review'::text)))
            ELSE (public.standing(c.root_id)).review_id
        END AS review_id,
        CASE
            WHEN (c.corrects IS NULL) THEN (EXISTS ( SELECT
               FROM public.change_log r
              WHERE ((r.root_id = c.root_id) AND (r.entry = 'review'::text))))
            ELSE COALESCE((public.standing(c.root_id)).is_reviewed, false)
        END AS is_reviewed
   FROM public.change_log c
  WHERE (c.entry <> 'review'::text);


--
-- Name: latest_changes; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.latest_changes AS
 SELECT c.id,
    c.root_id,
    c.environment_id,
    c.occurred_at,
    c.recorded_at,
    c.recorded_by,
    c.source,
    c.source_id,
    c.actor,
    c.team_id,
    c.kind,
    c.summary,
    c.component,
    c.component_version,
    c.ticket,
    c.emergency_reason,
    c.corrects,
    c.control,
    c.reasons,
    c.window_id,
    c.bookings_hit,
    c.is_late,
    c.approved_late,
    c.hash,
    c.judged_as,
    c.claimed_team,
    c.review_id,
    c.is_reviewed
   FROM public.shown_changes c
  WHERE ((NOT (EXISTS ( SELECT
           FROM public.change_log n
          WHERE ((n.root_id = c.root_id) AND (n.entry = 'late-approval'::text) AND (n.id > c.id))))) AND (NOT (EXISTS ( SELECT
           FROM public.change_log n
          WHERE ((n.corrects = c.root_id) AND (n.entry = 'change'::text))))));


--
-- Name: explaining_change(bigint, text, text, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.explaining_change(p_environment bigint, p_component text, p_version text, p_after timestamp with time zone, p_at timestamp with time zone) RETURNS bigint
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT min(c.id) AS min
    FROM public.latest_changes c
   WHERE ((c.environment_id = explaining_change.p_environment) AND (c.occurred_at > explaining_change.p_after) AND (c.occurred_at <= explaining_change.p_at) AND (c.component = explaining_change.p_component) AND (c.source <> 'inventory'::text) AND ((c.component_version IS NULL) OR (NOT (c.component_version IS DISTINCT FROM explaining_change.p_version))));
END;


--
-- Name: feed_changes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.feed_changes (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    environment_ids bigint[] NOT NULL,
    team_id bigint,
    person text
);


--
-- Name: feed_totals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.feed_totals (
    subject text NOT NULL,
    changes bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL
);


--
-- Name: feed_changes_of(text[], text[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.feed_changes_of(p_kinds text[], p_ids text[]) RETURNS TABLE(place bigint, changes bigint, changed_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 64
    BEGIN ATOMIC
 WITH fresh AS MATERIALIZED (
          SELECT c.at,
             c.environment_ids,
             c.team_id,
             c.person
            FROM public.feed_changes c
         )
  SELECT a.place,
     COALESCE((b.version)::bigint, (COALESCE(t.changes, (0)::bigint) + n.changes)) AS "coalesce",
     COALESCE(b.updated_at, GREATEST(t.changed_at, n.changed_at)) AS "coalesce"
    FROM (((UNNEST(feed_changes_of.p_kinds, feed_changes_of.p_ids) WITH ORDINALITY a(kind, id, place)
      LEFT JOIN public.feed_totals t ON ((t.subject =
         CASE a.kind
             WHEN 'all'::text THEN 'all'::text
             ELSE ((a.kind || ' '::text) || a.id)
         END)))
      LEFT JOIN public.bookings b ON ((b.id =
         CASE a.kind
             WHEN 'booking'::text THEN (a.id)::bigint
             ELSE NULL::bigint
         END)))
      CROSS JOIN LATERAL ( SELECT count(*) AS changes,
             max(c.at) AS changed_at
            FROM fresh c
           WHERE
                 CASE a.kind
                     WHEN 'all'::text THEN true
                     WHEN 'environment'::text THEN ((a.id)::bigint = ANY (c.environment_ids))
                     WHEN 'team'::text THEN (c.team_id = (a.id)::bigint)
                     WHEN 'person'::text THEN (c.person = a.id)
                     ELSE false
                 END) n);
END;


--
-- Name: finish_merges(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.finish_merges(p_now timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_team record;
BEGIN
    SELECT t.id, t.merged_into INTO v_team FROM teams t
    WHERE t.merged_into IS NOT NULL
      AND (EXISTS (SELECT FROM bookings b WHERE b.team_id = t.id)
           OR EXISTS (SELECT FROM change_windows w WHERE w.team_id = t.id)
           OR EXISTS (SELECT FROM notices n WHERE n.team_id = t.id))
    ORDER BY t.id LIMIT 1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    PERFORM lock_team(v_team.id);
    PERFORM move_to_successor(v_team.id, v_team.merged_into, 'berth', p_now);
    RETURN 1;
END $$;


--
-- Name: first_slots(jsonb, text, text, text, text, interval, timestamp with time zone, timestamp with time zone, uuid[], text[], bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.first_slots(p_labels jsonb, p_tier text, p_owner text, p_status text, p_mode text, p_length interval, p_from timestamp with time zone, p_until timestamp with time zone, p_rules uuid[], p_starts text[], p_limit bigint) RETURNS TABLE(environment_id bigint, starts_at timestamp with time zone, degraded boolean, places bigint, free_until timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET work_mem TO '64MB'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_setup interval;
    v_teardown interval;
BEGIN
    SELECT make_interval(mins => max(e.setup_minutes)), make_interval(mins => max(e.teardown_minutes))
    INTO v_setup, v_teardown FROM environments e;

    RETURN QUERY
    WITH rules AS MATERIALIZED (
        SELECT a.rules_hash, a.starts::tstzmultirange AS starts, lower(a.starts::tstzmultirange) AS first
        FROM unnest(p_rules, p_starts) a (rules_hash, starts)),
    -- What a part asks for beyond what the environment asks for itself.
    buffers AS (
        SELECT r.environment_id, max(p.setup_minutes) AS setup, max(p.teardown_minutes) AS teardown
        FROM environment_reach r JOIN environments p ON p.id = r.part_id
        WHERE r.environment_id <> r.part_id AND p.setup_minutes + p.teardown_minutes > 0
        GROUP BY r.environment_id),
    wanted AS MATERIALIZED (
        SELECT e.id, e.key, e.status = 'degraded' AS degraded, e.rules_hash,
               greatest(e.setup_minutes, b.setup) AS setup,
               greatest(e.teardown_minutes, b.teardown) AS teardown,
               CASE e.status WHEN 'unavailable' THEN whole_second(e.status_until) END AS not_before
        FROM environments e
        LEFT JOIN buffers b ON b.environment_id = e.id
        WHERE e.status <> 'retired' AND (e.status <> 'unavailable' OR e.status_until IS NOT NULL)
          AND (p_tier IS NULL OR e.tier = p_tier) AND (p_status IS NULL OR e.status = p_status)
          AND (p_owner IS NULL OR e.owner_team_id = (SELECT t.id FROM teams t WHERE t.name = p_owner))
          AND (p_labels = '{}' OR e.labels @> p_labels)),
    busy AS MATERIALIZED (
        SELECT b.environment_id, b.busy
        FROM busy_times(NULL, p_mode, p_from - v_setup, p_until + v_teardown) b),
    slots AS (
        SELECT w.id, w.key, w.degraded, NULL::timestamptz AS free_until,
               CASE WHEN w.not_before IS NULL THEN r.first
                    ELSE lower(r.starts * tstzmultirange(tstzrange(w.not_before, NULL))) END AS starts_at
        FROM wanted w JOIN rules r ON r.rules_hash = w.rules_hash
        WHERE NOT EXISTS (SELECT FROM busy b WHERE b.environment_id = w.id)
        UNION ALL
        SELECT w.id, w.key, w.degraded, f.free_until, f.starts_at
        FROM wanted w
        JOIN busy b ON b.environment_id = w.id
        JOIN rules r ON r.rules_hash = w.rules_hash
        CROSS JOIN LATERAL (
            -- The gaps that hold the booking and its buffers; of these, the earliest start allowed.
            SELECT lower(r.starts * tstzmultirange(tstzrange(h.first, h.last, '[]'))) AS starts_at,
                   CASE WHEN h.free_until < p_until THEN h.free_until END AS free_until
            FROM (
                SELECT greatest(w.not_before, whole_second(lower(g.gap) + make_interval(mins => w.setup))),
                       upper(g.gap) - make_interval(mins => w.teardown) - p_length, upper(g.gap)
                FROM unnest(tstzmultirange(tstzrange(p_from - v_setup, p_until + v_teardown)) - b.busy)
                    g (gap)) h (first, last, free_until)
            WHERE h.first <= h.last
            ORDER BY starts_at
            LIMIT 1) f)
    SELECT s.id, s.starts_at, s.degraded, coalesce(p.places, 0), s.free_until
    FROM slots s LEFT JOIN shared_places(NULL, p_mode) p ON p.environment_id = s.id
    WHERE s.starts_at IS NOT NULL
    ORDER BY s.starts_at, s.degraded, coalesce(p.places, 0), s.free_until, s.key
    LIMIT p_limit;
END $$;


--
-- Name: fold_feed_changes(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.fold_feed_changes(p_limit bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_folded bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('berth feed changes')) THEN
        RETURN 0;
    END IF;
    WITH folded AS (
        DELETE FROM feed_changes f
        WHERE f.id = ANY (array(SELECT c.id FROM feed_changes c ORDER BY c.id LIMIT p_limit))
        RETURNING f.id, f.at, f.environment_ids, f.team_id, f.person),
    touched AS (
        SELECT f.id, f.at, 'all' AS subject FROM folded f
        UNION ALL
        SELECT f.id, f.at, 'environment ' || e.id
        FROM folded f CROSS JOIN LATERAL (SELECT DISTINCT i.id FROM unnest(f.environment_ids) i (id)) e
        UNION ALL
        SELECT f.id, f.at, 'team ' || f.team_id FROM folded f WHERE f.team_id IS NOT NULL
        UNION ALL
        SELECT f.id, f.at, 'person ' || f.person FROM folded f WHERE f.person IS NOT NULL),
    added AS (
        INSERT INTO feed_totals AS t (subject, changes, changed_at)
        SELECT u.subject, count(*), max(u.at) FROM touched u GROUP BY u.subject
        ON CONFLICT (subject) DO UPDATE
        SET changes = t.changes + excluded.changes, changed_at = greatest(t.changed_at, excluded.changed_at))
    SELECT count(*) INTO v_folded FROM folded;
    RETURN v_folded;
END $$;


--
-- Name: forget_served(timestamp with time zone, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.forget_served(p_now timestamp with time zone, p_limit bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_answers bigint;
    v_events bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('berth.forgetting', 0)) THEN
        RETURN 0;
    END IF;
    DELETE FROM idempotency_records WHERE ctid = ANY (array(
        SELECT r.ctid FROM idempotency_records r
        WHERE r.created_at < p_now - interval '25 hours' LIMIT p_limit));
    GET DIAGNOSTICS v_answers = ROW_COUNT;
    DELETE FROM outbox WHERE ctid = ANY (array(
        SELECT u.tid
        FROM ((SELECT o.ctid AS tid, o.at FROM outbox o ORDER BY o.xid, o.id LIMIT p_limit)
              UNION ALL
              (SELECT o.ctid, o.at FROM outbox o
               WHERE o.xid >= pg_snapshot_xmax(pg_current_snapshot()) ORDER BY o.xid, o.id LIMIT p_limit)) u
        WHERE u.at < p_now - interval '7 days'
        LIMIT p_limit));
    GET DIAGNOSTICS v_events = ROW_COUNT;
    RETURN greatest(v_answers, v_events);
END $$;


--
-- Name: gather_notices(bigint[], bigint, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.gather_notices(p_bookings bigint[], p_after bigint, p_now timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
    WITH told AS MATERIALIZED (
        SELECT n.id, n.kind, n.text, n.team_id, n.person, b.series_id
        FROM notices n JOIN bookings b ON n.subject = 'BK-' || b.id
        WHERE n.id > p_after AND n.at = p_now AND b.id = ANY (p_bookings) AND b.series_id IS NOT NULL),
    gathered AS MATERIALIZED (
        SELECT t.series_id, t.kind, t.team_id, t.person, array_agg(t.id) AS ids,
               (array_agg(t.text ORDER BY t.id))[1] AS text
        FROM told t GROUP BY t.series_id, t.kind, t.team_id, t.person HAVING count(*) > 1),
    gone AS (DELETE FROM notices n USING gathered g WHERE n.id = ANY (g.ids))
    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT p_now, g.kind, 'SR-' || g.series_id,
           format('%s of SR-%s: %s', cardinality(g.ids), g.series_id, g.text), g.team_id, g.person
    FROM gathered g
$$;


--
-- Name: is_due(public.bookings, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.is_due(b public.bookings, p_now timestamp with time zone) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT COALESCE(
         CASE (b).state
             WHEN 'requested'::text THEN (COALESCE((b).hold_expires_at, (b).ends_at) <= p_now)
             WHEN 'waitlisted'::text THEN ((b).wait_until <= p_now)
             WHEN 'displaced'::text THEN ((b).wait_until <= p_now)
             WHEN 'confirmed'::text THEN ((((b).checked_in_at IS NULL) AND ((b).check_in_minutes IS NOT NULL) AND (LEAST(((b).starts_at + make_interval(mins => (b).check_in_minutes)), (b).ends_at) <= p_now)) OR (((b).lease_expires_at <= p_now) AND ((b).lease_expires_at < (b).ends_at)))
             WHEN 'active'::text THEN (((b).lease_expires_at <= p_now) AND ((b).lease_expires_at < (b).ends_at))
             ELSE NULL::boolean
         END, false) AS "coalesce";
END;


--
-- Name: weigh_changes(bigint[], bigint[], timestamp with time zone[], timestamp with time zone[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.weigh_changes(p_environments bigint[], p_teams bigint[], p_ats timestamp with time zone[], p_knowns timestamp with time zone[]) RETURNS TABLE(place bigint, window_id bigint, emergency_id bigint, freezes bigint[], requested_id bigint, bookings bigint[], others bigint[], own_booking bigint, is_open boolean, late_id bigint)
    LANGUAGE plpgsql STABLE ROWS 64
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.place, w.window_id, w.emergency_id, w.freezes, w.requested_id, k.bookings, k.others, k.own_booking,
           coalesce(
               (SELECT v.policy ->> 'changes' = 'open' FROM environment_versions v
                WHERE v.environment_id = a.environment_id AND date_trunc('second', v.valid_from) <= a.known_at
                  AND date_trunc('second', v.valid_until) > a.known_at
                ORDER BY v.version DESC LIMIT 1),
               (SELECT e.policy ->> 'changes' = 'open' FROM environments e WHERE e.id = a.environment_id), false),
           w.late_id
    FROM unnest(p_environments, p_teams, p_ats, p_knowns)
        WITH ORDINALITY a (environment_id, team_id, at, known_at, place)
    CROSS JOIN LATERAL (
        WITH span AS MATERIALIZED (
            SELECT s.window_id, s.kind, s.state, s.exception_to, s.is_emergency,
                   s.team_id IS NULL OR s.team_id IS NOT DISTINCT FROM a.team_id AS is_for_team,
                   s.valid_from <= a.known_at AS is_known
            FROM window_spans s
            WHERE s.environment_id = a.environment_id AND s.period @> a.at
              AND ((s.valid_from <= a.known_at AND s.valid_until > a.known_at)
                   OR (s.valid_from > a.known_at AND s.valid_from < s.valid_until AND s.state = 'approved'))),
        frozen AS (
            SELECT f.window_id FROM span f WHERE f.kind = 'freeze' AND f.state = 'approved' AND f.is_known),
        covering AS (
            SELECT min(c.window_id) FILTER (WHERE c.is_known) AS window_id,
                   min(c.window_id) FILTER (WHERE NOT c.is_known) AS late_id
            FROM span c
            WHERE c.kind IN ('change', 'maintenance') AND c.state = 'approved' AND NOT c.is_emergency
              AND c.is_for_team
              AND NOT EXISTS (SELECT FROM frozen f WHERE f.window_id IS DISTINCT FROM c.exception_to))
        SELECT c.window_id, c.late_id,
               (SELECT min(e.window_id) FROM span e
                WHERE e.is_emergency AND e.is_for_team AND e.is_known AND e.state = 'approved') AS emergency_id,
               CASE WHEN c.window_id IS NOT NULL THEN '{}'
                    ELSE array(SELECT f.window_id FROM frozen f ORDER BY f.window_id) END AS freezes,
               (SELECT min(r.window_id) FROM span r
                WHERE r.kind <> 'freeze' AND r.state = 'requested' AND r.is_for_team) AS requested_id
        FROM covering c) w
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(u.booking_id ORDER BY u.booking_id), '{}') AS bookings,
               coalesce(array_agg(u.booking_id ORDER BY u.booking_id)
                        FILTER (WHERE u.team_id IS DISTINCT FROM a.team_id), '{}') AS others,
               min(u.booking_id) FILTER (WHERE u.team_id = a.team_id AND u.exclusive) AS own_booking
        FROM users_at(a.environment_id, a.at, a.known_at) u) k
    ORDER BY a.place;
END $$;


--
-- Name: is_open_for_change(bigint, bigint, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.is_open_for_change(p_environment bigint, p_team bigint, p_at timestamp with time zone, p_known_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ((w.emergency_id IS NOT NULL) OR ((w.freezes = '{}'::bigint[]) AND ((w.window_id IS NOT NULL) OR (w.own_booking IS NOT NULL) OR (w.is_open AND (w.others = '{}'::bigint[])))))
    FROM public.weigh_changes(ARRAY[is_open_for_change.p_environment], ARRAY[is_open_for_change.p_team], ARRAY[is_open_for_change.p_at], ARRAY[is_open_for_change.p_known_at]) w(place, window_id, emergency_id, freezes, requested_id, bookings, others, own_booking, is_open, late_id);
END;


--
-- Name: is_plain_name(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.is_plain_name(p_name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT ((p_name !~ '^[\s\u00A0\u1680\u2000-\u200A\u202F\u205F\u2800\u3000]'::text) AND (p_name !~ '[\s\u00A0\u1680\u2000-\u200A\u202F\u205F\u2800\u3000]$'::text) AND (p_name !~ '[[:cntrl:]\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0]'::text) AND (p_name !~ '[\U000E0000-\U000E0FFF]'::text));
END;


--
-- Name: is_usable(text, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.is_usable(p_status text, p_until timestamp with time zone, p_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT ((p_status <> ALL (ARRAY['unavailable'::text, 'retired'::text])) OR ((p_status = 'unavailable'::text) AND (p_until <= p_at)));
END;


--
-- Name: judge_changes(bigint[], bigint[], timestamp with time zone[], boolean[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.judge_changes(p_environments bigint[], p_teams bigint[], p_ats timestamp with time zone[], p_are_declared boolean[]) RETURNS TABLE(place bigint, control text, reasons text[], window_id bigint, bookings bigint[], late_id bigint)
    LANGUAGE sql STABLE ROWS 64
    BEGIN ATOMIC
 SELECT g.place,
     j.control,
     (((
         CASE
             WHEN (g.freezes <> '{}'::bigint[]) THEN ARRAY['freeze'::text]
             ELSE '{}'::text[]
         END ||
         CASE
             WHEN (g.others <> '{}'::bigint[]) THEN ARRAY['others-booking'::text]
             ELSE '{}'::text[]
         END) ||
         CASE
             WHEN ((j.control <> 'uncontrolled'::text) OR (g.window_id IS NOT NULL) OR (g.own_booking IS NOT NULL) OR g.is_open) THEN '{}'::text[]
             WHEN (g.requested_id IS NOT NULL) THEN ARRAY['window-not-approved'::text]
             ELSE ARRAY['no-window'::text]
         END) ||
         CASE
             WHEN ((j.control = 'uncontrolled'::text) AND ((judge_changes.p_teams)[g.place] IS NULL)) THEN ARRAY['unattributed'::text]
             ELSE '{}'::text[]
         END),
         CASE j.control
             WHEN 'emergency'::text THEN COALESCE(g.emergency_id, g.window_id)
             WHEN 'controlled'::text THEN g.window_id
             ELSE NULL::bigint
         END AS "case",
     g.bookings,
         CASE j.control
             WHEN 'uncontrolled'::text THEN g.late_id
             ELSE NULL::bigint
         END AS "case"
    FROM (public.weigh_changes(judge_changes.p_environments, judge_changes.p_teams, judge_changes.p_ats, judge_changes.p_ats) g(place, window_id, emergency_id, freezes, requested_id, bookings, others, own_booking, is_open, late_id)
      CROSS JOIN LATERAL ( SELECT
                 CASE
                     WHEN ((judge_changes.p_are_declared)[g.place] OR (g.emergency_id IS NOT NULL)) THEN 'emergency'::text
                     WHEN ((g.freezes = '{}'::bigint[]) AND ((g.window_id IS NOT NULL) OR (g.own_booking IS NOT NULL) OR (g.is_open AND (g.others = '{}'::bigint[])))) THEN 'controlled'::text
                     ELSE 'uncontrolled'::text
                 END AS control) j);
END;


--
-- Name: keep_reach(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.keep_reach(p_regrouped bigint[], p_at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO environment_reach_versions (
        environment_id, part_id, exclusive_if_shared, exclusive_if_exclusive, valid_from, valid_until)
    SELECT r.environment_id, r.part_id, r.exclusive_if_shared, r.exclusive_if_exclusive,
           least(coalesce(l.until, '-infinity'), p_at), p_at
    FROM environment_reach r
    CROSS JOIN LATERAL (
        SELECT max(v.valid_until) FROM environment_reach_versions v WHERE v.environment_id = r.environment_id
    ) l (until)
    WHERE r.environment_id IN (SELECT c.environment_id FROM environment_reach c WHERE c.part_id = ANY (p_regrouped))
$$;


--
-- Name: last_end(public.change_windows); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.last_end(w public.change_windows) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ((w).occurrence_starts[cardinality((w).occurrence_starts)] + public.occurrence_length(w));
END;


--
-- Name: lock_bookings(bigint[], bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_bookings(p_bookings bigint[], p_locked bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM b.id FROM bookings b WHERE b.id = ANY (p_bookings) ORDER BY b.id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM bookings b
        LEFT JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
        WHERE b.id = ANY (p_bookings) AND NOT b.environment_ids || v.environment_ids <@ p_locked) THEN
        RAISE EXCEPTION 'a booking names other environments by now' USING ERRCODE = 'serialization_failure';
    END IF;
    IF current_setting('berth.lock_order', true) = 'asserted' THEN
        PERFORM set_config('berth.locked_beyond', 'bookings', true);
    END IF;
END $$;


--
-- Name: lock_environments(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_environments(p_environments bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_locked bigint[] := '{}';
BEGIN
    WHILE EXISTS (SELECT FROM environment_reach r
                  WHERE r.environment_id = ANY (p_environments) AND r.part_id <> ALL (v_locked)) LOOP
        v_locked := lock_reach(p_environments);
    END LOOP;
END $$;


--
-- Name: lock_free_reach(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_free_reach(p_environments bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN array(
        SELECT e.id FROM environments e
        WHERE e.id = ANY (array(SELECT r.part_id FROM environment_reach r
                                WHERE r.environment_id = ANY (p_environments)))
        ORDER BY e.id FOR NO KEY UPDATE SKIP LOCKED);
END $$;


--
-- Name: lock_part_graph(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_part_graph() RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT pg_advisory_xact_lock(hashtextextended('berth.part-graph'::text, (0)::bigint)) AS pg_advisory_xact_lock;
END;


--
-- Name: lock_reach(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_reach(p_environments bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
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


--
-- Name: lock_team(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_team(p_team bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM lock_part_graph();
    PERFORM lock_environments(array(
        SELECT e.id FROM environments e WHERE e.owner_team_id = p_team
        UNION
        SELECT unnest(b.environment_ids) FROM bookings b
        WHERE b.state IN ('requested', 'confirmed', 'active', 'waitlisted', 'displaced')
          AND (b.team_id = p_team OR b.approvals <> '[]' OR b.select_labels IS NOT NULL)));
    PERFORM b.id FROM bookings b WHERE b.team_id = p_team ORDER BY b.id FOR NO KEY UPDATE;
    PERFORM t.id FROM teams t WHERE t.id = p_team FOR UPDATE;
END $$;


--
-- Name: lock_teams_of(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_teams_of(p_bookings bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM t.id FROM teams t
    WHERE t.id IN (SELECT b.team_id FROM bookings b WHERE b.id = ANY (p_bookings))
    ORDER BY t.id FOR NO KEY UPDATE;
END $$;


--
-- Name: lock_with_line(bigint[], bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.lock_with_line(p_environments bigint[], p_bookings bigint[], p_now timestamp with time zone) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_wanted bigint[];
BEGIN
    v_wanted := p_environments || array(
        SELECT DISTINCT e.id
        FROM bookings w
        CROSS JOIN LATERAL awaited_slot(w, w.environment_ids, p_now) a
        CROSS JOIN unnest(w.environment_ids) e (id)
        WHERE w.state IN ('waitlisted', 'displaced')
          AND EXISTS (
            SELECT FROM (
                SELECT c.environment_id, c.period FROM claims c WHERE c.booking_id = ANY (p_bookings)
                UNION ALL
                SELECT c.environment_id, c.period FROM line_calls c
                WHERE c.environment_id = ANY (p_environments)) freed
            JOIN environment_reach r ON r.part_id = freed.environment_id
            WHERE r.environment_id = ANY (w.environment_ids) AND freed.period && a.period));
    PERFORM lock_environments(v_wanted);
    RETURN array(SELECT DISTINCT r.part_id FROM environment_reach r
                 WHERE r.environment_id = ANY (v_wanted));
END $$;


--
-- Name: mappings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.mappings (
    id bigint NOT NULL,
    source text,
    kind text NOT NULL,
    name text NOT NULL,
    environment_id bigint,
    team_id bigint,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT mapping_has_its_target CHECK ((((kind = 'environment'::text) = (environment_id IS NOT NULL)) AND ((kind <> 'environment'::text) = (team_id IS NOT NULL)))),
    CONSTRAINT mapping_kind_is_known CHECK ((kind = ANY (ARRAY['environment'::text, 'actor'::text, 'repository'::text])))
);


--
-- Name: mapped(text, text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.mapped(p_source text, p_kind text, p_name text) RETURNS bigint
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE(m.environment_id, m.team_id) AS "coalesce"
    FROM public.mappings m
   WHERE ((m.kind = mapped.p_kind) AND (m.name = mapped.p_name) AND ((m.source = mapped.p_source) OR (m.source IS NULL)))
   ORDER BY m.source
  LIMIT 1;
END;


--
-- Name: matching_environments(jsonb, text, text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.matching_environments(p_labels jsonb, p_tier text, p_owner text, p_status text) RETURNS TABLE(environment_id bigint, rules_hash uuid)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT e.id,
     e.rules_hash
    FROM public.environments e
   WHERE ((e.status <> 'retired'::text) AND ((matching_environments.p_tier IS NULL) OR (e.tier = matching_environments.p_tier)) AND ((matching_environments.p_status IS NULL) OR (e.status = matching_environments.p_status)) AND ((matching_environments.p_owner IS NULL) OR (e.owner_team_id = ( SELECT public.team_id(matching_environments.p_owner) AS team_id))) AND ((matching_environments.p_labels = '{}'::jsonb) OR (e.labels @> matching_environments.p_labels)));
END;


--
-- Name: merge_teams(bigint, bigint, text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.merge_teams(p_from bigint, p_into bigint, p_by text, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM lock_team(p_from);
    UPDATE teams SET merged_into = p_into, updated_at = p_now WHERE id = p_from OR merged_into = p_from;
    PERFORM move_to_successor(p_from, p_into, p_by, p_now);
    PERFORM rewrite_team_name((SELECT t.name FROM teams t WHERE t.id = p_from),
                              (SELECT t.name FROM teams t WHERE t.id = p_into), p_into, p_by, p_now);
END $$;


--
-- Name: move_to_successor(bigint, bigint, text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.move_to_successor(p_from bigint, p_into bigint, p_by text, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    UPDATE environments SET owner_team_id = p_into, updated_at = p_now, updated_by = p_by
    WHERE owner_team_id = p_from;
    UPDATE bookings SET team_id = p_into, updated_at = p_now, updated_by = p_by WHERE team_id = p_from;
    UPDATE change_windows SET team_id = p_into, updated_at = p_now, updated_by = p_by WHERE team_id = p_from;
    UPDATE quota_holds SET team_id = p_into WHERE team_id = p_from;
    UPDATE tokens SET team_id = p_into WHERE team_id = p_from;
    UPDATE mappings SET team_id = p_into WHERE team_id = p_from;
    UPDATE notices SET team_id = p_into WHERE team_id = p_from;
    WITH moved AS (
        DELETE FROM refusals r WHERE r.team_id = p_from
        RETURNING r.day, r.environment_id, r.refused, r.minutes)
    INSERT INTO refusals (day, environment_id, team_id, refused, minutes)
    SELECT m.day, m.environment_id, p_into, m.refused, m.minutes FROM moved m
    ON CONFLICT (day, environment_id, team_id) DO UPDATE
    SET refused = refusals.refused + excluded.refused, minutes = refusals.minutes + excluded.minutes;
END $$;


--
-- Name: multirange_seconds(tstzmultirange); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.multirange_seconds(p_periods tstzmultirange) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT (COALESCE(sum(EXTRACT(epoch FROM (upper(p.p) - lower(p.p)))), (0)::numeric))::bigint AS "coalesce"
    FROM unnest(multirange_seconds.p_periods) p(p);
END;


--
-- Name: next_gate_change(bigint, bigint, text, timestamp with time zone, timestamp with time zone, timestamp with time zone, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.next_gate_change(p_environment bigint, p_team bigint, p_for text, p_at timestamp with time zone, p_known_at timestamp with time zone, p_until timestamp with time zone, p_most bigint) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_status text;
    v_status_until timestamptz;
    v_is_open boolean;
    v_was_open boolean;
    v_at timestamptz;
BEGIN
    SELECT e.status, e.status_until INTO v_status, v_status_until
    FROM environments e WHERE e.id = p_environment;
    FOR v_at IN
        SELECT p_at
        UNION ALL
        (SELECT DISTINCT b.at
         FROM (
            SELECT unnest(ARRAY[lower(s.period), upper(s.period)])
            FROM window_spans s
            WHERE s.environment_id = p_environment AND s.valid_until > p_known_at
              AND s.valid_from <= p_known_at AND s.period && tstzrange(p_at, p_until, '[)')
            UNION
            -- A booking's use begins and ends inside what it claims.
            SELECT unnest(ARRAY[lower(c.period), upper(c.period), b.starts_at,
                                coalesce(b.released_at, b.ends_at)])
            FROM environment_reach r
            JOIN claims c ON c.environment_id = r.part_id AND c.lane = 'use'
             AND c.period && tstzrange(p_at, p_until, '[)')
            LEFT JOIN bookings b ON b.id = c.booking_id
            WHERE r.environment_id = p_environment
            UNION SELECT v_status_until) b (at)
         WHERE b.at > p_at AND b.at < p_until
         ORDER BY b.at LIMIT p_most)
    LOOP
        v_is_open := CASE p_for
            WHEN 'change' THEN is_open_for_change(p_environment, p_team, v_at, p_known_at)
            ELSE is_usable(v_status, v_status_until, v_at)
                 AND NOT EXISTS (SELECT FROM use_obstacles(p_environment, p_team, v_at)) END;
        IF v_was_open IS NULL THEN
            v_was_open := v_is_open;
        ELSIF v_is_open <> v_was_open THEN
            RETURN v_at;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;


--
-- Name: note_late_approvals(bigint[], timestamp with time zone, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.note_late_approvals(p_windows bigint[], p_now timestamp with time zone, p_by text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_changes bigint[];
    v_environments bigint[];
    v_teams bigint[];
    v_ats timestamptz[];
BEGIN
    PERFORM FROM change_log_head FOR UPDATE;
    SELECT array_agg(l.id ORDER BY l.id), array_agg(l.environment_id ORDER BY l.id),
           array_agg(l.team_id ORDER BY l.id), array_agg(l.occurred_at ORDER BY l.id)
    INTO v_changes, v_environments, v_teams, v_ats
    FROM (SELECT DISTINCT c.id, c.environment_id, c.team_id, c.occurred_at
          FROM window_spans s
          JOIN change_log c ON c.environment_id = s.environment_id
           AND c.occurred_at >= lower(s.period) AND c.occurred_at < upper(s.period)
          WHERE s.window_id = ANY (p_windows) AND s.state = 'approved' AND s.valid_until = 'infinity'
            AND s.kind <> 'freeze' AND NOT s.is_emergency AND c.occurred_at < s.valid_from
            AND c.entry = 'change' AND c.control = 'uncontrolled' AND NOT c.approved_late
            AND NOT EXISTS (SELECT FROM change_log n WHERE n.root_id = c.id AND n.entry = 'late-approval')
            AND NOT EXISTS (SELECT FROM change_log n WHERE n.corrects = c.id AND n.entry = 'change')) l;
    IF v_changes IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO change_log (
        id, root_id, entry, environment_id, occurred_at, recorded_at, recorded_by, source, source_id, actor,
        team_id, kind, summary, component, component_version, ticket, emergency_reason, corrects, control,
        reasons, window_id, bookings_hit, is_late, approved_late, claimed_team, hash)
    SELECT 0, c.root_id, 'late-approval', c.environment_id, c.occurred_at, p_now, p_by, c.source, c.source_id,
           c.actor, c.team_id, c.kind, c.summary, c.component, c.component_version, c.ticket,
           c.emergency_reason, c.corrects, c.control, c.reasons, j.late_id, c.bookings_hit, c.is_late, true,
           c.claimed_team, ''
    FROM judge_changes(
        v_environments, v_teams, v_ats, array_fill(false, ARRAY[cardinality(v_changes)])) j
    JOIN change_log c ON c.id = v_changes[j.place]
    WHERE j.late_id IS NOT NULL
    ORDER BY c.id;
END $$;


--
-- Name: observe_inventory(bigint, text[], text[], timestamp with time zone, timestamp with time zone, text, interval); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.observe_inventory(p_environment bigint, p_components text[], p_versions text[], p_observed timestamp with time zone, p_now timestamp with time zone, p_by text, p_settling interval) RETURNS TABLE(component text, version_from text, version_to text, explained_by bigint, settles_at timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
    v_last timestamptz;
BEGIN
    PERFORM FROM environments e WHERE e.id = p_environment FOR NO KEY UPDATE;
    SELECT i.observed_at INTO v_last FROM inventories i WHERE i.environment_id = p_environment;
    IF v_last >= p_observed THEN
        RAISE EXCEPTION 'a later snapshot is known'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_is_newer';
    END IF;

    CREATE TEMPORARY TABLE differences ON COMMIT DROP AS
    SELECT coalesce(n.component, o.component) AS component, o.component_version AS version_from,
           n.component_version AS version_to,
           explaining_change(p_environment, coalesce(n.component, o.component), n.component_version,
                             v_last, p_observed) AS explained_by,
           (SELECT d.id FROM drifts d
            WHERE d.environment_id = p_environment AND d.component = coalesce(n.component, o.component)
              AND d.seen_at > p_observed - interval '1 day' AND d.explained_by IS NULL
              AND d.version_from IS NOT DISTINCT FROM o.component_version
              AND d.version_to IS NOT DISTINCT FROM n.component_version
            ORDER BY d.id DESC LIMIT 1) AS flaps_with
    FROM unnest(p_components, p_versions) n (component, component_version)
    FULL JOIN (SELECT i.component, i.component_version FROM inventory_components i
               WHERE i.environment_id = p_environment) o ON o.component = n.component
    WHERE v_last IS NOT NULL AND n.component_version IS DISTINCT FROM o.component_version;

    DELETE FROM inventory_components i
    WHERE i.environment_id = p_environment AND i.component <> ALL (p_components);
    INSERT INTO inventory_components (environment_id, component, component_version, seen_at)
    SELECT p_environment, n.component, n.component_version, p_observed
    FROM unnest(p_components, p_versions) n (component, component_version)
    ON CONFLICT ON CONSTRAINT inventory_components_pkey DO UPDATE
    SET component_version = excluded.component_version, seen_at = excluded.seen_at;
    INSERT INTO inventories (environment_id, observed_at, recorded_by)
    VALUES (p_environment, p_observed, p_by)
    ON CONFLICT (environment_id) DO UPDATE
    SET observed_at = excluded.observed_at, recorded_by = excluded.recorded_by;

    UPDATE drifts d SET flaps = d.flaps + 1
    FROM differences f WHERE d.id = f.flaps_with AND f.explained_by IS NULL;
    INSERT INTO drifts (
        environment_id, component, version_from, version_to, seen_after, seen_at, settles_at)
    SELECT p_environment, f.component, f.version_from, f.version_to, v_last, p_observed, p_now + p_settling
    FROM differences f WHERE f.explained_by IS NULL AND f.flaps_with IS NULL
    ORDER BY f.component;
    RETURN QUERY
    SELECT f.component, f.version_from, f.version_to, f.explained_by,
           CASE WHEN f.explained_by IS NULL
                THEN coalesce((SELECT d.settles_at FROM drifts d WHERE d.id = f.flaps_with), p_now + p_settling)
           END
    FROM differences f ORDER BY f.component;
    DROP TABLE differences;
END $$;


--
-- Name: on_bookings_bearing_on_quotas(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_bookings_bearing_on_quotas() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_held bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM quota_holds) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(h.booking_id) INTO v_held
    FROM quota_holds h
    WHERE EXISTS (
        SELECT FROM before o JOIN after n ON n.id = o.id
        WHERE h.team_id IN (o.team_id, n.team_id)
          AND (h.booking_id = n.id
               OR o.state IN ('requested', 'confirmed', 'active')
                  AND (o.state, o.environment_ids, o.starts_at, o.ends_at, o.released_at, o.team_id)
                      IS DISTINCT FROM
                      (n.state, n.environment_ids, n.starts_at, n.ends_at, n.released_at, n.team_id)
                  AND (o.state, n.state) IS DISTINCT FROM ('confirmed', 'active')));
    IF v_held IS NOT NULL THEN
        PERFORM end_quota_holds(v_held, (SELECT max(n.updated_at) FROM after n));
    END IF;
    RETURN NULL;
END $$;


--
-- Name: on_bookings_inserted(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_bookings_inserted() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_ids bigint[];
BEGIN
    -- A live booking made by book() has its claims already: just those that it must. One look decides it,
    -- and that its environments exist, for nothing else is ever claimed.
    IF EXISTS (
        SELECT FROM inserted n
        WHERE n.record_only OR n.released_at IS NOT NULL
           OR n.state NOT IN ('requested', 'confirmed', 'active', 'completed')
           OR array(SELECT ROW (c.environment_id, c.period, c.share_key, c.lane) FROM claims c
                    WHERE c.booking_id = n.id ORDER BY c.environment_id)
              <> array(SELECT ROW (d.environment_id, d.period, d.share_key, 'use'::text)
                       FROM implied_claims(
                           n.id, n.environment_ids, n.mode,
                           n.starts_at - make_interval(mins => n.setup_minutes),
                           n.ends_at + make_interval(mins => n.teardown_minutes)) d
                       ORDER BY d.environment_id)
           OR NOT n.environment_ids <@ array(
                SELECT c.environment_id FROM claims c WHERE c.booking_id = n.id)
           OR NOT EXISTS (SELECT FROM teams t WHERE t.id = n.team_id)) THEN
        SELECT array_agg(n.id) INTO v_ids FROM inserted n;
        PERFORM require_references(v_ids);
        PERFORM align_claims(v_ids);
        PERFORM refuse_overbooking(v_ids);
    END IF;

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.created_at, 'booking.created', n.id, n.version FROM inserted n;
    RETURN NULL;
END $$;


--
-- Name: on_bookings_shown(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_bookings_shown() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids, team_id, person)
    SELECT n.updated_at,
           array(SELECT r.part_id FROM environment_reach r WHERE r.environment_id = ANY (n.environment_ids)),
           n.team_id, n.requested_by
    FROM after n;
    RETURN NULL;
END $$;


--
-- Name: on_bookings_shown_elsewhere(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_bookings_shown_elsewhere() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids, team_id, person)
    SELECT n.updated_at,
           array(SELECT r.part_id FROM environment_reach r
                 WHERE r.environment_id = ANY (n.environment_ids || o.environment_ids)),
           n.team_id, n.requested_by
    FROM after n JOIN before o ON o.id = n.id
    UNION ALL
    SELECT n.updated_at, '{}', o.team_id, o.requested_by
    FROM after n JOIN before o ON o.id = n.id
    WHERE (o.team_id, o.requested_by) IS DISTINCT FROM (n.team_id, n.requested_by);
    RETURN NULL;
END $$;


--
-- Name: on_bookings_updated(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_bookings_updated() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_moved bigint[];
BEGIN
    INSERT INTO booking_versions (
        booking_id, version, state, state_reason, environment_ids, starts_at, ends_at, time_zone, title,
        team_id, contact, mode, ticket, notes, labels, priority, setup_minutes, teardown_minutes,
        released_at, record_only, approvals, approved_version, hold_expires_at, check_in_minutes,
        checked_in_at, lease_seconds, lease_expires_at, wait_until, starts_when_free, displaced_by,
        valid_from, valid_until, updated_by)
    SELECT o.id, o.version, o.state, o.state_reason, o.environment_ids, o.starts_at, o.ends_at,
           o.time_zone, o.title, o.team_id, o.contact, o.mode, o.ticket, o.notes, o.labels, o.priority,
           o.setup_minutes, o.teardown_minutes, o.released_at, o.record_only, o.approvals,
           o.approved_version, o.hold_expires_at, o.check_in_minutes, o.checked_in_at, o.lease_seconds,
           o.lease_expires_at, o.wait_until, o.starts_when_free, o.displaced_by, o.updated_at,
           n.updated_at, o.updated_by
    FROM before o JOIN after n ON n.id = o.id;

    PERFORM require_references(array(SELECT n.id FROM after n));

    SELECT array_agg(n.id) INTO v_moved
    FROM before o JOIN after n ON n.id = o.id
    WHERE (o.environment_ids, o.starts_at, o.ends_at, o.mode, o.setup_minutes, o.teardown_minutes,
           o.released_at, o.record_only, o.approved_version, o.state)
          IS DISTINCT FROM
          (n.environment_ids, n.starts_at, n.ends_at, n.mode, n.setup_minutes, n.teardown_minutes,
           n.released_at, n.record_only, n.approved_version, n.state)
      -- Beginning and completing on time change no claim.
      AND NOT ((o.state, n.state) IN (('confirmed', 'active'), ('active', 'completed'))
               AND (o.environment_ids, o.starts_at, o.ends_at, o.mode, o.setup_minutes,
                    o.teardown_minutes, o.released_at, o.record_only)
                   IS NOT DISTINCT FROM
                   (n.environment_ids, n.starts_at, n.ends_at, n.mode, n.setup_minutes,
                    n.teardown_minutes, n.released_at, n.record_only));
    IF v_moved IS NOT NULL THEN
        PERFORM align_claims(v_moved);
        PERFORM refuse_overbooking(v_moved);
    END IF;

    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT n.updated_at, 'booking.' || k.words[1], 'BK-' || n.id,
           format('%s %s: %s%s', n.title, k.words[2],
                  place_and_time(n.environment_ids, n.starts_at, n.ends_at),
                  ' (' || coalesce(n.displaced_by, n.state_reason) || ')'),
           n.team_id, n.requested_by
    FROM before o JOIN after n ON n.id = o.id
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN o.state IN ('waitlisted', 'displaced') AND n.state IN ('requested', 'confirmed', 'active')
                THEN ARRAY['served', 'got its place']
            WHEN o.state = 'requested' AND n.state IN ('confirmed', 'active')
                THEN CASE WHEN n.state_reason IS NULL THEN ARRAY['approved', 'was approved']
                          ELSE ARRAY['edit-refused', 'stays as it was approved'] END
            WHEN n.state = 'rejected' THEN ARRAY['rejected', 'was rejected']
            WHEN n.state = 'cancelled' THEN ARRAY['cancelled', 'was cancelled']
            WHEN n.state = 'expired' THEN ARRAY['expired', 'expired']
            WHEN n.state = 'displaced' THEN ARRAY['displaced', 'had to give way and waits in line'] END
    ) k (words)
    WHERE o.state <> n.state AND k.words IS NOT NULL;
    -- Who was asked already is not asked again because another owner has answered.
    PERFORM ask_owners(array_agg(n.id), array_agg(a.environment), max(n.updated_at))
    FROM before o JOIN after n ON n.id = o.id
    CROSS JOIN jsonb_to_recordset(n.approvals) a (environment text, state text)
    WHERE n.state = 'requested' AND a.state = 'pending'
      AND NOT (o.state = 'requested' AND o.approvals @> jsonb_build_array(
                   jsonb_build_object('environment', a.environment, 'state', 'pending')))
    HAVING count(*) > 0;

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'booking.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;


--
-- Name: on_capacity_changing(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_capacity_changing() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM require_read_committed();
    RETURN NEW;
END $$;


--
-- Name: on_change_appended(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_change_appended() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_hash bytea;
BEGIN
    SELECT l.id + 1, l.hash INTO NEW.id, v_hash
    FROM (SELECT h.id, h.hash FROM change_log_head h
          UNION ALL
          (SELECT c.id, c.hash FROM change_log c ORDER BY c.id DESC LIMIT 1)) l
    ORDER BY l.id DESC LIMIT 1;
    IF NEW.entry = 'change' THEN
        NEW.root_id := NEW.id;
    END IF;
    NEW.hash := sha256(v_hash || chain_bytes(NEW));
    RETURN NEW;
END $$;


--
-- Name: on_changes_appended(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_changes_appended() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    -- Neither is ever deleted, so no key has to lock them, as a foreign key would at each entry.
    IF EXISTS (SELECT FROM after n
               WHERE NOT EXISTS (SELECT FROM environments e WHERE e.id = n.environment_id)
                  OR (n.team_id IS NOT NULL AND NOT EXISTS (SELECT FROM teams t WHERE t.id = n.team_id))) THEN
        RAISE EXCEPTION 'a change names an environment or a team that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'change_names_what_exists';
    END IF;
    UPDATE change_log_head h SET id = n.id, hash = n.hash
    FROM (SELECT a.id, a.hash FROM after a ORDER BY a.id DESC LIMIT 1) n;
    RETURN NULL;
END $$;


--
-- Name: on_changes_begun(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_changes_begun() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM change_log_head FOR UPDATE;
    RETURN NULL;
END $$;


--
-- Name: on_claim_committed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_claim_committed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM claims c WHERE c.booking_id = NEW.booking_id)
       AND NOT EXISTS (SELECT FROM bookings b
                       WHERE b.id = NEW.booking_id AND b.xmin = pg_current_xact_id()::xid) THEN
        RAISE EXCEPTION 'a claim has no booking'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME,
                  HINT = 'Make the booking; its claims follow.';
    END IF;
    RETURN NULL;
END $$;


--
-- Name: on_claims_placed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_claims_placed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM written w JOIN bookings b ON b.id = w.booking_id)
       OR EXISTS (SELECT FROM written w WHERE w.window_id IS NOT NULL) THEN
        RAISE EXCEPTION 'claims follow their holders'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
                  HINT = 'Change the booking or the window; its claims follow.';
    END IF;
    RETURN NULL;
END $$;


--
-- Name: on_environments_inserted(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_environments_inserted() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0))
    FROM inserted n WHERE n.part_ids <> '{}' LIMIT 1;
    PERFORM rebuild_reach(array(SELECT n.id FROM inserted n));
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.created_at, 'environment.created', n.id, n.version FROM inserted n;
    RETURN NULL;
END $$;


--
-- Name: on_environments_regrouped(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_environments_regrouped() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_at timestamptz := (SELECT max(n.updated_at) FROM after n);
    v_windows bigint[];
BEGIN
    PERFORM require_read_committed();
    PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0));
    v_windows := windows_about(array(SELECT n.id FROM after n), v_at);
    IF v_windows <> '{}' THEN
        PERFORM align_windows(v_windows, v_at);
    END IF;
    RETURN NULL;
END $$;


--
-- Name: on_environments_relabelled(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_environments_relabelled() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_at timestamptz := (SELECT max(n.updated_at) FROM after n);
    v_windows bigint[];
BEGIN
    IF EXISTS (
        SELECT FROM before o JOIN after n ON n.id = o.id
        WHERE (o.labels, o.tier, o.owner_team_id, o.status, o.part_ids, o.part_usages)
              IS DISTINCT FROM (n.labels, n.tier, n.owner_team_id, n.status, n.part_ids, n.part_usages))
    THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0));
        v_windows := windows_about(array(SELECT n.id FROM after n), v_at);
        IF v_windows <> '{}' THEN
            PERFORM align_windows(v_windows, v_at);
        END IF;
    END IF;
    RETURN NULL;
END $$;


--
-- Name: on_environments_shown(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_environments_shown() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids)
    SELECT n.updated_at,
           n.id || array(SELECT r.part_id FROM environment_reach r WHERE r.environment_id = ANY (n.part_ids))
    FROM after n;
    RETURN NULL;
END $$;


--
-- Name: on_environments_shown_elsewhere(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_environments_shown_elsewhere() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids)
    SELECT n.updated_at,
           n.id || array(SELECT r.part_id FROM environment_reach r
                         WHERE r.environment_id = ANY (n.part_ids || o.part_ids))
    FROM after n JOIN before o ON o.id = n.id;
    RETURN NULL;
END $$;


--
-- Name: on_environments_updated(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_environments_updated() RETURNS trigger
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_regrouped bigint[];
    v_affected bigint[];
    v_bookings bigint[];
    v_narrowed bigint[];
BEGIN
    INSERT INTO environment_versions (
        environment_id, version, name, tier, owner_team_id, time_zone, labels, capacity, status,
        status_reason, status_until, part_ids, part_usages, policy, runbook, valid_from, valid_until,
        updated_by)
    SELECT o.id, o.version, o.name, o.tier, o.owner_team_id, o.time_zone, o.labels, o.capacity,
           o.status, o.status_reason, o.status_until, o.part_ids, o.part_usages, o.policy, o.runbook,
           o.updated_at, n.updated_at, o.updated_by
    FROM before o JOIN after n ON n.id = o.id;

    SELECT array_agg(n.id) INTO v_regrouped FROM before o JOIN after n ON n.id = o.id
    WHERE (o.part_ids, o.part_usages) IS DISTINCT FROM (n.part_ids, n.part_usages);
    IF v_regrouped IS NOT NULL THEN
        PERFORM require_read_committed();
        PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0));
        PERFORM keep_reach(v_regrouped, (SELECT max(n.updated_at) FROM after n));
        v_affected := rebuild_reach(v_regrouped);
        SELECT array_agg(u.id) INTO v_bookings
        FROM (
            SELECT b.id FROM unnest(v_affected) a (id)
            CROSS JOIN LATERAL (
                SELECT f.id FROM bookings f
                WHERE f.environment_ids[1] = a.id AND f.state IN ('requested', 'confirmed', 'active')
                OFFSET 0) b
            UNION
            SELECT b.id FROM unnest(v_affected) a (id)
            CROSS JOIN LATERAL (
                SELECT m.id FROM bookings m
                WHERE cardinality(m.environment_ids) > 1 AND m.environment_ids @> ARRAY[a.id]
                  AND m.state IN ('requested', 'confirmed', 'active')
                OFFSET 0) b
            UNION
            -- An undecided edit also holds what its approved version names.
            SELECT b.id FROM bookings b
            JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
            WHERE b.state = 'requested' AND b.approved_version IS NOT NULL
              AND v.environment_ids && v_affected) u;
        IF v_bookings IS NOT NULL THEN
            PERFORM refuse_clashes(v_bookings);
            PERFORM align_claims(v_bookings);
            PERFORM refuse_overbooking(v_bookings);
        END IF;
    END IF;

    SELECT array_agg(n.id) INTO v_narrowed FROM before o JOIN after n ON n.id = o.id
    WHERE n.capacity < coalesce(o.capacity, n.capacity + 1);
    IF v_narrowed IS NOT NULL THEN
        PERFORM refuse_overbooking(array(
            SELECT c.booking_id FROM claims c
            WHERE c.environment_id = ANY (v_narrowed) AND c.lane = 'use' AND c.share_key = 0
              AND upper(c.period) > (SELECT min(n.updated_at) FROM after n)));
    END IF;

    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT n.updated_at, 'environment.unavailable', 'BK-' || b.id,
           format('%s is unavailable%s%s: %s from %s to %s', n.key,
                  ' until ' || readable(n.status_until, n.time_zone), ' (' || n.status_reason || ')', b.title,
                  readable(b.starts_at, n.time_zone), readable(b.ends_at, n.time_zone)),
           b.team_id, b.requested_by
    FROM before o JOIN after n ON n.id = o.id
    JOIN claims c ON c.environment_id = n.id AND c.lane = 'use'
     AND c.period && tstzrange(n.updated_at, coalesce(n.status_until, 'infinity'), '[)')
    JOIN bookings b ON b.id = c.booking_id AND b.state IN ('requested', 'confirmed', 'active')
    WHERE n.status = 'unavailable'
      AND (o.status, o.status_until) IS DISTINCT FROM (n.status, n.status_until);

    INSERT INTO line_calls (environment_id)
    SELECT c.id
    FROM (SELECT n.id FROM before o JOIN after n ON n.id = o.id
          WHERE (o.status, o.status_until, o.capacity, o.policy)
                IS DISTINCT FROM (n.status, n.status_until, n.capacity, n.policy)
          UNION SELECT unnest(v_affected)) c (id)
    WHERE EXISTS (SELECT FROM bookings w WHERE w.state IN ('waitlisted', 'displaced'));

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'environment.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;


--
-- Name: on_ids_inserted(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_ids_inserted() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_sequence regclass := TG_ARGV[0];
    v_newest bigint := (SELECT max(n.id) FROM inserted n);
    v_last bigint := pg_sequence_last_value(v_sequence);
BEGIN
    -- Nothing was numbered yet: a restore brings the ids along.
    IF v_last IS NULL THEN
        PERFORM setval(v_sequence, v_newest)
        FROM pg_sequence s WHERE s.seqrelid = v_sequence AND v_newest >= s.seqstart;
        RETURN NULL;
    END IF;
    IF v_newest - v_last > 1000000 THEN
        RAISE EXCEPTION 'id % is far ahead of its sequence, at %', v_newest, v_last
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
                  HINT = 'Leave the id out: it is numbered.';
    END IF;
    -- Step by step: setval() could take the sequence back behind what another session just got.
    WHILE v_last < v_newest LOOP
        v_last := nextval(v_sequence);
    END LOOP;
    RETURN NULL;
END $$;


--
-- Name: on_policies_changed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_policies_changed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM quota_holds)
       AND EXISTS (SELECT FROM before o JOIN after n ON n.id = o.id WHERE o.policy <> n.policy) THEN
        PERFORM end_quota_holds(array(SELECT h.booking_id FROM quota_holds h),
                                (SELECT max(n.updated_at) FROM after n));
    END IF;
    RETURN NULL;
END $$;


--
-- Name: on_tokens_changed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_tokens_changed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    NOTIFY berth_tokens;
    RETURN NULL;
END $$;


--
-- Name: on_windows_approved(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_windows_approved() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_late bigint[] := array(
        SELECT n.id FROM after n
        WHERE n.state = 'approved' AND n.kind <> 'freeze' AND n.starts_at < n.updated_at);
BEGIN
    IF v_late <> '{}' THEN
        PERFORM note_late_approvals(v_late, max(n.updated_at), max(n.updated_by)) FROM after n;
    END IF;
    RETURN NULL;
END $$;


--
-- Name: on_windows_inserted(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_windows_inserted() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_ids bigint[] := array(SELECT n.id FROM inserted n);
    v_at timestamptz := (SELECT max(n.created_at) FROM inserted n);
BEGIN
    IF EXISTS (SELECT FROM inserted n CROSS JOIN unnest(n.environment_ids) e (id)
               WHERE NOT EXISTS (SELECT FROM environments x WHERE x.id = e.id)) THEN
        RAISE EXCEPTION 'a window names an environment that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'window_environment_exists';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0));
    PERFORM align_windows(v_ids, NULL);
    PERFORM ask_for_window_approval(v_ids, v_at);
    PERFORM warn_of_windows(v_ids, v_at);
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.created_at, 'window.created', n.id, n.version FROM inserted n;
    RETURN NULL;
END $$;


--
-- Name: on_windows_shown(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_windows_shown() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids, team_id, person)
    SELECT n.updated_at,
           array(SELECT DISTINCT s.environment_id FROM window_spans s
                 WHERE s.window_id = n.id AND s.valid_until = 'infinity'),
           n.team_id, n.requested_by
    FROM after n;
    RETURN NULL;
END $$;


--
-- Name: on_windows_shown_elsewhere(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_windows_shown_elsewhere() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids, team_id)
    SELECT n.updated_at, '{}', o.team_id
    FROM after n JOIN before o ON o.id = n.id
    WHERE o.team_id IS DISTINCT FROM n.team_id;
    RETURN NULL;
END $$;


--
-- Name: on_windows_updated(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.on_windows_updated() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_moved bigint[];
    v_at timestamptz := (SELECT max(n.updated_at) FROM after n);
BEGIN
    INSERT INTO window_versions (
        window_id, version, state, state_reason, environment_ids, labels, include_parts, team_id, title,
        ticket, notes, approvals, approved_at, exception_to, on_conflict, starts_at, ends_at, time_zone,
        rrule, exdates, rdates, occurrence_starts, valid_from, valid_until, updated_by)
    SELECT o.id, o.version, o.state, o.state_reason, o.environment_ids, o.labels, o.include_parts,
           o.team_id, o.title, o.ticket, o.notes, o.approvals, o.approved_at, o.exception_to,
           o.on_conflict, o.starts_at, o.ends_at, o.time_zone, o.rrule, o.exdates, o.rdates,
           o.occurrence_starts, o.updated_at, n.updated_at, o.updated_by
    FROM before o JOIN after n ON n.id = o.id;

    SELECT array_agg(n.id) INTO v_moved FROM before o JOIN after n ON n.id = o.id
    WHERE (o.state, o.environment_ids, o.labels, o.include_parts, o.team_id, o.exception_to, o.ends_at,
           o.occurrence_starts)
          IS DISTINCT FROM
          (n.state, n.environment_ids, n.labels, n.include_parts, n.team_id, n.exception_to, n.ends_at,
           n.occurrence_starts);
    IF v_moved IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('berth.part-graph', 0));
        PERFORM align_windows(v_moved, NULL);
        PERFORM warn_of_windows(v_moved, v_at);
        INSERT INTO notices (at, kind, subject, text, team_id, person)
        SELECT n.updated_at, 'window.' || n.state, 'CW-' || n.id,
               format('%s was %s: from %s to %s%s', n.title, n.state, readable(n.starts_at, n.time_zone),
                      readable(n.ends_at, n.time_zone), ' (' || n.state_reason || ')'),
               n.team_id, n.requested_by
        FROM before o JOIN after n ON n.id = o.id
        WHERE o.state <> n.state AND n.state <> 'requested';
        PERFORM ask_for_window_approval(array(
            SELECT n.id FROM before o JOIN after n ON n.id = o.id
            WHERE n.state = 'requested' AND o.state <> 'requested'), v_at);
    END IF;

    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'window.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;


--
-- Name: shared_use(bigint, tstzrange, bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.shared_use(p_environment bigint, p_span tstzrange, p_except bigint[]) RETURNS TABLE(at timestamp with time zone, until timestamp with time zone, used bigint)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT g.at,
     lead(g.at) OVER (ORDER BY g.at) AS lead,
     (sum(g.step) OVER (ORDER BY g.at))::bigint AS sum
    FROM ( SELECT v.at,
             sum(v.step) AS step
            FROM (public.claims k
              CROSS JOIN LATERAL ( VALUES (GREATEST(lower(k.period), lower(shared_use.p_span)),1), (upper(k.period),'-1'::integer)) v(at, step))
           WHERE ((k.environment_id = shared_use.p_environment) AND (k.lane = 'use'::text) AND (k.share_key = 0) AND (k.period && shared_use.p_span) AND (k.booking_id <> ALL (shared_use.p_except)))
           GROUP BY v.at) g;
END;


--
-- Name: overbooked(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.overbooked(p_bookings bigint[]) RETURNS TABLE(booking_id bigint, environment_id bigint, at timestamp with time zone, used bigint, capacity integer)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH mine AS MATERIALIZED (
          SELECT c_1.booking_id,
             c_1.environment_id,
             c_1.period,
             e.capacity
            FROM (public.claims c_1
              JOIN public.environments e ON (((e.id = c_1.environment_id) AND (e.capacity IS NOT NULL))))
           WHERE ((c_1.booking_id = ANY (overbooked.p_bookings)) AND (c_1.share_key = 0) AND (c_1.lane = 'use'::text))
         ), crowded AS MATERIALIZED (
          SELECT t.environment_id,
             s.at,
             s.until,
             s.used
            FROM (( SELECT m_1.environment_id,
                     m_1.capacity,
                     unnest(range_agg(m_1.period)) AS period
                    FROM mine m_1
                   GROUP BY m_1.environment_id, m_1.capacity) t
              CROSS JOIN LATERAL public.shared_use(t.environment_id, t.period, '{}'::bigint[]) s(at, until, used))
           WHERE (s.used > t.capacity)
         )
  SELECT DISTINCT ON (m.booking_id, m.environment_id, m.period) m.booking_id,
     m.environment_id,
     GREATEST(c.at, lower(m.period)) AS "greatest",
     c.used,
     m.capacity
    FROM (crowded c
      JOIN mine m ON (((m.environment_id = c.environment_id) AND (m.period && tstzrange(c.at, c.until, '[)'::text)))))
   ORDER BY m.booking_id, m.environment_id, m.period, c.used DESC, c.at;
END;


--
-- Name: overlapped_before(bigint[], bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.overlapped_before(p_bookings bigint[], p_limit bigint) RETURNS TABLE(id bigint, overlapped bigint[])
    LANGUAGE plpgsql STABLE ROWS 100
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    SELECT h.id, coalesce(o.ids, '{}')
    FROM unnest(p_bookings) n (id)
    JOIN bookings h ON h.id = n.id
    CROSS JOIN LATERAL (
        SELECT array_agg(f.id ORDER BY f.id) AS ids
        FROM (
            SELECT DISTINCT b.id
            FROM (
                SELECT r.id, r.environment_ids, r.starts_at, r.ends_at, r.mode, r.state FROM bookings r
                WHERE r.record_only
                  AND tstzrange(r.starts_at, r.ends_at, '[)') && tstzrange(h.starts_at, h.ends_at, '[)')
                UNION ALL
                SELECT u.id, u.environment_ids, u.starts_at, u.ends_at, u.mode, u.state
                FROM unnest(h.environment_ids) e (id)
                CROSS JOIN LATERAL (
                    SELECT c.booking_id FROM claims c
                    WHERE c.environment_id = e.id AND c.lane = 'use'
                      AND c.period && tstzrange(h.starts_at, h.ends_at, '[)')
                    OFFSET 0) c
                JOIN bookings u ON u.id = c.booking_id
                -- A table never analyzed is not to be read by its key up to here.
                OFFSET 0) b
            WHERE b.id < h.id AND b.state = 'completed' AND b.environment_ids && h.environment_ids
              AND b.starts_at < h.ends_at AND b.ends_at > h.starts_at
              AND (b.mode = 'exclusive' OR h.mode = 'exclusive')
            ORDER BY b.id LIMIT p_limit) f) o;
END $$;


--
-- Name: part_path(bigint, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.part_path(p_environment bigint, p_part bigint) RETURNS text[]
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH RECURSIVE walk(id, path) AS (
          SELECT part_path.p_environment AS p_environment,
             '{}'::text[] AS text
         UNION ALL
          SELECT e.id,
             (w_1.path || e.key)
            FROM (((walk w_1
              JOIN public.environments above ON ((above.id = w_1.id)))
              CROSS JOIN LATERAL unnest(above.part_ids) p(id))
              JOIN public.environments e ON ((e.id = p.id)))
           WHERE ((w_1.id <> part_path.p_part) AND (EXISTS ( SELECT
                    FROM public.environment_reach r
                   WHERE ((r.environment_id = e.id) AND (r.part_id = part_path.p_part)))))
         )
  SELECT w.path
    FROM walk w
   WHERE (w.id = part_path.p_part)
  LIMIT 1;
END;


--
-- Name: place_and_time(bigint[], timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.place_and_time(p_environments bigint[], p_from timestamp with time zone, p_until timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT format('%s, %s to %s %s',
                  (SELECT string_agg(n.key, ', ' ORDER BY n.key) FROM environments n
                   WHERE n.id = ANY (p_environments)),
                  to_char(p_from AT TIME ZONE e.time_zone, 'YYYY-MM-DD HH24:MI'),
                  to_char(p_until AT TIME ZONE e.time_zone, 'YYYY-MM-DD HH24:MI'), e.time_zone)
    FROM environments e WHERE e.id = p_environments[1]
$$;


--
-- Name: priority_rank(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.priority_rank(p_priority text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    BEGIN ATOMIC
 SELECT array_position(ARRAY['low'::text, 'normal'::text, 'high'::text, 'urgent'::text], p_priority) AS array_position;
END;


--
-- Name: quota_violations(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.quota_violations(p_bookings bigint[]) RETURNS TABLE(environment_key text, rule text, most text, value text)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    SELECT e.key, 'teamHoursPerWeek', e.policy ->> 'teamHoursPerWeek',
           trim_scale(round(max(u.hours), 2))::text
    FROM bookings b
    CROSS JOIN unnest(b.environment_ids) n (id)
    JOIN environments e ON e.id = n.id AND e.policy ? 'teamHoursPerWeek'
    CROSS JOIN LATERAL generate_series(
        date_trunc('week', b.starts_at AT TIME ZONE e.time_zone),
        (b.ends_at - interval '1 second') AT TIME ZONE e.time_zone, interval '7 days') w (monday)
    CROSS JOIN LATERAL (SELECT tstzrange(w.monday AT TIME ZONE e.time_zone,
                                         (w.monday + interval '7 days') AT TIME ZONE e.time_zone)) s (week)
    CROSS JOIN LATERAL (
        SELECT sum(h.seconds) / 3600.0 AS hours
        FROM (
            SELECT greatest(
                CASE WHEN e.id = ANY (o.environment_ids) THEN multirange_seconds(tstzmultirange(
                    tstzrange(o.starts_at, coalesce(o.released_at, o.ends_at)) * s.week)) ELSE 0 END,
                CASE WHEN e.id = ANY (v.environment_ids) THEN multirange_seconds(tstzmultirange(
                    tstzrange(v.starts_at, v.ends_at) * s.week)) ELSE 0 END) AS seconds
            FROM (SELECT DISTINCT c.booking_id FROM claims c
                  WHERE c.environment_id = e.id AND c.lane = 'use' AND c.period && s.week) k
            JOIN bookings o ON o.id = k.booking_id AND o.team_id = b.team_id
            LEFT JOIN booking_versions v ON v.booking_id = o.id AND v.version = o.approved_version) h) u
    WHERE b.id = ANY (p_bookings)
    GROUP BY e.key, e.policy
    HAVING max(u.hours) > (e.policy ->> 'teamHoursPerWeek')::numeric
    UNION ALL
    SELECT e.key, 'teamBookingsAtOnce', e.policy ->> 'teamBookingsAtOnce', max(u.used)::text
    FROM bookings b
    CROSS JOIN unnest(b.environment_ids) n (id)
    JOIN environments e ON e.id = n.id AND e.policy ? 'teamBookingsAtOnce'
    CROSS JOIN LATERAL (
        WITH team AS MATERIALIZED (
            SELECT o.id, p.environment_ids, p.starts_at, p.ends_at
            FROM environments l
            JOIN claims c ON c.environment_id = l.id AND c.lane = 'use'
             AND c.period && tstzrange(b.starts_at, b.ends_at)
            JOIN bookings o ON o.id = c.booking_id AND o.team_id = b.team_id
            LEFT JOIN booking_versions v ON v.booking_id = o.id AND v.version = o.approved_version
            CROSS JOIN LATERAL (VALUES
                (o.environment_ids, o.starts_at, coalesce(o.released_at, o.ends_at)),
                (v.environment_ids, v.starts_at, v.ends_at)) p (environment_ids, starts_at, ends_at)
            WHERE l.policy ? 'teamBookingsAtOnce' AND l.id = ANY (p.environment_ids))
        SELECT max((SELECT count(DISTINCT t.id) FROM team t WHERE t.starts_at <= x.at AND t.ends_at > x.at)) AS used
        FROM (SELECT greatest(t.starts_at, b.starts_at) FROM team t) x (at)
        WHERE x.at < b.ends_at) u
    WHERE b.id = ANY (p_bookings)
    GROUP BY e.key, e.policy
    HAVING max(u.used) > (e.policy ->> 'teamBookingsAtOnce')::bigint;
END $$;


--
-- Name: raise_version(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.raise_version() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'an id of % never changes', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    NEW.version := OLD.version + 1;
    IF NEW.updated_at <= OLD.updated_at THEN
        NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at);
    END IF;
    RETURN NEW;
END $$;


--
-- Name: environment_reach_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.environment_reach_versions (
    environment_id bigint NOT NULL,
    part_id bigint NOT NULL,
    exclusive_if_shared boolean NOT NULL,
    exclusive_if_exclusive boolean NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    CONSTRAINT reach_version_is_ordered CHECK ((valid_from <= valid_until))
);


--
-- Name: reach_at(bigint, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.reach_at(p_part bigint, p_at timestamp with time zone) RETURNS TABLE(environment_id bigint, exclusive_if_shared boolean, exclusive_if_exclusive boolean)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT r.environment_id,
     r.exclusive_if_shared,
     r.exclusive_if_exclusive
    FROM public.environment_reach r
   WHERE ((r.part_id = reach_at.p_part) AND (NOT (EXISTS ( SELECT
            FROM public.environment_reach_versions v
           WHERE ((v.environment_id = r.environment_id) AND (v.valid_until > reach_at.p_at))))))
 UNION ALL
  SELECT v.environment_id,
     v.exclusive_if_shared,
     v.exclusive_if_exclusive
    FROM public.environment_reach_versions v
   WHERE ((v.part_id = reach_at.p_part) AND (v.valid_from <= reach_at.p_at) AND (v.valid_until > reach_at.p_at));
END;


--
-- Name: readable(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.readable(p_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT to_char((p_at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'::text) AS to_char;
END;


--
-- Name: readable(timestamp with time zone, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.readable(p_at timestamp with time zone, p_zone text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT to_char(p_at AT TIME ZONE p_zone, 'YYYY-MM-DD HH24:MI ') || p_zone
$$;


--
-- Name: rebuild_reach(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.rebuild_reach(p_environments bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_affected bigint[];
    v_culprit text;
BEGIN
    SELECT array_agg(DISTINCT a.id) INTO v_affected
    FROM (SELECT unnest(p_environments)
          UNION SELECT r.environment_id FROM environment_reach r WHERE r.part_id = ANY (p_environments)) a (id);

    SELECT e.key INTO v_culprit
    FROM environments e CROSS JOIN unnest(e.part_ids) p (id)
    WHERE e.id = ANY (p_environments) AND NOT EXISTS (SELECT FROM environments x WHERE x.id = p.id);
    IF FOUND THEN
        RAISE EXCEPTION 'a part of % does not exist', v_culprit
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'environment_part_exists';
    END IF;

    DELETE FROM environment_reach r WHERE r.environment_id = ANY (v_affected);

    -- UNION, not UNION ALL: at most four rows for each pair, however many paths lead there.
    WITH RECURSIVE walk (root, id, if_shared, if_exclusive) AS (
        SELECT e.id, p.id, p.usage = 'exclusive', p.usage IN ('exclusive', 'same')
        FROM environments e CROSS JOIN unnest(e.part_ids, e.part_usages) p (id, usage)
        WHERE e.id = ANY (v_affected)
        UNION
        SELECT w.root, p.id,
               CASE p.usage WHEN 'same' THEN w.if_shared ELSE p.usage = 'exclusive' END,
               CASE p.usage WHEN 'same' THEN w.if_exclusive ELSE p.usage = 'exclusive' END
        FROM walk w
        JOIN environments e ON e.id = w.id
        CROSS JOIN unnest(e.part_ids, e.part_usages) p (id, usage)
    )
    INSERT INTO environment_reach (environment_id, part_id, exclusive_if_shared, exclusive_if_exclusive)
    SELECT w.root, w.id, bool_or(w.if_shared), bool_or(w.if_exclusive)
    FROM (SELECT root, id, if_shared, if_exclusive FROM walk
          -- An environment uses itself in the mode it is booked in, unless it is its own part, below.
          UNION ALL SELECT a.id, a.id, false, true FROM unnest(v_affected) a (id)
          WHERE NOT EXISTS (SELECT FROM walk c WHERE c.root = a.id AND c.id = a.id)) w
    WHERE w.root <> w.id OR NOT EXISTS (SELECT FROM walk c WHERE c.root = w.id AND c.id = w.id)
    GROUP BY w.root, w.id;

    SELECT e.key INTO v_culprit
    FROM environments e
    WHERE e.id = ANY (v_affected)
      AND NOT EXISTS (SELECT FROM environment_reach r WHERE r.environment_id = e.id AND r.part_id = e.id);
    IF FOUND THEN
        RAISE EXCEPTION '% would contain itself', v_culprit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'environment_parts_have_no_cycle';
    END IF;
    RETURN v_affected;
END $$;


--
-- Name: refuse_clashes(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_clashes(p_bookings bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_clashes jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(c.environment_id, c.booking_id, c.other_id, c.window_id,
                                       readable(lower(c.period)), readable(upper(c.period))))
    INTO v_clashes
    FROM (SELECT k.environment_id, k.booking_id, k.other_id, k.window_id, k.period FROM clashes(p_bookings) k
          ORDER BY k.booking_id, k.other_id, k.window_id, k.period LIMIT 100) c;
    IF v_clashes IS NOT NULL THEN
        RAISE EXCEPTION 'bookings would clash'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'no_double_booking',
                  DETAIL = v_clashes::text;
    END IF;
END $$;


--
-- Name: refuse_direct_write(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_direct_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        RAISE EXCEPTION '% on % is refused: it is derived', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
                  HINT = TG_ARGV[0];
    END IF;
    RETURN NULL;
END $$;


--
-- Name: refuse_overbooking(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_overbooking(p_bookings bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_peaks jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(p.environment_id, readable(p.at), p.used, p.capacity) ORDER BY p.at)
    INTO v_peaks
    FROM (SELECT t.environment_id, s.at, s.used, t.capacity
          FROM (SELECT o.environment_id, o.capacity, unnest(range_agg(m.period)) AS period
                FROM overbooked(p_bookings) o
                JOIN claims m ON m.booking_id = o.booking_id AND m.environment_id = o.environment_id
                GROUP BY o.environment_id, o.capacity) t
          CROSS JOIN LATERAL shared_use(t.environment_id, t.period, '{}') s
          WHERE s.used > t.capacity
          ORDER BY s.at LIMIT 20) p;
    IF v_peaks IS NOT NULL THEN
        RAISE EXCEPTION 'shared use would exceed capacity'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'no_overbooking',
                  DETAIL = v_peaks::text;
    END IF;
END $$;


--
-- Name: refuse_window_clashes(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_window_clashes(p_windows bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_clashes jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_array(c.environment_id, c.window_id, c.booking_id, c.other_id,
                                       readable(lower(c.period)), readable(upper(c.period)))
                     ORDER BY c.period)
    INTO v_clashes
    FROM (SELECT DISTINCT k.environment_id, k.window_id, k.booking_id, k.other_id, k.period
          FROM window_clashes(p_windows) k ORDER BY k.period LIMIT 100) c;
    IF v_clashes IS NOT NULL THEN
        RAISE EXCEPTION 'windows would clash'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'no_window_clash',
                  DETAIL = v_clashes::text;
    END IF;
END $$;


--
-- Name: refuse_window_kind_change(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_window_kind_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION 'a window stays what it was planned as'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
              HINT = 'Cancel the window and plan another.';
END $$;


--
-- Name: refuse_write(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME,
              HINT = TG_ARGV[0];
END $$;


--
-- Name: rename_team(bigint, text, text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.rename_team(p_team bigint, p_name text, p_by text, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_former text := (SELECT t.name FROM teams t WHERE t.id = p_team);
    v_alias bigint := (SELECT t.id FROM teams t WHERE lower(t.name) = lower(p_name) AND t.merged_into = p_team);
BEGIN
    PERFORM lock_team(p_team);
    IF lower(v_former) = lower(p_name) THEN
        UPDATE teams SET name = p_name, updated_at = p_now WHERE id = p_team;
    ELSE
        -- No two may have one name, not even between two statements.
        UPDATE teams SET name = 'team ' || v_alias, updated_at = p_now WHERE id = v_alias;
        UPDATE teams SET name = p_name, updated_at = p_now WHERE id = p_team;
        UPDATE teams SET name = v_former, updated_at = p_now WHERE id = v_alias;
        INSERT INTO teams (name, merged_into, created_at, updated_at)
        SELECT v_former, p_team, p_now, p_now WHERE v_alias IS NULL;
    END IF;
    PERFORM rewrite_team_name(v_former, p_name, p_team, p_by, p_now);
END $$;


--
-- Name: renamed_approvals(jsonb, text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.renamed_approvals(p_approvals jsonb, p_from text, p_to text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT coalesce(jsonb_agg(
        CASE WHEN a.value ->> 'ownerTeam' = p_from THEN a.value || jsonb_build_object('ownerTeam', p_to)
             ELSE a.value END ORDER BY a.ordinality), '[]')
    FROM jsonb_array_elements(p_approvals) WITH ORDINALITY a
$$;


--
-- Name: require_read_committed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.require_read_committed() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'Berth decides at READ COMMITTED only'
            USING ERRCODE = 'invalid_transaction_state',
                  HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED; a higher level sees the past after waiting for a lock.';
    END IF;
END $$;


--
-- Name: require_references(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.require_references(p_bookings bigint[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM bookings b CROSS JOIN unnest(b.environment_ids) e (id)
               WHERE b.id = ANY (p_bookings)
                 AND NOT EXISTS (SELECT FROM environments x WHERE x.id = e.id)) THEN
        RAISE EXCEPTION 'a booking names an environment that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'booking_environment_exists';
    END IF;
    IF EXISTS (SELECT FROM bookings b
               WHERE b.id = ANY (p_bookings)
                 AND NOT EXISTS (SELECT FROM teams t WHERE t.id = b.team_id)) THEN
        RAISE EXCEPTION 'a booking names a team that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'booking_team_exists';
    END IF;
END $$;


--
-- Name: restore_approved(bigint, text, timestamp with time zone, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.restore_approved(p_booking bigint, p_reason text, p_now timestamp with time zone, p_by text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    UPDATE bookings b
    SET state = v.state, state_reason = p_reason, environment_ids = v.environment_ids,
        starts_at = v.starts_at, ends_at = v.ends_at, mode = v.mode, setup_minutes = v.setup_minutes,
        teardown_minutes = v.teardown_minutes, approvals = v.approvals,
        check_in_minutes = v.check_in_minutes, hold_expires_at = NULL, approved_version = NULL,
        updated_at = p_now, updated_by = p_by
    FROM booking_versions v
    WHERE b.id = p_booking AND v.booking_id = b.id AND v.version = b.approved_version;
    RETURN FOUND;
END $$;


--
-- Name: rewrite_team_name(text, text, bigint, text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.rewrite_team_name(p_from text, p_to text, p_team bigint, p_by text, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    UPDATE environments e SET updated_at = p_now, updated_by = p_by WHERE e.owner_team_id = p_team;
    UPDATE tokens t SET labels = t.labels || jsonb_build_object('owner', p_to)
    WHERE lower(t.labels ->> 'owner') = lower(p_from);
    UPDATE change_windows w
    SET labels = w.labels || jsonb_build_object('owner', p_to), updated_at = p_now, updated_by = p_by
    WHERE lower(w.labels ->> 'owner') = lower(p_from);
    UPDATE change_windows w
    SET approvals = renamed_approvals(w.approvals, p_from, p_to), updated_at = p_now, updated_by = p_by
    WHERE w.state = 'requested' AND w.approvals @> jsonb_build_array(jsonb_build_object('ownerTeam', p_from));
    UPDATE bookings b
    SET select_labels = CASE WHEN lower(b.select_labels ->> 'owner') = lower(p_from)
                             THEN b.select_labels || jsonb_build_object('owner', p_to) ELSE b.select_labels END,
        approvals = renamed_approvals(b.approvals, p_from, p_to), updated_at = p_now, updated_by = p_by
    WHERE b.state IN ('requested', 'waitlisted', 'displaced')
      AND (b.approvals @> jsonb_build_array(jsonb_build_object('ownerTeam', p_from))
           OR lower(b.select_labels ->> 'owner') = lower(p_from));
END $$;


--
-- Name: search_horizon(timestamp with time zone, timestamp with time zone, interval, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.search_horizon(p_from timestamp with time zone, p_until timestamp with time zone, p_length interval, p_most bigint) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_ahead interval := p_length + interval '1 hour';
    v_horizon timestamptz := least(p_until, p_from + p_length + v_ahead);
    v_next timestamptz;
BEGIN
    WHILE v_horizon < p_until LOOP
        v_ahead := v_ahead * 4;
        v_next := least(p_until, p_from + p_length + v_ahead);
        EXIT WHEN (SELECT count(*) FROM claims_between(p_from, v_next, p_most)) >= p_most;
        v_horizon := v_next;
    END LOOP;
    RETURN v_horizon;
END $$;


--
-- Name: serve_waiter(bigint, bigint[], text, timestamp with time zone, timestamp with time zone, bigint, bigint, jsonb, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.serve_waiter(p_booking bigint, p_environments bigint[], p_state text, p_starts timestamp with time zone, p_ends timestamp with time zone, p_setup bigint, p_teardown bigint, p_extras jsonb, p_now timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_over_quota boolean := false;
BEGIN
    BEGIN
        UPDATE bookings b
        SET state = p_state, state_reason = NULL, environment_ids = p_environments, starts_at = p_starts,
            ends_at = p_ends, setup_minutes = p_setup, teardown_minutes = p_teardown, wait_until = NULL,
            starts_when_free = false, select_labels = NULL, select_count = NULL, released_at = NULL,
            approvals = coalesce(p_extras -> 'approvals', '[]'),
            hold_expires_at = (p_extras ->> 'holdExpiresAt')::timestamptz,
            check_in_minutes = (p_extras ->> 'checkInMinutes')::integer,
            lease_expires_at = (p_extras ->> 'leaseExpiresAt')::timestamptz,
            updated_at = p_now, updated_by = 'berth'
        WHERE b.id = p_booking;
        IF EXISTS (SELECT FROM quota_violations(ARRAY[p_booking])) THEN
            v_over_quota := true;
            RAISE exclusion_violation;
        END IF;
        RETURN true;
    EXCEPTION WHEN exclusion_violation THEN
    END;
    IF v_over_quota THEN
        INSERT INTO quota_holds (booking_id, team_id, tries, try_again_at)
        SELECT b.id, b.team_id, 1, p_now + interval '2 seconds' FROM bookings b WHERE b.id = p_booking
        ON CONFLICT (booking_id) DO UPDATE
        SET tries = quota_holds.tries + 1,
            try_again_at = p_now + least(interval '2 seconds' * 2 ^ least(quota_holds.tries, 20),
                                         interval '10 minutes');
    END IF;
    RETURN false;
END $$;


--
-- Name: settle_drifts(timestamp with time zone, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.settle_drifts(p_now timestamp with time zone, p_limit bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_drift record;
    v_settled bigint := 0;
    v_explanation bigint;
    v_change bigint;
BEGIN
    FOR v_drift IN
        SELECT d.id, d.environment_id, d.component, d.version_from, d.version_to, d.seen_after, d.seen_at,
               d.flaps
        FROM drifts d
        WHERE d.explained_by IS NULL AND d.logged_as IS NULL AND d.settles_at <= p_now
        ORDER BY d.settles_at, d.id LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    LOOP
        v_explanation := explaining_change(
            v_drift.environment_id, v_drift.component, v_drift.version_to, v_drift.seen_after, v_drift.seen_at);
        v_change := NULL;
        IF v_explanation IS NULL THEN
            SELECT a.id INTO v_change
            FROM append_changes(
                p_now, ARRAY['berth'], ARRAY['inventory'], ARRAY['drift:' || v_drift.id],
                ARRAY[v_drift.environment_id], ARRAY[v_drift.seen_at], ARRAY['unknown'],
                ARRAY[NULL]::bigint[], ARRAY['deploy'],
                ARRAY[format('%s went from %s to %s, and nobody logged it%s', v_drift.component,
                             coalesce(v_drift.version_from, 'nothing'),
                             coalesce(v_drift.version_to, 'nothing'),
                             CASE WHEN v_drift.flaps > 0
                                  THEN format('; back and forth %s times since', v_drift.flaps) ELSE '' END)],
                ARRAY[v_drift.component], ARRAY[v_drift.version_to], ARRAY[NULL]::text[], ARRAY[NULL]::text[],
                ARRAY[NULL]::bigint[]) a;
        END IF;
        UPDATE drifts d SET explained_by = v_explanation, logged_as = v_change WHERE d.id = v_drift.id;
        v_settled := v_settled + 1;
    END LOOP;
    RETURN v_settled;
END $$;


--
-- Name: shared_places(bigint[], text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.shared_places(p_environments bigint[], p_mode text) RETURNS TABLE(environment_id bigint, places bigint)
    LANGUAGE plpgsql STABLE
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    SET work_mem TO '64MB'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    -- Who else uses a part; the part itself, which can be booked too, takes the place of the one asking.
    WITH users AS (
        SELECT r.part_id, count(*) AS everyone,
               count(*) FILTER (WHERE r.exclusive_if_exclusive) AS alone
        FROM environment_reach r JOIN environments e ON e.id = r.environment_id
        WHERE r.environment_id <> r.part_id AND e.status <> 'retired'
          AND (p_environments IS NULL
               OR r.part_id IN (SELECT o.part_id FROM environment_reach o
                                WHERE o.environment_id = ANY (p_environments)))
        GROUP BY r.part_id)
    SELECT r.environment_id,
           sum(CASE WHEN (CASE p_mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                                      ELSE r.exclusive_if_shared END)
                    THEN u.everyone
                    WHEN r.environment_id = r.part_id THEN u.alone
                    ELSE u.alone + 1 - r.exclusive_if_exclusive::integer END)::bigint
    FROM environment_reach r JOIN users u ON u.part_id = r.part_id
    WHERE p_environments IS NULL OR r.environment_id = ANY (p_environments)
    GROUP BY r.environment_id;
END $$;


--
-- Name: team_ids(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.team_ids(p_name text) RETURNS bigint[]
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE(array_agg(t.id), '{}'::bigint[]) AS "coalesce"
    FROM public.teams t
   WHERE ((t.id = ( SELECT public.team_id(team_ids.p_name) AS team_id)) OR (t.merged_into = ( SELECT public.team_id(team_ids.p_name) AS team_id)));
END;


--
-- Name: team_name(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.team_name(p_id bigint) RETURNS text
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT COALESCE(n.name, t.name) AS "coalesce"
    FROM (public.teams t
      LEFT JOIN public.teams n ON ((n.id = t.merged_into)))
   WHERE (t.id = team_name.p_id);
END;


--
-- Name: tell_notices(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.tell_notices() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT max(n.at), 'notice.created', max(n.id), 1 FROM after n HAVING count(*) > 0;
    RETURN NULL;
END $$;


--
-- Name: tell_teams(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.tell_teams() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'team.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;


--
-- Name: use_obstacles(bigint, bigint, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.use_obstacles(p_environment bigint, p_team bigint, p_at timestamp with time zone) RETURNS TABLE(part_id bigint, booking_id bigint, window_id bigint, period tstzrange)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT r.part_id,
     c.booking_id,
     c.window_id,
     c.period
    FROM ((public.environment_reach r
      JOIN public.claims c ON (((c.environment_id = r.part_id) AND (c.lane = 'use'::text) AND (c.share_key <> 0) AND (c.period @> use_obstacles.p_at))))
      LEFT JOIN public.bookings b ON ((b.id = c.booking_id)))
   WHERE ((r.environment_id = use_obstacles.p_environment) AND (b.team_id IS DISTINCT FROM use_obstacles.p_team));
END;


--
-- Name: users_at(bigint, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.users_at(p_environment bigint, p_at timestamp with time zone, p_known_at timestamp with time zone) RETURNS TABLE(booking_id bigint, team_id bigint, exclusive boolean)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT b.id,
     ( SELECT COALESCE(t.merged_into, t.id) AS "coalesce"
            FROM public.teams t
           WHERE (t.id = v.team_id)) AS "coalesce",
     u.exclusive
    FROM (((( SELECT c.booking_id AS id
            FROM public.claims c
           WHERE ((c.environment_id = users_at.p_environment) AND (c.lane = 'use'::text) AND (c.period @> users_at.p_at) AND (c.booking_id IS NOT NULL))
         UNION
          SELECT c.booking_id
            FROM (public.environment_reach_versions r
              JOIN public.claims c ON (((c.environment_id = r.environment_id) AND (c.lane = 'use'::text) AND (c.period @> users_at.p_at))))
           WHERE ((r.part_id = users_at.p_environment) AND (r.valid_from <= users_at.p_at) AND (r.valid_until > users_at.p_at) AND (c.booking_id IS NOT NULL))
         UNION
          SELECT g.id
            FROM public.bookings g
           WHERE ((g.record_only OR ((g.state)::text = ANY (ARRAY['rejected'::text, 'cancelled'::text, 'expired'::text, 'displaced'::text]))) AND (tstzrange(g.starts_at, g.ends_at, '[)'::text) @> users_at.p_at) AND (EXISTS ( SELECT
                    FROM public.reach_at(users_at.p_environment, users_at.p_at) r(environment_id, exclusive_if_shared, exclusive_if_exclusive)
                   WHERE (r.environment_id = ANY (g.environment_ids)))))) k
      JOIN public.bookings b ON ((b.id = k.id)))
      CROSS JOIN LATERAL ( SELECT p.environment_ids,
             p.team_id,
             p.mode
            FROM ( SELECT b.state,
                     b.environment_ids,
                     b.team_id,
                     b.mode,
                     b.starts_at,
                     b.released_at,
                     b.ends_at,
                     b.approved_version
                   WHERE (b.record_only OR (date_trunc('second'::text, b.updated_at) <= users_at.p_known_at))
                 UNION ALL
                 ( SELECT o.state,
                     o.environment_ids,
                     o.team_id,
                     o.mode,
                     o.starts_at,
                     o.released_at,
                     o.ends_at,
                     o.approved_version
                    FROM public.booking_versions o
                   WHERE ((o.booking_id = b.id) AND (NOT b.record_only) AND (date_trunc('second'::text, b.updated_at) > users_at.p_known_at) AND (date_trunc('second'::text, o.valid_from) <= users_at.p_known_at))
                   ORDER BY o.version DESC
                  LIMIT 1)) p
           WHERE ((((p.state)::text = ANY (ARRAY['confirmed'::text, 'active'::text, 'completed'::text])) OR (p.approved_version IS NOT NULL) OR (p.released_at IS NOT NULL)) AND (p.starts_at <= users_at.p_at) AND (COALESCE(p.released_at, p.ends_at) > users_at.p_at))) v)
      CROSS JOIN LATERAL ( SELECT bool_or(
                 CASE v.mode
                     WHEN 'exclusive'::text THEN r.exclusive_if_exclusive
                     ELSE r.exclusive_if_shared
                 END) AS exclusive
            FROM public.reach_at(users_at.p_environment, users_at.p_at) r(environment_id, exclusive_if_shared, exclusive_if_exclusive)
           WHERE (r.environment_id = ANY (v.environment_ids))) u)
   WHERE (u.exclusive IS NOT NULL);
END;


--
-- Name: wait_position(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.wait_position(p_booking bigint) RETURNS bigint
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (1 + count(*))
    FROM (public.bookings b
      JOIN public.bookings w ON ((((w.state)::text = ANY (ARRAY['waitlisted'::text, 'displaced'::text])) AND (w.environment_ids && b.environment_ids) AND (w.starts_when_free OR b.starts_when_free OR ((w.starts_at < b.ends_at) AND (w.ends_at > b.starts_at))) AND (ROW(public.priority_rank((b.priority)::text), w.created_at, w.id) < ROW(public.priority_rank((w.priority)::text), b.created_at, b.id)))))
   WHERE (b.id = wait_position.p_booking);
END;


--
-- Name: warn_of_windows(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.warn_of_windows(p_windows bigint[], p_at timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO notices (at, kind, subject, text, team_id, person)
    SELECT DISTINCT p_at, CASE WHEN s.is_emergency THEN 'window.emergency' ELSE 'window.planned' END,
           'CW-' || w.id,
           format('%s on %s from %s to %s during BK-%s: %s', w.kind, e.key, readable(lower(s.period), w.time_zone),
                  readable(upper(s.period), w.time_zone), b.id, coalesce(w.emergency_reason, w.title)),
           b.team_id, b.requested_by
    FROM window_spans s
    JOIN change_windows w ON w.id = s.window_id
    JOIN environments e ON e.id = s.environment_id
    CROSS JOIN LATERAL (
        SELECT k.booking_id FROM claims k
        WHERE k.environment_id = s.environment_id AND k.lane = 'use' AND k.period && s.period
          AND k.booking_id IS NOT NULL
        OFFSET 0) c
    JOIN bookings b ON b.id = c.booking_id AND b.state IN ('requested', 'confirmed', 'active')
    WHERE s.window_id = ANY (p_windows) AND s.state = 'approved' AND s.valid_until = 'infinity'
      AND upper(s.period) > p_at AND s.kind <> 'freeze'
    UNION ALL
    SELECT DISTINCT p_at, 'window.emergency', 'CW-' || w.id,
           format('%s declared an emergency on %s until %s: %s', w.requested_by, e.key,
                  readable(w.ends_at, w.time_zone), w.emergency_reason),
           e.owner_team_id, NULL
    FROM window_spans s
    JOIN change_windows w ON w.id = s.window_id
    JOIN environments e ON e.id = s.environment_id
    WHERE s.window_id = ANY (p_windows) AND s.is_emergency AND s.valid_until = 'infinity'
$$;


--
-- Name: whole_second(timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.whole_second(p_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT to_timestamp((ceil(EXTRACT(epoch FROM p_at)))::double precision) AS to_timestamp;
END;


--
-- Name: window_clashes(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.window_clashes(p_windows bigint[]) RETURNS TABLE(environment_id bigint, window_id bigint, booking_id bigint, other_id bigint, period tstzrange)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH implied AS MATERIALIZED (
        SELECT d.window_id, d.environment_id, d.lane, d.period, d.share_key
        FROM derive_window_claims(p_windows) d),
    -- Exceptions that are among the windows, that are to a freeze among them, or that meet one.
    excepted AS MATERIALIZED (
        SELECT s.window_id, s.environment_id, s.exception_to, s.period FROM window_spans s
        WHERE s.window_id = ANY (p_windows) AND s.exception_to IS NOT NULL AND s.state = 'approved'
          AND s.valid_until = 'infinity'
        UNION
        SELECT s.window_id, s.environment_id, s.exception_to, s.period
        FROM change_windows w JOIN window_spans s ON s.window_id = w.id
        WHERE w.exception_to = ANY (p_windows) AND s.exception_to IS NOT NULL AND s.state = 'approved'
          AND s.valid_until = 'infinity'
        UNION
        SELECT x.window_id, x.environment_id, x.exception_to, x.period
        FROM window_spans g
        CROSS JOIN LATERAL (
            SELECT s.window_id, s.environment_id, s.exception_to, s.period FROM window_spans s
            WHERE s.environment_id = g.environment_id AND s.period && g.period
              AND s.exception_to IS NOT NULL AND s.state = 'approved' AND s.valid_until = 'infinity'
            OFFSET 0) x
        WHERE g.window_id = ANY (p_windows) AND g.kind = 'freeze' AND g.state = 'approved'
          AND g.valid_until = 'infinity')
    SELECT d.environment_id, d.window_id, c.booking_id, c.window_id, c.period
    FROM implied d
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.window_id, k.period FROM claims k
        WHERE k.environment_id = d.environment_id AND k.lane = 'use' AND k.period && d.period
          AND k.share_key <> d.share_key
        OFFSET 0) c
    WHERE d.lane = 'use'
    UNION ALL
    SELECT d.environment_id, d.window_id, c.booking_id, c.window_id, c.period
    FROM implied d
    CROSS JOIN LATERAL (
        SELECT k.booking_id, k.window_id, k.period FROM claims k
        WHERE k.environment_id = d.environment_id AND k.lane = 'change' AND k.period && d.period
          AND k.share_key <> d.share_key
        OFFSET 0) c
    WHERE d.lane = 'change'
    UNION ALL
    SELECT x.environment_id, o.one, NULL, o.other, o.period
    FROM excepted x
    JOIN change_windows w ON w.id = x.window_id AND upper(x.period) > w.created_at
    JOIN window_spans f ON f.window_id = x.exception_to AND f.environment_id = x.environment_id
     AND f.period && x.period AND f.state = 'approved' AND f.valid_until = 'infinity'
    CROSS JOIN LATERAL (
        SELECT s.window_id, s.period FROM window_spans s
        WHERE s.environment_id = x.environment_id AND s.period && (x.period * f.period)
          AND s.kind = 'freeze' AND s.window_id <> x.exception_to
          AND s.state = 'approved' AND s.valid_until = 'infinity'
        OFFSET 0) g
    -- Who stood before is in the way of who comes.
    CROSS JOIN LATERAL (
        SELECT x.window_id, g.window_id, g.period WHERE x.window_id = ANY (p_windows)
        UNION ALL
        SELECT g.window_id, x.window_id, x.period WHERE x.window_id <> ALL (p_windows)) o (one, other, period)
    WHERE x.window_id = ANY (p_windows) OR f.window_id = ANY (p_windows) OR g.window_id = ANY (p_windows);
END $$;


--
-- Name: window_hits(bigint[], timestamp with time zone[], interval, bigint, timestamp with time zone, bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.window_hits(p_environments bigint[], p_starts timestamp with time zone[], p_length interval, p_except bigint, p_now timestamp with time zone, p_limit bigint) RETURNS TABLE(environment_id bigint, booking_id bigint, window_id bigint, period tstzrange)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET search_path TO 'public', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT h.environment_id, h.booking_id, h.window_id, h.period
    FROM (
        SELECT e.id AS environment_id, c.booking_id, NULL::bigint AS window_id, c.period
        FROM unnest(p_starts) s (at)
        CROSS JOIN unnest(p_environments) e (id)
        CROSS JOIN LATERAL (
            SELECT k.booking_id, k.period FROM claims k
            WHERE k.environment_id = e.id AND k.lane = 'use' AND k.booking_id IS NOT NULL
              AND k.period && tstzrange(s.at, s.at + p_length, '[)')
            OFFSET 0) c
        WHERE s.at + p_length > p_now
        UNION
        SELECT e.id, NULL, v.window_id, v.period
        FROM unnest(p_starts) s (at)
        CROSS JOIN unnest(p_environments) e (id)
        CROSS JOIN LATERAL (
            SELECT w.window_id, w.period FROM window_spans w
            WHERE w.environment_id = e.id AND w.valid_until = 'infinity' AND w.state = 'approved'
              AND w.period && tstzrange(s.at, s.at + p_length, '[)')
              AND w.window_id IS DISTINCT FROM p_except
            OFFSET 0) v
        WHERE s.at + p_length > p_now) h
    ORDER BY lower(h.period), h.booking_id, h.window_id, h.environment_id
    LIMIT p_limit;
END $$;


--
-- Name: windows_about(bigint[], timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.windows_about(p_environments bigint[], p_at timestamp with time zone) RETURNS bigint[]
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ARRAY( SELECT w.id
            FROM public.change_windows w
           WHERE ((w.labels IS NOT NULL) AND ((w.state)::text = ANY (ARRAY['requested'::text, 'approved'::text])) AND (public.last_end(w.*) > windows_about.p_at) AND (EXISTS ( SELECT
                    FROM public.environments e
                   WHERE ((e.id = ANY (windows_about.p_environments)) AND (e.status <> 'retired'::text) AND public.matches_selector(e.*, w.labels)))))
         UNION
          SELECT w.id
            FROM ((unnest(windows_about.p_environments) e(id)
              CROSS JOIN LATERAL ( SELECT DISTINCT s_1.window_id
                    FROM public.window_spans s_1
                   WHERE ((s_1.environment_id = e.id) AND (s_1.period && tstzrange(windows_about.p_at, NULL::timestamp with time zone)) AND (s_1.valid_until = 'infinity'::timestamp with time zone))
                  OFFSET 0) s)
              JOIN public.change_windows w ON ((w.id = s.window_id)))
           WHERE (((w.state)::text = ANY (ARRAY['requested'::text, 'approved'::text])) AND (public.last_end(w.*) > windows_about.p_at))
   ORDER BY 1) AS "array";
END;


--
-- Name: audit_bookings; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.audit_bookings AS
 SELECT t.booking_id,
    t.state,
    t.team_id,
    t.environment_ids,
    t.mode,
    t.taken_from,
    t.taken_until,
    t.known_at,
    t.is_edited
   FROM ( SELECT b.id AS booking_id,
            (b.state)::text AS state,
            b.team_id,
            b.environment_ids,
            (b.mode)::text AS mode,
                CASE (b.setup_minutes)::integer
                    WHEN 0 THEN b.starts_at
                    ELSE (b.starts_at - make_interval(mins => (b.setup_minutes)::integer))
                END AS taken_from,
                CASE
                    WHEN ((b.released_at IS NULL) AND ((b.teardown_minutes)::integer = 0)) THEN b.ends_at
                    WHEN (b.approved_version IS NULL) THEN (COALESCE(b.released_at, b.ends_at) + make_interval(mins => (b.teardown_minutes)::integer))
                    ELSE (b.ends_at + make_interval(mins => (b.teardown_minutes)::integer))
                END AS taken_until,
                CASE
                    WHEN ((b.state)::text = ANY (ARRAY['requested'::text, 'confirmed'::text, 'active'::text])) THEN 'infinity'::timestamp with time zone
                    ELSE b.updated_at
                END AS known_at,
            (b.approved_version IS NOT NULL) AS is_edited
           FROM public.bookings b
          WHERE ((NOT b.record_only) AND (((b.state)::text = ANY (ARRAY['completed'::text, 'confirmed'::text, 'active'::text, 'requested'::text])) OR (b.released_at IS NOT NULL)))) t
  WHERE (t.taken_from < t.taken_until);


--
-- Name: audit_changes; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.audit_changes AS
 WITH RECURSIVE chain(first_id, id) AS (
         SELECT c.id,
            c.id
           FROM public.change_log c
          WHERE ((c.entry = 'change'::text) AND (c.corrects IS NULL) AND (c.id IN ( SELECT n.corrects
                   FROM public.change_log n
                  WHERE (n.corrects IS NOT NULL))))
        UNION ALL
         SELECT k.first_id,
            c.id
           FROM (chain k
             JOIN public.change_log c ON (((c.corrects = k.id) AND (c.entry = 'change'::text))))
        ), judged AS (
         SELECT k.first_id,
            k.id,
            c.control,
            c.environment_id,
            c.bookings_hit,
            c.reasons,
            c.is_late,
            (c.approved_late OR (EXISTS ( SELECT
                   FROM public.change_log n
                  WHERE ((n.root_id = k.id) AND (n.entry = 'late-approval'::text))))) AS approved_late,
            max(k.id) OVER (PARTITION BY k.first_id) AS last_id,
            ( SELECT r.review
                   FROM public.change_log r
                  WHERE ((r.root_id = k.id) AND (r.entry = 'review'::text))
                  ORDER BY r.id DESC
                 LIMIT 1) AS review
           FROM (chain k
             JOIN public.change_log c ON ((c.id = k.id)))
        ), weighed AS (
         SELECT DISTINCT ON (j.first_id) j.first_id,
            j.last_id,
            j.id AS judged_id,
            j.control,
            j.environment_id,
            j.bookings_hit,
            j.reasons,
            j.is_late,
            j.approved_late
           FROM judged j
          WHERE (NOT (EXISTS ( SELECT
                   FROM judged a
                  WHERE ((a.first_id = j.first_id) AND (a.id >= j.id) AND (a.id < j.last_id) AND (a.review = 'accepted'::text)))))
          ORDER BY j.first_id,
                CASE j.control
                    WHEN 'uncontrolled'::text THEN
                    CASE
                        WHEN j.approved_late THEN 2
                        ELSE 3
                    END
                    WHEN 'emergency'::text THEN 1
                    ELSE 0
                END DESC, j.id DESC
        )
 SELECT c.id AS change_id,
    c.control,
    c.environment_id,
    c.bookings_hit,
    c.reasons,
    c.is_late,
    (c.approved_late OR (EXISTS ( SELECT
           FROM public.change_log n
          WHERE ((n.root_id = c.id) AND (n.entry = 'late-approval'::text))))) AS approved_late,
    c.occurred_at,
    c.recorded_at,
    c.actor,
    c.kind,
    c.summary,
    c.source,
    c.team_id,
    ( SELECT r.review
           FROM public.change_log r
          WHERE ((r.root_id = c.id) AND (r.entry = 'review'::text))
          ORDER BY r.id DESC
         LIMIT 1) AS review
   FROM public.change_log c
  WHERE ((c.entry = 'change'::text) AND (c.corrects IS NULL) AND (NOT (c.id IN ( SELECT n.corrects
           FROM public.change_log n
          WHERE (n.corrects IS NOT NULL)))))
UNION ALL
 SELECT w.last_id AS change_id,
    w.control,
    w.environment_id,
    w.bookings_hit,
    w.reasons,
    w.is_late,
    w.approved_late,
    c.occurred_at,
    c.recorded_at,
    c.actor,
    c.kind,
    c.summary,
    c.source,
    c.team_id,
    ( SELECT j.review
           FROM judged j
          WHERE ((j.first_id = w.first_id) AND (j.id >= w.judged_id) AND (j.review IS NOT NULL))
          ORDER BY j.id DESC
         LIMIT 1) AS review
   FROM (weighed w
     JOIN public.change_log c ON ((c.id = w.last_id)));


--
-- Name: audit_edits; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.audit_edits AS
 SELECT b.id AS booking_id,
    (b.state)::text AS state,
    b.team_id,
    v.environment_ids,
    (v.mode)::text AS mode,
    (v.starts_at - make_interval(mins => (v.setup_minutes)::integer)) AS taken_from,
    (v.ends_at + make_interval(mins => (v.teardown_minutes)::integer)) AS taken_until
   FROM (( SELECT e.id,
            e.state,
            e.team_id,
            e.approved_version
           FROM public.bookings e
          WHERE (e.approved_version IS NOT NULL)
         OFFSET 0) b
     JOIN public.booking_versions v ON (((v.booking_id = b.id) AND (v.version = b.approved_version))));


--
-- Name: audit_findings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_findings (
    audit_id bigint NOT NULL,
    fingerprint text NOT NULL,
    check_name text NOT NULL,
    severity text NOT NULL,
    status text NOT NULL,
    environment text,
    subjects text[] NOT NULL,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    detail text NOT NULL,
    actor text,
    first_found_at timestamp with time zone NOT NULL,
    waiver_id bigint,
    CONSTRAINT audit_severity_is_known CHECK ((severity = ANY (ARRAY['critical'::text, 'warning'::text, 'info'::text]))),
    CONSTRAINT audit_status_is_known CHECK ((status = ANY (ARRAY['new'::text, 'persisting'::text, 'resolved'::text, 'waived'::text]))),
    CONSTRAINT audit_waived_by_a_waiver CHECK (((status = 'waived'::text) = (waiver_id IS NOT NULL)))
);


--
-- Name: environment_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.environment_versions (
    environment_id bigint NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    tier text NOT NULL,
    owner_team_id bigint,
    time_zone text NOT NULL,
    labels jsonb NOT NULL,
    capacity integer,
    status text NOT NULL,
    status_reason text,
    status_until timestamp with time zone,
    part_ids bigint[] NOT NULL,
    part_usages text[] NOT NULL,
    policy jsonb NOT NULL,
    runbook text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    CONSTRAINT environment_version_is_ordered CHECK ((valid_from <= valid_until))
);


--
-- Name: audit_reach; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.audit_reach AS
 WITH RECURSIVE walk(root, id, if_shared, if_exclusive) AS (
         SELECT e.id,
            e.id,
            false AS "?column?",
            true AS "?column?"
           FROM public.environments e
        UNION
         SELECT w.root,
            p.id,
                CASE p.usage
                    WHEN 'same'::text THEN w.if_shared
                    ELSE (p.usage = 'exclusive'::text)
                END AS "case",
                CASE p.usage
                    WHEN 'same'::text THEN w.if_exclusive
                    ELSE (p.usage = 'exclusive'::text)
                END AS "case"
           FROM ((walk w
             JOIN public.environments e ON ((e.id = w.id)))
             CROSS JOIN LATERAL UNNEST(e.part_ids, e.part_usages) p(id, usage))
        ), reach AS (
         SELECT w.root,
            w.id,
            bool_or(w.if_shared) AS if_shared,
            bool_or(w.if_exclusive) AS if_exclusive
           FROM walk w
          GROUP BY w.root, w.id
        ), regrouped AS (
         SELECT v.environment_id,
            max(v.valid_until) AS at
           FROM (public.environment_versions v
             JOIN public.environments e ON ((e.id = v.environment_id)))
          WHERE ((v.part_ids IS DISTINCT FROM e.part_ids) OR (v.part_usages IS DISTINCT FROM e.part_usages))
          GROUP BY v.environment_id
        )
 SELECT r.root AS environment_id,
    r.id AS part_id,
    r.if_shared AS exclusive_if_shared,
    r.if_exclusive AS exclusive_if_exclusive,
    c.at AS changed_at
   FROM (reach r
     LEFT JOIN ( SELECT r_1.root,
            max(g.at) AS at
           FROM (reach r_1
             JOIN regrouped g ON ((g.environment_id = r_1.id)))
          GROUP BY r_1.root) c ON ((c.root = r.root)));


--
-- Name: audit_holdings; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.audit_holdings AS
 SELECT t.booking_id,
    t.state,
    t.team_id,
    r.part_id AS environment_id,
    t.taken_from,
    t.taken_until,
    t.is_edited,
        CASE t.mode
            WHEN 'exclusive'::text THEN r.exclusive_if_exclusive
            ELSE r.exclusive_if_shared
        END AS is_exclusive,
    ((r.part_id = r.environment_id) OR (r.changed_at IS NULL) OR (t.known_at > r.changed_at)) AS is_judged
   FROM (public.audit_bookings t
     JOIN public.audit_reach r ON ((r.environment_id = t.environment_ids[1])))
  WHERE (cardinality(t.environment_ids) = 1)
UNION ALL
 SELECT t.booking_id,
    t.state,
    t.team_id,
    r.part_id AS environment_id,
    t.taken_from,
    t.taken_until,
    t.is_edited,
    bool_or(
        CASE t.mode
            WHEN 'exclusive'::text THEN r.exclusive_if_exclusive
            ELSE r.exclusive_if_shared
        END) AS is_exclusive,
    bool_or(((r.part_id = r.environment_id) OR (r.changed_at IS NULL) OR (t.known_at > r.changed_at))) AS is_judged
   FROM ((( SELECT b.booking_id,
            b.state,
            b.team_id,
            b.environment_ids,
            b.mode,
            b.taken_from,
            b.taken_until,
            b.is_edited,
            b.known_at
           FROM public.audit_bookings b
          WHERE (cardinality(b.environment_ids) > 1)
        UNION ALL
         SELECT e.booking_id,
            e.state,
            e.team_id,
            e.environment_ids,
            e.mode,
            e.taken_from,
            e.taken_until,
            true,
            'infinity'::timestamp with time zone
           FROM public.audit_edits e) t
     CROSS JOIN LATERAL unnest(t.environment_ids) n(id))
     JOIN public.audit_reach r ON ((r.environment_id = n.id)))
  GROUP BY t.booking_id, t.state, t.team_id, r.part_id, t.taken_from, t.taken_until, t.is_edited;


--
-- Name: audit_settings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_settings (
    check_name text NOT NULL,
    is_on boolean NOT NULL,
    settings jsonb NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL
);


--
-- Name: audit_spans; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.audit_spans AS
 WITH named AS (
         SELECT w_1.id AS window_id,
            n.id AS environment_id
           FROM (public.change_windows w_1
             CROSS JOIN LATERAL unnest(w_1.environment_ids) n(id))
          WHERE ((w_1.state)::text = ANY (ARRAY['requested'::text, 'approved'::text]))
        UNION
         SELECT w_1.id,
            e.id
           FROM (public.change_windows w_1
             JOIN public.environments e ON ((e.labels @> (w_1.labels - ARRAY['tier'::text, 'owner'::text, 'status'::text]))))
          WHERE (((w_1.state)::text = ANY (ARRAY['requested'::text, 'approved'::text])) AND (w_1.labels IS NOT NULL) AND (e.status <> 'retired'::text) AND (COALESCE((w_1.labels ->> 'tier'::text), e.tier) = e.tier) AND (COALESCE((w_1.labels ->> 'status'::text), e.status) = e.status) AND (((w_1.labels ->> 'owner'::text) IS NULL) OR (public.team_id((w_1.labels ->> 'owner'::text)) = e.owner_team_id)))
        ), about AS (
         SELECT n.window_id,
            n.environment_id
           FROM (named n
             JOIN public.change_windows w_1 ON ((w_1.id = n.window_id)))
          WHERE (((w_1.kind)::text <> 'freeze'::text) AND (NOT w_1.include_parts))
        UNION
         SELECT n.window_id,
            r.part_id
           FROM ((named n
             JOIN public.change_windows w_1 ON ((w_1.id = n.window_id)))
             JOIN public.audit_reach r ON ((r.environment_id = n.environment_id)))
          WHERE (((w_1.kind)::text = 'freeze'::text) OR w_1.include_parts)
        )
 SELECT a.window_id,
    a.environment_id,
    (w.kind)::text AS kind,
    (w.state)::text AS state,
    w.team_id,
    w.exception_to,
    (w.emergency_reason IS NOT NULL) AS is_emergency,
    s.at AS starts_at,
    (s.at + make_interval(secs => (EXTRACT(epoch FROM (w.ends_at - w.starts_at)))::double precision)) AS ends_at,
    w.created_at
   FROM ((about a
     JOIN public.change_windows w ON ((w.id = a.window_id)))
     CROSS JOIN LATERAL unnest(w.occurrence_starts) s(at));


--
-- Name: audits; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audits (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    recorded_by text NOT NULL,
    checks jsonb NOT NULL,
    due_at timestamp with time zone
);


--
-- Name: audits_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.audits ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audits_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: bookings_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.bookings ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.bookings_id_seq
    START WITH 1000
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: change_log_head; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.change_log_head (
    is_only boolean DEFAULT true NOT NULL,
    id bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT change_log_has_one_head CHECK (is_only)
);


--
-- Name: change_log_heads_seen; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.change_log_heads_seen (
    id bigint NOT NULL,
    hash bytea NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: change_windows_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.change_windows ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.change_windows_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: drifts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.drifts (
    id bigint NOT NULL,
    environment_id bigint NOT NULL,
    component text NOT NULL,
    version_from text,
    version_to text,
    seen_after timestamp with time zone,
    seen_at timestamp with time zone NOT NULL,
    settles_at timestamp with time zone NOT NULL,
    explained_by bigint,
    logged_as bigint,
    flaps integer DEFAULT 0 NOT NULL
);


--
-- Name: drifts_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.drifts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.drifts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: environments_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.environments ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.environments_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: feed_changes_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.feed_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.feed_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: feed_tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.feed_tokens (
    id bigint NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    is_busy_only boolean NOT NULL,
    owner text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT feed_kind_is_known CHECK ((kind = ANY (ARRAY['environment'::text, 'team'::text, 'person'::text, 'labels'::text]))),
    CONSTRAINT feed_secret_is_hashed CHECK ((octet_length(secret_hash) = 32))
);


--
-- Name: feed_tokens_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.feed_tokens ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.feed_tokens_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: idempotency_records; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_records (
    token_id bigint NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status integer NOT NULL,
    booking_id bigint,
    booking_version integer,
    location text,
    etag text,
    body bytea,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_answer_is_kept CHECK ((((booking_id IS NULL) = (booking_version IS NULL)) AND ((booking_id IS NULL) <> (body IS NULL))))
);


--
-- Name: installation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.installation (
    is_only boolean DEFAULT true NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT installation_is_one CHECK (is_only)
);


--
-- Name: inventories; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.inventories (
    environment_id bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    recorded_by text NOT NULL
);


--
-- Name: inventory_components; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.inventory_components (
    environment_id bigint NOT NULL,
    component text NOT NULL,
    component_version text NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: line_calls; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.line_calls (
    id bigint NOT NULL,
    environment_id bigint NOT NULL,
    period tstzrange DEFAULT tstzrange('-infinity'::timestamp with time zone, 'infinity'::timestamp with time zone, '[)'::text) NOT NULL
);


--
-- Name: line_calls_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.line_calls ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.line_calls_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: mappings_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.mappings ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.mappings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: notices; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.notices (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    team_id bigint,
    person text,
    read_at timestamp with time zone
);


--
-- Name: notices_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.notices ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.notices_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    subject_id bigint NOT NULL,
    version integer NOT NULL
);


--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: quota_holds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.quota_holds (
    booking_id bigint NOT NULL,
    team_id bigint NOT NULL,
    tries integer NOT NULL,
    try_again_at timestamp with time zone NOT NULL
);


--
-- Name: refusals; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.refusals (
    day date NOT NULL,
    environment_id bigint NOT NULL,
    team_id bigint NOT NULL,
    refused bigint NOT NULL,
    minutes bigint NOT NULL
);


--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamp with time zone NOT NULL
);


--
-- Name: series; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.series (
    id bigint NOT NULL,
    rrule text NOT NULL,
    exdates timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    rdates timestamp with time zone[] DEFAULT '{}'::timestamp with time zone[] NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    time_zone text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT series_period_is_ordered CHECK (((starts_at < ends_at) AND isfinite(starts_at) AND isfinite(ends_at)))
);


--
-- Name: series_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.series ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sessions (
    id bigint NOT NULL,
    secret_hash bytea NOT NULL,
    token_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT session_expires CHECK (((expires_at > created_at) AND isfinite(expires_at))),
    CONSTRAINT session_secret_is_hashed CHECK ((octet_length(secret_hash) = 32))
);


--
-- Name: sessions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.sessions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.sessions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: source_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.source_events (
    id bigint NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    received_by text NOT NULL,
    team_id bigint,
    report jsonb NOT NULL,
    change_id bigint,
    is_believed boolean DEFAULT false NOT NULL
);


--
-- Name: source_events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.source_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.source_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: teams_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.teams ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.teams_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tokens (
    id bigint NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    team_id bigint,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    revoked_at timestamp with time zone,
    reports boolean DEFAULT false NOT NULL,
    first_used_at timestamp with time zone,
    name_look text GENERATED ALWAYS AS (lower(translate(NORMALIZE(name, NFKC), 'АВЕЅІЈКМНОРСТУХаесіјѕорухвкмнтԁһԛԝӏӀѵѴΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγεικνορτυχϲϳıɑɡօսոհ'::text, 'ABESIJKMHOPCTYXaecijsopyxbkmhtdhqwllvvABEZHIKMNOPTYXayeikvoptuxcjiagounh'::text))) STORED NOT NULL,
    keeps_old_name boolean DEFAULT false NOT NULL,
    CONSTRAINT token_name_is_plain CHECK ((keeps_old_name OR public.is_plain_name(name))),
    CONSTRAINT token_role_is_known CHECK ((role = ANY (ARRAY['viewer'::text, 'booker'::text, 'manager'::text, 'admin'::text]))),
    CONSTRAINT token_secret_is_hashed CHECK ((octet_length(secret_hash) = 32))
);


--
-- Name: tokens_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.tokens ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.tokens_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: waivers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.waivers (
    id bigint NOT NULL,
    fingerprint text,
    check_name text,
    environment text,
    reason text NOT NULL,
    approved_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    revoked_by text,
    CONSTRAINT waiver_ends CHECK (((ends_at > created_at) AND isfinite(ends_at))),
    CONSTRAINT waiver_is_about_something CHECK ((((fingerprint IS NULL) <> (check_name IS NULL)) AND ((environment IS NULL) OR (check_name IS NOT NULL))))
);


--
-- Name: waivers_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.waivers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.waivers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: window_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.window_versions (
    window_id bigint NOT NULL,
    version integer NOT NULL,
    state public.window_state NOT NULL,
    state_reason text,
    environment_ids bigint[] NOT NULL,
    labels jsonb,
    include_parts boolean NOT NULL,
    team_id bigint,
    title text NOT NULL,
    ticket text,
    notes text,
    approvals jsonb NOT NULL,
    approved_at timestamp with time zone,
    exception_to bigint,
    on_conflict text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    time_zone text NOT NULL,
    rrule text,
    exdates timestamp with time zone[] NOT NULL,
    rdates timestamp with time zone[] NOT NULL,
    occurrence_starts timestamp with time zone[] NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    CONSTRAINT window_version_is_ordered CHECK ((valid_from <= valid_until))
);


--
-- Name: audit_findings audit_finding_is_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_findings
    ADD CONSTRAINT audit_finding_is_unique PRIMARY KEY (audit_id, fingerprint);


--
-- Name: audits audit_of_a_night_is_one; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audits
    ADD CONSTRAINT audit_of_a_night_is_one UNIQUE (due_at);


--
-- Name: audit_settings audit_settings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_settings
    ADD CONSTRAINT audit_settings_pkey PRIMARY KEY (check_name);


--
-- Name: audits audits_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audits
    ADD CONSTRAINT audits_pkey PRIMARY KEY (id);


--
-- Name: booking_versions booking_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.booking_versions
    ADD CONSTRAINT booking_versions_pkey PRIMARY KEY (booking_id, version);


--
-- Name: bookings bookings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_pkey PRIMARY KEY (id);


--
-- Name: change_log_head change_log_head_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.change_log_head
    ADD CONSTRAINT change_log_head_pkey PRIMARY KEY (is_only);


--
-- Name: change_log_heads_seen change_log_heads_seen_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.change_log_heads_seen
    ADD CONSTRAINT change_log_heads_seen_pkey PRIMARY KEY (id, hash);


--
-- Name: change_log change_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.change_log
    ADD CONSTRAINT change_log_pkey PRIMARY KEY (id);


--
-- Name: change_windows change_windows_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.change_windows
    ADD CONSTRAINT change_windows_pkey PRIMARY KEY (id);


--
-- Name: claims claim_is_held_once; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.claims
    ADD CONSTRAINT claim_is_held_once UNIQUE (booking_id, environment_id, period);


--
-- Name: drifts drifts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.drifts
    ADD CONSTRAINT drifts_pkey PRIMARY KEY (id);


--
-- Name: environments environment_key_is_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.environments
    ADD CONSTRAINT environment_key_is_unique UNIQUE (key);


--
-- Name: environment_reach environment_reach_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.environment_reach
    ADD CONSTRAINT environment_reach_pkey PRIMARY KEY (environment_id, part_id) INCLUDE (exclusive_if_shared, exclusive_if_exclusive);


--
-- Name: environment_versions environment_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.environment_versions
    ADD CONSTRAINT environment_versions_pkey PRIMARY KEY (environment_id, version);


--
-- Name: environments environments_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.environments
    ADD CONSTRAINT environments_pkey PRIMARY KEY (id);


--
-- Name: feed_changes feed_changes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.feed_changes
    ADD CONSTRAINT feed_changes_pkey PRIMARY KEY (id);


--
-- Name: feed_tokens feed_tokens_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.feed_tokens
    ADD CONSTRAINT feed_tokens_pkey PRIMARY KEY (id);


--
-- Name: feed_totals feed_totals_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.feed_totals
    ADD CONSTRAINT feed_totals_pkey PRIMARY KEY (subject);


--
-- Name: idempotency_records idempotency_key_is_used_once; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_records
    ADD CONSTRAINT idempotency_key_is_used_once PRIMARY KEY (token_id, scope, key);


--
-- Name: installation installation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (is_only);


--
-- Name: inventories inventories_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.inventories
    ADD CONSTRAINT inventories_pkey PRIMARY KEY (environment_id);


--
-- Name: inventory_components inventory_components_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.inventory_components
    ADD CONSTRAINT inventory_components_pkey PRIMARY KEY (environment_id, component);


--
-- Name: line_calls line_calls_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.line_calls
    ADD CONSTRAINT line_calls_pkey PRIMARY KEY (id);


--
-- Name: mappings mapping_is_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mappings
    ADD CONSTRAINT mapping_is_unique UNIQUE NULLS NOT DISTINCT (source, kind, name);


--
-- Name: mappings mappings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mappings
    ADD CONSTRAINT mappings_pkey PRIMARY KEY (id);


--
-- Name: claims no_change_in_a_freeze; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.claims
    ADD CONSTRAINT no_change_in_a_freeze EXCLUDE USING gist (environment_id WITH =, period WITH &&, share_key WITH <>) WHERE ((lane = 'change'::text));


--
-- Name: claims no_double_booking; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.claims
    ADD CONSTRAINT no_double_booking EXCLUDE USING gist (environment_id WITH =, period WITH &&, share_key WITH <>) WHERE ((lane = 'use'::text));


--
-- Name: notices notices_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_pkey PRIMARY KEY (id);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (xid, id);


--
-- Name: quota_holds quota_holds_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quota_holds
    ADD CONSTRAINT quota_holds_pkey PRIMARY KEY (booking_id);


--
-- Name: refusals refusals_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (day, environment_id, team_id);


--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);


--
-- Name: series series_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (id);


--
-- Name: sessions session_secret_is_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT session_secret_is_unique UNIQUE (secret_hash);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);


--
-- Name: source_events source_event_is_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.source_events
    ADD CONSTRAINT source_event_is_unique UNIQUE (source, event_id);


--
-- Name: source_events source_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.source_events
    ADD CONSTRAINT source_events_pkey PRIMARY KEY (id);


--
-- Name: teams team_name_is_unique; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT team_name_is_unique UNIQUE (name);


--
-- Name: teams teams_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT teams_pkey PRIMARY KEY (id);


--
-- Name: tokens tokens_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);


--
-- Name: waivers waivers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.waivers
    ADD CONSTRAINT waivers_pkey PRIMARY KEY (id);


--
-- Name: window_versions window_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.window_versions
    ADD CONSTRAINT window_versions_pkey PRIMARY KEY (window_id, version);


--
-- Name: booking_import_is_unique; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX booking_import_is_unique ON public.bookings USING btree (import_identity) WHERE (import_identity IS NOT NULL);


--
-- Name: booking_versions_in_line_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX booking_versions_in_line_at ON public.booking_versions USING gist (tstzrange(valid_from, valid_until, '[)'::text)) WHERE ((state)::text = ANY (ARRAY['waitlisted'::text, 'displaced'::text]));


--
-- Name: bookings_by_environments; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_by_environments ON public.bookings USING gin (environment_ids) WHERE (cardinality(environment_ids) > 1);


--
-- Name: bookings_by_first_environment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_by_first_environment ON public.bookings USING btree ((environment_ids[1]), id);


--
-- Name: bookings_by_labels; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_by_labels ON public.bookings USING gin (labels jsonb_path_ops) WHERE (labels <> '{}'::jsonb);


--
-- Name: bookings_by_length; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_by_length ON public.bookings USING btree (public.booking_length_step(starts_at, ends_at), starts_at);


--
-- Name: bookings_by_requester; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_by_requester ON public.bookings USING btree (requested_by, starts_at);


--
-- Name: bookings_by_series; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_by_series ON public.bookings USING btree (series_id, recurrence_id) WHERE (series_id IS NOT NULL);


--
-- Name: bookings_by_team; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_by_team ON public.bookings USING btree (team_id, id);


--
-- Name: bookings_by_text; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_by_text ON public.bookings USING gin (lower(((title || ' '::text) || COALESCE(ticket, ''::text))) public.gin_trgm_ops);


--
-- Name: bookings_edited; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_edited ON public.bookings USING btree (id) WHERE (approved_version IS NOT NULL);


--
-- Name: bookings_in_line; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_in_line ON public.bookings USING gin (environment_ids) WHERE ((state)::text = ANY (ARRAY['waitlisted'::text, 'displaced'::text]));


--
-- Name: bookings_leased; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_leased ON public.bookings USING btree (lease_expires_at) WHERE (((state)::text = ANY (ARRAY['confirmed'::text, 'active'::text])) AND (lease_expires_at IS NOT NULL));


--
-- Name: bookings_that_select; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_that_select ON public.bookings USING btree (created_at) WHERE (((state)::text = ANY (ARRAY['waitlisted'::text, 'displaced'::text])) AND (select_labels IS NOT NULL));


--
-- Name: bookings_to_begin; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_to_begin ON public.bookings USING btree (starts_at) WHERE ((state)::text = 'confirmed'::text);


--
-- Name: bookings_to_check_in; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_to_check_in ON public.bookings USING btree (starts_at) WHERE (((state)::text = 'confirmed'::text) AND (check_in_minutes IS NOT NULL));


--
-- Name: bookings_to_complete; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_to_complete ON public.bookings USING btree (ends_at) WHERE ((state)::text = 'active'::text);


--
-- Name: bookings_to_decide; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_to_decide ON public.bookings USING btree (COALESCE(hold_expires_at, ends_at)) WHERE ((state)::text = 'requested'::text);


--
-- Name: bookings_to_give_up; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_to_give_up ON public.bookings USING btree (wait_until) WHERE ((state)::text = ANY (ARRAY['waitlisted'::text, 'displaced'::text]));


--
-- Name: bookings_without_claims; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_without_claims ON public.bookings USING gist (tstzrange(starts_at, ends_at, '[)'::text)) WHERE (record_only OR ((state)::text = ANY (ARRAY['rejected'::text, 'cancelled'::text, 'expired'::text, 'displaced'::text])));


--
-- Name: bookings_without_claims_by_environment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_without_claims_by_environment ON public.bookings USING btree ((environment_ids[1]), starts_at) WHERE (record_only OR ((state)::text = ANY (ARRAY['rejected'::text, 'cancelled'::text, 'expired'::text, 'displaced'::text])));


--
-- Name: change_log_by_booking; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX change_log_by_booking ON public.change_log USING gin (bookings_hit) WHERE (bookings_hit <> '{}'::bigint[]);


--
-- Name: change_log_by_corrected; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX change_log_by_corrected ON public.change_log USING btree (corrects) WHERE (corrects IS NOT NULL);


--
-- Name: change_log_by_environment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX change_log_by_environment ON public.change_log USING btree (environment_id, occurred_at);


--
-- Name: change_log_by_root; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX change_log_by_root ON public.change_log USING btree (root_id, id) WHERE (entry <> 'change'::text);


--
-- Name: change_log_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX change_log_by_time ON public.change_log USING btree (occurred_at);


--
-- Name: change_source_is_unique; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX change_source_is_unique ON public.change_log USING btree (source, source_id) WHERE ((source_id IS NOT NULL) AND (entry = 'change'::text) AND (corrects IS NULL));


--
-- Name: claims_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX claims_by_time ON public.claims USING btree (public.claim_length_step(period), lower(period)) INCLUDE (environment_id, period, share_key) WHERE (lane = 'use'::text);


--
-- Name: claims_longest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX claims_longest ON public.claims USING btree (lower(period)) INCLUDE (environment_id, period, share_key) WHERE ((lane = 'use'::text) AND ((upper(period) - lower(period)) > '9600:00:00'::interval));


--
-- Name: drifts_by_component; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX drifts_by_component ON public.drifts USING btree (environment_id, component, seen_at);


--
-- Name: drifts_to_settle; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX drifts_to_settle ON public.drifts USING btree (settles_at) WHERE ((explained_by IS NULL) AND (logged_as IS NULL));


--
-- Name: environment_reach_by_part; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX environment_reach_by_part ON public.environment_reach USING btree (part_id);


--
-- Name: environments_by_part; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX environments_by_part ON public.environments USING gin (part_ids);


--
-- Name: environments_by_tier; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX environments_by_tier ON public.environments USING btree (tier, key);


--
-- Name: environments_that_limit_teams; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX environments_that_limit_teams ON public.environments USING btree (id) WHERE (policy ? 'teamBookingsAtOnce'::text);


--
-- Name: feed_tokens_by_owner; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX feed_tokens_by_owner ON public.feed_tokens USING btree (owner, id);


--
-- Name: idempotency_records_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_records_by_age ON public.idempotency_records USING brin (created_at);


--
-- Name: line_calls_by_environment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX line_calls_by_environment ON public.line_calls USING btree (environment_id);


--
-- Name: notices_by_person; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX notices_by_person ON public.notices USING btree (person, id);


--
-- Name: notices_by_team; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX notices_by_team ON public.notices USING btree (team_id, id);


--
-- Name: notices_of_nobody; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX notices_of_nobody ON public.notices USING btree (id) WHERE ((person IS NULL) AND (team_id IS NULL));


--
-- Name: quota_holds_by_team; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX quota_holds_by_team ON public.quota_holds USING btree (team_id);


--
-- Name: reach_versions_by_environment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reach_versions_by_environment ON public.environment_reach_versions USING btree (environment_id, valid_until);


--
-- Name: reach_versions_by_part; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reach_versions_by_part ON public.environment_reach_versions USING btree (part_id, valid_until);


--
-- Name: sessions_by_end; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_by_end ON public.sessions USING btree (expires_at);


--
-- Name: sessions_by_token; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_by_token ON public.sessions USING btree (token_id, id);


--
-- Name: source_events_unassigned; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX source_events_unassigned ON public.source_events USING btree (id) WHERE (change_id IS NULL);


--
-- Name: team_name_is_unlike_others; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX team_name_is_unlike_others ON public.teams USING btree (lower(name));


--
-- Name: teams_by_successor; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX teams_by_successor ON public.teams USING btree (merged_into) WHERE (merged_into IS NOT NULL);


--
-- Name: token_name_is_unique; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX token_name_is_unique ON public.tokens USING btree (name) WHERE (revoked_at IS NULL);


--
-- Name: token_name_is_unlike_others; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX token_name_is_unlike_others ON public.tokens USING btree (name_look) WHERE ((revoked_at IS NULL) AND (NOT keeps_old_name));


--
-- Name: tokens_by_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tokens_by_name ON public.tokens USING btree (name);


--
-- Name: window_claim_is_held_once; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX window_claim_is_held_once ON public.claims USING btree (window_id, environment_id, period) WHERE (window_id IS NOT NULL);


--
-- Name: window_import_is_unique; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX window_import_is_unique ON public.change_windows USING btree (import_identity) WHERE (import_identity IS NOT NULL);


--
-- Name: window_spans_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX window_spans_by_time ON public.window_spans USING gist (environment_id, period);


--
-- Name: window_spans_in_force; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX window_spans_in_force ON public.window_spans USING btree (window_id) WHERE (valid_until = 'infinity'::timestamp with time zone);


--
-- Name: windows_by_environment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX windows_by_environment ON public.change_windows USING gin (environment_ids);


--
-- Name: windows_by_exception; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX windows_by_exception ON public.change_windows USING btree (exception_to) WHERE (exception_to IS NOT NULL);


--
-- Name: windows_by_labels; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX windows_by_labels ON public.change_windows USING btree (id) WHERE (labels IS NOT NULL);


--
-- Name: windows_by_requester; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX windows_by_requester ON public.change_windows USING btree (requested_by);


--
-- Name: windows_by_team; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX windows_by_team ON public.change_windows USING btree (team_id) WHERE (team_id IS NOT NULL);


--
-- Name: bookings booking_ids_are_numbered; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER booking_ids_are_numbered AFTER INSERT ON public.bookings REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.on_ids_inserted('bookings_id_seq');

ALTER TABLE public.bookings ENABLE ALWAYS TRIGGER booking_ids_are_numbered;


--
-- Name: bookings booking_version_rises; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER booking_version_rises BEFORE UPDATE ON public.bookings FOR EACH ROW EXECUTE FUNCTION public.raise_version();

ALTER TABLE public.bookings ENABLE ALWAYS TRIGGER booking_version_rises;


--
-- Name: booking_versions booking_versions_are_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER booking_versions_are_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.booking_versions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('History is append-only.');

ALTER TABLE public.booking_versions ENABLE ALWAYS TRIGGER booking_versions_are_kept;


--
-- Name: bookings bookings_are_never_deleted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER bookings_are_never_deleted BEFORE DELETE OR TRUNCATE ON public.bookings FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('Cancel the booking instead.');

ALTER TABLE public.bookings ENABLE ALWAYS TRIGGER bookings_are_never_deleted;


--
-- Name: bookings bookings_end_quota_holds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER bookings_end_quota_holds AFTER UPDATE ON public.bookings REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_bookings_bearing_on_quotas();

ALTER TABLE public.bookings ENABLE ALWAYS TRIGGER bookings_end_quota_holds;


--
-- Name: bookings bookings_inserted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER bookings_inserted AFTER INSERT ON public.bookings REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.on_bookings_inserted();

ALTER TABLE public.bookings ENABLE ALWAYS TRIGGER bookings_inserted;


--
-- Name: bookings bookings_note_feeds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER bookings_note_feeds AFTER INSERT ON public.bookings REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_bookings_shown();

ALTER TABLE public.bookings ENABLE ALWAYS TRIGGER bookings_note_feeds;


--
-- Name: bookings bookings_renew_feeds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER bookings_renew_feeds AFTER UPDATE ON public.bookings REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_bookings_shown_elsewhere();

ALTER TABLE public.bookings ENABLE ALWAYS TRIGGER bookings_renew_feeds;


--
-- Name: bookings bookings_updated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER bookings_updated AFTER UPDATE ON public.bookings REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_bookings_updated();

ALTER TABLE public.bookings ENABLE ALWAYS TRIGGER bookings_updated;


--
-- Name: environments capacity_is_decided_now; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER capacity_is_decided_now BEFORE UPDATE ON public.environments FOR EACH ROW WHEN ((old.capacity IS DISTINCT FROM new.capacity)) EXECUTE FUNCTION public.on_capacity_changing();

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER capacity_is_decided_now;


--
-- Name: change_log change_log_is_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER change_log_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.change_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('Append a correction instead.');

ALTER TABLE public.change_log ENABLE ALWAYS TRIGGER change_log_is_append_only;


--
-- Name: change_log changes_are_chained; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changes_are_chained BEFORE INSERT ON public.change_log FOR EACH ROW EXECUTE FUNCTION public.on_change_appended();

ALTER TABLE public.change_log ENABLE ALWAYS TRIGGER changes_are_chained;


--
-- Name: change_log changes_move_the_head; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changes_move_the_head AFTER INSERT ON public.change_log REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_changes_appended();

ALTER TABLE public.change_log ENABLE ALWAYS TRIGGER changes_move_the_head;


--
-- Name: change_log changes_wait_for_the_head; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changes_wait_for_the_head BEFORE INSERT ON public.change_log FOR EACH STATEMENT EXECUTE FUNCTION public.on_changes_begun();

ALTER TABLE public.change_log ENABLE ALWAYS TRIGGER changes_wait_for_the_head;


--
-- Name: claims claim_has_a_booking; Type: TRIGGER; Schema: public; Owner: -
--

CREATE CONSTRAINT TRIGGER claim_has_a_booking AFTER INSERT ON public.claims DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION public.on_claim_committed();

ALTER TABLE public.claims ENABLE ALWAYS TRIGGER claim_has_a_booking;


--
-- Name: claims claims_are_dropped_by_bookings; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER claims_are_dropped_by_bookings AFTER DELETE ON public.claims REFERENCING OLD TABLE AS written FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION public.on_claims_placed();

ALTER TABLE public.claims ENABLE ALWAYS TRIGGER claims_are_dropped_by_bookings;


--
-- Name: claims claims_are_never_updated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER claims_are_never_updated BEFORE UPDATE OR TRUNCATE ON public.claims FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('Change the booking; its claims follow.');

ALTER TABLE public.claims ENABLE ALWAYS TRIGGER claims_are_never_updated;


--
-- Name: claims claims_are_placed_by_bookings; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER claims_are_placed_by_bookings AFTER INSERT ON public.claims REFERENCING NEW TABLE AS written FOR EACH STATEMENT WHEN ((pg_trigger_depth() = 0)) EXECUTE FUNCTION public.on_claims_placed();

ALTER TABLE public.claims ENABLE ALWAYS TRIGGER claims_are_placed_by_bookings;


--
-- Name: environments environment_ids_are_numbered; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER environment_ids_are_numbered AFTER INSERT ON public.environments REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.on_ids_inserted('environments_id_seq');

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER environment_ids_are_numbered;


--
-- Name: environments environment_version_rises; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER environment_version_rises BEFORE UPDATE ON public.environments FOR EACH ROW EXECUTE FUNCTION public.raise_version();

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER environment_version_rises;


--
-- Name: environment_versions environment_versions_are_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER environment_versions_are_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.environment_versions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('History is append-only.');

ALTER TABLE public.environment_versions ENABLE ALWAYS TRIGGER environment_versions_are_kept;


--
-- Name: environments environments_are_never_deleted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER environments_are_never_deleted BEFORE DELETE OR TRUNCATE ON public.environments FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('Set status to retired instead.');

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER environments_are_never_deleted;


--
-- Name: environments environments_inserted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER environments_inserted AFTER INSERT ON public.environments REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.on_environments_inserted();

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER environments_inserted;


--
-- Name: environments environments_note_feeds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER environments_note_feeds AFTER INSERT ON public.environments REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_environments_shown();

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER environments_note_feeds;


--
-- Name: environments environments_renew_feeds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER environments_renew_feeds AFTER UPDATE ON public.environments REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_environments_shown_elsewhere();

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER environments_renew_feeds;


--
-- Name: environments environments_updated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER environments_updated AFTER UPDATE ON public.environments REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_environments_updated();

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER environments_updated;


--
-- Name: change_log_head head_follows_the_log; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER head_follows_the_log BEFORE INSERT OR DELETE OR UPDATE ON public.change_log_head FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_direct_write('Append to the log; its head follows.');

ALTER TABLE public.change_log_head ENABLE ALWAYS TRIGGER head_follows_the_log;


--
-- Name: change_log_head head_is_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER head_is_never_truncated BEFORE TRUNCATE ON public.change_log_head FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('Append to the log; its head follows.');

ALTER TABLE public.change_log_head ENABLE ALWAYS TRIGGER head_is_never_truncated;


--
-- Name: change_log_heads_seen heads_seen_are_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER heads_seen_are_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.change_log_heads_seen FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('What was seen is append-only.');

ALTER TABLE public.change_log_heads_seen ENABLE ALWAYS TRIGGER heads_seen_are_kept;


--
-- Name: installation installation_is_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER installation_is_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.installation FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('The UIDs of calendars depend on it.');

ALTER TABLE public.installation ENABLE ALWAYS TRIGGER installation_is_kept;


--
-- Name: notices notices_are_told; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER notices_are_told AFTER INSERT ON public.notices REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.tell_notices();

ALTER TABLE public.notices ENABLE ALWAYS TRIGGER notices_are_told;


--
-- Name: environments policies_end_quota_holds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER policies_end_quota_holds AFTER UPDATE ON public.environments REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_policies_changed();

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER policies_end_quota_holds;


--
-- Name: environment_reach reach_follows_parts; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER reach_follows_parts BEFORE INSERT OR DELETE OR UPDATE ON public.environment_reach FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_direct_write('Change part_ids; the reach follows.');

ALTER TABLE public.environment_reach ENABLE ALWAYS TRIGGER reach_follows_parts;


--
-- Name: environment_reach reach_is_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER reach_is_never_truncated BEFORE TRUNCATE ON public.environment_reach FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('Change part_ids; the reach follows.');

ALTER TABLE public.environment_reach ENABLE ALWAYS TRIGGER reach_is_never_truncated;


--
-- Name: environment_reach_versions reach_versions_are_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER reach_versions_are_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.environment_reach_versions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('History is neither changed nor removed.');

ALTER TABLE public.environment_reach_versions ENABLE ALWAYS TRIGGER reach_versions_are_kept;


--
-- Name: series series_ids_are_numbered; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER series_ids_are_numbered AFTER INSERT ON public.series REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.on_ids_inserted('series_id_seq');

ALTER TABLE public.series ENABLE ALWAYS TRIGGER series_ids_are_numbered;


--
-- Name: window_spans spans_are_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER spans_are_never_truncated BEFORE TRUNCATE ON public.window_spans FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('Change the window; its spans follow.');

ALTER TABLE public.window_spans ENABLE ALWAYS TRIGGER spans_are_never_truncated;


--
-- Name: window_spans spans_follow_windows; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER spans_follow_windows BEFORE INSERT OR DELETE OR UPDATE ON public.window_spans FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_direct_write('Change the window; its spans follow.');

ALTER TABLE public.window_spans ENABLE ALWAYS TRIGGER spans_follow_windows;


--
-- Name: teams team_ids_are_numbered; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER team_ids_are_numbered AFTER INSERT ON public.teams REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.on_ids_inserted('teams_id_seq');

ALTER TABLE public.teams ENABLE ALWAYS TRIGGER team_ids_are_numbered;


--
-- Name: teams team_version_rises; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER team_version_rises BEFORE UPDATE ON public.teams FOR EACH ROW EXECUTE FUNCTION public.raise_version();

ALTER TABLE public.teams ENABLE ALWAYS TRIGGER team_version_rises;


--
-- Name: teams teams_are_never_deleted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER teams_are_never_deleted BEFORE DELETE OR TRUNCATE ON public.teams FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('Its bookings name it.');

ALTER TABLE public.teams ENABLE ALWAYS TRIGGER teams_are_never_deleted;


--
-- Name: teams teams_are_told; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER teams_are_told AFTER UPDATE ON public.teams REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.tell_teams();

ALTER TABLE public.teams ENABLE ALWAYS TRIGGER teams_are_told;


--
-- Name: teams teams_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER teams_changed AFTER UPDATE ON public.teams FOR EACH STATEMENT EXECUTE FUNCTION public.on_tokens_changed();

ALTER TABLE public.teams ENABLE ALWAYS TRIGGER teams_changed;


--
-- Name: tokens token_ids_are_numbered; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER token_ids_are_numbered AFTER INSERT ON public.tokens REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.on_ids_inserted('tokens_id_seq');

ALTER TABLE public.tokens ENABLE ALWAYS TRIGGER token_ids_are_numbered;


--
-- Name: tokens tokens_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER tokens_changed AFTER DELETE OR UPDATE ON public.tokens FOR EACH STATEMENT EXECUTE FUNCTION public.on_tokens_changed();

ALTER TABLE public.tokens ENABLE ALWAYS TRIGGER tokens_changed;


--
-- Name: change_windows window_ids_are_numbered; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER window_ids_are_numbered AFTER INSERT ON public.change_windows REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.on_ids_inserted('change_windows_id_seq');

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER window_ids_are_numbered;


--
-- Name: change_windows window_kind_stays; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER window_kind_stays BEFORE UPDATE ON public.change_windows FOR EACH ROW WHEN (((((old.kind)::text IS DISTINCT FROM (new.kind)::text) OR ((old.emergency_reason IS NULL) IS DISTINCT FROM (new.emergency_reason IS NULL))) OR (old.created_at IS DISTINCT FROM new.created_at))) EXECUTE FUNCTION public.refuse_window_kind_change();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER window_kind_stays;


--
-- Name: change_windows window_version_rises; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER window_version_rises BEFORE UPDATE ON public.change_windows FOR EACH ROW EXECUTE FUNCTION public.raise_version();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER window_version_rises;


--
-- Name: window_versions window_versions_are_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER window_versions_are_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.window_versions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('History is append-only.');

ALTER TABLE public.window_versions ENABLE ALWAYS TRIGGER window_versions_are_kept;


--
-- Name: change_windows windows_are_never_deleted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_are_never_deleted BEFORE DELETE OR TRUNCATE ON public.change_windows FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_write('Cancel the window instead.');

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER windows_are_never_deleted;


--
-- Name: change_windows windows_as_they_were_note_feeds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_as_they_were_note_feeds AFTER UPDATE ON public.change_windows REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_windows_shown();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER windows_as_they_were_note_feeds;


--
-- Name: environments windows_follow_new_environments; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_follow_new_environments AFTER INSERT ON public.environments REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_environments_regrouped();

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER windows_follow_new_environments;


--
-- Name: environments windows_follow_their_environments; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_follow_their_environments AFTER UPDATE ON public.environments REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_environments_relabelled();

ALTER TABLE public.environments ENABLE ALWAYS TRIGGER windows_follow_their_environments;


--
-- Name: change_windows windows_inserted; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_inserted AFTER INSERT ON public.change_windows REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.on_windows_inserted();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER windows_inserted;


--
-- Name: change_windows windows_inserted_late; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_inserted_late AFTER INSERT ON public.change_windows REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_windows_approved();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER windows_inserted_late;


--
-- Name: change_windows windows_updated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_updated AFTER UPDATE ON public.change_windows REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_windows_updated();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER windows_updated;


--
-- Name: change_windows windows_updated_late; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_updated_late AFTER UPDATE ON public.change_windows REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_windows_approved();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER windows_updated_late;


--
-- Name: change_windows windows_with_spans_leave_feeds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_with_spans_leave_feeds AFTER UPDATE ON public.change_windows REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_windows_shown_elsewhere();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER windows_with_spans_leave_feeds;


--
-- Name: change_windows windows_with_spans_note_feeds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_with_spans_note_feeds AFTER INSERT ON public.change_windows REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_windows_shown();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER windows_with_spans_note_feeds;


--
-- Name: change_windows windows_with_spans_renew_feeds; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER windows_with_spans_renew_feeds AFTER UPDATE ON public.change_windows REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.on_windows_shown();

ALTER TABLE public.change_windows ENABLE ALWAYS TRIGGER windows_with_spans_renew_feeds;


--
-- Name: audit_findings audit_findings_audit_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_findings
    ADD CONSTRAINT audit_findings_audit_id_fkey FOREIGN KEY (audit_id) REFERENCES public.audits(id) ON DELETE CASCADE;


--
-- Name: booking_versions booking_version_has_a_booking; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.booking_versions
    ADD CONSTRAINT booking_version_has_a_booking FOREIGN KEY (booking_id) REFERENCES public.bookings(id);


--
-- Name: drifts drift_environment_exists; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.drifts
    ADD CONSTRAINT drift_environment_exists FOREIGN KEY (environment_id) REFERENCES public.environments(id);


--
-- Name: environments environment_owner_exists; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.environments
    ADD CONSTRAINT environment_owner_exists FOREIGN KEY (owner_team_id) REFERENCES public.teams(id);


--
-- Name: environment_versions environment_version_has_an_environment; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.environment_versions
    ADD CONSTRAINT environment_version_has_an_environment FOREIGN KEY (environment_id) REFERENCES public.environments(id);


--
-- Name: inventory_components inventory_environment_exists; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.inventory_components
    ADD CONSTRAINT inventory_environment_exists FOREIGN KEY (environment_id) REFERENCES public.environments(id);


--
-- Name: inventories inventory_has_an_environment; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.inventories
    ADD CONSTRAINT inventory_has_an_environment FOREIGN KEY (environment_id) REFERENCES public.environments(id);


--
-- Name: mappings mapping_environment_exists; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mappings
    ADD CONSTRAINT mapping_environment_exists FOREIGN KEY (environment_id) REFERENCES public.environments(id);


--
-- Name: mappings mapping_team_exists; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.mappings
    ADD CONSTRAINT mapping_team_exists FOREIGN KEY (team_id) REFERENCES public.teams(id);


--
-- Name: sessions sessions_token_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_token_id_fkey FOREIGN KEY (token_id) REFERENCES public.tokens(id);


--
-- Name: source_events source_event_change_exists; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.source_events
    ADD CONSTRAINT source_event_change_exists FOREIGN KEY (change_id) REFERENCES public.change_log(id);


--
-- Name: teams team_leads_to_a_team; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.teams
    ADD CONSTRAINT team_leads_to_a_team FOREIGN KEY (merged_into) REFERENCES public.teams(id);


--
-- Name: tokens token_team_exists; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT token_team_exists FOREIGN KEY (team_id) REFERENCES public.teams(id);


--
-- Name: window_spans window_span_has_a_window; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.window_spans
    ADD CONSTRAINT window_span_has_a_window FOREIGN KEY (window_id) REFERENCES public.change_windows(id);


--
-- Name: change_windows window_team_exists; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.change_windows
    ADD CONSTRAINT window_team_exists FOREIGN KEY (team_id) REFERENCES public.teams(id);


--
-- Name: window_versions window_version_has_a_window; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.window_versions
    ADD CONSTRAINT window_version_has_a_window FOREIGN KEY (window_id) REFERENCES public.change_windows(id);


--
-- PostgreSQL database dump complete
--


