-- Users and businesses: the people and companies sessions are about.
CREATE TABLE subjects (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    kind text NOT NULL,
    vendor_data text,
    -- Digest of vendor_data as lists compare it; null without vendor_data, and until the first start after this migration.
    key_digest bytea,
    status text NOT NULL,
    -- Moves by one with every event; orders them.
    version bigint NOT NULL,
    display_name text,
    full_name text,
    date_of_birth text,
    approved_emails text NOT NULL,
    approved_phones text NOT NULL,
    issuing_states text NOT NULL,
    legal_name text,
    registration_number text,
    country_code text,
    metadata text,
    -- What a search looks into, in lower case.
    folded text NOT NULL,
    first_session_at bigint,
    last_session_at bigint,
    profile_changed_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX subjects_by_vendor_data ON subjects (application_id, kind, vendor_data) WHERE vendor_data IS NOT NULL;
CREATE INDEX subjects_by_key ON subjects (application_id, kind, key_digest) WHERE key_digest IS NOT NULL;
CREATE INDEX subjects_without_key ON subjects (id) WHERE key_digest IS NULL AND vendor_data IS NOT NULL;
CREATE INDEX subjects_by_session ON subjects (application_id, kind, last_session_at DESC NULLS LAST, created_at DESC, id DESC);

-- What happened to a user, for people. They go with the user.
CREATE TABLE subject_comments (
    id uuid PRIMARY KEY,
    subject_id uuid NOT NULL REFERENCES subjects (id),
    comment_type text NOT NULL,
    comment text,
    actor_email text,
    actor_name text NOT NULL,
    previous_status text,
    new_status text,
    previous_value text,
    new_value text,
    changed_fields text NOT NULL,
    metadata text,
    created_at bigint NOT NULL
);
CREATE INDEX subject_comments_by_subject ON subject_comments (subject_id, created_at, id);

-- From a user or business to the entries that name it.
CREATE INDEX entries_by_reference ON entries (reference_object_uuid) WHERE reference_object_uuid IS NOT NULL AND removed_rev IS NULL;

-- The subjects of the sessions that are there. What takes more than SQL, the first start adds.
INSERT INTO subjects (id, application_id, kind, vendor_data, status, version, approved_emails, approved_phones, issuing_states,
    folded, first_session_at, last_session_at, created_at, updated_at)
SELECT gen_random_uuid(),
    application_id, kind, vendor_data, 'ACTIVE', 1, '[]', '[]', '[]', lower(vendor_data), min(created_at), max(created_at),
    min(created_at), min(created_at)
FROM sessions WHERE vendor_data IS NOT NULL AND deleted_at IS NULL
GROUP BY application_id, kind, vendor_data;
