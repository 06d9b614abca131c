//! Tests of rules over many stored transactions, and what rules cost a new one, over loopback.
//!
//! The transactions are written by the store, a thousand at a time, as creating them would have written them but for
//! their parts: 80 days, as many subjects as there are transactions for twenty each. Then each rule is tested over all of
//! them through the API, and transactions are created with and without rules. One process holds server and client.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

mod wire;

use std::time::Instant;

use clap::Parser;
use gavel::{
    actions::Error,
    app::App,
    store::{
        applications::{self, Counter},
        transactions::{self, Head, Named, Transaction},
    },
};
use gavel_core::{
    ids::{ApplicationId, TransactionId},
    json::Value as Sent,
    session::SessionKind,
    time::Timestamp,
    transaction::{NewTransaction, Source, TransactionStatus, facts},
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use wire::{answer, peak_mb, post, serve};

#[derive(Parser)]
struct Options {
    /// postgres:// URL of an empty database; without it SQLite in a temporary folder
    #[arg(long)]
    database: Option<String>,
    /// Stored transactions
    #[arg(long, default_value_t = 1_000_000)]
    transactions: u64,
    /// Transactions created with and without rules
    #[arg(long, default_value_t = 2_000)]
    created: u64,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = serve(folder.path(), options.database.clone()).await;
    let address = app.config.listen.to_string();
    let began = Instant::now();
    fill(&app, options.transactions).await;
    println!("stored {} transactions in {:.1} s   peak {} MB", options.transactions, began.elapsed().as_secs_f64(), peak_mb());
    for (name, rule) in rules() {
        test(&address, name, &rule, options.transactions).await;
    }
    created(&address, "no rules", options.created).await;
    let install = json!({ "bundle": "aml_basics" }).to_string();
    answer(post(&address, "/v3/transactions/rules/install/", &install).await).await;
    created(&address, "nine rules, of the subject", options.created).await;
}

/// What is tested.
fn rules() -> [(&'static str, Value); 4] {
    let own = json!({ "subject_vendor_data": "__current__", "currency": "__current__" });
    let shared = json!({ "subject_payment_method_fingerprint": "__current__" });
    [
        ("a condition", json!({ "conditions": [{ "field": "amount", "operator": "gte", "value": 900 }] })),
        (
            "a sum of the subject",
            json!({ "aggregation": [{ "metric": "sum", "operator": "gte", "value": 1200, "window": "7d", "filters": own }] }),
        ),
        (
            "subjects that share a method",
            json!({ "aggregation": [{ "metric": "distinct_count", "field": "subject_vendor_data", "operator": "gte", "value": 3,
                "window": "30d", "filters": shared }] }),
        ),
        ("a count of all", json!({ "aggregation": [{ "operator": "gte", "value": 12000, "window": "1d" }] })),
    ]
}

async fn test(address: &str, name: &str, rule: &Value, stored: u64) {
    let began = Instant::now();
    let stream = post(address, "/x/transactions/rules/backtest/", &rule.to_string()).await;
    let (mut lines, mut last) = (BufReader::new(stream).lines(), String::new());
    while let Some(line) = lines.next_line().await.expect("a line") {
        if line.starts_with('{') {
            last = line;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let summary: Value = serde_json::from_str(&last).expect("JSON");
    assert_eq!((&summary["type"], summary["evaluated"].as_u64()), (&json!("summary"), Some(stored)), "{summary}");
    println!(
        "{name:<30} {:>8.0} transactions/s   {seconds:.1} s   {} matched   peak {} MB",
        stored as f64 / seconds,
        summary["matched"],
        peak_mb()
    );
}

async fn created(address: &str, name: &str, count: u64) {
    let began = Instant::now();
    let mut all = tokio::task::JoinSet::new();
    for worker in 0..32 {
        let (address, name) = (address.to_owned(), name.to_owned());
        all.spawn(async move {
            for n in (worker..count).step_by(32) {
                let body = body(&format!("{name} {n}"), n, None).to_string();
                let made = answer(post(&address, "/v3/transactions/", &body).await).await;
                assert!(made["uuid"].is_string(), "{made}");
            }
        });
    }
    all.join_all().await;
    println!("{name:<30} {:>8.0} created/s", count as f64 / began.elapsed().as_secs_f64());
}

fn body(id: &str, n: u64, at: Option<Timestamp>) -> Value {
    json!({
        "transaction_id": id,
        "transaction_at": at,
        "transaction_category": "finance",
        "transaction_details": { "direction": if n.is_multiple_of(2) { "in" } else { "out" }, "amount": format!("{}.50", n * 7 % 1_000), "currency": "EUR" },
        "subject": {
            "vendor_data": format!("user-{}", n * 7_919 % 50_000), "full_name": "Ana Ruiz", "address": { "country": "ES" },
            "payment_method": { "method_type": "bank_card", "account_id": format!("card {}", n * 104_729 % 70_000) },
        },
        "counterparty": { "vendor_data": format!("shop-{}", n % 300), "full_name": "A shop", "address": { "country": "FR" } },
    })
}

/// Writes transactions of the last 80 days, in order.
async fn fill(app: &App, count: u64) {
    let application = app.store.read::<_, Error, _>(|tx| Box::pin(async move { Ok(applications::list_applications(tx).await?) }));
    let application = application.await.expect("applications").first().expect("one").id;
    let (now, step) = (app.clock.now(), 80 * 86_400_000_000 / i64::try_from(count).expect("not so many"));
    for from in (0..count).step_by(1_000) {
        let until = count.min(from + 1_000);
        let written = app.store.write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                for n in from..until {
                    let at = Timestamp::from_micros(now.as_micros() - step * i64::try_from(count - n).unwrap_or(0));
                    let row = row(application, n, at).ok_or_else(|| Error::fault("a transaction that does not read"))?;
                    transactions::insert_transaction(tx, application, &row).await?;
                }
                applications::set_current(tx, application, Counter::TransactionNumber, until).await?;
                Ok(())
            })
        });
        written.await.expect("written");
    }
}

fn row(application: ApplicationId, n: u64, at: Timestamp) -> Option<Transaction> {
    let sent = body(&format!("stored {n}"), n, Some(at));
    let new = NewTransaction::read(&Sent::from(&sent)).ok()?;
    let named = |party: &gavel_core::transaction::Party| Named {
        vendor_data: party.vendor_data.clone(),
        name: party.full_name.clone(),
        country: party.country().map(str::to_owned),
    };
    Some(Transaction {
        id: TransactionId(uuid::Uuid::from_u64_pair(application.0.as_u64_pair().0, n)),
        head: Head {
            number: n + 1,
            txn_id: new.transaction_id.clone(),
            category: new.category,
            action_type: new.action_type.clone(),
            status: TransactionStatus::Approved,
            direction: new.direction,
            amount: new.amount.clone(),
            currency: new.currency.clone(),
            payment_details: None,
            score: 0,
            severity: None,
            reason: None,
            subject: named(&new.subject),
            counterparty: new.counterparty.as_ref().map(named).unwrap_or_default(),
            txn_date: at,
            created_at: at,
        },
        version: 1,
        source: Source::Live,
        currency_kind: None,
        amount_in_default_currency: None,
        default_currency: None,
        payment_txn_id: None,
        zone_id: None,
        subject_kind: SessionKind::User,
        parties: json!([]),
        payment_methods: json!([]),
        props: json!({}),
        network_snapshot: None,
        facts: Value::Object(facts(&new, None)),
        remediation_session: None,
        lists_revision: 0,
        evaluated_at: at,
    })
}
