CREATE TABLE destinations (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    label TEXT NOT NULL,
    url TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    webhook_version TEXT NOT NULL,
    subscribed_events TEXT NOT NULL,
    -- Encrypted: it must be read back to sign with.
    secret BLOB NOT NULL,
    -- The destination behind the older single-URL configuration.
    is_single_url INTEGER NOT NULL,
    total_deliveries INTEGER NOT NULL,
    failed_deliveries INTEGER NOT NULL,
    answered_deliveries INTEGER NOT NULL,
    total_ms INTEGER NOT NULL,
    min_ms INTEGER,
    max_ms INTEGER,
    last_delivery_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX destinations_by_url ON destinations (application_id, url) WHERE deleted_at IS NULL;

-- What happened, written with its cause; one payload however many destinations.
CREATE TABLE events (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    webhook_type TEXT NOT NULL,
    -- The session, user, business or transaction; its events are delivered in order of sequence.
    object_id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    session_id BLOB,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_object ON events (object_id, sequence);
CREATE INDEX events_by_time ON events (application_id, created_at);

-- An event that waits for a destination. Its id is the event_id the receiver sees.
CREATE TABLE outbox (
    id BLOB PRIMARY KEY,
    event_id BLOB NOT NULL REFERENCES events (id),
    destination_id BLOB NOT NULL REFERENCES destinations (id),
    object_id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    lease_token BLOB
) STRICT;
CREATE UNIQUE INDEX outbox_by_lane ON outbox (destination_id, object_id, sequence);
CREATE INDEX outbox_by_due ON outbox (destination_id, due_at);
CREATE INDEX outbox_by_lease ON outbox (lease_token) WHERE lease_token IS NOT NULL;

-- One attempt, written when it has ended.
CREATE TABLE deliveries (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    destination_id BLOB NOT NULL REFERENCES destinations (id),
    event_id BLOB NOT NULL,
    outbox_id BLOB NOT NULL,
    session_id BLOB,
    webhook_type TEXT NOT NULL,
    request_url TEXT NOT NULL,
    request_header TEXT NOT NULL,
    request_body TEXT NOT NULL,
    response_status INTEGER,
    response_time_ms INTEGER,
    succeeded INTEGER NOT NULL,
    error TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_by_destination ON deliveries (destination_id, created_at, id);
