//! What an erasure does to lists and to proposals about them.

use serde_json::json;

use super::erasure::everywhere;
use crate::{
    db_test,
    harness::{text, trail},
};

db_test!(live_entries_stay_unless_asked, server => {
    let documents = server.system_list("document").await;
    let phones = server.system_list("phone").await;
    server.add(&phones, "+34600123987").await;
    let evidence = json!({ "id_verifications": [{ "document_type": "Passport", "document_number": "XDB987654", "full_name": "Lucia Fernandez" }] });
    let session = text(&server.session_with_evidence(evidence).await["session_id"]);
    let entry = json!({ "reference_session_id": session, "comment": "Forged" });
    server.client.post(&format!("/v3/lists/{documents}/entries/"), entry).await.ok(201);
    server.client.post("/x/subjects/erase/", json!({ "session_id": session })).await.ok(201);
    let entries = server.client.get(&format!("/v3/lists/{documents}/entries/")).await.ok(200);
    let row = &entries["results"][0];
    assert_eq!(json!([row["value"], row["comment"], row["metadata"], row["reference_session_id"]]),
        json!(["xdb987654", "Forged", null, session]));
    let screen = json!({ "values": [{ "entry_type": "document", "value": "XDB987654" }] });
    assert_eq!(server.client.post("/x/screen/", screen).await.ok(200)["verdict"], "block");
    server.stop().await;
});

db_test!(a_person_of_whom_there_is_only_a_record_is_looked_for, server => {
    let client = &server.client;
    for (kind, plural) in [("user", "users"), ("business", "businesses")] {
        let name = format!("alone-{kind}");
        let list = server.system_list(kind).await;
        client.post(&format!("/v3/{plural}/create/"), json!({ "vendor_data": name })).await.ok(201);
        let set = async |status: &str| {
            client.patch(&format!("/v3/{plural}/{name}/update-status/"), json!({ "status": status })).await.ok(200);
        };
        set("BLOCKED").await;
        let revision = &client.get(&format!("/x/lists/{list}/history/")).await.ok(200)["results"][0]["revision"];
        set("ACTIVE").await;
        set("BLOCKED").await;
        let change = json!({ "changes": [{ "op": "update", "value": name, "comment": "about them" }], "comment": "why" });
        let proposal = text(&client.post(&format!("/x/lists/{list}/proposals/"), change).await.ok(201)["uuid"]);
        client.post("/x/subjects/erase/", json!({ "vendor_data": name, "list_entries": true })).await.ok(201);
        assert_eq!(client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200)["count"], 0);
        let then = client.get(&format!("/x/lists/{list}/entries/?as_of={revision}")).await.ok(200);
        assert_eq!(then["results"][0]["value"], "[erased]");
        let proposal = client.get(&format!("/x/lists/{list}/proposals/{proposal}/")).await.ok(200);
        assert_eq!(json!([proposal["status"], proposal["comment"], proposal["changes"]]), json!(["withdrawn", "", []]));
        assert_eq!(everywhere(&server, &name), Vec::<String>::new());
    }
    assert_eq!(trail::number(&server, "SELECT count(*) FROM erasures WHERE about IS NOT NULL").await, 0);
    server.stop().await;
});

db_test!(values_that_stand_in_no_evidence_are_looked_for, server => {
    let client = &server.client;
    let (emails, phones) = (server.system_list("email").await, server.system_list("phone").await);
    let told = json!({ "vendor_data": "cust-lucia-77", "approved_emails": ["told@mail.example"], "approved_phones": ["+34600111222"] });
    client.post("/v3/users/create/", told).await.ok(201);
    let contact = json!({ "email": "contact@mail.example", "phone": "+34600123987" });
    server.session_with(json!({ "vendor_data": "cust-lucia-77", "contact_details": contact })).await;
    let (mut live, mut gone) = (Vec::new(), Vec::new());
    for (list, value, is_live) in [
        (&emails, "told@mail.example", true), (&phones, "+34600111222", false),
        (&emails, "contact@mail.example", false), (&phones, "+34600123987", true),
    ] {
        let entry = server.add(list, value).await;
        if is_live {
            live.push(value);
        } else {
            client.delete(&format!("/v3/lists/{list}/entries/{entry}/")).await.ok(204);
            gone.push(value);
        }
    }
    client.post("/x/subjects/erase/", json!({ "vendor_data": "cust-lucia-77", "list_entries": true })).await.ok(201);
    for value in live.into_iter().chain(gone) {
        assert_eq!(everywhere(&server, value), Vec::<String>::new(), "{value}");
    }
    for list in [&emails, &phones] {
        assert_eq!(client.get(&format!("/v3/lists/{list}/entries/")).await.ok(200)["count"], 0);
    }
    server.stop().await;
});

db_test!(a_corrected_number_is_looked_for_as_well, server => {
    let documents = server.system_list("document").await;
    for (number, list_entries) in [("XDB987654", true), ("XDB987655", false)] {
        let evidence = json!({ "id_verifications": [{ "document_type": "Passport", "document_number": number }] });
        let session = text(&server.session_with_evidence(evidence).await["session_id"]);
        let corrected = format!("{number}-2");
        let edit = json!({ "document_number": corrected });
        server.client.patch(&format!("/v3/session/{session}/update-data/"), edit).await.ok(200);
        for value in [number, &corrected] {
            let entry = server.add(&documents, value).await;
            if !list_entries {
                server.client.delete(&format!("/v3/lists/{documents}/entries/{entry}/")).await.ok(204);
            }
        }
        let body = json!({ "session_id": session, "list_entries": list_entries });
        let receipt = server.client.post("/x/subjects/erase/", body).await.ok(201);
        assert_eq!(receipt["removed"]["entry_versions"], 2, "{receipt}");
        for value in [number, &corrected, &corrected.to_lowercase()] {
            assert_eq!(everywhere(&server, value), Vec::<String>::new(), "{value}");
        }
    }
    assert_eq!(server.client.get(&format!("/v3/lists/{documents}/entries/")).await.ok(200)["count"], 0);
    server.stop().await;
});

db_test!(comments_of_a_proposal_about_something_else_go, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    let path = format!("/x/lists/{list}/proposals/");
    let propose = async |value: &str, comment: &str| {
        let body = json!({ "changes": [{ "op": "add", "value": value }], "comment": comment });
        text(&server.client.post(&path, body).await.ok(201)["uuid"])
    };
    let open = propose("a@else.example", "because of Lucia.Fernandez@mail.example").await;
    let ended = propose("b@else.example", "why").await;
    let note = json!({ "comment": "lucia.fernandez@mail.example asked" });
    server.client.post(&format!("{path}{ended}/withdraw/"), note).await.ok(200);
    let other = propose("c@else.example", "because of somebody@mail.example").await;
    let evidence = json!({ "email_verifications": [{ "email": "lucia.fernandez@mail.example" }] });
    let session = server.session_with_evidence(evidence).await["session_id"].clone();
    let receipt = server.client.post("/x/subjects/erase/", json!({ "session_id": session })).await.ok(201);
    assert_eq!(receipt["removed"]["proposals"], 2, "{receipt}");
    for (proposal, expected) in [
        (&open, json!(["open", "", null, 1])),
        (&ended, json!(["withdrawn", "", null, 1])),
        (&other, json!(["open", "because of somebody@mail.example", null, 1])),
    ] {
        let shown = server.client.get(&format!("{path}{proposal}/")).await.ok(200);
        let changes = shown["changes"].as_array().unwrap().len();
        assert_eq!(json!([shown["status"], shown["comment"], shown["decision_comment"], changes]), expected);
    }
    server.stop().await;
});

db_test!(expired_entries_are_as_good_as_removed, server => {
    let list = server.list("Mine", "blocklist", "email").await;
    let expiring = json!({ "value": "lucia.fernandez@mail.example", "comment": "comment about Lucia", "expires_at": "2026-01-01T00:00:00Z" });
    server.client.post(&format!("/v3/lists/{list}/entries/"), expiring).await.ok(201);
    server.add(&list, "other@mail.example").await;
    let evidence = json!({ "email_verifications": [{ "email": "lucia.fernandez@mail.example" }] });
    let session = server.session_with_evidence(evidence).await["session_id"].clone();
    let receipt = server.client.post("/x/subjects/erase/", json!({ "session_id": session })).await.ok(201);
    assert_eq!((&receipt["removed"]["entries"], &receipt["removed"]["entry_versions"]), (&json!(1), &json!(1)));
    let shown = server.client.get(&format!("/x/lists/{list}/entries/?with_expired=true")).await.ok(200);
    assert_eq!((&shown["count"], &shown["results"][0]["value"]), (&json!(1), &json!("other@mail.example")));
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 1);
    for text in ["lucia.fernandez@mail.example", "comment about Lucia"] {
        assert_eq!(everywhere(&server, text), Vec::<String>::new(), "{text}");
    }
    server.stop().await;
});

db_test!(erased_entries_stay_out_of_sight_and_are_never_brought_back, server => {
    let emails = server.list("Mine", "blocklist", "email").await;
    let entry = server.add(&emails, "lucia.fernandez@mail.example").await;
    server.add(&emails, "other@mail.example").await;
    let before = server.client.get(&format!("/x/lists/{emails}/history/")).await.ok(200)["results"][0]["revision"].clone();
    let evidence = json!({ "email_verifications": [{ "email": "Lucia.Fernandez@mail.example" }] });
    let session = text(&server.session_with_evidence(evidence).await["session_id"]);
    let body = json!({ "session_id": session, "list_entries": true });
    let receipt = server.client.post("/x/subjects/erase/", body).await.ok(201);
    assert_eq!((&receipt["removed"]["entries"], &receipt["removed"]["entry_versions"]), (&json!(1), &json!(1)));
    let list = server.client.get(&format!("/v3/lists/{emails}/")).await.ok(200);
    assert_eq!(list["entry_count"], 1);
    let history = server.client.get(&format!("/x/lists/{emails}/history/")).await.ok(200);
    assert_eq!(json!([history["results"][0]["kind"], history["results"][0]["removed"]]), json!(["entries.erased", 1]));
    let screen = json!({ "values": [{ "entry_type": "email", "value": "lucia.fernandez@mail.example" }] });
    assert_eq!(server.client.post("/x/screen/", screen).await.ok(200)["verdict"], "clear");
    let reverted = server.client.post(&format!("/x/lists/{emails}/revert/"), json!({ "to": before })).await.ok(200);
    assert_eq!(reverted["added"], 0, "{entry} does not come back");
    let export = format!("/x/lists/{emails}/entries/export/?format=ndjson&as_of={before}");
    let then = String::from_utf8(server.client.get(&export).await.bytes).unwrap();
    assert_eq!(then.lines().count(), 1);
    server.stop().await;
});
