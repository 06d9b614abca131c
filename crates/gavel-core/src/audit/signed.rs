//! What is signed: checkpoints, the heads of exports, and the change of keys. Ed25519 over canonical JSON.

use std::{fmt, str::FromStr};

use ed25519_dalek::{Signer, VerifyingKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Hash, VERSION, read_hex, write_hex};
use crate::{ids::ApplicationId, json::Value, time::Timestamp};

/// Checks signatures; written in lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From its 32 bytes; `None` when they are no point of the curve.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        VerifyingKey::from_bytes(bytes).ok().map(Self)
    }

    /// Its 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// What tells keys apart: the first 16 bytes of its SHA-256.
    pub fn id(&self) -> String {
        let mut text = String::with_capacity(32);
        write_hex(&mut text, &Sha256::digest(self.0.as_bytes())[..16]);
        text
    }

    fn holds(&self, message: &str, signature: &Signature) -> bool {
        self.0.verify_strict(message.as_bytes(), &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hash(self.to_bytes()).fmt(f)
    }
}

impl FromStr for PublicKey {
    type Err = NotSigned;
    fn from_str(text: &str) -> Result<Self, NotSigned> {
        read_hex(text).and_then(|bytes| Self::from_bytes(&bytes)).ok_or(NotSigned)
    }
}

/// The text is not a key, a signature or a signed text of this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSigned;

/// Makes signatures. Its bytes are the owner's to keep.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// From 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// What checks its signatures.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    fn sign(&self, message: &str) -> Signature {
        Signature(self.0.sign(message.as_bytes()).to_bytes())
    }
}

/// A signature; written in lower-case hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(128);
        write_hex(&mut text, &self.0);
        f.write_str(&text)
    }
}

impl FromStr for Signature {
    type Err = NotSigned;
    fn from_str(text: &str) -> Result<Self, NotSigned> {
        read_hex(text).map(Self).ok_or(NotSigned)
    }
}

/// How far an application's chain had come at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose chain.
    pub application: ApplicationId,
    /// Rows it had.
    pub count: u64,
    /// Hash of the last of them; the genesis value when there was none.
    pub head: Hash,
    /// When this was signed.
    pub at: Timestamp,
}

impl Checkpoint {
    /// Signs it.
    pub fn sign(self, key: &SigningKey) -> SignedCheckpoint {
        let key_id = key.public().id();
        let signature = key.sign(&self.text(&key_id, None));
        SignedCheckpoint { checkpoint: self, key_id, signature }
    }

    fn text(&self, key_id: &str, signature: Option<&Signature>) -> String {
        let Self { application, count, head, at } = self;
        format!(
            r#"{{"application":"{application}","at":"{at}","count":{count},"head":"{head}","key_id":"{key_id}",{}"type":"checkpoint","version":{VERSION}}}"#,
            signature_member(signature)
        )
    }
}

fn signature_member(signature: Option<&Signature>) -> String {
    signature.map(|signature| format!(r#""signature":"{signature}","#)).unwrap_or_default()
}

/// A checkpoint with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// By which key.
    pub key_id: String,
    /// The signature.
    pub signature: Signature,
}

impl SignedCheckpoint {
    /// One line of JSON, without the newline.
    pub fn line(&self) -> String {
        self.checkpoint.text(&self.key_id, Some(&self.signature))
    }

    /// Whether this key made it.
    pub fn holds(&self, key: &PublicKey) -> bool {
        key.id() == self.key_id && key.holds(&self.checkpoint.text(&self.key_id, None), &self.signature)
    }

    /// Reads the members of a checkpoint, whatever their order and the white space between them.
    pub fn read(value: &Value<'_>) -> Result<Self, NotSigned> {
        if member(value, "type")? != "checkpoint" || number(value, "version")? != VERSION {
            return Err(NotSigned);
        }
        Ok(Self {
            checkpoint: Checkpoint {
                application: member(value, "application")?.parse().map_err(|_| NotSigned)?,
                count: number(value, "count")?,
                head: member(value, "head")?.parse().map_err(|_| NotSigned)?,
                at: time(value)?,
            },
            key_id: member(value, "key_id")?.to_owned(),
            signature: member(value, "signature")?.parse()?,
        })
    }
}

/// The first line of an export: how many rows follow and where they end, signed for this export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose chain, how many rows, the hash of the last one, and when this was made.
    pub end: Checkpoint,
    /// Every change of keys so far, oldest first.
    pub rotations: Vec<Rotation>,
    /// Whether rows come with their personal values, those that still have any.
    pub values: bool,
}

impl Head {
    /// The line without the newline.
    pub fn line(&self, key: &SigningKey) -> String {
        let key_id = key.public().id();
        self.text(&key_id, Some(&key.sign(&self.text(&key_id, None))))
    }

    fn text(&self, key_id: &str, signature: Option<&Signature>) -> String {
        let Checkpoint { application, count, head, at } = &self.end;
        let rotations: Vec<String> = self.rotations.iter().map(Rotation::member).collect();
        format!(
            r#"{{"application":"{application}","at":"{at}","count":{count},"head":"{head}","key_id":"{key_id}","rotations":[{}],{}"type":"head","values":{},"version":{VERSION}}}"#,
            rotations.join(","),
            signature_member(signature),
            self.values
        )
    }

    /// Reads the members; what is answered beside them is the id of the key that signed, and its signature.
    pub(super) fn read(value: &Value<'_>) -> Result<(Self, String, Signature), NotSigned> {
        if member(value, "type")? != "head" || number(value, "version")? != VERSION {
            return Err(NotSigned);
        }
        let object = value.as_object().ok_or(NotSigned)?;
        let rotations = object.get("rotations").and_then(Value::as_array).ok_or(NotSigned)?;
        let head = Self {
            end: Checkpoint {
                application: member(value, "application")?.parse().map_err(|_| NotSigned)?,
                count: number(value, "count")?,
                head: member(value, "head")?.parse().map_err(|_| NotSigned)?,
                at: time(value)?,
            },
            rotations: rotations.iter().map(Rotation::read).collect::<Result<_, _>>()?,
            values: matches!(object.get("values"), Some(Value::Bool(true))),
        };
        Ok((head, member(value, "key_id")?.to_owned(), member(value, "signature")?.parse()?))
    }

    /// Whether the line is exactly this head, signed so.
    pub(super) fn holds(&self, line: &str, key: &PublicKey, signature: &Signature) -> bool {
        let id = key.id();
        line == self.text(&id, Some(signature)) && key.holds(&self.text(&id, None), signature)
    }
}

/// The change from one key to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The key until then.
    pub old: PublicKey,
    /// The key from then on.
    pub new: PublicKey,
    /// When.
    pub at: Timestamp,
    /// By the old key; `None` when it was lost. Such a change nobody has to believe.
    pub old_signature: Option<Signature>,
    /// By the new key.
    pub new_signature: Signature,
}

impl Rotation {
    /// From one key to the next.
    pub fn sign(old: &SigningKey, new: &SigningKey, at: Timestamp) -> Self {
        let text = Self::text(&old.public(), &new.public(), at);
        Self { old_signature: Some(old.sign(&text)), ..Self::after_loss(old.public(), new, at) }
    }

    /// To a new key when the old one was lost.
    pub fn after_loss(old: PublicKey, new: &SigningKey, at: Timestamp) -> Self {
        let new_signature = new.sign(&Self::text(&old, &new.public(), at));
        Self { old, new: new.public(), at, old_signature: None, new_signature }
    }

    fn text(old: &PublicKey, new: &PublicKey, at: Timestamp) -> String {
        format!(r#"{{"at":"{at}","new_key":"{new}","old_key":"{old}","type":"rotation","version":{VERSION}}}"#)
    }

    /// Names it in the chain: made from the signed text, so that the row says which change it is about.
    pub fn id(&self) -> Uuid {
        let digest = Sha256::digest(Self::text(&self.old, &self.new, self.at));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// Whether the new key has signed, and the old one too unless it was lost.
    pub fn holds(&self) -> bool {
        let text = Self::text(&self.old, &self.new, self.at);
        self.new.holds(&text, &self.new_signature)
            && self.old_signature.as_ref().is_none_or(|signature| self.old.holds(&text, signature))
    }

    fn member(&self) -> String {
        let Self { old, new, at, old_signature, new_signature } = self;
        let old_signature = old_signature.map_or("null".to_owned(), |signature| format!("\"{signature}\""));
        format!(
            r#"{{"at":"{at}","new_key":"{new}","new_signature":"{new_signature}","old_key":"{old}","old_signature":{old_signature}}}"#
        )
    }

    fn read(value: &Value<'_>) -> Result<Self, NotSigned> {
        let object = value.as_object().ok_or(NotSigned)?;
        Ok(Self {
            old: member(value, "old_key")?.parse()?,
            new: member(value, "new_key")?.parse()?,
            at: time(value)?,
            old_signature: match object.get("old_signature") {
                Some(Value::Null) => None,
                _ => Some(member(value, "old_signature")?.parse()?),
            },
            new_signature: member(value, "new_signature")?.parse()?,
        })
    }
}

fn member<'a>(value: &'a Value<'_>, name: &str) -> Result<&'a str, NotSigned> {
    value.as_object().and_then(|object| object.get(name)).and_then(Value::as_text).ok_or(NotSigned)
}

fn number(value: &Value<'_>, name: &str) -> Result<u64, NotSigned> {
    match value.as_object().and_then(|object| object.get(name)) {
        Some(Value::Number(text)) => text.parse().map_err(|_| NotSigned),
        _ => Err(NotSigned),
    }
}

/// `at` in its one spelling.
fn time(value: &Value<'_>) -> Result<Timestamp, NotSigned> {
    let text = member(value, "at")?;
    Timestamp::parse(text).filter(|at| at.to_string() == text).ok_or(NotSigned)
}
