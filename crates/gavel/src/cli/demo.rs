//! `gavel demo`: the whole product on sample data.

use clap::Args;

use super::CliError;

/// Options of `gavel demo`.
#[derive(Args)]
pub struct Options {}

/// The command.
pub async fn run(_: &Options) -> Result<(), CliError> {
    Err(CliError::new("the demo is not here yet"))
}
