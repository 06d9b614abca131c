//! Reading a body to its end before an answer that did not want it.
//!
//! A server that answers and closes while the client is still sending makes the client's system throw the answer away:
//! instead of 413 or 401 the client sees a broken connection. So the gate keeps a hand on the body, and what the
//! handler has left of it is read and forgotten, within bounds, before the answer goes out.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// Most bytes read for politeness alone.
const BYTES: usize = 32 << 20;
/// Longest time it may take.
const TIME: Duration = Duration::from_secs(5);

/// A body with two holders: the handler first, and when it is done the gate.
#[derive(Clone)]
pub(super) struct Lingering(Arc<Mutex<Body>>);

impl Lingering {
    /// `None`: there is nothing to wait for, or the client asks before it sends.
    pub(super) fn of(headers: &HeaderMap, body: &mut Body) -> Option<Self> {
        if body.is_end_stream() || headers.contains_key(header::EXPECT) {
            return None;
        }
        let shared = Self(Arc::new(Mutex::new(std::mem::take(body))));
        *body = Body::new(shared.clone());
        Some(shared)
    }

    /// Reads what is left.
    pub(super) async fn finish(mut self) {
        let read = async {
            let mut left = BYTES;
            while let Some(Ok(frame)) = self.frame().await {
                let size = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(size) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(TIME, read).await; // Whoever is slower than that gets what TCP makes of it.
    }
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.0.lock().unwrap_or_else(|e| e.into_inner())).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).size_hint()
    }
}
