-- What the record of a user or business said, encrypted: as long as its erasure looks for it.
ALTER TABLE erasures ADD COLUMN about bytea;

-- Users and businesses that were deleted, by the SHA-256 of their vendor_data: an erasure finds by it what still names them.
CREATE TABLE former_subjects (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications (id),
    name_digest bytea NOT NULL
);
CREATE INDEX former_subjects_by_name ON former_subjects (application_id, name_digest);
