//! One immutable run of the log: rows, their keys, a hash table over them, and tombstones for older segments.
//!
//! Rows are sorted by entry and revision, so the versions of an entry are found without a second table. Rows with
//! equal keys form a chain through `next`; the table holds the head of each chain. A row is 48 bytes, its key about 20,
//! its share of the table 6 to 11; nothing is allocated per row.

use std::mem::size_of;

use hashbrown::HashTable;

use super::probe::PrefixLengths;
use crate::{
    ids::{EntryId, ListId},
    list::ListType,
    time::Timestamp,
};

/// The end of a chain.
pub(super) const NONE: u32 = u32::MAX;

/// One version of an entry.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) entry: EntryId,
    pub(super) added_rev: u64,
    /// Microseconds; `i64::MAX`, beyond every timestamp, means never.
    pub(super) expires_at: i64,
    pub(super) key: KeyRange,
    pub(super) list: ListNumber,
    /// The next row with the same key.
    pub(super) next: u32,
}

impl Row {
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now.as_micros()
    }
}

/// Into `lists` of the segment; the highest bit says that the entry is held.
#[derive(Clone, Copy)]
pub(super) struct ListNumber(u32);

impl ListNumber {
    const HELD: u32 = 1 << 31;

    pub(super) fn new(number: u32, held: bool) -> Self {
        Self(if held { number | Self::HELD } else { number })
    }

    pub(super) fn number(self) -> u32 {
        self.0 & !Self::HELD
    }

    pub(super) fn is_held(self) -> bool {
        self.0 & Self::HELD != 0
    }
}

/// Where in the arena a key lies: 56 bits of start, 8 of length.
#[derive(Clone, Copy)]
pub(super) struct KeyRange(u64);

impl KeyRange {
    pub(super) fn new(start: usize, len: u8) -> Self {
        Self((start as u64) << 8 | u64::from(len))
    }

    pub(super) fn of(self, keys: &[u8]) -> &[u8] {
        let start = (self.0 >> 8) as usize;
        &keys[start..start + (self.0 & 0xff) as usize]
    }
}

/// The versions of `entry` from before `rev`, in older segments, are gone.
#[derive(Clone, Copy)]
pub(super) struct Tombstone {
    pub(super) entry: EntryId,
    pub(super) rev: u64,
}

/// See the module.
pub(super) struct Segment {
    /// By entry, then revision.
    pub(super) rows: Box<[Row]>,
    pub(super) keys: Box<[u8]>,
    pub(super) table: HashTable<u32>,
    pub(super) lists: Box<[(ListId, ListType)]>,
    /// By entry; one for each.
    pub(super) tombstones: Box<[Tombstone]>,
    pub(super) prefix_lengths: PrefixLengths,
}

impl Segment {
    /// The rows stored under a key.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> impl Iterator<Item = &Row> {
        let head = self.table.find(hash, |&slot| self.rows[slot as usize].key.of(&self.keys) == key);
        let mut slot = head.copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let row = (slot != NONE).then(|| &self.rows[slot as usize])?;
            slot = row.next;
            Some(row)
        })
    }

    /// The versions of an entry, oldest first.
    pub(super) fn versions(&self, entry: EntryId) -> &[Row] {
        let from = self.rows.partition_point(|row| row.entry < entry);
        let count = self.rows[from..].iter().take_while(|row| row.entry == entry).count();
        &self.rows[from..from + count]
    }

    /// Whether a tombstone here kills an older segment's version.
    pub(super) fn kills(&self, entry: EntryId, added_rev: u64) -> bool {
        let found = self.tombstones.binary_search_by_key(&entry, |tombstone| tombstone.entry);
        found.is_ok_and(|at| added_rev < self.tombstones[at].rev)
    }

    pub(super) fn list_of(&self, row: &Row) -> (ListId, ListType) {
        self.lists[row.list.number() as usize]
    }

    pub(super) fn key_of(&self, row: &Row) -> &[u8] {
        row.key.of(&self.keys)
    }

    /// What a merge of this segment has to look at.
    pub(super) fn weight(&self) -> usize {
        self.rows.len() + self.tombstones.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&*self.rows)
            + self.keys.len()
            + self.table.allocation_size()
            + size_of_val(&*self.lists)
            + size_of_val(&*self.tombstones)
    }
}
