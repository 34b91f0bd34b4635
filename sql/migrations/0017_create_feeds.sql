-- Calendar feeds: who may fetch one, and whether it has changed.
--
-- A feed's entity tag is made of the number of changes to what it shows. Changes are noted by inserting a row, which
-- waits for nobody; the clockwork folds the rows into totals. Total and rows not yet folded, read by one
-- statement, always give the same sum, and it only rises.

-- This installation, for ever: what makes the UIDs of its calendars unique among all.
CREATE TABLE installation (
    is_only boolean NOT NULL DEFAULT true,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    CONSTRAINT installation_pkey PRIMARY KEY (is_only),
    CONSTRAINT installation_is_one CHECK (is_only)
);
INSERT INTO installation DEFAULT VALUES;
CREATE TRIGGER installation_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON installation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_write('The UIDs of calendars depend on it.');

CREATE TABLE feed_tokens (
    id bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    -- The environment's key, the team's or the person's name, or the labels, sorted.
    subject text NOT NULL,
    is_busy_only boolean NOT NULL,
    owner text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT feed_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT feed_kind_is_known CHECK (kind IN ('environment', 'team', 'person', 'labels')),
    -- Only the SHA-256 of a secret is stored.
    CONSTRAINT feed_secret_is_hashed CHECK (octet_length(secret_hash) = 32)
);
CREATE INDEX feed_tokens_by_owner ON feed_tokens (owner, id);

-- Changes to what feeds show that are not folded yet: a second's worth.
CREATE TABLE feed_changes (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    -- With all that they contain.
    environment_ids bigint[] NOT NULL,
    team_id bigint,
    person text,
    CONSTRAINT feed_changes_pkey PRIMARY KEY (id)
);

CREATE TABLE feed_totals (
    subject text NOT NULL,
    changes bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT feed_totals_pkey PRIMARY KEY (subject)
);

CREATE INDEX bookings_by_requester ON bookings (requested_by, starts_at);
CREATE INDEX windows_by_team ON change_windows (team_id) WHERE team_id IS NOT NULL;
CREATE INDEX windows_by_requester ON change_windows (requested_by);

CREATE FUNCTION on_bookings_shown() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids, team_id, person)
    SELECT n.updated_at,
           array(SELECT r.part_id FROM environment_reach r WHERE r.environment_id = ANY (n.environment_ids)),
           n.team_id, n.requested_by
    FROM after n;
    RETURN NULL;
END $$;

-- What a booking no longer is about, has changed too.
CREATE FUNCTION on_bookings_shown_elsewhere() RETURNS trigger
LANGUAGE plpgsql AS $$
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

CREATE TRIGGER bookings_note_feeds AFTER INSERT ON bookings
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION on_bookings_shown();
CREATE TRIGGER bookings_renew_feeds AFTER UPDATE ON bookings
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION on_bookings_shown_elsewhere();

CREATE FUNCTION on_windows_shown() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids, team_id, person)
    SELECT n.updated_at,
           array(SELECT DISTINCT s.environment_id FROM window_spans s
                 WHERE s.window_id = n.id AND s.valid_until = 'infinity'),
           n.team_id, n.requested_by
    FROM after n;
    RETURN NULL;
END $$;

-- A window that changes its team has left the other's feed.
CREATE FUNCTION on_windows_shown_elsewhere() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids, team_id)
    SELECT n.updated_at, '{}', o.team_id
    FROM after n JOIN before o ON o.id = n.id
    WHERE o.team_id IS DISTINCT FROM n.team_id;
    RETURN NULL;
END $$;

-- Named to come before and after those that give a window its spans: where it was, and where it is.
CREATE TRIGGER windows_as_they_were_note_feeds AFTER UPDATE ON change_windows
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION on_windows_shown();
CREATE TRIGGER windows_with_spans_note_feeds AFTER INSERT ON change_windows
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION on_windows_shown();
CREATE TRIGGER windows_with_spans_renew_feeds AFTER UPDATE ON change_windows
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION on_windows_shown();
CREATE TRIGGER windows_with_spans_leave_feeds AFTER UPDATE ON change_windows
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION on_windows_shown_elsewhere();

-- An environment's labels say which windows it is in, and its parts whose bookings they see.
CREATE FUNCTION on_environments_shown() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids)
    SELECT n.updated_at,
           n.id || array(SELECT r.part_id FROM environment_reach r WHERE r.environment_id = ANY (n.part_ids))
    FROM after n;
    RETURN NULL;
END $$;

CREATE FUNCTION on_environments_shown_elsewhere() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO feed_changes (at, environment_ids)
    SELECT n.updated_at,
           n.id || array(SELECT r.part_id FROM environment_reach r
                         WHERE r.environment_id = ANY (n.part_ids || o.part_ids))
    FROM after n JOIN before o ON o.id = n.id;
    RETURN NULL;
END $$;

CREATE TRIGGER environments_note_feeds AFTER INSERT ON environments
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION on_environments_shown();
CREATE TRIGGER environments_renew_feeds AFTER UPDATE ON environments
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION on_environments_shown_elsewhere();

ALTER TABLE installation ENABLE ALWAYS TRIGGER installation_is_kept;
ALTER TABLE bookings ENABLE ALWAYS TRIGGER bookings_note_feeds;
ALTER TABLE bookings ENABLE ALWAYS TRIGGER bookings_renew_feeds;
ALTER TABLE change_windows ENABLE ALWAYS TRIGGER windows_as_they_were_note_feeds;
ALTER TABLE change_windows ENABLE ALWAYS TRIGGER windows_with_spans_note_feeds;
ALTER TABLE change_windows ENABLE ALWAYS TRIGGER windows_with_spans_renew_feeds;
ALTER TABLE change_windows ENABLE ALWAYS TRIGGER windows_with_spans_leave_feeds;
ALTER TABLE environments ENABLE ALWAYS TRIGGER environments_note_feeds;
ALTER TABLE environments ENABLE ALWAYS TRIGGER environments_renew_feeds;

-- Folds changes into totals, one server at a time; returns how many. A total and what is not folded add up to the same
-- before and after.
CREATE FUNCTION fold_feed_changes(p_limit bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
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

-- How often what feeds show has changed, and when last: for each subject, in the order given. Kinds are 'all',
-- 'environment', 'team', 'person' and 'booking'; ids are numbers as text, or the person's name.
CREATE FUNCTION feed_changes_of(p_kinds text[], p_ids text[])
RETURNS TABLE (place bigint, changes bigint, changed_at timestamptz)
LANGUAGE sql STABLE ROWS 64 AS $$
    -- Read once for all questions: between two vacuums there are more pages than rows.
    WITH fresh AS MATERIALIZED (
        SELECT c.at, c.environment_ids, c.team_id, c.person FROM feed_changes c)
    SELECT a.place, coalesce(b.version, coalesce(t.changes, 0) + n.changes),
           coalesce(b.updated_at, greatest(t.changed_at, n.changed_at))
    FROM unnest(p_kinds, p_ids) WITH ORDINALITY a (kind, id, place)
    LEFT JOIN feed_totals t ON t.subject = CASE a.kind WHEN 'all' THEN 'all' ELSE a.kind || ' ' || a.id END
    LEFT JOIN bookings b ON b.id = CASE a.kind WHEN 'booking' THEN a.id::bigint END
    CROSS JOIN LATERAL (
        SELECT count(*) AS changes, max(c.at) AS changed_at
        FROM fresh c
        WHERE CASE a.kind
              WHEN 'all' THEN true
              WHEN 'environment' THEN a.id::bigint = ANY (c.environment_ids)
              WHEN 'team' THEN c.team_id = a.id::bigint
              WHEN 'person' THEN c.person = a.id
              ELSE false END) n
$$;
