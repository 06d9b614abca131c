//! Instants and dates as the contract writes them (conventions §6, §7).

use std::fmt;

use serde::{Serialize, Serializer};
use time::{
    Date, OffsetDateTime, PrimitiveDateTime, UtcOffset,
    format_description::{FormatItem, well_known::Rfc3339},
    macros::format_description,
};

/// An instant with microseconds, counted from 1970-01-01T00:00:00Z. Years 0001 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const WIRE: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
const LOCAL: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute][optional [:[second][optional [.[subsecond]]]]]");
const DAY: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]");

impl Timestamp {
    /// From microseconds since 1970, as they are stored. Values outside the years 0001–9999 are moved to the border.
    pub const fn from_micros(micros: i64) -> Self {
        const FIRST: i64 = -62_135_596_800_000_000;
        const LAST: i64 = 253_402_300_799_999_999;
        Self(if micros < FIRST {
            FIRST
        } else if micros > LAST {
            LAST
        } else {
            micros
        })
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, as webhook envelopes carry them.
    pub fn as_unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This instant moved by a number of seconds.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// The same time of the day so many months before, on the last day of a month that has no such day.
    pub fn months_before(self, months: u64) -> Self {
        let before = || {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).ok()?;
            let month = i64::from(at.year()) * 12 + i64::from(u8::from(at.month())) - 1 - i64::try_from(months).ok()?;
            let year = i32::try_from(month.div_euclid(12)).ok()?;
            let month = time::Month::try_from(u8::try_from(month.rem_euclid(12) + 1).ok()?).ok()?;
            let day = Date::from_calendar_date(year, month, at.day().min(month.length(year))).ok()?;
            Some(Self((at.replace_date(day).unix_timestamp_nanos() / 1_000) as i64))
        };
        Self::from_micros(before().unwrap_or(Self(i64::MIN)).0)
    }

    /// Reads RFC 3339; without an offset the time is UTC; seconds may be missing. `None`: not such a text.
    pub fn parse(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339)
            .or_else(|_| PrimitiveDateTime::parse(text.trim_end_matches(['Z', 'z']), LOCAL).map(PrimitiveDateTime::assume_utc))
            .ok()?
            .checked_to_offset(UtcOffset::UTC)?;
        (1..=9999).contains(&at.year()).then(|| Self((at.unix_timestamp_nanos() / 1_000) as i64))
    }

    /// The first instant of a day in UTC.
    pub fn start_of(day: Day) -> Self {
        Self((day.0.midnight().assume_utc().unix_timestamp_nanos() / 1_000) as i64)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).map_err(|_| fmt::Error)?;
        f.write_str(&at.format(WIRE).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A calendar day, `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// Reads exactly `YYYY-MM-DD`, a day that exists.
    pub fn parse(text: &str) -> Option<Self> {
        let day = (text.len() == 10).then(|| Date::parse(text, DAY).ok()).flatten()?;
        (1..=9999).contains(&day.year()).then_some(Self(day))
    }

    /// The day after this one; the last day of the year 9999 stays.
    pub fn next(self) -> Self {
        Self(self.0.next_day().unwrap_or(self.0))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(DAY).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        for (at, months, before) in [
            ("2026-11-25T08:00:00.000001Z", 1, "2026-10-25T08:00:00.000001Z"),
            ("2026-03-31T23:59:59.000000Z", 1, "2026-02-28T23:59:59.000000Z"),
            ("2024-03-31T00:00:00.000000Z", 1, "2024-02-29T00:00:00.000000Z"),
            ("2026-01-15T00:00:00.000000Z", 120, "2016-01-15T00:00:00.000000Z"),
            ("2026-01-15T00:00:00.000000Z", 0, "2026-01-15T00:00:00.000000Z"),
            ("0001-02-15T00:00:00.000000Z", 5, "0001-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(Timestamp::parse(at).unwrap().months_before(months).to_string(), before, "{months} before {at}");
        }
    }

    #[test]
    fn wire_form_always_has_six_digits() {
        assert_eq!(Timestamp::from_micros(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::parse("2026-05-02T09:14:02.11845Z").unwrap().to_string(), "2026-05-02T09:14:02.118450Z");
    }

    #[test]
    fn reads_offsets_and_short_forms() {
        for (sent, read) in [
            ("2026-05-02T09:14:02+02:00", "2026-05-02T07:14:02.000000Z"),
            ("2026-05-02T09:14:02", "2026-05-02T09:14:02.000000Z"),
            ("2026-05-02T09:14", "2026-05-02T09:14:00.000000Z"),
            ("2026-05-02T09:14Z", "2026-05-02T09:14:00.000000Z"),
            ("2026-05-02T09:14:02.5", "2026-05-02T09:14:02.500000Z"),
        ] {
            assert_eq!(Timestamp::parse(sent).map(|t| t.to_string()).as_deref(), Some(read), "{sent}");
        }
        for bad in ["", "2026-05-02", "2026-02-30T00:00:00Z", "tomorrow", "2026-05-02T25:00:00Z", "2026-05-02T09:14:02ZZ "] {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_calendar_ends_where_it_ends() {
        assert!(Timestamp::parse("9999-12-31T23:59:59Z").is_some() && Timestamp::parse("0001-01-01T00:00:00Z").is_some());
        assert!(Timestamp::parse("9999-12-31T23:59:59+01:00").is_some());
        for beyond in
            ["9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01", "0000-12-31T23:59:59Z", "0000-01-01T00:00:00+23:59"]
        {
            assert_eq!(Timestamp::parse(beyond), None, "{beyond}");
        }
    }

    #[test]
    fn days_are_real_days() {
        assert_eq!(Day::parse("2024-02-29").unwrap().next().to_string(), "2024-03-01");
        for bad in ["2023-02-29", "2023-2-01", "20230201", "", "2023-02-01T", "0000-01-01"] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }
}
