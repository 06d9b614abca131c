-- Why an event was given up; unknown for those from before.
ALTER TABLE dead_letters ADD COLUMN reason TEXT;
