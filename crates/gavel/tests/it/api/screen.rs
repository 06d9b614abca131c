//! `/x/screen/`: what the lists say about values, without a session.

use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Server, shown, text},
};

fn email(value: &str) -> Value {
    json!({ "entry_type": "email", "value": value })
}

async fn screen(server: &Server, values: Value) -> Value {
    server.client.post("/x/screen/", json!({ "values": values })).await.ok(200)
}

db_test!(a_hit_explains_itself, server => {
    let list = server.system_list("email").await;
    let sent = json!({ "value": "Bad@example.com", "comment": "chargeback", "expires_at": "2999-01-01T00:00:00Z" });
    let entry = server.client.post(&format!("/v3/lists/{list}/entries/"), sent).await.ok(201);
    let answer = screen(&server, json!([email("good@example.com"), email(" BAD@example.com"), { "entry_type": "phone", "value": "12" }])).await;
    assert_eq!((&answer["hits"][0]["list_uuid"], &answer["hits"][0]["entry"]["uuid"]), (&json!(list), &entry["uuid"]));
    assert_eq!(answer["hits"][0]["entry"]["created_at"], entry["created_at"]);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&answer), @r#"
        {
          "lists_revision": 2,
          "evaluated_at": "[time]",
          "verdict": "block",
          "hits": [
            {
              "index": 1,
              "entry_type": "email",
              "value": " BAD@example.com",
              "normalised": "bad@example.com",
              "list_uuid": "[uuid]",
              "list_type": "blocklist",
              "comparison": "equal",
              "held": false,
              "muted_by": null,
              "entry": {
                "uuid": "[uuid]",
                "value": "bad@example.com",
                "comment": "chargeback",
                "added_by": "api",
                "created_at": "[time]",
                "expires_at": "[time]"
              }
            }
          ],
          "invalid": [
            {
              "index": 2,
              "entry_type": "phone",
              "value": "12",
              "reason": "Enter a valid international phone number."
            }
          ]
        }
        "#);
    }
    server.stop().await;
});

db_test!(the_verdict_follows_the_strictest_list, server => {
    for (list_type, name) in [("allowlist", "friends"), ("custom", "watched"), ("blocklist", "foes")] {
        let list = server.list(name, list_type, "email").await;
        server.add(&list, "all@example.com").await;
        server.add(&list, &format!("{name}@example.com")).await;
    }
    for (value, verdict, hits) in [
        ("nobody@example.com", "clear", 0),
        ("watched@example.com", "clear", 1),
        ("friends@example.com", "allow", 1),
        ("foes@example.com", "block", 1),
        ("all@example.com", "block", 3),
    ] {
        let answer = screen(&server, json!([email(value)])).await;
        assert_eq!((&answer["verdict"], answer["hits"].as_array().unwrap().len()), (&json!(verdict), hits), "{value}");
    }
    let all = screen(&server, json!([email("all@example.com"), email("friends@example.com")])).await;
    let hits = all["hits"].as_array().unwrap();
    let blocking = hits.iter().find(|hit| hit["list_type"] == "blocklist").unwrap();
    for hit in hits {
        let muted = hit["index"] == 0 && hit["list_type"] == "allowlist";
        assert_eq!(hit["muted_by"], if muted { blocking["entry"]["uuid"].clone() } else { Value::Null });
    }
    assert_eq!(screen(&server, json!([])).await["verdict"], "clear");
    server.stop().await;
});

db_test!(only_the_lists_named_are_asked, server => {
    let (block, allow) = (server.system_list("email").await, server.list("friends", "allowlist", "email").await);
    server.add(&block, "a@example.com").await;
    server.add(&allow, "a@example.com").await;
    let stranger = server.foreign_client().await;
    let theirs = text(&stranger.get("/v3/lists/?entry_type=email").await.ok(200)["results"][0]["uuid"]);
    stranger.post(&format!("/v3/lists/{theirs}/entries/"), json!({ "value": "b@example.com" })).await.ok(201);
    for (lists, verdict) in [
        (json!(null), "block"),
        (json!([block, allow]), "block"),
        (json!([allow.to_uppercase()]), "allow"),
        (json!([]), "clear"),
        (json!([theirs, uuid::Uuid::new_v4()]), "clear"),
    ] {
        let values = json!([email("a@example.com"), email("b@example.com")]);
        let answer = server.client.post("/x/screen/", json!({ "values": values, "lists": lists })).await.ok(200);
        assert_eq!(answer["verdict"], verdict, "{lists}");
    }
    server.stop().await;
});

db_test!(addresses_are_found_in_ranges, server => {
    let list = server.system_list("ip_address").await;
    for range in ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "192.0.2.1"] {
        server.add(&list, range).await;
    }
    for (address, matched) in [
        ("10.1.2.3", vec!["10.0.0.0/8 cidr", "10.1.0.0/16 cidr"]),
        ("10.1.0.0/16", vec!["10.0.0.0/8 cidr", "10.1.0.0/16 equal"]),
        ("10.0.0.0/7", vec![]),
        ("::ffff:10.9.9.9", vec!["10.0.0.0/8 cidr"]),
        ("2001:db8:1::1", vec!["2001:db8::/32 cidr"]),
        ("192.0.2.1/32", vec!["192.0.2.1 equal"]),
        ("11.0.0.1", vec![]),
    ] {
        let answer = screen(&server, json!([{ "entry_type": "ip_address", "value": address }])).await;
        let hits = answer["hits"].as_array().unwrap();
        let mut found: Vec<String> =
            hits.iter().map(|hit| format!("{} {}", text(&hit["entry"]["value"]), text(&hit["comparison"]))).collect();
        found.sort();
        assert_eq!(found, matched, "{address}");
    }
    server.stop().await;
});

db_test!(ended_and_removed_entries_do_not_hit, server => {
    let list = server.system_list("email").await;
    let expires_at = server.app.clock.now().plus_seconds(60);
    server.client.post(&format!("/v3/lists/{list}/entries/"), json!({ "value": "a@example.com", "expires_at": expires_at })).await.ok(201);
    let removed = server.add(&list, "b@example.com").await;
    let values = json!([email("a@example.com"), email("b@example.com")]);
    assert_eq!(screen(&server, values.clone()).await["hits"].as_array().unwrap().len(), 2);
    server.client.delete(&format!("/v3/lists/{list}/entries/{removed}/")).await.ok(204);
    server.app.clock.advance(61);
    assert_eq!(screen(&server, values).await["verdict"], "clear");
    server.stop().await;
});

db_test!(a_thousand_values_are_answered_each, server => {
    let list = server.system_list("email").await;
    let all: Vec<Value> = (0..1_000).map(|n| email(&format!("user{n}@example.com"))).collect();
    // More hits than one look into the store takes at once.
    futures_util::future::join_all((0..700).map(|n| {
        let (client, path) = (server.client.clone(), format!("/v3/lists/{list}/entries/"));
        async move { client.post(&path, json!({ "value": format!("user{n}@example.com") })).await.ok(201) }
    }))
    .await;
    let answer = screen(&server, json!(all)).await;
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!((hits.len(), &answer["invalid"]), (700, &json!([])));
    for hit in hits {
        assert_eq!(hit["normalised"], hit["entry"]["value"], "each with its own entry");
        assert_eq!(hit["value"], format!("user{}@example.com", hit["index"]));
    }
    let same = screen(&server, json!(vec![email("user1@example.com"); 1_000])).await;
    assert_eq!(same["hits"].as_array().unwrap().len(), 1_000);
    let more = vec![email("a@example.com"); 1_001];
    let refused = json!({ "values": ["Ensure this field has no more than 1000 elements."] });
    server.client.post("/x/screen/", json!({ "values": more })).await.is(400, refused);
    server.stop().await;
});

db_test!(an_answer_pins_revision_and_time, server => {
    let list = server.system_list("email").await;
    server.add(&list, "a@example.com").await;
    let values = || json!([email("a@example.com"), email("bad")]);
    let (first, second) = (screen(&server, values()).await, screen(&server, values()).await);
    assert_eq!(first["lists_revision"], second["lists_revision"]);
    assert!(text(&first["evaluated_at"]) < text(&second["evaluated_at"]));
    let mut later = second;
    later["evaluated_at"] = first["evaluated_at"].clone();
    assert_eq!(first.to_string(), later.to_string(), "nothing else differs");
    server.add(&list, "b@example.com").await;
    assert_eq!(screen(&server, values()).await["lists_revision"].as_u64().unwrap(), first["lists_revision"].as_u64().unwrap() + 1);
    server.stop().await;
});

db_test!(values_no_list_would_take_are_invalid_and_no_error, server => {
    let answer = screen(&server, json!([
        email(""), email(&"a".repeat(1_025)), { "entry_type": "country", "value": "XX" }, { "entry_type": "key", "value": 5 }
    ])).await;
    let reasons: Vec<_> = answer["invalid"].as_array().unwrap().iter().map(|invalid| (invalid["index"].clone(), text(&invalid["reason"]))).collect();
    assert_eq!(reasons, [
        (json!(0), "This field may not be blank.".to_owned()),
        (json!(1), "Ensure this field has no more than 1024 characters.".to_owned()),
        (json!(2), "Enter a valid ISO 3166-1 alpha-2 or alpha-3 country code.".to_owned()),
    ]);
    server.stop().await;
});

db_test!(a_question_of_another_shape_is_refused, server => {
    for (sent, refused) in [
        (json!({}), json!({ "values": ["This field is required."] })),
        (json!({ "values": null }), json!({ "values": ["This field may not be null."] })),
        (json!({ "values": {} }), json!({ "values": ["Expected a list of items but got type \"dict\"."] })),
        (
            json!({ "values": [email("a@example.com"), { "entry_type": "mail" }, 5], "lists": ["x"] }),
            json!({
                "values": [{}, { "entry_type": ["\"mail\" is not a valid choice."], "value": ["This field is required."] },
                    { "non_field_errors": ["Invalid data. Expected a dictionary, but got int."] }],
                "lists": { "0": ["Must be a valid UUID."] },
            }),
        ),
    ] {
        server.client.post("/x/screen/", sent).await.is(400, refused);
    }
    server.stop().await;
});

db_test!(another_applications_lists_are_not_asked, server => {
    server.add(&server.system_list("email").await, "a@example.com").await;
    let stranger = server.foreign_client().await;
    let answer = stranger.post("/x/screen/", json!({ "values": [email("a@example.com")] })).await.ok(200);
    assert_eq!((&answer["verdict"], &answer["hits"]), (&json!("clear"), &json!([])));
    server.stop().await;
});
