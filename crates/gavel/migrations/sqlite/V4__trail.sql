-- An activity or audit row is a skeleton that never changes. What is personal in it stands in a side table that
-- allows INSERT and, for erasures, DELETE.
CREATE TABLE activities (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    session_version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id BLOB,
    previous_status TEXT,
    new_status TEXT,
    changed_fields TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX activities_by_session ON activities (session_id, session_version);

CREATE TABLE activity_values (
    activity_id BLOB PRIMARY KEY REFERENCES activities (id),
    comment TEXT,
    previous_value TEXT,
    new_value TEXT,
    mentioned_emails TEXT NOT NULL,
    metadata TEXT,
    actor_display TEXT NOT NULL,
    actor_email TEXT
) STRICT;

CREATE TABLE audit_events (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id BLOB,
    method TEXT NOT NULL,
    route TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    objects TEXT NOT NULL,
    -- SHA-256 over the salt and the personal values beside the row.
    commitment BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_events_by_time ON audit_events (application_id, created_at, id);

CREATE TABLE audit_values (
    event_id BLOB PRIMARY KEY REFERENCES audit_events (id),
    salt BLOB NOT NULL,
    personal TEXT NOT NULL
) STRICT;

-- Rows the sealer has not chained yet: the order of ids is not the order of commits.
CREATE TABLE audit_unsealed (
    event_id BLOB PRIMARY KEY REFERENCES audit_events (id),
    application_id BLOB NOT NULL
) STRICT;

CREATE TRIGGER activities_no_update BEFORE UPDATE ON activities BEGIN SELECT RAISE(ABORT, 'activities rows are immutable'); END;
CREATE TRIGGER activities_no_delete BEFORE DELETE ON activities BEGIN SELECT RAISE(ABORT, 'activities rows are immutable'); END;
CREATE TRIGGER activity_values_no_update BEFORE UPDATE ON activity_values BEGIN SELECT RAISE(ABORT, 'activity_values rows are immutable'); END;
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events BEGIN SELECT RAISE(ABORT, 'audit_events rows are immutable'); END;
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events BEGIN SELECT RAISE(ABORT, 'audit_events rows are immutable'); END;
CREATE TRIGGER audit_values_no_update BEFORE UPDATE ON audit_values BEGIN SELECT RAISE(ABORT, 'audit_values rows are immutable'); END;
