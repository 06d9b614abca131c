//! Counting what one address or one account does too often. Counts are this process's own and kept in memory.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::Mutex,
};

use gavel_core::time::Timestamp;

/// Most names remembered; past it the longest silent ones are forgotten.
const REMEMBERED: usize = 100_000;

/// How one name stands: what an answer can tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many are allowed within the window.
    pub allowed: usize,
    /// How many are left.
    pub left: usize,
    /// When the first of those counted leaves the window; with none counted, now.
    pub frees_at: Timestamp,
}

impl Standing {
    /// Whole seconds until there is one more, at least one.
    pub fn wait(&self, now: Timestamp) -> u64 {
        wait(self.frees_at.as_micros(), now)
    }
}

/// A sliding window: so many within so long, for each name.
pub struct Throttle<K> {
    times: Mutex<HashMap<K, VecDeque<i64>>>,
    allowed: usize,
    /// In microseconds.
    window: i64,
}

impl<K: Hash + Eq + Clone> Throttle<K> {
    /// `allowed` within `seconds`.
    pub fn new(allowed: usize, seconds: i64) -> Self {
        Self { times: Mutex::default(), allowed, window: seconds * 1_000_000 }
    }

    /// Counts what has happened. Answers the seconds to wait when it was one too many; it counts all the same.
    pub fn count(&self, name: &K, now: Timestamp) -> Option<u64> {
        self.with(name, now, |times, window, allowed| {
            // Only as many are kept as decide the answer: the window always holds the latest ones.
            if times.len() > allowed {
                times.pop_front();
            }
            times.push_back(now.as_micros());
            let first = times.front().filter(|_| times.len() > allowed)?;
            Some(wait(first + window, now))
        })
    }

    /// Counts an attempt before it is made, so that many at once gain nothing. `Err`: none is left, and it is not counted;
    /// the seconds to wait.
    pub fn begin(&self, name: &K, now: Timestamp) -> Result<(), u64> {
        self.take(name, now).map(|_| ()).map_err(|standing| standing.wait(now))
    }

    /// The same for those who are told how they stand, whether there was one left or not.
    pub fn take(&self, name: &K, now: Timestamp) -> Result<Standing, Standing> {
        self.with(name, now, |times, window, allowed| {
            let is_one_left = times.len() < allowed;
            if is_one_left {
                times.push_back(now.as_micros());
            }
            let standing = standing(times, window, allowed, now);
            if is_one_left { Ok(standing) } else { Err(standing) }
        })
    }

    /// How a name stands; nothing is counted.
    pub fn look(&self, name: &K, now: Timestamp) -> Standing {
        let all = self.times.lock().unwrap_or_else(|e| e.into_inner());
        let mut times = all.get(name).cloned().unwrap_or_default();
        times.retain(|time| *time > now.as_micros() - self.window);
        standing(&times, self.window, self.allowed, now)
    }

    /// Takes back an attempt that was counted at this time: it has succeeded.
    pub fn take_back(&self, name: &K, at: Timestamp) {
        let mut all = self.times.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(times) = all.get_mut(name)
            && let Some(place) = times.iter().position(|time| *time == at.as_micros())
        {
            times.remove(place);
        }
    }

    fn with<T>(&self, name: &K, now: Timestamp, decide: impl FnOnce(&mut VecDeque<i64>, i64, usize) -> T) -> T {
        let mut all = self.times.lock().unwrap_or_else(|e| e.into_inner());
        if all.len() >= REMEMBERED && !all.contains_key(name) {
            forget_silent(&mut all, now.as_micros() - self.window);
        }
        let times = all.entry(name.clone()).or_default();
        while times.front().is_some_and(|first| *first <= now.as_micros() - self.window) {
            times.pop_front();
        }
        decide(times, self.window, self.allowed)
    }
}

fn standing(times: &VecDeque<i64>, window: i64, allowed: usize, now: Timestamp) -> Standing {
    let frees_at = times.front().map_or(now, |first| Timestamp::from_micros(first + window));
    Standing { allowed, left: allowed.saturating_sub(times.len()), frees_at }
}

fn wait(until: i64, now: Timestamp) -> u64 {
    let micros = (until - now.as_micros()).max(1);
    micros.unsigned_abs().div_ceil(1_000_000)
}

/// Makes room: those silent for a whole window go, and if that is not half of them, the half that was silent longest. So
/// however many names an attacker has, the map stays small and is walked only once in a while.
fn forget_silent<K: Hash + Eq>(all: &mut HashMap<K, VecDeque<i64>>, before: i64) {
    let last = |times: &VecDeque<i64>| times.back().copied().unwrap_or(i64::MIN);
    all.retain(|_, times| last(times) > before);
    if all.len() > REMEMBERED / 2 {
        let mut lasts: Vec<i64> = all.values().map(last).collect();
        let (_, median, _) = lasts.select_nth_unstable(all.len() / 2);
        let median = *median;
        all.retain(|_, times| last(times) > median);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn counting_starts_to_refuse_after_the_allowed_ones_and_ends_with_the_window() {
        let (throttle, name) = (Throttle::new(2, 60), "a");
        assert_eq!(throttle.count(&name, at(0)), None);
        assert_eq!(throttle.count(&name, at(10)), None);
        assert_eq!(throttle.count(&name, at(20)), Some(40));
        assert_eq!(throttle.count(&name, at(81)), None, "the one at 20 has left");
        assert_eq!(throttle.count(&"b", at(20)), None, "others are not affected");
    }

    #[test]
    fn attempts_are_counted_before_they_are_made() {
        let throttle = Throttle::new(2, 60);
        assert_eq!([0, 1, 2].map(|second| throttle.begin(&"a", at(second))), [Ok(()), Ok(()), Err(58)]);
        throttle.take_back(&"a", at(1));
        assert_eq!(throttle.begin(&"a", at(3)), Ok(()), "a success leaves its place");
        assert_eq!(throttle.begin(&"a", at(4)), Err(56));
        assert_eq!(throttle.begin(&"a", at(61)), Ok(()));
    }

    #[test]
    fn whoever_asks_is_told_how_they_stand() {
        let (throttle, told) = (Throttle::new(2, 60), |left, frees| Standing { allowed: 2, left, frees_at: at(frees) });
        assert_eq!(throttle.look(&"a", at(0)), told(2, 0));
        assert_eq!(throttle.take(&"a", at(0)), Ok(told(1, 60)));
        assert_eq!(throttle.take(&"a", at(10)), Ok(told(0, 60)));
        assert_eq!(throttle.take(&"a", at(20)), Err(told(0, 60)));
        assert_eq!((throttle.look(&"a", at(20)).wait(at(20)), throttle.look(&"a", at(61))), (40, told(1, 70)));
        assert_eq!(throttle.look(&"b", at(20)), told(2, 20), "others are not affected");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::new(1, 60);
        for number in 0..150_000u32 {
            throttle.count(&IpAddr::from(number.to_be_bytes()), Timestamp::from_micros(i64::from(number)));
        }
        let held = throttle.times.lock().unwrap();
        assert!(held.len() <= 100_000);
        assert!(held.contains_key(&IpAddr::from(149_999u32.to_be_bytes())), "the latest are kept");
    }
}
