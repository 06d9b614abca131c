use serde_json::json;

use super::*;
use crate::json::read;

fn answer(errors: &FieldErrors) -> String {
    serde_json::to_string(errors).unwrap()
}

#[derive(Debug, PartialEq)]
struct Body {
    name: String,
    age: Option<i64>,
    note: Sent<String>,
}

fn body(json: &str) -> Result<Body, String> {
    let value = Value::parse(json.as_bytes()).unwrap();
    let read = |sent| {
        let mut fields = Fields::of(sent)?;
        let name = fields.required("name", read::filled(read::trimmed_text(5)));
        let age = fields.optional("age", read::integer(0, 150));
        let note = fields.nullable("note", read::text(3));
        fields.finish(|| Some(Body { name: name?, age: age?, note: note? }))
    };
    read(&value).map_err(|errors: FieldErrors| answer(&errors))
}

#[test]
fn a_good_body_is_read() {
    assert_eq!(
        body(r#"{"name":" Ana ","age":"7","note":"n","unknown":[]}"#),
        Ok(Body { name: "Ana".into(), age: Some(7), note: Sent::Value("n".into()) })
    );
    assert_eq!(body(r#"{"name":"Ana","age":null,"note":null}"#), Ok(Body { name: "Ana".into(), age: None, note: Sent::Null }));
    assert_eq!(body(r#"{"name":"Ana"}"#), Ok(Body { name: "Ana".into(), age: None, note: Sent::Absent }));
}

#[test]
fn all_bad_fields_are_reported_together() {
    assert_eq!(
        body(r#"{"name":"  ","age":151,"note":"four"}"#).unwrap_err(),
        r#"{"name":["This field may not be blank."],"age":["Ensure this value is less than or equal to 150."],"note":["Ensure this field has no more than 3 characters."]}"#
    );
    assert_eq!(body("{}").unwrap_err(), r#"{"name":["This field is required."]}"#);
    assert_eq!(body(r#"{"name":null}"#).unwrap_err(), r#"{"name":["This field may not be null."]}"#);
}

#[test]
fn what_is_no_object_has_no_fields() {
    for (sent, name) in [("[]", "list"), ("null", "NoneType"), ("\"x\"", "str"), ("1", "int"), ("1.5", "float"), ("true", "bool")]
    {
        assert_eq!(
            body(sent).unwrap_err(),
            format!(r#"{{"non_field_errors":["Invalid data. Expected a dictionary, but got {name}."]}}"#)
        );
    }
}

#[test]
fn added_errors_refuse_a_body_that_reads_well() {
    let value = Value::parse(br#"{"a":1}"#).unwrap();
    let mut fields = Fields::of(&value).unwrap();
    assert!(fields.sent("a").is_some() && fields.sent("b").is_none());
    fields.add_error("a", FieldError::text("One."));
    fields.add_error("a", FieldError::text("Two."));
    fields.add_error("a", FieldError::Plain("Not mixed in.".into()));
    assert_eq!(answer(&fields.finish(|| Some(())).unwrap_err()), r#"{"a":["One.","Two."]}"#);
}

#[test]
fn every_shape_of_the_contract() {
    assert_eq!(answer(&FieldErrors::one("name", "Bad.")), r#"{"name":["Bad."]}"#);
    assert_eq!(answer(&FieldErrors::plain("workflow_id", "Invalid workflow_id.")), r#"{"workflow_id":"Invalid workflow_id."}"#);
    assert_eq!(
        answer(&FieldErrors::of_no_field("Select at least one item.")),
        r#"{"non_field_errors":["Select at least one item."]}"#
    );
    let nested = FieldErrors::default().with("options", FieldError::Nested(FieldErrors::one("code_size", "Bad.")));
    assert_eq!(answer(&nested), r#"{"options":{"code_size":["Bad."]}}"#);
    let items = FieldErrors::default()
        .with("nodes_to_resubmit", FieldError::Items(vec![FieldErrors::default(), FieldErrors::one("feature", "Bad.")]));
    assert_eq!(answer(&items), r#"{"nodes_to_resubmit":[{},{"feature":["Bad."]}]}"#);
    let indexed = FieldErrors::default().with("approved_emails", FieldError::ByIndex(vec![(0, FieldError::not_an_email())]));
    assert_eq!(answer(&indexed), r#"{"approved_emails":{"0":["Enter a valid email address."]}}"#);
}

#[test]
fn texts_are_those_of_the_contract() {
    let number = Value::Number("5");
    for (error, text) in [
        (FieldError::required(), "This field is required."),
        (FieldError::null(), "This field may not be null."),
        (FieldError::blank(), "This field may not be blank."),
        (FieldError::not_a_string(), "Not a valid string."),
        (FieldError::null_character(), "Null characters are not allowed."),
        (FieldError::too_many_characters(7), "Ensure this field has no more than 7 characters."),
        (FieldError::too_many_bytes(16_384), "Ensure this field has no more than 16384 bytes."),
        (FieldError::not_a_choice(&number), "\"5\" is not a valid choice."),
        (FieldError::not_an_integer(), "A valid integer is required."),
        (FieldError::not_a_number(), "A valid number is required."),
        (FieldError::below(1), "Ensure this value is greater than or equal to 1."),
        (FieldError::above(100.0), "Ensure this value is less than or equal to 100."),
        (FieldError::not_a_boolean(), "Must be a valid boolean."),
        (FieldError::not_a_uuid(), "Must be a valid UUID."),
        (FieldError::not_a_date(), "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."),
        (
            FieldError::not_a_datetime(),
            "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
        ),
        (FieldError::not_an_email(), "Enter a valid email address."),
        (FieldError::not_a_url(), "Enter a valid URL."),
        (FieldError::not_an_object(&number), "Invalid data. Expected a dictionary, but got int."),
        (FieldError::not_an_array(&number), "Expected a list of items but got type \"int\"."),
        (FieldError::empty_list(), "This list may not be empty."),
        (FieldError::not_a_country("nationality"), "Invalid ISO 3166-1 alpha-3 country code for nationality."),
    ] {
        assert_eq!(serde_json::to_value(&error).unwrap(), json!([text]));
    }
}

#[test]
fn a_change_keeps_clears_or_sets() {
    assert_eq!(Sent::Absent.over(Some(1)), Some(1));
    assert_eq!(Sent::Null.over(Some(1)), None);
    assert_eq!(Sent::Value(2).over(Some(1)), Some(2));
}
