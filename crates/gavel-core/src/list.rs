//! Lists: what a list is for, and the eleven every application is born with.
//!
//! A blocklist declines, an allowlist suppresses findings of duplicates, a custom list does nothing by itself and feeds
//! conditions. What the values of a list are is its [`EntryType`]. Both are fixed for the life of a list.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::entry::EntryType;

/// What a match with a list means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListType {
    /// A match declines or refuses.
    Blocklist,
    /// A match suppresses the finding that a value is a duplicate.
    Allowlist,
    /// A match means what a condition makes of it.
    Custom,
}

impl ListType {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Blocklist, Self::Allowlist, Self::Custom];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocklist => "blocklist",
            Self::Allowlist => "allowlist",
            Self::Custom => "custom",
        }
    }

    /// The type of this name; names are exact, case included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list_type| list_type.as_str() == name)
    }
}

impl fmt::Display for ListType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ListType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// When a blocklist's entry hits so often that a person should look before it declines more (`/x/`, off by default).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloodGuard {
    /// Fewer hits within the hour are never a flood.
    pub min_hits: u64,
    /// How many times the entry's own average hour the hits must be above.
    pub factor: u64,
}

impl FloodGuard {
    /// Whether so many hits within this hour are a flood, after an average hour of the past.
    pub fn is_flood(&self, this_hour: u64, average_before: f64) -> bool {
        this_hour >= self.min_hits && this_hour as f64 > average_before * self.factor as f64
    }
}

/// A list that is created with the application and can be neither edited nor deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemList {
    /// Its name; customers cannot give it to a list of their own.
    pub name: &'static str,
    /// A sentence for the console.
    pub description: &'static str,
    /// What a match means.
    pub list_type: ListType,
    /// What its values are.
    pub entry_type: EntryType,
}

/// The system lists in the order they are created (contract, lists §2).
pub const SYSTEM_LISTS: [SystemList; 11] = [
    blocklist("Face Blocklist", EntryType::Face, "Faces whose verifications are declined."),
    blocklist("Document Blocklist", EntryType::Document, "Document numbers whose verifications are declined."),
    blocklist("Phone Blocklist", EntryType::Phone, "Phone numbers that are declined wherever they appear."),
    blocklist("Email Blocklist", EntryType::Email, "E-mail addresses that are declined wherever they appear."),
    blocklist("IP Address Blocklist", EntryType::IpAddress, "IP addresses and ranges that are declined wherever they appear."),
    blocklist("Device Fingerprint Blocklist", EntryType::DeviceFingerprint, "Devices that are declined wherever they appear."),
    blocklist("Wallet Address Blocklist", EntryType::WalletAddress, "Crypto wallets whose transactions are declined."),
    blocklist("Bank Account Blocklist", EntryType::BankAccount, "Bank accounts whose transactions are declined."),
    blocklist("User Blocklist", EntryType::User, "Users, by vendor_data, that are refused and set to blocked."),
    blocklist("Business Blocklist", EntryType::Business, "Businesses, by vendor_data, that are refused and set to blocked."),
    SystemList {
        name: "High Risk Countries",
        description: "Countries for use in workflow and transaction conditions.",
        list_type: ListType::Custom,
        entry_type: EntryType::Country,
    },
];

/// The system blocklist of a type; `None` for `country` and `key`, which have none.
pub fn system_blocklist(entry_type: EntryType) -> Option<&'static SystemList> {
    SYSTEM_LISTS.iter().find(|list| list.list_type == ListType::Blocklist && list.entry_type == entry_type)
}

const fn blocklist(name: &'static str, entry_type: EntryType, description: &'static str) -> SystemList {
    SystemList { name, description, list_type: ListType::Blocklist, entry_type }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_read_back() {
        for list_type in ListType::ALL {
            assert_eq!(ListType::from_name(list_type.as_str()), Some(list_type));
        }
        assert_eq!(ListType::from_name("Blocklist"), None);
    }

    #[test]
    fn the_system_lists_are_the_contracts() {
        let names: Vec<_> = SYSTEM_LISTS.iter().map(|list| list.name).collect();
        assert_eq!(
            names,
            [
                "Face Blocklist",
                "Document Blocklist",
                "Phone Blocklist",
                "Email Blocklist",
                "IP Address Blocklist",
                "Device Fingerprint Blocklist",
                "Wallet Address Blocklist",
                "Bank Account Blocklist",
                "User Blocklist",
                "Business Blocklist",
                "High Risk Countries",
            ]
        );
        assert!(SYSTEM_LISTS.iter().all(|list| !list.description.is_empty()));
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn a_flood_is_much_and_much_more_than_before() {
        let guard = FloodGuard { min_hits: 20, factor: 10 };
        for (now, before, expected) in [(19, 0.0, false), (20, 0.0, true), (20, 2.0, false), (21, 2.0, true), (500, 60.0, false)]
        {
            assert_eq!(guard.is_flood(now, before), expected, "{now} after {before}");
        }
    }

    #[test]
    fn every_type_but_two_has_one_system_blocklist() {
        for entry_type in EntryType::ALL {
            let expected = !matches!(entry_type, EntryType::Country | EntryType::Key);
            assert_eq!(system_blocklist(entry_type).is_some(), expected, "{entry_type}");
        }
    }
}
