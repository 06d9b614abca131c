//! `PATCH /v3/session/{session_id}/update-aml-hit-status/` and `…/bulk-update-aml-hit-status/`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, client::send, inside::bodies, shown, text},
};

const UNKNOWN: &str = "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10";

fn one(session: &str) -> String {
    format!("/v3/session/{session}/update-aml-hit-status/")
}

fn many(session: &str) -> String {
    format!("/v3/session/{session}/bulk-update-aml-hit-status/")
}

/// Two screenings; the second has two hits.
async fn screened(server: &Server) -> String {
    let decision = server.session_with_evidence(json!({ "aml_screenings": [
        { "score": 10, "hits": [{ "id": "a" }] },
        { "score": 90, "total_hits": 2, "entity_type": "person", "hits": [{ "id": "a", "caption": "Ana" }, { "id": "b", "review_status": "Unreviewed" }] },
    ] }));
    let decision = decision.await;
    assert_eq!(decision["status"], "In Review");
    text(&decision["session_id"])
}

db_test!(one_hit_is_judged, server => {
    let receiver = Receiver::start().await;
    server.destination(&receiver).await;
    let session = screened(&server).await;
    receiver.wait_for(2).await;
    let before = server.counts().await;
    let answer = server.client.patch(&one(&session), json!({ "hit_id": "b", "review_status": "Confirmed Match" })).await.ok(200);
    let decision = server.decision(&session).await;
    assert_eq!(answer, decision["aml_screenings"][1]);
    assert_eq!((&answer["hits"][1]["review_status"], &answer["hits"][0]["review_status"]), (&json!("Confirmed Match"), &json!(null)));
    assert_eq!((&answer["status"], &decision["status"]), (&json!("In Review"), &json!("In Review")));
    let row = &server.feed(&session).await[0];
    insta::allow_duplicates! { insta::assert_snapshot!(shown(row), @r#"
        {
          "uuid": "[uuid]",
          "activity_type": "AML_HIT_STATUS_UPDATED",
          "actor_display": "API Client",
          "actor_email": null,
          "actor_type": "API_KEY",
          "previous_status": null,
          "new_status": null,
          "comment": null,
          "mentioned_emails": [],
          "previous_value": {
            "node_id": "feature_aml_2",
            "hits": [
              {
                "hit_id": "b",
                "review_status": "Unreviewed"
              }
            ]
          },
          "new_value": {
            "node_id": "feature_aml_2",
            "hits": [
              {
                "hit_id": "b",
                "review_status": "Confirmed Match"
              }
            ]
          },
          "changed_fields": [
            "review_status"
          ],
          "metadata": null,
          "created_at": "[time]"
        }
        "#); }
    let after = server.counts().await;
    for table in ["events", "activities", "audit_events", "versions", "session_events"] {
        assert_eq!(after[table] - before[table], 1, "{table}");
    }
    let event = receiver.wait_for(3).await[2].json();
    assert_eq!((&event["webhook_type"], &event["trigger"]), (&json!("data.updated"), &json!("manual_review")));
    assert_eq!(event["changed_fields"], json!(["aml_screenings.hits.review_status"]));
    assert_eq!(event["decision"]["aml_screenings"][1]["hits"], answer["hits"]);
    // The same again is a judgement too.
    server.client.patch(&one(&session), json!({ "hit_id": "b", "review_status": "Confirmed Match" })).await.ok(200);
    assert_eq!(server.counts().await["activities"] - after["activities"], 1);
    let by_node = json!({ "hit_id": "a", "review_status": "False Positive", "node_id": "feature_aml_1" });
    assert_eq!(server.client.patch(&one(&session), by_node).await.ok(200)["node_id"], "feature_aml_1");
    let query = format!("{}?node_id=feature_aml_2", one(&session));
    let both = json!({ "hit_id": "a", "review_status": "Inconclusive", "node_id": "feature_aml_1" });
    assert_eq!(server.client.patch(&query, both).await.ok(200)["node_id"], "feature_aml_2");
    let decision = server.decision(&session).await;
    assert_eq!((&decision["aml_screenings"][0]["hits"][0]["review_status"], &decision["aml_screenings"][1]["hits"][0]["review_status"]),
        (&json!("False Positive"), &json!("Inconclusive")));
    server.stop().await;
});

db_test!(several_are_judged_all_or_none, server => {
    let session = screened(&server).await;
    let before = server.counts().await;
    let updates = |ids: &[&str]| -> Value { ids.iter().map(|id| json!({ "hit_id": id, "review_status": "False Positive" })).collect() };
    server.client.patch(&many(&session), json!({ "hit_updates": updates(&["a", "zzz999", "b", "y"]) })).await
        .is(404, json!({ "detail": "Hits not found: zzz999, y" }));
    assert_eq!(server.counts().await, before);
    assert_eq!(server.decision(&session).await["aml_screenings"][1]["hits"][0]["review_status"], Value::Null);
    let answer = server.client.patch(&many(&session), json!({ "hit_updates": updates(&["b", "a"]) })).await.ok(200);
    assert_eq!(answer, server.decision(&session).await["aml_screenings"][1]);
    let row = &server.feed(&session).await[0];
    assert_eq!((&row["activity_type"], &row["changed_fields"]), (&json!("AML_HIT_STATUS_UPDATED"), &json!(["review_status"])));
    assert_eq!(row["previous_value"], json!({ "node_id": "feature_aml_2", "hits": [
        { "hit_id": "b", "review_status": "Unreviewed" }, { "hit_id": "a", "review_status": null },
    ] }));
    assert_eq!(row["new_value"], json!({ "node_id": "feature_aml_2", "hits": [
        { "hit_id": "b", "review_status": "False Positive" }, { "hit_id": "a", "review_status": "False Positive" },
    ] }));
    let after = server.counts().await;
    assert_eq!((after["activities"] - before["activities"], after["events"] - before["events"]), (1, 1), "one row and one event per call");
    server.stop().await;
});

db_test!(refuse_and_write_nothing, server => {
    let session = screened(&server).await;
    let bare = server.finished("Approved").await;
    let before = server.counts().await;
    for (body, answer) in [
        (json!({}), json!({ "hit_id": ["This field is required."], "review_status": ["This field is required."] })),
        (json!({ "hit_id": "a", "review_status": "Maybe" }), json!({ "review_status": ["\"Maybe\" is not a valid choice."] })),
        (json!({ "hit_id": "", "review_status": null }), json!({
            "hit_id": ["This field may not be blank."], "review_status": ["This field may not be null."],
        })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
    ] {
        server.client.patch(&one(&session), body).await.is(400, answer);
    }
    for (body, answer) in [
        (json!({}), json!({ "hit_updates": ["This field is required."] })),
        (json!({ "hit_updates": [] }), json!({ "hit_updates": ["hit_updates cannot be empty"] })),
        (json!({ "hit_updates": {} }), json!({ "hit_updates": ["Expected a list of items but got type \"dict\"."] })),
        (json!({ "hit_updates": [{ "hit_id": "a", "review_status": "Unreviewed" }, { "hit_id": "b" }] }), json!({
            "hit_updates": [{}, { "review_status": ["This field is required."] }],
        })),
    ] {
        server.client.patch(&many(&session), body).await.is(400, answer);
    }
    let none = json!({ "detail": "The session does not have an AML check." });
    let good = json!({ "hit_id": "abc123", "review_status": "Unreviewed" });
    server.client.patch(&one(&session), good.clone()).await.is(404, json!({ "detail": "Hit with ID 'abc123' not found in the AML check." }));
    server.client.patch(&one(&bare), json!({})).await.is(404, none.clone());
    server.client.patch(&many(&bare), json!({})).await.is(404, none.clone());
    server.client.patch(&format!("{}?node_id=feature_aml_3", one(&session)), good).await.is(404, none);
    for path in [one(UNKNOWN), many(UNKNOWN), one("x")] {
        server.client.patch(&path, json!({})).await.is(404, json!({ "detail": "Not found." }));
    }
    let body = json!({ "hit_id": "a", "review_status": "Unreviewed" });
    let stale = send(server.client.request(Method::PATCH, &one(&session)).header("if-match", "\"1\"").json(&body));
    stale.await.is(412, json!({ "detail": "The session was changed by someone else." }));
    assert_eq!(server.counts().await, before);
    for body in bodies(&["hit_id", "review_status", "hit_updates", "node_id"], 100) {
        for path in [one(&session), many(&session)] {
            let answer = server.client.patch(&path, body.clone()).await;
            assert!([400, 404].contains(&answer.status.as_u16()), "{body}: {}", answer.body);
        }
    }
    assert_eq!(server.counts().await, before);
    server.stop().await;
});
