//! A value that passed its grammar.

use std::fmt;

use ipnet::IpNet;
use sha2::{Digest, Sha256};

use super::{
    EntryType, InvalidValue, country, device_fingerprint, email::Email, ip_address, phone::Phone, plain, text, wallet_address,
};

/// The longest accepted value, in Unicode scalar values after trimming.
pub const MAX_CHARS: usize = 1024;

/// A value of a list or of a session, in stored form and with its match key.
///
/// Equality is that of all parts; whether two values *match* is a question of type and key, or of containment for
/// addresses ([`crate::screening`]).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EntryValue {
    entry_type: EntryType,
    stored: Box<str>,
    /// `None`: the same text as `stored`, the most frequent case; ten million entries pass through here at start.
    key: Option<Box<str>>,
    network: Option<IpNet>,
}

impl EntryValue {
    /// Reads a value as sent: blank, then too long, then the grammar of its type.
    pub fn parse(entry_type: EntryType, sent: &str) -> Result<Self, InvalidValue> {
        let trimmed = sent.trim();
        if trimmed.is_empty() {
            return Err(InvalidValue::Blank);
        }
        // The cheap comparison first: a body may be megabytes long.
        if trimmed.len() > MAX_CHARS && trimmed.chars().count() > MAX_CHARS {
            return Err(InvalidValue::TooLong);
        }
        let cleaned = text::clean(trimmed);
        match entry_type {
            EntryType::Phone => Phone::parse(&cleaned).map(|phone| Self::with_key_as_stored(entry_type, phone.into_e164())),
            EntryType::Email => Email::parse(&cleaned).map(|email| {
                let (stored, key) = email.into_parts();
                Self::with_key(entry_type, stored, key)
            }),
            EntryType::IpAddress => ip_address::parse_network(&cleaned)
                .map(|network| Self {
                    network: Some(network),
                    ..Self::with_key_as_stored(entry_type, ip_address::canonical_text(network))
                })
                .ok_or(InvalidValue::Format(entry_type)),
            EntryType::DeviceFingerprint => {
                device_fingerprint::parse(&cleaned).map(|stored| Self::with_key_as_stored(entry_type, stored))
            }
            EntryType::Country => country::alpha3(&cleaned)
                .map(|code| Self::with_key_as_stored(entry_type, code.to_owned()))
                .ok_or(InvalidValue::Format(entry_type)),
            EntryType::WalletAddress => {
                let (stored, key) = wallet_address::normalize(&cleaned);
                Ok(Self::with_key(entry_type, stored, key))
            }
            EntryType::Document | EntryType::BankAccount => {
                let (stored, key) = plain::normalize_number(&cleaned);
                Ok(Self::with_key(entry_type, stored, key))
            }
            EntryType::Face | EntryType::User | EntryType::Business | EntryType::Key => {
                Ok(Self::with_key_as_stored(entry_type, plain::normalize(&cleaned)))
            }
        }
    }

    /// A value as it was written to the store, taken as it is: parsing again at every start would cost more than
    /// reading. Only texts that came from [`stored`](Self::stored) and [`key`](Self::key) belong here; an address
    /// whose key is not an address (a damaged row) has no network and matches nothing.
    pub fn from_store(entry_type: EntryType, stored: String, key: String) -> Self {
        let network = match entry_type {
            EntryType::IpAddress => ip_address::parse_network(&key),
            _ => None,
        };
        Self { network, ..Self::with_key(entry_type, stored, key) }
    }

    /// What kind of value this is.
    pub fn entry_type(&self) -> EntryType {
        self.entry_type
    }

    /// The form that is shown and returned.
    pub fn stored(&self) -> &str {
        &self.stored
    }

    /// The form that is compared.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.stored)
    }

    /// The network of an `ip_address`, host bits cleared; a single address is `/32` or `/128`. `None` for other types.
    pub fn network(&self) -> Option<IpNet> {
        self.network
    }

    /// The values an entry may have to match this one: for an address or range every range that holds all of it, from wide
    /// to narrow, itself the last; for everything else the value alone.
    pub fn covering(&self) -> Vec<Self> {
        let Some(network) = self.network else { return vec![self.clone()] };
        let wider = (0..=network.prefix_len()).filter_map(|len| Some(IpNet::new(network.addr(), len).ok()?.trunc()));
        wider
            .map(|network| Self {
                network: Some(network),
                ..Self::with_key_as_stored(self.entry_type, ip_address::canonical_text(network))
            })
            .collect()
    }

    /// SHA-256 of the match key. Databases index this instead of the key, whose length can exceed an index row.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.key().as_bytes()).into()
    }

    fn with_key_as_stored(entry_type: EntryType, stored: String) -> Self {
        Self { entry_type, stored: stored.into(), key: None, network: None }
    }

    fn with_key(entry_type: EntryType, stored: String, key: String) -> Self {
        let key = (key != stored).then(|| key.into());
        Self { entry_type, stored: stored.into(), key, network: None }
    }
}

/// Without the value: debug output ends up in logs.
impl fmt::Debug for EntryValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryValue").field("entry_type", &self.entry_type).finish_non_exhaustive()
    }
}
