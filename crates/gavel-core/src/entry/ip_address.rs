//! IP addresses and CIDR ranges.
//!
//! One address has one canonical text: IPv4 dotted, IPv6 by RFC 5952, a range with its host bits cleared, a range of one
//! address without its prefix. An IPv4 address inside IPv6 (`::ffff:0:0/96`) *is* the IPv4 address: dual-stack sockets
//! report one client under both names, and a list must not be evaded by the spelling.
//!
//! Refused on purpose: leading zeros in IPv4 (octal to some readers), zone ids, netmasks, ports, brackets.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// A single address, with white space around it ignored and IPv4-mapped IPv6 folded. `None`: not an address.
pub fn parse_address(text: &str) -> Option<IpAddr> {
    Some(text.trim().parse::<IpAddr>().ok()?.to_canonical())
}

/// An address or a range, in the form that is compared: folded, host bits cleared.
pub(super) fn parse_network(text: &str) -> Option<IpNet> {
    let (address, prefix) = match text.split_once('/') {
        None => (text.parse::<IpAddr>().ok()?, None),
        Some((address, prefix)) => (address.parse::<IpAddr>().ok()?, Some(parse_prefix(prefix)?)),
    };
    fold(address, prefix.unwrap_or(if address.is_ipv4() { 32 } else { 128 }))
}

/// The stored form of a network whose host bits are cleared.
pub(super) fn canonical_text(network: IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() { network.addr().to_string() } else { network.to_string() }
}

/// Decimal digits and nothing else; `u8::from_str` alone would take a sign.
fn parse_prefix(digits: &str) -> Option<u8> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match digits.trim_start_matches('0') {
        "" => Some(0),
        significant => significant.parse().ok(),
    }
}

fn fold(address: IpAddr, prefix: u8) -> Option<IpNet> {
    let mapped = match address {
        IpAddr::V6(address) if (96..=128).contains(&prefix) => Ipv6Addr::to_ipv4_mapped(&address),
        _ => None,
    };
    let network = match mapped {
        Some(inner) => IpNet::new(inner.into(), prefix - 96),
        None => IpNet::new(address, prefix),
    };
    Some(network.ok()?.trunc())
}
