-- A rotated secret that is still valid, and until when.
ALTER TABLE destinations ADD COLUMN previous_secret bytea;
ALTER TABLE destinations ADD COLUMN previous_until bigint;
ALTER TABLE destinations ADD COLUMN paused_at bigint;
ALTER TABLE destinations ADD COLUMN pause_reason text;
-- Start of the first attempt since which none has succeeded.
ALTER TABLE destinations ADD COLUMN failing_since bigint;
CREATE UNIQUE INDEX destinations_by_single_url ON destinations (application_id) WHERE is_single_url AND deleted_at IS NULL;

-- Events that were given up at a destination. The id is the event_id the receiver saw.
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES events (id),
    destination_id uuid NOT NULL REFERENCES destinations (id),
    attempts bigint NOT NULL,
    given_up_at bigint NOT NULL
);
CREATE INDEX dead_letters_by_destination ON dead_letters (destination_id, given_up_at, id);
CREATE INDEX dead_letters_by_event ON dead_letters (event_id);
CREATE INDEX dead_letters_by_time ON dead_letters (given_up_at);
CREATE INDEX outbox_by_event ON outbox (event_id);
CREATE INDEX deliveries_by_event ON deliveries (event_id);
CREATE INDEX deliveries_by_time ON deliveries (created_at);
CREATE INDEX events_by_age ON events (created_at);
