//! Share tokens: with one, one other application of this server may make its copy of one session, for a time.
//!
//! A token is a JWT (RFC 7519) signed with HMAC-SHA-256 under a key that is derived for nothing else. There is one header,
//! and a token with any other is none of ours: nobody gets to name an algorithm. The signature is compared in constant
//! time before anything else of a token is looked at. A token says nothing of a person.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gavel_core::{
    ids::{ApplicationId, SessionId, parse_uuid},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{clock::new_id, secrets::Secrets};

/// `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// Longer texts are not looked at.
const LONGEST: usize = 1_024;

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub from: ApplicationId,
    /// Who may copy it.
    pub to: ApplicationId,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// It was not made here, or was altered.
    Invalid,
    /// Its time is over.
    Expired,
}

/// The claims as the JWT has them.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: String,
}

/// A token that works for so many seconds from now.
pub fn issue(secrets: &Secrets, share: Share, now: Timestamp, seconds: i64) -> String {
    let claims = Claims {
        iss: share.from.to_string(),
        sub: share.session.to_string(),
        aud: share.to.to_string(),
        iat: now.as_unix_seconds(),
        exp: now.as_unix_seconds() + seconds,
        jti: new_id::<Uuid>().to_string(),
    };
    sign(secrets, &serde_json::to_string(&claims).unwrap_or_default())
}

fn sign(secrets: &Secrets, claims: &str) -> String {
    let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(secrets.sign_share(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// What a token says, when it was made here and its time is not over.
pub fn read(secrets: &Secrets, token: &str, now: Timestamp) -> Result<Share, TokenError> {
    let claims = verified(secrets, token).ok_or(TokenError::Invalid)?;
    let share = Share { session: id(&claims.sub)?, from: id(&claims.iss)?, to: id(&claims.aud)? };
    if claims.exp <= now.as_unix_seconds() { Err(TokenError::Expired) } else { Ok(share) }
}

fn verified(secrets: &Secrets, token: &str) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !secrets.share_is_valid(signed.as_bytes(), &signature) {
        return None;
    }
    let claims = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

fn id<T: From<Uuid>>(text: &str) -> Result<T, TokenError> {
    parse_uuid(text).map(T::from).map_err(|_| TokenError::Invalid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secrets() -> Secrets {
        Secrets::from_text("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000)
    }

    fn token() -> (Share, String) {
        let share = Share { session: new_id(), from: new_id(), to: new_id() };
        (share, issue(&secrets(), share, now(), 60))
    }

    /// A token with this header and these claims, signed as ours are.
    fn forged(header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(secrets().sign_share(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    #[test]
    fn says_what_it_was_made_for_until_its_time_is_over() {
        let (share, token) = token();
        assert_eq!(read(&secrets(), &token, now().plus_seconds(59)), Ok(share));
        assert_eq!(read(&secrets(), &token, now().plus_seconds(60)), Err(TokenError::Expired));
        let other = Secrets::from_text("CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=").unwrap();
        assert_eq!(read(&other, &token, now()), Err(TokenError::Invalid));
        assert_eq!(URL_SAFE_NO_PAD.decode(HEADER).unwrap(), br#"{"alg":"HS256","typ":"JWT"}"#);
    }

    #[test]
    fn no_other_header_is_taken_even_well_signed() {
        let (_, token) = token();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
        assert!(read(&secrets(), &forged(r#"{"alg":"HS256","typ":"JWT"}"#, &claims), now()).is_ok());
        for header in [r#"{"alg":"none","typ":"JWT"}"#, r#"{"alg":"HS512","typ":"JWT"}"#, r#"{"typ":"JWT","alg":"HS256"}"#, "{}"]
        {
            assert_eq!(read(&secrets(), &forged(header, &claims), now()), Err(TokenError::Invalid), "{header}");
        }
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(&claims));
        assert_eq!(read(&secrets(), &unsigned, now()), Err(TokenError::Invalid));
    }

    #[test]
    fn every_byte_counts() {
        let (_, token) = token();
        for place in 0..token.len() {
            for other in [b'A', b'b', b'.', b'='] {
                let mut bytes = token.clone().into_bytes();
                if bytes[place] != other {
                    bytes[place] = other;
                    let altered = String::from_utf8(bytes).unwrap();
                    assert_eq!(read(&secrets(), &altered, now()), Err(TokenError::Invalid), "{place}");
                }
            }
            assert_eq!(read(&secrets(), &token[..place], now()), Err(TokenError::Invalid));
        }
        for around in [format!(" {token}"), format!("{token} "), format!("{token}="), format!("{token}.{token}")] {
            assert_eq!(read(&secrets(), &around, now()), Err(TokenError::Invalid));
        }
    }

    proptest! {
        #[test]
        fn no_text_is_taken_and_none_is_too_much(text in "\\PC{0,200}", claims in "\\PC{0,200}") {
            prop_assert_eq!(read(&secrets(), &text, now()), Err(TokenError::Invalid));
            prop_assert!(read(&secrets(), &sign(&secrets(), &claims), now()).is_err());
        }
    }
}
