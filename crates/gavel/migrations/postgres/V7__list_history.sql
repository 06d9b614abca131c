-- What each number of an application's lists_revision did to a list.
CREATE TABLE list_revisions (
    application_id uuid NOT NULL,
    revision bigint NOT NULL,
    list_id uuid NOT NULL REFERENCES lists (id),
    kind text NOT NULL,
    added bigint NOT NULL,
    removed bigint NOT NULL,
    changed bigint NOT NULL,
    made_by text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (application_id, revision, list_id)
);
CREATE INDEX list_revisions_by_list ON list_revisions (list_id, revision);
CREATE INDEX list_revisions_by_time ON list_revisions (application_id, at, revision);
INSERT INTO list_revisions (application_id, revision, list_id, kind, added, removed, changed, made_by, at)
SELECT application_id, rev, list_id, CASE WHEN sum(added) > 0 THEN 'entry.added' ELSE 'entry.removed' END,
    sum(added), sum(removed), 0, '', max(at)
FROM (
    SELECT application_id, added_rev AS rev, list_id, 1 AS added, 0 AS removed, created_at AS at FROM entries
    UNION ALL
    SELECT application_id, removed_rev, list_id, 0, 1, removed_at FROM entries WHERE removed_rev IS NOT NULL
) AS changes
GROUP BY application_id, rev, list_id;

-- Set while the flood guard keeps the entry for a person to look at.
ALTER TABLE entries ADD COLUMN held_at bigint;
DROP INDEX entries_by_added;
CREATE INDEX entries_by_added ON entries (application_id, added_rev, id);
DROP INDEX entries_by_removed;
CREATE INDEX entries_by_removed ON entries (application_id, removed_rev, version_id) WHERE removed_rev IS NOT NULL;
CREATE INDEX entries_by_list ON entries (list_id, added_rev, id);
CREATE INDEX entries_removed_by_key ON entries (list_id, key_digest) WHERE removed_rev IS NOT NULL;
-- For what follows from an expiry.
CREATE INDEX entries_by_instant ON entries (expires_at) WHERE removed_rev IS NULL AND expires_at IS NOT NULL;
-- All versions of an entry.
CREATE INDEX entries_removed_by_id ON entries (id) WHERE removed_rev IS NOT NULL;

-- JSON: when an entry hits so often that a person should look; null: never.
ALTER TABLE lists ADD COLUMN flood_guard text;

-- Hits of decisions that are not counted yet, written with the decision; a worker adds them up.
CREATE TABLE waiting_hits (
    screening_id uuid NOT NULL,
    record_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (screening_id, record_id, entry_id)
);
CREATE TABLE entry_hits (
    entry_id uuid PRIMARY KEY,
    hit_count bigint NOT NULL,
    last_hit_at bigint NOT NULL,
    -- The hours with hits since the flood guard last looked away: {"<hour since 1970>": hits}.
    hours text NOT NULL
);

-- What a record was weighed with beside its item and the lists: the sender's status and warnings, the duplicates found.
ALTER TABLE records ADD COLUMN weighed_with text;
-- Sessions of a person, as lists know people.
CREATE INDEX sessions_by_vendor_folded ON sessions (application_id, vendor_folded, number) WHERE vendor_folded IS NOT NULL;
