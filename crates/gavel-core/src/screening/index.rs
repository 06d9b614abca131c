//! The snapshot that is asked.

use std::{collections::BTreeMap, fmt, mem::size_of, sync::Arc};

use super::{
    Change, Comparison, EntryRecord, Hit,
    builder::Builder,
    merge,
    probe::{KeyedHash, PrefixLengths, Probe},
    segment::{Row, Segment},
};
use crate::{
    entry::EntryValue,
    ids::{EntryId, ListId},
    list::ListType,
    time::Timestamp,
};

/// The live entries of one application at one revision of its lists.
///
/// Immutable; cloning copies a handful of pointers. Expired entries stay until their removal arrives and are passed
/// over by the time a question brings.
#[derive(Clone)]
pub struct Index {
    /// From old and large to new and small (`merge`).
    segments: Vec<Arc<Segment>>,
    hash: KeyedHash,
    prefix_lengths: PrefixLengths,
    len: usize,
    revision: u64,
}

impl Index {
    /// No entries, revision 0. `hash_key` is a secret of the server: see [`Index::build`].
    pub fn empty(hash_key: [u8; 16]) -> Self {
        Self {
            segments: Vec::new(),
            hash: KeyedHash::new(&hash_key),
            prefix_lengths: PrefixLengths::default(),
            len: 0,
            revision: 0,
        }
    }

    /// All live entries at once, for the start of the server: one sort and one pass.
    ///
    /// `hash_key` must be random and secret. The values are chosen by the people who are screened; with a known key
    /// they could be made to collide.
    pub fn build(hash_key: [u8; 16], records: impl IntoIterator<Item = EntryRecord>, revision: u64) -> Self {
        let mut loading = Loading::new(hash_key);
        for record in records {
            loading.push(&record);
        }
        loading.finish(revision)
    }

    /// The next snapshot: this one and some changes.
    ///
    /// Changes of one call may stand in any order, each says its revision; calls must come in the order of
    /// revisions. A change that is held already changes nothing, so a delta may be applied twice.
    ///
    /// The cost per change is that of finding the entry, O(log² n), plus O(log n) copies of a row over its whole life
    /// as segments are merged. Nearly every call is a matter of microseconds; the rare one that merges large segments
    /// takes as long as building them, so calls belong where nobody waits for them.
    pub fn with(&self, changes: impl IntoIterator<Item = Change>, revision: u64) -> Self {
        let mut added = Vec::new();
        let mut removed = BTreeMap::new();
        for change in changes {
            match change {
                Change::Added(record) => added.push(record),
                Change::Removed { entry, rev } => {
                    let last: &mut u64 = removed.entry(entry).or_default();
                    *last = rev.max(*last);
                }
            }
        }
        let mut next = self.clone();
        let mut builder = Builder::with_capacity(added.len(), 0);
        for record in &added {
            let killed = removed.get(&record.entry).is_some_and(|rev| record.added_rev < *rev);
            if !killed && !self.holds(record.entry, record.added_rev) {
                builder.push_record(record);
            }
        }
        for (entry, rev) in removed {
            // Without anything to kill a tombstone would only be carried along.
            let killed = self.live_versions(entry).filter(|row| row.added_rev < rev).count();
            if killed > 0 {
                builder.push_tombstone(entry, rev);
                next.len -= killed;
            }
        }
        next.append(builder, revision);
        next
    }

    /// The live entries that match a value at an instant, ordered by revision, then entry.
    ///
    /// For an address or range these are the entries that cover all of it.
    pub fn hits(&self, value: &EntryValue, now: Timestamp) -> Vec<Hit> {
        let mut found = Vec::new();
        self.hits_into(value, now, &mut found);
        found
    }

    /// Like [`hits`](Self::hits), appended to a vector that is used again and again.
    pub fn hits_into(&self, value: &EntryValue, now: Timestamp, found: &mut Vec<Hit>) {
        let start = found.len();
        match value.network() {
            None => {
                let probe = Probe::of(value);
                self.collect(&probe, self.segments.iter().enumerate(), Comparison::Equal, now, found);
            }
            Some(network) => {
                for covering in self.prefix_lengths.covering(network) {
                    let comparison = if covering == network { Comparison::Equal } else { Comparison::Cidr };
                    let segments = self.segments.iter().enumerate().filter(|(_, segment)| segment.prefix_lengths.has(covering));
                    self.collect(&Probe::of_network(covering), segments, comparison, now, found);
                }
            }
        }
        // Which segment holds a row is an accident of history and must not show.
        found[start..].sort_unstable_by_key(|hit| (hit.added_rev, hit.entry));
    }

    /// The revision of the lists this is a snapshot of.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Entries that are not removed; expired ones count until their removal arrives.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many segments a question visits; for metrics.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// About how much memory the snapshot holds. Snapshots share segments, so the sum over several counts twice.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.segments.iter().map(|segment| segment.memory_bytes()).sum::<usize>()
    }

    fn append(&mut self, builder: Builder, revision: u64) {
        let newest = builder.finish(&self.hash);
        self.len += newest.rows.len();
        merge::append(&mut self.segments, newest, self.len, &self.hash);
        self.prefix_lengths =
            self.segments.iter().fold(PrefixLengths::default(), |all, segment| all.union(segment.prefix_lengths));
        self.revision = revision;
    }

    fn collect<'a>(
        &'a self,
        probe: &Probe,
        segments: impl Iterator<Item = (usize, &'a Arc<Segment>)>,
        comparison: Comparison,
        now: Timestamp,
        found: &mut Vec<Hit>,
    ) {
        let hash = self.hash.hash(probe.bytes());
        for (at, segment) in segments {
            for row in segment.find(hash, probe.bytes()) {
                if !row.is_expired(now) && !self.is_removed(at, row) {
                    found.push(hit(row, segment.list_of(row), comparison));
                }
            }
        }
    }

    /// Whether a newer segment says that this row of segment `at` is gone.
    fn is_removed(&self, at: usize, row: &Row) -> bool {
        self.segments[at + 1..].iter().any(|newer| newer.kills(row.entry, row.added_rev))
    }

    fn holds(&self, entry: EntryId, added_rev: u64) -> bool {
        self.segments.iter().any(|segment| segment.versions(entry).iter().any(|row| row.added_rev == added_rev))
    }

    fn live_versions(&self, entry: EntryId) -> impl Iterator<Item = &Row> {
        let all = self.segments.iter().enumerate().map(move |(at, segment)| (at, segment.versions(entry)));
        all.flat_map(move |(at, rows)| rows.iter().filter(move |row| !self.is_removed(at, row)))
    }
}

/// Entries on their way into a first snapshot, for a server that reads them a part at a time: beside the index itself
/// only the part at hand is in memory.
pub struct Loading {
    hash_key: [u8; 16],
    builder: Builder,
}

impl Loading {
    /// Nothing yet. About the key see [`Index::build`].
    pub fn new(hash_key: [u8; 16]) -> Self {
        Self { hash_key, builder: Builder::with_capacity(0, 0) }
    }

    /// Takes an entry.
    pub fn push(&mut self, record: &EntryRecord) {
        self.builder.push_record(record);
    }

    /// The snapshot.
    pub fn finish(self, revision: u64) -> Index {
        let mut index = Index::empty(self.hash_key);
        index.append(self.builder, revision);
        index
    }
}

fn hit(row: &Row, (list, list_type): (ListId, ListType), comparison: Comparison) -> Hit {
    Hit { list, list_type, entry: row.entry, added_rev: row.added_rev, held: row.list.is_held(), comparison }
}

/// Without keys: the values are personal, the hash key is secret.
impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("revision", &self.revision)
            .field("len", &self.len)
            .field("segments", &self.segments.len())
            .finish_non_exhaustive()
    }
}
