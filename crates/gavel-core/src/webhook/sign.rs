//! The four signatures of a delivery (webhooks §4).
//!
//! All are HMAC-SHA256 under the destination's secret, taken as text. They differ in what they cover: the bytes sent,
//! the canonical payload with characters as UTF-8, four values of it, and the form of the Standard Webhooks
//! specification.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::json::{Value, canonical};

/// The secrets of a destination at the moment of an attempt.
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    /// The secret of today.
    pub current: &'a str,
    /// The one before it, while a rotation overlaps.
    pub previous: Option<&'a str>,
}

impl<'a> From<&'a str> for Secrets<'a> {
    fn from(current: &'a str) -> Self {
        Self { current, previous: None }
    }
}

/// The values of the four signature headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// `X-Signature`: over the body as sent.
    pub signature: String,
    /// `X-Signature-V2`: over the canonical payload with characters as UTF-8.
    pub v2: String,
    /// `X-Signature-Simple`: over [`simple_message`].
    pub simple: String,
    /// `webhook-signature`: over id, timestamp and body; one signature by each secret.
    pub standard: String,
}

/// Signs a payload. `body` is the text that is sent: [`canonical::body`] of the payload.
///
/// During an overlap the `X-` headers still use the previous secret, so a receiver that knows one secret only never
/// sees a signature it cannot check; `webhook-signature` can carry both.
pub fn signatures<'s>(secrets: impl Into<Secrets<'s>>, payload: &Value<'_>, body: &str) -> Signatures {
    let Secrets { current, previous } = secrets.into();
    let oldest = previous.unwrap_or(current);
    let standard = standard_message(&member(payload, "event_id"), &member(payload, "timestamp"), body.as_bytes());
    let standard: Vec<String> = [Some(current), previous].into_iter().flatten().map(|secret| v1(secret, &standard)).collect();
    Signatures {
        signature: hex(&hmac(oldest, body.as_bytes())),
        v2: hex(&hmac(oldest, canonical::v2(payload).as_bytes())),
        simple: hex(&hmac(oldest, simple_message(payload).as_bytes())),
        standard: standard.join(" "),
    }
}

/// `{timestamp}:{session_id}:{status}:{webhook_type}`; an absent or null value is empty.
pub fn simple_message(payload: &Value<'_>) -> String {
    ["timestamp", "session_id", "status", "webhook_type"].map(|name| member(payload, name)).join(":")
}

/// A secret in the form of the Standard Webhooks specification: `whsec_` and the base64 of its text.
pub fn standard_form(secret: &str) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// What `webhook-signature` covers: `{id}.{timestamp}.` and the body.
pub(super) fn standard_message(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), timestamp.as_bytes(), body].join(b".".as_slice())
}

/// One signature in Standard Webhooks form.
pub(super) fn v1(secret: &str, message: &[u8]) -> String {
    format!("v1,{}", STANDARD.encode(hmac(secret, message)))
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub(super) fn hmac(secret: &str, message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn member(payload: &Value<'_>, name: &str) -> String {
    match payload.as_object().and_then(|members| members.get(name)) {
        None | Some(Value::Null) => String::new(),
        Some(Value::Text(text)) => text.to_string(),
        Some(other) => canonical::v2(other),
    }
}
