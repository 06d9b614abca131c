use proptest::prelude::*;

use super::*;

fn both(json: &str) -> (String, String) {
    let value = Value::parse(json.as_bytes()).unwrap();
    (body(&value), v2(&value))
}

/// Computed with Python: `int(Decimal(text))` for what equals an integer, else `repr(float(text))` without its exponent
/// where the magnitude is at least 0.0001.
const NUMBERS: &[(&str, &str)] = &[
    ("0", "0"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("0e5", "0"),
    ("0.0e-400", "0"),
    ("1", "1"),
    ("-7", "-7"),
    ("92.0", "92"),
    ("-92.00", "-92"),
    ("1e3", "1000"),
    ("1E+3", "1000"),
    ("1.5e1", "15"),
    ("12e-1", "1.2"),
    ("1200e-2", "12"),
    ("1e22", "10000000000000000000000"),
    ("1e23", "100000000000000000000000"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("123456789012345678901234567890.0", "123456789012345678901234567890"),
    ("123456789012345678901234567890.5", "123456789012345680000000000000"),
    ("9007199254740993", "9007199254740993"),
    ("9007199254740993.0", "9007199254740993"),
    ("9007199254740992.5", "9007199254740992"),
    ("1.0000000000000000000001", "1"),
    ("0.1", "0.1"),
    ("2.25", "2.25"),
    ("100.5", "100.5"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("0.1000000000000000055511151231257827", "0.1"),
    ("3.14159265358979323846", "3.141592653589793"),
    ("0.0001", "0.0001"),
    ("0.00010", "0.0001"),
    ("1e-4", "0.0001"),
    ("0.00009999999999999999", "9.999999999999999e-05"),
    ("0.000099", "9.9e-05"),
    ("1e-5", "1e-05"),
    ("0.00001", "1e-05"),
    ("1.5e-7", "1.5e-07"),
    ("-1e-5", "-1e-05"),
    ("1e-10", "1e-10"),
    ("1.2345e-100", "1.2345e-100"),
    ("5e-324", "5e-324"),
    ("2e-324", "0"),
    ("1e-400", "0"),
    ("-1e-400", "0"),
    ("1e16", "10000000000000000"),
    ("1e15", "1000000000000000"),
    ("123456789.125", "123456789.125"),
    ("4503599627370497.5", "4503599627370498"),
    ("1e-1", "0.1"),
    ("0.00012345678901234567", "0.00012345678901234567"),
    ("1000000e-6", "1"),
    ("1000001e-6", "1.000001"),
];

#[test]
fn numbers_have_one_spelling() {
    for (sent, expected) in NUMBERS {
        assert_eq!(number(sent), *expected, "{sent}");
        assert_eq!(number(expected), *expected, "{sent} once more");
    }
}

#[test]
fn integers_are_written_digit_by_digit_whatever_their_size() {
    let long = "9".repeat(308);
    assert_eq!(number(&long), long);
    assert_eq!(number(&format!("-{long}.000")), format!("-{long}"));
    assert_eq!(number("1e308"), format!("1{}", "0".repeat(308)));
    assert_eq!(number("1.7976931348623157e308"), format!("17976931348623157{}", "0".repeat(292)));
    assert_eq!(number(&format!("0.{}1e400", "0".repeat(399))), "1");
}

#[test]
fn two_equally_short_decimals_give_the_even_one() {
    for (sent, expected) in [
        ("976349791420252.25", "976349791420252.2"),
        ("976349791420252.75", "976349791420252.8"),
        ("5.684341886080802e-14", "5.684341886080802e-14"), // 2^-44: the rounded decimal would be another double
        ("9007199254740993.5", "9007199254740994"),
    ] {
        assert_eq!(number(sent), expected, "{sent}");
    }
}

#[test]
fn hand_made_numbers_beyond_a_double_stay_as_they_are() {
    for odd in ["1e400", "-1e999999999999999999999", "12x", ""] {
        let _ = number(odd);
    }
    assert_eq!(number("1e400"), "1e400");
}

#[test]
fn members_are_sorted_by_code_point() {
    // In UTF-16 order U+1F600 (d83d de00) would come before U+E000 and U+FFFF.
    let sent = "{\"\u{1f600}\":1,\"\u{ffff}\":2,\"\u{e000}\":3,\"é\":4,\"z\":5,\"Z\":6,\"\":7,\"aa\":8,\"a\":9,\"a\\u0000\":10}";
    assert_eq!(
        both(sent).1,
        "{\"\":7,\"Z\":6,\"a\":9,\"a\\u0000\":10,\"aa\":8,\"z\":5,\"é\":4,\"\u{e000}\":3,\"\u{ffff}\":2,\"\u{1f600}\":1}"
    );
}

#[test]
fn strings_are_escaped_as_little_as_possible() {
    let sent = r#""\u0000\u0001\b\t\n\u000b\f\r\u001f \u0022\/\\ ~\u007f\u0080\u00FF\u2028\uFFFF\uD83D\uDE00""#;
    let (body, v2) = both(sent);
    assert_eq!(body, r#""\u0000\u0001\b\t\n\u000b\f\r\u001f \"/\\ ~\u007f\u0080\u00ff\u2028\uffff\ud83d\ude00""#);
    assert_eq!(v2, "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f \\\"/\\\\ ~\u{7f}\u{80}ÿ\u{2028}\u{ffff}😀\"");
}

#[test]
fn no_white_space_and_array_order_kept() {
    assert_eq!(
        both(" [ 3 , { } , [ ] , null , true , false , { \"b\" : 1 , \"a\" : [ 2 ] } ] ").0,
        r#"[3,{},[],null,true,false,{"a":[2],"b":1}]"#
    );
}

#[test]
fn repeated_members_count_once() {
    assert_eq!(both(r#"{"b":1,"a":2,"b":3}"#).0, r#"{"a":2,"b":3}"#);
}

proptest! {
    #[test]
    fn every_double_reads_back(bits: u64) {
        let double = f64::from_bits(bits);
        prop_assume!(double.is_finite());
        for sent in [format!("{double:?}"), format!("{double:e}"), double.to_string()] {
            let written = number(&sent);
            prop_assert_eq!(written.parse::<f64>().unwrap(), double);
            prop_assert_eq!(written.contains('e'), double != 0.0 && double.abs() < 0.0001);
            prop_assert_eq!(number(&written), written);
        }
    }

    #[test]
    fn a_text_is_escaped_as_others_do(text in "[ -~\\x00-\\x1f\"\\\\\\x7f\\PC]{0,40}") {
        let (mut needed, mut ascii) = (String::new(), String::new());
        write_text(&mut needed, &text, Escape::Needed);
        write_text(&mut ascii, &text, Escape::BeyondAscii);
        prop_assert_eq!(&needed, &serde_json::to_string(&text).unwrap());
        prop_assert!(ascii.bytes().all(|byte| (b' '..0x7f).contains(&byte)));
        prop_assert_eq!(serde_json::from_str::<String>(&ascii).unwrap(), text);
    }

    #[test]
    fn the_two_forms_mean_the_same(value in crate::json::tests::any_json()) {
        let sent = value.to_string();
        let (body, v2) = both(&sent);
        prop_assert!(body.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        prop_assert_eq!(both(&body), (body.clone(), v2.clone()), "canonical text is its own canonical form");
        prop_assert_eq!(both(&v2), (body, v2));
    }
}
