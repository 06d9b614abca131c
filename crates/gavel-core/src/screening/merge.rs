//! When segments are merged, and how.
//!
//! The level of a segment is the logarithm of its weight. Levels fall strictly from the oldest segment to the newest, so
//! a shard has about as many segments, at most, as bits in the number of its entries. A new segment
//! takes in every older one whose level it reaches; the result is of a higher level than each of those, so a row is
//! copied once per level: O(log n) times in its life.
//!
//! Shards are of about equal size. If they merged at the same sizes, all would do so at once; so their levels are set off
//! against one another by a sixteenth of a doubling each.
//!
//! Dead rows leave with the merge that reaches them. If more than half of everything is dead, all is merged at once;
//! it took as many removals to get there, so that is paid for as well.

use std::{collections::BTreeMap, sync::Arc};

use super::{builder::Builder, probe::KeyedHash, segment::Segment, shard::SHARDS};
use crate::ids::EntryId;

/// Below this, the dead rows of a shard are not worth a merge of their own.
const DEAD_ROWS_TOLERATED: usize = 64;

/// Adds the newest segment of a shard and restores the order of levels. `live` counts the rows that are not removed.
pub(super) fn append(segments: &mut Vec<Arc<Segment>>, newest: Segment, live: usize, shard: usize, hash: &KeyedHash) {
    let mut weight = newest.weight();
    if weight == 0 {
        return;
    }
    segments.push(Arc::new(newest));
    let total: usize = segments.iter().map(|segment| segment.weight()).sum();
    let mut from = segments.len() - 1;
    if total > 2 * live + DEAD_ROWS_TOLERATED {
        from = 0;
    }
    while from > 0 && level(segments[from - 1].weight(), shard) <= level(weight, shard) {
        from -= 1;
        weight += segments[from].weight();
    }
    if from + 1 < segments.len() {
        let merged = merge(&segments[from..], from == 0, hash);
        segments.truncate(from);
        if merged.weight() > 0 {
            segments.push(Arc::new(merged));
        }
    }
}

/// One segment of all of a shard's, for an index that is loaded and will be asked long before it grows.
pub(super) fn compact(segments: &mut Vec<Arc<Segment>>, hash: &KeyedHash) {
    if segments.len() > 1 {
        *segments = vec![Arc::new(merge(segments, true, hash))];
    }
}

fn level(weight: usize, shard: usize) -> u32 {
    let doublings = (weight.max(1) as f64).log2();
    (doublings + shard as f64 / SHARDS as f64) as u32
}

/// One segment of several neighbours. Tombstones have done their work when nothing older is left.
fn merge(segments: &[Arc<Segment>], nothing_older: bool, hash: &KeyedHash) -> Segment {
    let removed = removed_in(segments);
    let rows = segments.iter().map(|segment| segment.rows.len()).sum();
    let key_bytes = segments.iter().map(|segment| segment.keys.len()).sum();
    let mut builder = Builder::with_capacity(rows, key_bytes);
    for segment in segments {
        // Both are sorted by entry, so one walk over each is enough.
        let mut removed = removed.iter().peekable();
        for row in &segment.rows {
            while removed.next_if(|(entry, _)| **entry < row.entry).is_some() {}
            let killed = removed.peek().is_some_and(|(entry, rev)| **entry == row.entry && row.added_rev < **rev);
            if !killed {
                builder.push_row(*row, segment.list_of(row), segment.key_of(row));
            }
        }
    }
    if !nothing_older {
        for (entry, rev) in removed {
            builder.push_tombstone(entry, rev);
        }
    }
    builder.finish(hash)
}

/// The last removal of each entry. It applies to every row here from before it: changes arrive in the order of
/// revisions, so a segment never holds a row that an older segment's tombstone could kill wrongly.
fn removed_in(segments: &[Arc<Segment>]) -> BTreeMap<EntryId, u64> {
    let mut removed = BTreeMap::new();
    for tombstone in segments.iter().flat_map(|segment| &segment.tombstones) {
        let rev = removed.entry(tombstone.entry).or_insert(tombstone.rev);
        *rev = tombstone.rev.max(*rev);
    }
    removed
}
