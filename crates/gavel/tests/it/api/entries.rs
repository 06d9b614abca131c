//! Entries typed in: what is accepted, what is refused, and when they end (contract, lists §4, §5, §8). From sessions:
//! [`super::entries_from_sessions`].

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, shown, text},
};

fn values(page: &Value) -> Vec<&str> {
    page["results"].as_array().unwrap().iter().map(|entry| entry["value"].as_str().unwrap()).collect()
}

fn path(list: &str) -> String {
    format!("/v3/lists/{list}/entries/")
}

fn refused(text: &str) -> Value {
    json!({ "value": [text] })
}

const EXISTS: &str = "This value already exists in the list.";

db_test!(a_new_entry_is_shown_normalised, server => {
    let list = server.system_list("phone").await;
    let made = server.client.post(&path(&list), json!({ "value": " +1 (415) 555-2671 ", "comment": " Reported as fraud\n" })).await.ok(201);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&made), @r#"
        {
          "uuid": "[uuid]",
          "value": "+14155552671",
          "display_label": "",
          "comment": " Reported as fraud\n",
          "added_by": "api",
          "reference_session_id": null,
          "reference_session_number": null,
          "reference_object_uuid": null,
          "metadata": null,
          "created_at": "[time]"
        }
        "#);
    }
    server.client.get(&path(&list)).await.is(200, json!({ "count": 1, "next": null, "previous": null, "results": [made] }));
    server.stop().await;
});

db_test!(everything_sent_beside_the_value_is_kept, server => {
    let list = server.list("all", "custom", "user").await;
    let object = "9B0F0D3A-1F0E-4A53-8A53-2D1C6B7E9F10";
    let sent = json!({
        "value": "Customer-7", "display_label": " Ana \u{7}", "comment": "ünï\u{1}", "reference_object_uuid": object,
        "metadata": { "reference_type": "vendor_user", "n": 1.50, "deep": [[{ "a": null }]], "": "\u{0}" },
        "reference_session_id": null, "expires_at": "2999-01-01T00:00:00", "unknown": 1, "added_by": "me"
    });
    let made = server.client.post(&path(&list), sent).await.ok(201);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&made), @r#"
        {
          "uuid": "[uuid]",
          "value": "customer-7",
          "display_label": " Ana \u0007",
          "comment": "ünï\u0001",
          "added_by": "api",
          "reference_session_id": null,
          "reference_session_number": null,
          "reference_object_uuid": "[uuid]",
          "metadata": {
            "reference_type": "vendor_user",
            "n": 1.5,
            "deep": [
              [
                {
                  "a": null
                }
              ]
            ],
            "": "\u0000"
          },
          "created_at": "[time]"
        }
        "#);
    }
    assert_eq!(made["reference_object_uuid"], object.to_lowercase());
    assert_eq!(server.client.get(&path(&list)).await.ok(200)["results"][0], made);
    let nulls = json!({ "value": "b", "display_label": null, "comment": null, "metadata": null, "reference_object_uuid": null, "expires_at": null });
    let made = server.client.post(&path(&list), nulls).await.ok(201);
    assert_eq!((&made["display_label"], &made["comment"], &made["metadata"]), (&json!(""), &json!(""), &Value::Null));
    server.stop().await;
});

db_test!(values_are_stored_in_one_form_per_type, server => {
    for (entry_type, sent, stored) in [
        ("email", " Ana@BÜCHER.example", "ana@bücher.example"),
        ("ip_address", "10.1.2.3/8", "10.0.0.0/8"),
        ("ip_address", "10.1.2.3/024", "10.1.2.0/24"),
        ("ip_address", "::ffff:192.0.2.1", "192.0.2.1"),
        ("ip_address", "2001:DB8:0:0::1/128", "2001:db8::1"),
        ("ip_address", "0.0.0.0/0", "0.0.0.0/0"),
        ("device_fingerprint", "AB:CD:EF:01:23", "ab:cd:ef:01:23"),
        ("country", "es", "ESP"),
        ("country", "xk", "XKX"),
        ("document", "X-123 456/7", "x-123 456/7"),
        ("bank_account", "GB82 WEST 1234 5698 7654 32", "gb82 west 1234 5698 7654 32"),
        ("wallet_address", "0xABCdef", "0xabcdef"),
        ("wallet_address", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
        ("face", "Not-A-Face", "not-a-face"),
        ("key", "\u{2003}Cafe\u{301} ", "café"),
    ] {
        let list = server.list(&format!("{entry_type} {sent}"), "custom", entry_type).await;
        let made = server.client.post(&path(&list), json!({ "value": sent })).await.ok(201);
        assert_eq!(made["value"], stored, "{entry_type} {sent}");
    }
    server.stop().await;
});

db_test!(a_value_of_another_form_is_refused, server => {
    let fingerprint = "Device fingerprint must have at least 8 letters or digits and may contain only letters, digits, '-', '_', ':' and '.'.";
    let country = "Enter a valid ISO 3166-1 alpha-2 or alpha-3 country code.";
    for (entry_type, sent, text) in [
        ("phone", "415 555 2671", "Enter a valid international phone number."),
        ("phone", "+1 415", "Enter a valid international phone number."),
        ("email", "ana@localhost", "Enter a valid email address."),
        ("email", "a b@example.com", "Enter a valid email address."),
        ("ip_address", "10.0.0.256", "Enter a valid IP address or CIDR range."),
        ("ip_address", "10.0.0.0/33", "Enter a valid IP address or CIDR range."),
        ("ip_address", "fe80::1%eth0", "Enter a valid IP address or CIDR range."),
        ("device_fingerprint", "abc-1234", fingerprint),
        ("device_fingerprint", "abcdefgh!", fingerprint),
        ("country", "XX", country),
        ("country", "Spain", country),
    ] {
        let list = server.list(&format!("{entry_type} {sent}"), "custom", entry_type).await;
        server.client.post(&path(&list), json!({ "value": sent })).await.is(400, refused(text));
        assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 0);
    }
    server.stop().await;
});

db_test!(a_value_is_needed_and_has_limits, server => {
    let list = server.list("keys", "custom", "key").await;
    let needed = "This field is required unless reference_session_id is provided.";
    server.client.post(&path(&list), json!({})).await.is(400, refused(needed));
    server.client.post(&path(&list), json!({ "value": null, "reference_session_id": null })).await.is(400, refused(needed));
    for blank in ["", " \u{2003}\n"] {
        server.client.post(&path(&list), json!({ "value": blank })).await.is(400, refused("This field may not be blank."));
    }
    server.client.post(&path(&list), json!({ "value": ["a"] })).await.is(400, refused("Not a valid string."));
    server.client.post(&path(&list), json!({ "value": "a\u{0}" })).await.is(400, refused("Null characters are not allowed."));
    let longer = json!({ "value": "a".repeat(1_025) });
    server.client.post(&path(&list), longer).await.is(400, refused("Ensure this field has no more than 1024 characters."));
    // Four bytes each: longer than an index row of PostgreSQL could be.
    let longest = json!({ "value": format!("  {} ", "😀".repeat(1_024)) });
    server.client.post(&path(&list), longest.clone()).await.ok(201);
    server.client.post(&path(&list), longest).await.is(400, refused(EXISTS));
    let number = server.client.post_text(&path(&list), r#"{"value": 1e2}"#).await.ok(201);
    assert_eq!(number["value"], "1e2");
    server.stop().await;
});

db_test!(bad_fields_are_reported_together_before_the_value_is_read, server => {
    let list = server.list("emails", "custom", "email").await;
    let sent = json!({
        "value": "not an address", "reference_session_id": "x", "reference_object_uuid": 7, "display_label": "l".repeat(256),
        "comment": "c".repeat(10_001), "metadata": [], "expires_at": "tomorrow"
    });
    server.client.post(&path(&list), sent).await.is(400, json!({
        "reference_session_id": ["Must be a valid UUID."],
        "reference_object_uuid": ["Must be a valid UUID."],
        "display_label": ["Ensure this field has no more than 255 characters."],
        "comment": ["Ensure this field has no more than 10000 characters."],
        "metadata": ["Metadata must be a JSON object."],
        "expires_at": ["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."],
    }));
    let longest = json!({ "value": "a@example.com", "display_label": "ü".repeat(255), "comment": "ü".repeat(10_000) });
    server.client.post(&path(&list), longest).await.ok(201);
    server.client.post(&path(&list), json!([])).await.is(400, json!({
        "non_field_errors": ["Invalid data. Expected a dictionary, but got list."]
    }));
    server.stop().await;
});

db_test!(metadata_is_measured_in_compact_utf8, server => {
    let list = server.list("keys", "custom", "key").await;
    let spelled = |bytes: usize| format!(r#"{{ "value": "{bytes}", "metadata" : {{ "é"  : "{}" }} }}"#, "a".repeat(bytes - r#"{"é":""}"#.len()));
    server.client.post_text(&path(&list), spelled(16_384)).await.ok(201);
    let answer = server.client.post_text(&path(&list), spelled(16_385)).await;
    answer.is(400, json!({ "metadata": ["Ensure this field has no more than 16384 bytes."] }));
    for bad in ["\"{}\"", "5", "true"] {
        let answer = server.client.post_text(&path(&list), format!(r#"{{"value":"x","metadata":{bad}}}"#)).await;
        answer.is(400, json!({ "metadata": ["Metadata must be a JSON object."] }));
    }
    server.stop().await;
});

db_test!(one_match_key_is_one_entry_of_a_list, server => {
    let list = server.list("documents", "custom", "document").await;
    server.add(&list, "X-123 456/7").await;
    let before = server.client.get(&format!("/v3/lists/{list}/")).await.ok(200);
    for same in ["x1234567", "X 12.34-56 7", "X-123 456/7"] {
        server.client.post(&path(&list), json!({ "value": same })).await.is(400, refused(EXISTS));
    }
    server.client.get(&format!("/v3/lists/{list}/")).await.is(200, before);
    let other = server.list("more documents", "custom", "document").await;
    server.add(&other, "x1234567").await;
    let emails = server.list("emails", "custom", "email").await;
    server.add(&emails, "a@bücher.example").await;
    server.client.post(&path(&emails), json!({ "value": "A@xn--bcher-kva.example" })).await.is(400, refused(EXISTS));
    server.stop().await;
});

db_test!(of_one_value_sent_at_once_one_is_added, server => {
    let list = server.system_list("email").await;
    let sent = |n: usize| json!({ "value": if n.is_multiple_of(2) { "Race@example.com" } else { " race@example.com" } });
    let entries = path(&list);
    let answers = join_all((0..16).map(|n| server.client.post(&entries, sent(n)))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for late in answers.iter().filter(|answer| answer.status != 201) {
        late.is(400, refused(EXISTS));
    }
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 1);
    server.stop().await;
});

db_test!(entries_come_newest_first_or_as_asked, server => {
    let list = server.list("keys", "custom", "key").await;
    for value in ["a", "b", "c"] {
        server.add(&list, value).await;
    }
    for (ordering, expected) in [
        ("", ["c", "b", "a"]),
        ("-created_at", ["c", "b", "a"]),
        ("created_at", ["a", "b", "c"]),
        ("value,created_at", ["a", "b", "c"]),
        ("value", ["c", "b", "a"]),
        ("-created_at,created_at", ["c", "b", "a"]),
    ] {
        assert_eq!(values(&server.client.get(&format!("{}?ordering={ordering}", path(&list))).await.ok(200)), expected, "{ordering}");
    }
    server.stop().await;
});

db_test!(search_finds_parts_of_value_and_label, server => {
    let list = server.list("keys", "custom", "key").await;
    for (value, label) in [("100%_sure", ""), ("100 sure", "Überfall"), (r"back\slash", "Two Words"), ("other", "100 ΜΑΡΙΑΣΟΥ")] {
        server.client.post(&path(&list), json!({ "value": value, "display_label": label, "comment": "sure" })).await.ok(201);
    }
    for (search, expected) in [
        ("", vec!["other", r"back\slash", "100 sure", "100%_sure"]),
        ("100", vec!["other", "100 sure", "100%_sure"]),
        ("%25", vec!["100%_sure"]),
        ("_", vec!["100%_sure"]),
        ("%5C", vec![r"back\slash"]),
        ("SURE", vec!["100 sure", "100%_sure"]),
        ("ΜΑΡΙΑΣ", vec!["other"]),
        ("%C3%9CBER", vec!["100 sure"]),
        ("two+words", vec![r"back\slash"]),
        ("two%20words", vec![r"back\slash"]),
        ("100%20sure%00", vec![]),
        ("'%20OR%201=1", vec![]),
        ("%FF", vec![]),
    ] {
        let page = server.client.get(&format!("{}?search={search}", path(&list))).await.ok(200);
        assert_eq!(values(&page), expected, "{search}");
        assert_eq!(page["count"], expected.len(), "{search}");
    }
    server.stop().await;
});

db_test!(a_deleted_entry_is_gone_and_its_value_free, server => {
    let list = server.system_list("email").await;
    let other = server.list("other", "custom", "email").await;
    let entry = server.add(&list, "a@example.com").await;
    let not_found = json!({ "detail": "Not found." });
    server.client.delete(&format!("{}{entry}/", path(&other))).await.is(404, not_found.clone());
    server.client.delete(&format!("{}{}/", path(&list), uuid::Uuid::new_v4())).await.is(404, not_found.clone());
    server.client.delete(&format!("{}x/", path(&list))).await.is(404, not_found.clone());
    let answer = server.client.delete(&format!("{}{}/", path(&list), entry.to_uppercase())).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (204, 0));
    server.client.delete(&format!("{}{entry}/", path(&list))).await.is(404, not_found);
    assert_eq!(server.client.get(&path(&list)).await.ok(200)["count"], 0);
    assert_ne!(server.add(&list, "a@example.com").await, entry);
    server.stop().await;
});

db_test!(of_two_deletions_at_once_one_finds_the_entry, server => {
    let list = server.system_list("email").await;
    let entry = server.add(&list, "a@example.com").await;
    server.add(&list, "b@example.com").await;
    let one = format!("{}{entry}/", path(&list));
    let answers = join_all((0..6).map(|_| server.client.delete(&one))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 404).count(), 5);
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 1);
    server.stop().await;
});

db_test!(there_is_no_look_at_one_entry_and_no_change, server => {
    let list = server.system_list("email").await;
    let entry = format!("{}{}/", path(&list), server.add(&list, "a@example.com").await);
    for (answer, method) in [
        (server.client.get(&entry).await, "GET"),
        (server.client.patch(&entry, json!({})).await, "PATCH"),
        (server.client.post(&entry, json!({})).await, "POST"),
    ] {
        answer.is(405, json!({ "detail": format!("Method \"{method}\" not allowed.") }));
        assert_eq!(answer.header("allow"), "DELETE, OPTIONS");
    }
    server.stop().await;
});

/// A minute from now, as a client would write it.
fn in_a_minute(server: &Server) -> Value {
    json!(server.app.clock.now().plus_seconds(60))
}

db_test!(an_entry_ends_at_its_expiry_without_a_write, server => {
    let list = server.system_list("email").await;
    let evidence = json!({ "email_verifications": [{ "email": "a@example.com" }] });
    let sent = json!({ "value": "a@example.com", "expires_at": in_a_minute(&server) });
    let made = server.client.post(&path(&list), sent.clone()).await.ok(201);
    assert!(made.get("expires_at").is_none());
    server.client.post(&path(&list), sent).await.is(400, refused(EXISTS));
    assert_eq!(server.session_with_evidence(evidence.clone()).await["status"], "Declined");

    server.app.clock.advance(61);
    assert_eq!(server.session_with_evidence(evidence.clone()).await["status"], "Approved");
    assert_eq!(server.client.get(&path(&list)).await.ok(200)["count"], 0);
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 0);
    let count = |page: &Value| page["results"].as_array().unwrap().iter().find(|l| l["uuid"] == list.as_str()).unwrap()["entry_count"].clone();
    assert_eq!(count(&server.client.get("/v3/lists/?ordering=-entry_count").await.ok(200)), 0);
    let gone = server.client.delete(&format!("{}{}/", path(&list), text(&made["uuid"]))).await;
    gone.is(404, json!({ "detail": "Not found." }));

    server.add(&list, "A@example.com").await;
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 1);
    assert_eq!(server.session_with_evidence(evidence).await["status"], "Declined");
    server.stop().await;
});

db_test!(an_expiry_in_the_past_adds_an_entry_that_has_ended, server => {
    let list = server.system_list("email").await;
    let sent = json!({ "value": "a@example.com", "expires_at": "2001-02-03T04:05:06+01:00" });
    server.client.post(&path(&list), sent.clone()).await.ok(201);
    assert_eq!(server.client.get(&path(&list)).await.ok(200)["count"], 0);
    server.client.post(&path(&list), sent).await.ok(201);
    assert_eq!(server.client.get(&format!("/v3/lists/{list}/")).await.ok(200)["entry_count"], 0);
    server.stop().await;
});

db_test!(a_refused_addition_leaves_no_trace, server => {
    let list = server.system_list("email").await;
    let before = server.client.get(&format!("/v3/lists/{list}/")).await.ok(200);
    let revision = |answer: Value| answer["lists_revision"].as_u64().unwrap();
    let screened = || server.client.post("/x/screen/", json!({ "values": [] }));
    let first = revision(screened().await.ok(200));
    for sent in [json!({}), json!({ "value": "bad" }), json!({ "value": "a@example.com", "metadata": 5 })] {
        server.client.post(&path(&list), sent).await.ok(400);
    }
    assert_eq!(revision(screened().await.ok(200)), first);
    server.client.get(&format!("/v3/lists/{list}/")).await.is(200, before);
    server.stop().await;
});
