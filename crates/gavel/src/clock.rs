//! Time, new ids and randomness, in one place so that tests can move the clock and nothing else draws by itself.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gavel_core::time::Timestamp;
use uuid::Uuid;

/// The clock of a server. Clones show the same time.
#[derive(Clone, Default)]
pub struct Clock {
    /// Microseconds ahead of the machine's clock; zero outside tests.
    ahead: Arc<AtomicI64>,
    /// What every draw gives, and one more; zero outside tests, which means that it is drawn.
    chance: Arc<AtomicU64>,
}

impl Clock {
    /// This instant.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(micros.saturating_add(self.ahead.load(Ordering::Relaxed)))
    }

    /// Moves the clock ahead, or back: tests do that, and the demo, which tells of past weeks.
    pub fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// An even draw from all numbers of this type, for waits that should not end together.
    pub fn chance(&self) -> u32 {
        let fixed = self.chance.load(Ordering::Relaxed).checked_sub(1).and_then(|fixed| u32::try_from(fixed).ok());
        fixed.unwrap_or_else(|| u32::from_le_bytes(random()))
    }

    /// Fixes every further draw, so that a test knows the waits.
    pub fn fix_chance(&self, chance: u32) {
        self.chance.store(u64::from(chance) + 1, Ordering::Relaxed);
    }
}

/// A new id, ordered by time of creation within this process.
#[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
pub fn new_id<T: From<Uuid>>() -> T {
    T::from(Uuid::now_v7())
}

/// Random bytes from the operating system.
#[expect(clippy::expect_used, reason = "without randomness there are no keys and no ids: nothing can go on")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Random bytes as unpadded URL-safe base64: 32 bytes make 43 characters, 9 make 12.
pub fn random_text<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(random::<N>())
}
