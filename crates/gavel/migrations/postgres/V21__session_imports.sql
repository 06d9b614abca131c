-- A file of sessions, transactions or status rules from another system on its way in, and how far it has come.
CREATE TABLE session_imports (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    import_type text NOT NULL,
    -- As named: a workflow or a version of one.
    workflow_id uuid,
    format text NOT NULL,
    filename text NOT NULL,
    state text NOT NULL,
    total bigint NOT NULL,
    processed bigint NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    skipped bigint NOT NULL,
    failed bigint NOT NULL,
    media_bytes bigint NOT NULL,
    last_error text,
    leased_until bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    started_at bigint,
    completed_at bigint
);
-- An application has one that is not at its end.
CREATE UNIQUE INDEX session_imports_active ON session_imports (application_id) WHERE completed_at IS NULL;

-- The file, until the import is at its end.
CREATE TABLE session_import_parts (
    import_id uuid NOT NULL REFERENCES session_imports (id),
    ordinal bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (import_id, ordinal)
);

-- Rows that were refused.
CREATE TABLE session_import_errors (
    import_id uuid NOT NULL REFERENCES session_imports (id),
    row_number bigint NOT NULL,
    id uuid NOT NULL,
    external_id text,
    error text NOT NULL,
    -- JSON object as sent.
    raw_row text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (import_id, row_number)
);

-- What came with files: by the digest of its id elsewhere, with the digest of what was said.
CREATE TABLE imported_objects (
    application_id uuid NOT NULL REFERENCES applications (id),
    -- 'session' or 'transaction'.
    kind text NOT NULL,
    key_digest bytea NOT NULL,
    object_id uuid NOT NULL,
    content_digest bytea NOT NULL,
    PRIMARY KEY (application_id, kind, key_digest)
);
CREATE INDEX imported_objects_by_object ON imported_objects (object_id);
