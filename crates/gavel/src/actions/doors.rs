//! What stands before every password, code and mail that a stranger can ask for: limits per account and per address, and
//! the machinery that checks passwords. Counts are this process's own.

use std::net::{IpAddr, Ipv6Addr};

use gavel_core::time::Timestamp;

use super::Error;
use crate::{passwords::Passwords, secrets::digest, throttle::Throttle};

/// Wrong passwords and codes for one account within [`WINDOW`], whoever tries.
const PER_ACCOUNT: usize = 10;
/// Wrong passwords and codes from one address within [`WINDOW`], whatever the account.
const PER_ADDRESS: usize = 50;
/// The window of both, in seconds.
const WINDOW: i64 = 900;
/// Mails with a link to one account within an hour; more are not sent.
const MAILS_PER_ACCOUNT: usize = 3;
/// Requests for such mails from one address within an hour; more are refused.
const MAILS_PER_ADDRESS: usize = 20;
/// The window of both, in seconds.
const MAIL_WINDOW: i64 = 3_600;

/// The doors of this process.
pub struct Doors {
    /// Checks passwords.
    pub passwords: Passwords,
    accounts: Throttle<[u8; 32]>,
    addresses: Throttle<IpAddr>,
    mails_to: Throttle<[u8; 32]>,
    mails_from: Throttle<IpAddr>,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            passwords: Passwords::default(),
            accounts: Throttle::new(PER_ACCOUNT, WINDOW),
            addresses: Throttle::new(PER_ADDRESS, WINDOW),
            mails_to: Throttle::new(MAILS_PER_ACCOUNT, MAIL_WINDOW),
            mails_from: Throttle::new(MAILS_PER_ADDRESS, MAIL_WINDOW),
        }
    }
}

/// An attempt at an account, counted as a failure until it is known to be none.
pub struct Knock<'d> {
    doors: &'d Doors,
    account: [u8; 32],
    address: Option<IpAddr>,
    at: Timestamp,
}

impl Knock<'_> {
    /// It was no failure.
    pub fn forgive(self) {
        self.doors.accounts.take_back(&self.account, self.at);
        if let Some(address) = &self.address {
            self.doors.addresses.take_back(address, self.at);
        }
    }
}

impl Doors {
    /// Begins an attempt at an account, whether there is one with this address or not.
    pub fn knock(&self, email_key: &str, ip: Option<IpAddr>, now: Timestamp) -> Result<Knock<'_>, Error> {
        let (account, address) = (digest(email_key.as_bytes()), ip.map(network));
        if let Some(address) = &address {
            self.addresses.begin(address, now).map_err(Error::TooManyAttempts)?;
        }
        if let Err(seconds) = self.accounts.begin(&account, now) {
            // The address has not failed by it: nothing was compared.
            address.iter().for_each(|address| self.addresses.take_back(address, now));
            return Err(Error::TooManyAttempts(seconds));
        }
        Ok(Knock { doors: self, account, address, at: now })
    }

    /// Refuses when an address has asked for too many mails.
    pub fn may_ask_for_mail(&self, ip: Option<IpAddr>, now: Timestamp) -> Result<(), Error> {
        let Some(ip) = ip else { return Ok(()) };
        self.mails_from.begin(&network(ip), now).map_err(Error::TooManyAttempts)
    }

    /// Whether an account may be sent one more link. Nobody is told.
    pub fn may_send_link(&self, email_key: &str, now: Timestamp) -> bool {
        self.mails_to.begin(&digest(email_key.as_bytes()), now).is_ok()
    }
}

/// What counts as one address: of IPv6 the network of 64 bits, since everybody has one of those at least.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(knock: Result<Knock<'_>, Error>) -> bool {
        matches!(knock, Err(Error::TooManyAttempts(_)))
    }

    #[test]
    fn an_account_is_guarded_from_everywhere_and_an_address_for_every_account() {
        let (doors, now) = (Doors::default(), Timestamp::from_micros(0));
        let ip = |n: u8| Some(IpAddr::from([10, 0, 0, n]));
        for n in 0..10 {
            assert!(!refused(doors.knock("a", ip(n), now)));
        }
        assert!(refused(doors.knock("a", ip(11), now)));
        for n in 0..50 {
            assert!(!refused(doors.knock(&format!("b{n}"), ip(12), now)));
        }
        assert!(refused(doors.knock("c", ip(12), now)));
        assert!(!refused(doors.knock("c", ip(13), now)));
        assert!(!refused(doors.knock("a", ip(12), now.plus_seconds(900))));
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!((of("10.1.2.3"), of("::ffff:10.1.2.3")), ("10.1.2.3".into(), "10.1.2.3".into()));
    }
}
