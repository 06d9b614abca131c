-- Which application has made its copy of which session: each at most once.
CREATE TABLE shares (
    original_id uuid NOT NULL REFERENCES sessions (id),
    application_id uuid NOT NULL REFERENCES applications (id),
    copy_id uuid NOT NULL REFERENCES sessions (id),
    created_at bigint NOT NULL,
    PRIMARY KEY (original_id, application_id)
);
