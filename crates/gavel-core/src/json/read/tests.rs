use serde_json::{Value as Json, json};

use super::*;
use crate::{ids::ListId, json::Fields};

/// What a reader makes of a JSON text, both outcomes as JSON.
fn answer<T: serde::Serialize>(sent: &str, read: impl Fn(&Value<'_>) -> Result<T, FieldError>) -> Json {
    match read(&Value::parse(sent.as_bytes()).unwrap()) {
        Ok(value) => json!(value),
        Err(error) => json!(error),
    }
}

/// What a reader makes of a JSON text: the value's debug form, or the error as JSON.
fn outcome<T: std::fmt::Debug>(sent: &str, read: impl Fn(&Value<'_>) -> Result<T, FieldError>) -> String {
    match read(&Value::parse(sent.as_bytes()).unwrap()) {
        Ok(value) => format!("{value:?}"),
        Err(error) => serde_json::to_string(&error).unwrap(),
    }
}

fn error<T: std::fmt::Debug>(sent: &str, read: impl Fn(&Value<'_>) -> Result<T, FieldError>) -> Json {
    serde_json::to_value(read(&Value::parse(sent.as_bytes()).unwrap()).unwrap_err()).unwrap()
}

#[test]
fn texts() {
    for (sent, plain, trimmed) in [
        (r#"" a ""#, r#"" a ""#, r#""a""#),
        (r#""\u2003\u3000é\t""#, "\"\\u{2003}\\u{3000}é\\t\"", r#""é""#),
        ("1.50", r#""1.50""#, r#""1.50""#),
        (r#""""#, r#""""#, r#""""#),
        (r#""😀😀😀""#, r#""😀😀😀""#, r#""😀😀😀""#),
    ] {
        assert_eq!(outcome(sent, text(4)), plain);
        assert_eq!(outcome(sent, trimmed_text(4)), trimmed);
    }
    assert_eq!(error(r#""12345""#, text(4)), json!(["Ensure this field has no more than 4 characters."]));
    assert_eq!(outcome(r#""  1234  ""#, trimmed_text(4)), r#""1234""#);
    assert_eq!(error(r#""a\u0000b""#, text(4)), json!(["Null characters are not allowed."]));
    for sent in ["true", "[]", "{}"] {
        assert_eq!(error(sent, text(4)), json!(["Not a valid string."]));
    }
    assert_eq!(error(r#""""#, filled(text(4))), json!(["This field may not be blank."]));
    assert_eq!(error(r#""\u00a0 ""#, filled(trimmed_text(4))), json!(["This field may not be blank."]));
    assert_eq!(outcome(r#"" ""#, filled(text(4))), r#"" ""#);
}

#[test]
fn choices() {
    let read = choice(&["mobile", "both"]);
    assert_eq!(outcome(r#""both""#, &read), r#""both""#);
    for (sent, shown) in [
        (r#""Both""#, "Both"),
        (r#""""#, ""),
        ("5", "5"),
        ("5.0", "5.0"),
        ("true", "true"),
        ("[ ]", "[]"),
        (r#"{ "a" : "é" }"#, r#"{"a":"é"}"#),
    ] {
        assert_eq!(error(sent, &read), json!([format!("\"{shown}\" is not a valid choice.")]));
    }
}

#[test]
fn integers() {
    for (sent, value) in
        [("5", "5"), ("5.0", "5"), ("5e0", "5"), ("50e-1", "5"), ("\"5\"", "5"), ("\"+005\"", "5"), ("\"-5\"", "-5"), ("-0", "0")]
    {
        assert_eq!(outcome(sent, integer(-10, 10)), value, "{sent}");
    }
    for sent in ["5.5", "true", "[]", "\"\"", "\"5.0\"", "\" 5\"", "\"+\"", "\"5e0\"", "\"٥\"", "1e-400"] {
        assert_eq!(error(sent, integer(-10, 10)), json!(["A valid integer is required."]), "{sent}");
    }
    for sent in ["11", "1e300", "\"99999999999999999999999999\"", "9223372036854775808"] {
        assert_eq!(error(sent, integer(-10, 10)), json!(["Ensure this value is less than or equal to 10."]), "{sent}");
    }
    for sent in ["-11", "-1e300", "\"-99999999999999999999999999\""] {
        assert_eq!(error(sent, integer(-10, 10)), json!(["Ensure this value is greater than or equal to -10."]), "{sent}");
    }
    assert_eq!(outcome("9223372036854775807", integer(0, i64::MAX)), i64::MAX.to_string());
}

#[test]
fn numbers() {
    for (sent, value) in [("5", "5.0"), ("0.5", "0.5"), ("\"0.5\"", "0.5"), ("\"-1e2\"", "-100.0")] {
        assert_eq!(outcome(sent, number), value, "{sent}");
    }
    for sent in ["true", "[]", "\"\"", "\"inf\"", "\"NaN\"", "\"1e400\"", "\"1,5\"", "\" 1\"", "\"e\""] {
        assert_eq!(error(sent, number), json!(["A valid number is required."]), "{sent}");
    }
    assert_eq!(error("100.5", number_in(0.0, 100.0)), json!(["Ensure this value is less than or equal to 100."]));
    assert_eq!(error("-0.5", number_in(0.0, 100.0)), json!(["Ensure this value is greater than or equal to 0."]));
}

#[test]
fn booleans() {
    for sent in ["true", "1", "\"true\"", "\"TRUE\"", "\"1\""] {
        assert_eq!(outcome(sent, boolean), "true", "{sent}");
    }
    for sent in ["false", "0", "\"False\"", "\"0\""] {
        assert_eq!(outcome(sent, boolean), "false", "{sent}");
    }
    for sent in ["2", "1.5", "\"\"", "\"yes\"", "[]", "{}"] {
        assert_eq!(error(sent, boolean), json!(["Must be a valid boolean."]), "{sent}");
    }
}

#[test]
fn ids_days_and_times() {
    let id = r#""9B0F0D3A-1f0e-4a53-8a53-2d1c6b7e9f10""#;
    assert_eq!(outcome(id, |sent| uuid::<ListId>(sent).map(|id| id.to_string())), id.to_lowercase());
    for sent in ["5", "\"9b0f0d3a1f0e4a538a532d1c6b7e9f10\"", "[]"] {
        assert_eq!(error(sent, uuid::<ListId>), json!(["Must be a valid UUID."]));
    }
    assert_eq!(outcome("\"2024-02-29\"", |sent| day(sent).map(|day| day.to_string())), "\"2024-02-29\"");
    for sent in ["\"2023-02-29\"", "20230101", "\"\""] {
        assert_eq!(error(sent, day), json!(["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."]));
    }
    assert_eq!(
        outcome("\"2026-05-02T09:14:00+02:00\"", |sent| timestamp(sent).map(|at| at.to_string())),
        "\"2026-05-02T07:14:00.000000Z\""
    );
    assert!(error("\"noon\"", timestamp)[0].as_str().unwrap().starts_with("Datetime has wrong format."));
}

#[test]
fn addresses() {
    assert_eq!(
        outcome(r#"" Ana@Acme.example ""#, |sent| email(sent).map(|email| email.stored().to_owned())),
        r#""ana@acme.example""#
    );
    let refused = |sent| error(sent, |sent| email(sent).map(|email| email.stored().to_owned()));
    for sent in ["\"ana\"", "5", "[]"] {
        assert_eq!(refused(sent), json!(["Enter a valid email address."]));
    }
    assert_eq!(refused("\"\""), json!(["This field may not be blank."]));
}

#[test]
fn urls() {
    for sent in [
        "https://example.com",
        "HTTP://EXAMPLE.com:8080/p?q=1#f",
        "https://user:pass@host/",
        "http://[::1]/",
        "http://127.0.0.1",
        "https://bücher.example/é",
    ] {
        assert_eq!(outcome(&json!(sent).to_string(), url(URL_LIMIT)), format!("{sent:?}"));
    }
    for sent in [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "https://",
        "https:example.com",
        "https:/example.com",
        "https:///example.com",
        "https://?x",
        "https://#x",
        " https://example.com",
        "https://exa mple.com",
        "https://exam\nple.com",
        "https:\\\\example.com",
        "https://example.com\\x",
        "http://[::1",
        "https://example.com:99999",
        "javascript://x",
        "https://@/",
    ] {
        assert_eq!(error(&json!(sent).to_string(), url(URL_LIMIT)), json!(["Enter a valid URL."]), "{sent}");
    }
    let long = |length: usize| json!(format!("https://a.b/{}", "x".repeat(length - 12))).to_string();
    assert!(!outcome(&long(2_048), url(URL_LIMIT)).contains("valid"));
    assert_eq!(error(&long(2_049), url(URL_LIMIT)), json!(["Enter a valid URL."]));
}

#[test]
fn countries() {
    for sent in ["\"ESP\"", "\"XKX\""] {
        assert_eq!(outcome(sent, country3("nationality")), sent);
    }
    for sent in ["\"esp\"", "\"ES\"", "\"ZZZ\"", "5", "\"\""] {
        assert_eq!(error(sent, country3("nationality")), json!(["Invalid ISO 3166-1 alpha-3 country code for nationality."]));
    }
}

#[test]
fn json_of_clients_is_measured_in_bytes() {
    let sent = "{ \"é\" : 1.0 }"; // compact: {"é":1.0} in 10 bytes
    assert_eq!(outcome(sent, json_object_max_bytes(10)), format!("{:?}", "{\"é\":1.0}"));
    assert_eq!(error(sent, json_object_max_bytes(9)), json!(["Ensure this field has no more than 9 bytes."]));
    assert_eq!(error("[]", json_object_max_bytes(9)), json!(["Invalid data. Expected a dictionary, but got list."]));
    assert_eq!(outcome("[ ]", any_json_max_bytes(2)), "\"[]\"");
}

#[test]
fn lists() {
    let run = |sent| answer(sent, |sent| list_of(integer(0, 150))(sent));
    assert_eq!(run("[1,\"2\"]"), json!([1, 2]));
    assert_eq!(run("[]"), json!([]));
    assert_eq!(
        run("[1,\"x\",null,200]"),
        json!({
            "1": ["A valid integer is required."],
            "2": ["This field may not be null."],
            "3": ["Ensure this value is less than or equal to 150."],
        })
    );
    assert_eq!(run("{}"), json!(["Expected a list of items but got type \"dict\"."]));
    let run = |sent| answer(sent, |sent| not_empty(list_of(boolean))(sent));
    assert_eq!(run("[1,false]"), json!([true, false]));
    assert_eq!(run("[]"), json!(["This list may not be empty."]));
    assert_eq!(run("true"), json!(["Expected a list of items but got type \"bool\"."]));
}

fn node(sent: &Value<'_>) -> Result<String, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let feature = fields.required("feature", text(10));
    fields.finish(|| feature)
}

#[test]
fn objects_in_objects_and_lists() {
    let run = |sent| answer(sent, |sent| list_of_objects(node)(sent));
    assert_eq!(run(r#"[{"feature":"AML"},{"feature":"NFC"}]"#), json!(["AML", "NFC"]));
    assert_eq!(
        run(r#"[{"feature":"AML"},{},5]"#),
        json!([
            {},
            {"feature": ["This field is required."]},
            {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]},
        ])
    );
    assert_eq!(run("5"), json!(["Expected a list of items but got type \"int\"."]));

    let run = |sent| answer(sent, |sent| nested(node)(sent));
    assert_eq!(run(r#"{"feature":"AML"}"#), json!("AML"));
    assert_eq!(run("{}"), json!({"feature": ["This field is required."]}));
    assert_eq!(run("[]"), json!(["Invalid data. Expected a dictionary, but got list."]));
}

#[test]
fn of_very_many_mistakes_the_first_are_named() {
    let array = |item: &str, times: usize| format!("[{}]", vec![item; times].join(","));
    let scalars = answer(&array("\"x\"", 100_000), |sent| list_of(integer(0, 150))(sent));
    assert_eq!((scalars.as_object().unwrap().len(), &scalars["499"]), (500, &json!(["A valid integer is required."])));
    let objects = answer(&array("{}", 100_000), |sent| list_of_objects(node)(sent));
    assert_eq!(objects.as_array().unwrap().len(), 500);
    // Also where they are deep inside.
    let nodes = |sent: &Value<'_>| {
        let mut fields = Fields::of(sent)?;
        let nodes = fields.required("nodes", |sent| list_of_objects(node)(sent));
        fields.finish(|| nodes)
    };
    let deep = answer(&array(&format!("{{\"nodes\":{}}}", array("{}", 300)), 300), |sent| list_of_objects(nodes)(sent));
    assert_eq!(deep.as_array().unwrap().iter().map(|item| item["nodes"].as_array().unwrap().len()).sum::<usize>(), 600);
}
