-- A file of entries on its way into a list, and how far it has come.
CREATE TABLE imports (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    list_id uuid NOT NULL REFERENCES lists (id),
    format text NOT NULL,
    dry_run boolean NOT NULL,
    on_error text NOT NULL,
    state text NOT NULL,
    rows bigint NOT NULL,
    added bigint NOT NULL,
    duplicates bigint NOT NULL,
    refused bigint NOT NULL,
    message text NOT NULL,
    made_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    finished_at bigint
);
CREATE INDEX imports_by_list ON imports (list_id, created_at, id);

-- What became of its rows, a batch at a time, as lines of JSON; the refused ones also as they were sent.
CREATE TABLE import_batches (
    import_id uuid NOT NULL REFERENCES imports (id),
    ordinal bigint NOT NULL,
    verdicts text NOT NULL,
    rejects text NOT NULL,
    PRIMARY KEY (import_id, ordinal)
);
