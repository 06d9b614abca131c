//! Other processes on the same PostgreSQL: what one commits wakes the workers of all.
//!
//! A NOTIFY inside a write would make all commits wait for each other; so it is sent after the commit, on a connection of
//! its own, and what is committed while one is under way goes into the next: at most one every [`GAP`], however many writes
//! there are. It says only what kind of work there is. One that is lost (the connection breaks, a pooler in between does
//! not pass it on) costs the wait until the workers look by themselves.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicI32, Ordering},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Notification};

use super::{
    PostgresOptions, StoreError, WakeSet, Wakes,
    postgres::{self, tls_connector, wants_tls},
};

/// Between two notifications.
const GAP: Duration = Duration::from_millis(10);
/// After the connection was lost.
const AGAIN: Duration = Duration::from_secs(1);

/// Tells and hears for ever.
pub(super) async fn relay(options: &PostgresOptions, wakes: &Wakes) -> ! {
    let mut known = false;
    loop {
        if let Err(error) = relay_once(options, wakes).await
            && !std::mem::replace(&mut known, true)
        {
            tracing::warn!(%error, "other processes are not told of changes; they look by themselves every second");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn relay_once(options: &PostgresOptions, wakes: &Wakes) -> Result<(), StoreError> {
    let config = options.config()?;
    match wants_tls(&config) {
        true => {
            let (client, connection) = config.connect(tls_connector()?).await.map_err(postgres::error)?;
            talk(client, connection, wakes).await
        }
        false => {
            let (client, connection) = config.connect(NoTls).await.map_err(postgres::error)?;
            talk(client, connection, wakes).await
        }
    }
}

async fn talk<S, T>(client: Client, mut connection: Connection<S, T>, wakes: &Wakes) -> Result<(), StoreError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let ours = AtomicI32::new(0);
    let hear = async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(heard) = message.map_err(postgres::error)?
                && heard.process_id() != ours.load(Ordering::Relaxed)
            {
                wakes.fire_here(meaning(&heard));
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = hear => ended,
        ended = tell(&client, &ours, wakes) => ended,
    }
}

/// Ends only when the connection does.
async fn tell(client: &Client, ours: &AtomicI32, wakes: &Wakes) -> Result<(), StoreError> {
    let row = client.query_one("SELECT pg_backend_pid()", &[]).await.map_err(postgres::error)?;
    ours.store(row.get(0), Ordering::Relaxed);
    client.batch_execute("LISTEN gavel_wake").await.map_err(postgres::error)?;
    wakes.fire_here(WakeSet { deliveries: true, lists: true, audit: false }); // What was said before is not heard any more.
    let statement = client.prepare("SELECT pg_notify('gavel_wake', $1)").await.map_err(postgres::error)?;
    loop {
        let text = match wakes.committed().await {
            WakeSet { deliveries: true, lists: true, .. } => "deliveries lists",
            WakeSet { deliveries: true, .. } => "deliveries",
            WakeSet { .. } => "lists",
        };
        client.execute(&statement, &[&text]).await.map_err(postgres::error)?;
        tokio::time::sleep(GAP).await;
    }
}

fn meaning(heard: &Notification) -> WakeSet {
    let says = |what| heard.payload().split(' ').any(|said| said == what);
    WakeSet { deliveries: says("deliveries"), lists: says("lists"), audit: false }
}
