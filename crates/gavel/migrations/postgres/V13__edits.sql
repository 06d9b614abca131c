-- The value a record holds now, where an edit has changed it since it was screened. What the decision was made with stays in
-- signals: previews and replays read it there.
CREATE TABLE corrected_signals (
    record_id uuid NOT NULL REFERENCES records (id),
    entry_type text NOT NULL,
    application_id uuid NOT NULL,
    session_id uuid NOT NULL,
    -- Null where the edit has left no value that lists know.
    key_digest bytea,
    -- When the record was made.
    created_at bigint NOT NULL,
    PRIMARY KEY (record_id, entry_type)
);
CREATE INDEX corrected_signals_by_key ON corrected_signals (application_id, entry_type, key_digest, created_at);
CREATE INDEX corrected_signals_by_session ON corrected_signals (session_id);

CREATE TABLE session_tags (
    session_id uuid NOT NULL REFERENCES sessions (id),
    -- In lower case: two spellings of a tag are one.
    tag_key text NOT NULL,
    tag text NOT NULL,
    added_by text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (session_id, tag_key)
);

-- Files people attached to a session, beside those its records name.
CREATE TABLE session_files (
    id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id),
    media_id uuid NOT NULL REFERENCES media (id),
    name text,
    added_by text NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX session_files_by_session ON session_files (session_id, created_at, id);
