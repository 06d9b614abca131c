-- Before which others a session is looked at when it comes up for review: higher comes first.
ALTER TABLE sessions ADD COLUMN queue_priority bigint NOT NULL DEFAULT 0;

-- One row per session that is In Review and not deleted. Triggers on sessions see to that, whoever changes the status.
CREATE TABLE queue_items (
    session_id uuid PRIMARY KEY REFERENCES sessions (id),
    application_id uuid NOT NULL,
    kind text NOT NULL,
    workflow_id uuid,
    priority bigint NOT NULL,
    -- Since when it waits: the instant of the last thing its history tells.
    since bigint NOT NULL,
    -- Until when it is somebody's; null: it is nobody's. What has passed counts for nothing.
    claimed_until bigint,
    claimed_at bigint,
    holder_type text,
    holder_id uuid,
    -- Which of the people behind a key; empty where it names nobody.
    holder_reviewer text,
    holder_name text
);
CREATE INDEX queue_items_free ON queue_items (application_id, priority DESC, since, session_id) WHERE claimed_until IS NULL;
CREATE INDEX queue_items_free_by_workflow ON queue_items (application_id, workflow_id, priority DESC, since, session_id)
    WHERE claimed_until IS NULL;
CREATE INDEX queue_items_claimed ON queue_items (application_id, claimed_until) WHERE claimed_until IS NOT NULL;

INSERT INTO queue_items (session_id, application_id, kind, workflow_id, priority, since)
SELECT s.id, s.application_id, s.kind, s.workflow_id, s.queue_priority,
    COALESCE((SELECT max(e.created_at) FROM session_events e WHERE e.session_id = s.id), s.created_at)
FROM sessions s WHERE s.status = 'In Review' AND s.deleted_at IS NULL;

CREATE FUNCTION queue_follows_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'In Review' AND NEW.deleted_at IS NULL THEN
        INSERT INTO queue_items (session_id, application_id, kind, workflow_id, priority, since)
        VALUES (NEW.id, NEW.application_id, NEW.kind, NEW.workflow_id, NEW.queue_priority,
            COALESCE((SELECT max(e.created_at) FROM session_events e WHERE e.session_id = NEW.id), NEW.created_at));
    ELSE
        DELETE FROM queue_items WHERE session_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sessions_change_queue AFTER UPDATE OF status, deleted_at ON sessions FOR EACH ROW
    WHEN ((OLD.status = 'In Review' AND OLD.deleted_at IS NULL) <> (NEW.status = 'In Review' AND NEW.deleted_at IS NULL))
    EXECUTE FUNCTION queue_follows_sessions();
CREATE TRIGGER sessions_begin_in_queue AFTER INSERT ON sessions FOR EACH ROW
    WHEN (NEW.status = 'In Review' AND NEW.deleted_at IS NULL) EXECUTE FUNCTION queue_follows_sessions();

-- Who looks at a session now; forgotten by themselves.
CREATE TABLE presences (
    session_id uuid NOT NULL REFERENCES sessions (id),
    holder_type text NOT NULL,
    holder_id uuid NOT NULL,
    holder_reviewer text NOT NULL,
    holder_name text NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (session_id, holder_type, holder_id, holder_reviewer)
);
CREATE INDEX presences_by_age ON presences (seen_at);

-- Decisions that can still be undone. A worker carries them out when they are due.
CREATE TABLE pending_reviews (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id),
    -- The version it was made on: on another one it is not carried out.
    session_version bigint NOT NULL,
    state text NOT NULL,
    reason text,
    new_status text NOT NULL,
    -- Only while it is pending; afterwards the activity has it.
    comment text,
    actor_type text NOT NULL,
    actor_id uuid NOT NULL,
    actor_name text NOT NULL,
    actor_email text,
    actor_role text,
    created_at bigint NOT NULL,
    due_at bigint NOT NULL,
    settled_at bigint
);
CREATE UNIQUE INDEX pending_reviews_open ON pending_reviews (session_id) WHERE state = 'pending';
CREATE INDEX pending_reviews_due ON pending_reviews (due_at) WHERE state = 'pending';
CREATE INDEX pending_reviews_by_session ON pending_reviews (session_id, created_at);

-- What the roll-up of a decision was made of, and how many of its items were deleted since because their steps were repeated.
ALTER TABLE screenings ADD COLUMN summary text;
ALTER TABLE screenings ADD COLUMN items_cleared bigint NOT NULL DEFAULT 0;
-- What each item of a decision was made with, and what came of it.
CREATE TABLE screening_items (
    screening_id uuid NOT NULL REFERENCES screenings (id),
    record_id uuid NOT NULL,
    session_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    answer text NOT NULL,
    PRIMARY KEY (screening_id, record_id)
);
CREATE INDEX screening_items_by_session ON screening_items (session_id);
CREATE INDEX screening_items_by_record ON screening_items (record_id);

-- A decline has switched this record's ongoing monitoring off; an approval switches it on again.
ALTER TABLE records ADD COLUMN monitoring_paused boolean NOT NULL DEFAULT false;
