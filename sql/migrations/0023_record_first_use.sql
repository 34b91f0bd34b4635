-- When a token was first presented: the security log tells of it once, on whichever server. Of tokens made
-- before this column nobody knows, so their next use counts as the first.

ALTER TABLE tokens ADD COLUMN first_used_at timestamptz;
