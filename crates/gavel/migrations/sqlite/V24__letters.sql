-- Mails to the people sessions are about: what to say and where to is encrypted in `sealed`.
CREATE TABLE mails_to_all (
    id BLOB PRIMARY KEY,
    member_id BLOB REFERENCES members (id),
    purpose TEXT NOT NULL,
    notification_id BLOB REFERENCES notifications (id),
    -- Encrypted: the token of a link; the letter to a person.
    sealed BLOB,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    lease_token BLOB,
    -- Given up, and the server's code if it gave one.
    failed_at INTEGER,
    failure TEXT,
    created_at INTEGER NOT NULL,
    session_id BLOB REFERENCES sessions (id)
) STRICT;
INSERT INTO mails_to_all (id, member_id, purpose, notification_id, sealed, attempts, due_at, leased_until, lease_token, failed_at,
    failure, created_at)
SELECT id, member_id, purpose, notification_id, sealed, attempts, due_at, leased_until, lease_token, failed_at, failure, created_at
FROM mails;
DROP TABLE mails;
ALTER TABLE mails_to_all RENAME TO mails;
CREATE INDEX mails_by_due ON mails (due_at) WHERE failed_at IS NULL;
CREATE INDEX mails_by_lease ON mails (lease_token) WHERE lease_token IS NOT NULL;
CREATE INDEX mails_by_notification ON mails (notification_id) WHERE notification_id IS NOT NULL;
CREATE INDEX mails_by_member ON mails (member_id);
CREATE INDEX mails_by_session ON mails (session_id) WHERE session_id IS NOT NULL;
