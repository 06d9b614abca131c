//! A receiver that misbehaves: it answers with bytes of the test's choice, or not at all.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::eventually;

/// What to do with a request.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// These bytes, then the connection ends.
    Answer(String),
    /// The same after a while.
    Late(Duration, String),
    /// The connection ends without an answer.
    Close,
    /// One header after the other, for ever.
    EndlessHeaders,
    /// Headers, and then a body that does not end.
    EndlessBody,
    /// Headers that announce a gigabyte, and then as much of it as anybody takes.
    HugeBody,
    /// Nothing; the connection stays.
    Silence,
}

impl Behaviour {
    /// A status with these header lines.
    pub fn status(status: u16, headers: &[&str]) -> Self {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        Self::Answer(format!("HTTP/1.1 {status} Whatever\r\n{lines}Content-Length: 0\r\nConnection: close\r\n\r\n"))
    }
}

/// A receiver on a port of its own.
pub struct RawReceiver {
    address: SocketAddr,
    bodies: Arc<Mutex<Vec<Value>>>,
    poured: Arc<AtomicU64>,
}

impl RawReceiver {
    /// Does as told, by number of the request from 0.
    pub async fn start(behaviour: impl Fn(usize) -> Behaviour + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bodies: Arc<Mutex<Vec<Value>>> = Arc::default();
        let poured: Arc<AtomicU64> = Arc::default();
        let (received, taken, behaviour) = (bodies.clone(), poured.clone(), Arc::new(behaviour));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (received, taken, behaviour) = (received.clone(), taken.clone(), behaviour.clone());
                tokio::spawn(async move { serve(stream, &received, &taken, &*behaviour).await });
            }
        });
        Self { address, bodies, poured }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// How many bytes of huge bodies have gone out, into buffers included.
    pub fn poured(&self) -> u64 {
        self.poured.load(Ordering::Relaxed)
    }

    /// How many requests have come.
    pub fn requests(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }

    /// The bodies received so far.
    pub fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().unwrap().clone()
    }

    /// Waits until there are this many.
    pub async fn wait_for(&self, count: usize) -> Vec<Value> {
        eventually(&format!("request {count}"), || async {
            let bodies = self.bodies();
            (bodies.len() >= count).then_some(bodies)
        })
        .await
    }
}

async fn serve(
    mut stream: TcpStream,
    received: &Mutex<Vec<Value>>,
    poured: &AtomicU64,
    behaviour: &(dyn Fn(usize) -> Behaviour + Send + Sync),
) {
    let Some(body) = read_request(&mut stream).await else { return };
    let number = {
        let mut received = received.lock().unwrap();
        received.push(serde_json::from_slice(&body).unwrap_or_default());
        received.len() - 1
    };
    match behaviour(number) {
        Behaviour::Answer(bytes) => {
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Behaviour::Late(wait, bytes) => {
            tokio::time::sleep(wait).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Behaviour::Close => {}
        Behaviour::HugeBody => {
            let mut piece = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n".to_vec();
            while stream.write_all(&piece).await.is_ok() && poured.load(Ordering::Relaxed) < 1 << 30 {
                poured.fetch_add(piece.len() as u64, Ordering::Relaxed);
                piece = vec![b'x'; 1 << 16];
            }
        }
        Behaviour::EndlessHeaders => {
            let mut line = "HTTP/1.1 200 OK\r\n".to_owned();
            while stream.write_all(line.as_bytes()).await.is_ok() {
                line = "X-More: yes\r\n".to_owned();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Behaviour::EndlessBody => {
            let mut chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
            while stream.write_all(chunk.as_bytes()).await.is_ok() {
                chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
            }
        }
        Behaviour::Silence => tokio::time::sleep(Duration::from_secs(60)).await,
    }
}

/// The body of a request with a Content-Length.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length: usize = head.split("content-length:").nth(1)?.lines().next()?.trim().parse().ok()?;
        while bytes.len() < end + 4 + length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        return Some(bytes[end + 4..end + 4 + length].to_vec());
    }
}
