-- Rules over transactions, what they answered, and the tags they put on.
CREATE TABLE transaction_rules (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    -- Rules run in this order: that of their creation.
    position bigint NOT NULL,
    title text NOT NULL,
    description text,
    category text NOT NULL,
    mode text NOT NULL,
    evaluation_mode text NOT NULL,
    -- JSON as answered.
    scope text NOT NULL,
    conditions text NOT NULL,
    aggregations text NOT NULL,
    actions text NOT NULL,
    metadata text NOT NULL,
    severity text,
    -- Of rules that come from the library.
    library_key text,
    bundle text,
    -- How often it ran, and what became of the transactions it matched.
    run_count bigint NOT NULL,
    approved_count bigint NOT NULL,
    reviewed_count bigint NOT NULL,
    declined_count bigint NOT NULL,
    awaiting_user_count bigint NOT NULL,
    latest_triggered_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX transaction_rules_by_position ON transaction_rules (application_id, position);
CREATE UNIQUE INDEX transaction_rules_by_title ON transaction_rules (application_id, title);
CREATE UNIQUE INDEX transaction_rules_by_library_key ON transaction_rules (application_id, library_key) WHERE library_key IS NOT NULL;

-- What a rule answered about a transaction. It keeps what the rule was then; the rule itself may be gone.
CREATE TABLE transaction_rule_runs (
    id uuid PRIMARY KEY,
    transaction_id uuid NOT NULL REFERENCES transactions (id),
    ordinal bigint NOT NULL,
    rule_id uuid NOT NULL,
    title text NOT NULL,
    description text,
    category text NOT NULL,
    mode text NOT NULL,
    matched boolean NOT NULL,
    severity text,
    score_delta bigint NOT NULL,
    status_target text,
    action_summary text,
    -- JSON: what every condition and aggregation saw. Null once the transaction is erased.
    explanation text,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX transaction_rule_runs_by_transaction ON transaction_rule_runs (transaction_id, ordinal);
CREATE INDEX transaction_rule_runs_by_rule ON transaction_rule_runs (rule_id, created_at) WHERE matched;

-- Tags of an application for its transactions; two spellings of a name are one.
CREATE TABLE transaction_tags (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    name_key text NOT NULL,
    name text NOT NULL,
    color text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX transaction_tags_by_name ON transaction_tags (application_id, name_key);
CREATE TABLE transaction_tag_uses (
    transaction_id uuid NOT NULL REFERENCES transactions (id),
    ordinal bigint NOT NULL,
    tag_id uuid NOT NULL REFERENCES transaction_tags (id),
    PRIMARY KEY (transaction_id, ordinal)
);

INSERT INTO counters (application_id, name, value) SELECT id, 'rules_revision', 0 FROM applications;

-- A subject's transactions in the order in which rules read them.
DROP INDEX transactions_by_subject;
CREATE INDEX transactions_by_subject ON transactions (application_id, subject_vendor_data, txn_date, number);
