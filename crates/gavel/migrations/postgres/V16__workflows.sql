-- Which values the status rules of a record asked lists about: what a preview of a change looks for.
CREATE TABLE asked_values (
    record_id uuid NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    list_id uuid NOT NULL,
    key_digest bytea NOT NULL,
    session_id uuid NOT NULL,
    -- As in signals: 16 ordered bytes, null for other types than addresses.
    address bytea,
    created_at bigint NOT NULL,
    PRIMARY KEY (record_id, list_id, key_digest)
);
CREATE INDEX asked_values_by_key ON asked_values (list_id, key_digest, created_at);
CREATE INDEX asked_values_by_address ON asked_values (list_id, address) WHERE address IS NOT NULL;
CREATE INDEX asked_values_by_session ON asked_values (session_id);

-- When the session last became Approved; an approval may age out.
ALTER TABLE sessions ADD COLUMN approved_at bigint;
UPDATE sessions SET approved_at = coalesce(
    (SELECT max(e.created_at) FROM session_events e
     WHERE e.session_id = sessions.id AND e.kind = 'STATUS_CHANGED' AND e.details LIKE '%"new_status":"Approved"%'), created_at)
WHERE status = 'Approved';
CREATE INDEX sessions_by_approval ON sessions (application_id, approved_at) WHERE deleted_at IS NULL AND status = 'Approved';
