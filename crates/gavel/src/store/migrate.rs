//! Migrations: two folders with the same numbers and names, one per engine.
//!
//! They run at start, under an advisory lock on PostgreSQL, so that several processes may start at once.

use refinery::{Report, Runner};

use super::db::{PostgresOptions, StoreError, Target, migration_connection_postgres, migration_connection_sqlite};

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

#[cfg(test)]
mod tests {
    #[test]
    fn both_engines_have_the_same_migrations() {
        let names = |runner: refinery::Runner| runner.get_migrations().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(super::sqlite::migrations::runner()), names(super::postgres::migrations::runner()));
    }
}
