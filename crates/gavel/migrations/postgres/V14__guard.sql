-- What becomes of approved sessions that have shown a value newly blocked: `report`, `review`; null: nothing.
ALTER TABLE applications ADD COLUMN sweep text;
-- JSON: months after which values go, by kind. Those of sessions stand in `data_retention_months`.
ALTER TABLE applications ADD COLUMN retention text;

-- The person who made the key, where it was made by one.
ALTER TABLE api_keys ADD COLUMN created_by uuid;

-- JSON: whether changes need another person; null: they do not.
ALTER TABLE lists ADD COLUMN approval text;

-- Changes of a list that wait for another person, or have waited.
CREATE TABLE proposals (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    list_id uuid NOT NULL REFERENCES lists (id),
    state text NOT NULL,
    comment text NOT NULL,
    -- JSON, as sent but for what nobody asked for.
    changes text NOT NULL,
    change_count bigint NOT NULL,
    proposer_type text NOT NULL,
    proposer_id uuid,
    -- The person behind the proposer: themselves, or who made the key.
    proposer_person uuid,
    proposer_name text NOT NULL,
    created_at bigint NOT NULL,
    decider_type text,
    decider_id uuid,
    decider_name text,
    decision_comment text,
    decided_at bigint,
    -- The revision an approved one became.
    revision bigint
);
CREATE INDEX proposals_by_list ON proposals (list_id, created_at, id);
CREATE INDEX proposals_by_application ON proposals (application_id, id);

-- A look at past sessions after additions to a blocklist, and how far it has come.
CREATE TABLE sweeps (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    list_id uuid NOT NULL REFERENCES lists (id),
    mode text NOT NULL,
    import_id uuid,
    entries bigint NOT NULL,
    found bigint NOT NULL,
    reviewed bigint NOT NULL,
    made_by text NOT NULL,
    created_at bigint NOT NULL,
    finished_at bigint,
    leased_until bigint NOT NULL
);
CREATE INDEX sweeps_by_list ON sweeps (list_id, created_at, id);
CREATE INDEX sweeps_running ON sweeps (created_at, id) WHERE finished_at IS NULL;

-- The revisions whose additions a sweep looks at, and the last entry of each it has done with.
CREATE TABLE sweep_parts (
    sweep_id uuid NOT NULL REFERENCES sweeps (id),
    revision bigint NOT NULL,
    done_entry uuid,
    is_done boolean NOT NULL,
    PRIMARY KEY (sweep_id, revision)
);

-- The sessions a sweep has found, once each, and the first entry it found them by.
CREATE TABLE sweep_items (
    sweep_id uuid NOT NULL REFERENCES sweeps (id),
    session_id uuid NOT NULL REFERENCES sessions (id),
    entry_id uuid NOT NULL,
    outcome text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (sweep_id, session_id)
);
CREATE INDEX sweep_items_by_time ON sweep_items (sweep_id, at, session_id);

-- Set when what the session held of a person was erased; it is deleted as well then.
ALTER TABLE sessions ADD COLUMN erased_at bigint;
CREATE INDEX sessions_by_age ON sessions (application_id, created_at, id) WHERE erased_at IS NULL;

-- An erasure: how far it has come and, in the end, the receipt. Nothing in it says who was erased.
CREATE TABLE erasures (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    -- `subject`, `session` or `retention`.
    kind text NOT NULL,
    list_entries boolean NOT NULL,
    stage text NOT NULL,
    -- Where the stage goes on.
    place text NOT NULL,
    -- JSON: how much of what was removed.
    counts text NOT NULL,
    actor_type text NOT NULL,
    actor_id uuid,
    created_at bigint NOT NULL,
    finished_at bigint,
    leased_until bigint NOT NULL
);
CREATE INDEX erasures_running ON erasures (created_at, id) WHERE finished_at IS NULL;
CREATE INDEX erasures_by_time ON erasures (application_id, created_at, id);

CREATE TABLE erasure_sessions (
    erasure_id uuid NOT NULL REFERENCES erasures (id),
    session_id uuid NOT NULL REFERENCES sessions (id),
    PRIMARY KEY (erasure_id, session_id)
);

-- For finding the audit rows that name a session.
ALTER TABLE audit_events ADD COLUMN session_ref text GENERATED ALWAYS AS ((objects::jsonb) ->> 'session') STORED;
CREATE INDEX audit_events_by_session ON audit_events (session_ref) WHERE session_ref IS NOT NULL;
-- For counting what the deletion of a list would touch.
CREATE INDEX hits_by_list ON hits (list_id);

-- Which records show a session among their matches; they are found by it when it is erased. Stays when the record goes:
-- what its session has sent meanwhile shows it too.
CREATE TABLE shown_in (
    session_id uuid NOT NULL,
    record_id uuid NOT NULL,
    holder_id uuid NOT NULL,
    PRIMARY KEY (session_id, record_id)
);
INSERT INTO shown_in (session_id, record_id, holder_id)
SELECT CAST(m ->> 'session_id' AS uuid), r.id, r.session_id FROM records r, jsonb_array_elements(r.matches::jsonb) m
WHERE r.matches <> '[]' AND m ->> 'session_id' IS NOT NULL ON CONFLICT DO NOTHING;

-- Set when what a version said was erased; the row stays, because an index may still have to follow it.
ALTER TABLE entries ADD COLUMN erased_at bigint;

-- How far retention has come with what is looked through in the order of time.
CREATE TABLE retention_marks (
    application_id uuid NOT NULL,
    kind text NOT NULL,
    reached bigint NOT NULL,
    PRIMARY KEY (application_id, kind)
);
