//! The screening index alone: memory per entry, build, single changes, look-ups that miss and that hit.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::{hint::black_box, time::Instant};

use clap::Parser;
use gavel::clock::new_id;
use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::ListId,
    list::ListType,
    screening::{Change, EntryRecord, Index},
    time::Timestamp,
};

#[derive(Parser)]
struct Options {
    /// Entries in the index
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Entries are address ranges of all lengths that lie in one another, instead of e-mail addresses
    #[arg(long)]
    ranges: bool,
    /// Look-ups and changes measured
    #[arg(long, default_value_t = 200_000)]
    probes: u64,
}

fn main() {
    let options = Options::parse();
    let list: ListId = new_id();
    let value = |n: u64| match options.ranges {
        false => EntryValue::parse(EntryType::Email, &format!("person{n}@example.com")).expect("an address"),
        true => EntryValue::parse(EntryType::IpAddress, &range(n)).expect("a range"),
    };
    let record = |n: u64| EntryRecord {
        list,
        list_type: ListType::Blocklist,
        entry: new_id(),
        added_rev: n + 1,
        expires_at: None,
        held: false,
        value: value(n),
    };
    let records: Vec<EntryRecord> = (0..options.entries).map(record).collect();
    let now = Timestamp::from_micros(0);

    let began = Instant::now();
    let mut index = Index::build([7; 16], records, options.entries);
    let built = began.elapsed().as_secs_f64();
    println!("entries            {}", options.entries);
    println!("bytes per entry    {:.1}", index.memory_bytes() as f64 / options.entries as f64);
    println!("build              {built:.2} s");

    let step = options.entries / options.probes.min(options.entries);
    let hits: Vec<EntryValue> = (0..options.probes).map(|n| value(n * step % options.entries)).collect();
    let misses: Vec<EntryValue> = (0..options.probes).map(|n| value(options.entries + n)).collect();
    let mut found = Vec::new();
    for (name, values) in [("look-up, hit", &hits), ("look-up, miss", &misses)] {
        let began = Instant::now();
        for value in values {
            found.clear();
            index.hits_into(black_box(value), now, &mut found);
            black_box(&found);
        }
        println!("{name:<18} {:.0} ns", began.elapsed().as_nanos() as f64 / options.probes as f64);
    }

    let changes: Vec<EntryRecord> = (0..options.probes).map(|n| record(options.entries + n)).collect();
    let (began, mut worst) = (Instant::now(), 0.0_f64);
    for (n, record) in changes.into_iter().enumerate() {
        let one = Instant::now();
        index = index.with([Change::Added(record)], options.entries + n as u64 + 1);
        worst = worst.max(one.elapsed().as_secs_f64() * 1_000.0);
    }
    println!("single change      {:.1} µs mean, {worst:.1} ms worst", began.elapsed().as_micros() as f64 / options.probes as f64);
    black_box(index);
}

/// Ranges of length 64 to 128, 65 in one another at a time.
fn range(n: u64) -> String {
    let bits = 0x2001_0db8_u128 << 96 | u128::from(n / 65) << 64;
    format!("{}/{}", std::net::Ipv6Addr::from(bits), 64 + n % 65)
}
