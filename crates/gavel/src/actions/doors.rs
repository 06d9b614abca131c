//! What stands before every password, code and mail that a stranger can ask for: limits per account and per address, and
//! the machinery that checks passwords. Counts are this process's own.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    pin::pin,
    sync::Mutex,
    time::Duration,
};

use gavel_core::time::Timestamp;
use tokio::sync::Notify;

use super::Error;
use crate::{app::App, passwords::Passwords, secrets::digest, throttle::Throttle};

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

/// How long an attempt waits for those that are under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// The doors of this process.
pub struct Doors {
    /// Checks passwords.
    pub passwords: Passwords,
    accounts: Attempts<[u8; 32]>,
    addresses: Attempts<IpAddr>,
    /// Told whenever an attempt has ended.
    ended: Notify,
    mails_to: Throttle<[u8; 32]>,
    mails_from: Throttle<IpAddr>,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            passwords: Passwords::default(),
            accounts: Attempts::new(PER_ACCOUNT),
            addresses: Attempts::new(PER_ADDRESS),
            ended: Notify::new(),
            mails_to: Throttle::new(MAILS_PER_ACCOUNT, MAIL_WINDOW),
            mails_from: Throttle::new(MAILS_PER_ADDRESS, MAIL_WINDOW),
        }
    }
}

/// Wrong attempts within [`WINDOW`] and those under way, which may be wrong: together never more than are allowed, so that
/// many guesses at once gain nothing.
struct Attempts<K> {
    counted: Throttle<K>,
    under_way: Mutex<HashMap<K, usize>>,
}

/// Why an attempt does not begin.
enum Full {
    /// Others are under way; they may leave a place.
    Now,
    /// Too many were wrong; the seconds to wait.
    Wrong(u64),
}

impl<K: Hash + Eq + Clone> Attempts<K> {
    fn new(allowed: usize) -> Self {
        Self { counted: Throttle::new(allowed, WINDOW), under_way: Mutex::default() }
    }

    fn begin(&self, name: &K, now: Timestamp) -> Result<(), Full> {
        let mut under_way = self.under_way.lock().unwrap_or_else(|e| e.into_inner());
        match self.counted.begin(name, now) {
            Ok(()) => *under_way.entry(name.clone()).or_default() += 1,
            Err(_) if under_way.contains_key(name) => return Err(Full::Now),
            Err(seconds) => return Err(Full::Wrong(seconds)),
        }
        Ok(())
    }

    /// Ends what began at this time. Only what was wrong stays counted.
    fn end(&self, name: &K, at: Timestamp, was_wrong: bool) {
        let mut under_way = self.under_way.lock().unwrap_or_else(|e| e.into_inner());
        if !was_wrong {
            self.counted.take_back(name, at);
        }
        if let Some(count) = under_way.get_mut(name) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(name);
            }
        }
    }
}

/// Makes an attempt at an account, whether there is one with this address or not: what is compared is wrong when it answers
/// [`Error::WrongSignIn`], and nothing else counts. A task of its own: what was guessed counts when the client has gone, too.
pub async fn attempt<T: Send + 'static>(
    app: &App,
    email_key: String,
    ip: Option<IpAddr>,
    compared: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let app = app.clone();
    let attempt = tokio::spawn(async move {
        let knock = app.doors.knock(&email_key, ip, app.clock.now()).await?;
        let done = compared.await;
        if matches!(done, Err(Error::WrongSignIn)) {
            knock.wrong();
        }
        done
    });
    attempt.await.map_err(Error::fault)?
}

/// An attempt at an account. It leaves no trace, however it ends, unless it is said to have been [`wrong`](Self::wrong).
struct Knock<'d> {
    doors: &'d Doors,
    account: [u8; 32],
    address: Option<IpAddr>,
    at: Timestamp,
    was_wrong: bool,
}

impl Knock<'_> {
    /// Password or code were compared, and wrong.
    fn wrong(mut self) {
        self.was_wrong = true;
    }
}

impl Drop for Knock<'_> {
    fn drop(&mut self) {
        self.doors.accounts.end(&self.account, self.at, self.was_wrong);
        if let Some(address) = &self.address {
            self.doors.addresses.end(address, self.at, self.was_wrong);
        }
        self.doors.ended.notify_waiters();
    }
}

impl Doors {
    /// Begins an attempt at an account, whether there is one with this address or not. Waits while others that are under
    /// way may turn out not to have been wrong.
    async fn knock(&self, email_key: &str, ip: Option<IpAddr>, now: Timestamp) -> Result<Knock<'_>, Error> {
        let (account, address) = (digest(email_key.as_bytes()), ip.map(network));
        let begun = tokio::time::timeout(PATIENCE, async {
            loop {
                let mut ended = pin!(self.ended.notified());
                ended.as_mut().enable(); // One that ends between the look and the waiting is not missed.
                match self.begin(account, address, now) {
                    Ok(knock) => return Ok(knock),
                    Err(Full::Wrong(seconds)) => return Err(Error::TooManyAttempts(seconds)),
                    Err(Full::Now) => ended.await,
                }
            }
        });
        begun.await.map_err(|_| Error::Unavailable("too many attempts are under way".into()))?
    }

    fn begin(&self, account: [u8; 32], address: Option<IpAddr>, at: Timestamp) -> Result<Knock<'_>, Full> {
        if let Some(address) = &address {
            self.addresses.begin(address, at)?;
        }
        if let Err(full) = self.accounts.begin(&account, at) {
            // The address has not failed by it: nothing was compared.
            address.iter().for_each(|address| self.addresses.end(address, at, false));
            return Err(full);
        }
        Ok(Knock { doors: self, account, address, at, was_wrong: false })
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

    const NOW: Timestamp = Timestamp::from_micros(0);

    async fn refused(doors: &Doors, account: &str, ip: Option<IpAddr>, now: Timestamp) -> bool {
        matches!(doors.knock(account, ip, now).await, Err(Error::TooManyAttempts(_)))
    }

    async fn fail(doors: &Doors, account: &str, ip: Option<IpAddr>) {
        doors.knock(account, ip, NOW).await.unwrap_or_else(|error| panic!("{error}")).wrong();
    }

    fn ip(n: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, n]))
    }

    #[tokio::test]
    async fn an_account_is_guarded_from_everywhere_and_an_address_for_every_account() {
        let doors = Doors::default();
        for n in 0..10 {
            fail(&doors, "a", ip(n)).await;
        }
        assert!(refused(&doors, "a", ip(11), NOW).await);
        for n in 0..50 {
            fail(&doors, &format!("b{n}"), ip(12)).await;
        }
        assert!(refused(&doors, "c", ip(12), NOW).await);
        assert!(!refused(&doors, "c", ip(13), NOW).await);
        assert!(!refused(&doors, "a", ip(12), NOW.plus_seconds(900)).await);
    }

    #[tokio::test]
    async fn only_what_was_wrong_counts_and_what_is_under_way_is_waited_for() {
        let doors = Doors::default();
        for _ in 0..30 {
            drop(doors.knock("a", ip(1), NOW).await); // Right, broken off, or never compared.
        }
        let mut under_way = Vec::new();
        for _ in 0..10 {
            under_way.push(doors.knock("a", ip(1), NOW).await.unwrap_or_else(|error| panic!("{error}")));
        }
        let mut waiting = pin!(doors.knock("a", ip(1), NOW));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending(), "no guess more than are allowed at once");
        under_way.pop();
        let last = waiting.await.unwrap_or_else(|error| panic!("{error}"));
        let mut refused = pin!(refused(&doors, "a", ip(1), NOW));
        assert!(futures_util::poll!(refused.as_mut()).is_pending());
        under_way.into_iter().chain([last]).for_each(Knock::wrong);
        assert!(refused.await);
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!((of("10.1.2.3"), of("::ffff:10.1.2.3")), ("10.1.2.3".into(), "10.1.2.3".into()));
    }
}
