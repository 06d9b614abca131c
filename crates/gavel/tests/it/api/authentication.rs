//! Keys: how they are sent, what they may do, and what wrong ones get (contract, conventions §3).

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Answer, KEY, client::send},
};

fn missing() -> Value {
    json!({ "detail": "Authentication credentials were not provided." })
}

fn invalid() -> Value {
    json!({ "detail": "Invalid API key." })
}

fn forbidden() -> Value {
    json!({ "detail": "You do not have permission to perform this action." })
}

#[track_caller]
fn is_401(answer: &Answer, body: Value) {
    answer.is(401, body);
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

db_test!(a_key_comes_in_either_header, server => {
    let bare = server.client.without_key();
    let with = async |headers: &[(&str, String)]| {
        let request = headers.iter().fold(bare.request(Method::GET, "/v3/lists/"), |request, (name, value)| request.header(*name, value));
        send(request).await
    };
    for accepted in [
        vec![("x-api-key", KEY.to_owned())],
        vec![("X-API-KEY", format!("  {KEY}\t"))],
        vec![("authorization", format!("Bearer {KEY}"))],
        vec![("Authorization", format!("bEARER \t {KEY}"))],
        vec![("x-api-key", String::new()), ("authorization", format!("Bearer {KEY}"))],
        vec![("x-api-key", "  ".to_owned()), ("authorization", format!("Bearer {KEY}"))],
        vec![("x-api-key", KEY.to_owned()), ("authorization", "Bearer wrong".to_owned())],
    ] {
        assert_eq!(with(&accepted).await.status, 200, "{accepted:?}");
    }
    for nothing in [
        vec![],
        vec![("x-api-key", String::new())],
        vec![("authorization", String::new())],
        vec![("authorization", "Bearer".to_owned())],
        vec![("authorization", "Bearer ".to_owned())],
        vec![("authorization", format!("Basic {KEY}"))],
        vec![("authorization", format!("Token {KEY}"))],
        vec![("authorization", KEY.to_owned())],
    ] {
        is_401(&with(&nothing).await, missing());
    }
    is_401(&with(&[("x-api-key", "wrong".to_owned()), ("authorization", format!("Bearer {KEY}"))]).await, invalid());
    is_401(&with(&[("authorization", "Bearer wrong".to_owned())]).await, invalid());
    is_401(&with(&[("x-api-key", format!("{KEY} {KEY}"))]).await, invalid());
    is_401(&with(&[("x-api-key", KEY.to_uppercase())]).await, invalid());
    let bytes = reqwest::header::HeaderValue::from_bytes(b"\xff\xfe").unwrap();
    is_401(&send(bare.request(Method::GET, "/v3/lists/").header("x-api-key", bytes)).await, invalid());
    server.stop().await;
});

db_test!(every_path_under_the_api_needs_a_key_whether_it_exists_or_not, server => {
    let bare = server.client.without_key();
    for path in ["/v3/lists/", "/v3/lists", "/v3/nothing/", "/v3/", "/v3", "/x/nothing/", "/x/screen/", "/v3/lists/x/", "/v3//", "/v3/%zz/", "/%763/lists/", "/v%33/nothing/"] {
        is_401(&bare.get(path).await, missing());
        is_401(&bare.with_key("wrong").get(path).await, invalid());
        let head = send(bare.request(Method::HEAD, path)).await;
        assert_eq!((head.status.as_u16(), head.bytes.len()), (401, 0), "{path}");
    }
    for path in ["/", "/v3x/", "/V3/lists/", "/nothing", "/%zz", "/openapi"] {
        bare.get(path).await.is(404, json!({ "detail": "Not found." }));
    }
    server.client.get("/%763/lists/").await.ok(200);
    server.stop().await;
});

db_test!(a_key_ends_with_its_time_or_its_revocation, server => {
    let (client, _) = server.client_limited(&[], Some(server.app.clock.now().plus_seconds(60))).await;
    client.get("/v3/lists/").await.ok(200);
    server.app.clock.advance(61);
    is_401(&client.get("/v3/lists/").await, invalid());

    let (client, id) = server.client_limited(&[], None).await;
    client.get("/v3/lists/").await.ok(200);
    gavel::actions::keys::revoke(&server.app, id).await.unwrap();
    crate::harness::eventually("the revocation", || async { (client.get("/v3/lists/").await.status == 401).then_some(()) }).await;
    is_401(&client.get("/v3/lists/").await, invalid());
    server.stop().await;
});

db_test!(a_key_may_be_bound_to_addresses, server => {
    for (ranges, status) in [
        (&["127.0.0.1/32"][..], 200),
        (&["10.0.0.0/8", "127.0.0.0/8"], 200),
        (&["10.0.0.0/8"], 403),
        (&["::1/128"], 403),
    ] {
        let (client, _) = server.client_limited(ranges, None).await;
        let answer = client.get("/v3/lists/").await;
        assert_eq!(answer.status.as_u16(), status, "{ranges:?}");
        if status == 403 {
            answer.is(403, forbidden());
            client.get("/v3/nothing/").await.is(404, json!({ "detail": "Not found." }));
            let spoofed = client.request(Method::GET, "/v3/lists/").header("x-forwarded-for", "10.0.0.1");
            send(spoofed).await.is(403, forbidden());
        }
    }
    server.stop().await;
});

db_test!(scopes_open_reads_and_writes_by_resource, server => {
    let list = server.system_list("email").await;
    let screen = json!({ "values": [] });
    let entry = json!({ "value": "a@example.com" });
    for (scopes, reads, writes, screens, sessions) in [
        ("full", 200, 201, 200, 200),
        ("lists:write", 200, 400, 200, 403),
        ("lists:read", 200, 403, 403, 403),
        ("lists:none", 403, 403, 403, 403),
        ("sessions:write", 403, 403, 403, 200),
        ("sessions:read,lists:read", 200, 403, 403, 200),
    ] {
        let client = server.client_with(scopes).await;
        let statuses = [
            client.get("/v3/lists/").await,
            client.post(&format!("/v3/lists/{list}/entries/"), entry.clone()).await,
            client.post("/x/screen/", screen.clone()).await,
            client.get("/v3/sessions/").await,
        ]
        .map(|answer| {
            if answer.status == 403 {
                answer.is(403, forbidden());
            }
            answer.status.as_u16()
        });
        // The second full write meets the first one's entry: 400, not 403.
        assert_eq!(statuses, [reads, writes, screens, sessions], "{scopes}");
    }
    server.stop().await;
});

db_test!(too_many_wrong_keys_are_held_back_and_right_ones_are_not, server => {
    let (bare, wrong) = (server.client.without_key(), server.client.with_key("wrong"));
    for _ in 0..70 {
        is_401(&bare.get("/v3/lists/").await, missing());
    }
    for n in 0..60 {
        let answer = wrong.with_key(&format!("wrong {n}")).get("/v3/lists/").await;
        is_401(&answer, invalid());
    }
    let held = wrong.get("/v3/lists/").await;
    assert_eq!(held.status, 429);
    let wait: u64 = held.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(held.body, json!({ "detail": format!("Too many failed authentication attempts. Expected available in {wait} seconds.") }));
    assert_eq!(held.header("www-authenticate"), "");
    assert_eq!(wrong.get("/v3/nothing/").await.status, 429);
    is_401(&bare.get("/v3/lists/").await, missing());
    server.client.get("/v3/lists/").await.ok(200);
    bare.get("/system/healthcheck").await.ok(200);
    server.app.clock.advance(61);
    is_401(&wrong.get("/v3/lists/").await, invalid());
    server.stop().await;
});

db_test!(a_revoked_or_expired_key_counts_as_wrong, server => {
    let (client, _) = server.client_limited(&[], Some(server.app.clock.now().plus_seconds(-1))).await;
    for _ in 0..60 {
        is_401(&client.get("/v3/lists/").await, invalid());
    }
    assert_eq!(client.get("/v3/lists/").await.status, 429);
    server.stop().await;
});
