-- How often a job has failed at the place where it stands: one that does so again and again ends, and leaves the way free.
ALTER TABLE session_imports ADD COLUMN tries bigint NOT NULL DEFAULT 0;
