//! Evidence as it is sent, and what comes of it.

use serde_json::{Value as Json, json};

use super::*;
use crate::json::Value;

mod assess;
mod read;

/// Reads a body; the errors as the answer shows them.
fn read(body: &Json) -> Result<Evidence, Json> {
    let text = body.to_string();
    let value = Value::parse(text.as_bytes()).unwrap();
    Evidence::read(&value).map_err(|errors| serde_json::to_value(errors).unwrap())
}

/// The one item of a body.
fn item(array: &str, item: Json) -> Item {
    let mut evidence = read(&json!({array: [item]})).unwrap();
    assert_eq!(evidence.items.len(), 1);
    evidence.items.remove(0)
}
