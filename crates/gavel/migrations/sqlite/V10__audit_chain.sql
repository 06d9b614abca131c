-- The chain through the audit rows, one per application. Whoever adds to it holds the row of audit_heads; the place itself
-- is unique. Nothing here is ever changed.
CREATE TABLE audit_heads (
    application_id BLOB PRIMARY KEY REFERENCES applications (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_chain (
    application_id BLOB NOT NULL REFERENCES applications (id),
    seq INTEGER NOT NULL,
    event_id BLOB NOT NULL UNIQUE REFERENCES audit_events (id),
    hash BLOB NOT NULL,
    PRIMARY KEY (application_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_checkpoints (
    application_id BLOB NOT NULL REFERENCES applications (id),
    row_count INTEGER NOT NULL,
    head BLOB NOT NULL,
    signed_at INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (application_id, row_count)
) STRICT, WITHOUT ROWID;

-- Public keys in the order they were in use; from the second one on with the signatures of the change to it.
CREATE TABLE audit_keys (
    number INTEGER PRIMARY KEY,
    key_id TEXT NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    old_signature BLOB,
    new_signature BLOB,
    created_at INTEGER NOT NULL
) STRICT;

-- Which sealed rows name an object: an index for looking up, written by the sealer and believed by nobody else.
CREATE TABLE audit_objects (
    application_id BLOB NOT NULL,
    object_id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    PRIMARY KEY (application_id, object_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_chain_no_update BEFORE UPDATE ON audit_chain BEGIN SELECT RAISE(ABORT, 'audit_chain rows are immutable'); END;
CREATE TRIGGER audit_chain_no_delete BEFORE DELETE ON audit_chain BEGIN SELECT RAISE(ABORT, 'audit_chain rows are immutable'); END;
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'audit_checkpoints rows are immutable'); END;
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'audit_checkpoints rows are immutable'); END;
CREATE TRIGGER audit_keys_no_update BEFORE UPDATE ON audit_keys BEGIN SELECT RAISE(ABORT, 'audit_keys rows are immutable'); END;
CREATE TRIGGER audit_keys_no_delete BEFORE DELETE ON audit_keys BEGIN SELECT RAISE(ABORT, 'audit_keys rows are immutable'); END;
-- What waits to be sealed leaves the queue only into the chain.
CREATE TRIGGER audit_unsealed_no_update BEFORE UPDATE ON audit_unsealed BEGIN SELECT RAISE(ABORT, 'audit_unsealed rows are immutable'); END;
CREATE TRIGGER audit_unsealed_no_delete BEFORE DELETE ON audit_unsealed
    WHEN NOT EXISTS (SELECT 1 FROM audit_chain c WHERE c.event_id = OLD.event_id)
    BEGIN SELECT RAISE(ABORT, 'audit_unsealed rows are immutable until they are sealed'); END;
