-- An activity or audit row is a skeleton that never changes. What is personal in it stands in a side table that
-- allows INSERT and, for erasures, DELETE.
CREATE TABLE activities (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id),
    session_version bigint NOT NULL,
    kind text NOT NULL,
    actor_type text NOT NULL,
    actor_id uuid,
    previous_status text,
    new_status text,
    changed_fields text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX activities_by_session ON activities (session_id, session_version);

CREATE TABLE activity_values (
    activity_id uuid PRIMARY KEY REFERENCES activities (id),
    comment text,
    previous_value text,
    new_value text,
    mentioned_emails text NOT NULL,
    metadata text,
    actor_display text NOT NULL,
    actor_email text
);

CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    kind text NOT NULL,
    actor_type text NOT NULL,
    actor_id uuid,
    method text NOT NULL,
    route text NOT NULL,
    status_code bigint NOT NULL,
    objects text NOT NULL,
    -- SHA-256 over the salt and the personal values beside the row.
    commitment bytea NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX audit_events_by_time ON audit_events (application_id, created_at, id);

CREATE TABLE audit_values (
    event_id uuid PRIMARY KEY REFERENCES audit_events (id),
    salt bytea NOT NULL,
    personal text NOT NULL
);

-- Rows the sealer has not chained yet: the order of ids is not the order of commits.
CREATE TABLE audit_unsealed (
    event_id uuid PRIMARY KEY REFERENCES audit_events (id),
    application_id uuid NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are immutable', TG_TABLE_NAME;
END $$;

CREATE TRIGGER activities_immutable BEFORE UPDATE OR DELETE ON activities FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER activities_no_truncate BEFORE TRUNCATE ON activities FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER activity_values_immutable BEFORE UPDATE ON activity_values FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER activity_values_no_truncate BEFORE TRUNCATE ON activity_values FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_immutable BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_values_immutable BEFORE UPDATE ON audit_values FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_values_no_truncate BEFORE TRUNCATE ON audit_values FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
