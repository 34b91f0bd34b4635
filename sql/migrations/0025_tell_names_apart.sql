-- A token's name stands in history, notices and calendars: two in use must not look alike.

-- A name as a reader takes it in: whatever the case, with compatible forms made one (NFKC), and with letters of other
-- scripts as the Latin ones that they look like.
ALTER TABLE tokens
    ADD COLUMN name_look text NOT NULL GENERATED ALWAYS AS (
        lower(translate(
            normalize(name, NFKC),
            'АВЕЅІЈКМНОРСТУХаесіјѕорухвкмнтԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγεικνορτυχϲϳıɑɡօսոհ',
            'ABESIJKMHOPCTYXaecijsopyxbkmhtdhqwABEZHIKMNOPTYXayeikvoptuxcjiagounh'))) STORED,
    -- A name neither begins nor ends with a space, and has no character that cannot be seen.
    ADD CONSTRAINT token_name_is_plain CHECK (
        name !~ '^[\s\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]|[\s\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]$'
        AND name !~ '[[:cntrl:]\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0]'
        AND name !~ '[\U000E0000-\U000E0FFF]');

-- Two tokens in use have names that look different.
CREATE UNIQUE INDEX token_name_is_unlike_others ON tokens (name_look) WHERE revoked_at IS NULL;
