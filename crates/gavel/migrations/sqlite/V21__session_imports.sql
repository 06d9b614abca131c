-- A file of sessions, transactions or status rules from another system on its way in, and how far it has come.
CREATE TABLE session_imports (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    import_type TEXT NOT NULL,
    -- As named: a workflow or a version of one.
    workflow_id BLOB,
    format TEXT NOT NULL,
    filename TEXT NOT NULL,
    state TEXT NOT NULL,
    total INTEGER NOT NULL,
    processed INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    media_bytes INTEGER NOT NULL,
    last_error TEXT,
    leased_until INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    completed_at INTEGER
) STRICT;
-- An application has one that is not at its end.
CREATE UNIQUE INDEX session_imports_active ON session_imports (application_id) WHERE completed_at IS NULL;

-- The file, until the import is at its end.
CREATE TABLE session_import_parts (
    import_id BLOB NOT NULL REFERENCES session_imports (id),
    ordinal INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (import_id, ordinal)
) STRICT;

-- Rows that were refused.
CREATE TABLE session_import_errors (
    import_id BLOB NOT NULL REFERENCES session_imports (id),
    row_number INTEGER NOT NULL,
    id BLOB NOT NULL,
    external_id TEXT,
    error TEXT NOT NULL,
    -- JSON object as sent.
    raw_row TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (import_id, row_number)
) STRICT;

-- What came with files: by the digest of its id elsewhere, with the digest of what was said.
CREATE TABLE imported_objects (
    application_id BLOB NOT NULL REFERENCES applications (id),
    -- 'session' or 'transaction'.
    kind TEXT NOT NULL,
    key_digest BLOB NOT NULL,
    object_id BLOB NOT NULL,
    content_digest BLOB NOT NULL,
    PRIMARY KEY (application_id, kind, key_digest)
) STRICT;
CREATE INDEX imported_objects_by_object ON imported_objects (object_id);
