//! Migrations: two folders with the same numbers and names, one per engine.
//!
//! They run at start, under an advisory lock on PostgreSQL, so that several processes may start at once.

use refinery::{Report, Runner};

use super::db::{Dialect, PostgresOptions, StoreError, Target, Tx, migration_connection_postgres, migration_connection_sqlite};

mod sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}
mod postgres {
    refinery::embed_migrations!("migrations/postgres");
}

/// Any number; it only has to be the same in every process.
const ADVISORY_LOCK: &str = "SELECT pg_advisory_lock(7034182961)";

/// Brings the database up to this version's schema. Answers the names of the migrations applied now.
pub async fn run(target: &Target) -> Result<Vec<String>, StoreError> {
    let report = match target {
        Target::Sqlite(path) => {
            let path = path.clone();
            let migrate = move || {
                let mut connection = migration_connection_sqlite(&path)?;
                checked(sqlite::migrations::runner()).run(&mut connection).map_err(failed)
            };
            tokio::task::spawn_blocking(migrate).await.map_err(|e| StoreError::Fault(e.to_string()))??
        }
        Target::Postgres(options) => run_postgres(options).await?,
    };
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

async fn run_postgres(options: &PostgresOptions) -> Result<Report, StoreError> {
    let mut client = migration_connection_postgres(options).await?;
    client.batch_execute(ADVISORY_LOCK).await.map_err(|e| StoreError::Unavailable(e.to_string()))?;
    checked(postgres::migrations::runner()).run_async(&mut client).await.map_err(failed)
    // The lock ends with the connection.
}

/// A migration that was changed after it had been applied, or one this version does not know, is an error.
fn checked(runner: Runner) -> Runner {
    runner.set_abort_divergent(true).set_abort_missing(true)
}

fn failed(error: refinery::Error) -> StoreError {
    StoreError::Fault(format!("migration: {error}"))
}

/// The triggers that keep rows immutable and are not there, or are switched off.
pub async fn list_unguarded(tx: &mut Tx) -> Result<Vec<&'static str>, StoreError> {
    let (wanted, sql): (&[&'static str], _) = match tx.dialect() {
        Dialect::Sqlite => (
            &[
                "activities_no_update",
                "activities_no_delete",
                "activity_values_no_update",
                "transaction_activities_no_update",
                "transaction_activities_no_delete",
                "transaction_activity_values_no_update",
                "audit_events_no_update",
                "audit_events_no_delete",
                "audit_values_no_update",
                "audit_chain_no_update",
                "audit_chain_no_delete",
                "audit_checkpoints_no_update",
                "audit_checkpoints_no_delete",
                "audit_keys_no_update",
                "audit_keys_no_delete",
                "audit_unsealed_no_update",
                "audit_unsealed_no_delete",
                "activities_no_replace",
                "activity_values_no_replace",
                "transaction_activities_no_replace",
                "transaction_activity_values_no_replace",
                "audit_events_no_replace",
                "audit_values_no_replace",
                "audit_chain_no_replace",
                "audit_checkpoints_no_replace",
                "audit_keys_no_replace",
                "audit_unsealed_no_replace",
            ],
            "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        ),
        Dialect::Postgres => (
            &[
                "activities_immutable",
                "activities_no_truncate",
                "activity_values_immutable",
                "activity_values_no_truncate",
                "transaction_activities_immutable",
                "transaction_activities_no_truncate",
                "transaction_activity_values_immutable",
                "transaction_activity_values_no_truncate",
                "audit_events_immutable",
                "audit_events_no_truncate",
                "audit_values_immutable",
                "audit_values_no_truncate",
                "audit_chain_immutable",
                "audit_chain_no_truncate",
                "audit_checkpoints_immutable",
                "audit_checkpoints_no_truncate",
                "audit_keys_immutable",
                "audit_keys_no_truncate",
                "audit_unsealed_immutable",
                "audit_unsealed_sealed",
                "audit_unsealed_no_truncate",
            ],
            "SELECT tgname::text FROM pg_trigger WHERE tgenabled IN ('O', 'A')",
        ),
    };
    let found: Vec<String> = tx.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    Ok(wanted.iter().copied().filter(|name| !found.iter().any(|found| found == name)).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_engines_have_the_same_migrations() {
        let names = |runner: refinery::Runner| runner.get_migrations().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(super::sqlite::migrations::runner()), names(super::postgres::migrations::runner()));
    }

    /// A row whose columns hold nothing in particular, but for those given. Foreign keys are off meanwhile.
    fn fill(connection: &rusqlite::Connection, table: &str, given: &[(&str, &str)]) {
        let sql = format!("SELECT name, type FROM pragma_table_info('{table}') WHERE \"notnull\" = 1 OR pk > 0");
        let columns: Vec<(String, String)> = connection
            .prepare(&sql)
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let nothing = |kind: &str| match kind {
            "BLOB" => "x'01'",
            "TEXT" => "'x'",
            _ => "1",
        };
        let known = |name: &str| given.iter().any(|(column, _)| *column == name);
        let all =
            given.iter().copied().chain(columns.iter().filter(|it| !known(&it.0)).map(|it| (it.0.as_str(), nothing(&it.1))));
        let (names, values): (Vec<_>, Vec<_>) = all.unzip();
        connection.execute_batch(&format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "))).unwrap();
    }

    #[test]
    fn notices_and_mails_of_earlier_versions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = super::migration_connection_sqlite(&folder.path().join("gavel.db")).unwrap();
        let before = super::sqlite::migrations::runner().set_target(refinery::Target::Version(24));
        before.run(&mut connection).unwrap();
        connection.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
        for table in ["applications", "members", "sessions", "activities"] {
            fill(&connection, table, &[]);
        }
        fill(&connection, "notifications", &[("kind", "'mention'")]);
        fill(&connection, "mails", &[("notification_id", "x'01'"), ("member_id", "x'01'")]);
        fill(&connection, "mails", &[("id", "x'02'"), ("session_id", "x'01'"), ("sealed", "x'03'")]);
        connection.execute_batch("PRAGMA foreign_keys=ON").unwrap();
        super::sqlite::migrations::runner().run(&mut connection).unwrap();
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM notifications WHERE session_id = x'01' AND destination_id IS NULL"), 1);
        assert_eq!(count("SELECT count(*) FROM mails WHERE notification_id = x'01' AND member_id = x'01'"), 1);
        assert_eq!(count("SELECT count(*) FROM mails WHERE session_id = x'01' AND sealed = x'03'"), 1);
        assert_eq!(count("SELECT count(*) FROM members WHERE notify_webhook = 'email'"), 1);
        assert_eq!(count("SELECT count(*) FROM pragma_foreign_key_check WHERE \"table\" IN ('notifications', 'mails')"), 0);
    }
}
