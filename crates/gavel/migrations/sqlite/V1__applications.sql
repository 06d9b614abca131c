CREATE TABLE applications (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    environment TEXT NOT NULL,
    reviews_change_status INTEGER NOT NULL,
    auto_blocklist_on_decline INTEGER NOT NULL,
    kyc_expiry_days INTEGER,
    webhook_version TEXT NOT NULL,
    webhook_secret BLOB NOT NULL,
    capture_method TEXT NOT NULL,
    data_retention_months INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE counters (
    application_id BLOB NOT NULL REFERENCES applications (id),
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (application_id, name)
) STRICT;

CREATE TABLE api_keys (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    ip_allowlist TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE workflows (
    id BLOB PRIMARY KEY,
    workflow_id BLOB NOT NULL,
    application_id BLOB NOT NULL REFERENCES applications (id),
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    label TEXT NOT NULL,
    workflow_type TEXT NOT NULL,
    features TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    is_white_label_enabled INTEGER NOT NULL,
    is_desktop_allowed INTEGER NOT NULL,
    max_retry_attempts INTEGER NOT NULL,
    retry_window_days INTEGER,
    face_liveness_max_attempts INTEGER NOT NULL,
    face_match_max_attempts INTEGER NOT NULL,
    session_expiration_time INTEGER NOT NULL,
    auto_blocklist_on_decline INTEGER,
    created_by TEXT,
    published_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (workflow_id, version)
) STRICT;
CREATE INDEX workflows_by_application ON workflows (application_id, workflow_id, version);

-- What every process on this database must agree on, such as the fingerprint of the server key.
CREATE TABLE server_facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
