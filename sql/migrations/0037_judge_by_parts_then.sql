-- A change that is told late is judged by what contained its environment then, and going back to an earlier version
-- is a drift like any other.

-- What was reached from an environment before its parts, or those of what it contains, were others. Itself stands there
-- too, so that one that had no parts is told from one whose parts never changed.
CREATE TABLE environment_reach_versions (
    environment_id bigint NOT NULL,
    part_id bigint NOT NULL,
    exclusive_if_shared boolean NOT NULL,
    exclusive_if_exclusive boolean NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    -- A reach was in force for some time, or for none.
    CONSTRAINT reach_version_is_ordered CHECK (valid_from <= valid_until)
);
CREATE TRIGGER reach_versions_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON environment_reach_versions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_write('History is neither changed nor removed.');
ALTER TABLE environment_reach_versions ENABLE ALWAYS TRIGGER reach_versions_are_kept;
CREATE INDEX reach_versions_by_part ON environment_reach_versions (part_id, valid_until);
CREATE INDEX reach_versions_by_environment ON environment_reach_versions (environment_id, valid_until);

-- Keeps what is reached from all that contain these environments, whose parts change at p_at.
CREATE FUNCTION keep_reach(p_regrouped bigint[], p_at timestamptz) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
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

-- What contained an environment at an instant, itself included, and how it was used from there.
CREATE FUNCTION reach_at(p_part bigint, p_at timestamptz)
RETURNS TABLE (environment_id bigint, exclusive_if_shared boolean, exclusive_if_exclusive boolean)
LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT r.environment_id, r.exclusive_if_shared, r.exclusive_if_exclusive
    FROM environment_reach r
    WHERE r.part_id = p_part
      AND NOT EXISTS (
        SELECT FROM environment_reach_versions v
        WHERE v.environment_id = r.environment_id AND v.valid_until > p_at)
    UNION ALL
    SELECT v.environment_id, v.exclusive_if_shared, v.exclusive_if_exclusive
    FROM environment_reach_versions v
    WHERE v.part_id = p_part AND v.valid_from <= p_at AND v.valid_until > p_at;
END;

-- Who used an environment at p_at, as was known at p_known_at: bookings of it and of what contained it then, without
-- their buffers. Instants are whole seconds, as the API takes them.
CREATE OR REPLACE FUNCTION users_at(p_environment bigint, p_at timestamptz, p_known_at timestamptz)
RETURNS TABLE (booking_id bigint, team_id bigint, exclusive boolean)
LANGUAGE sql STABLE BEGIN ATOMIC
    -- A team that became one with another since is that one.
    SELECT b.id, (SELECT coalesce(t.merged_into, t.id) FROM teams t WHERE t.id = v.team_id), u.exclusive
    FROM (
        SELECT c.booking_id AS id FROM claims c
        WHERE c.environment_id = p_environment AND c.lane = 'use' AND c.period @> p_at
          AND c.booking_id IS NOT NULL
        UNION
        -- What contained it then and does so no more: bookings that go on have given their claims on it back.
        SELECT c.booking_id
        FROM environment_reach_versions r
        JOIN claims c ON c.environment_id = r.environment_id AND c.lane = 'use' AND c.period @> p_at
        WHERE r.part_id = p_environment AND r.valid_from <= p_at AND r.valid_until > p_at
          AND c.booking_id IS NOT NULL
        UNION
        SELECT g.id FROM bookings g
        WHERE (g.record_only OR g.state IN ('rejected', 'cancelled', 'expired', 'displaced'))
          AND tstzrange(g.starts_at, g.ends_at, '[)') @> p_at
          AND EXISTS (SELECT FROM reach_at(p_environment, p_at) r
                      WHERE r.environment_id = ANY (g.environment_ids))
    ) k
    JOIN bookings b ON b.id = k.id
    CROSS JOIN LATERAL (
        SELECT p.environment_ids, p.team_id, p.mode
        FROM (
            SELECT b.state, b.environment_ids, b.team_id, b.mode, b.starts_at, b.released_at, b.ends_at,
                   b.approved_version
            WHERE b.record_only OR date_trunc('second', b.updated_at) <= p_known_at
            UNION ALL
            (SELECT o.state, o.environment_ids, o.team_id, o.mode, o.starts_at, o.released_at, o.ends_at,
                    o.approved_version
             FROM booking_versions o
             WHERE o.booking_id = b.id AND NOT b.record_only
               AND date_trunc('second', b.updated_at) > p_known_at
               AND date_trunc('second', o.valid_from) <= p_known_at
             ORDER BY o.version DESC LIMIT 1)) p
        WHERE (p.state IN ('confirmed', 'active', 'completed') OR p.approved_version IS NOT NULL
               OR p.released_at IS NOT NULL)
          AND p.starts_at <= p_at AND coalesce(p.released_at, p.ends_at) > p_at) v
    CROSS JOIN LATERAL (
        SELECT bool_or(CASE v.mode WHEN 'exclusive' THEN r.exclusive_if_exclusive
                                   ELSE r.exclusive_if_shared END) AS exclusive
        FROM reach_at(p_environment, p_at) r WHERE r.environment_id = ANY (v.environment_ids)) u
    WHERE u.exclusive IS NOT NULL;
END;

-- The bookings of what a part is put into are found environment by environment, not among all there are.
CREATE OR REPLACE FUNCTION on_environments_updated() RETURNS trigger
LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
SET search_path = public, pg_temp
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

-- Takes a snapshot of what is installed, and gives its differences from the last one, with the change that
-- explains each, or when it will be logged. The first snapshot differs from nothing. A difference that goes
-- back and forth between the same versions within a day is one drift.
CREATE OR REPLACE FUNCTION observe_inventory(
    p_environment bigint, p_components text[], p_versions text[], p_observed timestamptz, p_now timestamptz,
    p_by text, p_settling interval
) RETURNS TABLE (component text, version_from text, version_to text, explained_by bigint, settles_at timestamptz)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
