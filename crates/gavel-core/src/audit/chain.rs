//! Events and the chain through them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{read_hex, write_hex};
use crate::{
    ids::ApplicationId,
    json::canonical::{Escape, write_text},
    time::Timestamp,
};

/// A SHA-256 of the chain; written in lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(64);
        write_hex(&mut text, &self.0);
        f.write_str(&text)
    }
}

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAHash;

impl FromStr for Hash {
    type Err = NotAHash;
    fn from_str(text: &str) -> Result<Self, NotAHash> {
        read_hex(text).map(Self).ok_or(NotAHash)
    }
}

/// What stands before the first row: another value for every application, so that no chain can pass for another's.
pub fn genesis(application: ApplicationId) -> Hash {
    Hash(Sha256::digest(format!("gavel audit chain 1 {application}")).into())
}

/// What a row holds of its personal values: nobody without the salt can tell what they were.
pub fn commitment(salt: &[u8; 32], personal: &str) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(personal).finalize().into()
}

/// One thing that happened, without anything personal.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Place in the chain, from 1.
    pub seq: u64,
    /// Its id.
    pub id: Uuid,
    /// One of [`super::KINDS`].
    pub kind: String,
    /// `API_KEY`, `CONSOLE_USER` or `SYSTEM`.
    pub actor_type: String,
    /// The key or the person.
    pub actor_id: Option<Uuid>,
    /// HTTP method; `CLI`, `WORKER` or `SERVER` for what came in no request.
    pub method: String,
    /// Route template.
    pub route: String,
    /// Status code of the answer; 0 where there was none.
    pub status_code: u16,
    /// Names and ids of the objects.
    pub objects: BTreeMap<String, Uuid>,
    /// Over the personal values beside the row.
    pub commitment: [u8; 32],
    /// When it happened.
    pub at: Timestamp,
}

/// The values beside a row: their salt, and the JSON text the commitment was made over.
#[derive(Debug, Clone, PartialEq)]
pub struct Personal {
    /// 32 random bytes.
    pub salt: [u8; 32],
    /// JSON as it was written.
    pub text: String,
}

impl Event {
    /// The bytes that are hashed: JSON with sorted members and no white space, in UTF-8.
    pub fn canonical(&self) -> String {
        let mut out = String::with_capacity(512);
        self.write(&mut out, None, None);
        out
    }

    /// Its hash behind the one before it.
    pub fn hash(&self, previous: &Hash) -> Hash {
        hash(previous, self.canonical().as_bytes())
    }

    /// Its line of an export, with the newline.
    pub fn write_line(&self, out: &mut String, hash: &Hash, personal: Option<&Personal>) {
        self.write(out, Some(hash), personal);
        out.push('\n');
    }

    /// Members in the order of their names; `hash`, `personal` and `salt` only in a line.
    fn write(&self, out: &mut String, hash: Option<&Hash>, personal: Option<&Personal>) {
        let text = |out: &mut String, name: &str, value: &str| {
            out.push_str(name);
            write_text(out, value, Escape::Needed);
        };
        let hex = |out: &mut String, name: &str, bytes: &[u8]| {
            out.push_str(name);
            out.push('"');
            write_hex(out, bytes);
            out.push('"');
        };
        match &self.actor_id {
            Some(id) => text(out, "{\"actor_id\":", id.hyphenated().encode_lower(&mut [0; 36])),
            None => out.push_str("{\"actor_id\":null"),
        }
        text(out, ",\"actor_type\":", &self.actor_type);
        text(out, ",\"at\":", &self.at.to_string());
        hex(out, ",\"commitment\":", &self.commitment);
        if let Some(hash) = hash {
            hex(out, ",\"hash\":", &hash.0);
        }
        text(out, ",\"id\":", self.id.hyphenated().encode_lower(&mut [0; 36]));
        text(out, ",\"kind\":", &self.kind);
        text(out, ",\"method\":", &self.method);
        out.push_str(",\"objects\":{");
        for (place, (name, id)) in self.objects.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            write_text(out, name, Escape::Needed);
            text(out, ":", id.hyphenated().encode_lower(&mut [0; 36]));
        }
        out.push('}');
        if let Some(personal) = personal {
            text(out, ",\"personal\":", &personal.text);
        }
        text(out, ",\"route\":", &self.route);
        if let Some(personal) = personal {
            hex(out, ",\"salt\":", &personal.salt);
        }
        out.push_str(&format!(",\"seq\":{},\"status_code\":{},\"type\":\"event\"}}", self.seq, self.status_code));
    }
}

/// `SHA-256(hash before ‖ canonical bytes)`.
pub(super) fn hash(previous: &Hash, canonical: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update(previous.0).chain_update(canonical).finalize().into())
}
