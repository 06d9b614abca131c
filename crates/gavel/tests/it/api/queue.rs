//! `/x/queue/`, claims, priorities and presence.

use std::collections::HashMap;

use gavel::actions::{
    self, Caller, Error,
    queue::{ClaimBody, ReviewerBody},
    reviews::ReviewBody,
};
use gavel_core::{
    access::Role,
    json::Value as Json,
    review::{NewNote, NewReview},
    session::StatusUpdate,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Answer, Client, Server, client::send, eventually, inside::bodies, shown, text},
};

const NEXT: &str = "/x/queue/next/";

fn path(session: &str, what: &str) -> String {
    format!("/x/sessions/{session}/{what}/")
}

/// Claims the next session for somebody behind the key; its id, or null.
async fn next(client: &Client, reviewer: &str) -> Value {
    client.post(NEXT, json!({ "reviewer": reviewer })).await.ok(200)["item"]["session_id"].clone()
}

async fn claim(client: &Client, session: &str, body: Value) -> Answer {
    client.post(&path(session, "claim"), body).await
}

async fn claimed_by(server: &Server, session: &str) -> Value {
    server.client.get(&path(session, "queue")).await.ok(200)["claim"]["holder"]["reviewer"].clone()
}

async fn audited(server: &Server) -> HashMap<String, i64> {
    let read = server.app.store.read::<_, Error, _>(|tx| {
        Box::pin(async move {
            let sql = "SELECT kind, count(*) FROM audit_events WHERE kind LIKE 'queue.%' GROUP BY kind";
            let rows = tx.query(sql, &[]).await?;
            rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect::<Result<_, Error>>()
        })
    });
    read.await.unwrap()
}

const OTHERS: &str = "This session is claimed by someone else.";

db_test!(gives_the_oldest_first_and_each_to_one, server => {
    server.client.post(NEXT, json!({})).await.is(200, json!({ "session": null, "item": null }));
    let (first, second, third) = (server.in_review().await, server.in_review().await, server.in_review().await);
    server.finished("Approved").await;
    server.session().await;
    let answer = server.client.post(NEXT, json!({ "reviewer": " lea " })).await;
    assert_eq!((answer.header("etag"), &answer.body["session"]["session_id"]), ("\"2\"", &json!(first)));
    assert_eq!(answer.body["session"]["email_verifications"][0]["status"], "In Review");
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&answer.body["item"]), @r#"
        {
          "session_id": "[uuid]",
          "session_number": 1,
          "session_kind": "user",
          "status": "In Review",
          "version": 2,
          "priority": 0,
          "waiting_since": "[time]",
          "claim": {
            "holder": {
              "actor_type": "API_KEY",
              "actor_id": "[uuid]",
              "reviewer": "lea",
              "name": "API Client"
            },
            "claimed_at": "[time]",
            "expires_at": "[time]"
          }
        }
        "#); }
    assert_eq!(next(&server.client, "max").await, json!(second));
    assert_eq!(next(&server.client, "lea").await, json!(third));
    assert_eq!(next(&server.client, "max").await, json!(null));
    server.client.post(&path(&first, "release"), json!({ "reviewer": "lea" })).await.ok(200);
    assert_eq!(next(&server.client, "max").await, json!(first));
    assert_eq!(audited(&server).await, HashMap::from([("queue.claimed".into(), 4), ("queue.released".into(), 1)]));
    server.stop().await;
});

db_test!(a_claim_ends_by_itself, server => {
    let (first, second) = (server.in_review().await, server.in_review().await);
    assert_eq!(next(&server.client, "lea").await, json!(first));
    server.app.clock.advance(500);
    server.client.post(&path(&first, "renew"), json!({ "reviewer": "lea" })).await.ok(200);
    server.app.clock.advance(599);
    assert_eq!(claimed_by(&server, &first).await, "lea");
    server.app.clock.advance(2);
    assert_eq!(claimed_by(&server, &first).await, Value::Null);
    let gone = json!({ "detail": "You do not hold this session." });
    server.client.post(&path(&first, "renew"), json!({ "reviewer": "lea" })).await.is(409, gone);
    assert_eq!(next(&server.client, "max").await, json!(first), "in its old place");
    assert_eq!(next(&server.client, "max").await, json!(second));
    // The pass changes nothing but the rows.
    server.app.clock.advance(700);
    gavel::workers::desk::tidy_now(&server.app).await.unwrap();
    assert_eq!(next(&server.client, "lea").await, json!(first));
    server.stop().await;
});

db_test!(a_claim_is_its_holders_until_it_is_taken_over, server => {
    let session = server.in_review().await;
    let before = server.decision(&session).await;
    let answer = claim(&server.client, &session, json!({ "reviewer": "lea" })).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, "\"2\""));
    let since = answer.body["claim"]["claimed_at"].clone();
    let refused = json!({ "detail": OTHERS });
    claim(&server.client, &session, json!({})).await.is(409, refused.clone());
    claim(&server.client, &session, json!({ "reviewer": "max" })).await.is(409, refused.clone());
    server.client.post(&path(&session, "release"), json!({ "reviewer": "max" })).await.is(409, refused.clone());
    let other = server.client_with("sessions:write").await;
    claim(&other, &session, json!({ "reviewer": "lea" })).await.is(409, refused);
    server.app.clock.advance(100);
    let again = claim(&server.client, &session, json!({ "reviewer": "lea" })).await.ok(200);
    assert_eq!(again["claim"]["claimed_at"], since, "claiming again renews");
    assert_ne!(again["claim"]["expires_at"], answer.body["claim"]["expires_at"]);
    let taken = claim(&other, &session, json!({ "reviewer": "max", "take_over": true })).await.ok(200);
    assert_eq!(taken["claim"]["holder"]["reviewer"], "max");
    server.client.post(&path(&session, "release"), json!({ "reviewer": "lea" })).await.is(409, json!({ "detail": OTHERS }));
    other.post(&path(&session, "release"), json!({ "reviewer": "max" })).await.ok(200);
    other.post(&path(&session, "release"), json!({ "reviewer": "max" })).await.ok(200);
    let kinds = [("queue.claimed", 1), ("queue.taken_over", 1), ("queue.released", 1)];
    assert_eq!(audited(&server).await, kinds.map(|(kind, count)| (kind.to_owned(), count)).into());
    assert_eq!(server.decision(&session).await, before, "a claim is no change of the session");
    server.stop().await;
});

db_test!(whatever_ends_the_review_ends_the_claim, server => {
    let review = |to: &str| json!({ "new_status": to });
    for how in 0..6 {
        let session = server.in_review().await;
        claim(&server.client, &session, json!({ "reviewer": "lea" })).await.ok(200);
        let reviews = format!("/v3/sessions/{session}/reviews/");
        match how {
            0 => server.client.post(&reviews, review("Approved")).await.ok(201),
            1 => server.client.patch(&format!("/v3/session/{session}/update-status/"), review("Declined")).await.ok(200),
            2 => server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204),
            3 => server.client.patch(&format!("/v3/session/{session}/update-status/"), review("Resubmitted")).await.ok(200),
            4 => {
                server.set_status(&session, "Kyc Expired").await;
                Value::Null
            }
            _ => server.client.post(&reviews, review("In Review")).await.ok(201),
        };
        let place = server.client.get(&path(&session, "queue")).await;
        match how {
            2 => place.is(404, json!({ "detail": "Not found." })),
            5 => {
                assert_eq!(place.body["claim"], Value::Null, "looked at, and to be looked at again");
                assert_eq!(next(&server.client, "max").await, json!(session));
            }
            _ => {
                assert_eq!((&place.body["claim"], &place.body["waiting_since"]), (&Value::Null, &Value::Null), "{how}");
                assert_eq!(next(&server.client, "max").await, Value::Null, "{how}");
                let status = text(&place.body["status"]);
                let text = format!("Only sessions In Review can be claimed. Current status: {status}");
                claim(&server.client, &session, json!({})).await.is(409, json!({ "detail": text }));
                server.client.post(&path(&session, "release"), json!({})).await.ok(200);
            }
        }
    }
    server.stop().await;
});

db_test!(knows_every_way_in_and_out, server => {
    let place = async |session: &str| server.client.get(&path(session, "queue")).await.ok(200);
    let waiting = async || server.client.get("/x/queue/").await.ok(200)["count"].clone();
    let rule = json!({ "field": "email.email", "operator": "regex", "value": "@odd", "status": "In Review" });
    let body = json!({ "features": [{ "feature": "EMAIL_VERIFICATION", "config": { "status_rules": [rule] } }] });
    let workflow = text(&server.client.post("/v3/workflows/", body).await.ok(201)["workflow_id"]);
    let ruled = server.session_of(&workflow).await;
    server.app.clock.advance(600);
    let by_rule = server.app.clock.now();
    let evidence = json!({ "email_verifications": [{ "email": "ana@odd.example" }] });
    assert_eq!(server.evidence(&ruled, evidence).await["status"], "In Review");
    let since = place(&ruled).await["waiting_since"].clone();
    assert!(text(&since) >= by_rule.to_string(), "since it was decided, not since it was made");

    let list = server.system_list("email").await;
    let evidence = json!({ "email_verifications": [{ "email": "bo@example.com" }] });
    let swept = text(&server.session_with_evidence(evidence).await["session_id"]);
    server.app.clock.advance(600);
    let by_sweep = server.app.clock.now();
    server.client.post(&format!("/v3/lists/{list}/entries/?sweep=review"), json!({ "value": "bo@example.com" })).await.ok(201);
    eventually("the sweep", || async { (server.decision(&swept).await["status"] == "In Review").then_some(()) }).await;
    assert!(text(&place(&swept).await["waiting_since"]) >= by_sweep.to_string(), "since it was put back");
    assert_eq!(waiting().await, 2);

    // Corrections and statuses of features leave a session where it waits, and with whom.
    claim(&server.client, &ruled, json!({ "reviewer": "lea" })).await.ok(200);
    let status = json!({ "new_status": "Approved" });
    server.client.patch(&format!("/v3/session/{ruled}/features/feature_email_1/update-status/"), status).await.ok(200);
    assert_eq!((claimed_by(&server, &ruled).await, &place(&ruled).await["waiting_since"]), (json!("lea"), &since));
    let of_feature = json!({ "feature": "EMAIL_VERIFICATION" });
    server.client.post(&path(&ruled, "release"), json!({ "reviewer": "lea" })).await.ok(200);
    assert_eq!(server.client.post(NEXT, of_feature).await.ok(200)["item"], json!(null), "neither waits for its e-mail");

    server.client.post("/x/subjects/erase/", json!({ "session_id": ruled })).await.ok(201);
    assert_eq!(waiting().await, 1);
    server.client.patch("/x/settings/", json!({ "retention": { "sessions": 3 } })).await.ok(200);
    server.app.clock.advance(200 * 86_400);
    actions::retention::apply(&server.app).await.unwrap();
    assert_eq!(waiting().await, 0);
    server.stop().await;
});

db_test!(goes_by_priority_before_age, server => {
    let (old, new) = (server.in_review().await, server.in_review().await);
    let early = server.session().await;
    let answer = server.client.patch(&path(&early, "queue"), json!({ "priority": 7 })).await.ok(200);
    assert_eq!((&answer["priority"], &answer["waiting_since"]), (&json!(7), &Value::Null));
    server.client.patch(&path(&new, "queue"), json!({ "priority": "3" })).await.ok(200);
    server.client.patch(&path(&new, "queue"), json!({ "priority": 3 })).await.ok(200);
    let evidence = json!({ "email_verifications": [{ "email": "bo@example.com", "status": "In Review" }] });
    server.evidence(&early, evidence).await;
    for expected in [early, new, old] {
        assert_eq!(next(&server.client, "lea").await, json!(expected));
    }
    assert_eq!(audited(&server).await["queue.priority_set"], 2, "what changes nothing is not audited");
    server.stop().await;
});

db_test!(a_lapsed_claim_keeps_its_place_among_the_others, server => {
    let (low, high) = (server.in_review().await, server.in_review().await);
    assert_eq!(next(&server.client, "lea").await, json!(low));
    server.app.clock.advance(601);
    server.client.patch(&path(&high, "queue"), json!({ "priority": 1 })).await.ok(200);
    assert_eq!(next(&server.client, "max").await, json!(high));
    assert_eq!(next(&server.client, "max").await, json!(low));
    server.stop().await;
});

db_test!(gives_only_what_is_asked_for, server => {
    let workflow = server.workflow_of(json!([])).await;
    let doubtful = json!({ "id_verifications": [{ "document_type": "P", "warnings": [{ "risk": "DATA_INCONSISTENT" }] }] });
    let other = server.session_of(&workflow).await;
    assert_eq!(server.evidence(&other, doubtful.clone()).await["status"], "In Review");
    let named = server.session_with(json!({ "vendor_data": "cust-9" })).await;
    server.evidence(&named, json!({ "phone_verifications": [{ "full_number": "+14155552671", "status": "In Review" }] })).await;
    server.client.patch(&path(&named, "queue"), json!({ "priority": -2 })).await.ok(200);
    let company = server.business_session().await;
    server.set_status(&company, "In Review").await;
    let nothing = json!({ "session": null, "item": null });
    for none in [
        json!({ "vendor_data": "cust-8" }), json!({ "min_age_seconds": 3600 }), json!({ "min_priority": 1 }),
        json!({ "max_priority": -3 }), json!({ "feature": "LIVENESS" }), json!({ "warning": "NOTHING" }),
        json!({ "workflow_id": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10" }), json!({ "exclude": [other, named, company] }),
        json!({ "workflow_id": workflow, "feature": "PHONE" }),
    ] {
        server.client.post(NEXT, none.clone()).await.is(200, nothing.clone());
    }
    for (body, expected) in [
        (json!({ "vendor_data": " cust-9 " }), &named), (json!({ "min_age_seconds": 0, "max_age_seconds": 60, "max_priority": -1 }), &named),
        (json!({ "feature": "PHONE", "min_priority": null }), &named), (json!({ "warning": "DATA_INCONSISTENT" }), &other),
        (json!({ "workflow_id": workflow, "feature": "ID_VERIFICATION" }), &other), (json!({ "exclude": [other, company] }), &named),
        (json!({ "session_kind": "business" }), &company), (json!({ "session_kind": "user", "exclude": [other] }), &named),
        (json!({ "min_priority": 0, "max_priority": 0, "exclude": [company] }), &other),
    ] {
        let answer = server.client.post(NEXT, body.clone()).await.ok(200);
        assert_eq!(answer["item"]["session_id"], json!(expected), "{body}");
        server.client.post(&path(expected, "release"), json!({})).await.ok(200);
    }
    server.app.clock.advance(100);
    server.client.post(NEXT, json!({ "max_age_seconds": 60 })).await.is(200, nothing);
    server.stop().await;
});

db_test!(refuses_and_writes_nothing, server => {
    let session = server.in_review().await;
    let before = server.counts().await;
    let choice = |text: &str| json!([format!("\"{text}\" is not a valid choice.")]);
    let whole = json!(["A valid integer is required."]);
    for (body, wrong) in [
        (json!({ "reviewer": "" }), json!({ "reviewer": ["This field may not be blank."] })),
        (json!({ "reviewer": "x".repeat(101) }), json!({ "reviewer": ["Ensure this field has no more than 100 characters."] })),
        (
            json!({ "workflow_id": 1, "feature": "OCR", "session_kind": "all", "warning": [], "vendor_data": {} }),
            json!({
                "workflow_id": ["Must be a valid UUID."], "feature": choice("OCR"), "session_kind": choice("all"),
                "warning": ["Not a valid string."], "vendor_data": ["Not a valid string."],
            }),
        ),
        (
            json!({ "min_age_seconds": -1, "max_age_seconds": "x", "min_priority": 1.5, "max_priority": 1_000_001 }),
            json!({
                "min_age_seconds": ["Ensure this value is greater than or equal to 0."], "max_age_seconds": whole, "min_priority": whole,
                "max_priority": ["Ensure this value is less than or equal to 1000000."],
            }),
        ),
        (
            json!({ "min_age_seconds": 5, "max_age_seconds": 4, "min_priority": 5, "max_priority": 4 }),
            json!({
                "max_age_seconds": ["Ensure this value is greater than or equal to 5."],
                "max_priority": ["Ensure this value is greater than or equal to 5."],
            }),
        ),
        (json!({ "exclude": ["x"] }), json!({ "exclude": { "0": ["Must be a valid UUID."] } })),
        (json!({ "exclude": vec![session.clone(); 101] }), json!({ "exclude": ["Ensure this field has no more than 100 elements."] })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
    ] {
        server.client.post(NEXT, body).await.is(400, wrong);
    }
    claim(&server.client, &session, json!({ "take_over": "x", "reviewer": "\0" })).await.is(400, json!({
        "take_over": ["Must be a valid boolean."], "reviewer": ["Null characters are not allowed."],
    }));
    server.client.patch(&path(&session, "queue"), json!({})).await.is(400, json!({ "priority": ["This field is required."] }));
    server.client.patch(&path(&session, "queue"), json!({ "priority": null })).await.is(400, json!({ "priority": ["This field may not be null."] }));
    let stale = send(server.client.request(Method::POST, &path(&session, "claim")).header("if-match", "\"1\"").json(&json!({})));
    stale.await.is(412, json!({ "detail": "The session was changed by someone else." }));
    assert_eq!(server.counts().await, before);
    assert_eq!(claimed_by(&server, &session).await, Value::Null);
    for body in bodies(&["reviewer", "take_over", "priority", "exclude", "feature", "vendor_data", "warning", "min_age_seconds"], 60) {
        for (method, path) in [
            (Method::POST, NEXT.to_owned()), (Method::POST, path(&session, "claim")), (Method::POST, path(&session, "presence")),
            (Method::PATCH, path(&session, "queue")),
        ] {
            let answer = send(server.client.request(method, &path).json(&body)).await;
            assert!(!answer.status.is_server_error(), "{path} {body}: {}", answer.body);
        }
    }
    server.stop().await;
});

db_test!(shows_how_full_it_is, server => {
    let sessions = [server.in_review().await, server.in_review().await, server.in_review().await, server.in_review().await];
    claim(&server.client, &sessions[1], json!({ "reviewer": "lea" })).await.ok(200);
    claim(&server.client, &sessions[2], json!({ "reviewer": "lea" })).await.ok(200);
    claim(&server.client, &sessions[3], json!({})).await.ok(200);
    let queue = server.client.get("/x/queue/?limit=1").await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&queue), @r#"
        {
          "in_review": 4,
          "waiting": 1,
          "claimed": 3,
          "oldest_waiting_since": "[time]",
          "holders": [
            {
              "actor_type": "API_KEY",
              "actor_id": "[uuid]",
              "reviewer": "lea",
              "name": "API Client",
              "sessions": 2
            },
            {
              "actor_type": "API_KEY",
              "actor_id": "[uuid]",
              "reviewer": null,
              "name": "API Client",
              "sessions": 1
            }
          ],
          "count": 4,
          "next": "[server]/x/queue/?limit=1&offset=1",
          "previous": null,
          "results": [
            {
              "session_id": "[uuid]",
              "session_number": 1,
              "session_kind": "user",
              "status": "In Review",
              "version": 2,
              "priority": 0,
              "waiting_since": "[time]",
              "claim": null
            }
          ]
        }
        "#); }
    let ids = async |query: &str| -> Vec<Value> {
        let page = server.client.get(&format!("/x/queue/{query}")).await.ok(200);
        page["results"].as_array().unwrap().iter().map(|row| row["session_id"].clone()).collect()
    };
    assert_eq!(ids("").await, sessions.clone().map(Value::from));
    assert_eq!(ids("?claimed=false").await, [json!(sessions[0])]);
    assert_eq!(ids("?claimed=true&offset=1&limit=5").await, [json!(sessions[2]), json!(sessions[3])]);
    assert_eq!(server.foreign_client().await.get("/x/queue/").await.ok(200)["in_review"], 0);
    server.app.clock.advance(601);
    assert_eq!(server.client.get("/x/queue/").await.ok(200)["waiting"], 4);
    server.stop().await;
});

db_test!(presence_lasts_half_a_minute, server => {
    let session = server.session().await;
    server.client.get(&path(&session, "presence")).await.is(200, json!({ "present": [] }));
    server.client.post(&path(&session, "presence"), json!({ "reviewer": "lea" })).await.ok(200);
    server.app.clock.advance(20);
    let present = server.client.post(&path(&session, "presence"), json!({})).await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&present), @r#"
        {
          "present": [
            {
              "actor_type": "API_KEY",
              "actor_id": "[uuid]",
              "reviewer": null,
              "name": "API Client",
              "seen_at": "[time]"
            },
            {
              "actor_type": "API_KEY",
              "actor_id": "[uuid]",
              "reviewer": "lea",
              "name": "API Client",
              "seen_at": "[time]"
            }
          ]
        }
        "#); }
    server.app.clock.advance(11);
    let present = server.client.get(&path(&session, "presence")).await.ok(200);
    assert_eq!(present["present"].as_array().unwrap().iter().map(|row| &row["reviewer"]).collect::<Vec<_>>(), [&Value::Null]);
    server.client.post(&path(&session, "presence"), json!({})).await.ok(200);
    server.app.clock.advance(29);
    assert_eq!(server.client.get(&path(&session, "presence")).await.ok(200)["present"].as_array().unwrap().len(), 1);
    server.app.clock.advance(1);
    server.client.get(&path(&session, "presence")).await.is(200, json!({ "present": [] }));
    server.stop().await;
});

db_test!(an_idempotency_key_claims_once, server => {
    let (first, second) = (server.in_review().await, server.in_review().await);
    let once = async |key: &str| server.client.post_once(key, NEXT, json!({})).await.ok(200)["item"]["session_id"].clone();
    assert_eq!((once("a").await, once("a").await, once("b").await), (json!(first), json!(first), json!(second)));
    server.stop().await;
});

mod members {
    use super::*;

    fn read(body: &Value) -> ReviewBody {
        let text = body.to_string();
        let sent = Json::parse_body(text.as_bytes()).unwrap();
        ReviewBody { deciding: NewReview::read(&sent), noting: NewNote::read(&sent) }
    }

    async fn decide(server: &Server, who: &Caller, session: &str, take_over: bool) -> Result<(), String> {
        let body = read(&json!({ "new_status": "Approved" }));
        let done = actions::reviews::create(&server.app, who, session.parse().unwrap(), body, None, take_over).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    async fn take(server: &Server, who: &Caller, session: &str) -> Result<(), String> {
        let body = ClaimBody { reviewer: None, take_over: false };
        let done = actions::queue::claim(&server.app, who, session.parse().unwrap(), Ok(body), None).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    db_test!(do_not_decide_on_what_somebody_else_holds, server => {
        let (lea, max) = (server.acting_member("Lea").await, server.acting_member("Max").await);
        let refused = Err(OTHERS.to_owned());
        let session = server.in_review().await;
        take(&server, &lea, &session).await.unwrap();
        assert_eq!(take(&server, &max, &session).await, refused);
        assert_eq!(decide(&server, &max, &session, false).await, refused);
        let update = StatusUpdate::read(&Json::parse(br#"{"new_status":"Declined"}"#).unwrap());
        let id = session.parse().unwrap();
        let updated = actions::sessions::update_status(&server.app, &max, id, update.clone(), None, false).await;
        assert_eq!(updated.map(drop).map_err(|error| error.to_string()), refused);
        assert_eq!(server.decision(&session).await["status"], "In Review");
        decide(&server, &lea, &session, false).await.unwrap();

        let session = server.in_review().await;
        take(&server, &lea, &session).await.unwrap();
        decide(&server, &max, &session, true).await.unwrap();
        assert_eq!(server.decision(&session).await["reviews"][0]["user"], "max@acme.example");

        let session = server.in_review().await;
        take(&server, &lea, &session).await.unwrap();
        actions::sessions::update_status(&server.app, &max, session.parse().unwrap(), update, None, true).await.unwrap();

        let session = server.in_review().await;
        take(&server, &lea, &session).await.unwrap();
        server.client.post(&format!("/v3/sessions/{session}/reviews/?take_over=x"), json!({ "new_status": "Approved", "take_over": [] })).await.ok(201);

        let session = server.in_review().await;
        take(&server, &lea, &session).await.unwrap();
        server.app.clock.advance(601);
        decide(&server, &max, &session, false).await.unwrap();
        server.stop().await;
    });

    db_test!(hold_nothing_when_they_may_not_decide_any_more, server => {
        let admin = server.member("boss@acme.example", Role::Admin).await;
        let (removed, demoted) = (server.member("lea@acme.example", Role::Admin).await, server.member("max@acme.example", Role::Admin).await);
        let members = server.client.get("/x/members/").await.ok(200)["results"].clone();
        let (of_removed, of_demoted) = (server.in_review().await, server.in_review().await);
        for (client, session) in [(&removed, &of_removed), (&demoted, &of_demoted)] {
            claim(client, session, json!({})).await.ok(200);
            claim(&admin, session, json!({})).await.is(409, json!({ "detail": OTHERS }));
        }
        let member = |place: usize| format!("/x/members/{}/", text(&members[place]["uuid"]));
        admin.patch(&member(2), json!({ "role": "Compliance Officer" })).await.ok(200);
        claim(&admin, &of_demoted, json!({})).await.is(409, json!({ "detail": OTHERS }));
        admin.patch(&member(2), json!({ "role": "Developer" })).await.ok(200);
        admin.delete(&member(1)).await.ok(204);
        for session in [&of_removed, &of_demoted] {
            claim(&admin, session, json!({})).await.ok(200);
        }
        assert_eq!(audited(&server).await["queue.released"], 2);
        server.stop().await;
    });

    db_test!(are_themselves, server => {
        let (lea, session) = (server.acting_member("Lea").await, server.in_review().await);
        let named = ReviewerBody(Some("max".into()));
        let wrong = actions::presence::note(&server.app, &lea, session.parse().unwrap(), Ok(named)).await;
        assert!(matches!(wrong, Err(Error::Invalid(_))));
        take(&server, &lea, &session).await.unwrap();
        let holder = server.client.get(&path(&session, "queue")).await.ok(200)["claim"]["holder"].clone();
        assert_eq!((&holder["actor_type"], &holder["name"], &holder["reviewer"]), (&json!("CONSOLE_USER"), &json!("Lea"), &Value::Null));
        claim(&server.client, &session, json!({})).await.is(409, json!({ "detail": OTHERS }));
        server.stop().await;
    });
}
