-- INSERT OR REPLACE takes the row that stands in its way without asking a DELETE trigger, unless the connection has
-- recursive_triggers on, and whoever opens the file with another program has not. So no row is inserted where one is that it
-- would replace: by any unique index, or by its rowid.
CREATE TRIGGER activities_no_replace BEFORE INSERT ON activities
    WHEN EXISTS (SELECT 1 FROM activities WHERE id = NEW.id OR rowid = NEW.rowid
        OR (session_id = NEW.session_id AND session_version = NEW.session_version))
    BEGIN SELECT RAISE(ABORT, 'activities rows are immutable'); END;
CREATE TRIGGER activity_values_no_replace BEFORE INSERT ON activity_values
    WHEN EXISTS (SELECT 1 FROM activity_values WHERE activity_id = NEW.activity_id OR rowid = NEW.rowid)
    BEGIN SELECT RAISE(ABORT, 'activity_values rows are immutable'); END;
CREATE TRIGGER transaction_activities_no_replace BEFORE INSERT ON transaction_activities
    WHEN EXISTS (SELECT 1 FROM transaction_activities WHERE id = NEW.id OR rowid = NEW.rowid
        OR (transaction_id = NEW.transaction_id AND ordinal = NEW.ordinal))
    BEGIN SELECT RAISE(ABORT, 'transaction_activities rows are immutable'); END;
CREATE TRIGGER transaction_activity_values_no_replace BEFORE INSERT ON transaction_activity_values
    WHEN EXISTS (SELECT 1 FROM transaction_activity_values WHERE activity_id = NEW.activity_id OR rowid = NEW.rowid)
    BEGIN SELECT RAISE(ABORT, 'transaction_activity_values rows are immutable'); END;
CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
    WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id OR rowid = NEW.rowid)
    BEGIN SELECT RAISE(ABORT, 'audit_events rows are immutable'); END;
CREATE TRIGGER audit_values_no_replace BEFORE INSERT ON audit_values
    WHEN EXISTS (SELECT 1 FROM audit_values WHERE event_id = NEW.event_id OR rowid = NEW.rowid)
    BEGIN SELECT RAISE(ABORT, 'audit_values rows are immutable'); END;
CREATE TRIGGER audit_unsealed_no_replace BEFORE INSERT ON audit_unsealed
    WHEN EXISTS (SELECT 1 FROM audit_unsealed WHERE event_id = NEW.event_id OR rowid = NEW.rowid)
    BEGIN SELECT RAISE(ABORT, 'audit_unsealed rows are immutable'); END;
CREATE TRIGGER audit_chain_no_replace BEFORE INSERT ON audit_chain
    WHEN EXISTS (SELECT 1 FROM audit_chain WHERE event_id = NEW.event_id
        OR (application_id = NEW.application_id AND seq = NEW.seq))
    BEGIN SELECT RAISE(ABORT, 'audit_chain rows are immutable'); END;
-- The same checkpoint, and the same number of a key, may be offered again (ON CONFLICT DO NOTHING): the first one stands.
CREATE TRIGGER audit_checkpoints_no_replace BEFORE INSERT ON audit_checkpoints
    WHEN EXISTS (SELECT 1 FROM audit_checkpoints WHERE application_id = NEW.application_id AND row_count = NEW.row_count)
    BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER audit_keys_no_replace BEFORE INSERT ON audit_keys
    WHEN EXISTS (SELECT 1 FROM audit_keys WHERE number = NEW.number OR key_id = NEW.key_id)
    BEGIN SELECT RAISE(IGNORE); END;

-- What a POST with an Idempotency-Key was about: a session, a user or a business whose erasure takes the answer.
ALTER TABLE idempotency ADD COLUMN object_id BLOB;
CREATE INDEX idempotency_by_object ON idempotency (object_id) WHERE object_id IS NOT NULL;
