-- Versions of questionnaires: what people are asked, in order. As for workflows, a group has at most one draft.
CREATE TABLE questionnaires (
    id BLOB PRIMARY KEY,
    group_id BLOB NOT NULL,
    application_id BLOB NOT NULL REFERENCES applications (id),
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    -- JSON array of codes.
    languages TEXT NOT NULL,
    default_language TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    -- JSON array of elements.
    form TEXT NOT NULL,
    published_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (group_id, version)
) STRICT;
CREATE INDEX questionnaires_by_application ON questionnaires (application_id, group_id, version);
