//! Workflows: what a new application has (contract, entities §5).

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{shown, text},
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
