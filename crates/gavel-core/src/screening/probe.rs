//! The bytes a value is found under, and the prefix lengths worth asking for.

use ipnet::IpNet;
use siphasher::sip::SipHasher13;

use crate::entry::{EntryType, EntryValue};

/// Longer keys are replaced by their SHA-256, so that a key costs at most this many bytes and fits on the stack.
const MAX_TEXT: usize = 254;

/// What the first byte says the rest is; types and forms never meet under one key.
const TAG_V4: u8 = 0x40;
const TAG_V6: u8 = 0x41;
const TAG_DIGEST: u8 = 0x80;

/// A key as the segments store and compare it: tag, then text, digest, or prefix length and network address.
pub(super) struct Probe {
    bytes: [u8; MAX_TEXT + 1],
    len: u8,
}

impl Probe {
    /// The key of a value itself; for an address, of its whole network.
    pub(super) fn of(value: &EntryValue) -> Self {
        match value.network() {
            Some(network) => Self::of_network(network),
            None => Self::of_text(value),
        }
    }

    /// The key of a network whose host bits are cleared.
    pub(super) fn of_network(network: IpNet) -> Self {
        let mut probe = Self::tagged(if matches!(network, IpNet::V4(_)) { TAG_V4 } else { TAG_V6 });
        probe.push(&[network.prefix_len()]);
        match network {
            IpNet::V4(network) => probe.push(&network.addr().octets()),
            IpNet::V6(network) => probe.push(&network.addr().octets()),
        }
        probe
    }

    fn of_text(value: &EntryValue) -> Self {
        let tag = tag_of(value.entry_type());
        let text = value.key().as_bytes();
        if text.len() <= MAX_TEXT {
            let mut probe = Self::tagged(tag);
            probe.push(text);
            probe
        } else {
            let mut probe = Self::tagged(tag | TAG_DIGEST);
            probe.push(&value.digest());
            probe
        }
    }

    fn tagged(tag: u8) -> Self {
        let mut probe = Self { bytes: [0; MAX_TEXT + 1], len: 0 };
        probe.push(&[tag]);
        probe
    }

    fn push(&mut self, bytes: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len() as u8; // At most 255: the slice above would have failed first.
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

fn tag_of(entry_type: EntryType) -> u8 {
    match entry_type {
        EntryType::Face => 0,
        EntryType::Document => 1,
        EntryType::Phone => 2,
        EntryType::Email => 3,
        EntryType::IpAddress => 4, // Only of a damaged row: a value with a network has a tag of its own.
        EntryType::DeviceFingerprint => 5,
        EntryType::WalletAddress => 6,
        EntryType::BankAccount => 7,
        EntryType::Country => 8,
        EntryType::User => 9,
        EntryType::Business => 10,
        EntryType::Key => 11,
    }
}

/// The hash of a key. The key of the hash is secret: values are chosen by the people who are screened, and with a known
/// hash they could fill one bucket.
#[derive(Clone)]
pub(super) struct KeyedHash(SipHasher13);

impl KeyedHash {
    pub(super) fn new(secret: &[u8; 16]) -> Self {
        Self(SipHasher13::new_with_key(secret))
    }

    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        self.0.hash(key)
    }
}

/// Which prefix lengths occur among the networks of a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PrefixLengths {
    v4: u64,
    /// `/0` to `/127`; a u128 has no room for the 129th.
    v6: u128,
    v6_single: bool,
}

impl PrefixLengths {
    /// Notes the length of a stored key, if it is that of a network.
    pub(super) fn note(&mut self, key: &[u8]) {
        match *key {
            [TAG_V4, len, ..] => self.v4 |= 1 << len,
            [TAG_V6, 128, ..] => self.v6_single = true,
            [TAG_V6, len, ..] => self.v6 |= 1 << len,
            _ => {}
        }
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self { v4: self.v4 | other.v4, v6: self.v6 | other.v6, v6_single: self.v6_single || other.v6_single }
    }

    pub(super) fn has(self, network: IpNet) -> bool {
        match (network, network.prefix_len()) {
            (IpNet::V4(_), len) => self.v4 >> len & 1 == 1,
            (IpNet::V6(_), 128) => self.v6_single,
            (IpNet::V6(_), len) => self.v6 >> len & 1 == 1,
        }
    }

    /// The networks of the noted lengths that hold all of this one, from wide to narrow.
    pub(super) fn covering(self, network: IpNet) -> impl Iterator<Item = IpNet> {
        let mut rest = match network {
            IpNet::V4(_) => u128::from(self.v4),
            IpNet::V6(_) => self.v6,
        };
        let single = matches!(network, IpNet::V6(_)) && self.v6_single;
        let lengths = std::iter::from_fn(move || {
            let len = rest.trailing_zeros() as u8; // 128: no bit is left.
            if len == 128 {
                return None;
            }
            rest &= rest - 1;
            Some(len)
        });
        lengths
            .chain(single.then_some(128))
            .take_while(move |len| *len <= network.prefix_len())
            .filter_map(move |len| Some(IpNet::new(network.addr(), len).ok()?.trunc()))
    }
}
