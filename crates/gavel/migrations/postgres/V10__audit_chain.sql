-- The chain through the audit rows, one per application. Whoever adds to it holds the row of audit_heads; the place itself
-- is unique. Nothing here is ever changed.
CREATE TABLE audit_heads (
    application_id uuid PRIMARY KEY REFERENCES applications (id)
);

CREATE TABLE audit_chain (
    application_id uuid NOT NULL REFERENCES applications (id),
    seq bigint NOT NULL,
    event_id uuid NOT NULL UNIQUE REFERENCES audit_events (id),
    hash bytea NOT NULL,
    PRIMARY KEY (application_id, seq)
);

CREATE TABLE audit_checkpoints (
    application_id uuid NOT NULL REFERENCES applications (id),
    row_count bigint NOT NULL,
    head bytea NOT NULL,
    signed_at bigint NOT NULL,
    key_id text NOT NULL,
    signature bytea NOT NULL,
    PRIMARY KEY (application_id, row_count)
);

-- Public keys in the order they were in use; from the second one on with the signatures of the change to it.
CREATE TABLE audit_keys (
    number bigint PRIMARY KEY,
    key_id text NOT NULL UNIQUE,
    public_key bytea NOT NULL,
    old_signature bytea,
    new_signature bytea,
    created_at bigint NOT NULL
);

-- Which sealed rows name an object: an index for looking up, written by the sealer and believed by nobody else.
CREATE TABLE audit_objects (
    application_id uuid NOT NULL,
    object_id uuid NOT NULL,
    event_id uuid NOT NULL,
    PRIMARY KEY (application_id, object_id, event_id)
);

CREATE TRIGGER audit_chain_immutable BEFORE UPDATE OR DELETE ON audit_chain FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoints_immutable BEFORE UPDATE OR DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_keys_immutable BEFORE UPDATE OR DELETE ON audit_keys FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_keys_no_truncate BEFORE TRUNCATE ON audit_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What waits to be sealed leaves the queue only into the chain.
CREATE FUNCTION refuse_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM audit_chain c WHERE c.event_id = OLD.event_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_unsealed rows are immutable until they are sealed';
END $$;
CREATE TRIGGER audit_unsealed_immutable BEFORE UPDATE ON audit_unsealed FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_unsealed_sealed BEFORE DELETE ON audit_unsealed FOR EACH ROW EXECUTE FUNCTION refuse_unsealed();
CREATE TRIGGER audit_unsealed_no_truncate BEFORE TRUNCATE ON audit_unsealed FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
