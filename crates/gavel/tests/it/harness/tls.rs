//! TLS on loopback: a private authority with certificates for this machine, and a receiver whose certificate nobody has
//! vouched for.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use tokio::{io::AsyncReadExt, net::TcpListener};
use tokio_rustls::TlsAcceptor;

/// A private authority.
pub struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: rcgen::Issuer::new(params, key) }
    }

    /// Its certificate, as an operator would put it into a file.
    pub fn pem(&self) -> String {
        let text = STANDARD.encode(self.certificate.der());
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }

    /// A server with a certificate of this authority for a name or address.
    pub fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        acceptor(certificate.der().to_vec(), key.serialize_der())
    }
}

fn acceptor(certificate: Vec<u8>, key: Vec<u8>) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], PrivatePkcs8KeyDer::from(key).into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Takes connections and tells what came of them.
pub struct TlsReceiver {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    bytes: AtomicUsize,
}

impl TlsReceiver {
    /// Under a certificate of its own making, for its own address.
    pub async fn self_signed() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let acceptor = acceptor(made.cert.der().to_vec(), made.signing_key.serialize_der());
        Self::with(acceptor).await
    }

    /// Under another certificate.
    pub async fn with(acceptor: TlsAcceptor) -> Self {
        let seen = Arc::new(Seen::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let noted = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                noted.connections.fetch_add(1, Ordering::Relaxed);
                let (acceptor, noted) = (acceptor.clone(), noted.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut buffer = [0; 1_024];
                    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                        noted.bytes.fetch_add(read, Ordering::Relaxed);
                    }
                });
            }
        });
        Self { address, seen }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Connections so far, and bytes that came through the encryption.
    pub fn seen(&self) -> (usize, usize) {
        (self.seen.connections.load(Ordering::Relaxed), self.seen.bytes.load(Ordering::Relaxed))
    }
}
