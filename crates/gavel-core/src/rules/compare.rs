//! Values as conditions compare them: decimals, instants, texts.

use std::{borrow::Cow, cmp::Ordering, str::FromStr};

use bigdecimal::BigDecimal;
use serde_json::Value;

use crate::time::{Day, Timestamp};

/// Longer numbers are texts.
const DIGITS: usize = 64;
/// Numbers with a larger exponent, either way, are texts.
const EXPONENT: i64 = 64;

/// A value with all it can be read as.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparable<'a> {
    pub(super) text: Cow<'a, str>,
    number: Option<BigDecimal>,
    time: Option<Timestamp>,
}

impl<'a> Comparable<'a> {
    /// A text, a number or a truth value. `None` for objects, which compare with nothing.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::of_text(Cow::Borrowed(text))),
            Value::Number(number) => Some(Self::of_text(Cow::Owned(number.to_string()))),
            Value::Bool(true) => Some(Self::of_text(Cow::Borrowed("true"))),
            Value::Bool(false) => Some(Self::of_text(Cow::Borrowed("false"))),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub(super) fn of_text(text: Cow<'a, str>) -> Self {
        let number = number(&text);
        let time = if number.is_none() { instant(&text) } else { None };
        Self { text, number, time }
    }

    pub(super) fn of_time(time: Timestamp) -> Self {
        Self { text: Cow::Owned(time.to_string()), number: None, time: Some(time) }
    }

    pub(super) fn is_time(&self) -> bool {
        self.time.is_some()
    }

    pub(super) fn into_owned(self) -> Comparable<'static> {
        Comparable { text: Cow::Owned(self.text.into_owned()), number: self.number, time: self.time }
    }

    pub(super) fn cmp(&self, other: &Comparable<'_>) -> Ordering {
        match (&self.number, &other.number, self.time, other.time) {
            (Some(one), Some(two), ..) => one.cmp(two),
            (_, _, Some(one), Some(two)) => one.cmp(&two),
            _ => self.text.cmp(&other.text),
        }
    }
}

/// The one spelling that all values share which compare as equal. `None`: null, an array, an object.
pub fn canonical(value: &Value) -> Option<String> {
    let value = Comparable::of(value)?;
    Some(match (&value.number, value.time) {
        (Some(number), _) => format!("n:{}", number.normalized()),
        (None, Some(time)) => format!("t:{}", time.as_micros()),
        (None, None) => format!("x:{}", value.text),
    })
}

/// The number a value is: a JSON number, or a text that spells one as JSON does.
pub fn number_of(value: &Value) -> Option<BigDecimal> {
    Comparable::of(value)?.number
}

/// A number as JSON spells numbers, bounded, so that comparing never has to write out a power.
fn number(text: &str) -> Option<BigDecimal> {
    if text.len() > DIGITS {
        return None;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    if let Some(exponent) = exponent {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !digits(unsigned) || !exponent.parse::<i64>().is_ok_and(|exponent| exponent.abs() <= EXPONENT) {
            return None;
        }
    }
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let leads_with_zero = whole.len() > 1 && whole.starts_with('0');
    if !digits(whole) || leads_with_zero || !fraction.is_none_or(digits) {
        return None;
    }
    BigDecimal::from_str(text).ok()
}

fn instant(text: &str) -> Option<Timestamp> {
    // The shortest instant is a day, the longest an RFC 3339 text with nanoseconds and an offset.
    if !(10..=40).contains(&text.len()) {
        return None;
    }
    Day::parse(text).map(Timestamp::start_of).or_else(|| Timestamp::parse(text))
}

/// How alike two texts are, 0 to 100: case ignored, words in order.
pub(super) fn similarity(one: &str, other: &str) -> f64 {
    rapidfuzz::fuzz::ratio(in_order(one).chars(), in_order(other).chars()) * 100.0
}

fn in_order(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut words: Vec<&str> = lower.split_whitespace().collect();
    words.sort_unstable();
    words.join(" ")
}

/// At most so many characters of a text.
pub(super) fn first(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cmp(one: &str, other: &str) -> Ordering {
        Comparable::of_text(one.into()).cmp(&Comparable::of_text(other.into()))
    }

    #[test]
    fn numbers_compare_exactly() {
        for (one, other) in [("1", "1.0"), ("1e3", "1000"), ("-0", "0"), ("0.1", "1E-1"), ("100e-2", "1")] {
            assert_eq!(cmp(one, other), Ordering::Equal, "{one} {other}");
        }
        assert_eq!(cmp("0.1000000000000000000000000000001", "0.1"), Ordering::Greater);
        assert_eq!(cmp("9", "10"), Ordering::Less);
        assert_eq!(cmp("1e64", "1e-64"), Ordering::Greater);
    }

    #[test]
    fn what_only_looks_like_a_number_is_text() {
        for text in
            ["007", "+1", "1.", ".5", "", "-", "1e", "1e65", "1e-65", "1e99999999999999999999", "0x10", "1_000", "NaN", " 1", "٣"]
        {
            assert!(number(text).is_none(), "{text}");
        }
        assert!(number(&"9".repeat(64)).is_some() && number(&"9".repeat(65)).is_none());
        assert_eq!(cmp("007", "7"), Ordering::Less);
    }

    #[test]
    fn instants_compare_as_instants() {
        assert_eq!(cmp("2026-05-02T09:00:00+02:00", "2026-05-02T07:00:00Z"), Ordering::Equal);
        assert_eq!(cmp("2026-05-02", "2026-05-02T00:00:00Z"), Ordering::Equal);
        assert_eq!(cmp("2026-05-02", "2026-05-01T23:59:59Z"), Ordering::Greater);
        assert_eq!(cmp("2026-05-02", "2026-05-x"), Ordering::Less, "only one is a time: letters");
    }

    #[test]
    fn equal_values_have_one_spelling() {
        let values = ["1", "1.0", "1e0", "100e-2", "01", "2026-05-02", "2026-05-02T00:00:00Z", "x", "true", "0", "-0", ""];
        for one in values {
            for other in values {
                let same = canonical(&one.into()) == canonical(&other.into());
                assert_eq!(same, cmp(one, other) == Ordering::Equal, "{one} {other}");
            }
        }
        assert_eq!(canonical(&serde_json::json!(1)), canonical(&"1.0".into()));
        for nothing in [serde_json::json!(null), serde_json::json!([]), serde_json::json!({})] {
            assert_eq!((canonical(&nothing), number_of(&nothing)), (None, None));
        }
    }

    #[test]
    fn words_in_any_order_are_alike() {
        assert_eq!(similarity("Ana  MARIA Lopez", "lopez ana maria"), 100.0);
        assert!(similarity("Jon Smith", "John Smith") > 90.0);
        assert!(similarity("Ana", "Björn") < 40.0);
        assert_eq!(similarity("", ""), 100.0);
        assert_eq!(similarity("", "a"), 0.0);
    }

    #[test]
    fn the_first_characters_of_a_text() {
        assert_eq!((first("äöü", 2), first("äöü", 3), first("", 0)), ("äö", "äöü", ""));
    }
}
