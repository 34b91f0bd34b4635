-- A token's name stands in history, notices and calendars: two in use must not look alike.

-- Whether a name neither begins nor ends with a space, and has no character that cannot be seen.
CREATE FUNCTION is_plain_name(p_name text) RETURNS boolean
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT p_name !~ '^[\s\u00A0\u1680\u2000-\u200A\u202F\u205F\u2800\u3000]'
        AND p_name !~ '[\s\u00A0\u1680\u2000-\u200A\u202F\u205F\u2800\u3000]$'
        AND p_name !~ '[[:cntrl:]\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0]'
        AND p_name !~ '[\U000E0000-\U000E0FFF]';
END;

-- A name as a reader takes it in: whatever the case, with compatible forms made one (NFKC), and with letters of other
-- scripts as the Latin ones that they look like.
ALTER TABLE tokens
    ADD COLUMN name_look text NOT NULL GENERATED ALWAYS AS (
        lower(translate(
            normalize(name, NFKC),
            'АВЕЅІЈКМНОРСТУХаесіјѕорухвкмнтԁһԛԝӏӀѵѴΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγεικνορτυχϲϳıɑɡօսոհ',
            'ABESIJKMHOPCTYXaecijsopyxbkmhtdhqwllvvABEZHIKMNOPTYXayeikvoptuxcjiagounh'))) STORED;

-- Names that were in use before stay: renaming is somebody's own affair.
ALTER TABLE tokens ADD COLUMN keeps_old_name boolean NOT NULL DEFAULT false;
UPDATE tokens t SET keeps_old_name = true
WHERE EXISTS (SELECT FROM tokens o WHERE o.name_look = t.name_look AND o.revoked_at IS NULL AND o.id < t.id)
   OR NOT is_plain_name(t.name);

ALTER TABLE tokens
    ADD CONSTRAINT token_name_is_plain CHECK (keeps_old_name OR is_plain_name(name));

-- Two tokens in use have names that look different.
CREATE UNIQUE INDEX token_name_is_unlike_others ON tokens (name_look)
    WHERE revoked_at IS NULL AND NOT keeps_old_name;

-- Who had a name before.
CREATE INDEX tokens_by_name ON tokens (name);
