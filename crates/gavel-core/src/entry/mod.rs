//! Values: what a list accepts, how it is stored, and when two of them are the same.
//!
//! Every value, typed by a person or taken from a session, passes through [`EntryValue::parse`] and comes out with
//! two texts. The *stored* form is what people see; the *match key* is what is compared: two values are the same when
//! their types and keys are equal, and nothing else is ever compared. One file per grammar ([`phone`], [`email`],
//! [`ip_address`], [`country`], device fingerprints, wallet addresses, plain text) says what is accepted; the
//! rules are those of the contract, lists §5.
//!
//! The promise: an [`EntryValue`] exists only for an accepted value, and a stored form that is read again gives the
//! same stored form and key. Two things are deliberately missing: a value inside an error (values are personal
//! data), and any folding beyond the contract's (no plus tags, no look-alike letters).

mod entry_type;
mod invalid;
mod text;
mod value;

pub mod country;
mod device_fingerprint;
pub mod email;
pub mod ip_address;
pub mod phone;
mod plain;
mod wallet_address;

pub use entry_type::EntryType;
pub use invalid::InvalidValue;
pub use value::{EntryValue, MAX_CHARS};

#[cfg(test)]
mod tests;
