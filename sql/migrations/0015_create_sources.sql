-- Where Berth learns of changes beside its API: events of other tools, and what is seen to be installed.

-- What outside sources call things, and what they are here: an environment, or the team of an actor or of a
-- repository.
CREATE TABLE mappings (
    id bigint GENERATED ALWAYS AS IDENTITY,
    -- Whose words these are; null: any source's.
    source text,
    kind text NOT NULL,
    name text NOT NULL,
    environment_id bigint,
    team_id bigint,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT mappings_pkey PRIMARY KEY (id),
    CONSTRAINT mapping_environment_exists FOREIGN KEY (environment_id) REFERENCES environments (id),
    CONSTRAINT mapping_team_exists FOREIGN KEY (team_id) REFERENCES teams (id),
    CONSTRAINT mapping_kind_is_known CHECK (kind IN ('environment', 'actor', 'repository')),
    -- An environment's name maps to an environment, an actor and a repository to a team.
    CONSTRAINT mapping_has_its_target CHECK (
        (kind = 'environment') = (environment_id IS NOT NULL)
        AND (kind <> 'environment') = (team_id IS NOT NULL)),
    -- A name means one thing to a source.
    CONSTRAINT mapping_is_unique UNIQUE NULLS NOT DISTINCT (source, kind, name)
);

-- Every event that a source sent and Berth understood, once each: what became of it. One whose environment is
-- not known is kept here until it is assigned.
CREATE TABLE source_events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    source text NOT NULL,
    event_id text NOT NULL,
    received_at timestamptz NOT NULL,
    received_by text NOT NULL,
    team_id bigint,
    report jsonb NOT NULL,
    change_id bigint,
    CONSTRAINT source_events_pkey PRIMARY KEY (id),
    CONSTRAINT source_event_change_exists FOREIGN KEY (change_id) REFERENCES change_log (id),
    -- A source sends an event once, however often it arrives.
    CONSTRAINT source_event_is_unique UNIQUE (source, event_id)
);
CREATE INDEX source_events_unassigned ON source_events (id) WHERE change_id IS NULL;

-- What is installed in an environment, as last observed.
CREATE TABLE inventory_components (
    environment_id bigint NOT NULL,
    component text NOT NULL,
    component_version text NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT inventory_components_pkey PRIMARY KEY (environment_id, component),
    CONSTRAINT inventory_environment_exists FOREIGN KEY (environment_id) REFERENCES environments (id)
);

-- When an environment was last observed.
CREATE TABLE inventories (
    environment_id bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    CONSTRAINT inventories_pkey PRIMARY KEY (environment_id),
    CONSTRAINT inventory_has_an_environment FOREIGN KEY (environment_id) REFERENCES environments (id)
);

-- Differences between two observations that no logged change explained when they were seen. Until settles_at a
-- change reported late may still explain one; then it is logged.
CREATE TABLE drifts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    environment_id bigint NOT NULL,
    component text NOT NULL,
    version_from text,
    version_to text,
    seen_after timestamptz,
    seen_at timestamptz NOT NULL,
    settles_at timestamptz NOT NULL,
    explained_by bigint,
    logged_as bigint,
    -- It went back and forth between the same versions before: logged once, and counted.
    flaps integer NOT NULL DEFAULT 0,
    CONSTRAINT drifts_pkey PRIMARY KEY (id),
    CONSTRAINT drift_environment_exists FOREIGN KEY (environment_id) REFERENCES environments (id)
);
CREATE INDEX drifts_by_component ON drifts (environment_id, component, seen_at);
CREATE INDEX drifts_to_settle ON drifts (settles_at) WHERE explained_by IS NULL AND logged_as IS NULL;

-- What a name of a source stands for: its own mapping before that of any source. Null where there is none.
CREATE FUNCTION mapped(p_source text, p_kind text, p_name text) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(m.environment_id, m.team_id) FROM mappings m
    WHERE m.kind = p_kind AND m.name = p_name AND (m.source = p_source OR m.source IS NULL)
    ORDER BY m.source NULLS LAST LIMIT 1
$$;

-- The logged change that explains a difference seen in (p_after, p_at]: of that component, and to that version
-- where it says one; the earliest.
CREATE FUNCTION explaining_change(
    p_environment bigint, p_component text, p_version text, p_after timestamptz, p_at timestamptz
) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT min(c.id) FROM latest_changes c
    WHERE c.environment_id = p_environment AND c.occurred_at > p_after AND c.occurred_at <= p_at
      AND c.component = p_component AND c.source <> 'inventory'
      AND (c.component_version IS NULL OR c.component_version IS NOT DISTINCT FROM p_version)
$$;

-- Takes a snapshot of what is installed, and gives its differences from the last one, with the change that
-- explains each, or when it will be logged. The first snapshot differs from nothing. A difference that goes
-- back and forth between the same versions within a day is one drift.
CREATE FUNCTION observe_inventory(
    p_environment bigint, p_components text[], p_versions text[], p_observed timestamptz, p_now timestamptz,
    p_by text, p_settling interval
) RETURNS TABLE (component text, version_from text, version_to text, explained_by bigint, settles_at timestamptz)
LANGUAGE plpgsql AS $$
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
              AND ((d.version_from IS NOT DISTINCT FROM o.component_version
                    AND d.version_to IS NOT DISTINCT FROM n.component_version)
                   OR (d.version_from IS NOT DISTINCT FROM n.component_version
                       AND d.version_to IS NOT DISTINCT FROM o.component_version))
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

-- Logs the drifts whose settling time is over, as uncontrolled and nobody's, unless a change logged meanwhile
-- explains them. Gives how many were settled.
CREATE FUNCTION settle_drifts(p_now timestamptz, p_limit bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
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
