//! Stored files: where their bytes lie, and the signed links they are fetched with.
//!
//! Names are ids, in 256 folders by the id's last byte. A file is written under a temporary name, synced and renamed
//! before its row is committed, so a committed row always has its bytes; a crash in between leaves at most a file nobody
//! knows.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use gavel_core::{ids::MediaId, time::Timestamp};

use crate::{actions::Error, secrets::Secrets};

/// How long a link works, in seconds (contract, conventions §12).
pub const LINK_LIFETIME: i64 = 3_600;

/// The folder of this server's media.
#[derive(Debug, Clone)]
pub struct MediaFolder {
    root: PathBuf,
}

impl MediaFolder {
    /// Inside the data folder.
    pub fn new(data: &Path) -> Self {
        Self { root: data.join("media") }
    }

    /// Where a file lies.
    pub fn path(&self, id: MediaId) -> PathBuf {
        self.root.join(format!("{:02x}", id.0.as_bytes()[15])).join(id.to_string())
    }

    /// Writes a file to disk, for good.
    pub async fn put(&self, id: MediaId, content: Vec<u8>) -> Result<(), Error> {
        let path = self.path(id);
        let write = move || -> std::io::Result<()> {
            let folder = path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            let temporary = path.with_extension("part");
            let mut file = std::fs::File::create(&temporary)?;
            file.write_all(&content)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)?;
            std::fs::File::open(folder)?.sync_all()
        };
        let done = tokio::task::spawn_blocking(write).await.map_err(Error::fault)?;
        done.map_err(|e| Error::Unavailable(format!("media folder: {e}")))
    }

    /// Reads a file. `None`: it is not there.
    pub async fn read(&self, id: MediaId) -> Result<Option<Vec<u8>>, Error> {
        match tokio::fs::read(self.path(id)).await {
            Ok(content) => Ok(Some(content)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::Unavailable(format!("media folder: {e}"))),
        }
    }

    /// Deletes files for good, or says that it could not; those already gone are fine.
    pub async fn erase(&self, ids: &[MediaId]) -> Result<(), Error> {
        for id in ids {
            for path in [self.path(*id), self.path(*id).with_extension("part")] {
                match tokio::fs::remove_file(path).await {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::Unavailable(format!("media folder: {e}")));
                    }
                    Ok(()) | Err(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Deletes files; those already gone are fine.
    pub async fn remove(&self, ids: &[MediaId]) {
        for id in ids {
            let _ = tokio::fs::remove_file(self.path(*id)).await;
        }
    }
}

/// A link to a file that works for an hour from now.
pub fn link(secrets: &Secrets, public_url: &str, id: MediaId, now: Timestamp) -> String {
    let expires = now.as_unix_seconds() + LINK_LIFETIME;
    let signature = secrets.sign_link(&format!("{id}.{expires}"));
    format!("{public_url}/media/{id}?expires={expires}&signature={signature}")
}

/// Whether a link was made by us and has not run out.
pub fn link_holds(secrets: &Secrets, id: MediaId, expires: &str, signature: &str, now: Timestamp) -> bool {
    secrets.link_is_valid(&format!("{id}.{expires}"), signature)
        && expires.parse().is_ok_and(|expires: i64| expires > now.as_unix_seconds())
}

/// The content types Gavel stores, found by looking at the first bytes; what the sender calls a file is not believed.
pub fn sniff(content: &[u8]) -> Option<&'static str> {
    match content {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => Some("image/tiff"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("application/pdf"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("video/mp4"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Some("video/webm"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::new_id;

    #[test]
    fn links_end_and_cannot_be_altered() {
        let secrets = Secrets::from_text("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").unwrap();
        let (id, now) = (new_id(), Timestamp::from_micros(1_790_000_000_000_000));
        let url = link(&secrets, "https://id.example.com", id, now);
        let (_, query) = url.split_once("?expires=").unwrap();
        let (expires, signature) = query.split_once("&signature=").unwrap();
        assert!(link_holds(&secrets, id, expires, signature, now.plus_seconds(LINK_LIFETIME - 1)));
        assert!(!link_holds(&secrets, id, expires, signature, now.plus_seconds(LINK_LIFETIME)));
        assert!(!link_holds(&secrets, new_id(), expires, signature, now));
        assert!(!link_holds(&secrets, id, &format!("{expires}0"), signature, now));
        assert!(!link_holds(&secrets, id, expires, "", now));
    }
}
