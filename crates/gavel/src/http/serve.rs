//! Listening, and ending politely.

use std::{net::SocketAddr, time::Duration};

use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::net::TcpListener;

use super::gate::Server;

/// How long a client may take to send its headers.
const HEADERS: Duration = Duration::from_secs(15);
/// How long requests in flight may take after the signal to stop.
const GOODBYE: Duration = Duration::from_secs(30);

/// Serves until `stop` is ready; then takes no new connection, finishes requests in flight and returns.
pub async fn serve(listener: TcpListener, server: Server, stop: impl Future<Output = ()>) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_headers(512);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(64 << 10);
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                let connection = builder.serve_connection(TokioIo::new(stream), service(server.clone(), peer)).into_owned();
                let connection = graceful.watch(connection);
                tokio::spawn(async move {
                    let _ = connection.await; // A client that breaks off is its own business.
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: waiting lets some connections end.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GOODBYE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

fn service(
    server: Server,
    peer: SocketAddr,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send + 'static,
> {
    hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let server = server.clone();
        async move { Ok(server.answer(peer, request.map(Body::new)).await) }
    })
}
