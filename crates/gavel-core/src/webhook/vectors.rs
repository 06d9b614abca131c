//! The worked vectors of the contract (webhooks §4.2), signed and verified.

use sha2::{Digest, Sha256};

use super::{Secrets, Signatures, sign::hex, signatures, simple_message, standard_form, verify};
use crate::{
    json::{Value, canonical},
    time::Timestamp,
};

const SECRET: &str = "77tFpRFirysT2dRbFQbYB_dRidbTKpEHtxJS1VB5Juw";
const OTHER: &str = "another secret";

const BODY_1: &str = r#"{"application_id":"0c9f2d54-5a0b-4b8e-9c1d-2f6e7a8b9c01","created_at":1790000000,"environment":"live","event_id":"3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a01","metadata":{"plan":"pro"},"session_id":"5b1d7c1e-2f43-4c59-8a57-0d6a3c1b2e01","status":"In Progress","timestamp":1790000001,"vendor_data":"cust-9","webhook_type":"status.updated","workflow_id":"7a6b5c4d-3e2f-4a1b-8c9d-0e1f2a3b4c01","workflow_version":2}"#;

const PAYLOAD_2: &str = r#"{"webhook_type": "status.updated", "event_id": "3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a02", "timestamp": 1790000061, "created_at": 1790000060,
 "session_id": "5b1d7c1e-2f43-4c59-8a57-0d6a3c1b2e02", "status": "Declined",
 "metadata": {"z": 1, "A": 2, "a": 3, "\u00e9": 4, "note": "a/b \"q\" \\ \u007f \u2028 \n"},
 "decision": {"status": "Declined", "full_name": "Jos\u00e9 \u00d1and\u00fa", "emoji": "\ud83d\ude00", "score": 92.0, "ratio": 0.5,
  "zero": -0.0, "list": [3, 1.0, 2.25, null, true]}}"#;

const BODY_2: &str = r#"{"created_at":1790000060,"decision":{"emoji":"\ud83d\ude00","full_name":"Jos\u00e9 \u00d1and\u00fa","list":[3,1,2.25,null,true],"ratio":0.5,"score":92,"status":"Declined","zero":0},"event_id":"3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a02","metadata":{"A":2,"a":3,"note":"a/b \"q\" \\ \u007f \u2028 \n","z":1,"\u00e9":4},"session_id":"5b1d7c1e-2f43-4c59-8a57-0d6a3c1b2e02","status":"Declined","timestamp":1790000061,"webhook_type":"status.updated"}"#;

const BODY_3: &str = r#"{"created_at":1790000120,"event_id":"3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a03","previous_status":"ACTIVE","reason":"api","status":"BLOCKED","timestamp":1790000121,"vendor_data":"user-42","webhook_type":"user.status.updated"}"#;

/// Signs, and checks that a receiver accepts what was signed under this secret only.
fn sign(payload: &str, body: &str) -> Signatures {
    let payload = Value::parse(payload.as_bytes()).unwrap();
    assert_eq!(canonical::body(&payload), body);
    let signed = signatures(SECRET, &payload, body);

    let text = |name| payload.as_object().unwrap().get(name).unwrap().as_text().unwrap();
    let timestamp = canonical::v2(payload.as_object().unwrap().get("timestamp").unwrap());
    let body = body.as_bytes();
    for (secret, accepted) in [(SECRET, true), (OTHER, false)] {
        assert_eq!(verify::signature(secret, body, &signed.signature), accepted);
        assert_eq!(verify::v2(secret, body, &signed.v2), accepted);
        assert_eq!(verify::simple(secret, body, &signed.simple), accepted);
        assert_eq!(verify::standard(secret, text("event_id"), &timestamp, body, &signed.standard), accepted);
    }
    signed
}

fn headers(signature: &str, v2: &str, simple: &str, standard: &str) -> Signatures {
    Signatures { signature: signature.into(), v2: v2.into(), simple: simple.into(), standard: standard.into() }
}

#[test]
fn vector_1_ascii_session_event() {
    assert_eq!(BODY_1.len(), 405);
    assert_eq!(
        sign(BODY_1, BODY_1),
        headers(
            "763824ccd1ebf3f0fa192fb3721ce473ea4e431d3cef0cb0b80a7162db2ef811",
            "763824ccd1ebf3f0fa192fb3721ce473ea4e431d3cef0cb0b80a7162db2ef811",
            "0b97ccdcd3e417702b2b76f52396d699e11e39f9995f04e671e70272747bdede",
            "v1,w/DaHfBnAqXxYrUwuS8dVDY3SwUBXqivV34zoPrv+Q8=",
        )
    );
}

#[test]
fn vector_2_text_numbers_and_order() {
    assert_eq!(BODY_2.len(), 439);
    let v2 = canonical::v2(&Value::parse(PAYLOAD_2.as_bytes()).unwrap());
    assert_eq!(v2.len(), 407);
    assert_eq!(hex(&Sha256::digest(&v2)), "6795ca8455e764a0d10b1671af166c22f1c858429e1778f3887577bf44a90441");
    assert_eq!(
        sign(PAYLOAD_2, BODY_2),
        headers(
            "363515f8ed723cce77886cfa48b6752fdc4e2a0f3df833a77eb3db8470f3a867",
            "1d687990225ad7c845a79efd865851f23eb4640ee515ab449a10adc821d8eb1c",
            "45bfd62974e231654b41c9485a42a5cfd8a7d7571e71011ee6ba7dc2a60d8ff0",
            "v1,m67KklVxg4h61NkTwuJUG+fEZRjNbtJDu3tq5LulE30=",
        )
    );
}

#[test]
fn vector_3_event_without_a_session() {
    assert_eq!(BODY_3.len(), 220);
    assert_eq!(simple_message(&Value::parse(BODY_3.as_bytes()).unwrap()), "1790000121::BLOCKED:user.status.updated");
    assert_eq!(
        sign(BODY_3, BODY_3),
        headers(
            "15a5384a4730638f21e2c5d1c1bf366cebab3b88606bb28bc6caaa76be9fb0cf",
            "15a5384a4730638f21e2c5d1c1bf366cebab3b88606bb28bc6caaa76be9fb0cf",
            "3760d59bf7b6cb911e2ff9db81dbc19b5fb6f01179429359fdc45daaadb43364",
            "v1,SEHoJX/rCTsfY8GgceF5Fh+O7QH/b0XNBwgeZYIfhdI=",
        )
    );
}

#[test]
fn overlap_keeps_the_old_secret_for_the_x_headers() {
    let payload = Value::parse(BODY_1.as_bytes()).unwrap();
    let (before, after) = (signatures(SECRET, &payload, BODY_1), signatures(OTHER, &payload, BODY_1));
    let during = signatures(Secrets { current: OTHER, previous: Some(SECRET) }, &payload, BODY_1);
    assert_eq!((&during.signature, &during.v2, &during.simple), (&before.signature, &before.v2, &before.simple));
    assert_eq!(during.standard, format!("{} {}", after.standard, before.standard));
    for secret in [SECRET, OTHER] {
        let id = "3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a01";
        assert!(verify::standard(secret, id, "1790000001", BODY_1.as_bytes(), &during.standard));
    }
}

#[test]
fn v2_survives_reserialisation_and_the_others_notice() {
    let signed = sign(PAYLOAD_2, BODY_2);
    assert!(verify::v2(SECRET, PAYLOAD_2.as_bytes(), &signed.v2));
    assert!(!verify::signature(SECRET, PAYLOAD_2.as_bytes(), &signed.signature));
    let altered = BODY_2.replace("Declined", "Approved");
    assert!(!verify::v2(SECRET, altered.as_bytes(), &signed.v2));
    assert!(!verify::simple(SECRET, altered.as_bytes(), &signed.simple));
    assert!(!verify::v2(SECRET, b"not json", &signed.v2));
}

#[test]
fn freshness_is_five_minutes_both_ways() {
    for (seconds, fresh) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
        let now = Timestamp::from_micros((1_790_000_001 + seconds) * 1_000_000);
        assert_eq!(verify::is_fresh(BODY_1.as_bytes(), now), fresh, "{seconds}");
    }
    let now = Timestamp::from_micros(0);
    for body in ["{}", "[]", "", r#"{"timestamp":"0"}"#, r#"{"timestamp":0.5}"#] {
        assert!(!verify::is_fresh(body.as_bytes(), now), "{body}");
    }
}

#[test]
fn standard_form_of_a_secret() {
    assert_eq!(standard_form(SECRET), "whsec_Nzd0RnBSRmlyeXNUMmRSYkZRYllCX2RSaWRiVEtwRUh0eEpTMVZCNUp1dw==");
}

/// Not in the contract. The figures come from Python's own `json` and `hmac`: `json.dumps` of the parsed payload, its members
/// sorted by `sorted`, every float equal to an integer made one, separators without blanks; `ensure_ascii` on for the body,
/// off for V2.
#[test]
fn vector_4_astral_and_integer_like_keys_empty_objects_and_floats() {
    const PAYLOAD: &str = r#"{"webhook_type":"data.updated","timestamp":1790000181,"event_id":"3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a04","session_id":"5b1d7c1e-2f43-4c59-8a57-0d6a3c1b2e04","status":"In Review","metadata":{"10":"ten","9":"nine","1":"one","01":"padded","-1":"minus","{}":{},"[]":[],"nested":{"b":{"z":[],"y":{}},"a":[{"q":2,"p":1.0},{}]},"\ud83d\ude00":"\ud834\udd1e","\uffff":"last of the plane","\ue000":"private","floats":[100.0,1e2,12345678901234567890,0.1,1e-7,2.5e-5,-3.0]}}"#;
    const BODY: &str = r#"{"event_id":"3f0c2f9e-7d7e-4b1c-9f39-1a6f5f0f1a04","metadata":{"-1":"minus","01":"padded","1":"one","10":"ten","9":"nine","[]":[],"floats":[100,100,12345678901234567890,0.1,1e-07,2.5e-05,-3],"nested":{"a":[{"p":1,"q":2},{}],"b":{"y":{},"z":[]}},"{}":{},"\ue000":"private","\uffff":"last of the plane","\ud83d\ude00":"\ud834\udd1e"},"session_id":"5b1d7c1e-2f43-4c59-8a57-0d6a3c1b2e04","status":"In Review","timestamp":1790000181,"webhook_type":"data.updated"}"#;
    assert_eq!(BODY.len(), 458);
    assert_eq!(
        sign(PAYLOAD, BODY),
        headers(
            "96fb6d8832a2644be5937d3d5c57e66d03d4db6a7f91e5470d970c9876c4deb8",
            "1751a3f0f51120509f2a204df3907fac9fdee0793bb6abf332a7802ae459466d",
            "33df207955c1c31beec38e9940b116920b8391e59eaa3087877511fdd7c48ef7",
            "v1,VYdblVhoNEqHyox2AYATZ05gA0SN96+LF87pHjyd1oo=",
        )
    );
}

/// The list of `vectors.py`, which knows nothing of this crate: payloads of every awkward kind with their bodies and
/// signatures, made by Python's own `json` and `hmac`.
#[test]
fn vectors_made_elsewhere() {
    let kept: serde_json::Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert_eq!(kept["secret"], SECRET);
    let vectors = kept["vectors"].as_array().unwrap();
    let names: Vec<_> = vectors.iter().map(|vector| vector["name"].as_str().unwrap()).collect();
    for name in ["ASCII", "non-ASCII", "astral", "whole floats", "nested key order", "integer-like keys", "empty objects"] {
        assert!(names.contains(&name), "{name}");
    }
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let (payload, body) = (text("payload"), text("body"));
        let v2 = canonical::v2(&Value::parse(payload.as_bytes()).unwrap());
        assert_eq!(hex(&Sha256::digest(&v2)), text("v2_sha256"), "{}", text("name"));
        let expected =
            headers(text("x_signature"), text("x_signature_v2"), text("x_signature_simple"), text("webhook_signature"));
        assert_eq!(sign(payload, body), expected, "{}", text("name"));
    }
}

/// What is kept is what the script prints. Where there is no Python the test above still holds the code against the file.
#[test]
fn the_kept_vectors_are_those_of_the_script() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/webhook/vectors.py");
    let Ok(output) = std::process::Command::new("python3").arg(script).output() else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), include_str!("vectors.json"));
}
