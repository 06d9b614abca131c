//! The key that signs the audit trail: one file in the data folder for each, beside the server key.
//!
//! A file is named for the public key that belongs to it (`audit-<key id>.key`) and holds 32 bytes in base64, readable by
//! its owner only. Which key is in use stands in the database; processes that share a database share the file. A key is
//! read once and kept in memory; a rotation makes the next file before the database names it, so no moment is without one.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use gavel_core::audit::SigningKey;

use crate::{clock::random, secrets::write_private};

/// The signing keys of a data folder.
pub struct Signing {
    folder: PathBuf,
    loaded: Mutex<Option<SigningKey>>,
}

/// Why there is no such key.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The file is not there.
    #[error(
        "{0}, the key that signs the audit trail, is missing: copy it from the data folder of the server that made it. If it \
         is lost, `gavel audit keys rotate --lost` makes another one; whoever checks exports must then be told of it"
    )]
    Missing(String),
    /// The file cannot be read or written.
    #[error("the audit key {0} cannot be read or written: {1}")]
    File(String, std::io::Error),
    /// The file holds something else than this key.
    #[error("{0} does not hold the audit key it is named for")]
    Other(String),
}

impl Signing {
    /// The keys of this folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), loaded: Mutex::new(None) }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("audit-{id}.key"))
    }

    /// The key with this id.
    pub fn key(&self, id: &str) -> Result<SigningKey, SigningError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        match &*loaded {
            Some(key) if key.public().id() == id => Ok(key.clone()),
            _ => Ok(loaded.insert(self.read(id)?).clone()),
        }
    }

    fn read(&self, id: &str) -> Result<SigningKey, SigningError> {
        let path = self.path(id);
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(SigningError::Missing(name)),
            Err(e) => return Err(SigningError::File(name, e)),
        };
        let seed: Option<[u8; 32]> = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        let key = seed.map(|seed| SigningKey::from_seed(&seed)).filter(|key| key.public().id() == id);
        key.ok_or(SigningError::Other(name))
    }

    /// Whether the file of a key is here and holds it, whatever is in memory.
    pub fn is_here(&self, id: &str) -> bool {
        self.read(id).is_ok()
    }

    /// A new key, on disk before anybody signs with it.
    pub fn make(&self) -> Result<SigningKey, SigningError> {
        let seed = random::<32>();
        let key = SigningKey::from_seed(&seed);
        let path = self.path(&key.public().id());
        write_private(&path, &STANDARD.encode(seed)).map_err(|e| SigningError::File(path.display().to_string(), e))?;
        Ok(key)
    }

    /// Deletes a key nobody signs with any more.
    pub fn remove(&self, id: &str) {
        if let Err(error) = std::fs::remove_file(self.path(id)) {
            tracing::warn!(%error, key = id, "the file of an old audit key was not deleted");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_found_by_its_id_and_only_there() {
        let folder = tempfile::tempdir().unwrap();
        let id = Signing::new(folder.path()).make().unwrap().public().id();
        let again = Signing::new(folder.path());
        assert_eq!(again.key(&id).unwrap().public().id(), id);
        let path = again.path(&id);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let other = "0".repeat(32);
        assert!(matches!(again.key(&other), Err(SigningError::Missing(_))));
        std::fs::copy(&path, again.path(&other)).unwrap();
        assert!(matches!(again.key(&other), Err(SigningError::Other(_))));
        std::fs::write(&path, "nonsense").unwrap();
        assert!(again.key(&id).is_ok(), "in memory");
        assert!(!again.is_here(&id));
        assert!(matches!(Signing::new(folder.path()).key(&id), Err(SigningError::Other(_))));
    }
}
