//! The twelve kinds of value.

use std::fmt;

use serde::{Serialize, Serializer};

/// What the values of a list are. Fixed for the life of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryType {
    /// A face, by its UUID; biometric comparison is not this crate's.
    Face,
    /// A document number.
    Document,
    /// A telephone number, E.164.
    Phone,
    /// An e-mail address.
    Email,
    /// An IP address or a CIDR range.
    IpAddress,
    /// An identifier of a device.
    DeviceFingerprint,
    /// An address on a block chain.
    WalletAddress,
    /// An account at a bank: an IBAN or any other number.
    BankAccount,
    /// A country, ISO 3166-1.
    Country,
    /// A user, by the customer's `vendor_data`.
    User,
    /// A business, by the customer's `vendor_data`.
    Business,
    /// Anything else a customer keys on.
    Key,
}

impl EntryType {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 12] = [
        Self::Face,
        Self::Document,
        Self::Phone,
        Self::Email,
        Self::IpAddress,
        Self::DeviceFingerprint,
        Self::WalletAddress,
        Self::BankAccount,
        Self::Country,
        Self::User,
        Self::Business,
        Self::Key,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Face => "face",
            Self::Document => "document",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::IpAddress => "ip_address",
            Self::DeviceFingerprint => "device_fingerprint",
            Self::WalletAddress => "wallet_address",
            Self::BankAccount => "bank_account",
            Self::Country => "country",
            Self::User => "user",
            Self::Business => "business",
            Self::Key => "key",
        }
    }

    /// The type of this name; names are exact, case included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entry_type| entry_type.as_str() == name)
    }
}

impl fmt::Display for EntryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EntryType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for entry_type in EntryType::ALL {
            assert_eq!(EntryType::from_name(entry_type.as_str()), Some(entry_type));
        }
        for unknown in ["", "Face", "ip", "faces", " face"] {
            assert_eq!(EntryType::from_name(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn names_are_the_contracts_in_its_order() {
        let names: Vec<_> = EntryType::ALL.iter().map(|entry_type| entry_type.to_string()).collect();
        assert_eq!(
            names.join(" "),
            "face document phone email ip_address device_fingerprint wallet_address bank_account country user business key"
        );
        assert_eq!(serde_json::to_string(&EntryType::IpAddress).unwrap(), "\"ip_address\"");
    }
}
