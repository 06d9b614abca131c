//! What a receiver does (webhooks §4.3).
//!
//! Each check takes the secret, the body as it arrived and a header's value, and compares in constant time. A check
//! that cannot even read its input says no: there is nothing a receiver could do differently. V2 is the one to
//! prefer; the simple one does not cover `decision`. After the signature, [`is_fresh`] refuses replays of old bodies.

use subtle::ConstantTimeEq;

use super::sign::{hex, hmac, simple_message, standard_message, v1};
use crate::{
    json::{Value, canonical},
    time::Timestamp,
};

/// How far a body's `timestamp` may be from now, in seconds.
const TOLERANCE_SECONDS: i64 = 300;

/// Checks `X-Signature`: the bytes as they arrived.
pub fn signature(secret: &str, body: &[u8], header: &str) -> bool {
    same(&hex(&hmac(secret, body)), header)
}

/// Checks `X-Signature-V2`: the meaning of the body, so it survives being parsed and written again.
pub fn v2(secret: &str, body: &[u8], header: &str) -> bool {
    let Ok(payload) = Value::parse(body) else { return false };
    same(&hex(&hmac(secret, canonical::v2(&payload).as_bytes())), header)
}

/// Checks `X-Signature-Simple`: timestamp, session, status and type alone.
pub fn simple(secret: &str, body: &[u8], header: &str) -> bool {
    let Ok(payload) = Value::parse(body) else { return false };
    same(&hex(&hmac(secret, simple_message(&payload).as_bytes())), header)
}

/// Checks `webhook-signature` with the values of `webhook-id` and `webhook-timestamp`. One of its signatures must be
/// by this secret.
pub fn standard(secret: &str, id: &str, timestamp: &str, body: &[u8], header: &str) -> bool {
    let expected = v1(secret, &standard_message(id, timestamp, body));
    // No early exit: which of several signatures matched is nobody's business.
    header.split(' ').fold(false, |found, sent| found | same(&expected, sent))
}

/// Whether the signed body's own `timestamp` is at most five minutes from now.
pub fn is_fresh(body: &[u8], now: Timestamp) -> bool {
    let Ok(payload) = Value::parse(body) else { return false };
    let Some(Value::Number(sent)) = payload.as_object().and_then(|members| members.get("timestamp")) else { return false };
    canonical::number(sent).parse::<i64>().is_ok_and(|sent| now.as_unix_seconds().abs_diff(sent) <= TOLERANCE_SECONDS as u64)
}

fn same(expected: &str, sent: &str) -> bool {
    expected.as_bytes().ct_eq(sent.as_bytes()).into()
}
