-- A POST with an Idempotency-Key: claimed before it runs, answered in the transaction of what it did.
CREATE TABLE idempotency (
    application_id BLOB NOT NULL,
    key_digest BLOB NOT NULL,
    request_digest BLOB NOT NULL,
    claim BLOB NOT NULL,
    claimed_until INTEGER NOT NULL,
    -- Encrypted; null while the first request is running.
    answer BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (application_id, key_digest)
) STRICT;
CREATE INDEX idempotency_by_time ON idempotency (created_at);
