-- A rotated secret that is still valid, and until when.
ALTER TABLE destinations ADD COLUMN previous_secret BLOB;
ALTER TABLE destinations ADD COLUMN previous_until INTEGER;
ALTER TABLE destinations ADD COLUMN paused_at INTEGER;
ALTER TABLE destinations ADD COLUMN pause_reason TEXT;
-- Start of the first attempt since which none has succeeded.
ALTER TABLE destinations ADD COLUMN failing_since INTEGER;
CREATE UNIQUE INDEX destinations_by_single_url ON destinations (application_id) WHERE is_single_url AND deleted_at IS NULL;

-- Events that were given up at a destination. The id is the event_id the receiver saw.
CREATE TABLE dead_letters (
    id BLOB PRIMARY KEY,
    event_id BLOB NOT NULL REFERENCES events (id),
    destination_id BLOB NOT NULL REFERENCES destinations (id),
    attempts INTEGER NOT NULL,
    given_up_at INTEGER NOT NULL
) STRICT;
CREATE INDEX dead_letters_by_destination ON dead_letters (destination_id, given_up_at, id);
CREATE INDEX dead_letters_by_event ON dead_letters (event_id);
CREATE INDEX dead_letters_by_time ON dead_letters (given_up_at);
CREATE INDEX outbox_by_event ON outbox (event_id);
CREATE INDEX deliveries_by_event ON deliveries (event_id);
CREATE INDEX deliveries_by_time ON deliveries (created_at);
CREATE INDEX events_by_age ON events (created_at);
