-- Transactions: money that moves between a user or business and somebody else.
CREATE TABLE transactions (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    number bigint NOT NULL,
    -- The caller's own id of it.
    txn_id text NOT NULL,
    -- Moves by one with every event; orders them.
    version bigint NOT NULL,
    category text NOT NULL,
    action_type text NOT NULL,
    source text NOT NULL,
    status text NOT NULL,
    direction text NOT NULL,
    -- With the digits sent; and as units of 10^-18 in four limbs of nine digits, the lowest first, for exact sums.
    amount text NOT NULL,
    amount_0 bigint NOT NULL,
    amount_1 bigint NOT NULL,
    amount_2 bigint NOT NULL,
    amount_3 bigint NOT NULL,
    currency text NOT NULL,
    currency_type text,
    default_amount text,
    default_amount_0 bigint,
    default_amount_1 bigint,
    default_amount_2 bigint,
    default_amount_3 bigint,
    default_currency text,
    payment_details text,
    payment_txn_id text,
    zone_id text,
    txn_date bigint NOT NULL,
    score bigint NOT NULL,
    severity text,
    reason_code text,
    reason_label text,
    -- 'user' or 'business'.
    subject_kind text NOT NULL,
    subject_vendor_data text,
    subject_name text,
    subject_country text,
    counterparty_vendor_data text,
    counterparty_name text,
    counterparty_country text,
    -- JSON as answered: parties, their payment methods, the caller's free objects.
    parties text NOT NULL,
    payment_methods text NOT NULL,
    props text NOT NULL,
    network_snapshot text,
    -- JSON: what conditions of rules see.
    facts text NOT NULL,
    -- The session the subject was sent to.
    remediation_session_id uuid,
    -- Which lists it was decided by, at which instant.
    lists_revision bigint NOT NULL,
    evaluated_at bigint NOT NULL,
    created_at bigint NOT NULL,
    erased_at bigint
);
CREATE UNIQUE INDEX transactions_by_number ON transactions (application_id, number);
CREATE UNIQUE INDEX transactions_by_txn_id ON transactions (application_id, txn_id);
CREATE INDEX transactions_by_date ON transactions (application_id, txn_date, number);
CREATE INDEX transactions_by_subject ON transactions (application_id, subject_vendor_data, txn_date);
CREATE INDEX transactions_by_counterparty ON transactions (application_id, counterparty_vendor_data)
    WHERE counterparty_vendor_data IS NOT NULL;

-- Normalised values of the parties, as they were screened.
CREATE TABLE transaction_signals (
    transaction_id uuid NOT NULL REFERENCES transactions (id),
    side text NOT NULL,
    entry_type text NOT NULL,
    application_id uuid NOT NULL,
    value text NOT NULL,
    match_key text NOT NULL,
    key_digest bytea NOT NULL,
    -- 16 ordered bytes, IPv4 as mapped IPv6; null for other types.
    address bytea,
    created_at bigint NOT NULL,
    PRIMARY KEY (transaction_id, side, entry_type)
);
CREATE INDEX transaction_signals_by_key ON transaction_signals (application_id, entry_type, key_digest, created_at);
CREATE INDEX transaction_signals_by_address ON transaction_signals (application_id, address) WHERE address IS NOT NULL;

-- Entries the values matched.
CREATE TABLE transaction_hits (
    transaction_id uuid NOT NULL REFERENCES transactions (id),
    side text NOT NULL,
    entry_type text NOT NULL,
    entry_id uuid NOT NULL,
    entry_added_rev bigint NOT NULL,
    list_id uuid NOT NULL,
    comparison text NOT NULL,
    held boolean NOT NULL,
    PRIMARY KEY (transaction_id, side, entry_type, entry_id)
);
CREATE INDEX transaction_hits_by_entry ON transaction_hits (entry_id);
CREATE INDEX transaction_hits_by_list ON transaction_hits (list_id);

-- What a person should know of a transaction. Nothing here is about somebody: lists and entries are named by id.
CREATE TABLE transaction_alerts (
    id uuid PRIMARY KEY,
    transaction_id uuid NOT NULL REFERENCES transactions (id),
    ordinal bigint NOT NULL,
    title text NOT NULL,
    description text,
    severity text NOT NULL,
    status text NOT NULL,
    source text NOT NULL,
    metadata text NOT NULL,
    created_at bigint NOT NULL,
    due_at bigint
);
CREATE UNIQUE INDEX transaction_alerts_by_transaction ON transaction_alerts (transaction_id, ordinal);

-- What happened to a transaction: a skeleton that never changes, and beside it what was said, which an erasure deletes.
CREATE TABLE transaction_activities (
    id uuid PRIMARY KEY,
    transaction_id uuid NOT NULL REFERENCES transactions (id),
    ordinal bigint NOT NULL,
    activity_type text NOT NULL,
    source text NOT NULL,
    status text,
    occurred_at bigint NOT NULL
);
CREATE UNIQUE INDEX transaction_activities_by_transaction ON transaction_activities (transaction_id, ordinal);
CREATE TABLE transaction_activity_values (
    activity_id uuid PRIMARY KEY REFERENCES transaction_activities (id),
    title text,
    description text,
    metadata text NOT NULL
);
CREATE TRIGGER transaction_activities_immutable BEFORE UPDATE OR DELETE ON transaction_activities FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transaction_activities_no_truncate BEFORE TRUNCATE ON transaction_activities FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transaction_activity_values_immutable BEFORE UPDATE ON transaction_activity_values FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transaction_activity_values_no_truncate BEFORE TRUNCATE ON transaction_activity_values FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The transactions an erasure is about, and which of the two parties is erased.
CREATE TABLE erasure_transactions (
    erasure_id uuid NOT NULL REFERENCES erasures (id),
    transaction_id uuid NOT NULL REFERENCES transactions (id),
    side text NOT NULL,
    PRIMARY KEY (erasure_id, transaction_id, side)
);

INSERT INTO counters (application_id, name, value) SELECT id, 'transaction_number', 0 FROM applications;

-- From which scores on a transaction goes to review, and is declined.
ALTER TABLE applications ADD COLUMN transaction_review_score bigint NOT NULL DEFAULT 50;
ALTER TABLE applications ADD COLUMN transaction_decline_score bigint NOT NULL DEFAULT 80;
