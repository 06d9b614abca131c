-- Tags of users and businesses. A tag is there as long as somebody bears it.
CREATE TABLE tags (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    -- In lower case: two spellings of a tag are one.
    name_key text NOT NULL,
    name text NOT NULL,
    color text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX tags_by_name ON tags (application_id, name_key);

CREATE TABLE subject_tags (
    id uuid PRIMARY KEY,
    subject_id uuid NOT NULL REFERENCES subjects (id),
    tag_id uuid NOT NULL REFERENCES tags (id),
    added_by_email text,
    added_by_name text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX subject_tags_by_subject ON subject_tags (subject_id, tag_id);
CREATE INDEX subject_tags_by_tag ON subject_tags (tag_id);

-- Which values of a user's profile were taken over from which session. They go with the last of these; what a call has set
-- has none.
CREATE TABLE subject_origins (
    subject_id uuid NOT NULL REFERENCES subjects (id),
    field text NOT NULL,
    value_digest bytea NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id),
    PRIMARY KEY (subject_id, field, value_digest, session_id)
);
CREATE INDEX subject_origins_by_session ON subject_origins (session_id);

-- Whether a participant was flagged when the transaction was decided: what a preview decides it with again.
ALTER TABLE transactions ADD COLUMN participant_flagged boolean NOT NULL DEFAULT FALSE;
