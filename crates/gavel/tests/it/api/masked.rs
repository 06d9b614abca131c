//! Roles without personal data (Developer, Reader): what they may not see they cannot find out by asking for it.

use gavel_core::access::Role;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Client, Server, text, trail},
};

fn forbidden() -> Value {
    json!({ "detail": "You do not have permission to perform this action." })
}

/// Both roles.
async fn masked(server: &Server) -> [Client; 2] {
    [server.member("lea@acme.example", Role::Reader).await, server.member("bo@acme.example", Role::Developer).await]
}

db_test!(filters_over_what_is_hidden_are_refused, server => {
    server.user(json!({ "vendor_data": "ana@secret.example" })).await;
    let session = server.session_with(json!({ "vendor_data": "ana@secret.example" })).await;
    server.evidence(&session, json!({ "id_verifications": [{ "full_name": "Ana Secret", "document_type": "P" }] })).await;
    let list = server.system_list("email").await;
    server.add(&list, "bo@secret.example").await;
    let people = masked(&server).await;
    let officer = server.member("cleo@acme.example", Role::ComplianceOfficer).await;
    for path in [
        "/v3/sessions/?search=ana".to_owned(),
        "/v3/sessions/?vendor_data=ana@secret.example".into(),
        "/v3/sessions/?document_name=Passport".into(),
        "/v3/sessions/?document_type=P".into(),
        "/v3/sessions/?country=ESP".into(),
        "/v3/sessions/?region=Madrid".into(),
        "/v3/sessions/?screened_full_name=ana".into(),
        "/v3/sessions/?status=Approved&%73earch=ana".into(),
        "/v3/users/?search=ana".into(),
        "/v3/businesses/?search=ana".into(),
        "/v3/users/ana@secret.example/".into(),
        "/v3/users/nobody@secret.example/".into(),
        "/v3/businesses/nobody/".into(),
        format!("/v3/lists/{list}/entries/?search=bo"),
        format!("/x/lists/{list}/entries/?search=bo"),
        "/x/lists/lookup/?entry_type=email&value=bo@secret.example".into(),
        "/x/lists/lookup/?entry_type=email&value=nobody@secret.example".into(),
        "/x/audit/logs/?search=ana".into(),
    ] {
        let open = officer.get(&path).await;
        assert!(open.status == 200 || open.status == 404, "{path}: {}", open.body);
        for person in &people {
            person.get(&path).await.is(403, forbidden());
        }
    }
    // A person at another address of the same thing gets no further; nor by what is a POST, which they may not at all.
    let application = server.application().await;
    let alias = format!("/v3/organization/11111111-2222-4333-8444-555555555555/application/{application}");
    for person in &people {
        person.get(&format!("{alias}/sessions/?search=ana")).await.is(403, forbidden());
        let screen = json!({ "values": [{ "entry_type": "email", "value": "bo@secret.example" }] });
        person.post("/x/screen/", screen).await.is(403, forbidden());
    }
    server.stop().await;
});

db_test!(free_objects_are_null_in_decisions_and_feeds, server => {
    let free = || json!({ "ssn": 123_456_789, "source": "Ana Ruiz", "status": "married to Bob" });
    let decision = server.session_with_evidence(json!({
        "id_verifications": [{ "extra_fields": free() }],
        "poa_verifications": [{ "expected_details_parsed_address": free() }],
        "document_ai_documents": [{ "items": [{ "extracted_data": free(), "cross_check_result": free(), "fields": [free()] }] }],
        "aml_screenings": [{ "hits": [{
            "features": free(), "sanction_matches": [free()], "risk_view": { "crimes": free(), "custom_list": free() },
        }] }],
    })).await;
    let session = text(&decision["session_id"]);
    let more = json!({ "extra_fields": { "tax": 987_654_321, "type": "widow" } });
    server.client.patch(&format!("/v3/session/{session}/update-data/"), more).await.ok(200);
    let paths = [format!("/v3/session/{session}/decision/"), format!("/v3/sessions/{session}/reviews/")];
    for person in &masked(&server).await {
        for path in &paths {
            let shown = person.get(path).await.ok(200).to_string();
            for secret in ["123456789", "987654321", "Ana Ruiz", "married", "widow", "ssn", "tax"] {
                assert!(!shown.contains(secret), "{path} {secret}: {shown}");
            }
        }
        let shown = person.get(&paths[0]).await.ok(200);
        assert_eq!((&shown["id_verifications"][0]["extra_fields"], &shown["features"][0]), (&Value::Null, &decision["features"][0]));
    }
    server.stop().await;
});

db_test!(filters_over_what_is_shown_work, server => {
    let user = server.user(json!({ "vendor_data": "ana" })).await;
    let session = server.session_with(json!({ "vendor_data": "ana" })).await;
    server.evidence(&session, json!({ "email_verifications": [{ "email": "a@b.example" }] })).await;
    let (list, user) = (server.system_list("email").await, text(&user["didit_internal_id"]));
    for person in &masked(&server).await {
        for (query, count) in [
            ("status=Approved", 1), ("status=Declined", 0), ("limit=1&offset=0", 1), ("search=", 1), ("date_from=2000-01-01", 1),
            ("session_type=HOSTED", 1), ("warning=NOTHING", 0), ("is_kyc_to_be_reviewed=true", 0),
        ] {
            assert_eq!(person.get(&format!("/v3/sessions/?{query}")).await.ok(200)["count"], count, "{query}");
        }
        let of_user = person.get(&format!("/v3/sessions/?didit_internal_id={user}")).await.ok(200);
        assert_eq!((&of_user["count"], &of_user["results"][0]["vendor_data"]), (&json!(1), &json!("***")));
        assert_eq!(person.get("/v3/users/?status=ACTIVE").await.ok(200)["count"], 1);
        person.get(&format!("/x/users/{user}/")).await.ok(200);
        person.get(&format!("/x/lists/{list}/entries/?as_of=1&with_expired=true&ordering=-created_at")).await.ok(200);
        person.get(&format!("/v3/session/{session}/decision/?include=events")).await.ok(200);
        person.get("/x/audit/logs/?method=POST&status_code=201").await.ok(200);
        person.get("/v3/transactions/rules/?bundle=none&category=x&mode=ACTIVE&source=PRESET").await.ok(200);
    }
    // What somebody works on, they may search.
    server.member("dora@acme.example", Role::Developer).await.get("/v3/webhook/destinations/?search=x").await.ok(200);
    server.stop().await;
});

db_test!(whoever_may_not_see_values_may_check_the_trail, server => {
    server.session().await;
    trail::sealed(&server).await;
    for person in &masked(&server).await {
        trail::sealed(&server).await;
        for path in ["/x/audit/public-key/", "/x/audit/checkpoints/"] {
            let seen = person.get(path).await.ok(200).to_string();
            assert!(!seen.contains("***"), "{path}: {seen}");
        }
        let seen = person.get("/x/audit/events/").await.ok(200);
        let row = &seen["results"][0];
        assert!(row["hash"].is_string() && row["values"].is_null() && row["values_state"] == "masked", "{row}");
        assert!(!seen.to_string().contains("***"), "{seen}");
    }
    server.stop().await;
});

db_test!(names_are_for_those_who_mention, server => {
    server.account("zoe@acme.example", Role::Reader).await;
    let officer = server.member("cleo@acme.example", Role::ComplianceOfficer).await;
    server.client.post("/x/members/", json!({ "email": "invited@acme.example", "role": "Reader" })).await.ok(201);
    let other = server.another_application().await;
    server.account_in(other, "far@acme.example", Role::Owner).await;
    officer.get("/x/members/").await.is(403, forbidden());
    for client in [&officer, &server.client] {
        let page = client.get("/x/members/names/").await.ok(200);
        let emails: Vec<&str> = page["results"].as_array().unwrap().iter().map(|row| row["email"].as_str().unwrap()).collect();
        assert_eq!((&page["count"], emails), (&json!(2), vec!["cleo@acme.example", "zoe@acme.example"]));
        let mut keys: Vec<&String> = page["results"][0].as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["email", "name", "uuid"]);
        let second = client.get("/x/members/names/?limit=1&offset=1").await.ok(200);
        assert_eq!(second["results"][0]["email"], "zoe@acme.example");
    }
    for person in &masked(&server).await {
        person.get("/x/members/names/").await.is(403, forbidden());
    }
    server.stop().await;
});
