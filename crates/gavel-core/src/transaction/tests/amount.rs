//! Amounts keep their digits, and add up exactly.

use std::str::FromStr;

use bigdecimal::BigDecimal;
use proptest::prelude::*;

use super::super::{Amount, NotAnAmount};

#[test]
fn digits_stay_as_they_were_sent() {
    for (sent, shown) in [
        ("10.00", "10.00"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("1.50e1", "15.0"),
        ("1.5e-2", "0.015"),
        ("15e-1", "1.5"),
        ("0", "0"),
        ("-0", "0"),
        ("-0.00", "0.00"),
        ("0.1e1", "1"),
        ("007", "7"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("0e999999999999999999999", "0"),
        ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("1e17", "100000000000000000"),
        ("000000000000000000000001", "1"),
        ("-2.50", "-2.50"),
    ] {
        assert_eq!(Amount::parse(sent).map(|amount| amount.to_string()).as_deref(), Ok(shown), "{sent}");
    }
}

#[test]
fn what_is_no_amount() {
    for (sent, error) in [
        ("", NotAnAmount::NotANumber),
        ("NaN", NotAnAmount::NotANumber),
        ("inf", NotAnAmount::NotANumber),
        ("Infinity", NotAnAmount::NotANumber),
        ("1,000", NotAnAmount::NotANumber),
        (" 1", NotAnAmount::NotANumber),
        ("1e", NotAnAmount::NotANumber),
        ("-", NotAnAmount::NotANumber),
        (".", NotAnAmount::NotANumber),
        ("--1", NotAnAmount::NotANumber),
        ("0x10", NotAnAmount::NotANumber),
        ("٣", NotAnAmount::NotANumber),
        ("1e400", NotAnAmount::NotANumber),
        ("1000000000000000000", NotAnAmount::TooLarge),
        ("1e18", NotAnAmount::TooLarge),
        ("1e300", NotAnAmount::TooLarge),
        ("1234567890123456789012345678901234567890", NotAnAmount::TooLarge),
        ("0.0000000000000000001", NotAnAmount::TooFine),
        ("1.0000000000000000000", NotAnAmount::TooFine),
        ("1e-19", NotAnAmount::TooFine),
        ("0e-19", NotAnAmount::TooFine),
        ("1e-999999999999999999999", NotAnAmount::TooFine),
    ] {
        assert_eq!(Amount::parse(sent), Err(error), "{sent}");
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_what_is_shown_reads_back(sent in "[-+]?[0-9]{0,22}[.]?[0-9]{0,22}([eE][-+]?[0-9]{1,3})?") {
        if let Ok(amount) = Amount::parse(&sent) {
            let again = Amount::parse(amount.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&amount));
            prop_assert_eq!(BigDecimal::from_str(&sent).unwrap(), BigDecimal::from_str(amount.as_str()).unwrap());
            prop_assert_eq!(Amount::total(amount.limbs()), BigDecimal::from_str(amount.as_str()).unwrap());
        }
    }

    #[test]
    fn limbs_add_up_to_the_sum(sent in proptest::collection::vec("-?[0-9]{1,18}[.][0-9]{1,18}", 0..40)) {
        let amounts: Vec<Amount> = sent.iter().map(|text| Amount::parse(text).unwrap()).collect();
        let mut sums = [0; 4];
        for amount in &amounts {
            for (sum, limb) in sums.iter_mut().zip(amount.limbs()) {
                *sum += limb;
            }
        }
        let expected: BigDecimal = sent.iter().map(|text| BigDecimal::from_str(text).unwrap()).sum();
        prop_assert_eq!(Amount::total(sums), expected);
    }
}
