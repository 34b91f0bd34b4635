-- Who watches the timeline also sees that a team has another name or colour, and that there are notices.

CREATE FUNCTION tell_teams() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT n.updated_at, 'team.updated', n.id, n.version FROM after n;
    RETURN NULL;
END $$;

CREATE TRIGGER teams_are_told AFTER UPDATE ON teams
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION tell_teams();
ALTER TABLE teams ENABLE ALWAYS TRIGGER teams_are_told;

-- One line for what is written together: whom it concerns asks for notices of his own.
CREATE FUNCTION tell_notices() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO outbox (at, kind, subject_id, version)
    SELECT max(n.at), 'notice.created', max(n.id), 1 FROM after n HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE TRIGGER notices_are_told AFTER INSERT ON notices
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION tell_notices();
ALTER TABLE notices ENABLE ALWAYS TRIGGER notices_are_told;
