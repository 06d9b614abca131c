use serde_json::json;

use super::*;

fn read(body: &str) -> Result<NewReview, FieldErrors> {
    NewReview::read(&Value::parse_body(body.as_bytes()).unwrap())
}

fn note(body: &str) -> Result<NewNote, FieldErrors> {
    NewNote::read(&Value::parse_body(body.as_bytes()).unwrap())
}

/// The exact bytes of the 400.
fn refusal<T: std::fmt::Debug>(read: Result<T, FieldErrors>) -> String {
    serde_json::to_string(&read.unwrap_err()).unwrap()
}

mod read {
    use super::*;

    #[test]
    fn outcome_and_comment() {
        for (name, outcome) in
            [("Approved", ReviewOutcome::Approved), ("Declined", ReviewOutcome::Declined), ("In Review", ReviewOutcome::InReview)]
        {
            let review = read(&json!({"new_status": name, "comment": " seen ", "session_id": 5}).to_string()).unwrap();
            assert_eq!(review, NewReview { outcome, comment: Some(" seen ".to_owned()) });
        }
    }

    #[test]
    fn no_comment_null_and_empty_are_the_same() {
        for body in [
            r#"{"new_status":"Approved"}"#,
            r#"{"new_status":"Approved","comment":null}"#,
            r#"{"new_status":"Approved","comment":""}"#,
        ] {
            assert_eq!(read(body).unwrap().comment, None, "{body}");
        }
    }

    #[test]
    fn numbers_are_comments_and_the_last_member_counts() {
        let review = read(r#"{"new_status":"Approved","comment":1.50,"new_status":"Declined"}"#).unwrap();
        assert_eq!(review, NewReview { outcome: ReviewOutcome::Declined, comment: Some("1.50".to_owned()) });
    }

    #[test]
    fn comment_limit_counts_scalar_values() {
        let body = |length| json!({"new_status": "Approved", "comment": "😀".repeat(length)}).to_string();
        assert!(read(&body(10_000)).is_ok());
        assert_eq!(refusal(read(&body(10_001))), r#"{"comment":["Ensure this field has no more than 10000 characters."]}"#);
    }

    #[test]
    fn every_row_of_the_error_table() {
        for (body, answer) in [
            ("", r#"{"new_status":["This field is required."]}"#),
            ("{}", r#"{"new_status":["This field is required."]}"#),
            (r#"{"new_status":null}"#, r#"{"new_status":["This field may not be null."]}"#),
            (r#"{"new_status":""}"#, r#"{"new_status":["\"\" is not a valid choice."]}"#),
            (r#"{"new_status":"approved"}"#, r#"{"new_status":["\"approved\" is not a valid choice."]}"#),
            (r#"{"new_status":"IN_REVIEW"}"#, r#"{"new_status":["\"IN_REVIEW\" is not a valid choice."]}"#),
            (r#"{"new_status":"Resubmitted"}"#, r#"{"new_status":["\"Resubmitted\" is not a valid choice."]}"#),
            (r#"{"new_status":" Approved"}"#, r#"{"new_status":["\" Approved\" is not a valid choice."]}"#),
            (r#"{"new_status":5}"#, r#"{"new_status":["\"5\" is not a valid choice."]}"#),
            (r#"{"new_status":true}"#, r#"{"new_status":["\"true\" is not a valid choice."]}"#),
            (r#"{"new_status":[]}"#, r#"{"new_status":["\"[]\" is not a valid choice."]}"#),
            (r#"{"new_status":{}}"#, r#"{"new_status":["\"{}\" is not a valid choice."]}"#),
            (r#"{"new_status":[ 1, 2 ]}"#, r#"{"new_status":["\"[1,2]\" is not a valid choice."]}"#),
            (r#"{"new_status":"Approved","comment":[]}"#, r#"{"comment":["Not a valid string."]}"#),
            (r#"{"new_status":"Approved","comment":{}}"#, r#"{"comment":["Not a valid string."]}"#),
            (r#"{"new_status":"Approved","comment":true}"#, r#"{"comment":["Not a valid string."]}"#),
            (r#"{"new_status":"Approved","comment":"a\u0000"}"#, r#"{"comment":["Null characters are not allowed."]}"#),
            ("[]", r#"{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}"#),
            (
                r#"{"comment":false,"new_status":"x"}"#,
                r#"{"new_status":["\"x\" is not a valid choice."],"comment":["Not a valid string."]}"#,
            ),
        ] {
            assert_eq!(refusal(read(body)), answer, "{body}");
        }
    }
}

mod note {
    use super::*;

    #[test]
    fn everything_is_optional() {
        for body in ["", "{}", r#"{"new_status":null,"comment":null}"#, r#"{"comment":""}"#] {
            let note = note(body).unwrap();
            assert_eq!(note, NewNote { label: None, comment: None }, "{body}");
            assert_eq!(note.activity_type(), ActivityType::Comment);
        }
    }

    #[test]
    fn any_of_the_ten_statuses_is_a_label() {
        for status in SessionStatus::ALL.iter().copied() {
            let note = note(&json!({"new_status": status.as_str()}).to_string()).unwrap();
            assert_eq!(note.label, Some(status));
            assert_eq!(note.activity_type(), ActivityType::StatusUpdated);
        }
    }

    #[test]
    fn bad_fields_are_refused_with_the_same_texts() {
        for (body, answer) in [
            (r#"{"new_status":"approved"}"#, r#"{"new_status":["\"approved\" is not a valid choice."]}"#),
            (r#"{"new_status":""}"#, r#"{"new_status":["\"\" is not a valid choice."]}"#),
            (r#"{"comment":[]}"#, r#"{"comment":["Not a valid string."]}"#),
            ("null", r#"{"non_field_errors":["Invalid data. Expected a dictionary, but got NoneType."]}"#),
        ] {
            assert_eq!(refusal(note(body)), answer, "{body}");
        }
    }
}

#[test]
fn every_status_may_be_decided_on() {
    for current in SessionStatus::ALL.iter().copied() {
        for (outcome, to) in [
            (ReviewOutcome::Approved, SessionStatus::Approved),
            (ReviewOutcome::Declined, SessionStatus::Declined),
            (ReviewOutcome::InReview, SessionStatus::InReview),
        ] {
            let change = decide(current, &NewReview { outcome, comment: None });
            assert_eq!(change, StatusChange { from: current, to });
            assert_eq!(ReviewOutcome::from_name(to.as_str()), Some(outcome));
        }
    }
}
