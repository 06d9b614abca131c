-- A POST with an Idempotency-Key: claimed before it runs, answered in the transaction of what it did.
CREATE TABLE idempotency (
    application_id uuid NOT NULL,
    key_digest bytea NOT NULL,
    request_digest bytea NOT NULL,
    claim uuid NOT NULL,
    claimed_until bigint NOT NULL,
    -- Encrypted; null while the first request is running.
    answer bytea,
    created_at bigint NOT NULL,
    PRIMARY KEY (application_id, key_digest)
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);
