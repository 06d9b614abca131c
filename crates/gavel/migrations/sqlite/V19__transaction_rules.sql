-- Rules over transactions, what they answered, and the tags they put on.
CREATE TABLE transaction_rules (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    -- Rules run in this order: that of their creation.
    position INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    category TEXT NOT NULL,
    mode TEXT NOT NULL,
    evaluation_mode TEXT NOT NULL,
    -- JSON as answered.
    scope TEXT NOT NULL,
    conditions TEXT NOT NULL,
    aggregations TEXT NOT NULL,
    actions TEXT NOT NULL,
    metadata TEXT NOT NULL,
    severity TEXT,
    -- Of rules that come from the library.
    library_key TEXT,
    bundle TEXT,
    -- How often it ran, and what became of the transactions it matched.
    run_count INTEGER NOT NULL,
    approved_count INTEGER NOT NULL,
    reviewed_count INTEGER NOT NULL,
    declined_count INTEGER NOT NULL,
    awaiting_user_count INTEGER NOT NULL,
    latest_triggered_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX transaction_rules_by_position ON transaction_rules (application_id, position);
CREATE UNIQUE INDEX transaction_rules_by_title ON transaction_rules (application_id, title);
CREATE UNIQUE INDEX transaction_rules_by_library_key ON transaction_rules (application_id, library_key) WHERE library_key IS NOT NULL;

-- What a rule answered about a transaction. It keeps what the rule was then; the rule itself may be gone.
CREATE TABLE transaction_rule_runs (
    id BLOB PRIMARY KEY,
    transaction_id BLOB NOT NULL REFERENCES transactions (id),
    ordinal INTEGER NOT NULL,
    rule_id BLOB NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    category TEXT NOT NULL,
    mode TEXT NOT NULL,
    matched INTEGER NOT NULL,
    severity TEXT,
    score_delta INTEGER NOT NULL,
    status_target TEXT,
    action_summary TEXT,
    -- JSON: what every condition and aggregation saw. Null once the transaction is erased.
    explanation TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX transaction_rule_runs_by_transaction ON transaction_rule_runs (transaction_id, ordinal);
CREATE INDEX transaction_rule_runs_by_rule ON transaction_rule_runs (rule_id, created_at) WHERE matched = 1;

-- Tags of an application for its transactions; two spellings of a name are one.
CREATE TABLE transaction_tags (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    color TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX transaction_tags_by_name ON transaction_tags (application_id, name_key);
CREATE TABLE transaction_tag_uses (
    transaction_id BLOB NOT NULL REFERENCES transactions (id),
    ordinal INTEGER NOT NULL,
    tag_id BLOB NOT NULL REFERENCES transaction_tags (id),
    PRIMARY KEY (transaction_id, ordinal)
) STRICT;

INSERT INTO counters (application_id, name, value) SELECT id, 'rules_revision', 0 FROM applications;

-- A subject's transactions in the order in which rules read them.
DROP INDEX transactions_by_subject;
CREATE INDEX transactions_by_subject ON transactions (application_id, subject_vendor_data, txn_date, number);
