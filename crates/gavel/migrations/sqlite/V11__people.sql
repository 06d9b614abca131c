-- People: accounts, what they may do in which application, how they sign in, what they are told.
CREATE TABLE members (
    id BLOB PRIMARY KEY,
    -- As shown, in lower case.
    email TEXT NOT NULL,
    -- The form addresses are compared in.
    email_key TEXT NOT NULL,
    name TEXT NOT NULL,
    -- invited, active or removed; a removed account is never used again.
    status TEXT NOT NULL,
    -- Argon2id, with its parameters and salt.
    password_hash TEXT,
    -- Encrypted; the second one is not confirmed yet.
    totp_secret BLOB,
    totp_pending BLOB,
    -- The time step of the last code taken: no code is taken twice.
    totp_step INTEGER NOT NULL,
    notify_mention TEXT NOT NULL,
    notify_comment TEXT NOT NULL,
    notify_activity TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX members_by_email ON members (email_key) WHERE status <> 'removed';
-- Mentions are looked up as they are shown.
CREATE INDEX members_by_address ON members (email);

CREATE TABLE member_roles (
    member_id BLOB NOT NULL REFERENCES members (id),
    application_id BLOB NOT NULL REFERENCES applications (id),
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (member_id, application_id)
) STRICT;
CREATE INDEX member_roles_by_application ON member_roles (application_id, role);

-- SHA-256 of what is shown once.
CREATE TABLE recovery_codes (
    member_id BLOB NOT NULL REFERENCES members (id),
    hash BLOB NOT NULL,
    PRIMARY KEY (member_id, hash)
) STRICT;

-- One-time links: an invitation, a new password, or the first owner's, who is nobody yet.
CREATE TABLE member_links (
    hash BLOB PRIMARY KEY,
    member_id BLOB REFERENCES members (id),
    application_id BLOB NOT NULL REFERENCES applications (id),
    purpose TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX member_links_by_member ON member_links (member_id);
CREATE INDEX member_links_by_expiry ON member_links (expires_at);

CREATE TABLE signins (
    id BLOB PRIMARY KEY,
    member_id BLOB NOT NULL REFERENCES members (id),
    hash BLOB NOT NULL,
    ip TEXT,
    user_agent TEXT,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX signins_by_hash ON signins (hash);
CREATE INDEX signins_by_expiry ON signins (expires_at);
CREATE INDEX signins_by_use ON signins (last_seen_at);
CREATE INDEX signins_by_member ON signins (member_id, created_at);

-- That somebody is to be told of a row. What the row says is read from the row, so an erasure empties both.
CREATE TABLE notifications (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    member_id BLOB NOT NULL REFERENCES members (id),
    kind TEXT NOT NULL,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    activity_id BLOB NOT NULL REFERENCES activities (id),
    created_at INTEGER NOT NULL,
    read_at INTEGER
) STRICT;
CREATE UNIQUE INDEX notifications_by_activity ON notifications (activity_id, member_id);
CREATE INDEX notifications_by_member ON notifications (member_id, application_id, created_at, id);
CREATE INDEX notifications_by_session ON notifications (session_id);
CREATE INDEX notifications_unread ON notifications (member_id, application_id, created_at, id) WHERE read_at IS NULL;

-- E-mail that waits to be sent. Its text is made when it is sent.
CREATE TABLE mails (
    id BLOB PRIMARY KEY,
    member_id BLOB NOT NULL REFERENCES members (id),
    purpose TEXT NOT NULL,
    notification_id BLOB REFERENCES notifications (id),
    -- Encrypted: the token of a link.
    sealed BLOB,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    lease_token BLOB,
    -- Given up, and the server's code if it gave one.
    failed_at INTEGER,
    failure TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX mails_by_due ON mails (due_at) WHERE failed_at IS NULL;
CREATE INDEX mails_by_lease ON mails (lease_token) WHERE lease_token IS NOT NULL;
CREATE INDEX mails_by_notification ON mails (notification_id) WHERE notification_id IS NOT NULL;
CREATE INDEX mails_by_member ON mails (member_id);
