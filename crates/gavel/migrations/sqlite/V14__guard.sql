-- What becomes of approved sessions that have shown a value newly blocked: `report`, `review`; null: nothing.
ALTER TABLE applications ADD COLUMN sweep TEXT;
-- JSON: months after which values go, by kind. Those of sessions stand in `data_retention_months`.
ALTER TABLE applications ADD COLUMN retention TEXT;

-- The person who made the key, where it was made by one.
ALTER TABLE api_keys ADD COLUMN created_by BLOB;

-- JSON: whether changes need another person; null: they do not.
ALTER TABLE lists ADD COLUMN approval TEXT;

-- Changes of a list that wait for another person, or have waited.
CREATE TABLE proposals (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    list_id BLOB NOT NULL REFERENCES lists (id),
    state TEXT NOT NULL,
    comment TEXT NOT NULL,
    -- JSON, as sent but for what nobody asked for.
    changes TEXT NOT NULL,
    change_count INTEGER NOT NULL,
    proposer_type TEXT NOT NULL,
    proposer_id BLOB,
    -- The person behind the proposer: themselves, or who made the key.
    proposer_person BLOB,
    proposer_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    decider_type TEXT,
    decider_id BLOB,
    decider_name TEXT,
    decision_comment TEXT,
    decided_at INTEGER,
    -- The revision an approved one became.
    revision INTEGER
) STRICT;
CREATE INDEX proposals_by_list ON proposals (list_id, created_at, id);
CREATE INDEX proposals_by_application ON proposals (application_id, id);

-- A look at past sessions after additions to a blocklist, and how far it has come.
CREATE TABLE sweeps (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    list_id BLOB NOT NULL REFERENCES lists (id),
    mode TEXT NOT NULL,
    import_id BLOB,
    entries INTEGER NOT NULL,
    found INTEGER NOT NULL,
    reviewed INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    leased_until INTEGER NOT NULL
) STRICT;
CREATE INDEX sweeps_by_list ON sweeps (list_id, created_at, id);
CREATE INDEX sweeps_running ON sweeps (created_at, id) WHERE finished_at IS NULL;

-- The revisions whose additions a sweep looks at, and the last entry of each it has done with.
CREATE TABLE sweep_parts (
    sweep_id BLOB NOT NULL REFERENCES sweeps (id),
    revision INTEGER NOT NULL,
    done_entry BLOB,
    is_done INTEGER NOT NULL,
    PRIMARY KEY (sweep_id, revision)
) STRICT;

-- The sessions a sweep has found, once each, and the first entry it found them by.
CREATE TABLE sweep_items (
    sweep_id BLOB NOT NULL REFERENCES sweeps (id),
    session_id BLOB NOT NULL REFERENCES sessions (id),
    entry_id BLOB NOT NULL,
    outcome TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (sweep_id, session_id)
) STRICT;
CREATE INDEX sweep_items_by_time ON sweep_items (sweep_id, at, session_id);

-- Set when what the session held of a person was erased; it is deleted as well then.
ALTER TABLE sessions ADD COLUMN erased_at INTEGER;
CREATE INDEX sessions_by_age ON sessions (application_id, created_at, id) WHERE erased_at IS NULL;

-- An erasure: how far it has come and, in the end, the receipt. Nothing in it says who was erased.
CREATE TABLE erasures (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    -- `subject`, `session` or `retention`.
    kind TEXT NOT NULL,
    list_entries INTEGER NOT NULL,
    stage TEXT NOT NULL,
    -- Where the stage goes on.
    place TEXT NOT NULL,
    -- JSON: how much of what was removed.
    counts TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id BLOB,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    leased_until INTEGER NOT NULL
) STRICT;
CREATE INDEX erasures_running ON erasures (created_at, id) WHERE finished_at IS NULL;
CREATE INDEX erasures_by_time ON erasures (application_id, created_at, id);

CREATE TABLE erasure_sessions (
    erasure_id BLOB NOT NULL REFERENCES erasures (id),
    session_id BLOB NOT NULL REFERENCES sessions (id),
    PRIMARY KEY (erasure_id, session_id)
) STRICT;

-- For finding the audit rows that name a session.
ALTER TABLE audit_events ADD COLUMN session_ref TEXT GENERATED ALWAYS AS (json_extract(objects, '$.session')) VIRTUAL;
CREATE INDEX audit_events_by_session ON audit_events (session_ref) WHERE session_ref IS NOT NULL;
-- For counting what the deletion of a list would touch.
CREATE INDEX hits_by_list ON hits (list_id);

-- Which records show a session among their matches; they are found by it when it is erased. Stays when the record goes:
-- what its session has sent meanwhile shows it too.
CREATE TABLE shown_in (
    session_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    holder_id BLOB NOT NULL,
    PRIMARY KEY (session_id, record_id)
) STRICT;
INSERT INTO shown_in (session_id, record_id, holder_id)
SELECT unhex(replace(json_extract(m.value, '$.session_id'), '-', '')), r.id, r.session_id FROM records r, json_each(r.matches) m
WHERE r.matches <> '[]' AND json_extract(m.value, '$.session_id') IS NOT NULL ON CONFLICT DO NOTHING;

-- Set when what a version said was erased; the row stays, because an index may still have to follow it.
ALTER TABLE entries ADD COLUMN erased_at INTEGER;

-- How far retention has come with what is looked through in the order of time.
CREATE TABLE retention_marks (
    application_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    reached INTEGER NOT NULL,
    PRIMARY KEY (application_id, kind)
) STRICT;
