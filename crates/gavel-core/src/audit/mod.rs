//! The audit trail as anybody can check it (conventions §13; the format is told in `docs/audit.md`).
//!
//! An [`Event`] has one canonical spelling; its [`struct@Hash`] covers that and the hash before it, and the first hash before is
//! the application's own ([`genesis`]), so that no row can be edited, removed, added or moved without every later hash
//! changing. What fixes the last one is a signature: a [`Checkpoint`] now and then, and a [`Head`] made for every export.
//! Keys change by a [`Rotation`] that the old and the new one sign.
//!
//! Personal values are never in the hashed bytes, only one salted [`commitment`] per row: they can be erased, and the
//! chain still holds. One for all values of a row and not one for each, because an erasure takes all of them at once, and
//! 32 random bytes hide even values that could be guessed.
//!
//! [`Verifier`] takes an export line by line in bounded memory and names the first bad row.

mod chain;
mod kinds;
mod signed;
mod verify;

pub use chain::{Event, Hash, Personal, commitment, genesis};
pub use kinds::KINDS;
pub use signed::{Checkpoint, Head, NotSigned, PublicKey, Rotation, Signature, SignedCheckpoint, SigningKey};
pub use verify::{Bad, LINE_LIMIT, Reason, Report, Verifier};

/// Version of the format; part of every signed text.
pub const VERSION: u64 = 1;

/// What a signed or hashed text says it is.
const ROTATED: &str = "audit.key_rotated";

/// Lower-case hex.
fn write_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Exactly `N` bytes in lower-case hex.
fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
