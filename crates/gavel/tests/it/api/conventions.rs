//! What holds for every call: addresses, order of checks, JSON, headers (contract, conventions §1, §4–§6, §10, §11).

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Answer, client::send, text},
};

fn not_found() -> Value {
    json!({ "detail": "Not found." })
}

fn is_syntax_error(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(text(&answer.body["detail"]).starts_with("JSON parse error - "), "{}", answer.body);
    assert_eq!(answer.body.as_object().unwrap().len(), 1);
}

/// A list's body around a name given as JSON text.
fn named(name: &str) -> String {
    format!(r#"{{"name":{name},"list_type":"custom","entry_type":"key"}}"#)
}

/// So many levels of nesting, the body itself included.
fn nested(levels: usize) -> String {
    let inner = levels - 1;
    format!(r#"{{"list_type":"custom","entry_type":"key","name":"deep","x":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
}

db_test!(checks_come_in_order, server => {
    let (client, bare) = (&server.client, server.client.without_key());
    let reader = server.client_with("lists:read").await;
    let forbidden = json!({ "detail": "You do not have permission to perform this action." });
    let plain = |client: &crate::harness::Client, method: Method, path: &str| client.request(method, path).header("content-type", "text/plain").body("x");
    let unknown = format!("/v3/lists/{}/", uuid::Uuid::new_v4());

    // 401 before 404 and 405.
    for path in ["/v3/nothing/", "/v3/lists/"] {
        assert_eq!(send(plain(&bare, Method::PUT, path)).await.status, 401);
    }
    // 404 of the path before 405, 405 before 403.
    send(plain(&reader, Method::PUT, "/v3/nothing/")).await.is(404, not_found());
    let not_allowed = send(plain(&reader, Method::PUT, "/v3/lists/")).await;
    not_allowed.is(405, json!({ "detail": "Method \"PUT\" not allowed." }));
    assert_eq!(not_allowed.header("allow"), "GET, HEAD, OPTIONS, POST");
    // 403 before 404 of the id, that before the body.
    send(plain(&reader, Method::PATCH, "/v3/lists/not-an-id/")).await.is(403, forbidden);
    send(plain(client, Method::PATCH, "/v3/lists/not-an-id/")).await.is(404, not_found());
    send(client.request(Method::PATCH, "/v3/lists/not-an-id/").body("x".repeat((1 << 20) + 1))).await.is(404, not_found());
    // The body before 404 of the object: size, then type, then syntax.
    let too_large = plain(client, Method::PATCH, &unknown).body("x".repeat((1 << 20) + 1));
    send(too_large).await.is(413, json!({ "detail": "Request body too large." }));
    send(plain(client, Method::PATCH, &unknown)).await.is(415, json!({ "detail": "Unsupported media type \"text/plain\" in request." }));
    is_syntax_error(&send(client.request(Method::PATCH, &unknown).body("{")).await);
    // 404 of the object before validation.
    client.patch(&unknown, json!({ "name": 5, "description": [] })).await.is(404, not_found());
    client.patch(&unknown, json!([])).await.is(404, not_found());
    server.stop().await;
});

db_test!(a_slash_at_the_end_is_optional_and_nothing_redirects, server => {
    let list = server.list("a", "custom", "key").await;
    for path in ["/v3/lists", "/v3/workflows", &format!("/v3/lists/{list}"), &format!("/v3/lists/{list}/entries")] {
        let with = server.client.get(&format!("{path}/")).await;
        let without = server.client.get(path).await;
        assert_eq!((with.status.as_u16(), with.bytes), (200, without.bytes), "{path}");
    }
    server.client.post("/v3/lists", json!({ "name": "b", "list_type": "custom", "entry_type": "key" })).await.ok(201);
    server.client.delete(&format!("/v3/lists/{list}")).await.ok(204);
    server.client.without_key().get("/system/healthcheck").await.ok(200);
    for path in ["/v3/lists//", "//v3/lists/", "/v3//lists/", "/v3/Lists/", "/v3/lists/x/y/z/"] {
        let answer = server.client.get(path).await;
        answer.is(404, not_found());
        assert_eq!(answer.header("content-type"), "application/json");
    }
    server.stop().await;
});

db_test!(segments_are_decoded_once, server => {
    let list = server.list("a", "custom", "key").await;
    for (path, status) in [
        ("/v3/%6Cists/".to_owned(), 200),
        (format!("/v3/lists/{}/", list.replace('-', "%2D")), 200),
        (format!("/v3/lists/{}/", list.replace('-', "%2d")), 200),
        ("/v3/%256Cists/".to_owned(), 404),
        ("/v3%2Flists/".to_owned(), 404),
        ("/v3/lists%2F".to_owned(), 404),
        ("/v3/lists/%zz/".to_owned(), 404),
        ("/v3/lists/%4".to_owned(), 404),
        ("/v3/lists/%ff/".to_owned(), 404),
        ("/v3/lists/%00/".to_owned(), 404),
        ("/v3/lists/%/".to_owned(), 404),
    ] {
        let answer = server.client.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        if status == 404 {
            answer.is(404, not_found());
        }
    }
    server.stop().await;
});

db_test!(an_id_in_a_path_is_a_uuid_in_any_case, server => {
    let list = server.list("a", "custom", "key").await;
    assert_eq!(server.client.get(&format!("/v3/lists/{}/", list.to_uppercase())).await.ok(200)["uuid"], list);
    for bad in [list.replace('-', ""), format!("{{{list}}}"), format!("urn:uuid:{list}"), format!("{list}0"), format!("%20{list}"), "x".into()] {
        server.client.get(&format!("/v3/lists/{bad}/")).await.is(404, not_found());
        server.client.delete(&format!("/v3/lists/{list}/entries/{bad}/")).await.is(404, not_found());
    }
    server.stop().await;
});

db_test!(head_answers_as_get_without_a_body, server => {
    let list = server.list("a", "custom", "key").await;
    for path in ["/v3/lists/", "/v3/workflows", &format!("/v3/lists/{list}/"), &format!("/v3/lists/{list}/entries/"), "/v3/lists/x/",
        "/v3/nothing/", "/system/healthcheck", "/v3/lists/?list_type=x"] {
        let get = server.client.get(path).await;
        let head = send(server.client.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.bytes.len()), (get.status, 0), "{path}");
        for name in ["content-type", "content-length", "cache-control", "x-content-type-options"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    assert_eq!(send(server.client.request(Method::HEAD, "/x/screen/")).await.status, 405);
    server.stop().await;
});

db_test!(options_says_what_is_allowed_without_a_key, server => {
    let bare = server.client.without_key();
    let unknown = uuid::Uuid::new_v4();
    for (path, allow) in [
        ("/v3/lists/".to_owned(), "GET, HEAD, OPTIONS, POST"),
        (format!("/v3/lists/{unknown}"), "DELETE, GET, HEAD, OPTIONS, PATCH"),
        (format!("/v3/lists/{unknown}/entries/{unknown}/"), "DELETE, OPTIONS"),
        ("/x/screen/".to_owned(), "OPTIONS, POST"),
        ("/system/healthcheck/".to_owned(), "GET, HEAD, OPTIONS"),
    ] {
        let answer = send(bare.request(Method::OPTIONS, &path)).await;
        assert_eq!((answer.status.as_u16(), answer.bytes.len(), answer.header("allow")), (204, 0, allow), "{path}");
    }
    assert_eq!(send(bare.request(Method::OPTIONS, "/v3/nothing/")).await.status, 404);
    let odd = Method::from_bytes(b"LIST").unwrap();
    send(server.client.request(odd, "/v3/lists/")).await.is(405, json!({ "detail": "Method \"LIST\" not allowed." }));
    server.stop().await;
});

db_test!(a_long_target_is_414, server => {
    let target = |bytes: usize| format!("/v3/lists/?x={}", "a".repeat(bytes - "/v3/lists/?x=".len()));
    assert_eq!(server.client.get(&target(8_192)).await.status, 200);
    let answer = server.client.without_key().get(&target(8_193)).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (414, "application/json"), "before the key is asked for");
    assert!(answer.body["detail"].is_string());
    assert_eq!(server.client.get(&target(60_000)).await.status, 414);
    server.stop().await;
});

db_test!(large_headers_are_431, server => {
    let with = |bytes: usize| server.client.request(Method::GET, "/v3/lists/").header("x-filler", "a".repeat(bytes));
    assert_eq!(send(with(32_000)).await.status, 200);
    for bytes in [33_000, 100_000] {
        let answer = send(with(bytes)).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (431, "application/json"));
    }
    let many = (0..120).fold(server.client.request(Method::GET, "/v3/lists/"), |request, n| request.header(format!("x-{n}"), "a".repeat(300)));
    assert_eq!(send(many).await.status, 431);
    server.stop().await;
});

db_test!(every_answer_carries_a_request_id, server => {
    let with = |id: &str| server.client.request(Method::GET, "/v3/lists/").header("x-request-id", id);
    for kept in ["abc-1._X", &"a".repeat(128)] {
        assert_eq!(send(with(kept)).await.header("x-request-id"), kept);
    }
    for replaced in ["", "a b", "a/b", "é", &"a".repeat(129)] {
        let answer = send(with(replaced)).await;
        let id = answer.header("x-request-id");
        assert!(id != replaced && uuid::Uuid::try_parse(id).is_ok(), "{replaced}: {id}");
    }
    for path in ["/v3/nothing/", "/nothing", "/system/healthcheck", "/v3/lists/%zz"] {
        assert_ne!(server.client.without_key().get(path).await.header("x-request-id"), "", "{path}");
    }
    server.stop().await;
});

db_test!(answers_are_json_and_not_stored, server => {
    let list = server.list("a", "custom", "key").await;
    for answer in [
        server.client.get("/v3/lists/").await,
        server.client.get("/v3/nothing/").await,
        server.client.without_key().get("/v3/lists/").await,
        server.client.post("/v3/lists/", json!({})).await,
        send(server.client.request(Method::PUT, "/v3/lists/")).await,
        server.client.get("/%763/lists/").await,
        server.client.delete(&format!("/v3/lists/{list}/")).await,
    ] {
        assert_eq!((answer.header("cache-control"), answer.header("x-content-type-options")), ("no-store", "nosniff"));
        let json = if answer.status == 204 { "" } else { "application/json" };
        assert_eq!(answer.header("content-type"), json);
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    server.stop().await;
});

db_test!(accept_is_ignored, server => {
    let request = server.client.request(Method::GET, "/v3/lists/").header("accept", "text/csv");
    assert_eq!(send(request).await.header("content-type"), "application/json");
    server.stop().await;
});

db_test!(json_comes_under_several_names, server => {
    for (n, content_type) in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json", ""].into_iter().enumerate() {
        let request = server.client.request(Method::POST, "/v3/lists/").body(named(&format!("\"{n}\"")));
        let request = if content_type.is_empty() { request } else { request.header("content-type", content_type) };
        assert_eq!(send(request).await.status, 201, "{content_type}");
    }
    for (sent, shown) in [("text/plain", "text/plain"), ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("multipart/form-data; boundary=x", "multipart/form-data"), ("text/json", "text/json"), ("application/jsonx", "application/jsonx")] {
        let request = server.client.request(Method::POST, "/v3/lists/").header("content-type", sent).body(named("\"x\""));
        send(request).await.is(415, json!({ "detail": format!("Unsupported media type \"{shown}\" in request.") }));
    }
    let empty = server.client.request(Method::POST, "/v3/lists/").header("content-type", "text/plain");
    assert_eq!(send(empty).await.status, 400, "no body has no type");
    server.stop().await;
});

db_test!(what_is_no_json_is_told_so, server => {
    for broken in [
        "{", "[1,]", "{'a':1}", "nul", "{\"a\":1}}", "{\"a\":01}", "{\"a\":1e999}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\u{1}\"}", "NaN",
        "{\"a\":\"\\x\"}", "// c\n{}", "\u{feff}{}", "{\"a\":.5}", "\"abc",
    ] {
        is_syntax_error(&server.client.post_text("/v3/lists/", broken).await);
    }
    for bytes in [&b"{\"name\":\"\xff\"}"[..], b"\xff\xfe{\0}\0", b"{\"name\":\"\xc3\x28\"}"] {
        let request = server.client.request(Method::POST, "/v3/lists/").header("content-type", "application/json").body(bytes);
        is_syntax_error(&send(request).await);
    }
    let secret = server.client.post_text("/v3/lists/", r#"{"name":"a secret value" oops}"#).await;
    is_syntax_error(&secret);
    assert!(!secret.body.to_string().contains("secret"), "the reason quotes nothing");
    for (sent, name) in [("[]", "list"), ("\"x\"", "str"), ("5", "int"), ("5.0", "float"), ("true", "bool"), ("null", "NoneType")] {
        let refused = json!({ "non_field_errors": [format!("Invalid data. Expected a dictionary, but got {name}.")] });
        server.client.post_text("/v3/lists/", sent).await.is(400, refused);
    }
    server.stop().await;
});

db_test!(nesting_ends_at_128_levels, server => {
    server.client.post_text("/v3/lists/", nested(128)).await.ok(201);
    is_syntax_error(&server.client.post_text("/v3/lists/", nested(129)).await);
    is_syntax_error(&server.client.post_text("/v3/lists/", "[".repeat(1_000_000)).await);
    // A value kept and shown again may be as deep.
    let path = format!("/v3/lists/{}/entries/", server.list("a", "custom", "key").await);
    let deep = |levels: usize| format!(r#"{{"value":"{levels}","metadata":{{"a":{}{}}}}}"#, "[".repeat(levels - 2), "]".repeat(levels - 2));
    server.client.post_text(&path, deep(128)).await.ok(201);
    is_syntax_error(&server.client.post_text(&path, deep(129)).await);
    // The whole answer is deeper than the reader of these tests goes.
    assert!(String::from_utf8(server.client.get(&path).await.bytes).unwrap().contains(&"[".repeat(126)));
    server.stop().await;
});

db_test!(the_last_of_repeated_members_counts, server => {
    let sent = r#"{"name":5,"name":["x"],"name":"last","list_type":"x","list_type":"custom","entry_type":"key"}"#;
    assert_eq!(server.client.post_text("/v3/lists/", sent).await.ok(201)["name"], "last");
    server.stop().await;
});

db_test!(a_body_has_a_megabyte, server => {
    let sized = |bytes: usize| format!("{}{}", named("\"sized\""), " ".repeat(bytes - named("\"sized\"").len()));
    server.client.post_text("/v3/lists/", sized(1 << 20)).await.ok(201);
    let too_large = json!({ "detail": "Request body too large." });
    server.client.post_text("/v3/lists/", sized((1 << 20) + 1)).await.is(413, too_large.clone());
    for _ in 0..5 {
        server.client.post_text("/v3/lists/", sized(10 << 20)).await.is(413, too_large.clone());
    }
    for (answer, status) in [
        (server.client.without_key().post_text("/v3/lists/", sized(10 << 20)).await, 401),
        (server.client.post_text("/v3/nothing/", sized(10 << 20)).await, 404),
        (server.client.post_text("/v3/lists/x/entries/", sized(10 << 20)).await, 404),
        (server.client.post_once("k", "/v3/lists/", json!({ "x": "a".repeat(10 << 20) })).await, 413),
    ] {
        assert_eq!(answer.status.as_u16(), status);
    }
    let streamed = futures_util::stream::iter((0..64).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 << 10])));
    let request = server.client.request(Method::POST, "/v3/lists/").body(reqwest::Body::wrap_stream(streamed));
    send(request).await.is(413, too_large);
    server.stop().await;
});

db_test!(a_body_of_get_and_delete_is_ignored, server => {
    let list = server.list("a", "custom", "key").await;
    let get = server.client.request(Method::GET, "/v3/lists/").header("content-type", "text/plain").body("{");
    assert_eq!(send(get).await.status, 200);
    let delete = server.client.request(Method::DELETE, &format!("/v3/lists/{list}/")).header("content-type", "text/plain").body("{");
    assert_eq!(send(delete).await.status, 204);
    server.stop().await;
});

db_test!(health_is_shown_to_everybody, server => {
    let answer = server.client.without_key().get("/system/healthcheck/").await;
    assert_eq!((answer.body["status"].clone(), text(&answer.body["timestamp"]).len()), (json!("ok"), 27));
    assert_eq!(answer.body.as_object().unwrap().len(), 2);
    server.client.with_key("wrong").get("/system/healthcheck").await.ok(200);
    server.stop().await;
});
