//! The switches of an application (`/x/settings/`).

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, shown},
};

/// The values beside the newest audit row of a kind.
pub async fn audited(server: &Server, kind: &'static str) -> Value {
    let read = server.app.store.read::<_, gavel::actions::Error, _>(move |tx| {
        Box::pin(async move {
            let sql = "SELECT v.personal FROM audit_events e JOIN audit_values v ON v.event_id = e.id
                 WHERE e.kind = $1 ORDER BY e.created_at DESC, e.id DESC LIMIT 1";
            let row = tx.query_opt(sql, &[kind.into()]).await?.unwrap();
            Ok(serde_json::from_str(&row.get::<String>(0)?).unwrap())
        })
    });
    read.await.unwrap()
}

db_test!(are_off_at_first, server => {
    let settings = server.client.get("/x/settings/").await.ok(200);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&settings), @r#"
        {
          "application": {
            "uuid": "[uuid]",
            "name": "Default",
            "environment": "live",
            "created_at": "[time]"
          },
          "reviews_change_status": true,
          "auto_blocklist_on_decline": false,
          "kyc_expiry_days": null,
          "sweep": "off",
          "retention": {
            "sessions": null,
            "media": null,
            "audit_values": null,
            "imports": null
          },
          "transaction_scores": {
            "review": 50,
            "decline": 80
          }
        }
        "#);
    }
    server.stop().await;
});

db_test!(change_one_by_one_and_are_audited, server => {
    let change = json!({ "reviews_change_status": false, "kyc_expiry_days": 365, "retention": { "sessions": 60, "imports": 3 } });
    let changed = server.client.patch("/x/settings/", change).await.ok(200);
    assert_eq!((&changed["reviews_change_status"], &changed["kyc_expiry_days"]), (&json!(false), &json!(365)));
    let next = json!({ "sweep": "review", "kyc_expiry_days": null, "retention": { "imports": null, "media": 12 } });
    let changed = server.client.patch("/x/settings/", next).await.ok(200);
    assert_eq!(changed["retention"], json!({ "sessions": 60, "media": 12, "audit_values": null, "imports": null }));
    assert_eq!(server.client.get("/x/settings/").await.ok(200), changed);
    let values = audited(&server, "settings.updated").await;
    assert_eq!((&values["before"]["sweep"], &values["after"]["sweep"]), (&json!("off"), &json!("review")));
    assert_eq!(values["before"]["retention"]["sessions"], 60);

    let webhook = server.client.get("/v3/webhook/").await.ok(200);
    assert_eq!(webhook["data_retention_months"], 60, "one and the same");
    let before = server.counts().await;
    server.client.patch("/x/settings/", json!({ "sweep": "review", "else": 1 })).await.ok(200);
    assert_eq!(server.counts().await, before, "nothing new, no trace");
    server.stop().await;
});

db_test!(are_refused_field_by_field, server => {
    let before = server.counts().await;
    let body = json!({
        "reviews_change_status": "perhaps", "kyc_expiry_days": 0, "sweep": "Review",
        "retention": { "sessions": 121, "media": "x" }
    });
    server.client.patch("/x/settings/", body).await.is(400, json!({
        "reviews_change_status": ["Must be a valid boolean."],
        "kyc_expiry_days": ["Ensure this value is greater than or equal to 1."],
        "sweep": ["\"Review\" is not a valid choice."],
        "retention": {
            "sessions": ["Ensure this value is less than or equal to 120."],
            "media": ["A valid integer is required."],
        },
    }));
    server.client.patch("/x/settings/", json!({ "retention": [] })).await.is(400, json!({
        "retention": ["Invalid data. Expected a dictionary, but got list."],
    }));
    assert_eq!(server.counts().await, before);
    server.stop().await;
});
