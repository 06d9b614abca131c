//! The server key, and what is derived from it.
//!
//! One key of 32 random bytes lies in the data folder (`server.key`, readable by its owner only) or comes from the
//! environment. From it come, each by its own label, the key that encrypts what must be read back (webhook secrets,
//! stored answers, second factors), the keys that sign media links, share tokens and the tokens beside cookies, and the key of the in-memory index. Processes that share a database
//! must share it: its fingerprint is kept in the database and a server with another key refuses to start.

use std::{io::Write as _, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use gavel_core::ids::SigninId;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::random;

/// Keys of this server.
#[derive(Clone)]
pub struct Secrets {
    cipher: XChaCha20Poly1305,
    links: [u8; 32],
    csrf: [u8; 32],
    shares: [u8; 32],
    index: [u8; 16],
    fingerprint: String,
}

/// Why there is no usable server key.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The key file cannot be read or made.
    #[error("the server key {0} cannot be read or written: {1}")]
    File(String, std::io::Error),
    /// The text is not 32 bytes in base64.
    #[error("the server key must be 32 bytes in base64; `head -c 32 /dev/urandom | base64` makes one")]
    Form,
}

impl Secrets {
    /// Reads the key file of a data folder, or makes it on the first start.
    pub fn in_folder(data: &Path) -> Result<Self, SecretsError> {
        let path = data.join("server.key");
        let file_error = |e| SecretsError::File(path.display().to_string(), e);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::from_text(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                // Of several servers that start at once on a new folder the first one's key stands.
                let text = STANDARD.encode(random::<32>());
                match write_private(&path, &text) {
                    Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(file_error(e)),
                    Ok(()) | Err(_) => Self::from_text(&std::fs::read_to_string(&path).map_err(file_error)?),
                }
            }
            Err(e) => Err(file_error(e)),
        }
    }

    /// From 32 bytes in base64.
    pub fn from_text(text: &str) -> Result<Self, SecretsError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| SecretsError::Form)?;
        let master: [u8; 32] = bytes.try_into().map_err(|_| SecretsError::Form)?;
        let derived = |label: &str| hmac(&master, label.as_bytes());
        let mut index = [0; 16];
        index.copy_from_slice(&derived("gavel index")[..16]);
        Ok(Self {
            cipher: XChaCha20Poly1305::new(&derived("gavel encryption").into()),
            links: derived("gavel media links"),
            csrf: derived("gavel csrf"),
            shares: derived("gavel share tokens"),
            index,
            fingerprint: hex(&derived("gavel fingerprint")[..8]),
        })
    }

    /// Tells keys apart without giving them away.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The key of the screening index's hash table: its values are chosen by strangers.
    pub fn index_key(&self) -> [u8; 16] {
        self.index
    }

    /// Encrypts; `place` binds the result to where it is kept, so that it cannot be moved elsewhere.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = random::<24>();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        // The only error is a text of more than 256 GB.
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default();
        [&nonce[..], &sealed].concat()
    }

    /// Decrypts what [`Secrets::seal`] made for the same place; `None` when it was altered or made with another key.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(24)?;
        self.cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: place.as_bytes() }).ok()
    }

    /// The signature of a media link.
    pub fn sign_link(&self, message: &str) -> String {
        hex(&hmac(&self.links, message.as_bytes()))
    }

    /// The signature of a share token.
    pub fn sign_share(&self, message: &[u8]) -> [u8; 32] {
        hmac(&self.shares, message)
    }

    /// Checks it in constant time.
    pub fn share_is_valid(&self, message: &[u8], signature: &[u8]) -> bool {
        self.sign_share(message).ct_eq(signature).into()
    }

    /// What a browser sends beside the cookie of this sign-in: another site can make it send the one, but not the other.
    pub fn csrf_token(&self, signin: SigninId) -> String {
        hex(&hmac(&self.csrf, signin.0.as_bytes()))
    }

    /// Checks it in constant time.
    pub fn csrf_is_valid(&self, signin: SigninId, sent: &[u8]) -> bool {
        self.csrf_token(signin).as_bytes().ct_eq(sent).into()
    }

    /// Checks a media link's signature in constant time.
    pub fn link_is_valid(&self, message: &str, signature: &str) -> bool {
        self.sign_link(message).as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

/// A new file that its owner alone may read, on disk when this returns. Nobody ever sees a part of it.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// SHA-256, as API keys and request bodies are stored and compared.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The bytes hex digits stand for.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let byte = |place: usize| u8::from_str_radix(text.get(place..place + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::from_text(&STANDARD.encode([7; 32])).unwrap()
    }

    #[test]
    fn sealed_texts_open_only_where_they_were_sealed() {
        let sealed = secrets().seal("destination 1", b"secret");
        assert_eq!(secrets().open("destination 1", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(secrets().open("destination 2", &sealed), None);
        for n in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[n] ^= 1;
            assert_eq!(secrets().open("destination 1", &altered), None);
        }
        assert_eq!(secrets().open("destination 1", b"short"), None);
    }

    #[test]
    fn a_folder_keeps_its_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let first = Secrets::in_folder(folder.path()).unwrap();
        assert_eq!(first.fingerprint(), Secrets::in_folder(folder.path()).unwrap().fingerprint());
        assert_eq!(std::fs::metadata(folder.path().join("server.key")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn servers_that_start_at_once_agree_on_one_key() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let made = || Secrets::in_folder(folder.path()).unwrap().fingerprint().to_owned();
            let all = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(made)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect::<std::collections::BTreeSet<_>>()
            });
            assert_eq!(all.len(), 1);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        }
    }
}
