-- Members are told of destinations that pause themselves, once per pause: a notice is about a row of a session's feed or about
-- a destination.
ALTER TABLE members ADD COLUMN notify_webhook text NOT NULL DEFAULT 'email';
ALTER TABLE notifications ALTER COLUMN session_id DROP NOT NULL;
ALTER TABLE notifications ALTER COLUMN activity_id DROP NOT NULL;
ALTER TABLE notifications ADD COLUMN destination_id uuid REFERENCES destinations (id);
ALTER TABLE notifications ADD CONSTRAINT notifications_are_about_one
    CHECK ((session_id IS NULL) = (activity_id IS NULL) AND (session_id IS NULL) <> (destination_id IS NULL));
CREATE UNIQUE INDEX notifications_by_pause ON notifications (destination_id, member_id, created_at) WHERE destination_id IS NOT NULL;
