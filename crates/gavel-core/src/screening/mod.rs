//! Which live entries a value hits.
//!
//! An [`Index`] holds every live entry of one application in memory and never changes; [`Index::with`] makes the next
//! one from this one and a few [`Change`]s, sharing nearly all of it. A reader keeps the snapshot it started with, so
//! one answer is made of one revision of the lists, and no reader ever waits for a writer.
//!
//! Keys are dealt out to sixteen shards (`shard`). Each is a log: segments from old and large to new and small, each an
//! immutable hash table of keys (`segment`), merged as they pile up (`merge`). A removal is a tombstone in a newer segment,
//! until a merge reaches what it kills.
//!
//! Addresses are looked up by exact match too: a bitmap says which prefix lengths occur, and the address is masked to
//! each of them (`probe`). Deliberately missing: faces, which are compared by similarity and elsewhere; and the meaning of a
//! hit, which depends on the list type and is decided by the callers.

use crate::{
    entry::EntryValue,
    ids::{EntryId, ListId},
    list::ListType,
    time::Timestamp,
};

mod builder;
mod index;
mod merge;
mod probe;
mod segment;
mod shard;

pub use index::{Index, Loading};

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

/// One version of an entry, as it goes into the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRecord {
    /// The list it is in.
    pub list: ListId,
    /// What a match with that list means.
    pub list_type: ListType,
    /// The entry; an edit makes a new version with the same id.
    pub entry: EntryId,
    /// The revision of the application's lists that brought this version.
    pub added_rev: u64,
    /// From this instant on the entry is dead; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// The flood guard keeps it for a person: its match is a reason to look, not to decline.
    pub held: bool,
    /// What it matches.
    pub value: EntryValue,
}

/// A change of the lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A version of an entry is live from its revision on.
    Added(EntryRecord),
    /// The versions of the entry from before `rev` are gone. An edit is this and an `Added` of the same revision.
    Removed {
        /// The entry.
        entry: EntryId,
        /// The revision that removed it.
        rev: u64,
    },
}

/// A live entry that matches the value asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The list of the entry.
    pub list: ListId,
    /// What a match with that list means.
    pub list_type: ListType,
    /// The entry.
    pub entry: EntryId,
    /// The revision that brought the matching version.
    pub added_rev: u64,
    /// The flood guard keeps the entry for a person.
    pub held: bool,
    /// How it matches.
    pub comparison: Comparison,
}

/// How a value matches an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// Same match key.
    Equal,
    /// An address or range that lies in the wider range of the entry.
    Cidr,
}

impl Comparison {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Cidr => "cidr",
        }
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Comparison {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
