//! Addresses on block chains.
//!
//! The case of an address may carry a checksum (Base58 is case-sensitive, EIP-55 hides one in hex), so an address is
//! stored as it was sent unless its form says that case means nothing: hex with `0x`, or Bech32 (BIP 173). All are
//! compared in lower case; that two different Base58 addresses differ only in case does not happen by chance.

use super::text::lower;

/// Stored form and match key.
pub(super) fn normalize(cleaned: &str) -> (String, String) {
    let key = lower(cleaned);
    if is_hex(cleaned) || is_bech32(cleaned) { (key.clone(), key) } else { (cleaned.to_owned(), key) }
}

fn is_hex(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Up to 83 letters, `1`, at least six characters of the Bech32 alphabet; one case throughout.
///
/// Real Bech32 allows more characters before the `1`; the contract names letters.
fn is_bech32(text: &str) -> bool {
    let mixed = text.bytes().any(|b| b.is_ascii_uppercase()) && text.bytes().any(|b| b.is_ascii_lowercase());
    // Neither part may hold another `1`, so the first one is the separator.
    let Some((prefix, data)) = text.split_once('1') else { return false };
    !mixed
        && (1..=83).contains(&prefix.len())
        && prefix.bytes().all(|b| b.is_ascii_alphabetic())
        && data.len() >= 6
        && data.bytes().all(|b| b"023456789acdefghjklmnpqrstuvwxyz".contains(&b.to_ascii_lowercase()))
}
