-- Tags of users and businesses. A tag is there as long as somebody bears it.
CREATE TABLE tags (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    -- In lower case: two spellings of a tag are one.
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX tags_by_name ON tags (application_id, name_key);

CREATE TABLE subject_tags (
    id BLOB PRIMARY KEY,
    subject_id BLOB NOT NULL REFERENCES subjects (id),
    tag_id BLOB NOT NULL REFERENCES tags (id),
    added_by_email TEXT,
    added_by_name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX subject_tags_by_subject ON subject_tags (subject_id, tag_id);
CREATE INDEX subject_tags_by_tag ON subject_tags (tag_id);

-- Which values of a user's profile were taken over from which session. They go with the last of these; what a call has set
-- has none.
CREATE TABLE subject_origins (
    subject_id BLOB NOT NULL REFERENCES subjects (id),
    field TEXT NOT NULL,
    value_digest BLOB NOT NULL,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    PRIMARY KEY (subject_id, field, value_digest, session_id)
) STRICT;
CREATE INDEX subject_origins_by_session ON subject_origins (session_id);

-- Whether a participant was flagged when the transaction was decided: what a preview decides it with again.
ALTER TABLE transactions ADD COLUMN participant_flagged INTEGER NOT NULL DEFAULT 0;
