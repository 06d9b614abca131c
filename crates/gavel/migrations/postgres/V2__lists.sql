CREATE TABLE lists (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    name text NOT NULL,
    description text NOT NULL,
    list_type text NOT NULL,
    entry_type text NOT NULL,
    is_system boolean NOT NULL,
    -- Rows not removed; those past their expiry are taken off when it is read.
    entry_count bigint NOT NULL,
    last_entry_added_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE UNIQUE INDEX lists_by_name ON lists (application_id, name) WHERE deleted_at IS NULL;
CREATE INDEX lists_by_time ON lists (application_id, created_at, id);

-- One row per version of an entry: an edit adds a row with the same id, nothing is deleted while history is kept.
CREATE TABLE entries (
    version_id uuid PRIMARY KEY,
    id uuid NOT NULL,
    application_id uuid NOT NULL,
    list_id uuid NOT NULL REFERENCES lists (id),
    value text NOT NULL,
    sent_value text NOT NULL,
    -- Null where it is the value itself.
    match_key text,
    key_digest bytea NOT NULL,
    folded text NOT NULL,
    display_label text NOT NULL,
    comment text NOT NULL,
    added_by text NOT NULL,
    reference_session_id uuid,
    reference_session_number bigint,
    reference_record_id uuid,
    reference_object_uuid uuid,
    metadata text,
    expires_at bigint,
    created_at bigint NOT NULL,
    added_rev bigint NOT NULL,
    removed_rev bigint,
    removed_at bigint
);
-- A long value of four-byte characters would not fit a b-tree row: the digest of the match key is indexed.
CREATE UNIQUE INDEX entries_by_key ON entries (list_id, key_digest) WHERE removed_rev IS NULL;
CREATE UNIQUE INDEX entries_by_id ON entries (id) WHERE removed_rev IS NULL;
CREATE INDEX entries_by_time ON entries (list_id, created_at, id) WHERE removed_rev IS NULL;
CREATE INDEX entries_by_expiry ON entries (list_id, expires_at) WHERE removed_rev IS NULL AND expires_at IS NOT NULL;
CREATE INDEX entries_by_session ON entries (reference_session_id) WHERE reference_session_id IS NOT NULL;
CREATE INDEX entries_by_added ON entries (application_id, added_rev);
CREATE INDEX entries_by_removed ON entries (application_id, removed_rev) WHERE removed_rev IS NOT NULL;
