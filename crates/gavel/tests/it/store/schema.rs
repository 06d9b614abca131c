//! Both folders of migrations make the same tables.

use std::collections::BTreeSet;

use super::read;
use crate::harness::{Engine, Server};

async fn rows(server: &Server, sql: &'static str) -> BTreeSet<(String, String, bool)> {
    read(&server.app.store, move |tx| {
        Box::pin(async move {
            let rows = tx.query(sql, &[]).await?;
            rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
        })
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_have_the_same_tables_columns_and_indexes() {
    let Some(postgres) = Server::start(Engine::Postgres).await else { return };
    let sqlite = Server::start(Engine::Sqlite).await.unwrap();
    // A key column takes no null on PostgreSQL; SQLite says so only when it is written out.
    let columns = (
        rows(
            &sqlite,
            "SELECT t.name, c.name, c.\"notnull\" = 1 OR c.pk > 0 FROM sqlite_master t JOIN pragma_table_xinfo(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'refinery_schema_history'",
        )
        .await,
        rows(
            &postgres,
            "SELECT table_name::text, column_name::text, is_nullable = 'NO' FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> 'refinery_schema_history'",
        )
        .await,
    );
    assert!(columns.0.len() > 100);
    assert_eq!(columns.0.symmetric_difference(&columns.1).collect::<Vec<_>>(), Vec::<&(String, String, bool)>::new());
    let indexes = (
        rows(
            &sqlite,
            "SELECT t.name, i.name, i.\"unique\" = 1 FROM sqlite_master t JOIN pragma_index_list(t.name) i
             WHERE t.type = 'table' AND i.origin = 'c'",
        )
        .await,
        rows(
            &postgres,
            "SELECT t.relname::text, i.relname::text, x.indisunique FROM pg_index x
             JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
             JOIN pg_namespace n ON n.oid = t.relnamespace
             WHERE n.nspname = 'public' AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid)",
        )
        .await,
    );
    assert!(indexes.0.len() > 20);
    assert_eq!(indexes.0.symmetric_difference(&indexes.1).collect::<Vec<_>>(), Vec::<&(String, String, bool)>::new());
    sqlite.stop().await;
    postgres.stop().await;
}
