//! The store: what the adapter promises on both engines, and what the schema itself refuses.

mod immutable;
mod log;
mod mails;
mod neighbours;
mod overload;
mod schema;
mod transactions;
mod values;

use futures_util::future::BoxFuture;
use gavel::store::{Store, StoreError, Tx};

/// A job with the store's own error, so that tests need not spell it.
async fn write<T: Send + 'static>(
    store: &Store,
    job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    store.write(job).await
}

async fn read<T: Send + 'static>(
    store: &Store,
    job: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    store.read(job).await
}

/// Writes a row into a table of names and texts that has no other meaning to a test.
async fn put(tx: &mut Tx, name: &str, value: &str) -> Result<u64, StoreError> {
    tx.execute("INSERT INTO server_facts (name, value) VALUES ($1, $2)", &[name.into(), value.into()]).await
}

/// The same, not waited for.
async fn send(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    tx.send("INSERT INTO server_facts (name, value) VALUES ($1, '')", &[name.into()]).await
}

/// The names in that table that begin with this text, in order.
async fn names(store: &Store, begin: &'static str) -> Vec<String> {
    let sql = "SELECT name FROM server_facts WHERE name LIKE $1 ORDER BY name";
    read(store, move |tx| {
        Box::pin(async move { tx.query(sql, &[format!("{begin}%").into()]).await?.iter().map(|row| row.get(0)).collect() })
    })
    .await
    .unwrap()
}

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

fn is_fault<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Fault(_)))
}
