-- Transactions: money that moves between a user or business and somebody else.
CREATE TABLE transactions (
    id BLOB PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    number INTEGER NOT NULL,
    -- The caller's own id of it.
    txn_id TEXT NOT NULL,
    -- Moves by one with every event; orders them.
    version INTEGER NOT NULL,
    category TEXT NOT NULL,
    action_type TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    direction TEXT NOT NULL,
    -- With the digits sent; and as units of 10^-18 in four limbs of nine digits, the lowest first, for exact sums.
    amount TEXT NOT NULL,
    amount_0 INTEGER NOT NULL,
    amount_1 INTEGER NOT NULL,
    amount_2 INTEGER NOT NULL,
    amount_3 INTEGER NOT NULL,
    currency TEXT NOT NULL,
    currency_type TEXT,
    default_amount TEXT,
    default_amount_0 INTEGER,
    default_amount_1 INTEGER,
    default_amount_2 INTEGER,
    default_amount_3 INTEGER,
    default_currency TEXT,
    payment_details TEXT,
    payment_txn_id TEXT,
    zone_id TEXT,
    txn_date INTEGER NOT NULL,
    score INTEGER NOT NULL,
    severity TEXT,
    reason_code TEXT,
    reason_label TEXT,
    -- 'user' or 'business'.
    subject_kind TEXT NOT NULL,
    subject_vendor_data TEXT,
    subject_name TEXT,
    subject_country TEXT,
    counterparty_vendor_data TEXT,
    counterparty_name TEXT,
    counterparty_country TEXT,
    -- JSON as answered: parties, their payment methods, the caller's free objects.
    parties TEXT NOT NULL,
    payment_methods TEXT NOT NULL,
    props TEXT NOT NULL,
    network_snapshot TEXT,
    -- JSON: what conditions of rules see.
    facts TEXT NOT NULL,
    -- The session the subject was sent to.
    remediation_session_id BLOB,
    -- Which lists it was decided by, at which instant.
    lists_revision INTEGER NOT NULL,
    evaluated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    erased_at INTEGER
) STRICT;
CREATE UNIQUE INDEX transactions_by_number ON transactions (application_id, number);
CREATE UNIQUE INDEX transactions_by_txn_id ON transactions (application_id, txn_id);
CREATE INDEX transactions_by_date ON transactions (application_id, txn_date, number);
CREATE INDEX transactions_by_subject ON transactions (application_id, subject_vendor_data, txn_date);
CREATE INDEX transactions_by_counterparty ON transactions (application_id, counterparty_vendor_data)
    WHERE counterparty_vendor_data IS NOT NULL;

-- Normalised values of the parties, as they were screened.
CREATE TABLE transaction_signals (
    transaction_id BLOB NOT NULL REFERENCES transactions (id),
    side TEXT NOT NULL,
    entry_type TEXT NOT NULL,
    application_id BLOB NOT NULL,
    value TEXT NOT NULL,
    match_key TEXT NOT NULL,
    key_digest BLOB NOT NULL,
    -- 16 ordered bytes, IPv4 as mapped IPv6; null for other types.
    address BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (transaction_id, side, entry_type)
) STRICT;
CREATE INDEX transaction_signals_by_key ON transaction_signals (application_id, entry_type, key_digest, created_at);
CREATE INDEX transaction_signals_by_address ON transaction_signals (application_id, address) WHERE address IS NOT NULL;

-- Entries the values matched.
CREATE TABLE transaction_hits (
    transaction_id BLOB NOT NULL REFERENCES transactions (id),
    side TEXT NOT NULL,
    entry_type TEXT NOT NULL,
    entry_id BLOB NOT NULL,
    entry_added_rev INTEGER NOT NULL,
    list_id BLOB NOT NULL,
    comparison TEXT NOT NULL,
    held INTEGER NOT NULL,
    PRIMARY KEY (transaction_id, side, entry_type, entry_id)
) STRICT;
CREATE INDEX transaction_hits_by_entry ON transaction_hits (entry_id);
CREATE INDEX transaction_hits_by_list ON transaction_hits (list_id);

-- What a person should know of a transaction. Nothing here is about somebody: lists and entries are named by id.
CREATE TABLE transaction_alerts (
    id BLOB PRIMARY KEY,
    transaction_id BLOB NOT NULL REFERENCES transactions (id),
    ordinal INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    severity TEXT NOT NULL,
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER
) STRICT;
CREATE UNIQUE INDEX transaction_alerts_by_transaction ON transaction_alerts (transaction_id, ordinal);

-- What happened to a transaction: a skeleton that never changes, and beside it what was said, which an erasure deletes.
CREATE TABLE transaction_activities (
    id BLOB PRIMARY KEY,
    transaction_id BLOB NOT NULL REFERENCES transactions (id),
    ordinal INTEGER NOT NULL,
    activity_type TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT,
    occurred_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX transaction_activities_by_transaction ON transaction_activities (transaction_id, ordinal);
CREATE TABLE transaction_activity_values (
    activity_id BLOB PRIMARY KEY REFERENCES transaction_activities (id),
    title TEXT,
    description TEXT,
    metadata TEXT NOT NULL
) STRICT;
CREATE TRIGGER transaction_activities_no_update BEFORE UPDATE ON transaction_activities BEGIN SELECT RAISE(ABORT, 'transaction_activities rows are immutable'); END;
CREATE TRIGGER transaction_activities_no_delete BEFORE DELETE ON transaction_activities BEGIN SELECT RAISE(ABORT, 'transaction_activities rows are immutable'); END;
CREATE TRIGGER transaction_activity_values_no_update BEFORE UPDATE ON transaction_activity_values BEGIN SELECT RAISE(ABORT, 'transaction_activity_values rows are immutable'); END;

-- The transactions an erasure is about, and which of the two parties is erased.
CREATE TABLE erasure_transactions (
    erasure_id BLOB NOT NULL REFERENCES erasures (id),
    transaction_id BLOB NOT NULL REFERENCES transactions (id),
    side TEXT NOT NULL,
    PRIMARY KEY (erasure_id, transaction_id, side)
) STRICT;

INSERT INTO counters (application_id, name, value) SELECT id, 'transaction_number', 0 FROM applications;

-- From which scores on a transaction goes to review, and is declined.
ALTER TABLE applications ADD COLUMN transaction_review_score INTEGER NOT NULL DEFAULT 50;
ALTER TABLE applications ADD COLUMN transaction_decline_score INTEGER NOT NULL DEFAULT 80;
