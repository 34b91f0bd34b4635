-- Whoever signs in to the page with a token has a session: a cookie whose secret stands for the token, so that the
-- token itself is in no browser. It ends by itself, by sign-out, and with its token.

CREATE TABLE sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- A secret opens one session.
    secret_hash bytea NOT NULL CONSTRAINT session_secret_is_unique UNIQUE,
    token_id bigint NOT NULL REFERENCES tokens,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- The secret is kept as its hash.
    CONSTRAINT session_secret_is_hashed CHECK (octet_length(secret_hash) = 32),
    -- A session ends.
    CONSTRAINT session_expires CHECK (expires_at > created_at AND isfinite(expires_at))
);

CREATE INDEX sessions_by_token ON sessions (token_id, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
