-- Here no insert replaces a row; SQLite's does, and gets triggers against it.

-- What a POST with an Idempotency-Key was about: a session, a user or a business whose erasure takes the answer.
ALTER TABLE idempotency ADD COLUMN object_id uuid;
CREATE INDEX idempotency_by_object ON idempotency (object_id) WHERE object_id IS NOT NULL;
