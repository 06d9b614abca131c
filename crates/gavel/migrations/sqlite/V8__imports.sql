-- A file of entries on its way into a list, and how far it has come.
CREATE TABLE imports (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL,
    list_id BLOB NOT NULL REFERENCES lists (id),
    format TEXT NOT NULL,
    dry_run INTEGER NOT NULL,
    on_error TEXT NOT NULL,
    state TEXT NOT NULL,
    rows INTEGER NOT NULL,
    added INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    message TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX imports_by_list ON imports (list_id, created_at, id);

-- What became of its rows, a batch at a time, as lines of JSON; the refused ones also as they were sent.
CREATE TABLE import_batches (
    import_id BLOB NOT NULL REFERENCES imports (id),
    ordinal INTEGER NOT NULL,
    verdicts TEXT NOT NULL,
    rejects TEXT NOT NULL,
    PRIMARY KEY (import_id, ordinal)
) STRICT;
