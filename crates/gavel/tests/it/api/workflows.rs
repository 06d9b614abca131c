//! Workflows: what a new application has, and what is made of it (contract, entities §5).

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, inside::bodies, shown, text},
};

db_test!(a_new_application_has_one_published_workflow, server => {
    let page = server.client.get("/v3/workflows/").await.ok(200);
    let (workflow, url) = (text(&page["results"][0]["workflow_id"]), text(&page["results"][0]["workflow_url"]));
    assert!(url.starts_with(&server.url()) && url.ends_with(&workflow), "{url}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&page), @r#"
        {
          "count": 1,
          "next": null,
          "previous": null,
          "results": [
            {
              "uuid": "[uuid]",
              "workflow_id": "[uuid]",
              "workflow_label": "ID Verification",
              "workflow_type": "kyc",
              "is_default": true,
              "is_archived": false,
              "is_white_label_enabled": false,
              "total_price": 0,
              "min_price": 0,
              "max_price": 0,
              "features": "",
              "is_simple_workflow": true,
              "is_editable": false,
              "workflow_url": "[server]/start/[uuid]",
              "max_retry_attempts": 3,
              "retry_window_days": 7,
              "session_expiration_time": 604800,
              "version": 1,
              "status": "published",
              "has_draft": false,
              "created_by": null,
              "updated_at": "[time]"
            }
          ]
        }
        "#);
    }
    server.stop().await;
});

db_test!(workflows_come_in_pages, server => {
    let page = server.client.get("/v3/workflows/?limit=1&offset=1").await.ok(200);
    let previous = json!(format!("{}/v3/workflows/?limit=1", server.url()));
    assert_eq!(page, json!({ "count": 1, "next": null, "previous": previous, "results": [] }));
    server.stop().await;
});

db_test!(each_application_sees_its_own, server => {
    let mine = server.client.get("/v3/workflows/").await.ok(200);
    let theirs = server.foreign_client().await.get("/v3/workflows/").await.ok(200);
    let ids = |page: &Value| (page["count"].clone(), page["results"][0]["workflow_id"].clone());
    assert_eq!((ids(&mine).0, ids(&theirs).0), (json!(1), json!(1)));
    assert_ne!(ids(&mine).1, ids(&theirs).1);
    server.stop().await;
});

db_test!(reading_them_takes_the_workflows_scope, server => {
    let refused = json!({ "detail": "You do not have permission to perform this action." });
    server.client_with("sessions:write,lists:write").await.get("/v3/workflows/").await.is(403, refused);
    server.client_with("workflows:read").await.get("/v3/workflows/").await.ok(200);
    server.stop().await;
});

fn of(features: &[&str]) -> Value {
    let features: Vec<Value> = features.iter().map(|feature| json!({ "feature": feature })).collect();
    json!({ "features": features })
}

async fn create(server: &Server, body: Value) -> Value {
    server.client.post("/v3/workflows/", body).await.ok(201)
}

fn path(id: &Value) -> String {
    format!("/v3/workflows/{}/", text(id))
}

db_test!(a_new_one_has_its_form, server => {
    let body = json!({
        "workflow_label": "  Full check ", "features": [
            { "feature": "OCR", "label": "Passport", "config": { "invalid_mrz_action": "decline", "unknown": true } },
            { "feature": "LIVENESS" }, { "feature": "OCR" },
        ],
        "max_retry_attempts": "0", "retry_window_days": null, "is_desktop_allowed": "true", "session_expiration_time": 3600,
    });
    let made = create(&server, body).await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&made), @r#"
        {
          "uuid": "[uuid]",
          "workflow_id": "[uuid]",
          "workflow_label": "Full check",
          "workflow_type": "kyc",
          "is_default": false,
          "is_archived": false,
          "is_white_label_enabled": false,
          "total_price": 0,
          "min_price": 0,
          "max_price": 0,
          "features": "OCR + LIVENESS + OCR",
          "is_simple_workflow": true,
          "is_editable": false,
          "workflow_url": "[server]/start/[uuid]",
          "max_retry_attempts": 0,
          "retry_window_days": null,
          "session_expiration_time": 3600,
          "version": 1,
          "status": "published",
          "has_draft": false,
          "created_by": null,
          "updated_at": "[time]",
          "is_desktop_allowed": true,
          "face_liveness_max_attempts": 3,
          "face_match_max_attempts": 3,
          "auto_blocklist_on_decline": null,
          "workflow_graph": {
            "start_node": "feature_ocr_1",
            "nodes": {
              "feature_ocr_1": {
                "type": "feature",
                "feature": "OCR",
                "label": "Passport",
                "config": {
                  "invalid_mrz_action": "DECLINE"
                },
                "next": "feature_liveness_1"
              },
              "feature_liveness_1": {
                "type": "feature",
                "feature": "LIVENESS",
                "label": null,
                "config": {},
                "next": "feature_ocr_2"
              },
              "feature_ocr_2": {
                "type": "feature",
                "feature": "OCR",
                "label": null,
                "config": {},
                "next": "status_1"
              },
              "status_1": {
                "type": "status",
                "status": "Determine"
              }
            }
          },
          "published_at": "[time]",
          "created_at": "[time]"
        }
        "#);
    }
    let mut row = made.clone();
    for name in ["is_desktop_allowed", "face_liveness_max_attempts", "face_match_max_attempts", "auto_blocklist_on_decline", "workflow_graph", "published_at", "created_at"] {
        row.as_object_mut().unwrap().remove(name).unwrap();
    }
    assert_eq!(server.client.get("/v3/workflows/").await.ok(200)["results"][0], row);
    for id in ["uuid", "workflow_id"] {
        assert_eq!(server.client.get(&path(&made[id])).await.ok(200), made);
    }
    let default = server.client.get(&path(&json!(server.workflow().await))).await.ok(200);
    let graph = json!({ "start_node": "status_1", "nodes": { "status_1": { "type": "status", "status": "Determine" } } });
    assert_eq!((&default["features"], &default["workflow_graph"]), (&json!(""), &graph));
    server.stop().await;
});

db_test!(refuses_what_the_contract_refuses, server => {
    let only = "The v3 workflow API only accepts `workflow_label`, `is_default`, `status`, `features`, `is_white_label_enabled`, `is_desktop_allowed`, `max_retry_attempts`, `retry_window_days`, `session_expiration_time`, `face_liveness_max_attempts`, `face_match_max_attempts`.";
    let made = create(&server, of(&["OCR"])).await;
    let before = server.client.get("/v3/workflows/").await.ok(200);
    let ocr = || of(&["OCR"])["features"].clone();
    let with = |key: &str, value: Value| json!({ "features": [{ "feature": "OCR" }], key: value });
    let rule = |operator: &str| json!({ "features": [{ "feature": "OCR", "config": { "status_rules": [
        { "field": "kyc.age", "operator": operator, "value_type": "list", "value": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10", "status": "Declined" },
    ] } }] });
    for (body, errors) in [
        (with("workflow_label", json!("x".repeat(51))), json!({ "workflow_label": ["Ensure this field has no more than 50 characters."] })),
        (with("workflow_label", json!("  ")), json!({ "workflow_label": ["This field may not be blank."] })),
        (with("status", json!("live")), json!({ "status": ["\"live\" is not a valid choice."] })),
        (with("is_default", json!("perhaps")), json!({ "is_default": ["Must be a valid boolean."] })),
        (with("max_retry_attempts", json!(11)), json!({ "max_retry_attempts": ["Ensure this value is less than or equal to 10."] })),
        (with("retry_window_days", json!(0)), json!({ "retry_window_days": ["Ensure this value is greater than or equal to 1."] })),
        (with("face_liveness_max_attempts", json!(4)), json!({ "face_liveness_max_attempts": ["Ensure this value is less than or equal to 3."] })),
        (with("face_match_max_attempts", json!(0)), json!({ "face_match_max_attempts": ["Ensure this value is greater than or equal to 1."] })),
        (with("session_expiration_time", json!(3_599)), json!({ "session_expiration_time": ["Ensure this value is greater than or equal to 3600."] })),
        (with("session_expiration_time", json!(2_419_201)), json!({ "session_expiration_time": ["Ensure this value is less than or equal to 2419200."] })),
        (json!({ "features": ocr(), "workflow_type": "kyc", "version": 2 }), json!({ "workflow_type": [only], "version": [only] })),
        (json!({ "features": [], "status": 5 }), json!({ "features": ["At least one feature is required."], "status": ["\"5\" is not a valid choice."] })),
        (of(&["FACE_MATCH"]), json!({ "features": ["Feature 'FACE_MATCH' must appear after one of: OCR."] })),
        (rule("greater_than"), json!({ "features": ["Operator 'greater_than' cannot be used with a list."] })),
        (rule("like"), json!({ "features": ["Invalid value for 'status_rules' in feature 'OCR'."] })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
        (
            json!({ "features": [{ "feature": "QUESTIONNAIRE", "config": { "questionnaire_uuid": "11111111-2222-3333-4444-555555555555" } }] }),
            json!({ "features": "Questionnaire '11111111-2222-3333-4444-555555555555' was not found for this application. Create the questionnaire first, then use its questionnaire_id." }),
        ),
    ] {
        server.client.post("/v3/workflows/", body.clone()).await.is(400, errors.clone());
        server.client.patch(&path(&made["uuid"]), body).await.is(400, errors);
    }
    for body in [json!({}), json!({ "is_white_label_enabled": true }), json!({ "features": [] })] {
        server.client.post("/v3/workflows/", body).await.is(400, json!({ "features": ["At least one feature is required."] }));
    }
    server.client.post("/v3/workflows/", json!({ "workflow_type": "x" })).await.is(400, json!({ "workflow_type": ["\"x\" is not a valid choice."] }));
    server.client.patch(&path(&made["uuid"]), json!({ "status": "draft" })).await
        .is(400, json!({ "status": ["Cannot revert a published version to draft."] }));
    let unknown = "/v3/workflows/0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10/";
    let not_found = json!({ "detail": "Not found." });
    server.client.get(unknown).await.is(404, not_found.clone());
    server.client.patch(unknown, json!({ "status": 5 })).await.is(404, not_found.clone());
    server.client.delete(unknown).await.is(404, not_found);
    assert_eq!(server.client.get("/v3/workflows/").await.ok(200), before, "nothing was written");
    server.stop().await;
});

db_test!(the_older_form_is_understood, server => {
    let made = create(&server, json!({
        "workflow_type": "kyc", "is_liveness_enabled": true, "is_aml_enabled": "true", "is_nfc_enabled": false, "workflow_label": "Old",
        "aml_score_approve_threshold": 70, "something": 1,
    })).await;
    assert_eq!((&made["features"], &made["workflow_label"]), (&json!("OCR + LIVENESS + AML"), &json!("Old")));
    assert_eq!(made["workflow_graph"]["nodes"]["feature_aml_1"]["config"], json!({ "aml_score_approve_threshold": 70 }));
    let company = create(&server, json!({ "workflow_type": "kyb" })).await;
    assert_eq!((&company["features"], &company["workflow_type"]), (&json!("KYB_REGISTRY"), &json!("kyb")));
    server.stop().await;
});

db_test!(versions_follow_the_state_of_the_one_that_is_changed, server => {
    let first = create(&server, of(&["OCR"])).await;
    let (uuid, group) = (path(&first["uuid"]), path(&first["workflow_id"]));
    let ids = |version: &Value| (version["uuid"].clone(), version["version"].clone(), version["status"].clone());
    let same = server.client.patch(&uuid, json!({ "workflow_label": "Same" })).await.ok(200);
    assert_eq!((ids(&same), &same["workflow_label"]), (ids(&first), &json!("Same")));
    assert_eq!(same["features"], "OCR", "what is not sent stays");
    let second = server.client.patch(&group, json!({ "status": "published", "features": [{ "feature": "LIVENESS" }] })).await.ok(200);
    assert_ne!(second["uuid"], first["uuid"]);
    assert_eq!((&second["version"], &second["workflow_id"], &second["workflow_label"]), (&json!(2), &first["workflow_id"], &json!("Same")));
    assert_eq!(server.client.get(&group).await.ok(200), second, "a workflow stands for its latest version");
    assert_eq!(server.client.get(&uuid).await.ok(200), same, "the version before stays");
    let page = server.client.get("/v3/workflows/").await.ok(200);
    assert_eq!((&page["count"], &page["results"][0]["uuid"]), (&json!(2), &second["uuid"]));

    let draft = create(&server, json!({ "status": "draft", "features": [{ "feature": "OCR" }] })).await;
    assert_eq!((&draft["published_at"], &draft["is_editable"], &draft["has_draft"]), (&json!(null), &json!(true), &json!(true)));
    let session = json!({ "workflow_id": draft["workflow_id"] });
    server.client.post("/v3/session/", session.clone()).await.is(400, json!({ "workflow_id": "Invalid workflow_id." }));
    let still = server.client.patch(&path(&draft["uuid"]), json!({ "status": "draft", "max_retry_attempts": 1 })).await.ok(200);
    assert_eq!((ids(&still), &still["max_retry_attempts"]), (ids(&draft), &json!(1)));
    let published = server.client.patch(&path(&draft["workflow_id"]), json!({})).await.ok(200);
    assert_eq!((&published["uuid"], &published["version"], &published["status"]), (&draft["uuid"], &json!(1), &json!("published")));
    assert!(published["published_at"].is_string());
    server.client.post("/v3/session/", session).await.ok(201);
    server.stop().await;
});

db_test!(one_is_the_default, server => {
    let default = async || {
        let page = server.client.get("/v3/workflows/?limit=200").await.ok(200);
        let found: Vec<Value> = page["results"].as_array().unwrap().iter().filter(|row| row["is_default"] == true).cloned().collect();
        assert_eq!(found.len(), 1);
        found[0]["workflow_id"].clone()
    };
    let original = default().await;
    let (one, two) = (create(&server, of(&["OCR"])).await, create(&server, of(&["OCR"])).await);
    assert_eq!(default().await, original);
    let three = create(&server, json!({ "is_default": true, "features": [{ "feature": "OCR" }] })).await;
    assert_eq!((&three["is_default"], default().await), (&json!(true), three["workflow_id"].clone()));
    let kept = server.client.patch(&path(&three["uuid"]), json!({ "is_default": false })).await.ok(200);
    assert_eq!(kept["is_default"], true, "false on the default has no effect");
    let moved = server.client.patch(&path(&one["uuid"]), json!({ "is_default": true, "status": "published" })).await.ok(200);
    assert_eq!((&moved["is_default"], default().await), (&json!(true), one["workflow_id"].clone()));
    // That one was made before has a newer version does not make it newer.
    server.client.patch(&path(&two["uuid"]), json!({ "status": "published" })).await.ok(200);
    for _ in 0..2 {
        assert_eq!(default().await, one["workflow_id"], "as long as a version is left");
        server.client.delete(&path(&one["workflow_id"])).await.ok(204);
    }
    assert_eq!(default().await, three["workflow_id"], "the newest of the rest");
    for id in [&three["workflow_id"], &two["workflow_id"], &two["workflow_id"], &original] {
        server.client.delete(&path(id)).await.ok(204);
    }
    let only = create(&server, of(&["OCR"])).await;
    assert_eq!((&only["is_default"], default().await), (&json!(true), only["workflow_id"].clone()));
    server.stop().await;
});

db_test!(sessions_keep_what_they_were_started_with, server => {
    let config = json!({ "duplicated_phone_number_action": "DECLINE" });
    let made = create(&server, json!({ "features": [{ "feature": "EMAIL_VERIFICATION" }, { "feature": "PHONE_VERIFICATION", "config": config }] })).await;
    let body = |id: &Value| json!({ "workflow_id": id, "vendor_data": "ana" });
    let started = server.client.post("/v3/session/", body(&made["workflow_id"])).await.ok(201);
    assert_eq!(started["workflow_version"], 1);
    let session = text(&started["session_id"]);
    server.client.patch(&path(&made["uuid"]), json!({ "features": [{ "feature": "AGE_ESTIMATION" }] })).await.ok(200);
    let next = server.client.patch(&path(&made["uuid"]), json!({ "status": "published" })).await.ok(200);
    let fresh = server.client.post("/v3/session/", body(&made["workflow_id"])).await.ok(201);
    assert_eq!((&fresh["workflow_version"], fresh["session_id"] == started["session_id"]), (&json!(2), false), "not reused across versions");
    let pinned = server.client.post("/v3/session/", body(&made["uuid"])).await.ok(201);
    assert_eq!(pinned["workflow_version"], 1, "a published version can be named");
    assert_ne!(pinned["session_id"], started["session_id"], "and nothing is reused on an older one");
    assert_eq!(server.decision(&session).await["features"], json!(["EMAIL_VERIFICATION", "PHONE"]));
    for version in [&next["uuid"], &made["uuid"]] {
        assert_eq!(server.decision(&session).await["workflow_id"], made["workflow_id"]);
        server.client.delete(&path(version)).await.ok(204);
    }
    let decision = server.evidence(&session, json!({ "email_verifications": [{ "email": "a@b.example" }], "phone_verifications": [{ "full_number": "+14155552671" }] })).await;
    assert_eq!((&decision["status"], &decision["workflow_id"]), (&json!("Approved"), &json!(null)));
    let of_gone = server.client.get(&format!("/v3/sessions/?workflow_id={}", text(&made["workflow_id"]))).await.ok(200);
    assert_eq!(of_gone["count"], 0);
    server.stop().await;
});

db_test!(nobody_gets_a_session_of_the_other_kind, server => {
    let made = create(&server, of(&["OCR"])).await;
    let start = async || server.client.post("/v3/session/", json!({ "workflow_id": made["workflow_id"], "vendor_data": "acme" })).await.ok(201);
    let person = start().await;
    assert_eq!(start().await["session_id"], person["session_id"]);
    server.client.patch(&path(&made["uuid"]), json!({ "features": [{ "feature": "KYB_REGISTRY" }] })).await.ok(200);
    let company = start().await;
    assert_ne!(company["session_id"], person["session_id"]);
    server.client.get("/v3/businesses/acme/").await.ok(200);
    server.stop().await;
});

db_test!(thousands_of_bad_fields_are_answered_by_the_first, server => {
    let mut body = of(&["OCR"]);
    for n in 0..20_000 {
        body[format!("{n}")] = json!(1);
    }
    let answer = server.client.post("/v3/workflows/", body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body.as_object().unwrap().len(), 500);
    server.stop().await;
});

db_test!(there_are_fifty_at_most, server => {
    for _ in 1..50 {
        create(&server, of(&["OCR"])).await;
    }
    let refused = json!({ "detail": "Maximum number of workflows (50) reached." });
    server.client.post("/v3/workflows/", of(&["OCR"])).await.is(400, refused);
    let page = server.client.get("/v3/workflows/?limit=1").await.ok(200);
    assert_eq!(page["count"], 50);
    server.client.patch(&path(&page["results"][0]["uuid"]), json!({ "status": "published" })).await.ok(200);
    server.client.delete(&path(&server.client.get("/v3/workflows/?limit=1&offset=5").await.ok(200)["results"][0]["uuid"])).await.ok(204);
    create(&server, of(&["OCR"])).await;
    server.stop().await;
});

db_test!(the_consoles_addresses_lead_here, server => {
    let base = format!("/v3/organization/11111111-2222-4333-8444-555555555555/application/{}/verification-settings/", server.application().await);
    let made = server.client.post(&base, of(&["OCR"])).await.ok(201);
    let one = format!("{base}{}/", text(&made["uuid"]));
    assert_eq!(server.client.get(&one).await.ok(200), made);
    assert_eq!(server.client.patch(&one, json!({ "workflow_label": "x" })).await.ok(200)["workflow_label"], "x");
    server.client.delete(&one).await.ok(204);
    server.client.get(&one).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(of_any_body_never_fails, server => {
    let members = &[
        "workflow_label", "is_default", "status", "features", "feature", "config", "label", "status_rules", "field", "operator", "value",
        "value_type", "score", "retry_window_days", "session_expiration_time", "workflow_type", "is_nfc_enabled",
    ];
    let made = create(&server, of(&["OCR"])).await;
    for body in bodies(members, 120) {
        for answer in [server.client.post("/v3/workflows/", body.clone()).await, server.client.patch(&path(&made["uuid"]), body.clone()).await] {
            assert!(!answer.status.is_server_error(), "{body}: {}", answer.body);
        }
        let settings = server.client.patch(&path(&made["uuid"]).replace("/v3/", "/x/"), body.clone()).await;
        assert!(!settings.status.is_server_error(), "{body}: {}", settings.body);
    }
    server.stop().await;
});
