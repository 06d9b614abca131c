//! Businesses, where they differ from users.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Receiver, shown, text},
};

db_test!(a_new_business_is_answered_with_everything, server => {
    let body = json!({ "vendor_data": "ACME", "display_name": "", "legal_name": "Acme Ltd", "registration_number": "HRB 1",
        "country_code": "DE", "metadata": { "a": 1 }, "full_name": "ignored" });
    let business = server.client.post("/v3/businesses/create/", body).await.ok(201);
    insta::allow_duplicates! { insta::assert_snapshot!(shown(&business), @r#"
        {
          "didit_internal_id": "[uuid]",
          "vendor_data": "ACME",
          "display_name": "",
          "legal_name": "Acme Ltd",
          "registration_number": "HRB 1",
          "country_code": "DE",
          "effective_name": "Acme Ltd",
          "status": "ACTIVE",
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
            "a": 1
          },
          "updated_at": "[time]"
        }
    "#); }
    assert_eq!(server.client.get("/v3/businesses/ACME/").await.ok(200), business);
    let changed = json!({ "legal_name": "Acme GmbH", "status": "FLAGGED" });
    let changed = server.client.patch("/v3/businesses/ACME/", changed).await.ok(200);
    assert_eq!((&changed["effective_name"], &changed["status"]), (&json!("Acme GmbH"), &json!("FLAGGED")));
    server.client.get("/v3/users/ACME/").await.ok(404);
    server.stop().await;
});

db_test!(bodies_are_refused_in_its_own_words, server => {
    server.client.post("/v3/businesses/create/", json!({ "vendor_data": "ACME" })).await.ok(201);
    let before = server.counts().await;
    let status = json!({ "status": ["Invalid status. Valid options are: ACTIVE, FLAGGED, BLOCKED"] });
    for (body, expected) in [
        (json!({ "vendor_data": "ACME" }), json!({ "vendor_data": ["A business with this vendor_data already exists."] })),
        (json!({ "vendor_data": "" }), json!({ "vendor_data": ["This field may not be blank."] })),
        (json!({ "status": "x" }), status.clone()),
        (json!({ "metadata": "x" }), json!({ "metadata": ["Metadata must be a JSON object."] })),
        (
            json!({ "display_name": "x".repeat(256), "legal_name": "x".repeat(256), "registration_number": "x".repeat(101),
                "country_code": "x".repeat(11) }),
            json!({ "display_name": ["Ensure this field has no more than 255 characters."],
                "legal_name": ["Ensure this field has no more than 255 characters."],
                "registration_number": ["Ensure this field has no more than 100 characters."],
                "country_code": ["Ensure this field has no more than 10 characters."] }),
        ),
    ] {
        server.client.post("/v3/businesses/create/", body).await.is(400, expected);
    }
    server.client.patch("/v3/businesses/ACME/", json!({ "status": "x" })).await.is(400, status.clone());
    server.client.patch("/v3/businesses/ACME/update-status/", json!({ "status": "x" })).await.is(400, status);
    let nothing = json!(["Provide vendor_data_list, didit_internal_id_list, or set delete_all=true."]);
    server.client.post("/v3/businesses/delete/", json!({})).await.is(400, nothing);
    assert_eq!(server.counts().await, before);
    server.stop().await;
});

db_test!(without_vendor_data_it_is_reached_by_list_and_delete, server => {
    let receiver = Receiver::start().await;
    server.listen(&receiver, json!(["business.status.updated", "business.data.updated"])).await;
    let make = async |status: &str| server.client.post("/v3/businesses/create/", json!({ "status": status, "vendor_data": null })).await.ok(201);
    let (one, other) = (make("BLOCKED").await, make("ACTIVE").await);
    assert_eq!((&one["vendor_data"], &one["status"]), (&Value::Null, &json!("BLOCKED")));
    let list = server.system_list("business").await;
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200)["count"], 0);
    let page = server.client.get("/v3/businesses/?status=BLOCKED").await.ok(200);
    assert_eq!((&page["count"], &page["results"][0]["didit_internal_id"]), (&json!(1), &one["didit_internal_id"]));
    let event = receiver.wait_for(1).await[0].json();
    assert_eq!((&event["vendor_data"], &event["vendor_business_id"]), (&Value::Null, &one["didit_internal_id"]));
    assert_eq!((&event["reason"], &event["actor"], &event["metadata"]), (&json!("api"), &json!("API Client"), &json!({})));
    let trace = server.client.get(&format!("/x/businesses/{}/", text(&other["didit_internal_id"]))).await.ok(200);
    assert_eq!((&trace["status"], &trace["entries"]), (&json!("ACTIVE"), &json!([])));
    let both = json!({ "didit_internal_id_list": [one["didit_internal_id"], other["didit_internal_id"]] });
    server.client.post("/v3/businesses/delete/", both).await.is(200, json!({ "deleted": 2 }));
    server.stop().await;
});

db_test!(sessions_make_businesses_and_count, server => {
    let receiver = Receiver::start().await;
    server.listen(&receiver, json!(["status.updated"])).await;
    let workflow = server.workflow_of(json!(["KYB_REGISTRY"])).await;
    let session = server.client.post("/v3/session/", json!({ "workflow_id": workflow, "vendor_data": "ACME" })).await.ok(201);
    let business = server.client.get("/v3/businesses/ACME/").await.ok(200);
    assert_eq!((&business["session_count"], &business["features"]), (&json!(1), &json!({ "KYB": "Not Finished" })));
    assert_eq!(business["features_list"], json!([{ "feature": "KYB", "status": "Not Finished" }]));
    let event = receiver.wait_for(1).await[0].json();
    assert_eq!((&event["session_id"], &event["vendor_business_id"]), (&session["session_id"], &business["didit_internal_id"]));
    server.set_status(&text(&session["session_id"]), "In Review").await;
    let decline = json!({ "new_status": "Declined" });
    server.client.patch(&format!("/v3/session/{}/update-status/", text(&session["session_id"])), decline).await.ok(200);
    let business = server.client.get("/v3/businesses/ACME/").await.ok(200);
    assert_eq!((&business["declined_count"], &business["features"]), (&json!(1), &json!({ "KYB": "Declined" })));
    server.client.get("/v3/users/ACME/").await.ok(404);
    server.stop().await;
});
