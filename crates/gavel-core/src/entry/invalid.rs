//! Why a value is refused.

use std::{error, fmt};

use super::EntryType;

/// A refused value. The value itself is not carried: it is personal data, and errors end up in logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidValue {
    /// Nothing but white space.
    Blank,
    /// More than [`MAX_CHARS`](super::MAX_CHARS) characters.
    TooLong,
    /// Not in the grammar of the type.
    Format(EntryType),
}

impl InvalidValue {
    /// The text of the wire (contract, lists §4 and §5).
    pub const fn message(self) -> &'static str {
        match self {
            Self::Blank => "This field may not be blank.",
            Self::TooLong => "Ensure this field has no more than 1024 characters.",
            Self::Format(EntryType::Phone) => "Enter a valid international phone number.",
            Self::Format(EntryType::Email) => "Enter a valid email address.",
            Self::Format(EntryType::IpAddress) => "Enter a valid IP address or CIDR range.",
            Self::Format(EntryType::DeviceFingerprint) => {
                "Device fingerprint must have at least 8 letters or digits and may contain only letters, digits, '-', '_', ':' and '.'."
            }
            Self::Format(EntryType::Country) => "Enter a valid ISO 3166-1 alpha-2 or alpha-3 country code.",
            // These types take any text, so no parser answers with them; the text is for completeness.
            Self::Format(
                EntryType::Face
                | EntryType::Document
                | EntryType::WalletAddress
                | EntryType::BankAccount
                | EntryType::User
                | EntryType::Business
                | EntryType::Key,
            ) => "Not a valid string.",
        }
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl error::Error for InvalidValue {}
