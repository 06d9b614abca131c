//! The contract's reviews and update-status, sentence by sentence, where the other tests tell stories.

use gavel_core::session::SessionStatus;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, client::send, shown, text},
};

fn path(session: &str) -> String {
    format!("/v3/sessions/{session}/reviews/")
}

fn update(session: &str) -> String {
    format!("/v3/session/{session}/update-status/")
}

const UNKNOWN: &str = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";

db_test!(answers_and_rows_have_these_keys_and_no_others, server => {
    let session = server.in_review().await;
    let body = json!({ "new_status": "Declined", "comment": "Selfie shows another person. @lea@acme.example", "more": 1 });
    let review = server.client.post(&path(&session), body).await.ok(201);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&review), @r#"
        {
          "user": "API Client",
          "new_status": "Declined",
          "comment": "Selfie shows another person. @lea@acme.example",
          "created_at": "[time]"
        }
        "#); }
    let page = server.client.get(&path(&session)).await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&page), @r#"
        {
          "count": 1,
          "next": null,
          "previous": null,
          "results": [
            {
              "uuid": "[uuid]",
              "activity_type": "STATUS_UPDATED",
              "actor_display": "API Client",
              "actor_email": null,
              "actor_type": "API_KEY",
              "previous_status": "In Review",
              "new_status": "Declined",
              "comment": "Selfie shows another person. @lea@acme.example",
              "mentioned_emails": [],
              "previous_value": {
                "status": "In Review"
              },
              "new_value": {
                "status": "Declined"
              },
              "changed_fields": [
                "status"
              ],
              "metadata": null,
              "created_at": "[time]"
            }
          ]
        }
        "#); }
    assert_eq!(page["results"][0]["created_at"], review["created_at"]);
    let decision = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
    assert_eq!(decision["activity_reviews"], page["results"]);
    assert_eq!(decision["reviews"], json!([review]));
    server.stop().await;
});

db_test!(the_choice_is_named_as_it_was_sent, server => {
    let session = server.in_review().await;
    let before = server.counts().await;
    for (sent, named) in [
        ("5", "5"), ("1.50", "1.50"), ("-0", "-0"), ("true", "true"), ("false", "false"), ("[]", "[]"), ("{}", "{}"),
        ("[ 1, \"a\" ]", "[1,\"a\"]"), ("{ \"a\" : [1.50, null] }", "{\"a\":[1.50,null]}"), ("\"Kyc Expired\"", "Kyc Expired"),
        ("\"declined\"", "declined"), ("\"In review\"", "In review"), ("\"Approved \"", "Approved "), ("\"\\u0000\"", "\0"),
    ] {
        let answer = json!({ "new_status": [format!("\"{named}\" is not a valid choice.")] });
        server.client.post_text(&path(&session), format!("{{\"new_status\":{sent}}}")).await.is(400, answer);
    }
    let wrong = json!({ "new_status": ["This field may not be null."], "comment": ["Not a valid string."] });
    server.client.post(&path(&session), json!({ "new_status": null, "comment": {} })).await.is(400, wrong);
    let wrong = json!({ "new_status": ["This field is required."], "comment": ["Null characters are not allowed."] });
    server.client.post(&path(&session), json!({ "comment": "\0" })).await.is(400, wrong);
    for (body, named) in [("5", "int"), ("1.5", "float"), ("\"a\"", "str"), ("null", "NoneType"), ("true", "bool"), ("[{}]", "list")] {
        let text = format!("Invalid data. Expected a dictionary, but got {named}.");
        server.client.post_text(&path(&session), body).await.is(400, json!({ "non_field_errors": [text] }));
    }
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(checks_come_in_the_order_of_the_contract, server => {
    let (session, theirs) = (server.in_review().await, server.foreign_client().await);
    let reader = server.client_with("sessions:read").await;
    let before = server.counts().await;
    reader.get(&path(&session)).await.ok(200);
    for sessions in [UNKNOWN, "x", session.as_str()] {
        for body in ["{", "{}", r#"{"new_status":"Approved"}"#] {
            assert_eq!(server.client.without_key().post_text(&path(sessions), body).await.status, 401);
            assert_eq!(reader.post_text(&path(sessions), body).await.status, 403);
        }
    }
    server.client.post_text(&path("x"), "{").await.is(404, json!({ "detail": "Not found." }));
    let syntax = server.client.post_text(&path(UNKNOWN), "{").await;
    assert!(syntax.status == 400 && text(&syntax.body["detail"]).starts_with("JSON parse error - "), "{}", syntax.body);
    server.client.post_text(&path(UNKNOWN), "{}").await.is(404, json!({ "detail": "Session not found." }));
    let plain = server.client.request(Method::POST, &path(&session)).header("content-type", "text/plain").body("{}");
    send(plain).await.is(415, json!({ "detail": "Unsupported media type \"text/plain\" in request." }));
    theirs.get(&path(&session)).await.is(404, json!({ "detail": "Session not found." }));
    theirs.post(&path(&session), json!({})).await.is(404, json!({ "detail": "Session not found." }));
    let options = send(server.client.without_key().request(Method::OPTIONS, &path(&session))).await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, HEAD, OPTIONS, POST"));
    let head = send(server.client.request(Method::HEAD, &path(&session))).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    let one = server.client.get(&format!("{}{UNKNOWN}/", path(&session))).await;
    one.is(404, json!({ "detail": "Not found." }));
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(a_comment_is_any_text_of_ten_thousand_characters, server => {
    let session = server.in_review().await;
    let (longest, line) = ("😀".repeat(10_000), "a\u{feff}\u{202e}\r\n\t \u{1f469}\u{200d}\u{1f4bb}é");
    for (sent, kept) in [(json!(longest).to_string(), longest.as_str()), (json!(line).to_string(), line), ("1.50".into(), "1.50")] {
        let answer = server.client.post_text(&path(&session), format!("{{\"new_status\":\"In Review\",\"comment\":{sent}}}")).await.ok(201);
        assert_eq!(answer["comment"], kept);
        let again = server.client.patch(&update(&server.finished("Declined").await), serde_json::from_str(&format!("{{\"new_status\":\"Approved\",\"comment\":{sent}}}")).unwrap()).await;
        again.ok(200);
    }
    assert_eq!(server.feed(&session).await[2]["comment"], longest);
    server.stop().await;
});

db_test!(pages_are_those_of_every_list, server => {
    let session = server.session().await;
    for number in 0..60 {
        server.client.post(&path(&session), json!({ "new_status": "In Review", "comment": number.to_string() })).await.ok(201);
    }
    let page = async |query: &str| server.client.get(&format!("{}{query}", path(&session))).await.ok(200);
    let comments = |page: &Value| page["results"].as_array().unwrap().iter().map(|row| text(&row["comment"])).collect::<Vec<_>>();
    let first = page("").await;
    assert_eq!((comments(&first).len(), comments(&first)[0].as_str(), &first["count"], &first["previous"]), (50, "59", &json!(60), &Value::Null));
    let base = format!("{}/v3/sessions/{session}/reviews/", server.url());
    assert_eq!(first["next"], format!("{base}?limit=50&offset=50"));
    let second = page("?limit=50&offset=50").await;
    assert_eq!((comments(&second).len(), &second["next"], &second["previous"]), (10, &Value::Null, &json!(format!("{base}?limit=50"))));
    let oldest = page("?ordering=created_at&limit=1&offset=3").await;
    assert_eq!(comments(&oldest), ["3"]);
    assert_eq!(oldest["next"], format!("{base}?ordering=created_at&limit=1&offset=4"));
    for (query, count) in [("?limit=1000", 60), ("?limit=0", 50), ("?limit=x&offset=-1", 50), ("?offset=60", 0), ("?limit=&offset=55", 5)] {
        assert_eq!(comments(&page(query).await).len(), count, "{query}");
    }
    for (query, first) in [
        ("?ordering=uuid,created_at", "0"), ("?ordering=created_at,-created_at", "0"), ("?ordering=-created_at,created_at", "59"),
        ("?ordering=CREATED_AT", "59"), ("?ordering=", "59"), ("?ordering=created_at&ordering=-created_at", "59"),
    ] {
        assert_eq!(comments(&page(query).await)[0], first, "{query}");
    }
    server.stop().await;
});

db_test!(a_repeated_post_is_a_second_review_unless_it_has_a_key, server => {
    let session = server.in_review().await;
    let body = |comment: &str| json!({ "new_status": "Declined", "comment": comment });
    for _ in 0..2 {
        server.client.post(&path(&session), body("same")).await.ok(201);
    }
    assert_eq!(server.feed(&session).await.len(), 2);
    let first = server.client.post_once("k", &path(&session), body("once")).await;
    let before = server.counts().await;
    let again = server.client.post_once("k", &path(&session), body("once")).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16(), &first.bytes), (201, 201, &again.bytes));
    let other = server.client.post_once("k", &path(&session), body("other")).await;
    other.is(422, json!({ "detail": "Idempotency-Key was used with a different request." }));
    let elsewhere = server.in_review().await;
    server.client.post_once("k", &path(&elsewhere), body("once")).await.is(422, json!({ "detail": "Idempotency-Key was used with a different request." }));
    assert_eq!(server.counts().await["activities"], before["activities"]);
    // A refusal keeps nothing: the key is free for what is right.
    server.client.post_once("r", &path(&session), json!({})).await.is(400, json!({ "new_status": ["This field is required."] }));
    server.client.post_once("r", &path(&session), body("right")).await.ok(201);
    assert_eq!(server.feed(&session).await.len(), 4);
    server.stop().await;
});

db_test!(nothing_else_is_touched, server => {
    let list = server.list("Bad", "blocklist", "email").await;
    let before = server.session_with_evidence(json!({
        "email_verifications": [{ "email": "ana@example.com", "warnings": [{ "risk": "BREACHED_EMAIL_DETECTED" }], "status": "In Review" }],
        "id_verifications": [{ "document_type": "P", "document_number": "X1", "first_name": "Ana" }],
    })).await;
    let session = text(&before["session_id"]);
    server.client.post(&path(&session), json!({ "new_status": "Declined" })).await.ok(201);
    let mut after = server.decision(&session).await;
    for member in ["status", "reviews"] {
        after[member] = before[member].clone();
    }
    assert_eq!(after, before);
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 0);
    server.stop().await;
});

db_test!(monitoring_stops_with_a_decline_and_goes_on_with_an_approval, server => {
    for (watched, by_update) in [(true, false), (true, true), (false, false)] {
        let screening = json!({ "aml_screenings": [{ "score": 90, "is_ongoing_monitoring_enabled": watched }] });
        let session = text(&server.session_with_evidence(screening).await["session_id"]);
        let is_watched = async || server.decision(&session).await["aml_screenings"][0]["is_ongoing_monitoring_enabled"].clone();
        for (to, expected) in [("Declined", false), ("Declined", false), ("Approved", watched), ("Approved", watched), ("Declined", false)] {
            if by_update {
                server.client.patch(&update(&session), json!({ "new_status": to })).await.ok(200);
            } else {
                server.client.post(&path(&session), json!({ "new_status": to })).await.ok(201);
                assert_eq!(is_watched().await, json!(expected), "{watched} {to}");
                server.client.post(&path(&session), json!({ "new_status": "In Review" })).await.ok(201);
            }
            assert_eq!(is_watched().await, json!(expected), "{watched} {to}");
        }
    }
    server.stop().await;
});

db_test!(a_finished_session_has_no_link_and_no_end, server => {
    for to in ["Approved", "Declined", "In Review"] {
        let session = server.session().await;
        let open = server.decision(&session).await;
        assert!(open["session_url"].is_string() && open["expires_at"].is_string());
        server.client.post(&path(&session), json!({ "new_status": to })).await.ok(201);
        let closed = server.decision(&session).await;
        assert_eq!((&closed["session_url"], &closed["expires_at"]), (&Value::Null, &Value::Null));
        let row = server.client.get(&format!("/v3/sessions/?search={session}")).await.ok(200)["results"][0].clone();
        assert_eq!((&row["session_url"], &row["status"]), (&Value::Null, &json!(to)));
        let events = server.client.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200)["events"].clone();
        let last = events.as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["type"], &last["actor"], &last["details"]["previous_status"]), (&json!("STATUS_CHANGED"), &json!("API Client"), &json!("Not Started")));
        server.client.post(&format!("/x/sessions/{session}/evidence/"), json!({})).await
            .is(400, json!({ "detail": "Evidence cannot be added to a finished session." }));
    }
    server.stop().await;
});

db_test!(notes_take_any_status_as_a_label, server => {
    server.set_reviews_change_status(false).await;
    let receiver = Receiver::start().await;
    let session = server.in_review().await;
    server.destination(&receiver).await;
    let before = server.counts().await;
    for status in SessionStatus::ALL.map(SessionStatus::as_str) {
        let noted = server.client.post(&path(&session), json!({ "new_status": status })).await.ok(201);
        assert_eq!((&noted["new_status"], noted.as_object().unwrap().len()), (&json!(status), 4));
    }
    for (body, wrong) in [
        (
            json!({ "new_status": "approved", "comment": [] }),
            json!({ "new_status": ["\"approved\" is not a valid choice."], "comment": ["Not a valid string."] }),
        ),
        (json!({ "new_status": "" }), json!({ "new_status": ["\"\" is not a valid choice."] })),
        (json!({ "new_status": 5 }), json!({ "new_status": ["\"5\" is not a valid choice."] })),
        (json!({ "comment": "😀".repeat(10_001) }), json!({ "comment": ["Ensure this field has no more than 10000 characters."] })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
    ] {
        server.client.post(&path(&session), body).await.is(400, wrong);
    }
    let stale = server.client.request(Method::POST, &path(&session)).header("if-match", "\"1\"").json(&json!({}));
    send(stale).await.is(412, json!({ "detail": "The session was changed by someone else." }));
    let empty = server.client.post(&path(&session), json!({ "comment": "" })).await.ok(201);
    assert_eq!((&empty["comment"], &server.feed(&session).await[0]["activity_type"]), (&Value::Null, &json!("COMMENT")));
    let after = server.counts().await;
    assert_eq!((after["activities"] - before["activities"], after["versions"] - before["versions"]), (11, 11), "activity moves the version");
    assert_eq!((after["events"], after["session_events"]), (before["events"], before["session_events"]));
    assert_eq!(server.decision(&session).await["reviews"].as_array().unwrap().len(), 10, "labels are reviews, comments are not");
    server.set_reviews_change_status(true).await;
    server.client.post(&path(&session), json!({ "new_status": "Approved" })).await.ok(201);
    assert_eq!(receiver.wait_for(1).await[0].json()["status"], "Approved", "no note was sent before it");
    server.stop().await;
});

db_test!(update_status_names_everything_that_is_wrong, server => {
    let (session, theirs) = (server.in_review().await, server.foreign_client().await);
    let reader = server.client_with("sessions:read").await;
    let before = server.counts().await;
    for (body, wrong) in [
        (json!({ "new_status": 5 }), json!({ "new_status": ["\"5\" is not a valid choice."] })),
        (json!({ "new_status": [] }), json!({ "new_status": ["\"[]\" is not a valid choice."] })),
        (json!({ "new_status": "" }), json!({ "new_status": ["\"\" is not a valid choice."] })),
        (json!({ "new_status": "approved" }), json!({ "new_status": ["\"approved\" is not a valid choice."] })),
        (
            json!({ "new_status": "In Review", "comment": {}, "send_email": "x", "email_address": 5, "nodes_to_resubmit": {} }),
            json!({
                "new_status": ["You can only update the status to 'Approved', 'Declined', or 'Resubmitted'."],
                "comment": ["Not a valid string."], "send_email": ["Must be a valid boolean."],
                "email_address": ["Enter a valid email address."], "nodes_to_resubmit": ["Expected a list of items but got type \"dict\"."],
            }),
        ),
        (json!({ "new_status": "Approved", "comment": "a\0" }), json!({ "comment": ["Null characters are not allowed."] })),
        (json!({ "new_status": "Approved", "send_email": true, "email_address": null }), json!({ "email_address": ["Email address is required when send_email is true."] })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
    ] {
        server.client.patch(&update(&session), body).await.is(400, wrong);
    }
    let no = send(server.client.request(Method::PUT, &update(&session)).json(&json!({}))).await;
    assert_eq!((no.status.as_u16(), no.header("allow")), (405, "OPTIONS, PATCH"));
    no.is(405, json!({ "detail": "Method \"PUT\" not allowed." }));
    server.client.patch(&update("x"), json!({})).await.is(404, json!({ "detail": "Not found." }));
    theirs.patch(&update(&session), json!({})).await.is(404, json!({ "detail": "Not found." }));
    reader.patch(&update(&session), json!({})).await
        .is(403, json!({ "detail": "You do not have permission to perform this action." }));
    assert_eq!(server.counts().await, before);
    let longest = json!({ "new_status": "Declined", "comment": "😀".repeat(10_000), "email_language": "xx", "unknown": 1, "send_email": null });
    server.client.patch(&update(&session), longest).await.is(200, json!({ "session_id": session }));
    let row = &server.feed(&session).await[0];
    assert_eq!((&row["activity_type"], &row["previous_value"], &row["new_value"], &row["changed_fields"]), (
        &json!("STATUS_UPDATED"), &json!({ "status": "In Review" }), &json!({ "status": "Declined" }), &json!(["status"]),
    ));
    assert_eq!(text(&row["comment"]).chars().count(), 10_000);
    server.stop().await;
});
