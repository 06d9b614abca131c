//! Identifiers of devices, as fingerprinting scripts and SDKs make them: hex, UUIDs, MAC-like groups.

use super::{EntryType, InvalidValue};

/// Fewer letters and digits than this identify nothing, and a short entry would hit by accident.
const MIN_ALPHANUMERIC: usize = 8;

/// Reads a cleaned text; gives the stored form, which is also the match key.
pub(super) fn parse(cleaned: &str) -> Result<String, InvalidValue> {
    let allowed = cleaned.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.'));
    let alphanumeric = cleaned.bytes().filter(u8::is_ascii_alphanumeric).count();
    if allowed && alphanumeric >= MIN_ALPHANUMERIC {
        Ok(cleaned.to_ascii_lowercase())
    } else {
        Err(InvalidValue::Format(EntryType::DeviceFingerprint))
    }
}
