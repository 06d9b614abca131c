-- What the record of a user or business said, encrypted: as long as its erasure looks for it.
ALTER TABLE erasures ADD COLUMN about BLOB;
