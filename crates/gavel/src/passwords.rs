//! Passwords: Argon2id with 19 MiB and two passes, some 30 ms of work that a request thread must not do.
//!
//! Only [`AT_ONCE`] are computed at a time, which bounds memory; whoever does not get a place soon is told to come back.
//! An account that is not there, or has no password, costs the same work as one that has.

use std::time::Duration;

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{Error as HashError, SaltString},
};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

use crate::{actions::Error, clock::random};

/// Hashes computed at a time.
const AT_ONCE: usize = 4;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is compared with when there is nothing to compare with: no password has this hash.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Z2F2ZWwgZGVjb3kgc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Computes hashes of passwords.
pub struct Passwords {
    places: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { places: Semaphore::new(AT_ONCE) }
    }
}

impl Passwords {
    /// The hash to be stored, with parameters and salt.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.work(move || {
            let salt = SaltString::encode_b64(&random::<16>()).map_err(Error::fault)?;
            Ok(Argon2::default().hash_password(normal(&password).as_bytes(), &salt).map_err(Error::fault)?.to_string())
        })
        .await
    }

    /// Whether a password has this hash. Without one it has not, after the same work.
    pub async fn is_right(&self, password: String, hash: Option<String>) -> Result<bool, Error> {
        self.work(move || {
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(DECOY)).map_err(Error::fault)?;
            match Argon2::default().verify_password(normal(&password).as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(HashError::Password) => Ok(false),
                Err(error) => Err(Error::fault(error)),
            }
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
        let busy = || Error::Unavailable("too many passwords are being checked".into());
        let _place = tokio::time::timeout(PATIENCE, self.places.acquire()).await.map_err(|_| busy())?.map_err(Error::fault)?;
        tokio::task::spawn_blocking(job).await.map_err(Error::fault)?
    }
}

/// One spelling of what keyboards spell in several ways.
fn normal(password: &str) -> String {
    password.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_has_its_hash_and_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash("pässword 12345".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (sent, right) in [("pässword 12345", true), ("pa\u{308}ssword 12345", true), ("password 12345", false), ("", false)]
        {
            assert_eq!(passwords.is_right(sent.into(), Some(hash.clone())).await.unwrap(), right, "{sent}");
        }
        assert!(!passwords.is_right("pässword 12345".into(), None).await.unwrap());
        assert_ne!(passwords.hash("pässword 12345".into()).await.unwrap(), hash, "each has a salt of its own");
    }
}
