CREATE TABLE media (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    content_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;

CREATE TABLE sessions (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    token TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    -- Moves by one with every change of status, data or activity; orders the session's events, and is its ETag.
    version INTEGER NOT NULL,
    vendor_data TEXT,
    workflow_version_id BLOB,
    workflow_id BLOB,
    workflow_version INTEGER,
    session_type TEXT NOT NULL,
    api_service TEXT,
    callback TEXT,
    callback_method TEXT NOT NULL,
    metadata TEXT,
    language TEXT,
    contact_details TEXT,
    expected_details TEXT,
    portrait_media_id BLOB,
    -- The steps of the workflow version the session was started with, then those recorded outside it.
    steps TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Seconds an unfinished session lives.
    lifetime INTEGER NOT NULL,
    expires_at INTEGER,
    first_outcome TEXT,
    deleted_at INTEGER,
    -- Copies of the latest records' values, for the filters of the session list.
    vendor_folded TEXT,
    full_name TEXT,
    full_name_folded TEXT,
    document_number TEXT,
    personal_number TEXT,
    document_type TEXT,
    document_name_folded TEXT,
    country TEXT,
    region_folded TEXT,
    phone_digits TEXT,
    email_folded TEXT,
    screened_name_folded TEXT
) STRICT;
CREATE UNIQUE INDEX sessions_by_number ON sessions (application_id, kind, number);
CREATE INDEX sessions_by_status ON sessions (application_id, status, number) WHERE deleted_at IS NULL;
CREATE INDEX sessions_by_vendor_data ON sessions (application_id, vendor_data, number) WHERE deleted_at IS NULL AND vendor_data IS NOT NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at) WHERE deleted_at IS NULL AND expires_at IS NOT NULL;

-- Which sessions show a file: it goes with the last of them.
CREATE TABLE media_uses (
    session_id BLOB NOT NULL REFERENCES sessions (id),
    media_id BLOB NOT NULL REFERENCES media (id),
    PRIMARY KEY (session_id, media_id)
) STRICT;
CREATE INDEX media_uses_by_media ON media_uses (media_id);

-- One recorded feature result.
CREATE TABLE records (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    feature TEXT NOT NULL,
    node_id TEXT,
    -- Breaks ties of created_at: the last item of an array is the most recent.
    ordinal INTEGER NOT NULL,
    status TEXT NOT NULL,
    data TEXT NOT NULL,
    warnings TEXT NOT NULL,
    matches TEXT NOT NULL,
    -- A view for people, never an input to matching; the entry that holds the mark stands beside it.
    is_blocklisted INTEGER NOT NULL,
    marked_by BLOB,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX records_by_session ON records (session_id, ordinal);
CREATE INDEX records_by_mark ON records (marked_by) WHERE marked_by IS NOT NULL;

CREATE TABLE session_risks (
    session_id BLOB NOT NULL REFERENCES sessions (id),
    risk TEXT NOT NULL,
    PRIMARY KEY (session_id, risk)
) STRICT;

-- Normalised values of recorded evidence: what previews, replays and duplicate checks read.
CREATE TABLE signals (
    record_id BLOB NOT NULL REFERENCES records (id),
    entry_type TEXT NOT NULL,
    application_id BLOB NOT NULL,
    session_id BLOB NOT NULL,
    value TEXT NOT NULL,
    match_key TEXT NOT NULL,
    key_digest BLOB NOT NULL,
    -- 16 ordered bytes, IPv4 as mapped IPv6; null for other types.
    address BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (record_id, entry_type)
) STRICT;
CREATE INDEX signals_by_key ON signals (application_id, entry_type, key_digest, created_at);
CREATE INDEX signals_by_address ON signals (application_id, address) WHERE address IS NOT NULL;
CREATE INDEX signals_by_session ON signals (session_id);

-- What a decision was made with.
CREATE TABLE screenings (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    lists_revision INTEGER NOT NULL,
    evaluated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX screenings_by_session ON screenings (session_id, evaluated_at);

CREATE TABLE hits (
    screening_id BLOB NOT NULL REFERENCES screenings (id),
    record_id BLOB NOT NULL REFERENCES records (id),
    entry_id BLOB NOT NULL,
    entry_added_rev INTEGER NOT NULL,
    list_id BLOB NOT NULL,
    entry_type TEXT NOT NULL,
    comparison TEXT NOT NULL,
    PRIMARY KEY (screening_id, record_id, entry_type, entry_id)
) STRICT;
CREATE INDEX hits_by_entry ON hits (entry_id);

CREATE TABLE session_events (
    id BLOB PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_events_by_session ON session_events (session_id, created_at, id);
