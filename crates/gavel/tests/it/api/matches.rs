//! Who else has shown a value: `matches[]`, the duplicate risks, and what lists do to both.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, shown, text},
};

const PHONE: &str = "+14155552671";

/// A session of this person with the phone number; its phone item.
async fn phone_of(server: &Server, vendor_data: Value) -> (String, Value) {
    let session = server.session_with(json!({ "vendor_data": vendor_data })).await;
    let decision = server.evidence(&session, json!({ "phone_verifications": [{ "full_number": PHONE }] })).await;
    (session, decision["phone_verifications"][0].clone())
}

fn risks(item: &Value) -> Vec<&str> {
    item["warnings"].as_array().unwrap().iter().map(|warning| warning["risk"].as_str().unwrap()).collect()
}

db_test!(names_the_session_of_somebody_else, server => {
    let (first, alone) = phone_of(&server, json!("ana")).await;
    assert_eq!((risks(&alone), &alone["matches"]), (vec![], &json!([])));
    let (_, again) = phone_of(&server, json!("ben")).await;
    assert_eq!(again["status"], "Approved", "by default a duplicate only informs");
    assert_eq!(again["warnings"][0]["log_type"], "information");
    assert_eq!(
        again["warnings"][0]["additional_data"],
        json!({ "duplicated_session_id": first, "duplicated_session_number": 1, "api_service": null })
    );
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&again["matches"]), @r#"
        [
          {
            "session_id": "[uuid]",
            "session_number": 1,
            "vendor_data": "ana",
            "verification_date": "[time]",
            "phone_number": "+14155552671",
            "status": "Approved",
            "is_blocklisted": false,
            "api_service": null,
            "source": "session"
          }
        ]
        "#);
    }
    server.stop().await;
});

db_test!(not_for_the_same_person_nor_for_deleted_or_unapproved_sessions, server => {
    let (first, _) = phone_of(&server, json!("ana")).await;
    assert_eq!(risks(&phone_of(&server, json!("ana")).await.1), Vec::<&str>::new(), "the same person");
    assert_eq!(risks(&phone_of(&server, json!(null)).await.1), ["DUPLICATED_PHONE_NUMBER"], "nobody's is everybody else's");
    server.client.post("/v3/sessions/delete/", json!({ "delete_all": true })).await.ok(204);
    assert_eq!(risks(&phone_of(&server, json!("cem")).await.1), Vec::<&str>::new(), "deleted: {first}");
    server.client.post("/v3/sessions/delete/", json!({ "delete_all": true })).await.ok(204);
    let session = server.session_with(json!({ "vendor_data": "dan" })).await;
    let declined = json!({ "phone_verifications": [{ "full_number": PHONE, "status": "Declined" }] });
    server.evidence(&session, declined).await;
    let (_, item) = phone_of(&server, json!("eva")).await;
    assert_eq!((risks(&item), &item["matches"]), (vec![], &json!([])), "a declined record proves nothing");
    let other = server.foreign_client().await;
    let workflow = text(&other.get("/v3/workflows/").await.ok(200)["results"][0]["workflow_id"]);
    let session = text(&other.post("/v3/session/", json!({ "workflow_id": workflow })).await.ok(201)["session_id"]);
    let evidence = json!({ "phone_verifications": [{ "full_number": PHONE }] });
    let decision = other.post(&format!("/x/sessions/{session}/evidence/"), evidence).await.ok(200);
    assert_eq!(decision["phone_verifications"][0]["matches"], json!([]), "another application");
    server.stop().await;
});

db_test!(an_allowlist_mutes_the_risk_and_leaves_the_match, server => {
    phone_of(&server, json!("ana")).await;
    let body = json!({ "name": "Offices", "list_type": "allowlist", "entry_type": "phone" });
    let list = text(&server.client.post("/v3/lists/", body).await.ok(201)["uuid"]);
    let entry = server.add(&list, PHONE).await;
    let (_, item) = phone_of(&server, json!("ben")).await;
    assert_eq!(risks(&item), ["PHONE_NUMBER_IN_ALLOWLIST"]);
    assert_eq!(item["warnings"][0]["additional_data"], json!({ "list_uuid": list, "entry_uuid": entry }));
    assert_eq!(item["matches"][0]["vendor_data"], "ana");
    server.stop().await;
});

db_test!(a_blocklist_entry_stands_first, server => {
    phone_of(&server, json!("ana")).await;
    let list = server.system_list("phone").await;
    server.add(&list, PHONE).await;
    let (declined, item) = phone_of(&server, json!("ben")).await;
    assert_eq!(item["status"], "Declined");
    assert_eq!(risks(&item), ["PHONE_NUMBER_IN_BLOCKLIST", "DUPLICATED_PHONE_NUMBER"]);
    let first = &item["matches"][0];
    assert_eq!((&first["source"], &first["is_blocklisted"], &first["session_id"]), (&json!("list_entry"), &json!(true), &json!(null)));
    assert_eq!(item["matches"][1]["vendor_data"], "ana");
    let (_, item) = phone_of(&server, json!("cem")).await;
    let sessions: Vec<&Value> = item["matches"].as_array().unwrap().iter().map(|row| &row["session_id"]).collect();
    assert_eq!(sessions[1], &json!(declined), "while the value is listed, declined records count as well, newest first");
    server.stop().await;
});

db_test!(documents_and_devices_have_their_own_members, server => {
    let evidence = json!({
        "id_verifications": [{ "document_type": "Passport", "document_number": "X-123 456", "first_name": "Ana", "last_name": "Silva" }],
        "ip_analyses": [{ "ip_address": "198.51.100.7", "device_fingerprint": "ab:cd:ef:01:23", "os_family": "Linux" }],
    });
    server.session_with_evidence(evidence.clone()).await;
    let decision = server.session_with_evidence(evidence).await;
    let document = &decision["id_verifications"][0];
    assert_eq!(risks(document), ["POSSIBLE_DUPLICATED_USER"]);
    assert_eq!(
        document["matches"][0]["user_details"],
        json!({ "name": "Ana Silva", "document_type": "Passport", "document_number": "X-123 456" })
    );
    let device = &decision["ip_analyses"][0];
    assert_eq!(risks(device), ["DUPLICATED_DEVICE_FINGERPRINT", "DUPLICATED_IP_ADDRESS"]);
    let kinds: Vec<&Value> = device["matches"].as_array().unwrap().iter().map(|row| &row["match_type"]).collect();
    assert_eq!(kinds, ["device_fingerprint", "ip_address"]);
    assert_eq!(device["matches"][0]["device_info"]["os_family"], "Linux");
    server.stop().await;
});
