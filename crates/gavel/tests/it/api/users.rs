//! Users: made, shown, listed, changed, deleted.

use http::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, Server, client::send, shown, text},
};

/// A user's path.
pub(super) fn path(vendor_data: &str) -> String {
    format!("/v3/users/{vendor_data}/")
}

impl Server {
    /// Makes a user; the detail.
    pub(super) async fn user(&self, body: Value) -> Value {
        self.client.post("/v3/users/create/", body).await.ok(201)
    }

    /// A destination for these events; what the receiver gets is in order of the objects' versions.
    pub(super) async fn listen(&self, receiver: &Receiver, events: Value) {
        let body = json!({ "label": "test", "url": receiver.url(), "subscribed_events": events });
        self.client.post("/v3/webhook/destinations/", body).await.ok(201);
    }
}

db_test!(a_new_user_is_answered_with_everything, server => {
    let user = server.user(json!({ "vendor_data": " user 1/é ", "full_name": "Ana Ruiz", "display_name": "Ana", "date_of_birth": "1990-01-02",
        "metadata": { "plan": "pro", "n": 1.50 }, "approved_emails": ["Ana@Example.com", "ana@example.com"],
        "approved_phones": ["+1 (415) 555-2671"], "issuing_states": ["ESP"], "unknown": 1 })).await;
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&user), @r#"
        {
          "didit_internal_id": "[uuid]",
          "vendor_data": "user 1/é",
          "display_name": "Ana",
          "full_name": "Ana Ruiz",
          "date_of_birth": "1990-01-02",
          "effective_name": "Ana",
          "status": "ACTIVE",
          "portrait_image_url": null,
          "issuing_states": [
            "ESP"
          ],
          "approved_emails": [
            "ana@example.com"
          ],
          "approved_phones": [
            "+14155552671"
          ],
          "session_count": 0,
          "approved_count": 0,
          "declined_count": 0,
          "in_review_count": 0,
          "features": {},
          "features_list": [],
          "last_session_at": null,
          "first_session_at": null,
          "last_activity_at": "[time]",
          "tags": [],
          "created_at": "[time]",
          "metadata": {
            "plan": "pro",
            "n": 1.5
          },
          "comments": [],
          "updated_at": "[time]"
        }
    "#); }
    let path = path("user%201%2F%C3%A9");
    assert_eq!(server.client.get(&path).await.ok(200), user);
    let row = server.client.get("/v3/users/").await.ok(200)["results"][0].clone();
    let (mut row, mut detail) = (row, user.clone());
    for member in ["metadata", "comments", "updated_at"] {
        assert!(row.get(member).is_none(), "{member}");
        detail.as_object_mut().unwrap().remove(member);
    }
    assert_eq!(row.as_object_mut(), detail.as_object_mut());
    server.stop().await;
});

db_test!(a_body_is_refused_with_every_bad_field, server => {
    server.user(json!({ "vendor_data": "known", "approved_emails": vec!["a@b.example"; 1_000] })).await;
    let too_many = "Ensure this field has no more than 1000 elements.";
    let before = server.counts().await;
    for (body, expected) in [
        (json!({}), json!({ "vendor_data": ["This field is required."] })),
        (json!({ "vendor_data": null }), json!({ "vendor_data": ["This field may not be null."] })),
        (json!({ "vendor_data": "  " }), json!({ "vendor_data": ["This field may not be blank."] })),
        (json!({ "vendor_data": "x".repeat(256) }), json!({ "vendor_data": ["Ensure this field has no more than 255 characters."] })),
        (json!({ "vendor_data": "known" }), json!({ "vendor_data": ["A user with this vendor_data already exists."] })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
        (
            json!({ "vendor_data": [], "full_name": "x".repeat(513), "display_name": "x".repeat(256), "date_of_birth": "2026-02-30",
                "status": "active", "metadata": [], "approved_emails": ["a@b.example", "x"], "approved_phones": ["555"],
                "issuing_states": ["ES"] }),
            json!({ "vendor_data": ["Not a valid string."], "full_name": ["Ensure this field has no more than 512 characters."],
                "display_name": ["Ensure this field has no more than 255 characters."],
                "date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
                "status": ["Invalid status. Valid options are: ACTIVE, FLAGGED, BLOCKED"],
                "metadata": ["Metadata must be a JSON object."],
                "approved_emails": { "1": ["Enter a valid email address."] },
                "approved_phones": { "0": ["Enter a valid international phone number."] },
                "issuing_states": { "0": ["Invalid ISO 3166-1 alpha-3 country code for issuing_states."] } }),
        ),
        (
            json!({ "vendor_data": "y", "approved_emails": vec!["a@b.example"; 1_001], "approved_phones": vec!["x"; 1_001],
                "issuing_states": vec!["ESP"; 1_001] }),
            json!({ "approved_emails": [too_many], "approved_phones": [too_many], "issuing_states": [too_many] }),
        ),
        (
            json!({ "vendor_data": "y", "metadata": { "long": "x".repeat(16_384) }, "approved_emails": {} }),
            json!({ "metadata": ["Ensure this field has no more than 16384 bytes."],
                "approved_emails": ["Expected a list of items but got type \"dict\"."] }),
        ),
    ] {
        server.client.post("/v3/users/create/", body).await.is(400, expected);
    }
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(a_change_is_told_and_only_if_it_is_one, server => {
    let receiver = Receiver::start().await;
    server.listen(&receiver, json!(["user.data.updated", "user.status.updated", "business.data.updated"])).await;
    let made = server.user(json!({ "vendor_data": "ana", "full_name": "Ana", "metadata": { "a": 1 } })).await;
    let before = server.counts().await;
    let same = json!({ "full_name": "Ana", "metadata": { "a": 1.0 }, "status": "ACTIVE", "vendor_data": "x" });
    assert_eq!(server.client.patch(&path("ana"), same).await.ok(200), made);
    assert_eq!(server.client.patch(&path("ana"), json!({})).await.ok(200), made);
    assert_eq!(server.counts().await, before);
    let change = json!({ "full_name": null, "display_name": "A", "metadata": null, "status": "FLAGGED", "issuing_states": ["ESP", "PRT"] });
    let changed = server.client.patch(&path("ana"), change).await.ok(200);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&changed), @r#"
        {
          "didit_internal_id": "[uuid]",
          "vendor_data": "ana",
          "display_name": "A",
          "full_name": null,
          "date_of_birth": null,
          "effective_name": "A",
          "status": "FLAGGED",
          "portrait_image_url": null,
          "issuing_states": [
            "ESP",
            "PRT"
          ],
          "approved_emails": [],
          "approved_phones": [],
          "session_count": 0,
          "approved_count": 0,
          "declined_count": 0,
          "in_review_count": 0,
          "features": {},
          "features_list": [],
          "last_session_at": null,
          "first_session_at": null,
          "last_activity_at": "[time]",
          "tags": [],
          "created_at": "[time]",
          "metadata": {},
          "comments": [
            {
              "uuid": "[uuid]",
              "comment_type": "STATUS_CHANGED",
              "comment": null,
              "actor_email": null,
              "actor_name": "API Client",
              "previous_status": "ACTIVE",
              "new_status": "FLAGGED",
              "previous_value": null,
              "new_value": null,
              "changed_fields": [
                "status"
              ],
              "metadata": {
                "reason": "api"
              },
              "mentioned_emails": [],
              "created_at": "[time]"
            },
            {
              "uuid": "[uuid]",
              "comment_type": "PROFILE_UPDATED",
              "comment": null,
              "actor_email": null,
              "actor_name": "API Client",
              "previous_status": null,
              "new_status": null,
              "previous_value": {
                "display_name": null,
                "full_name": "Ana",
                "issuing_states": []
              },
              "new_value": {
                "display_name": "A",
                "full_name": null,
                "issuing_states": [
                  "ESP",
                  "PRT"
                ]
              },
              "changed_fields": [
                "display_name",
                "full_name",
                "issuing_states"
              ],
              "metadata": null,
              "mentioned_emails": [],
              "created_at": "[time]"
            },
            {
              "uuid": "[uuid]",
              "comment_type": "METADATA_UPDATED",
              "comment": null,
              "actor_email": null,
              "actor_name": "API Client",
              "previous_status": null,
              "new_status": null,
              "previous_value": {
                "a": 1
              },
              "new_value": {},
              "changed_fields": [
                "metadata"
              ],
              "metadata": null,
              "mentioned_emails": [],
              "created_at": "[time]"
            }
          ],
          "updated_at": "[time]"
        }
    "#); }
    assert_eq!(server.client.get(&path("ana")).await.ok(200), changed);
    let received: Vec<Value> = receiver.wait_for(2).await.iter().map(|r| r.json()).collect();
    assert_eq!(received[0]["didit_internal_id"], made["didit_internal_id"]);
    let untimed = |body: &Value| {
        let mut body = body.clone();
        for member in ["created_at", "timestamp"] {
            assert!(body.as_object_mut().unwrap().remove(member).is_some_and(|at| at.is_i64()), "{member}");
        }
        body
    };
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&received.iter().map(untimed).collect()), @r#"
        [
          {
            "application_id": "[uuid]",
            "changed_fields": [
              "display_name",
              "full_name",
              "issuing_states",
              "metadata"
            ],
            "webhook_type": "user.data.updated",
            "didit_internal_id": "[uuid]",
            "environment": "live",
            "event_id": "[uuid]",
            "status": "ACTIVE",
            "vendor_user_id": "[uuid]",
            "vendor_data": "ana"
          },
          {
            "actor": "API Client",
            "application_id": "[uuid]",
            "webhook_type": "user.status.updated",
            "didit_internal_id": "[uuid]",
            "environment": "live",
            "event_id": "[uuid]",
            "metadata": {},
            "previous_status": "ACTIVE",
            "reason": "api",
            "status": "FLAGGED",
            "vendor_user_id": "[uuid]",
            "vendor_data": "ana"
          }
        ]
    "#); }
    server.stop().await;
});

db_test!(refused_changes_write_nothing, server => {
    server.user(json!({ "vendor_data": "ana" })).await;
    let before = server.counts().await;
    for (body, expected) in [
        (json!({ "status": "INVALID" }), json!({ "status": ["\"INVALID\" is not a valid choice."] })),
        (json!({ "date_of_birth": "01.02.1990" }),
         json!({ "date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."] })),
        (json!({ "metadata": 5 }), json!({ "metadata": ["Metadata must be a JSON object."] })),
        (json!({ "display_name": true, "status": 5 }),
         json!({ "status": ["\"5\" is not a valid choice."], "display_name": ["Not a valid string."] })),
    ] {
        server.client.patch(&path("ana"), body).await.is(400, expected);
    }
    let status = format!("{}update-status/", path("ana"));
    for (body, expected) in [
        (json!({}), json!({ "status": ["This field is required."] })),
        (json!({ "status": "x" }), json!({ "status": ["Invalid status. Valid options are: ACTIVE, FLAGGED, BLOCKED"] })),
        (json!({ "status": "ACTIVE", "reason": [] }), json!({ "reason": ["Not a valid string."] })),
    ] {
        server.client.patch(&status, body).await.is(400, expected);
    }
    for unknown in ["bob", "Ana", "ana%20", "%00", "create", "delete"] {
        let not_found = json!({ "detail": "Not found." });
        server.client.get(&path(unknown)).await.is(404, not_found.clone());
        server.client.patch(&path(unknown), json!({ "status": "nonsense" })).await.is(404, not_found.clone());
        server.client.patch(&format!("{}update-status/", path(unknown)), json!({})).await.is(404, not_found);
    }
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(words_of_calls_are_names_too, server => {
    for name in ["create", "delete", "bulk-status", "update-status"] {
        server.user(json!({ "vendor_data": name })).await;
        assert_eq!(server.client.get(&path(name)).await.ok(200)["vendor_data"], name);
        let changed = server.client.patch(&path(name), json!({ "display_name": "new" })).await.ok(200);
        assert_eq!(changed["effective_name"], "new", "{name}");
        let status = server.client.patch(&format!("/v3/users/{name}/update-status"), json!({ "status": "FLAGGED" })).await.ok(200);
        assert_eq!(status["status"], "FLAGGED", "{name}");
    }
    let refused = send(server.client.request(Method::POST, &path("ana")).json(&json!({}))).await;
    refused.is(405, json!({ "detail": "Method \"POST\" not allowed." }));
    assert_eq!(refused.header("allow"), "GET, HEAD, OPTIONS, PATCH");
    server.stop().await;
});

db_test!(a_list_has_the_latest_sessions_first, server => {
    for name in ["without 1", "without 2"] {
        server.user(json!({ "vendor_data": name, "full_name": "María", "approved_emails": ["m@example.com"] })).await;
    }
    for name in ["ana", "bob", "ana"] {
        server.app.clock.advance(1);
        server.session_with(json!({ "vendor_data": name, "workflow_id": server.workflow_of(json!([])).await })).await;
    }
    let names = async |query: &str| -> Vec<String> {
        let page = server.client.get(&format!("/v3/users/{query}")).await.ok(200);
        assert!(page["count"].as_u64().unwrap() >= page["results"].as_array().unwrap().len() as u64);
        page["results"].as_array().unwrap().iter().map(|row| text(&row["vendor_data"])).collect()
    };
    assert_eq!(names("").await, ["ana", "bob", "without 2", "without 1"]);
    assert_eq!(names("?limit=2&offset=1").await, ["bob", "without 2"]);
    assert_eq!(names("?search=MARÍA").await, ["without 2", "without 1"]);
    assert_eq!(names("?search=m@EXAMPLE").await.len(), 2);
    assert_eq!(names("?search=B").await, ["bob"]);
    // A capital sigma is one letter, though in lower case it is another at the end of a word.
    server.client.patch("/v3/users/bob/", json!({ "full_name": "ΜΑΡΙΑΣΟΥ ΑΣ" })).await.ok(200);
    for part in ["ΜΑΡΙΑΣ", "μαριας", "μαριασ", "Ας", "ΣΟΥ ας"] {
        assert_eq!(names(&format!("?search={part}")).await, ["bob"], "{part}");
    }
    assert_eq!(names("?search=%25").await, Vec::<String>::new());
    assert_eq!(names("?search=%00").await, Vec::<String>::new());
    server.client.patch("/v3/users/bob/update-status/", json!({ "status": "FLAGGED" })).await.ok(200);
    assert_eq!(names("?status=FLAGGED,BLOCKED").await, ["bob"]);
    assert_eq!(names("?status=ACTIVE&search=an").await, ["ana"]);
    assert_eq!(names("?status=active").await, Vec::<String>::new());
    let next = server.client.get("/v3/users/?status=ACTIVE&limit=1").await.ok(200);
    assert_eq!(next["next"], format!("{}/v3/users/?status=ACTIVE&limit=1&offset=1", server.url()));
    assert_eq!(next["count"], 3);
    server.stop().await;
});

db_test!(deleted_users_are_gone_and_their_sessions_stay, server => {
    let session = server.session_with(json!({ "vendor_data": "ana" })).await;
    let ana = server.client.get(&path("ana")).await.ok(200);
    for name in ["bob", "eve", "joe"] {
        server.user(json!({ "vendor_data": name })).await;
    }
    let delete = async |body: Value| server.client.post("/v3/users/delete/", body).await;
    let nothing = json!(["Provide vendor_data_list or set delete_all=true."]);
    for body in [json!({}), json!({ "vendor_data_list": [] }), json!({ "delete_all": false, "didit_internal_id_list": null })] {
        delete(body).await.is(400, nothing.clone());
    }
    let filter = json!({ "filter_status": ["This filter is not supported here."] });
    delete(json!({ "filter_status": "x", "delete_all": true })).await.is(400, filter);
    delete(json!({ "didit_internal_id_list": ["x"] })).await.is(400, json!({ "didit_internal_id_list": { "0": ["Must be a valid UUID."] } }));
    delete(json!({ "vendor_data_list": "x" })).await.is(400, json!({ "vendor_data_list": ["Expected a list of items but got type \"str\"."] }));
    let both = json!({ "vendor_data_list": ["bob", "nobody", "Eve"], "didit_internal_id_list": [ana["didit_internal_id"], session] });
    delete(both.clone()).await.is(200, json!({ "deleted": 2 }));
    delete(both).await.is(200, json!({ "deleted": 0 }));
    server.client.get(&path("ana")).await.is(404, json!({ "detail": "Not found." }));
    assert_eq!(server.decision(&session).await["vendor_data"], "ana");
    assert_eq!(server.client.get("/v3/sessions/").await.ok(200)["results"][0]["didit_internal_id"], Value::Null);
    let again = server.session_with(json!({ "vendor_data": "ana", "workflow_id": server.workflow_of(json!([])).await })).await;
    assert_ne!(again, session);
    let anew = server.client.get(&path("ana")).await.ok(200);
    assert_ne!(anew["didit_internal_id"], ana["didit_internal_id"]);
    assert_eq!(anew["session_count"], 2);
    let foreign = server.foreign_client().await;
    foreign.post("/v3/users/delete/", json!({ "delete_all": true })).await.is(200, json!({ "deleted": 0 }));
    delete(json!({ "delete_all": "true", "vendor_data_list": 5 })).await.is(200, json!({ "deleted": 3 }));
    assert_eq!(server.client.get("/v3/users/").await.ok(200)["count"], 0);
    server.stop().await;
});

db_test!(two_at_once_make_one_user, server => {
    for n in 0..5 {
        let body = json!({ "vendor_data": format!("user {n}") });
        let make = || server.client.post("/v3/users/create/", body.clone());
        let (one, other, third) = tokio::join!(make(), make(), make());
        let mut statuses = [one.status.as_u16(), other.status.as_u16(), third.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 400, 400]);
    }
    server.stop().await;
});

db_test!(any_body_is_answered, server => {
    server.user(json!({ "vendor_data": "ana" })).await;
    let members = &["vendor_data", "full_name", "display_name", "date_of_birth", "status", "metadata", "approved_emails", "approved_phones",
        "issuing_states", "vendor_data_list", "didit_internal_id_list", "delete_all", "filter_x", "reason", "legal_name", "country_code"];
    for (n, body) in crate::harness::inside::bodies(members, 200).into_iter().enumerate() {
        for (method, path) in [
            (Method::POST, "/v3/users/create/"),
            (Method::PATCH, "/v3/users/ana/"),
            (Method::PATCH, "/v3/users/ana/update-status/"),
            (Method::POST, "/v3/businesses/create/"),
            (Method::POST, "/v3/businesses/delete/"),
            (Method::POST, "/x/users/bulk-status/"),
        ] {
            let answer = send(server.client.request(method, path).json(&body)).await;
            assert!(answer.status.is_success() || answer.status == 400, "{n} {path}: {body} {} {}", answer.status, answer.body);
        }
    }
    server.stop().await;
});
