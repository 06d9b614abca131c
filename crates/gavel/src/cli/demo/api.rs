//! A client of the demo's own server: the sample data goes in the way a customer's would, over HTTP and by key.

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::{app::App, cli::CliError};

/// The client.
#[derive(Clone)]
pub struct Api {
    app: App,
    key: String,
}

impl Api {
    /// For this server, with this key.
    pub fn new(app: App, key: String) -> Self {
        Self { app, key }
    }

    /// Where the server is.
    pub fn base(&self) -> &str {
        &self.app.config.public_url
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Value, CliError> {
        self.send(Method::GET, path, None).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        self.send(Method::POST, path, Some(("application/json", body.to_string().into()))).await
    }

    /// PATCH of JSON.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        self.send(Method::PATCH, path, Some(("application/json", body.to_string().into()))).await
    }

    /// Stores a picture; how evidence names it.
    pub async fn store(&self, jpeg: Vec<u8>) -> Result<String, CliError> {
        let stored = self.send(Method::POST, "/x/media/", Some(("image/jpeg", jpeg.into()))).await?;
        Ok(format!("media:{}", text(&stored, "uuid")))
    }

    async fn send(&self, method: Method, path: &str, body: Option<(&str, Bytes)>) -> Result<Value, CliError> {
        let url = format!("http://{}{path}", self.app.config.listen);
        let mut request = self.app.outbound.client().request(method.clone(), url).header("x-api-key", &self.key);
        if let Some((content_type, body)) = body {
            request = request.header("content-type", content_type).body(body);
        }
        let answer = request.send().await?;
        let (status, body) = (answer.status(), answer.bytes().await?);
        if !status.is_success() {
            let said = String::from_utf8_lossy(&body);
            return Err(CliError::new(format!("the sample data was not accepted: {method} {path} answered {status} {said}")));
        }
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }
}

/// A member that is a text; empty when it is none.
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
