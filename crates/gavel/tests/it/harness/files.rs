//! Files of other systems: sent as a form, and waited for.

use reqwest::Method;
use serde_json::Value;

use super::{Answer, Client, client::send, eventually, text};

/// Sends a form with these fields and, unless its name is empty, this file.
pub async fn send_form(client: &Client, fields: &[(&str, &str)], name: &str, content: impl AsRef<[u8]>) -> Answer {
    let mut body = Vec::new();
    for (field, value) in fields {
        body.extend(format!("--b\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").into_bytes());
    }
    if !name.is_empty() {
        let head =
            format!("--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: x/y\r\n\r\n");
        body.extend(head.into_bytes());
        body.extend(content.as_ref());
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    let request = client.request(Method::POST, "/v3/session/imports/");
    send(request.header("content-type", "multipart/form-data; boundary=b").body(body)).await
}

/// Imports a file and waits until the job is at its end.
pub async fn import_file(client: &Client, fields: &[(&str, &str)], name: &str, content: impl AsRef<[u8]>) -> Value {
    let job = send_form(client, fields, name, content).await.ok(201);
    import_ended(client, &text(&job["uuid"])).await
}

/// Waits until a job is at its end.
pub async fn import_ended(client: &Client, id: &str) -> Value {
    let path = format!("/v3/session/imports/{id}/");
    eventually("the import is at its end", || async {
        Some(client.get(&path).await.ok(200)).filter(|job| job["completed_at"].is_string())
    })
    .await
}
