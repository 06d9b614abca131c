use std::time::{Duration, Instant};

use proptest::{collection, prelude::*};
use serde_json::json;

use super::*;

fn parse(text: &str) -> Result<Value<'_>, String> {
    Value::parse(text.as_bytes()).map_err(|error| error.to_string())
}

fn reason(text: &str) -> String {
    parse(text).unwrap_err()
}

/// JSON of every shape, with the texts and numbers that are easy to get wrong.
pub(super) fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof!["\\PC{0,8}", "[\\x00-\\x7f\"\\\\é\u{2028}😀]{0,6}"];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(serde_json::Value::from),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?".prop_map(|number| serde_json::from_str(&number).unwrap()),
        text.clone().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            collection::vec((text.clone(), inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

mod parsing {
    use super::*;

    #[test]
    fn keeps_numbers_as_text_and_resolves_escapes() {
        let value =
            parse(" {\"n\": [1, 1.0, -0, 1E+2, 12345678901234567890123], \"t\": \"a\\u00e9\\n\\/\\ud83d\\ude00é\"}\n").unwrap();
        let members = value.as_object().unwrap();
        let numbers = ["1", "1.0", "-0", "1E+2", "12345678901234567890123"].map(Value::Number);
        assert_eq!(members.get("n").unwrap().as_array(), Some(&numbers[..]));
        assert_eq!(members.get("t").unwrap().as_text(), Some("aé\n/😀é"));
        assert_eq!(members.get("missing"), None);
    }

    #[test]
    fn texts_without_escapes_are_borrowed() {
        assert!(matches!(parse("\"plain é\"").unwrap(), Value::Text(Cow::Borrowed("plain é"))));
        assert!(matches!(parse("\"a\\tb\"").unwrap(), Value::Text(Cow::Owned(_))));
    }

    #[test]
    fn says_what_and_where_but_never_quotes_the_body() {
        for (text, error) in [
            ("", "expected a value at line 1 column 1"),
            ("secret", "expected a value at line 1 column 1"),
            ("{\"é\": tru}", "expected a value at line 1 column 7"),
            ("{\n \"a\": 1\n \"b\": 2}", "expected ',' or '}' at line 3 column 2"),
            ("{\"a\" 1}", "expected ':' at line 1 column 6"),
            ("{a: 1}", "expected a member name in double quotes at line 1 column 2"),
            ("{\"a\": 1,}", "expected a member name in double quotes at line 1 column 9"),
            ("[1 2]", "expected ',' or ']' at line 1 column 4"),
            ("[1,]", "expected a value at line 1 column 4"),
            ("[1", "expected ',' or ']' at line 1 column 3"),
            ("{} x", "expected the end of the text at line 1 column 4"),
            ("\"abc", "unterminated string at line 1 column 5"),
            ("\"a\tb\"", "control character in a string at line 1 column 3"),
            ("\"\\x\"", "invalid escape at line 1 column 3"),
            ("\"\\u12g4\"", "invalid escape at line 1 column 3"),
            ("\"\\u12", "invalid escape at line 1 column 3"),
            ("\"\\u+123\"", "invalid escape at line 1 column 3"),
            ("\"\\ud800\"", "lone surrogate at line 1 column 3"),
            ("\"\\udc00\"", "lone surrogate at line 1 column 3"),
            ("\"\\ud800\\n\"", "lone surrogate at line 1 column 3"),
            ("\"\\ud800\\ud800\"", "lone surrogate at line 1 column 3"),
            ("\"\\ud800\\u0041\"", "lone surrogate at line 1 column 3"),
            ("01", "number with a leading zero at line 1 column 2"),
            ("-", "expected a digit at line 1 column 2"),
            ("+1", "expected a value at line 1 column 1"),
            ("1.", "expected a digit at line 1 column 3"),
            (".5", "expected a value at line 1 column 1"),
            ("1e", "expected a digit at line 1 column 3"),
            ("[1e400]", "number out of range at line 1 column 2"),
            ("-1.8e308", "number out of range at line 1 column 1"),
            ("NaN", "expected a value at line 1 column 1"),
            ("\u{feff}{}", "expected a value at line 1 column 1"),
            ("\u{a0}1", "expected a value at line 1 column 1"),
        ] {
            assert_eq!(reason(text), error, "{text}");
        }
        let error = Value::parse(b"[\"\xff\"]").unwrap_err();
        assert_eq!(error.to_string(), "invalid UTF-8 at line 1 column 3");
        // A surrogate written as UTF-8 bytes.
        assert!(Value::parse(b"\"\xed\xa0\x80\"").is_err());
    }

    #[test]
    fn numbers_within_a_double_are_accepted() {
        for text in ["1.7976931348623157e308", "1e-400", "0e999999999", "5e-324"] {
            assert_eq!(parse(text), Ok(Value::Number(text)));
        }
        assert!(parse(&"9".repeat(308)).is_ok());
        assert!(parse(&"9".repeat(310)).is_err());
        assert!(parse(&format!("0.{}", "1".repeat(2_000))).is_ok());
    }

    #[test]
    fn nesting_ends_at_128_levels() {
        let nested =
            |levels: usize| ("[".repeat(levels) + &"]".repeat(levels), "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels));
        let (arrays, objects) = nested(128);
        assert!(parse(&arrays).is_ok() && parse(&objects).is_ok());
        let (arrays, objects) = nested(129);
        assert_eq!(reason(&arrays), "nesting is deeper than 128 levels at line 1 column 129");
        assert!(reason(&objects).starts_with("nesting"));
        assert!(reason(&"[".repeat(1_000_000)).starts_with("nesting"));
        assert!(parse(&format!("[{}]", ["[]"; 1_000].join(","))).is_ok(), "levels are left again");
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        for body in ["", " ", "\r\n\t "] {
            assert_eq!(Value::parse_body(body.as_bytes()), Ok(Value::Object(Members::default())));
        }
        assert_eq!(Value::parse_body(b" [] "), Ok(Value::Array(vec![])));
        assert!(Value::parse_body(b"\x0b").is_err());
    }
}

mod members {
    use super::*;

    #[test]
    fn the_last_of_repeated_members_counts() {
        let value = parse(r#"{"a":1,"b":2,"\u0061":3,"c":4,"a":{"a":5,"a":6}}"#).unwrap();
        assert_eq!(value.to_json(), r#"{"b":2,"c":4,"a":{"a":6}}"#);
        let members = value.as_object().unwrap();
        assert_eq!(members.len(), 3);
        assert_eq!(members.get("b"), Some(&Value::Number("2")));
        assert_eq!(members.iter_by_name().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn many_members_stay_fast() {
        let distinct: Vec<String> = (0..100_000).map(|number| format!("\"{number:x}\":1")).collect();
        let repeated = vec!["\"k\":1"; 170_000];
        let started = Instant::now();
        for body in [format!("{{{}}}", distinct.join(",")), format!("{{{}}}", repeated.join(","))] {
            let value = parse(&body).unwrap();
            let members = value.as_object().unwrap();
            assert!(members.iter().all(|(name, _)| members.get(name).is_some()));
        }
        assert!(started.elapsed() < Duration::from_secs(10), "quadratic would take minutes");
    }
}

#[test]
fn type_names_are_those_of_the_error_texts() {
    for (text, name) in [
        ("\"\"", "str"),
        ("5", "int"),
        ("-0", "int"),
        ("5.0", "float"),
        ("5e0", "float"),
        ("true", "bool"),
        ("[]", "list"),
        ("{}", "dict"),
        ("null", "NoneType"),
    ] {
        assert_eq!(parse(text).unwrap().type_name(), name, "{text}");
    }
}

#[test]
fn to_json_keeps_order_and_spelling() {
    let value = parse("{ \"b\" : [ 1.0 , 1E3, -0 ] , \"a\" : \"é\\u2028\\u0000\\\"\\/\" , \"c\":null, \"d\":{} }").unwrap();
    assert_eq!(value.to_json(), "{\"b\":[1.0,1E3,-0],\"a\":\"é\u{2028}\\u0000\\\"/\",\"c\":null,\"d\":{}}");
}

#[test]
fn conversions_keep_numbers_and_are_not_fooled_by_magic_names() {
    let sent = r#"{"n":123456789012345678901234567890.10,"$serde_json::private::Number":"1"}"#;
    let converted = serde_json::Value::from(&parse(sent).unwrap());
    assert_eq!(converted.as_object().unwrap().len(), 2);
    assert_eq!(Value::from(&converted).to_json(), sent);
    assert_eq!(Value::from(&json!({"a": [1, 2.5, "x", null, true]})).to_json(), r#"{"a":[1,2.5,"x",null,true]}"#);
}

proptest! {
    #[test]
    fn never_panics_on_bytes(bytes: Vec<u8>) {
        let _ = Value::parse_body(&bytes);
    }

    #[test]
    fn never_panics_on_almost_json(text in "([\\[\\]{}\":,0-9eE+.\\\\ -]|true|null|\\\\u|d8|\"a\"|é){0,40}") {
        let ours = Value::parse(text.as_bytes());
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // serde_json keeps numbers as text here and so does not mind their range.
        let out_of_range = ours.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok() && !out_of_range);
    }

    #[test]
    fn agrees_with_serde_json(value in any_json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let ours = Value::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&serde_json::Value::from(&ours), &value);
        prop_assert_eq!(ours.to_json(), serde_json::to_string(&value).unwrap());
        prop_assert_eq!(Value::from(&value), ours);
    }

    #[test]
    fn errors_never_quote_the_body(text in "[a-z]{12}") {
        let error = reason(&format!("{{\"k\": {text}}}"));
        prop_assert!(!error.contains(&text));
    }
}
