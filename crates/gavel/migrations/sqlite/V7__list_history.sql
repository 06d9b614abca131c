-- What each number of an application's lists_revision did to a list.
CREATE TABLE list_revisions (
    application_id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    list_id BLOB NOT NULL REFERENCES lists (id),
    kind TEXT NOT NULL,
    added INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (application_id, revision, list_id)
) STRICT;
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
ALTER TABLE entries ADD COLUMN held_at INTEGER;
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
ALTER TABLE lists ADD COLUMN flood_guard TEXT;

-- Hits of decisions that are not counted yet, written with the decision; a worker adds them up.
CREATE TABLE waiting_hits (
    screening_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    entry_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (screening_id, record_id, entry_id)
) STRICT;
CREATE TABLE entry_hits (
    entry_id BLOB PRIMARY KEY,
    hit_count INTEGER NOT NULL,
    last_hit_at INTEGER NOT NULL,
    -- The hours with hits since the flood guard last looked away: {"<hour since 1970>": hits}.
    hours TEXT NOT NULL
) STRICT;

-- What a record was weighed with beside its item and the lists: the sender's status and warnings, the duplicates found.
ALTER TABLE records ADD COLUMN weighed_with TEXT;
-- Sessions of a person, as lists know people.
CREATE INDEX sessions_by_vendor_folded ON sessions (application_id, vendor_folded, number) WHERE vendor_folded IS NOT NULL;
