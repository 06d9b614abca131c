-- Before which others a session is looked at when it comes up for review: higher comes first.
ALTER TABLE sessions ADD COLUMN queue_priority INTEGER NOT NULL DEFAULT 0;

-- One row per session that is In Review and not deleted. Triggers on sessions see to that, whoever changes the status.
CREATE TABLE queue_items (
    session_id BLOB PRIMARY KEY REFERENCES sessions (id),
    application_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    workflow_id BLOB,
    priority INTEGER NOT NULL,
    -- Since when it waits: the instant of the last thing its history tells.
    since INTEGER NOT NULL,
    -- Until when it is somebody's; null: it is nobody's. What has passed counts for nothing.
    claimed_until INTEGER,
    claimed_at INTEGER,
    holder_type TEXT,
    holder_id BLOB,
    -- Which of the people behind a key; empty where it names nobody.
    holder_reviewer TEXT,
    holder_name TEXT
) STRICT;
CREATE INDEX queue_items_free ON queue_items (application_id, priority DESC, since, session_id) WHERE claimed_until IS NULL;
CREATE INDEX queue_items_free_by_workflow ON queue_items (application_id, workflow_id, priority DESC, since, session_id)
    WHERE claimed_until IS NULL;
CREATE INDEX queue_items_claimed ON queue_items (application_id, claimed_until) WHERE claimed_until IS NOT NULL;

INSERT INTO queue_items (session_id, application_id, kind, workflow_id, priority, since)
SELECT s.id, s.application_id, s.kind, s.workflow_id, s.queue_priority,
    COALESCE((SELECT max(e.created_at) FROM session_events e WHERE e.session_id = s.id), s.created_at)
FROM sessions s WHERE s.status = 'In Review' AND s.deleted_at IS NULL;

CREATE TRIGGER sessions_enter_queue AFTER UPDATE OF status, deleted_at ON sessions
WHEN NEW.status = 'In Review' AND NEW.deleted_at IS NULL AND (OLD.status <> 'In Review' OR OLD.deleted_at IS NOT NULL)
BEGIN
    INSERT INTO queue_items (session_id, application_id, kind, workflow_id, priority, since)
    VALUES (NEW.id, NEW.application_id, NEW.kind, NEW.workflow_id, NEW.queue_priority,
        COALESCE((SELECT max(e.created_at) FROM session_events e WHERE e.session_id = NEW.id), NEW.created_at));
END;
CREATE TRIGGER sessions_leave_queue AFTER UPDATE OF status, deleted_at ON sessions
WHEN OLD.status = 'In Review' AND OLD.deleted_at IS NULL AND (NEW.status <> 'In Review' OR NEW.deleted_at IS NOT NULL)
BEGIN
    DELETE FROM queue_items WHERE session_id = NEW.id;
END;
CREATE TRIGGER sessions_begin_in_queue AFTER INSERT ON sessions WHEN NEW.status = 'In Review' AND NEW.deleted_at IS NULL
BEGIN
    INSERT INTO queue_items (session_id, application_id, kind, workflow_id, priority, since)
    VALUES (NEW.id, NEW.application_id, NEW.kind, NEW.workflow_id, NEW.queue_priority, NEW.created_at);
END;

-- Who looks at a session now; forgotten by themselves.
CREATE TABLE presences (
    session_id BLOB NOT NULL REFERENCES sessions (id),
    holder_type TEXT NOT NULL,
    holder_id BLOB NOT NULL,
    holder_reviewer TEXT NOT NULL,
    holder_name TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, holder_type, holder_id, holder_reviewer)
) STRICT;
CREATE INDEX presences_by_age ON presences (seen_at);

-- Decisions that can still be undone. A worker carries them out when they are due.
CREATE TABLE pending_reviews (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    -- The version it was made on: on another one it is not carried out.
    session_version INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    new_status TEXT NOT NULL,
    -- Only while it is pending; afterwards the activity has it.
    comment TEXT,
    actor_type TEXT NOT NULL,
    actor_id BLOB NOT NULL,
    actor_name TEXT NOT NULL,
    actor_email TEXT,
    actor_role TEXT,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    settled_at INTEGER
) STRICT;
CREATE UNIQUE INDEX pending_reviews_open ON pending_reviews (session_id) WHERE state = 'pending';
CREATE INDEX pending_reviews_due ON pending_reviews (due_at) WHERE state = 'pending';
CREATE INDEX pending_reviews_by_session ON pending_reviews (session_id, created_at);

-- What the roll-up of a decision was made of, and how many of its items were deleted since because their steps were repeated.
ALTER TABLE screenings ADD COLUMN summary TEXT;
ALTER TABLE screenings ADD COLUMN items_cleared INTEGER NOT NULL DEFAULT 0;
-- What each item of a decision was made with, and what came of it.
CREATE TABLE screening_items (
    screening_id BLOB NOT NULL REFERENCES screenings (id),
    record_id BLOB NOT NULL,
    session_id BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (screening_id, record_id)
) STRICT;
CREATE INDEX screening_items_by_session ON screening_items (session_id);
CREATE INDEX screening_items_by_record ON screening_items (record_id);

-- A decline has switched this record's ongoing monitoring off; an approval switches it on again.
ALTER TABLE records ADD COLUMN monitoring_paused INTEGER NOT NULL DEFAULT 0;
