-- Teams change their names and become one; who knows an old name still finds them.

-- A name that led to a team stays, with the team that it leads to now.
ALTER TABLE teams ADD COLUMN merged_into bigint;
-- The team that a former name, or a team that was merged, leads to exists.
ALTER TABLE teams ADD CONSTRAINT team_leads_to_a_team FOREIGN KEY (merged_into) REFERENCES teams (id);
-- A name leads to a team, never to itself.
ALTER TABLE teams ADD CONSTRAINT team_leads_elsewhere CHECK (merged_into <> id);
CREATE INDEX teams_by_successor ON teams (merged_into) WHERE merged_into IS NOT NULL;

-- The team of a name, whatever its case, or of a name that it had; null when there is none.
CREATE FUNCTION team_id(p_name text) RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT coalesce(t.merged_into, t.id) FROM teams t WHERE lower(t.name) = lower(p_name);
END;

-- The team of a name, with all that became one with it: what was logged of them is theirs for ever.
CREATE FUNCTION team_ids(p_name text) RETURNS bigint[] LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT coalesce(array_agg(t.id), '{}') FROM teams t
    WHERE t.id = (SELECT team_id(p_name)) OR t.merged_into = (SELECT team_id(p_name));
END;

-- The name that a team has now.
CREATE FUNCTION team_name(p_id bigint) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT coalesce(n.name, t.name) FROM teams t LEFT JOIN teams n ON n.id = t.merged_into WHERE t.id = p_id;
END;

-- Whether an environment matches a selector: all its pairs; tier, owner and status are reserved keys.
CREATE OR REPLACE FUNCTION matches_selector(e environments, p_selector jsonb) RETURNS boolean
LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT e.labels @> (p_selector - ARRAY['tier', 'owner', 'status'])
       AND (p_selector ->> 'tier' IS NULL OR e.tier = p_selector ->> 'tier')
       AND (p_selector ->> 'status' IS NULL OR e.status = p_selector ->> 'status')
       AND (p_selector ->> 'owner' IS NULL
            OR e.owner_team_id = (SELECT team_id(p_selector ->> 'owner')));
END;

-- The environments that a selector matches and that are not retired. Inlined where it is called.
CREATE OR REPLACE FUNCTION matching_environments(p_labels jsonb, p_tier text, p_owner text, p_status text)
RETURNS TABLE (environment_id bigint, rules_hash uuid)
LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT e.id, e.rules_hash FROM environments e
    WHERE e.status <> 'retired'
      AND (p_tier IS NULL OR e.tier = p_tier) AND (p_status IS NULL OR e.status = p_status)
      AND (p_owner IS NULL OR e.owner_team_id = (SELECT team_id(p_owner)))
      AND (p_labels = '{}' OR e.labels @> p_labels);
END;

-- Each occurrence of a requested or approved window on each environment that it is about.
CREATE OR REPLACE VIEW audit_spans AS
WITH named AS (
    SELECT w.id AS window_id, n.id AS environment_id
    FROM change_windows w CROSS JOIN unnest(w.environment_ids) n (id)
    WHERE w.state IN ('requested', 'approved')
    UNION
    SELECT w.id, e.id
    FROM change_windows w
    JOIN environments e ON e.labels @> (w.labels - ARRAY['tier', 'owner', 'status'])
    WHERE w.state IN ('requested', 'approved') AND w.labels IS NOT NULL AND e.status <> 'retired'
      AND coalesce(w.labels ->> 'tier', e.tier) = e.tier
      AND coalesce(w.labels ->> 'status', e.status) = e.status
      AND (w.labels ->> 'owner' IS NULL OR team_id(w.labels ->> 'owner') = e.owner_team_id)),
about AS (
    SELECT n.window_id, n.environment_id
    FROM named n JOIN change_windows w ON w.id = n.window_id
    WHERE w.kind <> 'freeze' AND NOT w.include_parts
    UNION
    SELECT n.window_id, r.part_id
    FROM named n JOIN change_windows w ON w.id = n.window_id
    JOIN audit_reach r ON r.environment_id = n.environment_id
    WHERE w.kind = 'freeze' OR w.include_parts)
SELECT a.window_id, a.environment_id, w.kind::text AS kind, w.state::text AS state, w.team_id, w.exception_to,
       w.emergency_reason IS NOT NULL AS is_emergency, s.at AS starts_at,
       s.at + make_interval(secs => extract(epoch FROM w.ends_at - w.starts_at)::double precision) AS ends_at,
       w.created_at
FROM about a
JOIN change_windows w ON w.id = a.window_id
CROSS JOIN unnest(w.occurrence_starts) s (at);

-- Asks the owners of some environments of some bookings, pair by pair, for their approval: once a series.
CREATE OR REPLACE FUNCTION ask_owners(p_bookings bigint[], p_environments text[], p_now timestamptz) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
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

-- Tells those who decide of the approvals that these windows wait for.
CREATE OR REPLACE FUNCTION ask_for_window_approval(p_windows bigint[], p_at timestamptz) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
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

-- What has the name of a team in its text: selectors, and the approvals that are asked of it. Environments get a new
-- version, so that nobody goes on by the name that he remembers.
CREATE FUNCTION rewrite_team_name(p_from text, p_to text, p_team bigint, p_by text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- Approvals asked of a team under its other name.
CREATE FUNCTION renamed_approvals(p_approvals jsonb, p_from text, p_to text) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(jsonb_agg(
        CASE WHEN a.value ->> 'ownerTeam' = p_from THEN a.value || jsonb_build_object('ownerTeam', p_to)
             ELSE a.value END ORDER BY a.ordinality), '[]')
    FROM jsonb_array_elements(p_approvals) WITH ORDINALITY a
$$;

-- Locks, in the one order, what a team owns and what it books: nothing of it moves meanwhile.
CREATE FUNCTION lock_team(p_team bigint) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- Gives a team another name. Its former one leads to it, and is its own again when it takes it back.
CREATE FUNCTION rename_team(p_team bigint, p_name text, p_by text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- Makes two teams one: all that the first has becomes the second's, and its name leads there. What was logged keeps
-- its team for ever, and is found and counted under the second.
CREATE FUNCTION merge_teams(p_from bigint, p_into bigint, p_by text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM lock_team(p_from);
    UPDATE teams SET merged_into = p_into, updated_at = p_now WHERE id = p_from OR merged_into = p_from;
    PERFORM move_to_successor(p_from, p_into, p_by, p_now);
    PERFORM rewrite_team_name((SELECT t.name FROM teams t WHERE t.id = p_from),
                              (SELECT t.name FROM teams t WHERE t.id = p_into), p_into, p_by, p_now);
END $$;

-- Gives all that a team has to the one that it became.
CREATE FUNCTION move_to_successor(p_from bigint, p_into bigint, p_by text, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- Moves what was booked, planned or told meanwhile by who still knew a team that became one with another, a team a
-- call. Returns how many teams it moved: 1, or 0 where none has anything left. Cost: an index look-up for each former
-- team.
CREATE FUNCTION finish_merges(p_now timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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

-- Servers that remember teams by their names read them anew.
CREATE TRIGGER teams_changed AFTER UPDATE ON teams FOR EACH STATEMENT EXECUTE FUNCTION on_tokens_changed();
ALTER TABLE teams ENABLE ALWAYS TRIGGER teams_changed;
