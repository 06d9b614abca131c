//! `gavel migrate`: the database up to this version, without serving.

use super::{CliError, Common};
use crate::store::migrate;

/// The command.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub async fn run(common: &Common) -> Result<(), CliError> {
    let config = common.load()?;
    super::serve::make_private(&config.data)?;
    let applied = migrate::run(&config.target).await?;
    match applied.is_empty() {
        true => println!("the database is up to date"),
        false => println!("applied {}", applied.join(", ")),
    }
    Ok(())
}
