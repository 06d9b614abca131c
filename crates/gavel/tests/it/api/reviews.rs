//! `/v3/sessions/{session_id}/reviews/`.

use gavel_core::session::SessionStatus;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Answer, Receiver, Server, client::send, inside::bodies, shown, text},
};

fn path(session: &str) -> String {
    format!("/v3/sessions/{session}/reviews/")
}

async fn review_if(server: &Server, session: &str, version: &str, body: Value) -> Answer {
    send(server.client.request(Method::POST, &path(session)).header("if-match", version).json(&body)).await
}

db_test!(decides_from_every_status_also_the_same, server => {
    for status in SessionStatus::ALL {
        for new in ["Approved", "Declined", "In Review"] {
            let session = server.session().await;
            server.set_status(&session, status.as_str()).await;
            let before = server.counts().await;
            server.client.post(&path(&session), json!({ "new_status": new, "session_id": 5 })).await.ok(201);
            let after = server.counts().await;
            let row = &server.feed(&session).await[0];
            assert_eq!((&row["previous_status"], &row["new_status"]), (&json!(status.as_str()), &json!(new)));
            assert_eq!(row["previous_value"], json!({ "status": status.as_str() }));
            for table in ["activities", "activity_values", "events", "audit_events", "versions"] {
                assert_eq!(after[table] - before[table], 1, "{table}: {status} to {new}");
            }
            let decision = server.decision(&session).await;
            assert_eq!((&decision["status"], &decision["session_url"], &decision["expires_at"]), (&json!(new), &json!(null), &json!(null)));
            let expected = json!([{ "user": "API Client", "new_status": new, "comment": null, "created_at": row["created_at"] }]);
            assert_eq!(decision["reviews"], expected);
        }
    }
    server.stop().await;
});

db_test!(refuses_and_writes_nothing, server => {
    let session = server.finished("Approved").await;
    let before = server.counts().await;
    for (body, answer) in [
        (json!({}), json!({ "new_status": ["This field is required."] })),
        (json!({ "new_status": null }), json!({ "new_status": ["This field may not be null."] })),
        (json!({ "new_status": "" }), json!({ "new_status": ["\"\" is not a valid choice."] })),
        (json!({ "new_status": "approved" }), json!({ "new_status": ["\"approved\" is not a valid choice."] })),
        (json!({ "new_status": "IN_REVIEW" }), json!({ "new_status": ["\"IN_REVIEW\" is not a valid choice."] })),
        (json!({ "new_status": "Resubmitted" }), json!({ "new_status": ["\"Resubmitted\" is not a valid choice."] })),
        (json!({ "new_status": " Approved" }), json!({ "new_status": ["\" Approved\" is not a valid choice."] })),
        (json!({ "new_status": 5 }), json!({ "new_status": ["\"5\" is not a valid choice."] })),
        (json!({ "new_status": true }), json!({ "new_status": ["\"true\" is not a valid choice."] })),
        (json!({ "new_status": [] }), json!({ "new_status": ["\"[]\" is not a valid choice."] })),
        (json!({ "new_status": {} }), json!({ "new_status": ["\"{}\" is not a valid choice."] })),
        (
            json!({ "new_status": "Approved", "comment": "😀".repeat(10_001) }),
            json!({ "comment": ["Ensure this field has no more than 10000 characters."] }),
        ),
        (json!({ "new_status": "Approved", "comment": [] }), json!({ "comment": ["Not a valid string."] })),
        (json!({ "new_status": "Approved", "comment": true }), json!({ "comment": ["Not a valid string."] })),
        (json!({ "new_status": "Approved", "comment": "a\0" }), json!({ "comment": ["Null characters are not allowed."] })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
        (
            json!({ "new_status": "x", "comment": {} }),
            json!({ "new_status": ["\"x\" is not a valid choice."], "comment": ["Not a valid string."] }),
        ),
    ] {
        server.client.post(&path(&session), body).await.is(400, answer);
    }
    assert_eq!(server.client.post_text(&path(&session), "{").await.status, 400);
    let no_session = json!({ "detail": "Session not found." });
    let unknown = path("0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10");
    server.client.post(&unknown, json!({})).await.is(404, no_session.clone());
    server.client.get(&unknown).await.is(404, no_session);
    server.client.post(&path("x"), json!({})).await.is(404, json!({ "detail": "Not found." }));
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = send(server.client.request(method.clone(), &path(&session))).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD, OPTIONS, POST"), "{method}");
    }
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(keeps_a_comment_exactly_as_sent, server => {
    let session = server.session().await;
    let longest = "😀".repeat(10_000);
    for (sent, kept) in [
        (json!(longest), json!(longest)),
        (json!("  two  lines\n"), json!("  two  lines\n")),
        (json!("@lea@acme.example"), json!("@lea@acme.example")),
        (json!(1.50), json!("1.5")),
        (json!(""), json!(null)),
        (json!(null), json!(null)),
    ] {
        let answer = server.client.post(&path(&session), json!({ "new_status": "In Review", "comment": sent })).await.ok(201);
        assert_eq!(answer["comment"], kept);
        assert_eq!(server.feed(&session).await[0]["comment"], kept);
    }
    server.stop().await;
});

db_test!(are_listed_newest_first_or_as_asked, server => {
    let session = server.session().await;
    server.client.get(&path(&session)).await.is(200, json!({ "count": 0, "next": null, "previous": null, "results": [] }));
    for number in 0..5 {
        let body = json!({ "new_status": "In Review", "comment": number.to_string() });
        server.client.post(&path(&session), body).await.ok(201);
    }
    let comments = async |query: &str| -> String {
        let page = server.client.get(&format!("{}{query}", path(&session))).await.ok(200);
        assert_eq!(page["count"], 5);
        page["results"].as_array().unwrap().iter().map(|row| text(&row["comment"])).collect()
    };
    assert_eq!(comments("").await, "43210");
    assert_eq!(comments("?ordering=created_at").await, "01234");
    assert_eq!(comments("?ordering=-created_at").await, "43210");
    assert_eq!(comments("?ordering=nothing").await, "43210");
    assert_eq!(comments("?limit=2&offset=1").await, "32");
    server.stop().await;
});

db_test!(only_note_where_reviews_do_not_change_the_status, server => {
    server.set_reviews_change_status(false).await;
    let session = server.finished("In Review").await;
    let before = server.counts().await;
    let noted = server.client.post(&path(&session), json!({ "new_status": "Kyc Expired", "comment": "label" })).await.ok(201);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&noted), @r#"
        {
          "user": "API Client",
          "new_status": "Kyc Expired",
          "comment": "label",
          "created_at": "[time]"
        }
        "#); }
    let empty = server.client.post_text(&path(&session), "").await.ok(201);
    assert_eq!((&empty["new_status"], &empty["comment"]), (&json!(null), &json!(null)));
    server.client.post(&path(&session), json!({ "new_status": null, "comment": null })).await.ok(201);
    server.client.post(&path(&session), json!({ "new_status": "nope" })).await.is(400, json!({ "new_status": ["\"nope\" is not a valid choice."] }));
    let after = server.counts().await;
    assert_eq!((after["activities"] - before["activities"], after["events"] - before["events"]), (3, 0));
    assert_eq!(server.decision(&session).await["status"], "In Review");
    let rows = server.feed(&session).await;
    let kinds: Vec<&Value> = rows.iter().map(|row| &row["activity_type"]).collect();
    assert_eq!(kinds, ["COMMENT", "COMMENT", "STATUS_UPDATED"]);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&rows[2]), @r#"
        {
          "uuid": "[uuid]",
          "activity_type": "STATUS_UPDATED",
          "actor_display": "API Client",
          "actor_email": null,
          "actor_type": "API_KEY",
          "previous_status": null,
          "new_status": "Kyc Expired",
          "comment": "label",
          "mentioned_emails": [],
          "previous_value": null,
          "new_value": null,
          "changed_fields": [],
          "metadata": null,
          "created_at": "[time]"
        }
        "#); }
    server.stop().await;
});

db_test!(with_a_stale_version_are_refused, server => {
    let session = server.finished("Approved").await;
    let seen = server.client.get(&format!("/v3/session/{session}/decision/")).await.header("etag").to_owned();
    review_if(&server, &session, &seen, json!({ "new_status": "Declined" })).await.ok(201);
    let before = server.counts().await;
    let stale = json!({ "detail": "The session was changed by someone else." });
    review_if(&server, &session, &seen, json!({ "new_status": "Approved" })).await.is(412, stale.clone());
    review_if(&server, &session, "\"x\"", json!({ "new_status": "Approved" })).await.is(412, stale.clone());
    review_if(&server, &session, &seen, json!({})).await.is(400, json!({ "new_status": ["This field is required."] }));
    let evidence = server.session().await;
    let request = server.client.request(Method::POST, &format!("/x/sessions/{evidence}/evidence/"));
    send(request.header("if-match", "\"7\"").json(&json!({}))).await.is(412, stale.clone());
    send(server.client.request(Method::DELETE, &format!("/v3/session/{evidence}/delete/")).header("if-match", "\"7\""))
        .await
        .is(412, stale);
    let mut after = server.counts().await;
    for (name, made) in [("sessions", 1), ("events", 1), ("session_events", 1), ("audit_events", 1), ("audit_values", 1), ("versions", 1), ("numbers", 1)] {
        *after.get_mut(name).unwrap() -= made; // The new session's.
    }
    assert_eq!(after, before);
    let next = server.client.get(&format!("/v3/session/{session}/decision/")).await.header("etag").to_owned();
    review_if(&server, &session, &next, json!({ "new_status": "Approved" })).await.ok(201);
    server.stop().await;
});

db_test!(at_the_same_time_come_one_after_the_other, server => {
    let session = server.finished("Approved").await;
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    let before = server.counts().await;
    let posts = (0..12).map(|number| {
        let (client, path) = (server.client.clone(), path(&session));
        let status = ["Approved", "Declined", "In Review"][number % 3];
        tokio::spawn(async move { client.post(&path, json!({ "new_status": status })).await.ok(201) })
    });
    for post in posts.collect::<Vec<_>>() {
        post.await.unwrap();
    }
    let rows = server.feed(&session).await;
    assert_eq!(rows.len(), 12);
    for pair in rows.windows(2) {
        assert_eq!(pair[0]["previous_status"], pair[1]["new_status"], "each row follows the one before");
    }
    assert_eq!(rows[11]["previous_status"], "Approved");
    assert_eq!(server.decision(&session).await["status"], rows[0]["new_status"]);
    assert_eq!(server.counts().await["events"] - before["events"], 12);
    let sent: Vec<Value> = receiver.wait_for(12).await.iter().map(|received| received.json()["status"].clone()).collect();
    let made: Vec<Value> = rows.iter().rev().map(|row| row["new_status"].clone()).collect();
    assert_eq!(sent, made, "events of one session arrive in order");
    server.stop().await;
});

db_test!(follow_each_other_while_the_clock_goes_back, server => {
    let session = server.finished("Approved").await;
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    for (number, status) in ["Declined", "In Review", "Approved"].into_iter().enumerate() {
        server.client.post(&path(&session), json!({ "new_status": status })).await.ok(201);
        receiver.wait_for(number + 1).await;
        server.app.clock.advance(-3_600);
    }
    let sent: Vec<Value> = receiver.received().iter().map(|received| received.json()["status"].clone()).collect();
    assert_eq!(sent, ["Declined", "In Review", "Approved"]);
    assert_eq!(server.decision(&session).await["status"], "Approved", "what was decided last holds");
    let mut rows = server.feed(&session).await;
    rows.sort_by_key(|row| text(&row["created_at"]));
    rows.reverse();
    let steps: Vec<(&Value, &Value)> = rows.iter().map(|row| (&row["previous_status"], &row["new_status"])).collect();
    let [approved, declined, review] = ["Approved", "Declined", "In Review"].map(Value::from);
    assert_eq!(steps, [(&approved, &declined), (&declined, &review), (&review, &approved)]);
    server.stop().await;
});

db_test!(do_not_see_companies, server => {
    let session = server.business_session().await;
    let no_session = json!({ "detail": "Session not found." });
    server.client.get(&path(&session)).await.is(404, no_session.clone());
    server.client.post(&path(&session), json!({ "new_status": "Approved" })).await.is(404, no_session);
    server.stop().await;
});

db_test!(are_hidden_with_their_session, server => {
    let session = server.finished("Approved").await;
    server.client.post(&path(&session), json!({ "new_status": "Declined" })).await.ok(201);
    server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
    server.client.get(&path(&session)).await.is(404, json!({ "detail": "Session not found." }));
    server.client.post(&path(&session), json!({ "new_status": "Declined" })).await.is(404, json!({ "detail": "Session not found." }));
    server.stop().await;
});

db_test!(of_any_body_never_fail, server => {
    let session = server.session().await;
    for mode in [true, false] {
        server.set_reviews_change_status(mode).await;
        for body in bodies(&["new_status", "comment", "Approved"], 60) {
            let answer = server.client.post(&path(&session), body.clone()).await;
            assert!(!answer.status.is_server_error(), "{body}: {}", answer.body);
        }
    }
    server.stop().await;
});
