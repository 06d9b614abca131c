-- People: accounts, what they may do in which application, how they sign in, what they are told.
CREATE TABLE members (
    id uuid PRIMARY KEY,
    -- As shown, in lower case.
    email text NOT NULL,
    -- The form addresses are compared in.
    email_key text NOT NULL,
    name text NOT NULL,
    -- invited, active or removed; a removed account is never used again.
    status text NOT NULL,
    -- Argon2id, with its parameters and salt.
    password_hash text,
    -- Encrypted; the second one is not confirmed yet.
    totp_secret bytea,
    totp_pending bytea,
    -- The time step of the last code taken: no code is taken twice.
    totp_step bigint NOT NULL,
    notify_mention text NOT NULL,
    notify_comment text NOT NULL,
    notify_activity text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX members_by_email ON members (email_key) WHERE status <> 'removed';
-- Mentions are looked up as they are shown.
CREATE INDEX members_by_address ON members (email);

CREATE TABLE member_roles (
    member_id uuid NOT NULL REFERENCES members (id),
    application_id uuid NOT NULL REFERENCES applications (id),
    role text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (member_id, application_id)
);
CREATE INDEX member_roles_by_application ON member_roles (application_id, role);

-- SHA-256 of what is shown once.
CREATE TABLE recovery_codes (
    member_id uuid NOT NULL REFERENCES members (id),
    hash bytea NOT NULL,
    PRIMARY KEY (member_id, hash)
);

-- One-time links: an invitation, a new password, or the first owner's, who is nobody yet.
CREATE TABLE member_links (
    hash bytea PRIMARY KEY,
    member_id uuid REFERENCES members (id),
    application_id uuid NOT NULL REFERENCES applications (id),
    purpose text NOT NULL,
    expires_at bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX member_links_by_member ON member_links (member_id);
CREATE INDEX member_links_by_expiry ON member_links (expires_at);

CREATE TABLE signins (
    id uuid PRIMARY KEY,
    member_id uuid NOT NULL REFERENCES members (id),
    hash bytea NOT NULL,
    ip text,
    user_agent text,
    created_at bigint NOT NULL,
    last_seen_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE UNIQUE INDEX signins_by_hash ON signins (hash);
CREATE INDEX signins_by_expiry ON signins (expires_at);
CREATE INDEX signins_by_use ON signins (last_seen_at);
CREATE INDEX signins_by_member ON signins (member_id, created_at);

-- That somebody is to be told of a row. What the row says is read from the row, so an erasure empties both.
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    member_id uuid NOT NULL REFERENCES members (id),
    kind text NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id),
    activity_id uuid NOT NULL REFERENCES activities (id),
    created_at bigint NOT NULL,
    read_at bigint
);
CREATE UNIQUE INDEX notifications_by_activity ON notifications (activity_id, member_id);
CREATE INDEX notifications_by_member ON notifications (member_id, application_id, created_at, id);
CREATE INDEX notifications_by_session ON notifications (session_id);
CREATE INDEX notifications_unread ON notifications (member_id, application_id, created_at, id) WHERE read_at IS NULL;

-- E-mail that waits to be sent. Its text is made when it is sent.
CREATE TABLE mails (
    id uuid PRIMARY KEY,
    member_id uuid NOT NULL REFERENCES members (id),
    purpose text NOT NULL,
    notification_id uuid REFERENCES notifications (id),
    -- Encrypted: the token of a link.
    sealed bytea,
    attempts bigint NOT NULL,
    due_at bigint NOT NULL,
    leased_until bigint NOT NULL,
    lease_token uuid,
    -- Given up, and the server's code if it gave one.
    failed_at bigint,
    failure text,
    created_at bigint NOT NULL
);
CREATE INDEX mails_by_due ON mails (due_at) WHERE failed_at IS NULL;
CREATE INDEX mails_by_lease ON mails (lease_token) WHERE lease_token IS NOT NULL;
CREATE INDEX mails_by_notification ON mails (notification_id) WHERE notification_id IS NOT NULL;
CREATE INDEX mails_by_member ON mails (member_id);
