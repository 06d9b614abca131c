//! Lists: what they look like, how they are found, and what they refuse (contract, lists §1–§3).

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Answer, shown, text},
};

fn names(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|list| list["name"].as_str().unwrap()).collect()
}

fn body(name: &str) -> Value {
    json!({ "name": name, "list_type": "custom", "entry_type": "email" })
}

const NOT_FOUND: &str = "Not found.";

#[track_caller]
fn is_missing(answer: &Answer) {
    answer.is(404, json!({ "detail": NOT_FOUND }));
}

db_test!(a_new_list_is_shown_as_made, server => {
    let made = server.client.post("/v3/lists/", json!({
        "name": " \u{2003}Office networks\n ", "description": " Egress ranges ", "list_type": "allowlist", "entry_type": "ip_address",
        "is_system": true, "entry_count": 7, "anything": []
    })).await.ok(201);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&made), @r#"
        {
          "uuid": "[uuid]",
          "name": "Office networks",
          "description": " Egress ranges ",
          "list_type": "allowlist",
          "entry_type": "ip_address",
          "is_system": false,
          "entry_count": 0,
          "last_entry_added_at": null,
          "created_at": "[time]",
          "updated_at": "[time]"
        }
        "#);
    }
    assert_eq!(made["created_at"], made["updated_at"]);
    let path = format!("/v3/lists/{}/", text(&made["uuid"]));
    server.client.get(&path).await.is(200, made.clone());
    server.client.get(&path.to_uppercase().replace("/V3/LISTS/", "/v3/lists/")).await.is(200, made);
    server.stop().await;
});

db_test!(a_description_may_be_left_out_or_null, server => {
    assert_eq!(server.client.post("/v3/lists/", body("a")).await.ok(201)["description"], "");
    let null = json!({ "name": "b", "description": null, "list_type": "custom", "entry_type": "key" });
    assert_eq!(server.client.post("/v3/lists/", null).await.ok(201)["description"], "");
    server.stop().await;
});

db_test!(every_kind_and_type_can_be_made, server => {
    let types = ["face", "document", "phone", "email", "ip_address", "device_fingerprint", "wallet_address", "bank_account",
        "country", "user", "business", "key"];
    for list_type in ["blocklist", "allowlist", "custom"] {
        for entry_type in types {
            server.list(&format!("{list_type} {entry_type}"), list_type, entry_type).await;
        }
    }
    assert_eq!(server.client.get("/v3/lists/").await.ok(200)["count"], 11 + 36);
    server.stop().await;
});

db_test!(all_bad_fields_are_reported_together, server => {
    let required = json!(["This field is required."]);
    let refused = server.client.post("/v3/lists/", json!({})).await;
    refused.is(400, json!({ "name": required, "list_type": required, "entry_type": required }));
    server.client.post_text("/v3/lists/", "").await.is(400, refused.body);
    let sent = json!({ "name": "  ", "description": {}, "list_type": "Blocklist", "entry_type": 5 });
    server.client.post("/v3/lists/", sent).await.is(400, json!({
        "name": ["This field may not be blank."],
        "description": ["Not a valid string."],
        "list_type": ["\"Blocklist\" is not a valid choice."],
        "entry_type": ["\"5\" is not a valid choice."],
    }));
    let sent = json!({ "name": null, "description": "a\u{0}b", "list_type": null, "entry_type": ["email"] });
    server.client.post("/v3/lists/", sent).await.is(400, json!({
        "name": ["This field may not be null."],
        "description": ["Null characters are not allowed."],
        "list_type": ["This field may not be null."],
        "entry_type": ["\"[\"email\"]\" is not a valid choice."],
    }));
    assert_eq!(server.client.get("/v3/lists/").await.ok(200)["count"], 11, "nothing was made");
    server.stop().await;
});

db_test!(texts_are_counted_in_characters, server => {
    let longest = json!({ "name": format!(" {} ", "é".repeat(255)), "description": "😀".repeat(2_000), "list_type": "custom", "entry_type": "key" });
    let made = server.client.post("/v3/lists/", longest).await.ok(201);
    assert_eq!(text(&made["description"]).chars().count(), 2_000);
    let longer = json!({ "name": "é".repeat(256), "description": "😀".repeat(2_001), "list_type": "custom", "entry_type": "key" });
    let refused = json!({
        "name": ["Ensure this field has no more than 255 characters."],
        "description": ["Ensure this field has no more than 2000 characters."],
    });
    server.client.post("/v3/lists/", longer.clone()).await.is(400, refused.clone());
    server.client.patch(&format!("/v3/lists/{}/", text(&made["uuid"])), longer).await.is(400, refused);
    server.stop().await;
});

db_test!(a_number_as_name_is_its_text, server => {
    let made = server.client.post_text("/v3/lists/", r#"{"name":1.50,"list_type":"custom","entry_type":"key"}"#).await.ok(201);
    assert_eq!(made["name"], "1.50");
    let refused = server.client.post_text("/v3/lists/", r#"{"name":true,"list_type":"custom","entry_type":"key"}"#).await;
    refused.is(400, json!({ "name": ["Not a valid string."] }));
    server.stop().await;
});

db_test!(a_name_holds_no_control_characters, server => {
    server.client.post("/v3/lists/", body("a\u{0}b")).await.is(400, json!({ "name": ["Null characters are not allowed."] }));
    for bad in ["a\u{7}b", "two\nlines", "a\u{85}b", "\u{1b}[31m"] {
        let refused = json!({ "name": ["Control characters are not allowed."] });
        server.client.post("/v3/lists/", body(bad)).await.is(400, refused);
    }
    server.stop().await;
});

db_test!(a_name_is_unique_among_live_lists_exactly_as_written, server => {
    let taken = json!({ "name": ["A list with this name already exists."] });
    let id = server.list("Fraud ring", "blocklist", "email").await;
    server.client.post("/v3/lists/", body(" Fraud ring ")).await.is(400, taken.clone());
    server.client.post("/v3/lists/", body("Email Blocklist")).await.is(400, taken.clone());
    let other = server.list("fraud ring", "blocklist", "email").await;
    server.client.patch(&format!("/v3/lists/{other}/"), json!({ "name": "Fraud ring" })).await.is(400, taken.clone());
    server.client.patch(&format!("/v3/lists/{other}/"), json!({ "name": "High Risk Countries" })).await.is(400, taken);
    server.client.patch(&format!("/v3/lists/{other}/"), json!({ "name": "fraud ring" })).await.ok(200);

    server.client.delete(&format!("/v3/lists/{id}/")).await.ok(204);
    server.client.patch(&format!("/v3/lists/{other}/"), json!({ "name": "Fraud ring" })).await.ok(200);
    server.list("fraud ring", "custom", "phone").await;
    server.stop().await;
});

db_test!(of_lists_made_at_once_under_one_name_one_is_made, server => {
    let answers = join_all((0..12).map(|_| server.client.post("/v3/lists/", body("Race")))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.is(400, json!({ "name": ["A list with this name already exists."] }));
    }
    server.stop().await;
});

db_test!(of_lists_renamed_at_once_one_gets_the_name, server => {
    let mut paths = Vec::new();
    for n in 0..8 {
        paths.push(format!("/v3/lists/{}/", server.list(&format!("list {n}"), "custom", "key").await));
    }
    let answers = join_all(paths.iter().map(|path| server.client.patch(path, json!({ "name": "Wanted" })))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.is(400, json!({ "name": ["A list with this name already exists."] }));
    }
    server.stop().await;
});

db_test!(changes_of_different_fields_at_once_are_both_kept, server => {
    let path = format!("/v3/lists/{}/", server.list("before", "custom", "key").await);
    for n in 0..6 {
        let (name, description) = (format!("name {n}"), format!("description {n}"));
        let (a, b) = (json!({ "name": name }), json!({ "description": description }));
        let (a, b) = tokio::join!(server.client.patch(&path, a), server.client.patch(&path, b));
        assert_eq!((a.status.as_u16(), b.status.as_u16()), (200, 200));
        let list = server.client.get(&path).await.ok(200);
        assert_eq!((text(&list["name"]), text(&list["description"])), (name, description));
    }
    server.stop().await;
});

db_test!(an_application_starts_with_its_system_lists, server => {
    let page = server.client.get("/v3/lists/?ordering=created_at").await.ok(200);
    let newest_first = ["High Risk Countries", "Business Blocklist", "User Blocklist", "Bank Account Blocklist", "Wallet Address Blocklist",
        "Device Fingerprint Blocklist", "IP Address Blocklist", "Email Blocklist", "Phone Blocklist", "Document Blocklist", "Face Blocklist"];
    assert_eq!(names(&page), newest_first, "made at one instant: the newest is the one made last");
    assert_eq!(names(&server.client.get("/v3/lists/").await.ok(200)), newest_first);
    assert_eq!((&page["count"], &page["next"], &page["previous"]), (&json!(11), &Value::Null, &Value::Null));
    for list in page["results"].as_array().unwrap() {
        assert_eq!((&list["is_system"], &list["entry_count"], &list["last_entry_added_at"]), (&json!(true), &json!(0), &Value::Null));
        assert_ne!(list["description"], "");
        let high_risk = list["name"] == "High Risk Countries";
        assert_eq!(list["list_type"], if high_risk { "custom" } else { "blocklist" });
    }
    server.stop().await;
});

db_test!(a_system_list_cannot_be_changed_or_deleted, server => {
    let path = format!("/v3/lists/{}/", server.system_list("email").await);
    let before = server.client.get(&path).await.ok(200);
    for sent in [json!({}), json!({ "name": "Mine" }), json!({ "name": 5, "description": [] }), json!([])] {
        server.client.patch(&path, sent).await.is(400, json!({ "detail": "System lists cannot be modified." }));
    }
    server.client.delete(&path).await.is(400, json!({ "detail": "System lists cannot be deleted." }));
    server.client.get(&path).await.is(200, before);
    server.stop().await;
});

db_test!(a_change_touches_name_and_description_alone, server => {
    let id = server.list("Before", "custom", "email").await;
    let path = format!("/v3/lists/{id}/");
    let before = server.client.get(&path).await.ok(200);
    server.app.clock.advance(5);
    let after = server.client.patch(&path, json!({
        "name": " After ", "list_type": "blocklist", "entry_type": "nonsense", "is_system": true, "uuid": 5
    })).await.ok(200);
    assert_eq!((&after["name"], &after["description"], &after["list_type"]), (&json!("After"), &json!(""), &json!("custom")));
    assert_eq!((&after["entry_type"], &after["is_system"], &after["uuid"]), (&json!("email"), &json!(false), &before["uuid"]));
    assert_eq!(after["created_at"], before["created_at"]);
    assert!(text(&after["updated_at"]) > text(&before["updated_at"]));
    server.client.get(&path).await.is(200, after);

    let described = server.client.patch(&path, json!({ "description": " new " })).await.ok(200);
    assert_eq!((&described["name"], &described["description"]), (&json!("After"), &json!(" new ")));
    assert_eq!(server.client.patch(&path, json!({})).await.ok(200)["description"], " new ");
    assert_eq!(server.client.patch(&path, json!({ "description": null })).await.ok(200)["description"], "");
    for (sent, refused) in [
        (json!({ "name": null }), json!({ "name": ["This field may not be null."] })),
        (json!({ "name": "" }), json!({ "name": ["This field may not be blank."] })),
        (json!({ "name": [], "description": true }), json!({ "name": ["Not a valid string."], "description": ["Not a valid string."] })),
        (json!([]), json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] })),
    ] {
        server.client.patch(&path, sent).await.is(400, refused);
    }
    assert_eq!(server.client.get(&path).await.ok(200)["name"], "After");
    server.stop().await;
});

db_test!(filters_narrow_the_page_and_its_count, server => {
    server.list("mine", "allowlist", "email").await;
    let page = server.client.get("/v3/lists/?entry_type=email").await.ok(200);
    assert_eq!(names(&page), ["mine", "Email Blocklist"]);
    assert_eq!(page["count"], 2);
    assert_eq!(names(&server.client.get("/v3/lists/?entry_type=email&list_type=allowlist").await.ok(200)), ["mine"]);
    assert_eq!(names(&server.client.get("/v3/lists/?list_type=custom").await.ok(200)), ["High Risk Countries"]);
    for (query, count) in [
        ("is_system=true", 11), ("is_system=YES", 11), ("is_system=1", 11), ("is_system=false", 1), ("is_system=0", 1), ("is_system=No", 1),
        ("is_system=maybe", 12), ("is_system=", 12), ("list_type=&entry_type=", 12), ("unknown=1", 12),
        ("list_type=custom&list_type=allowlist", 1), ("list_type=allowlist&list_type=", 12),
    ] {
        assert_eq!(server.client.get(&format!("/v3/lists/?{query}")).await.ok(200)["count"], count, "{query}");
    }
    for (query, refused) in [
        ("list_type=x", json!({ "list_type": ["Select a valid choice. x is not one of the available choices."] })),
        ("entry_type=Email", json!({ "entry_type": ["Select a valid choice. Email is not one of the available choices."] })),
        ("list_type=a%20%22b", json!({ "list_type": ["Select a valid choice. a \"b is not one of the available choices."] })),
    ] {
        server.client.get(&format!("/v3/lists/?{query}")).await.is(400, refused);
    }
    server.stop().await;
});

db_test!(lists_are_ordered_as_asked, server => {
    let mut ids = Vec::new();
    for name in ["one", "two", "none"] {
        ids.push(server.list(name, "allowlist", "email").await);
        server.app.clock.advance(1);
    }
    for (list, value) in [(&ids[1], "a@example.com"), (&ids[1], "b@example.com"), (&ids[0], "a@example.com")] {
        server.add(list, value).await;
        server.app.clock.advance(1);
    }
    for (ordering, expected) in [
        ("", ["none", "two", "one"]),
        ("-created_at", ["none", "two", "one"]),
        ("created_at", ["one", "two", "none"]),
        ("entry_count", ["none", "one", "two"]),
        ("-entry_count", ["two", "one", "none"]),
        // Never filled comes last both ways.
        ("last_entry_added_at", ["two", "one", "none"]),
        ("-last_entry_added_at", ["one", "two", "none"]),
        ("name,-nothing,created_at", ["one", "two", "none"]),
        ("name", ["none", "two", "one"]),
        ("%20entry_count%20,created_at", ["none", "one", "two"]),
        ("--created_at", ["none", "two", "one"]),
    ] {
        let page = server.client.get(&format!("/v3/lists/?list_type=allowlist&ordering={ordering}")).await.ok(200);
        assert_eq!(names(&page), expected, "{ordering}");
    }
    server.stop().await;
});

db_test!(additions_and_removals_move_count_and_times, server => {
    let list = server.list("Counted", "custom", "email").await;
    let path = format!("/v3/lists/{list}/");
    server.app.clock.advance(10);
    let first = server.add(&list, "a@example.com").await;
    let one = server.client.get(&path).await.ok(200);
    let entry = &server.client.get(&format!("{path}entries/")).await.ok(200)["results"][0];
    assert_eq!(one["entry_count"], 1);
    assert_eq!((&one["last_entry_added_at"], &one["updated_at"]), (&entry["created_at"], &entry["created_at"]));
    server.app.clock.advance(10);
    server.client.delete(&format!("{path}entries/{first}/")).await.ok(204);
    let none = server.client.get(&path).await.ok(200);
    assert_eq!((&none["entry_count"], &none["last_entry_added_at"]), (&json!(0), &one["last_entry_added_at"]));
    assert!(text(&none["updated_at"]) > text(&one["updated_at"]));
    server.stop().await;
});

db_test!(a_deleted_list_is_gone_with_its_entries, server => {
    let list = server.list("Gone", "blocklist", "email").await;
    let entry = server.add(&list, "a@example.com").await;
    let path = format!("/v3/lists/{list}/");
    let answer = server.client.delete(&path).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.as_slice(), answer.header("content-type")), (204, &b""[..], ""));
    for missing in [
        server.client.get(&path).await,
        server.client.patch(&path, json!({ "name": "" })).await,
        server.client.delete(&path).await,
        server.client.get(&format!("{path}entries/")).await,
        server.client.post(&format!("{path}entries/"), json!({ "value": "bad" })).await,
        server.client.delete(&format!("{path}entries/{entry}/")).await,
    ] {
        is_missing(&missing);
    }
    assert_eq!(server.client.get("/v3/lists/").await.ok(200)["count"], 11);
    let decision = server.session_with_evidence(json!({ "email_verifications": [{ "email": "a@example.com" }] })).await;
    assert_eq!(decision["status"], "Approved", "its entries stop matching");
    server.stop().await;
});

db_test!(lists_of_another_application_do_not_exist, server => {
    let stranger = server.foreign_client().await;
    let list = server.list("Mine", "custom", "email").await;
    let entry = server.add(&list, "a@example.com").await;
    let path = format!("/v3/lists/{list}/");
    for missing in [
        stranger.get(&path).await,
        stranger.patch(&path, json!({ "name": "Theirs" })).await,
        stranger.delete(&path).await,
        stranger.get(&format!("{path}entries/")).await,
        stranger.post(&format!("{path}entries/"), json!({ "value": "b@example.com" })).await,
        stranger.delete(&format!("{path}entries/{entry}/")).await,
    ] {
        is_missing(&missing);
    }
    let theirs = stranger.get("/v3/lists/").await.ok(200);
    assert_eq!(theirs["count"], 11);
    assert!(!theirs.to_string().contains("Mine"));
    stranger.post("/v3/lists/", body("Mine")).await.ok(201);
    assert_eq!(server.client.get(&path).await.ok(200)["entry_count"], 1);
    server.stop().await;
});
