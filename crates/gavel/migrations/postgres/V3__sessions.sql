CREATE TABLE media (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    content_type text NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint
);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    kind text NOT NULL,
    number bigint NOT NULL,
    token text NOT NULL UNIQUE,
    status text NOT NULL,
    -- Moves by one with every change of status, data or activity; orders the session's events, and is its ETag.
    version bigint NOT NULL,
    vendor_data text,
    workflow_version_id uuid,
    workflow_id uuid,
    workflow_version bigint,
    session_type text NOT NULL,
    api_service text,
    callback text,
    callback_method text NOT NULL,
    metadata text,
    language text,
    contact_details text,
    expected_details text,
    portrait_media_id uuid,
    -- The steps of the workflow version the session was started with, then those recorded outside it.
    steps text NOT NULL,
    created_at bigint NOT NULL,
    -- Seconds an unfinished session lives.
    lifetime bigint NOT NULL,
    expires_at bigint,
    first_outcome text,
    deleted_at bigint,
    -- Copies of the latest records' values, for the filters of the session list.
    vendor_folded text,
    full_name text,
    full_name_folded text,
    document_number text,
    personal_number text,
    document_type text,
    document_name_folded text,
    country text,
    region_folded text,
    phone_digits text,
    email_folded text,
    screened_name_folded text
);
CREATE UNIQUE INDEX sessions_by_number ON sessions (application_id, kind, number);
CREATE INDEX sessions_by_status ON sessions (application_id, status, number) WHERE deleted_at IS NULL;
CREATE INDEX sessions_by_vendor_data ON sessions (application_id, vendor_data, number) WHERE deleted_at IS NULL AND vendor_data IS NOT NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at) WHERE deleted_at IS NULL AND expires_at IS NOT NULL;

-- Which sessions show a file: it goes with the last of them.
CREATE TABLE media_uses (
    session_id uuid NOT NULL REFERENCES sessions (id),
    media_id uuid NOT NULL REFERENCES media (id),
    PRIMARY KEY (session_id, media_id)
);
CREATE INDEX media_uses_by_media ON media_uses (media_id);

-- One recorded feature result.
CREATE TABLE records (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id),
    feature text NOT NULL,
    node_id text,
    -- Breaks ties of created_at: the last item of an array is the most recent.
    ordinal bigint NOT NULL,
    status text NOT NULL,
    data text NOT NULL,
    warnings text NOT NULL,
    matches text NOT NULL,
    -- A view for people, never an input to matching; the entry that holds the mark stands beside it.
    is_blocklisted boolean NOT NULL,
    marked_by uuid,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX records_by_session ON records (session_id, ordinal);
CREATE INDEX records_by_mark ON records (marked_by) WHERE marked_by IS NOT NULL;

CREATE TABLE session_risks (
    session_id uuid NOT NULL REFERENCES sessions (id),
    risk text NOT NULL,
    PRIMARY KEY (session_id, risk)
);

-- Normalised values of recorded evidence: what previews, replays and duplicate checks read.
CREATE TABLE signals (
    record_id uuid NOT NULL REFERENCES records (id),
    entry_type text NOT NULL,
    application_id uuid NOT NULL,
    session_id uuid NOT NULL,
    value text NOT NULL,
    match_key text NOT NULL,
    key_digest bytea NOT NULL,
    -- 16 ordered bytes, IPv4 as mapped IPv6; null for other types.
    address bytea,
    created_at bigint NOT NULL,
    PRIMARY KEY (record_id, entry_type)
);
CREATE INDEX signals_by_key ON signals (application_id, entry_type, key_digest, created_at);
CREATE INDEX signals_by_address ON signals (application_id, address) WHERE address IS NOT NULL;
CREATE INDEX signals_by_session ON signals (session_id);

-- What a decision was made with.
CREATE TABLE screenings (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id),
    lists_revision bigint NOT NULL,
    evaluated_at bigint NOT NULL
);
CREATE INDEX screenings_by_session ON screenings (session_id, evaluated_at);

CREATE TABLE hits (
    screening_id uuid NOT NULL REFERENCES screenings (id),
    record_id uuid NOT NULL REFERENCES records (id),
    entry_id uuid NOT NULL,
    entry_added_rev bigint NOT NULL,
    list_id uuid NOT NULL,
    entry_type text NOT NULL,
    comparison text NOT NULL,
    PRIMARY KEY (screening_id, record_id, entry_type, entry_id)
);
CREATE INDEX hits_by_entry ON hits (entry_id);

CREATE TABLE session_events (
    id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id),
    kind text NOT NULL,
    actor text NOT NULL,
    details text NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX session_events_by_session ON session_events (session_id, created_at, id);
