//! Makes a segment of rows that come in any order.

use std::collections::BTreeMap;

use hashbrown::HashTable;

use super::{
    EntryRecord,
    probe::{KeyedHash, PrefixLengths, Probe},
    segment::{KeyRange, ListNumber, NONE, Row, Segment, Tombstone},
};
use crate::{
    ids::{EntryId, ListId},
    list::ListType,
    time::Timestamp,
};

/// The parts of a segment before it is sorted and hashed.
#[derive(Default)]
pub(super) struct Builder {
    rows: Vec<Row>,
    keys: Vec<u8>,
    lists: Vec<(ListId, ListType)>,
    list_numbers: BTreeMap<ListId, u32>,
    tombstones: Vec<Tombstone>,
    prefix_lengths: PrefixLengths,
}

impl Builder {
    pub(super) fn with_capacity(rows: usize, key_bytes: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), keys: Vec::with_capacity(key_bytes), ..Self::default() }
    }

    /// Takes a record as it comes from outside.
    pub(super) fn push_record(&mut self, record: &EntryRecord, probe: &Probe) {
        let row = Row {
            entry: record.entry,
            added_rev: record.added_rev,
            expires_at: record.expires_at.map_or(i64::MAX, Timestamp::as_micros),
            key: KeyRange::new(0, 0),
            list: ListNumber::new(0, record.held),
            next: NONE,
        };
        self.push_row(row, (record.list, record.list_type), probe.bytes());
    }

    /// Takes a row of another segment. Its key, list and chain are replaced by those of this one.
    pub(super) fn push_row(&mut self, row: Row, (list, list_type): (ListId, ListType), key: &[u8]) {
        let number = match self.rows.last() {
            // Entries of one list tend to come together.
            Some(before) if self.lists[before.list.number() as usize].0 == list => before.list.number(),
            _ => self.number_of(list, list_type),
        };
        self.prefix_lengths.note(key);
        let range = KeyRange::new(self.keys.len(), key.len() as u8); // A probe is never longer than 255 bytes.
        self.keys.extend_from_slice(key);
        self.rows.push(Row { key: range, list: ListNumber::new(number, row.list.is_held()), next: NONE, ..row });
    }

    /// Takes a tombstone for older segments.
    pub(super) fn push_tombstone(&mut self, entry: EntryId, rev: u64) {
        self.tombstones.push(Tombstone { entry, rev });
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.tombstones.is_empty()
    }

    /// Sorts, drops a second copy of the same version, and hashes.
    pub(super) fn finish(mut self, hash: &KeyedHash) -> Segment {
        self.rows.sort_unstable_by_key(|row| (row.entry, row.added_rev));
        self.rows.dedup_by_key(|row| (row.entry, row.added_rev));
        self.tombstones.sort_unstable_by_key(|tombstone| tombstone.entry);
        let table = chain(&mut self.rows, &self.keys, hash);
        Segment {
            rows: self.rows.into(),
            keys: self.keys.into(),
            table,
            lists: self.lists.into(),
            tombstones: self.tombstones.into(),
            prefix_lengths: self.prefix_lengths,
        }
    }

    fn number_of(&mut self, list: ListId, list_type: ListType) -> u32 {
        let lists = &mut self.lists;
        *self.list_numbers.entry(list).or_insert_with(|| {
            lists.push((list, list_type));
            lists.len() as u32 - 1 // Fewer lists than rows, and rows are checked in `chain`.
        })
    }
}

/// The table of chain heads; the chains themselves are written into the rows.
fn chain(rows: &mut [Row], keys: &[u8], hash: &KeyedHash) -> HashTable<u32> {
    assert!(rows.len() < NONE as usize, "2^32 rows of 48 bytes do not fit into the memory of a server");
    let mut table = HashTable::with_capacity(rows.len());
    for slot in 0..rows.len() as u32 {
        let key = rows[slot as usize].key.of(keys);
        let digest = hash.hash(key);
        match table.find_mut(digest, |&head: &u32| rows[head as usize].key.of(keys) == key) {
            Some(head) => rows[slot as usize].next = std::mem::replace(head, slot),
            None => {
                table.insert_unique(digest, slot, |&slot| hash.hash(rows[slot as usize].key.of(keys)));
            }
        }
    }
    table
}
