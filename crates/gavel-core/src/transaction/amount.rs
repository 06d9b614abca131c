//! Amounts: exact decimals that keep the digits they were sent with.
//!
//! At most 18 digits before the point and 18 behind it, so every amount is a whole number of 10⁻¹⁸ that fits 128 bits.
//! Databases have no such number in common; they keep four limbs of nine digits, each small enough that billions of
//! them can be added up in 64 bits ([`Amount::limbs`], [`Amount::total`]).

use std::fmt;

use bigdecimal::{BigDecimal, num_bigint::BigInt};

use crate::json::{FieldError, Value};

/// Most digits on either side of the point.
const DIGITS: usize = 18;
/// One limb holds nine digits.
const LIMB: i128 = 1_000_000_000;

/// A decimal in plain notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    text: Box<str>,
    /// In units of 10⁻¹⁸.
    units: i128,
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAnAmount {
    /// Not a decimal number, or one beyond a double.
    NotANumber,
    /// More than 18 digits before the point.
    TooLarge,
    /// More than 18 digits behind it.
    TooFine,
}

impl From<NotAnAmount> for FieldError {
    fn from(error: NotAnAmount) -> Self {
        match error {
            NotAnAmount::NotANumber => Self::not_a_number(),
            NotAnAmount::TooLarge => {
                Self::text(format!("Ensure that there are no more than {DIGITS} digits before the decimal point."))
            }
            NotAnAmount::TooFine => Self::text(format!("Ensure that there are no more than {DIGITS} decimal places.")),
        }
    }
}

impl Amount {
    /// Reads a decimal number, with or without an exponent: `1e3` is `1000`, `10.00` stays.
    pub fn parse(sent: &str) -> Result<Self, NotAnAmount> {
        // Rust's reader also knows `inf` and `nan`; what it calls infinite has more digits than anything here.
        let decimal = sent.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        if !decimal || !sent.parse().is_ok_and(f64::is_finite) {
            return Err(NotAnAmount::NotANumber);
        }
        let (mantissa, exponent) = sent.split_once(['e', 'E']).unwrap_or((sent, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let whole = whole.trim_start_matches(['+', '-']);
        let (whole, fraction) = shift(whole, fraction, exponent)?;
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        if whole.len() > DIGITS {
            return Err(NotAnAmount::TooLarge);
        }
        if fraction.len() > DIGITS {
            return Err(NotAnAmount::TooFine);
        }
        let units: i128 = format!("{whole}{fraction:0<DIGITS$}").parse().map_err(|_| NotAnAmount::NotANumber)?;
        let negative = sent.starts_with('-') && units != 0;
        let sign = if negative { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        let text = format!("{sign}{whole}{point}{fraction}").into();
        Ok(Self { text, units: if negative { -units } else { units } })
    }

    /// A JSON number, or a string that holds one.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldError> {
        match sent {
            Value::Number(text) => Ok(Self::parse(text)?),
            Value::Text(text) => Ok(Self::parse(text)?),
            _ => Err(FieldError::not_a_number()),
        }
    }

    /// As [`read`](Self::read), not below zero.
    pub fn read_positive(sent: &Value<'_>) -> Result<Self, FieldError> {
        let amount = Self::read(sent)?;
        if amount.units < 0 { Err(FieldError::below(0)) } else { Ok(amount) }
    }

    /// Plain notation, with the digits sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The amount as four limbs of nine digits, the lowest first; all of them have its sign.
    pub fn limbs(&self) -> [i64; 4] {
        let mut rest = self.units;
        [0; 4].map(|_: i64| {
            let limb = rest % LIMB;
            rest /= LIMB;
            limb as i64 // Nine digits.
        })
    }

    /// What amounts add up to whose limbs add up to these.
    pub fn total(sums: [i64; 4]) -> BigDecimal {
        let add = |total: BigInt, sum: &i64| total * LIMB + sum;
        let units = sums.iter().rev().fold(BigInt::from(0), add);
        BigDecimal::new(units, DIGITS as i64)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Moves the point by the exponent.
fn shift(whole: &str, fraction: &str, exponent: &str) -> Result<(String, String), NotAnAmount> {
    /// Beyond this only zeros are finite doubles, or fractions finer than any amount.
    const FAR: i64 = 400;
    let digits = format!("{whole}{fraction}");
    let downwards = exponent.starts_with('-');
    let exponent = exponent.parse::<i64>().ok().filter(|exponent| exponent.abs() <= FAR);
    let Some(exponent) = exponent else {
        let is_zero = digits.bytes().all(|digit| digit == b'0');
        return if is_zero && !downwards { Ok(("0".into(), String::new())) } else { Err(NotAnAmount::TooFine) };
    };
    let point = whole.len() as i64 + exponent;
    Ok(match usize::try_from(point) {
        Err(_) => ("0".into(), format!("{}{digits}", "0".repeat(point.unsigned_abs() as usize))),
        Ok(point) if point >= digits.len() => (format!("{digits:0<point$}"), String::new()),
        Ok(point) => (digits[..point].to_owned(), digits[point..].to_owned()),
    })
}
