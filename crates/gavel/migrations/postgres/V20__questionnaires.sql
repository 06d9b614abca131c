-- Versions of questionnaires: what people are asked, in order. As for workflows, a group has at most one draft.
CREATE TABLE questionnaires (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL,
    application_id uuid NOT NULL REFERENCES applications (id),
    version bigint NOT NULL,
    status text NOT NULL,
    title text NOT NULL,
    description text,
    -- JSON array of codes.
    languages text NOT NULL,
    default_language text NOT NULL,
    is_active boolean NOT NULL,
    -- JSON array of elements.
    form text NOT NULL,
    published_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    UNIQUE (group_id, version)
);
CREATE INDEX questionnaires_by_application ON questionnaires (application_id, group_id, version);
