//! A sixteenth of the index: the entries whose keys fall to it, as a log of segments.
//!
//! Keys are dealt out by their hash, so a question goes to one shard. Shards exist for the cost of merging: a merge holds
//! the old segments beside the new one, and shards take turns (see `merge`), so that of an index that grows only a small
//! part is ever held twice.

use std::sync::Arc;

use super::{
    builder::Builder,
    merge,
    probe::{KeyedHash, PrefixLengths},
    segment::{Row, Segment},
};
use crate::ids::EntryId;

/// How many there are.
pub(super) const SHARDS: usize = 16;

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Shard {
    /// From old and large to new and small (`merge`).
    segments: Vec<Arc<Segment>>,
    len: usize,
}

/// What is new for a shard.
#[derive(Default)]
pub(super) struct News {
    /// Rows added, and tombstones of those removed.
    pub(super) builder: Builder,
    /// How many rows the tombstones kill.
    pub(super) killed: usize,
}

impl Shard {
    /// The number of the shard a key falls to. The bits are neither those that choose a slot of a table nor those that mark
    /// one.
    pub(super) fn number_of(hash: u64) -> usize {
        (hash >> 40) as usize % SHARDS
    }

    /// Takes what is new. `number` is this shard's.
    pub(super) fn append(&mut self, news: News, number: usize, hash: &KeyedHash) {
        let newest = news.builder.finish(hash);
        self.len = self.len + newest.rows.len() - news.killed;
        merge::append(&mut self.segments, newest, self.len, number, hash);
    }

    /// Makes one segment of all.
    pub(super) fn compact(&mut self, hash: &KeyedHash) {
        merge::compact(&mut self.segments, hash);
    }

    /// The rows under a key that are not removed, among segments that may hold it.
    pub(super) fn find<'a>(
        &'a self,
        hash: u64,
        key: &'a [u8],
        may_hold: impl Fn(&Segment) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a Segment, &'a Row)> {
        let segments = self.segments.iter().enumerate().filter(move |(_, segment)| may_hold(segment));
        segments.flat_map(move |(at, segment)| {
            segment.find(hash, key).filter(move |row| !self.is_removed(at, row)).map(move |row| (&**segment, row))
        })
    }

    /// Whether this version of an entry is here, removed or not.
    pub(super) fn holds(&self, entry: EntryId, added_rev: u64) -> bool {
        self.segments.iter().any(|segment| segment.versions(entry).iter().any(|row| row.added_rev == added_rev))
    }

    /// How many versions of an entry from before a revision are here and not removed.
    pub(super) fn count_before(&self, entry: EntryId, rev: u64) -> usize {
        let live_before = |at: usize, row: &&Row| row.added_rev < rev && !self.is_removed(at, row);
        let segments = self.segments.iter().enumerate();
        segments.map(|(at, segment)| segment.versions(entry).iter().filter(|row| live_before(at, row)).count()).sum()
    }

    /// Rows that are not removed.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The segments, old ones first.
    pub(super) fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().map(|segment| &**segment)
    }

    /// The lengths of the ranges here.
    pub(super) fn prefix_lengths(&self) -> PrefixLengths {
        self.segments().fold(PrefixLengths::default(), |all, segment| all.union(segment.prefix_lengths))
    }

    /// Whether a newer segment says that this row of segment `at` is gone.
    fn is_removed(&self, at: usize, row: &Row) -> bool {
        self.segments[at + 1..].iter().any(|newer| newer.kills(row.entry, row.added_rev))
    }
}
