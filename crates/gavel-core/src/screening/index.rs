//! The snapshot that is asked.

use std::{collections::BTreeMap, fmt, mem::size_of, sync::Arc};

use ipnet::IpNet;

use super::{
    Change, Comparison, EntryRecord, Hit,
    probe::{KeyedHash, PrefixLengths, Probe},
    segment::Row,
    shard::{News, SHARDS, Shard},
};
use crate::{entry::EntryValue, ids::ListId, list::ListType, time::Timestamp};

/// The live entries of one application at one revision of its lists.
///
/// Immutable; cloning copies a handful of pointers. Expired entries stay until their removal arrives and are passed
/// over by the time a question brings.
#[derive(Clone)]
pub struct Index {
    /// By the hash of the key.
    shards: [Arc<Shard>; SHARDS],
    hash: KeyedHash,
    prefix_lengths: PrefixLengths,
    revision: u64,
}

impl Index {
    /// No entries, revision 0. `hash_key` is a secret of the server: see [`Index::build`].
    pub fn empty(hash_key: [u8; 16]) -> Self {
        Self {
            shards: Default::default(),
            hash: KeyedHash::new(&hash_key),
            prefix_lengths: PrefixLengths::default(),
            revision: 0,
        }
    }

    /// All live entries at once.
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
    /// takes as long as building a sixteenth of the index, so calls belong where nobody waits for them.
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
        let mut news = Dealt::default();
        for record in &added {
            if removed.get(&record.entry).is_some_and(|rev| record.added_rev < *rev) {
                continue;
            }
            let (number, probe) = self.place_of(record);
            if !self.shards[number].holds(record.entry, record.added_rev) {
                news[number].builder.push_record(record, &probe);
            }
        }
        for (entry, rev) in removed {
            for (shard, news) in self.shards.iter().zip(&mut news) {
                // Without anything to kill a tombstone would only be carried along.
                let killed = shard.count_before(entry, rev);
                if killed > 0 {
                    news.builder.push_tombstone(entry, rev);
                    news.killed += killed;
                }
            }
        }
        let mut next = self.clone();
        next.append(news);
        next.revision = revision;
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
            None => self.collect(&Probe::of(value), None, Comparison::Equal, now, found),
            Some(network) => {
                for covering in self.prefix_lengths.covering(network) {
                    let comparison = if covering == network { Comparison::Equal } else { Comparison::Cidr };
                    self.collect(&Probe::of_network(covering), Some(covering), comparison, now, found);
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
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many segments there are; a question visits those of one shard. For metrics.
    pub fn segment_count(&self) -> usize {
        self.shards.iter().map(|shard| shard.segments().count()).sum()
    }

    /// About how much memory the snapshot holds. Snapshots share segments, so the sum over several counts twice.
    pub fn memory_bytes(&self) -> usize {
        let segments = self.shards.iter().flat_map(|shard| shard.segments());
        size_of::<Self>() + segments.map(|segment| segment.memory_bytes()).sum::<usize>()
    }

    fn append(&mut self, news: Dealt) {
        for (number, news) in news.into_iter().enumerate().filter(|(_, news)| !news.builder.is_empty()) {
            Arc::make_mut(&mut self.shards[number]).append(news, number, &self.hash);
        }
        self.prefix_lengths = self.shards.iter().fold(PrefixLengths::default(), |all, shard| all.union(shard.prefix_lengths()));
    }

    /// The shard a record belongs to, and its key.
    fn place_of(&self, record: &EntryRecord) -> (usize, Probe) {
        let probe = Probe::of(&record.value);
        (Shard::number_of(self.hash.hash(probe.bytes())), probe)
    }

    /// The hits under one key; under that of a network only segments with ranges of its length are asked.
    fn collect(&self, probe: &Probe, network: Option<IpNet>, comparison: Comparison, now: Timestamp, found: &mut Vec<Hit>) {
        let hash = self.hash.hash(probe.bytes());
        let shard = &self.shards[Shard::number_of(hash)];
        let rows = shard.find(hash, probe.bytes(), |segment| network.is_none_or(|network| segment.prefix_lengths.has(network)));
        let live = rows.filter(|(_, row)| !row.is_expired(now));
        found.extend(live.map(|(segment, row)| hit(row, segment.list_of(row), comparison)));
    }
}

/// What is new, dealt out to the shards.
type Dealt = [News; SHARDS];

/// Entries on their way into a first snapshot, for a server that reads them a part at a time: beside the index itself
/// only the parts at hand are in memory.
pub struct Loading {
    index: Index,
    news: Dealt,
    waiting: usize,
}

impl Loading {
    /// Entries put into the index together.
    const PART: usize = 1 << 18;

    /// Nothing yet. About the key see [`Index::build`].
    pub fn new(hash_key: [u8; 16]) -> Self {
        Self { index: Index::empty(hash_key), news: Dealt::default(), waiting: 0 }
    }

    /// Takes an entry. A version must not come twice.
    pub fn push(&mut self, record: &EntryRecord) {
        let (number, probe) = self.index.place_of(record);
        self.news[number].builder.push_record(record, &probe);
        self.waiting += 1;
        if self.waiting == Self::PART {
            self.index.append(std::mem::take(&mut self.news));
            self.waiting = 0;
        }
    }

    /// The snapshot.
    pub fn finish(mut self, revision: u64) -> Index {
        self.index.append(self.news);
        for shard in &mut self.index.shards {
            Arc::make_mut(shard).compact(&self.index.hash);
        }
        self.index.revision = revision;
        self.index
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
            .field("len", &self.len())
            .field("segments", &self.segment_count())
            .finish_non_exhaustive()
    }
}
