-- Mails to the people sessions are about: what to say and where to is encrypted in `sealed`.
ALTER TABLE mails ALTER COLUMN member_id DROP NOT NULL;
ALTER TABLE mails ADD COLUMN session_id uuid REFERENCES sessions (id);
CREATE INDEX mails_by_session ON mails (session_id) WHERE session_id IS NOT NULL;
