//! Canonical JSON (webhooks §4.1): the one spelling of a payload that both sides can rebuild and sign.
//!
//! Members are sorted by code point, there is no white space, and every number has one spelling: integers digit by
//! digit, all others as the shortest decimal of their double. Two forms differ only in characters from U+007F up:
//! [`body`] escapes them (pure ASCII, the bytes sent), [`v2`] writes them as UTF-8.
//!
//! Both take a [`Value`]; a `serde_json::Value` is viewed as one with `Value::from(&json)`.

use std::fmt::Write;

use super::{Value, separated};

/// The body form: pure ASCII, the bytes a webhook sends.
pub fn body(value: &Value<'_>) -> String {
    let mut out = String::new();
    write(&mut out, value, Escape::BeyondAscii);
    out
}

/// The V2 form: as the body, with characters from U+007F up as UTF-8.
pub fn v2(value: &Value<'_>) -> String {
    let mut out = String::new();
    write(&mut out, value, Escape::Needed);
    out
}

/// The canonical spelling of a JSON number.
pub fn number(sent: &str) -> String {
    if let Some(integer) = integer(sent) {
        return integer;
    }
    match sent.parse::<f64>() {
        Ok(0.0) => "0".to_owned(),
        Ok(double) if double.is_finite() => shortest(double),
        // The parser lets neither pass; a `Value::Number` put together by hand may hold anything.
        Ok(_) | Err(_) => sent.to_owned(),
    }
}

/// The digits of a number that equals an integer, however it is spelt and however large it is: `1e3` is `1000`.
/// `None`: it has a fraction.
pub(super) fn integer(sent: &str) -> Option<String> {
    let (sign, unsigned) = sent.strip_prefix('-').map_or(("", sent), |rest| ("-", rest));
    let (decimal, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let spelt = format!("{whole}{fraction}");
    let digits = spelt.trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    // An exponent beyond i64 belongs to a number a double rounds to zero; the double decides then.
    let point = exponent.parse::<i64>().ok()?.checked_add(whole.len() as i64)?;
    let zeros = usize::try_from(point.checked_sub(digits.len() as i64)?).ok()?;
    // `parse` lets nothing beyond a double pass, so more zeros can only come from a value put together by hand.
    let leading = digits.trim_start_matches('0');
    (zeros <= 308).then(|| format!("{sign}{leading}{}", "0".repeat(zeros)))
}

/// The shortest decimal that reads back as this double, which is finite and not zero.
fn shortest(double: f64) -> String {
    let scientific = shortest_scientific(double);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if exponent < -4 {
        return format!("{mantissa}e-{:02}", -exponent);
    }
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    match usize::try_from(exponent) {
        Err(_) => format!("{sign}0.{digits:0>width$}", width = digits.len() + exponent.unsigned_abs() as usize - 1),
        Ok(exponent) if exponent + 1 >= digits.len() => format!("{sign}{digits:0<width$}", width = exponent + 1),
        Ok(exponent) => format!("{sign}{}.{}", &digits[..=exponent], &digits[exponent + 1..]),
    }
}

/// As `d.ddde-n`. When two shortest decimals are equally near (`…252.2` and `…252.3` for `…252.25`), Rust takes the upper
/// one and everybody else (Python, JavaScript, Java) the even one; a receiver that writes the payload again must
/// arrive at our bytes. Rounding to as many digits prefers the even one, but can miss the double at powers of two.
fn shortest_scientific(double: f64) -> String {
    let upper = format!("{double:e}");
    let decimals = upper.split_once('e').map_or(0, |(mantissa, _)| mantissa.split('.').nth(1).map_or(0, str::len));
    let even = format!("{double:.decimals$e}");
    if even.parse() == Ok(double) { even } else { upper }
}

/// Which characters of a string are escaped.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Escape {
    /// Quotes, backslashes and control characters below U+0020.
    Needed,
    /// These, and every character from U+007F up.
    BeyondAscii,
}

/// As [`v2`] or [`body`], behind what is there.
pub(crate) fn write(out: &mut String, value: &Value<'_>, escape: Escape) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(text) => out.push_str(&number(text)),
        Value::Text(text) => write_text(out, text, escape),
        Value::Array(items) => separated(out, ('[', ']'), items, |out, item| write(out, item, escape)),
        Value::Object(members) => separated(out, ('{', '}'), members.iter_by_name(), |out, (name, value)| {
            write_text(out, name, escape);
            out.push(':');
            write(out, value, escape);
        }),
    }
}

/// A JSON string with its quotes. Most texts need no escapes: what lies between them is copied whole.
pub(crate) fn write_text(out: &mut String, text: &str, escape: Escape) {
    let stays = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\' && (byte < 0x7f || escape != Escape::BeyondAscii);
    out.push('"');
    let mut rest = text;
    while let Some(place) = rest.bytes().position(|byte| !stays(byte)) {
        let (before, from) = rest.split_at(place); // The first byte of a character: either it is ASCII, or all before it are.
        out.push_str(before);
        let mut characters = from.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\t') => out.push_str("\\t"),
            Some('\n') => out.push_str("\\n"),
            Some('\u{c}') => out.push_str("\\f"),
            Some('\r') => out.push_str("\\r"),
            Some(other) => write_units(out, other),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// One `\uxxxx` per UTF-16 unit, so a surrogate pair above U+FFFF.
fn write_units(out: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing into a String cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests;
