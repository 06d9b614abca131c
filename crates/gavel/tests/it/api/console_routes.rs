//! The console's addresses lead to the same resources.

use http::Method;
use serde_json::json;

use crate::{
    db_test,
    harness::{KEY, client::send, text},
};

const ORGANIZATION: &str = "11111111-2222-4333-8444-555555555555";

db_test!(aliases_answer_like_their_targets, server => {
    let application = server.app.store.read::<_, gavel::actions::Error, _>(|tx| Box::pin(async move {
        Ok(gavel::store::applications::list_applications(tx).await?[0].id)
    })).await.unwrap();
    let base = format!("/v3/organization/{ORGANIZATION}/application/{application}");
    let list = server.system_list("phone").await;
    let entries = format!("{base}/lists/{list}/entries/");
    server.client.post(&entries, json!({ "value": "+14155552671" })).await.ok(201);
    let direct = server.client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200);
    assert_eq!(server.client.get(&entries).await.ok(200), direct);

    let page = server.client.get(&format!("{base}/lists?limit=1")).await.ok(200);
    assert_eq!(text(&page["next"]), format!("{}{base}/lists/?limit=1&offset=1", server.url()));

    server.session().await;
    let all = json!({ "delete_all": true });
    send(server.client.request(Method::DELETE, &format!("{base}/sessions/delete/")).json(&all)).await.ok(204);
    assert_eq!(server.client.get(&format!("{base}/sessions/")).await.ok(200)["count"], 0);

    let foreign = server.foreign_client().await;
    foreign.get(&format!("{base}/lists/")).await.is(404, json!({ "detail": "Not found." }));
    server.client.get(&format!("{base}/cases/")).await.is(404, json!({ "detail": "Not found." }));
    server.client.without_key().get(&format!("{base}/lists/")).await.ok(401);
    server.stop().await;
});

db_test!(users_and_businesses_have_words_of_their_own, server => {
    let application = server.application().await;
    for noun in ["users", "businesses"] {
        let base = format!("/v3/organization/{ORGANIZATION}/application/{application}/vendor-{noun}");
        let made = server.client.post(&format!("{base}/"), json!({ "vendor_data": "delete" })).await.ok(201);
        assert_eq!(server.client.get(&format!("{base}/delete/")).await.ok(200), made);
        assert_eq!(server.client.get(&format!("/v3/{noun}/delete/")).await.ok(200), made);
        let changed = server.client.patch(&format!("{base}/delete/update/"), json!({ "display_name": "new" })).await.ok(200);
        assert_eq!(changed["display_name"], "new");
        let page = server.client.get(&format!("{base}?limit=1")).await.ok(200);
        assert_eq!((&page["count"], &page["next"]), (&json!(1), &json!(null)));
        let status = json!({ "vendor_data_list": ["delete"], "status": "FLAGGED" });
        server.client.post(&format!("{base}/bulk-status/"), status).await.is(200, json!({ "updated": 1 }));
        let all = json!({ "delete_all": true });
        let deleted = send(server.client.request(Method::DELETE, &format!("{base}/delete/")).json(&all)).await;
        deleted.is(200, json!({ "deleted": 1 }));
        server.client.post(&format!("{base}/delete/"), all).await.is(200, json!({ "deleted": 0 }));
    }
    server.stop().await;
});

db_test!(addresses_name_their_methods_to_anybody, server => {
    let (bare, known) = (server.client.without_key(), server.application().await.to_string());
    for application in [known.clone(), uuid::Uuid::new_v4().to_string()] {
        for (path, allow) in [
            ("lists", "GET, HEAD, OPTIONS, POST"),
            ("vendor-users", "GET, HEAD, OPTIONS, POST"),
            ("vendor-users/ana", "GET, HEAD, OPTIONS, PATCH"),
            ("vendor-users/bulk-status", "GET, HEAD, OPTIONS, PATCH, POST"),
            ("vendor-businesses/delete", "DELETE, GET, HEAD, OPTIONS, PATCH, POST"),
            ("sessions/delete", "DELETE, OPTIONS, POST"),
            ("audit-logs", "GET, HEAD, OPTIONS"),
        ] {
            let path = format!("/v3/organization/{ORGANIZATION}/application/{application}/{path}/");
            let answer = send(bare.request(Method::OPTIONS, &path)).await;
            assert_eq!((answer.status.as_u16(), answer.bytes.len(), answer.header("allow")), (204, 0, allow), "{path}");
            let refused = send(server.client.request(Method::PUT, &path)).await;
            assert_eq!((refused.status.as_u16(), refused.header("allow")), if application == known { (405, allow) } else { (404, "") }, "{path}");
        }
    }
    send(bare.request(Method::OPTIONS, &format!("/v3/organization/{ORGANIZATION}/application/{known}/cases/"))).await.ok(404);
    send(bare.request(Method::OPTIONS, &format!("/v3/organization/{ORGANIZATION}/application/x/lists/"))).await.ok(404);
    server.stop().await;
});

db_test!(edits_are_called_at_their_own_addresses, server => {
    let evidence = json!({ "id_verifications": [{}], "poa_verifications": [{}], "aml_screenings": [{ "hits": [{ "id": "h" }] }] });
    let session = text(&server.session_with_evidence(evidence).await["session_id"]);
    let hit = json!({ "hit_id": "h", "review_status": "Inconclusive" });
    let application = server.application().await;
    for (what, body) in [
        ("update-data", json!({ "first_name": "Ana" })),
        ("update-poa-data", json!({ "issuer": "Acme" })),
        ("update-aml-hit-status", hit.clone()),
        ("bulk-update-aml-hit-status", json!({ "hit_updates": [hit] })),
        ("features/feature_ocr_1/update-status", json!({ "new_status": "Declined" })),
    ] {
        let nobody = server.client.without_key();
        let request = nobody.request(Method::PATCH, &format!("/v3/session/{session}/{what}/"));
        let request = request.header("authorization", format!("Bearer {KEY}")).header("x-didit-organization-id", ORGANIZATION);
        send(request.json(&body)).await.ok(200);
        let alias = format!("/v3/organization/{ORGANIZATION}/application/{application}/sessions/{session}/{what}/");
        server.client.patch(&alias, body).await.is(404, json!({ "detail": "Not found." }));
    }
    server.stop().await;
});
