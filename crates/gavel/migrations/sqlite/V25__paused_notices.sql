-- Members are told of destinations that pause themselves, once per pause: a notice is about a row of a session's feed or about
-- a destination.
ALTER TABLE members ADD COLUMN notify_webhook TEXT NOT NULL DEFAULT 'email';

-- Notices lose two NOT NULLs, which takes a new table; mails, which point at notices, stand aside meanwhile.
CREATE TABLE mails_aside AS SELECT * FROM mails;
DROP TABLE mails;
CREATE TABLE notifications_of_all (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    member_id BLOB NOT NULL REFERENCES members (id),
    kind TEXT NOT NULL,
    session_id BLOB REFERENCES sessions (id),
    activity_id BLOB REFERENCES activities (id),
    created_at INTEGER NOT NULL,
    read_at INTEGER,
    destination_id BLOB REFERENCES destinations (id),
    CHECK ((session_id IS NULL) = (activity_id IS NULL) AND (session_id IS NULL) <> (destination_id IS NULL))
) STRICT;
INSERT INTO notifications_of_all (id, application_id, member_id, kind, session_id, activity_id, created_at, read_at)
SELECT id, application_id, member_id, kind, session_id, activity_id, created_at, read_at FROM notifications;
DROP TABLE notifications;
ALTER TABLE notifications_of_all RENAME TO notifications;
CREATE UNIQUE INDEX notifications_by_activity ON notifications (activity_id, member_id);
CREATE INDEX notifications_by_member ON notifications (member_id, application_id, created_at, id);
CREATE INDEX notifications_by_session ON notifications (session_id);
CREATE INDEX notifications_unread ON notifications (member_id, application_id, created_at, id) WHERE read_at IS NULL;
CREATE UNIQUE INDEX notifications_by_pause ON notifications (destination_id, member_id, created_at) WHERE destination_id IS NOT NULL;

CREATE TABLE mails (
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
INSERT INTO mails (id, member_id, purpose, notification_id, sealed, attempts, due_at, leased_until, lease_token, failed_at, failure,
    created_at, session_id)
SELECT id, member_id, purpose, notification_id, sealed, attempts, due_at, leased_until, lease_token, failed_at, failure, created_at,
    session_id
FROM mails_aside;
DROP TABLE mails_aside;
CREATE INDEX mails_by_due ON mails (due_at) WHERE failed_at IS NULL;
CREATE INDEX mails_by_lease ON mails (lease_token) WHERE lease_token IS NOT NULL;
CREATE INDEX mails_by_notification ON mails (notification_id) WHERE notification_id IS NOT NULL;
CREATE INDEX mails_by_member ON mails (member_id);
CREATE INDEX mails_by_session ON mails (session_id) WHERE session_id IS NOT NULL;
