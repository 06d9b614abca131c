//! The index against the plainest thing that could be right: a list of everything that happened, scanned.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::entry::EntryType;

/// What a person does to the lists; numbers are folded into what exists at that moment.
#[derive(Debug, Clone)]
enum Step {
    Add(EntryRecord),
    Edit(usize, EntryRecord),
    Remove(usize),
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u8..4, 0u8..4, 0u8..=32).prop_map(|(b, d, len)| format!("10.{b}.0.{d}/{len}")),
        (0u8..4, 0u8..4).prop_map(|(b, d)| format!("10.{b}.0.{d}")),
        (0u8..4, 0u8..4, 96u8..=128).prop_map(|(b, d, len)| format!("::ffff:10.{b}.0.{d}/{len}")),
        (0u8..3, 0u8..3, 0u8..=128).prop_map(|(b, d, len)| format!("2001:db8:{b}::{d}/{len}")),
        (0u8..3, 0u8..3).prop_map(|(b, d)| format!("2001:db8:{b}::{d}")),
    ]
}

fn entry_value() -> impl Strategy<Value = EntryValue> {
    let long = "l".repeat(300);
    let typed = prop_oneof![
        3 => address().prop_map(|sent| (EntryType::IpAddress, sent)),
        2 => "[aA][bB]?[- ]?".prop_map(|sent| (EntryType::Document, sent)),
        2 => "[ab]{1,2}".prop_map(|sent| (EntryType::User, sent)),
        1 => "[ab]".prop_map(move |end| (EntryType::Key, format!("{long}{end}"))),
    ];
    typed.prop_map(|(entry_type, sent)| EntryValue::parse(entry_type, &sent).unwrap())
}

fn record() -> impl Strategy<Value = EntryRecord> {
    let list_type = prop::sample::select(&ListType::ALL[..]);
    (0u128..4, list_type, any::<u128>(), prop::option::of(0i64..10), any::<bool>(), entry_value()).prop_map(
        |(list, list_type, entry, expires_at, held, value)| EntryRecord {
            list: ListId(Uuid::from_u128(list * 3 + list_type as u128)),
            list_type,
            entry: EntryId(Uuid::from_u128(entry)),
            added_rev: 0,
            expires_at: expires_at.map(Timestamp::from_micros),
            held,
            value,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => record().prop_map(Step::Add),
        2 => (any::<usize>(), record()).prop_map(|(which, record)| Step::Edit(which, record)),
        3 => any::<usize>().prop_map(Step::Remove),
    ]
}

/// The changes of the steps; one step is one revision, starting with 1. Removed entries may be edited or removed again.
fn changes_of(steps: Vec<Step>) -> Vec<Vec<Change>> {
    let mut known: Vec<EntryId> = Vec::new();
    let mut changes = Vec::new();
    for (step, rev) in steps.into_iter().zip(1..) {
        changes.push(match step {
            Step::Add(record) => {
                known.push(record.entry);
                vec![Change::Added(EntryRecord { added_rev: rev, ..record })]
            }
            Step::Edit(_, _) | Step::Remove(_) if known.is_empty() => vec![],
            Step::Edit(which, record) => {
                let entry = known[which % known.len()];
                vec![Change::Removed { entry, rev }, Change::Added(EntryRecord { added_rev: rev, entry, ..record })]
            }
            Step::Remove(which) => vec![Change::Removed { entry: known[which % known.len()], rev }],
        });
    }
    changes
}

/// The records that no removal touches.
fn live(changes: &[Vec<Change>]) -> Vec<EntryRecord> {
    let removals: Vec<_> = changes
        .iter()
        .flatten()
        .filter_map(|change| match change {
            Change::Removed { entry, rev } => Some((*entry, *rev)),
            Change::Added(_) => None,
        })
        .collect();
    let is_live = |record: &EntryRecord| !removals.iter().any(|(entry, rev)| *entry == record.entry && record.added_rev < *rev);
    let added = changes.iter().flatten().filter_map(|change| match change {
        Change::Added(record) => Some(record.clone()),
        Change::Removed { .. } => None,
    });
    added.filter(is_live).collect()
}

fn scan(records: &[EntryRecord], value: &EntryValue, now: Timestamp) -> Vec<Hit> {
    let compare = |record: &EntryRecord| match (record.value.network(), value.network()) {
        (Some(of_entry), Some(asked)) if of_entry == asked => Some(Comparison::Equal),
        (Some(of_entry), Some(asked)) => of_entry.contains(&asked).then_some(Comparison::Cidr),
        _ => (record.value.entry_type() == value.entry_type() && record.value.key() == value.key()).then_some(Comparison::Equal),
    };
    let mut hits: Vec<_> = records
        .iter()
        .filter(|record| record.expires_at.is_none_or(|at| at > now))
        .filter_map(|record| {
            let EntryRecord { list, list_type, entry, added_rev, held, .. } = *record;
            Some(Hit { list, list_type, entry, added_rev, held, comparison: compare(record)? })
        })
        .collect();
    hits.sort_by_key(|hit| (hit.added_rev, hit.entry));
    hits
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agrees_with_a_scan(
        steps in prop::collection::vec(step(), 0..120),
        built in 0usize..120,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        shuffle in any::<u64>(),
        asked in prop::collection::vec(entry_value(), 12),
        now in 0i64..12,
    ) {
        let changes = changes_of(steps);
        let built = built.min(changes.len());
        let mut index = Index::build(*b"0123456789abcdef", live(&changes[..built]), built as u64);
        let mut cuts: BTreeSet<_> = cuts.iter().map(|cut| built + cut.index(changes.len() - built + 1)).collect();
        cuts.insert(changes.len());
        let mut from = built;
        for to in cuts {
            let mut chunk = changes[from..to].concat();
            if !chunk.is_empty() {
                // Any rotation and direction will do: the order within a call has no meaning.
                let by = shuffle as usize % chunk.len();
                chunk.rotate_left(by);
                if shuffle % 2 == 1 { chunk.reverse(); }
            }
            index = index.with(chunk, to as u64);
            let live = live(&changes[..to]);
            prop_assert_eq!(index.len(), live.len());
            prop_assert_eq!(index.revision(), to as u64);
            for value in &asked {
                let now = Timestamp::from_micros(now);
                prop_assert_eq!(index.hits(value, now), scan(&live, value, now));
            }
            from = to;
        }
    }
}
