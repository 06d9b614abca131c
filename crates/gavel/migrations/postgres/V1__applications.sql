CREATE TABLE applications (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    environment text NOT NULL,
    reviews_change_status boolean NOT NULL,
    auto_blocklist_on_decline boolean NOT NULL,
    kyc_expiry_days bigint,
    webhook_version text NOT NULL,
    webhook_secret bytea NOT NULL,
    capture_method text NOT NULL,
    data_retention_months bigint,
    created_at bigint NOT NULL
);

CREATE TABLE counters (
    application_id uuid NOT NULL REFERENCES applications (id),
    name text NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (application_id, name)
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text NOT NULL,
    ip_allowlist text NOT NULL,
    expires_at bigint,
    created_at bigint NOT NULL,
    revoked_at bigint
);

CREATE TABLE workflows (
    id uuid PRIMARY KEY,
    workflow_id uuid NOT NULL,
    application_id uuid NOT NULL REFERENCES applications (id),
    version bigint NOT NULL,
    status text NOT NULL,
    label text NOT NULL,
    workflow_type text NOT NULL,
    features text NOT NULL,
    is_default boolean NOT NULL,
    is_white_label_enabled boolean NOT NULL,
    is_desktop_allowed boolean NOT NULL,
    max_retry_attempts bigint NOT NULL,
    retry_window_days bigint,
    face_liveness_max_attempts bigint NOT NULL,
    face_match_max_attempts bigint NOT NULL,
    session_expiration_time bigint NOT NULL,
    auto_blocklist_on_decline boolean,
    created_by text,
    published_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    UNIQUE (workflow_id, version)
);
CREATE INDEX workflows_by_application ON workflows (application_id, workflow_id, version);

-- What every process on this database must agree on, such as the fingerprint of the server key.
CREATE TABLE server_facts (
    name text PRIMARY KEY,
    value text NOT NULL
);
