CREATE TABLE lists (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    list_type TEXT NOT NULL,
    entry_type TEXT NOT NULL,
    is_system INTEGER NOT NULL,
    -- Rows not removed; those past their expiry are taken off when it is read.
    entry_count INTEGER NOT NULL,
    last_entry_added_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX lists_by_name ON lists (application_id, name) WHERE deleted_at IS NULL;
CREATE INDEX lists_by_time ON lists (application_id, created_at, id);

-- One row per version of an entry: an edit adds a row with the same id, nothing is deleted while history is kept.
CREATE TABLE entries (
    version_id BLOB PRIMARY KEY,
    id BLOB NOT NULL,
    application_id BLOB NOT NULL,
    list_id BLOB NOT NULL REFERENCES lists (id),
    value TEXT NOT NULL,
    sent_value TEXT NOT NULL,
    -- Null where it is the value itself.
    match_key TEXT,
    key_digest BLOB NOT NULL,
    folded TEXT NOT NULL,
    display_label TEXT NOT NULL,
    comment TEXT NOT NULL,
    added_by TEXT NOT NULL,
    reference_session_id BLOB,
    reference_session_number INTEGER,
    reference_record_id BLOB,
    reference_object_uuid BLOB,
    metadata TEXT,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    added_rev INTEGER NOT NULL,
    removed_rev INTEGER,
    removed_at INTEGER
) STRICT;
-- A long value of four-byte characters would not fit a b-tree row: the digest of the match key is indexed.
CREATE UNIQUE INDEX entries_by_key ON entries (list_id, key_digest) WHERE removed_rev IS NULL;
CREATE UNIQUE INDEX entries_by_id ON entries (id) WHERE removed_rev IS NULL;
CREATE INDEX entries_by_time ON entries (list_id, created_at, id) WHERE removed_rev IS NULL;
CREATE INDEX entries_by_expiry ON entries (list_id, expires_at) WHERE removed_rev IS NULL AND expires_at IS NOT NULL;
CREATE INDEX entries_by_session ON entries (reference_session_id) WHERE reference_session_id IS NOT NULL;
CREATE INDEX entries_by_added ON entries (application_id, added_rev);
CREATE INDEX entries_by_removed ON entries (application_id, removed_rev) WHERE removed_rev IS NOT NULL;
