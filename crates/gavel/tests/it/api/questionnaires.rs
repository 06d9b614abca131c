//! Questionnaires (contract, entities §6).

use gavel_core::access::Role;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{
        Server,
        inside::{bodies, questionnaire},
        shown, text,
    },
};

async fn create(server: &Server, body: Value) -> Value {
    server.client.post("/v3/questionnaires/", body).await.ok(201)
}

fn path(id: &Value) -> String {
    format!("/v3/questionnaires/{}/", text(id))
}

fn with(name: &str, value: Value) -> Value {
    let mut body = questionnaire();
    body[name] = value;
    body
}

fn titled(title: &str) -> Value {
    with("title", json!(title))
}

fn asking(id: &Value) -> Value {
    json!({ "features": [{ "feature": "QUESTIONNAIRE", "config": { "questionnaire_uuid": id } }], "workflow_label": "Ask" })
}

db_test!(a_new_one_has_its_form, server => {
    let made = create(&server, json!({
        "title": "  Source of funds ", "description": " Why? ", "languages": ["fr", "en"], "default_language": "fr",
        "form_elements": [
            { "element_type": "section_header", "label": { "en": "Money" } },
            { "id": "source", "element_type": "SINGLE_CHOICE", "label": { "en": "Where from?", "fr": "D'où ?" }, "is_required": true,
              "options": [{ "value": "salary", "label": { "en": "Salary" } }, { "label": { "en": "Other" } }] },
            { "element_type": "file_upload", "label": { "en": "Proof" }, "placeholder": { "en": "PDF" }, "max_files": 2 },
        ],
    })).await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&made), @r#"
        {
          "questionnaire_id": "[uuid]",
          "title": "Source of funds",
          "description": " Why? ",
          "languages": [
            "fr",
            "en"
          ],
          "default_language": "fr",
          "is_active": true,
          "is_simple_questionnaire": true,
          "graph": {
            "start_node": "question_1",
            "nodes": {
              "question_1": {
                "element_type": "SECTION_HEADER",
                "is_required": false,
                "title": {
                  "en": "Money"
                },
                "description": null,
                "placeholder": null,
                "choices": [],
                "max_files": 1,
                "next": "source"
              },
              "source": {
                "element_type": "SINGLE_CHOICE",
                "is_required": true,
                "title": {
                  "en": "Where from?",
                  "fr": "D'où ?"
                },
                "description": null,
                "placeholder": null,
                "choices": [
                  {
                    "value": "salary",
                    "label": {
                      "en": "Salary"
                    }
                  },
                  {
                    "value": "option_2",
                    "label": {
                      "en": "Other"
                    }
                  }
                ],
                "max_files": 1,
                "next": "question_3"
              },
              "question_3": {
                "element_type": "FILE_UPLOAD",
                "is_required": false,
                "title": {
                  "en": "Proof"
                },
                "description": null,
                "placeholder": {
                  "en": "PDF"
                },
                "choices": [],
                "max_files": 2,
                "next": null
              }
            }
          },
          "sections": [],
          "questionnaire_group_id": "[uuid]",
          "version": 1,
          "status": "published",
          "published_at": "[time]",
          "is_editable": false
        }
        "#);
    }
    for id in ["questionnaire_id", "questionnaire_group_id"] {
        assert_eq!(server.client.get(&path(&made[id])).await.ok(200), made);
    }
    server.stop().await;
});

db_test!(the_list_has_a_row_for_each, server => {
    let made = create(&server, questionnaire()).await;
    server.client.post("/v3/workflows/", asking(&made["questionnaire_id"])).await.ok(201);
    let page = server.client.get("/v3/questionnaires/").await.ok(200);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&page), @r#"
        {
          "count": 1,
          "next": null,
          "previous": null,
          "results": [
            {
              "uuid": "[uuid]",
              "title": "Funds",
              "description": null,
              "languages": [
                "en"
              ],
              "default_language": "en",
              "is_active": true,
              "is_simple_questionnaire": true,
              "created_at": "[time]",
              "updated_at": "[time]",
              "question_types": [
                "SHORT_TEXT"
              ],
              "workflow_names": [
                "Ask"
              ],
              "questionnaire_group_id": "[uuid]",
              "version": 1,
              "status": "published",
              "published_at": "[time]",
              "is_editable": false
            }
          ]
        }
        "#);
    }
    let newest = create(&server, titled("Newest")).await;
    let page = server.client.get("/v3/questionnaires/?limit=1").await.ok(200);
    assert_eq!((&page["count"], &page["results"][0]["uuid"]), (&json!(2), &newest["questionnaire_id"]));
    let next = server.client.get("/v3/questionnaires/?limit=1&offset=1").await.ok(200);
    assert_eq!((&next["results"][0]["title"], &next["results"][0]["uuid"]), (&json!("Funds"), &made["questionnaire_id"]));
    assert_eq!(server.foreign_client().await.get("/v3/questionnaires/").await.ok(200)["count"], 0);
    server.stop().await;
});

db_test!(refuses_what_the_contract_refuses, server => {
    let made = create(&server, questionnaire()).await;
    let before = server.client.get("/v3/questionnaires/").await.ok(200);
    let graph = json!({ "graph": "The v3 questionnaire API only accepts simple `form_elements`, not `graph`." });
    let long = |count: usize| json!("x".repeat(count));
    for (body, errors) in [
        (with("graph", json!({})), graph.clone()),
        (json!({ "graph": [], "title": 5, "languages": [] }), graph),
        (with("form_elements", json!([{ "element_type": "email" }])), json!({ "form_elements": [{ "label": ["This field is required."] }] })),
        (with("form_elements", json!([])), json!({ "form_elements": ["This list may not be empty."] })),
        (with("languages", json!(["fr"])), json!({ "languages": ["English ('en') must be included."] })),
        (with("languages", json!(["en", "xx"])), json!({ "languages": { "1": ["\"xx\" is not a valid choice."] } })),
        (with("default_language", json!("fr")), json!({ "default_language": ["\"fr\" is not a valid choice."] })),
        (with("title", long(256)), json!({ "title": ["Ensure this field has no more than 255 characters."] })),
        (with("title", json!(" ")), json!({ "title": ["This field may not be blank."] })),
        (with("description", long(10_001)), json!({ "description": ["Ensure this field has no more than 10000 characters."] })),
        (with("is_active", json!("x")), json!({ "is_active": ["Must be a valid boolean."] })),
        (with("status", json!("archived")), json!({ "status": ["\"archived\" is not a valid choice."] })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
        (
            json!({ "title": 1, "languages": "en", "default_language": "xx", "is_active": 7, "form_elements": {} }),
            json!({ "languages": ["Expected a list of items but got type \"str\"."],
                "form_elements": ["Expected a list of items but got type \"dict\"."],
                "default_language": ["\"xx\" is not a valid choice."], "is_active": ["Must be a valid boolean."] }),
        ),
    ] {
        server.client.post("/v3/questionnaires/", body.clone()).await.is(400, errors.clone());
        server.client.patch(&path(&made["questionnaire_id"]), body).await.is(400, errors);
    }
    let required = json!(["This field is required."]);
    server.client.post("/v3/questionnaires/", json!({})).await
        .is(400, json!({ "title": required, "languages": required, "form_elements": required }));
    server.client.patch(&path(&made["questionnaire_id"]), json!({ "status": "draft" })).await
        .is(400, json!({ "status": ["Cannot revert a published version to draft."] }));
    let unknown = "/v3/questionnaires/0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10/";
    let not_found = json!({ "detail": "Not found." });
    server.client.get(unknown).await.is(404, not_found.clone());
    server.client.patch(unknown, json!({ "status": 5 })).await.is(404, not_found.clone());
    server.client.delete(unknown).await.is(404, not_found);
    assert_eq!(server.client.get("/v3/questionnaires/").await.ok(200), before, "nothing was written");
    create(&server, with("title", long(255))).await;
    server.stop().await;
});

db_test!(versions_follow_the_state_of_the_one_that_is_changed, server => {
    let first = create(&server, with("description", json!("d"))).await;
    let (uuid, group) = (path(&first["questionnaire_id"]), path(&first["questionnaire_group_id"]));
    let ids = |version: &Value| (version["questionnaire_id"].clone(), version["version"].clone(), version["status"].clone());
    let same = server.client.patch(&uuid, json!({ "title": "Same", "graph": null })).await.ok(200);
    assert_eq!((ids(&same), &same["title"], &same["description"]), (ids(&first), &json!("Same"), &json!("d")));
    assert_eq!(same["graph"], first["graph"], "what is not sent stays");
    assert_eq!(server.client.get(&uuid).await.ok(200), same);
    let elements = json!([{ "id": "mail", "element_type": "email", "label": { "en": "Mail?" } }]);
    let second = server.client.patch(&group, json!({ "status": "published", "description": null, "form_elements": elements })).await.ok(200);
    assert_ne!(second["questionnaire_id"], first["questionnaire_id"]);
    let facts = (&second["version"], &second["questionnaire_group_id"], &second["description"], &second["graph"]["start_node"]);
    assert_eq!(facts, (&json!(2), &first["questionnaire_group_id"], &json!(null), &json!("mail")));
    assert_eq!(server.client.get(&group).await.ok(200), second, "a questionnaire stands for its latest version");
    assert_eq!(server.client.get(&uuid).await.ok(200), same, "the version before stays");
    let page = server.client.get("/v3/questionnaires/").await.ok(200);
    assert_eq!((&page["count"], &page["results"][0]["uuid"]), (&json!(1), &second["questionnaire_id"]));

    let draft = create(&server, with("status", json!("draft"))).await;
    assert_eq!((&draft["published_at"], &draft["is_editable"]), (&json!(null), &json!(true)));
    let still = server.client.patch(&path(&draft["questionnaire_id"]), json!({ "status": "draft", "is_active": false })).await.ok(200);
    assert_eq!((ids(&still), &still["is_active"]), (ids(&draft), &json!(false)));
    let published = server.client.patch(&path(&draft["questionnaire_group_id"]), json!({})).await.ok(200);
    assert_eq!(ids(&published), (draft["questionnaire_id"].clone(), json!(1), json!("published")));
    assert!(published["published_at"].is_string());
    assert_eq!(server.client.get(&path(&draft["questionnaire_id"])).await.ok(200), published);

    server.client.delete(&group).await.ok(204);
    assert_eq!(server.client.get(&group).await.ok(200), same, "a version is left");
    server.client.delete(&uuid).await.ok(204);
    server.client.get(&group).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(the_default_language_stays_one_of_the_languages, server => {
    let made = create(&server, json!({
        "title": "T", "languages": ["en", "fr"], "default_language": "fr", "form_elements": questionnaire()["form_elements"],
    })).await;
    let one = path(&made["questionnaire_id"]);
    let refused = |code: &str| json!({ "default_language": [format!("\"{code}\" is not a valid choice.")] });
    server.client.patch(&one, json!({ "languages": ["en"] })).await.is(400, refused("fr"));
    server.client.patch(&one, json!({ "default_language": "de" })).await.is(400, refused("de"));
    let changed = server.client.patch(&one, json!({ "languages": ["de", "en"], "default_language": "de" })).await.ok(200);
    assert_eq!((&changed["languages"], &changed["default_language"]), (&json!(["de", "en"]), &json!("de")));
    server.stop().await;
});

db_test!(workflows_name_what_is_there, server => {
    let made = create(&server, titled("One")).await;
    let theirs = server.foreign_client().await.post("/v3/questionnaires/", questionnaire()).await.ok(201);
    let refused = |id: &Value| {
        let text = format!("Questionnaire '{}' was not found for this application. Create the questionnaire first, then use its questionnaire_id.", text(id));
        json!({ "features": text })
    };
    let foreign = &theirs["questionnaire_id"];
    server.client.post("/v3/workflows/", asking(foreign)).await.is(400, refused(foreign));
    let workflow = server.client.post("/v3/workflows/", asking(&made["questionnaire_id"])).await.ok(201);
    let config = &workflow["workflow_graph"]["nodes"]["feature_questionnaire_1"]["config"];
    assert_eq!(config, &json!({ "questionnaire_uuid": made["questionnaire_id"] }));
    let change = format!("/v3/workflows/{}/", text(&workflow["uuid"]));
    server.client.patch(&change, asking(foreign)).await.is(400, refused(foreign));
    server.client.patch(&change, asking(&made["questionnaire_group_id"])).await.ok(200);

    let names = async || {
        let page = server.client.get("/v3/questionnaires/").await.ok(200);
        page["results"].as_array().unwrap().iter().map(|row| row["workflow_names"].clone()).collect::<Vec<_>>()
    };
    create(&server, titled("Two")).await;
    assert_eq!(names().await, [json!([]), json!(["Ask"])]);
    let group = path(&made["questionnaire_group_id"]);
    server.client.patch(&group, json!({ "status": "published" })).await.ok(200);
    let mut both = asking(&made["questionnaire_id"]);
    both["workflow_label"] = json!("Ask the first");
    server.client.post("/v3/workflows/", both).await.ok(201);
    let mut named = names().await;
    named.sort_by_key(|names| names.as_array().unwrap().len());
    assert_eq!(named, [json!([]), json!(["Ask the first", "Ask"])], "by whichever version");
    for _ in 0..2 {
        server.client.delete(&group).await.ok(204);
    }
    server.client.patch(&change, json!({ "workflow_label": "Kept" })).await.ok(200);
    server.client.patch(&change, asking(&made["questionnaire_group_id"])).await.is(400, refused(&made["questionnaire_group_id"]));
    server.stop().await;
});

db_test!(answers_outlive_it, server => {
    let made = create(&server, questionnaire()).await;
    let workflow = server.client.post("/v3/workflows/", asking(&made["questionnaire_id"])).await.ok(201);
    let started = server.client.post("/v3/session/", json!({ "workflow_id": workflow["workflow_id"] })).await.ok(201);
    let session = text(&started["session_id"]);
    let answered = json!({
        "questionnaire_id": made["questionnaire_id"],
        "sections": [{ "items": [{ "value": "question_1", "element_type": "SHORT_TEXT", "answer": { "text": "salary" } }] }],
    });
    let before = server.evidence(&session, json!({ "questionnaire_responses": [answered] })).await;
    assert_eq!((&before["status"], &before["questionnaire_responses"][0]["questionnaire_id"]), (&json!("Approved"), &made["questionnaire_id"]));
    server.client.delete(&path(&made["questionnaire_id"])).await.ok(204);
    assert_eq!(server.decision(&session).await["questionnaire_responses"], before["questionnaire_responses"]);
    server.stop().await;
});

db_test!(who_may_look_sees_what_is_asked, server => {
    let made = create(&server, with("description", json!("Why"))).await;
    let reader = server.member("lea@acme.example", Role::Reader).await;
    assert_eq!(reader.get(&path(&made["questionnaire_id"])).await.ok(200), made);
    let (open, masked) = (server.client.get("/v3/questionnaires/").await.ok(200), reader.get("/v3/questionnaires/").await.ok(200));
    assert_eq!(open, masked);
    let forbidden = json!({ "detail": "You do not have permission to perform this action." });
    reader.post("/v3/questionnaires/", questionnaire()).await.is(403, forbidden);
    server.member("bo@acme.example", Role::Developer).await.post("/v3/questionnaires/", questionnaire()).await.ok(201);
    server.stop().await;
});

db_test!(changes_are_in_the_audit_trail, server => {
    let made = create(&server, questionnaire()).await;
    let one = path(&made["questionnaire_id"]);
    server.client.patch(&one, json!({ "title": "x" })).await.ok(200);
    server.client.delete(&one).await.ok(204);
    let events = server.client.get(&format!("/x/audit/events/?object={}", text(&made["questionnaire_id"]))).await.ok(200);
    let kinds: Vec<&Value> = events["results"].as_array().unwrap().iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["questionnaire.deleted", "questionnaire.updated", "questionnaire.created"]);
    server.stop().await;
});

db_test!(the_consoles_addresses_lead_here, server => {
    let base = format!("/v3/organization/11111111-2222-4333-8444-555555555555/application/{}/questionnaires/", server.application().await);
    let made = server.client.post(&base, questionnaire()).await.ok(201);
    let one = format!("{base}{}/", text(&made["questionnaire_id"]));
    assert_eq!(server.client.get(&one).await.ok(200), made);
    assert_eq!(server.client.patch(&one, json!({ "title": "x" })).await.ok(200)["title"], "x");
    server.client.delete(&one).await.ok(204);
    server.client.get(&one).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(of_any_body_never_fails, server => {
    let members = &[
        "title", "description", "languages", "default_language", "is_active", "status", "form_elements", "id", "element_type", "label",
        "en", "options", "value", "max_files", "validation", "pattern", "min", "error_message",
    ];
    let made = create(&server, questionnaire()).await;
    for body in bodies(members, 120) {
        for answer in [
            server.client.post("/v3/questionnaires/", body.clone()).await,
            server.client.patch(&path(&made["questionnaire_id"]), body.clone()).await,
        ] {
            assert!(!answer.status.is_server_error(), "{body}: {}", answer.body);
        }
    }
    server.stop().await;
});
