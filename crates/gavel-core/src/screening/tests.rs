//! The index by example: lists, versions, expiry, ranges, and its shape under many small changes.

use uuid::Uuid;

use super::{shard::SHARDS, *};
use crate::entry::EntryType;

const SECRET: [u8; 16] = *b"sixteen of bytes";

fn value(entry_type: EntryType, sent: &str) -> EntryValue {
    EntryValue::parse(entry_type, sent).unwrap()
}

fn list(n: u128) -> ListId {
    ListId(Uuid::from_u128(n))
}

fn entry(n: u128) -> EntryId {
    EntryId(Uuid::from_u128(n))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// An entry of list 1 that never expires.
fn record(n: u128, added_rev: u64, entry_type: EntryType, sent: &str) -> EntryRecord {
    EntryRecord {
        list: list(1),
        list_type: ListType::Blocklist,
        entry: entry(n),
        added_rev,
        expires_at: None,
        held: false,
        value: value(entry_type, sent),
    }
}

fn added(n: u128, rev: u64, sent: &str) -> Change {
    Change::Added(record(n, rev, EntryType::Key, sent))
}

fn removed(n: u128, rev: u64) -> Change {
    Change::Removed { entry: entry(n), rev }
}

/// Entries that are hit, as numbers.
fn entries(index: &Index, entry_type: EntryType, sent: &str) -> Vec<u128> {
    index.hits(&value(entry_type, sent), at(0)).iter().map(|hit| hit.entry.0.as_u128()).collect()
}

fn keys(index: &Index, sent: &str) -> Vec<u128> {
    entries(index, EntryType::Key, sent)
}

#[test]
fn an_empty_index_hits_nothing() {
    let index = Index::empty(SECRET);
    assert!(index.is_empty() && index.revision() == 0 && keys(&index, "a").is_empty());
    assert!(entries(&index, EntryType::IpAddress, "192.0.2.1").is_empty());
    assert_eq!(index.with([], 7).revision(), 7);
}

#[test]
fn a_value_in_several_lists_gives_several_hits() {
    let other = EntryRecord { list: list(2), list_type: ListType::Allowlist, ..record(2, 5, EntryType::Key, "A") };
    let index = Index::build(SECRET, [other, record(3, 5, EntryType::Key, "a"), record(1, 6, EntryType::Key, "a")], 6);
    let hits = index.hits(&value(EntryType::Key, "a"), at(0));
    assert_eq!(
        hits.iter().map(|hit| (hit.added_rev, hit.entry)).collect::<Vec<_>>(),
        [(5, entry(2)), (5, entry(3)), (6, entry(1))]
    );
    assert_eq!((hits[0].list, hits[0].list_type), (list(2), ListType::Allowlist));
    assert_eq!((hits[1].list, hits[1].list_type, hits[1].comparison), (list(1), ListType::Blocklist, Comparison::Equal));
}

#[test]
fn types_do_not_meet() {
    let index = Index::build(SECRET, [record(1, 1, EntryType::User, "x1"), record(2, 1, EntryType::Document, "X-1")], 1);
    assert_eq!(entries(&index, EntryType::User, "X1"), [1]);
    assert_eq!(entries(&index, EntryType::Document, "x 1"), [2]);
    assert!(entries(&index, EntryType::Business, "x1").is_empty());
}

#[test]
fn long_keys_are_told_apart() {
    let (long, other) = ("k".repeat(1024), "k".repeat(1023) + "l");
    let index = Index::build(SECRET, [record(1, 1, EntryType::Key, &long), record(2, 1, EntryType::Key, &"k".repeat(255))], 1);
    assert_eq!(keys(&index, &long), [1]);
    assert_eq!(keys(&index, &"k".repeat(255)), [2]);
    assert!(keys(&index, &other).is_empty() && keys(&index, &"k".repeat(254)).is_empty());
    assert!(index.memory_bytes() < 2_000);
}

#[test]
fn an_entry_is_dead_from_the_instant_it_expires() {
    let index = Index::build(SECRET, [EntryRecord { expires_at: Some(at(10)), ..record(1, 1, EntryType::Key, "a") }], 1);
    let hits = |now| index.hits(&value(EntryType::Key, "a"), now).len();
    assert_eq!((hits(at(9)), hits(at(10)), hits(at(11))), (1, 0, 0));
    assert_eq!(index.len(), 1);
}

#[test]
fn an_edit_is_a_removal_and_an_addition_of_one_revision() {
    let first = Index::empty(SECRET).with([added(1, 1, "old")], 1);
    let edited = first.with([added(1, 2, "new"), removed(1, 2)], 2);
    assert_eq!((keys(&first, "old"), keys(&first, "new")), (vec![1], vec![]));
    assert_eq!((keys(&edited, "old"), keys(&edited, "new")), (vec![], vec![1]));
    assert_eq!((edited.len(), edited.revision()), (1, 2));
    let gone = edited.with([removed(1, 3)], 3);
    assert!(keys(&gone, "new").is_empty() && gone.is_empty());
    let back = gone.with([added(1, 4, "new")], 4);
    assert_eq!((keys(&back, "new"), back.len()), (vec![1], 1));
}

#[test]
fn changes_of_one_call_may_stand_in_any_order() {
    let changes = [removed(1, 3), added(1, 1, "a"), added(1, 3, "c"), removed(1, 2), added(1, 2, "b")];
    let index = Index::empty(SECRET).with(changes, 3);
    assert_eq!((keys(&index, "a"), keys(&index, "b"), keys(&index, "c")), (vec![], vec![], vec![1]));
    assert_eq!(index.len(), 1);
}

#[test]
fn a_removal_spares_the_version_of_its_own_revision() {
    // Three segments, so that the tombstone is asked about both versions and not yet merged with them.
    let index = Index::empty(SECRET).with((1..=40).map(|n| added(n, 1, "same")), 1);
    let edited = index.with((1..=9).map(|n| added(n, 2, "same")), 2);
    let split = edited.with([removed(1, 2)], 2);
    assert_eq!((split.segment_count(), split.len()), (3, 48));
    let versions = |index: &Index| keys(index, "same").iter().filter(|entry| **entry == 1).count();
    assert_eq!((versions(&edited), versions(&split)), (2, 1));
}

#[test]
fn changes_may_be_applied_twice() {
    let delta = [added(1, 1, "a"), added(2, 1, "b"), removed(1, 2), added(1, 2, "c")];
    let once = Index::empty(SECRET).with(delta.clone(), 2);
    let twice = once.with(delta.clone(), 2);
    assert_eq!((keys(&twice, "b"), keys(&twice, "c"), twice.len()), (vec![2], vec![1], once.len()));
    let same_call = Index::empty(SECRET).with(delta.iter().chain(&delta).cloned(), 2);
    assert_eq!((keys(&same_call, "b"), same_call.len()), (vec![2], 2));
    assert_eq!(twice.with([removed(9, 3), removed(1, 1)], 3).len(), 2);
}

mod ranges {
    use super::*;

    fn index(networks: &[&str]) -> Index {
        let records = networks.iter().zip(1..).map(|(network, n)| record(n, 1, EntryType::IpAddress, network));
        Index::build(SECRET, records, 1)
    }

    fn comparisons(index: &Index, sent: &str) -> Vec<(u128, Comparison)> {
        let hits = index.hits(&value(EntryType::IpAddress, sent), at(0));
        hits.iter().map(|hit| (hit.entry.0.as_u128(), hit.comparison)).collect()
    }

    #[test]
    fn every_covering_range_is_reported() {
        use Comparison::{Cidr, Equal};
        let index = index(&["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "10.2.0.0/16", "::/0", "10.1.2.3/31"]);
        assert_eq!(comparisons(&index, "10.1.2.3"), [(1, Cidr), (2, Cidr), (3, Equal), (4, Cidr), (7, Cidr)]);
        assert_eq!(comparisons(&index, "::ffff:10.1.2.3/128"), comparisons(&index, "10.1.2.3"));
        assert_eq!(comparisons(&index, "192.0.2.1"), [(4, Cidr)]);
        assert_eq!(comparisons(&index, "2001:db8::1"), [(6, Cidr)]);
    }

    #[test]
    fn a_range_matches_what_covers_all_of_it() {
        use Comparison::{Cidr, Equal};
        let index = index(&["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32", "2001:db8::1"]);
        assert_eq!(comparisons(&index, "10.1.0.0/16"), [(1, Cidr), (2, Equal)]);
        assert_eq!(comparisons(&index, "10.0.0.0/7"), []);
        assert_eq!(comparisons(&index, "2001:db8::/64"), [(4, Cidr)]);
        assert_eq!(comparisons(&index, "2001:db8::1"), [(4, Cidr), (5, Equal)]);
        assert_eq!(comparisons(&index, "2001:db8::/32"), [(4, Equal)]);
    }

    #[test]
    fn every_prefix_length_is_found() {
        let v4: Vec<_> = (0..=32).map(|len| format!("203.0.113.77/{len}")).collect();
        let v6: Vec<_> = (0..=128).map(|len| format!("2001:db8:ffff:ffff:aaaa:5555:aaaa:5555/{len}")).collect();
        let all: Vec<_> = v4.iter().chain(&v6).map(String::as_str).collect();
        let index = index(&all);
        assert_eq!(comparisons(&index, "203.0.113.77").len(), 33);
        assert_eq!(comparisons(&index, "2001:db8:ffff:ffff:aaaa:5555:aaaa:5555").len(), 129);
        assert_eq!(comparisons(&index, "203.0.113.78").len(), 31);
    }
}

mod shape {
    use super::*;

    #[test]
    fn ten_thousand_single_changes() {
        let mut index = Index::empty(SECRET);
        for n in 1..=10_000u64 {
            index = index.with([added(n.into(), n, &format!("value {n}"))], n);
            assert!(index.segment_count() <= SHARDS * ((n / 16 + 1).ilog2() as usize + 2), "{index:?}");
        }
        assert_eq!((index.len(), index.revision()), (10_000, 10_000));
        for n in 1..=10_000u64 {
            assert_eq!(keys(&index, &format!("value {n}")), [n.into()]);
        }
        for n in 1..=10_000u64 {
            index = index.with([removed(n.into(), 10_000 + n)], 10_000 + n);
            assert!(index.segment_count() <= SHARDS * 12, "{index:?}");
            assert_eq!(index.len() as u64, 10_000 - n);
            assert!(keys(&index, &format!("value {n}")).is_empty());
            assert_eq!(keys(&index, &format!("value {}", n + 1)).len(), usize::from(n < 10_000));
        }
        assert!(index.is_empty() && index.memory_bytes() < 200_000, "{}", index.memory_bytes());
    }

    #[test]
    fn a_change_leaves_a_large_segment_alone() {
        let records = (1..=50_000u64).map(|n| record(n.into(), 1, EntryType::Key, &format!("value {n}")));
        let index = Index::build(SECRET, records, 1);
        let next = index.with([added(0, 2, "new"), removed(7, 2)], 2);
        // The new entry and the tombstone belong to shards of their own.
        assert_eq!((index.segment_count(), next.segment_count()), (SHARDS, SHARDS + 2));
        assert!(next.memory_bytes() - index.memory_bytes() < 1_000);
        assert_eq!((keys(&index, "value 7"), keys(&next, "value 7"), keys(&next, "new")), (vec![7], vec![], vec![0]));
        assert_eq!((index.len(), next.len()), (50_000, 50_000));
    }

    #[test]
    fn removed_entries_leave_before_they_are_the_majority() {
        let records = (1..=50_000u64).map(|n| record(n.into(), 1, EntryType::Key, &format!("value {n}")));
        let mut index = Index::build(SECRET, records, 1);
        for rev in 2..=32u64 {
            let gone = (rev - 2) * 1_000..(rev - 1) * 1_000;
            index = index.with(gone.map(|n| removed(u128::from(n) + 1, rev)), rev);
            assert!(index.memory_bytes() < 200 * index.len() + 200_000, "{index:?} {}", index.memory_bytes());
        }
        assert_eq!(index.len(), 19_000);
    }

    #[test]
    fn an_entry_takes_less_than_a_hundred_bytes() {
        // Just above a power of two times 7/8 the hash table is at its emptiest.
        for count in [57_344u64, 57_345, 100_000] {
            let records = (0..count).map(|n| record(n.into(), 1, EntryType::Email, &format!("person{n}@example.com")));
            let index = Index::build(SECRET, records, 1);
            assert!((index.memory_bytes() as u64) < 100 * count, "{count}: {}", index.memory_bytes());
        }
    }

    #[test]
    fn debug_output_has_no_secret() {
        let index = Index::build(SECRET, [record(1, 1, EntryType::Key, "personal")], 3);
        assert_eq!(format!("{index:?}"), "Index { revision: 3, len: 1, segments: 1, .. }");
    }

    #[test]
    fn hits_are_appended() {
        let index = Index::build(SECRET, [record(1, 9, EntryType::Key, "a"), record(2, 1, EntryType::Key, "b")], 9);
        let mut found = Vec::new();
        for sent in ["a", "b"] {
            index.hits_into(&value(EntryType::Key, sent), at(0), &mut found);
        }
        assert_eq!(found.iter().map(|hit| hit.added_rev).collect::<Vec<_>>(), [9, 1]);
    }
}

#[test]
fn ten_thousand_nested_ranges_of_every_length_are_all_reported() {
    let ranges = |n: u128| match n {
        0..=32 => format!("10.0.0.1/{n}"),
        33..=161 => format!("2001:db8::1/{}", n - 33),
        // The same nested ranges again, in versions that stand beside each other under one key.
        _ => format!("10.0.0.1/{}", n % 33),
    };
    let records = (0..10_000).map(|n| record(n, 1, EntryType::IpAddress, &ranges(n)));
    let index = Index::build(SECRET, records, 1);
    assert_eq!(index.len(), 10_000);
    assert_eq!(entries(&index, EntryType::IpAddress, "2001:db8::1").len(), 129);
    assert_eq!(entries(&index, EntryType::IpAddress, "10.0.0.1").len(), 10_000 - 129);
    // Outside the narrow ones only the ranges of length 0 to 7 cover it.
    let wide = (0..10_000u128).filter(|n| !(33..=161).contains(n) && (if *n < 33 { *n } else { n % 33 }) <= 7).count();
    assert_eq!(entries(&index, EntryType::IpAddress, "11.0.0.1").len(), wide);
}
