//! After an attempt: is it delivered, tried again, or over (webhooks §5)?

use std::{error, fmt, str::FromStr, time::Duration};

use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The longest wait a receiver may ask for.
const RETRY_AFTER_LIMIT: Duration = DAY;
/// The longest wait of a schedule; a longer one is a slip of the pen.
const WAIT_LIMIT: Duration = Duration::from_secs(365 * 86_400);

/// The most by which an attempt is moved behind the end of its wait. The contract has it start within five seconds after
/// that; what is left is for finding it.
const SPREAD_LIMIT: Duration = Duration::from_secs(3);

/// What the end of an attempt means for its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Any 2xx.
    Delivered,
    /// The receiver may take it later.
    Retry,
    /// Trying again cannot help. A refused target is this too, without any attempt.
    Final,
}

impl Outcome {
    /// From the status of the answer; `None`: there was no answer (time-out, connection, TLS or name resolution).
    pub fn of(status: Option<u16>) -> Self {
        match status {
            Some(200..=299) => Self::Delivered,
            None | Some(404 | 408 | 429 | 500..=599) => Self::Retry,
            Some(_) => Self::Final,
        }
    }
}

/// The waits between attempts, counted from the end of a failed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule(Vec<Duration>);

impl RetrySchedule {
    /// The waits, in order.
    pub fn waits(&self) -> &[Duration] {
        &self.0
    }

    /// How many attempts are made at most.
    pub fn attempts(&self) -> usize {
        self.0.len() + 1
    }
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self(vec![MINUTE, 4 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, DAY])
    }
}

/// How long to wait after failed attempt number `attempt` (the first is 1). `None`: given up.
///
/// `retry_after` lengthens the wait, up to 24 hours, and never shortens it.
pub fn retry_wait(schedule: &RetrySchedule, attempt: u32, retry_after: Option<Duration>) -> Option<Duration> {
    let planned = *schedule.0.get(usize::try_from(attempt).ok()?.checked_sub(1)?)?;
    Some(planned.max(retry_after.unwrap_or_default().min(RETRY_AFTER_LIMIT)))
}

/// A wait made a little longer by chance, so that what failed together does not come back in one moment: by anything up to
/// the wait itself, at most three seconds. It is never shorter than the schedule or a receiver's `Retry-After` says.
/// `chance` is evenly drawn from all of its type.
pub fn spread(wait: Duration, chance: u32) -> Duration {
    let most = wait.min(SPREAD_LIMIT).as_nanos();
    let more = u64::try_from((most * u128::from(chance)) >> 32).unwrap_or_default(); // Three seconds fit.
    wait + Duration::from_nanos(more)
}

/// The wait a `Retry-After` header asks for, in seconds or as an HTTP date. Only 429 and 503 may ask.
pub fn retry_after(status: u16, header: &str, now: Timestamp) -> Option<Duration> {
    if !matches!(status, 429 | 503) {
        return None;
    }
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds mean "very long", which the limit cuts anyway.
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    let at = OffsetDateTime::parse(header, &Rfc2822).ok()?.unix_timestamp();
    Some(Duration::from_secs(u64::try_from(at.saturating_sub(now.as_unix_seconds())).unwrap_or(0)))
}

/// A comma list such as `1s,2s,5s`; units are `ms`, `s`, `m`, `h`, `d`.
impl FromStr for RetrySchedule {
    type Err = BadSchedule;

    fn from_str(text: &str) -> Result<Self, BadSchedule> {
        text.split(',').map(|wait| parse_wait(wait.trim()).ok_or_else(|| BadSchedule(wait.trim().to_owned()))).collect()
    }
}

impl FromIterator<Duration> for RetrySchedule {
    fn from_iter<I: IntoIterator<Item = Duration>>(waits: I) -> Self {
        Self(waits.into_iter().collect())
    }
}

fn parse_wait(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|character: char| !character.is_ascii_digit())?);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let wait = Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(milliseconds)?);
    (wait <= WAIT_LIMIT).then_some(wait)
}

/// A wait that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSchedule(String);

impl fmt::Display for BadSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a wait; write whole numbers with a unit (ms, s, m, h, d; at most 365d) \
             separated by commas, such as 30s,5m,1h",
            self.0
        )
    }
}

impl error::Error for BadSchedule {}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_445_412_420; // 2015-10-21T07:27:00Z

    #[test]
    fn outcome_follows_the_table() {
        for status in [200, 201, 204, 299] {
            assert_eq!(Outcome::of(Some(status)), Outcome::Delivered, "{status}");
        }
        for status in [404, 408, 429, 500, 502, 503, 599] {
            assert_eq!(Outcome::of(Some(status)), Outcome::Retry, "{status}");
        }
        assert_eq!(Outcome::of(None), Outcome::Retry);
        for status in [100, 199, 300, 301, 307, 400, 401, 403, 405, 409, 410, 422, 499, 600] {
            assert_eq!(Outcome::of(Some(status)), Outcome::Final, "{status}");
        }
    }

    #[test]
    fn default_schedule_makes_nine_attempts() {
        let schedule = RetrySchedule::default();
        let waits: Vec<u64> =
            (1..).map_while(|attempt| retry_wait(&schedule, attempt, None)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [60, 240, 900, 3_600, 14_400, 43_200, 86_400, 86_400]);
        assert_eq!(schedule.attempts(), 9);
        assert_eq!(schedule, "1m,4m,15m,1h,4h,12h,24h,1d".parse().unwrap());
        assert_eq!(retry_wait(&schedule, 0, None), None);
    }

    #[test]
    fn retry_after_only_lengthens() {
        let schedule = RetrySchedule::default();
        let wait = |attempt, seconds| retry_wait(&schedule, attempt, Some(Duration::from_secs(seconds))).unwrap().as_secs();
        assert_eq!(wait(1, 30), 60);
        assert_eq!(wait(1, 90), 90);
        assert_eq!(wait(1, 10_000_000), 86_400);
        assert_eq!(wait(8, 5), 86_400);
        assert_eq!(retry_wait(&schedule, 9, Some(Duration::from_secs(5))), None, "it does not add an attempt");
    }

    #[test]
    fn chance_lengthens_a_wait_by_at_most_three_seconds() {
        let spread = |wait, chance| spread(Duration::from_millis(wait), chance).as_millis();
        assert_eq!((spread(60_000, 0), spread(60_000, 1 << 31), spread(60_000, u32::MAX)), (60_000, 61_500, 62_999));
        assert_eq!((spread(100, 0), spread(100, 1 << 31), spread(100, u32::MAX)), (100, 150, 199));
        assert_eq!(spread(0, u32::MAX), 0);
        let evenly = (0..100).map(|n| spread(86_400_000, n * (u32::MAX / 100)) - 86_400_000).collect::<Vec<_>>();
        assert!(evenly.windows(2).all(|pair| (29..=31).contains(&(pair[1] - pair[0]))), "{evenly:?}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::from_micros(NOW * 1_000_000);
        for (status, header, seconds) in [
            (429, "120", Some(120)),
            (503, " 0 ", Some(0)),
            (503, "99999999999999999999999", Some(u64::MAX)),
            (503, "Wed, 21 Oct 2015 07:28:00 GMT", Some(60)),
            (503, "Wed, 21 Oct 2015 07:20:00 GMT", Some(0)),
            (500, "120", None),
            (200, "120", None),
            (429, "soon", None),
            (429, "-1", None),
            (429, "", None),
        ] {
            assert_eq!(retry_after(status, header, now), seconds.map(Duration::from_secs), "{status} {header}");
        }
    }

    #[test]
    fn schedules_are_read_from_text() {
        let schedule: RetrySchedule = "250ms, 2s,0s".parse().unwrap();
        assert_eq!(schedule, [250, 2_000, 0].into_iter().map(Duration::from_millis).collect());
        for bad in
            ["", "1s,", "5", "s", "5 s", "1.5h", "-1s", "1w", "1S", "366d", "99999999999999999999d", "18446744073709551615d"]
        {
            assert!(bad.parse::<RetrySchedule>().is_err(), "{bad}");
        }
        assert_eq!(
            "1s,5x".parse::<RetrySchedule>().unwrap_err().to_string(),
            "\"5x\" is not a wait; write whole numbers with a unit (ms, s, m, h, d; at most 365d) separated by commas, such as 30s,5m,1h"
        );
    }
}
