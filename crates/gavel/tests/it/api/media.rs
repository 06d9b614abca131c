//! `/x/media/` and the links files are fetched by (contract, conventions §12).

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    db_test,
    harness::{Answer, Engine, Server, client::send, shown, text},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

async fn upload(server: &Server, content: impl Into<reqwest::Body>) -> Answer {
    send(server.client.request(Method::POST, "/x/media/").body(content)).await
}

/// The path and query of a link of this server.
fn local(server: &Server, url: &Value) -> String {
    text(url).strip_prefix(&server.url()).unwrap().to_owned()
}

/// Sends a form of a text and, under this name, a file.
async fn upload_form(server: &Server, name: &str, content: &[u8]) -> Answer {
    let text = "--b\r\nContent-Disposition: form-data; name=\"comment\"\r\n\r\nfirst\r\n";
    let file = format!(
        "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"../../x.exe\"\r\nContent-Type: application/x-msdownload\r\n\r\n"
    );
    let body = [text.as_bytes(), file.as_bytes(), content, b"\r\n--b--\r\n"].concat();
    send(server.client.request(Method::POST, "/x/media/").header("content-type", "multipart/form-data; boundary=b").body(body))
        .await
}

db_test!(a_file_goes_in_by_key_and_out_by_link, server => {
    let stored = upload(&server, PNG).await.ok(201);
    let url = local(&server, &stored["url"]);
    let mut without_link = stored.clone();
    without_link["url"] = json!(url.split_once('?').unwrap().0.rsplit_once('/').unwrap().0);
    insta::allow_duplicates! {
        insta::assert_snapshot!(shown(&without_link), @r#"
        {
          "uuid": "[uuid]",
          "content_type": "image/png",
          "size": 12,
          "sha256": "f02a830cf03a1cf756c0461481db682bc9254a5a399f847494d33850c3ff7156",
          "url": "/media"
        }
        "#);
    }
    let got = server.client.without_key().get(&url).await;
    assert_eq!((got.status.as_u16(), got.bytes.as_slice(), got.header("content-type")), (200, PNG, "image/png"));
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert!(got.header("content-security-policy").contains("sandbox"));
    let head = send(server.client.without_key().request(Method::HEAD, &url)).await;
    assert_eq!((head.status.as_u16(), head.bytes.len(), head.header("content-type")), (200, 0, "image/png"));
    server.stop().await;
});

db_test!(the_content_says_what_a_file_is, server => {
    for (content, content_type) in [
        (&b"\xff\xd8\xff\xe0jpeg"[..], "image/jpeg"),
        (PNG, "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"II*\0tiff", "image/tiff"),
        (b"MM\0*tiff", "image/tiff"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"\x1a\x45\xdf\xa3webm", "video/webm"),
    ] {
        let called = server.client.request(Method::POST, "/x/media/").header("content-type", "text/html").body(content);
        assert_eq!(send(called).await.ok(201)["content_type"], content_type);
    }
    let refused = json!({ "file": ["Unsupported file. Send JPEG, PNG, WebP, TIFF, PDF, MP4 or WebM."] });
    for content in [&b""[..], b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", b"GIF89a", b"RIFF\0\0\0\0WAVE", b"{}", b"\x89PNG"] {
        let called = server.client.request(Method::POST, "/x/media/").header("content-type", "image/png").body(content);
        send(called).await.is(400, refused.clone());
    }
    server.stop().await;
});

db_test!(a_form_brings_one_file, server => {
    let stored = upload_form(&server, "file", PNG).await.ok(201);
    assert_eq!((&stored["content_type"], &stored["size"]), (&json!("image/png"), &json!(12)));
    upload_form(&server, "other", PNG).await.is(400, json!({ "file": ["No file was submitted."] }));
    let broken = server.client.request(Method::POST, "/x/media/").header("content-type", "multipart/form-data").body(PNG);
    assert_eq!(send(broken).await.status, 400);
    let cut = server.client.request(Method::POST, "/x/media/").header("content-type", "multipart/form-data; boundary=b").body("--b\r\n");
    assert_eq!(send(cut).await.status, 400);
    server.stop().await;
});

/// Small, so that the border can be tried on both sides.
const LIMIT: usize = 100_000;

async fn the_largest_file_is_as_large_as_configured(engine: Engine) {
    let Some(server) = Server::start_with(engine, |settings| settings.media_max_bytes = Some(LIMIT)).await else { return };
    let sized = |size: usize| [PNG, &vec![0; size - PNG.len()]].concat();
    let too_large = json!({ "detail": "Request body too large." });
    assert_eq!(upload(&server, sized(LIMIT)).await.ok(201)["size"], LIMIT);
    upload(&server, sized(LIMIT + 1)).await.is(413, too_large.clone());
    upload(&server, sized(LIMIT * 3)).await.is(413, too_large.clone());
    assert_eq!(upload_form(&server, "file", &sized(LIMIT)).await.ok(201)["size"], LIMIT, "the form around it does not count");
    upload_form(&server, "file", &sized(LIMIT + 1)).await.is(413, too_large.clone());
    upload_form(&server, "file", &sized(LIMIT * 3)).await.is(413, too_large);
    server.stop().await;
}

#[tokio::test]
async fn the_largest_file_is_as_large_as_configured_sqlite() {
    the_largest_file_is_as_large_as_configured(Engine::Sqlite).await;
}

#[tokio::test]
async fn the_largest_file_is_as_large_as_configured_postgres() {
    the_largest_file_is_as_large_as_configured(Engine::Postgres).await;
}

db_test!(twenty_megabytes_by_default, server => {
    let sized = |size: usize| [PNG, &vec![0; size - PNG.len()]].concat();
    upload(&server, sized(20 << 20)).await.ok(201);
    upload(&server, sized((20 << 20) + 1)).await.is(413, json!({ "detail": "Request body too large." }));
    server.stop().await;
});

db_test!(a_link_works_for_an_hour, server => {
    let url = local(&server, &upload(&server, PNG).await.ok(201)["url"]);
    let bare = server.client.without_key();
    server.app.clock.advance(3_590);
    assert_eq!(bare.get(&url).await.status, 200);
    server.app.clock.advance(20);
    let refused = json!({ "detail": "Link expired or invalid." });
    bare.get(&url).await.is(403, refused.clone());
    server.client.get(&url).await.is(403, refused);
    server.stop().await;
});

db_test!(an_altered_link_does_not_work, server => {
    let (one, two) = (upload(&server, PNG).await.ok(201), upload(&server, PNG).await.ok(201));
    let url = local(&server, &one["url"]);
    let (path, query) = url.split_once('?').unwrap();
    let (expires, signature) = query.split_once('&').unwrap();
    let expires = expires.strip_prefix("expires=").unwrap();
    let refused = json!({ "detail": "Link expired or invalid." });
    for altered in [
        path.to_owned(),
        format!("{path}?expires={expires}"),
        format!("{path}?{signature}"),
        format!("{path}?expires={}1&{signature}", expires),
        format!("{path}?expires={}&{signature}", expires.parse::<i64>().unwrap() + 1),
        format!("{path}?expires=%2B{expires}&{signature}"),
        format!("{url}x"),
        format!("{}?{query}", path.replace(&text(&one["uuid"]), &text(&two["uuid"]))),
        format!("{}?{query}", path.replace(&text(&one["uuid"]), &uuid::Uuid::new_v4().to_string())),
    ] {
        server.client.without_key().get(&altered).await.is(403, refused.clone());
    }
    for path in ["/media/x", "/media/", "/media", "/media/9b0f0d3a1f0e4a538a532d1c6b7e9f10"] {
        server.client.without_key().get(path).await.is(404, json!({ "detail": "Not found." }));
    }
    server.stop().await;
});

db_test!(a_deleted_file_is_not_found, server => {
    let front = upload(&server, PNG).await.ok(201);
    let session = server.session().await;
    let evidence = json!({ "id_verifications": [{ "document_number": "AB1", "front_image": format!("media:{}", text(&front["uuid"])) }] });
    server.evidence(&session, evidence).await;
    let url = local(&server, &front["url"]);
    assert_eq!(server.client.without_key().get(&url).await.status, 200);
    server.client.delete(&format!("/v3/session/{session}/delete/")).await.ok(204);
    server.client.without_key().get(&url).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});

db_test!(a_file_belongs_to_its_application, server => {
    let stranger = server.foreign_client().await;
    let stored = send(stranger.request(Method::POST, "/x/media/").body(PNG)).await.ok(201);
    let session = server.session().await;
    let evidence = json!({ "id_verifications": [{ "document_number": "AB1", "front_image": format!("media:{}", text(&stored["uuid"])) }] });
    assert_eq!(server.client.post(&format!("/x/sessions/{session}/evidence/"), evidence).await.status, 400);
    server.stop().await;
});

db_test!(uploading_takes_the_sessions_scope, server => {
    let send_as = async |scopes: &str| {
        let client = server.client_with(scopes).await;
        send(client.request(Method::POST, "/x/media/").body(PNG)).await
    };
    send_as("lists:write,sessions:read").await.is(403, json!({ "detail": "You do not have permission to perform this action." }));
    send_as("sessions:write").await.ok(201);
    server.stop().await;
});

db_test!(a_file_goes_with_the_last_session_that_shows_it, server => {
    let file = text(&upload(&server, PNG).await.ok(201)["uuid"]);
    let evidence = json!({ "id_verifications": [{ "document_type": "Passport", "front_image": format!("media:{file}") }] });
    let (first, second) = (server.session_with_evidence(evidence.clone()).await, server.session_with_evidence(evidence).await);
    let link = text(&second["id_verifications"][0]["front_image"]);
    let path = link.strip_prefix(&server.url()).unwrap();
    let open = server.client.without_key();
    server.client.delete(&format!("/v3/session/{}/delete/", text(&first["session_id"]))).await.ok(204);
    assert_eq!(open.get(path).await.status, 200, "the other session still shows it");
    server.client.delete(&format!("/v3/session/{}/delete/", text(&second["session_id"]))).await.ok(204);
    open.get(path).await.is(404, json!({ "detail": "Not found." }));
    server.stop().await;
});
