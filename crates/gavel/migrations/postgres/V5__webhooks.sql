CREATE TABLE destinations (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    label text NOT NULL,
    url text NOT NULL,
    enabled boolean NOT NULL,
    webhook_version text NOT NULL,
    subscribed_events text NOT NULL,
    -- Encrypted: it must be read back to sign with.
    secret bytea NOT NULL,
    -- The destination behind the older single-URL configuration.
    is_single_url boolean NOT NULL,
    total_deliveries bigint NOT NULL,
    failed_deliveries bigint NOT NULL,
    answered_deliveries bigint NOT NULL,
    total_ms bigint NOT NULL,
    min_ms bigint,
    max_ms bigint,
    last_delivery_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE UNIQUE INDEX destinations_by_url ON destinations (application_id, url) WHERE deleted_at IS NULL;

-- What happened, written with its cause; one payload however many destinations.
CREATE TABLE events (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    webhook_type text NOT NULL,
    -- The session, user, business or transaction; its events are delivered in order of sequence.
    object_id uuid NOT NULL,
    sequence bigint NOT NULL,
    session_id uuid,
    payload text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX events_by_object ON events (object_id, sequence);
CREATE INDEX events_by_time ON events (application_id, created_at);

-- An event that waits for a destination. Its id is the event_id the receiver sees.
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    destination_id uuid NOT NULL REFERENCES destinations (id),
    object_id uuid NOT NULL,
    sequence bigint NOT NULL,
    attempts bigint NOT NULL,
    due_at bigint NOT NULL,
    leased_until bigint NOT NULL,
    lease_token uuid
);
CREATE UNIQUE INDEX outbox_by_lane ON outbox (destination_id, object_id, sequence);
CREATE INDEX outbox_by_due ON outbox (destination_id, due_at);
CREATE INDEX outbox_by_lease ON outbox (lease_token) WHERE lease_token IS NOT NULL;

-- One attempt, written when it has ended.
CREATE TABLE deliveries (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    destination_id uuid NOT NULL REFERENCES destinations (id),
    event_id uuid NOT NULL,
    outbox_id uuid NOT NULL,
    session_id uuid,
    webhook_type text NOT NULL,
    request_url text NOT NULL,
    request_header text NOT NULL,
    request_body text NOT NULL,
    response_status bigint,
    response_time_ms bigint,
    succeeded boolean NOT NULL,
    error text,
    created_at bigint NOT NULL
);
CREATE INDEX deliveries_by_destination ON deliveries (destination_id, created_at, id);
