-- A team is the same however its name is written: qa books for QA.

-- Until now two could be told apart by their case alone: the younger gets its number behind its name.
UPDATE teams t
SET name = left(t.name, 80) || ' ' || t.id, updated_at = t.updated_at
WHERE EXISTS (SELECT FROM teams o WHERE lower(o.name) = lower(t.name) AND o.id < t.id);

-- Two teams cannot share a name, whatever its case.
CREATE UNIQUE INDEX team_name_is_unlike_others ON teams (lower(name));
