//! The second factor: codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds) and recovery codes.

use gavel_core::time::Timestamp;
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, TOTP};

use crate::{
    actions::Error,
    clock::random,
    secrets::{digest, hex},
};

/// Seconds a code is shown.
const STEP: u64 = 30;
/// How many recovery codes somebody gets.
pub const RECOVERY_CODES: usize = 10;

/// The secret both sides know.
pub struct Totp(TOTP);

impl Totp {
    /// A new one for an account.
    pub fn make(email: &str) -> Result<Self, Error> {
        Self::of(random::<20>().to_vec(), email)
    }

    /// From the stored secret.
    pub fn of(secret: Vec<u8>, email: &str) -> Result<Self, Error> {
        let totp = TOTP::new(Algorithm::SHA1, 6, 1, STEP, secret, Some("Gavel".into()), email.to_owned());
        totp.map(Self).map_err(Error::fault)
    }

    /// To be stored, encrypted.
    pub fn secret(&self) -> &[u8] {
        &self.0.secret
    }

    /// To be typed into an app.
    pub fn base32(&self) -> String {
        self.0.get_secret_base32()
    }

    /// To be scanned as a QR code.
    pub fn url(&self) -> String {
        self.0.get_url()
    }

    /// The time step of a code that holds now, a step earlier or a step later, when it is after `last`. The step is the
    /// next `last`: no code, and no earlier one, is taken twice.
    pub fn step_of(&self, code: &str, now: Timestamp, last: u64) -> Option<u64> {
        let present = now.as_unix_seconds().unsigned_abs() / STEP;
        let code = code.as_bytes();
        let fits = |step: &u64| *step > last && bool::from(self.0.generate(step * STEP).as_bytes().ct_eq(code));
        (present.saturating_sub(1)..=present + 1).rev().find(fits)
    }
}

/// New recovery codes, such as `a1b2-c3d4-e5f6-0718-293a`, and what is stored of them.
pub fn recovery_codes() -> (Vec<String>, Vec<[u8; 32]>) {
    let code = |_| {
        let text = hex(&random::<10>());
        let groups: Vec<&str> = (0..text.len()).step_by(4).filter_map(|from| text.get(from..from + 4)).collect();
        groups.join("-")
    };
    let codes: Vec<String> = (0..RECOVERY_CODES).map(code).collect();
    let hashes = codes.iter().filter_map(|code| recovery_hash(code)).collect();
    (codes, hashes)
}

/// What a recovery code is stored as, however it was typed. `None`: not the form of one.
pub fn recovery_hash(typed: &str) -> Option<[u8; 32]> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| digest(digits.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        let totp = Totp::of(b"12345678901234567890".to_vec(), "lea@acme.example").unwrap();
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(totp.step_of("287082", at(59), 0), Some(1), "RFC 6238, appendix B");
        assert_eq!(totp.step_of("081804", at(1_111_111_109), 0), Some(37_037_036));
        assert_eq!(totp.step_of("287082", at(89), 0), Some(1), "a step late");
        assert_eq!(totp.step_of("287082", at(29), 0), Some(1), "a step early");
        assert_eq!(totp.step_of("287082", at(120), 0), None);
        assert_eq!(totp.step_of("287082", at(59), 1), None, "taken before");
        for bad in ["", "28708", "2870820", "000000", " 287082"] {
            assert_eq!(totp.step_of(bad, at(59), 0), None, "{bad}");
        }
        assert_eq!(totp.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(totp.url().starts_with("otpauth://totp/Gavel:lea%40acme.example?secret=GEZD"), "{}", totp.url());
    }

    #[test]
    fn recovery_codes_are_known_however_they_are_typed() {
        let (codes, hashes) = recovery_codes();
        assert_eq!((codes.len(), hashes.len()), (10, 10));
        assert_eq!(recovery_hash(&format!(" {} ", codes[3].to_uppercase().replace('-', " "))), Some(hashes[3]));
        assert_eq!(codes[0].len(), 24);
        assert_eq!((recovery_hash("123456"), recovery_hash("")), (None, None));
    }
}
