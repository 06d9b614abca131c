//! `gavel webhook listen|replay`: a receiver for local development, and sending past events again.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, extract::DefaultBodyLimit, extract::State};
use bytes::Bytes;
use clap::{Args, Subcommand};
use gavel_core::{
    ids::{ApplicationId, DestinationId},
    time::Timestamp,
    webhook::verify,
};
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use super::{
    CliError, Common,
    key::{open, parse},
};
use crate::{
    actions::{Caller, upkeep},
    clock::Clock,
    store::applications,
};

/// Largest body the receiver takes, in bytes.
const BODY_LIMIT: usize = 4 << 20;

/// Options of `gavel webhook`.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Receive webhooks, check their signatures and print them
    Listen {
        /// The destination's secret_shared_key
        #[arg(long, env = "GAVEL_WEBHOOK_SECRET", value_name = "TEXT", hide_env_values = true)]
        secret: String,
        /// Address and port to receive on
        #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS:PORT")]
        listen: SocketAddr,
    },
    /// Queue past events of a destination again; a running server sends them within a second
    Replay(Box<Replay>),
}

#[derive(Args)]
struct Replay {
    #[command(flatten)]
    common: Common,
    /// The destination
    #[arg(long, value_name = "UUID")]
    destination: String,
    /// Events from this time on, such as 2026-05-02T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: String,
    /// Events before this time [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only events that were given up
    #[arg(long)]
    failed: bool,
    /// Application it belongs to [default: the first]
    #[arg(long, value_name = "UUID")]
    application: Option<String>,
}

/// The command.
pub async fn run(options: &Options) -> Result<(), CliError> {
    match &options.command {
        Command::Listen { secret, listen } => receive_all(secret, *listen).await,
        Command::Replay(replay) => queue_again(replay).await,
    }
}

/// All four signatures and the age. A receiver needs only one of them.
pub(super) fn all_hold(secret: &str, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    verify::signature(secret, body, header("x-signature"))
        && verify::v2(secret, body, header("x-signature-v2"))
        && verify::simple(secret, body, header("x-signature-simple"))
        && verify::standard(secret, id, timestamp, body, header("webhook-signature"))
        && verify::is_fresh(body, now)
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
async fn receive_all(secret: &str, listen: SocketAddr) -> Result<(), CliError> {
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let inbox = Arc::new((secret.to_owned(), Clock::default()));
    let router = Router::new().fallback(receive).layer(DefaultBodyLimit::max(BODY_LIMIT)).with_state(inbox);
    Ok(axum::serve(listener, router).await?)
}

/// One line says whether it is genuine; the body of what is not is not shown.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
async fn receive(State(inbox): State<Arc<(String, Clock)>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let (secret, clock) = &*inbox;
    if all_hold(secret, &headers, &body, clock.now()) {
        println!("verified {}", String::from_utf8_lossy(&body));
        StatusCode::NO_CONTENT
    } else {
        println!("refused: {} bytes whose signatures or time do not hold", body.len());
        StatusCode::UNAUTHORIZED
    }
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
async fn queue_again(replay: &Replay) -> Result<(), CliError> {
    let time = |text: &str| Timestamp::parse(text).ok_or_else(|| CliError::new(format!("{text} is not a time")));
    let destination: DestinationId = parse(&replay.destination)?;
    let (since, until) = (time(&replay.since)?, replay.until.as_deref().map(time).transpose()?);
    let application = replay.application.as_deref().map(parse::<ApplicationId>).transpose()?;
    let app = open(&replay.common).await?;
    let first = app.store.read::<_, crate::actions::Error, _>(|tx| {
        Box::pin(async move { Ok(applications::list_applications(tx).await?.first().map(|application| application.id)) })
    });
    let application = match application {
        Some(id) => id,
        None => first.await?.ok_or_else(|| CliError::new("there is no application"))?,
    };
    let caller = Caller::system(application, "CLI", "gavel webhook replay");
    let body = upkeep::ReplayBody::new(since, until, replay.failed);
    let replayed = upkeep::replay(&app, &caller, destination, Ok(body)).await?;
    println!("queued: {}", replayed.queued);
    app.store.close().await;
    Ok(())
}
