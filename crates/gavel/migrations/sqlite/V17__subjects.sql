-- Users and businesses: the people and companies sessions are about.
CREATE TABLE subjects (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    kind TEXT NOT NULL,
    vendor_data TEXT,
    -- Digest of vendor_data as lists compare it; null without vendor_data, and until the first start after this migration.
    key_digest BLOB,
    status TEXT NOT NULL,
    -- Moves by one with every event; orders them.
    version INTEGER NOT NULL,
    display_name TEXT,
    full_name TEXT,
    date_of_birth TEXT,
    approved_emails TEXT NOT NULL,
    approved_phones TEXT NOT NULL,
    issuing_states TEXT NOT NULL,
    legal_name TEXT,
    registration_number TEXT,
    country_code TEXT,
    metadata TEXT,
    -- What a search looks into, in lower case.
    folded TEXT NOT NULL,
    first_session_at INTEGER,
    last_session_at INTEGER,
    profile_changed_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX subjects_by_vendor_data ON subjects (application_id, kind, vendor_data) WHERE vendor_data IS NOT NULL;
CREATE INDEX subjects_by_key ON subjects (application_id, kind, key_digest) WHERE key_digest IS NOT NULL;
CREATE INDEX subjects_without_key ON subjects (id) WHERE key_digest IS NULL AND vendor_data IS NOT NULL;
CREATE INDEX subjects_by_session ON subjects (application_id, kind, last_session_at, created_at, id);

-- What happened to a user, for people. They go with the user.
CREATE TABLE subject_comments (
    id BLOB PRIMARY KEY,
    subject_id BLOB NOT NULL REFERENCES subjects (id),
    comment_type TEXT NOT NULL,
    comment TEXT,
    actor_email TEXT,
    actor_name TEXT NOT NULL,
    previous_status TEXT,
    new_status TEXT,
    previous_value TEXT,
    new_value TEXT,
    changed_fields TEXT NOT NULL,
    metadata TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX subject_comments_by_subject ON subject_comments (subject_id, created_at, id);

-- From a user or business to the entries that name it.
CREATE INDEX entries_by_reference ON entries (reference_object_uuid) WHERE reference_object_uuid IS NOT NULL AND removed_rev IS NULL;

-- The subjects of the sessions that are there. What takes more than SQL, the first start adds.
INSERT INTO subjects (id, application_id, kind, vendor_data, status, version, approved_emails, approved_phones, issuing_states,
    folded, first_session_at, last_session_at, created_at, updated_at)
SELECT unhex(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || '8' || substr(hex(randomblob(8)), 2)),
    application_id, kind, vendor_data, 'ACTIVE', 1, '[]', '[]', '[]', lower(vendor_data), min(created_at), max(created_at),
    min(created_at), min(created_at)
FROM sessions WHERE vendor_data IS NOT NULL AND deleted_at IS NULL
GROUP BY application_id, kind, vendor_data;
