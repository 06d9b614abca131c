//! Bodies and what is read from them.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{Category, NewTransaction, Side, facts, participants, values};
use crate::json::{FieldErrors, Value};

fn read(body: &Json) -> Result<NewTransaction, FieldErrors> {
    NewTransaction::read(&Value::from(body))
}

fn refused(body: &Json) -> Json {
    serde_json::to_value(read(body).unwrap_err()).unwrap()
}

fn small() -> Json {
    json!({
        "transaction_id": "t1",
        "transaction_category": "finance",
        "transaction_details": { "direction": "out", "amount": "10.00", "currency": "eur" },
        "subject": { "vendor_data": "ana", "full_name": "Ana Ruiz" },
    })
}

/// The small one with a member set, by its path.
fn with(path: &str, value: Json) -> Json {
    let mut body = small();
    let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = &mut body;
    for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
        if place[parent].is_null() {
            place[parent] = json!({});
        }
        place = &mut place[parent];
    }
    place[name] = value;
    body
}

#[test]
fn an_empty_body_names_what_is_missing() {
    assert_eq!(
        refused(&json!({})),
        json!({
            "transaction_id": ["This field is required."],
            "transaction_category": ["This field is required."],
            "transaction_details": ["This field is required."],
            "subject": ["This field is required."],
        })
    );
}

#[test]
fn every_bad_field_is_named_where_it_stands() {
    let text = "x".repeat(1_025);
    for (path, value, expected) in [
        ("transaction_id", json!(""), json!({ "transaction_id": ["This field may not be blank."] })),
        (
            "transaction_id",
            json!("x".repeat(129)),
            json!({ "transaction_id": ["Ensure this field has no more than 128 characters."] }),
        ),
        ("transaction_id", json!("a\0"), json!({ "transaction_id": ["Null characters are not allowed."] })),
        ("transaction_category", json!("Finance"), json!({ "non_field_errors": ["Unsupported transaction category."] })),
        ("transaction_category", json!(5), json!({ "non_field_errors": ["Unsupported transaction category."] })),
        ("transaction_category", json!(null), json!({ "transaction_category": ["This field may not be null."] })),
        (
            "transaction_at",
            json!("yesterday"),
            json!({ "transaction_at": ["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."] }),
        ),
        (
            "transaction_at",
            json!("0000-12-31T23:59:59Z"),
            json!({ "transaction_at": ["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."] }),
        ),
        ("time_zone", json!("x".repeat(65)), json!({ "time_zone": ["Ensure this field has no more than 64 characters."] })),
        (
            "transaction_details",
            json!({}),
            json!({ "transaction_details": {
                "direction": ["This field is required."], "amount": ["This field is required."], "currency": ["This field is required."],
            } }),
        ),
        (
            "transaction_details",
            json!([]),
            json!({ "transaction_details": ["Invalid data. Expected a dictionary, but got list."] }),
        ),
        (
            "transaction_details.direction",
            json!("up"),
            json!({ "transaction_details": { "direction": ["\"up\" is not a valid choice."] } }),
        ),
        (
            "transaction_details.amount",
            json!(-0.01),
            json!({ "transaction_details": { "amount": ["Ensure this value is greater than or equal to 0."] } }),
        ),
        (
            "transaction_details.amount",
            json!("NaN"),
            json!({ "transaction_details": { "amount": ["A valid number is required."] } }),
        ),
        (
            "transaction_details.amount",
            json!([1]),
            json!({ "transaction_details": { "amount": ["A valid number is required."] } }),
        ),
        (
            "transaction_details.amount",
            json!(true),
            json!({ "transaction_details": { "amount": ["A valid number is required."] } }),
        ),
        (
            "transaction_details.amount",
            json!("1234567890123456789012345678901234567890"),
            json!({ "transaction_details": { "amount": ["Ensure that there are no more than 18 digits before the decimal point."] } }),
        ),
        (
            "transaction_details.amount",
            json!("0.1234567890123456789"),
            json!({ "transaction_details": { "amount": ["Ensure that there are no more than 18 decimal places."] } }),
        ),
        (
            "transaction_details.currency",
            json!("x".repeat(17)),
            json!({ "transaction_details": { "currency": ["Ensure this field has no more than 16 characters."] } }),
        ),
        (
            "transaction_details.currency_kind",
            json!("FIAT"),
            json!({ "transaction_details": { "currency_kind": ["\"FIAT\" is not a valid choice."] } }),
        ),
        (
            "transaction_details.payment_details",
            json!("x".repeat(1_001)),
            json!({ "transaction_details": { "payment_details": ["Ensure this field has no more than 1000 characters."] } }),
        ),
        (
            "transaction_details.payment_reference_id",
            json!("x".repeat(256)),
            json!({ "transaction_details": { "payment_reference_id": ["Ensure this field has no more than 255 characters."] } }),
        ),
        (
            "transaction_details.action_type",
            json!("x".repeat(65)),
            json!({ "transaction_details": { "action_type": ["Ensure this field has no more than 64 characters."] } }),
        ),
        ("subject", json!("ana"), json!({ "subject": ["Invalid data. Expected a dictionary, but got str."] })),
        ("subject", json!({}), json!({ "subject": ["subject.vendor_data and subject.full_name are required."] })),
        ("subject.vendor_data", json!(" "), json!({ "subject": ["subject.vendor_data and subject.full_name are required."] })),
        ("subject.full_name", json!(null), json!({ "subject": ["subject.vendor_data and subject.full_name are required."] })),
        ("subject.vendor_data", json!([]), json!({ "subject": { "vendor_data": ["Not a valid string."] } })),
        (
            "subject.vendor_data",
            json!("x".repeat(256)),
            json!({ "subject": { "vendor_data": ["Ensure this field has no more than 255 characters."] } }),
        ),
        (
            "subject.full_name",
            json!("x".repeat(513)),
            json!({ "subject": { "full_name": ["Ensure this field has no more than 512 characters."] } }),
        ),
        ("subject.entity_type", json!("robot"), json!({ "subject": { "entity_type": ["\"robot\" is not a valid choice."] } })),
        (
            "subject.date_of_birth",
            json!("1990-02-30"),
            json!({ "subject": { "date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."] } }),
        ),
        (
            "subject.address",
            json!("Bonn"),
            json!({ "subject": { "address": ["Invalid data. Expected a dictionary, but got str."] } }),
        ),
        ("subject.address.country", json!({}), json!({ "subject": { "address": { "country": ["Not a valid string."] } } })),
        (
            "subject.device_context.network_context.latitude",
            json!("north"),
            json!({ "subject": { "device_context": { "network_context": { "latitude": ["A valid number is required."] } } } }),
        ),
        (
            "subject.payment_method.method_type",
            json!("e_wallet"),
            json!({ "subject": { "payment_method": { "method_type": ["\"e_wallet\" is not a valid choice."] } } }),
        ),
        (
            "counterparty.payment_method.account_id",
            json!(text),
            json!({ "counterparty": { "payment_method": { "account_id": ["Ensure this field has no more than 1024 characters."] } } }),
        ),
        ("counterparty", json!([]), json!({ "counterparty": ["Invalid data. Expected a dictionary, but got list."] })),
        (
            "custom_properties",
            json!({ "a": "x".repeat(16_384) }),
            json!({ "custom_properties": ["Ensure this field has no more than 16384 bytes."] }),
        ),
        ("custom_properties", json!("a"), json!({ "custom_properties": ["Invalid data. Expected a dictionary, but got str."] })),
        (
            "network_snapshot",
            json!({ "nodes": [{}, 1], "edges": {}, "metrics": [] }),
            json!({ "network_snapshot": {
                "nodes": [{}, { "non_field_errors": ["Invalid data. Expected a dictionary, but got int."] }],
                "edges": ["Expected a list of items but got type \"dict\"."],
                "metrics": ["Invalid data. Expected a dictionary, but got list."],
            } }),
        ),
    ] {
        assert_eq!(refused(&with(path, value)), expected, "{path}");
    }
    assert!(read(&with("transaction_id", json!("x".repeat(128)))).is_ok());
    assert!(read(&with("transaction_details.currency", json!("x".repeat(16)))).is_ok());
}

#[test]
fn categories_have_two_spellings() {
    for category in Category::ALL {
        assert_eq!(Category::from_name(category.as_str()), Some(category));
    }
    for (name, category) in [
        ("travelRule", Category::TravelRule),
        ("auditTrailEvent", Category::AuditTrailEvent),
        ("gamblingLimitChange", Category::GamblingLimitChange),
    ] {
        assert_eq!(read(&with("transaction_category", json!(name))).unwrap().category, category);
    }
}

#[test]
fn times_reach_from_the_year_1_to_9999() {
    for at in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-05-02T09:14:02+02:00"] {
        assert!(read(&with("transaction_at", json!(at))).unwrap().at.is_some(), "{at}");
    }
}

#[test]
fn a_counterparty_that_says_nothing_is_nobody() {
    for nobody in [json!(null), json!({}), json!({ "full_name": null })] {
        assert_eq!(read(&with("counterparty", nobody)).unwrap().counterparty, None);
    }
    assert!(read(&with("counterparty", json!({ "unknown": 1 }))).unwrap().counterparty.is_some());
}

fn full() -> Json {
    let party = |name: &str, method: Json| {
        json!({
            "vendor_data": format!(" {name} "), "full_name": name, "entity_type": "PERSON", "date_of_birth": "1990-01-02",
            "address": { "country": "es", "town": "Madrid", "post_code": 28001, "planet": "Earth" },
            "institution_details": { "name": "Bank", "address": { "street": 1.50 } },
            "device_context": {
                "fingerprint": "AB:CD:EF:01:23", "platform": "ios", "session_age_ms": "1500", "unknown": 1,
                "network_context": { "ip_address": "192.0.2.1", "ip_country_code": "DE", "latitude": 1.50, "isp": "x" },
            },
            "payment_method": method,
            "email": " Ana@Example.com ", "phone": "+1 (415) 555-2671",
        })
    };
    let wallet = json!({ "method_type": "unhosted_wallet", "account_id": " 0xABCdef ", "issuing_country": "US" });
    let account = json!({ "method_type": "bank_account", "account_id": "GB82 WEST 1234", "issuing_country": "GBR" });
    let mut body = with("counterparty", party("bob", account));
    body["subject"] = party("ana", wallet);
    body["transaction_details"]["amount"] = json!("1e3");
    body["transaction_details"]["payment_details"] = json!("rent");
    body["custom_properties"] = json!({ "plan": "pro", "n": 1.50 });
    body
}

#[test]
fn known_members_are_kept_as_they_were_sent() {
    let new = read(&full()).unwrap();
    assert_eq!((new.amount.as_str(), new.currency.as_str(), new.action_type.as_str()), ("1000", "EUR", ""));
    assert_eq!(new.subject.vendor_data.as_deref(), Some("ana"));
    assert_eq!(Json::from(new.subject.address), json!({ "country": "es", "town": "Madrid", "post_code": "28001" }));
    assert_eq!(
        Json::from(new.subject.device).to_string(),
        r#"{"fingerprint":"AB:CD:EF:01:23","platform":"ios","session_age_ms":1500,"network_context":{"ip_address":"192.0.2.1","ip_country_code":"DE","latitude":1.5}}"#
    );
    assert_eq!(new.counterparty.unwrap().sent["address"]["planet"], "Earth");
}

#[test]
fn lists_are_asked_in_the_order_of_the_contract() {
    let new = read(&full()).unwrap();
    let shown =
        |value: &super::super::PartyValue| format!("{} {} {}", value.side.as_str(), value.value.entry_type(), value.value.key());
    let lines: Vec<String> = participants(&new).iter().chain(&values(&new)).map(shown).collect();
    assert_snapshot!(lines.join("\n"), @r"
    subject user ana
    counterparty user bob
    subject wallet_address 0xabcdef
    subject ip_address 192.0.2.1
    subject device_fingerprint ab:cd:ef:01:23
    subject email ana@example.com
    subject phone +14155552671
    counterparty bank_account gb82west1234
    counterparty ip_address 192.0.2.1
    counterparty device_fingerprint ab:cd:ef:01:23
    counterparty email ana@example.com
    counterparty phone +14155552671
    ");
}

#[test]
fn values_that_are_none_match_nothing() {
    let mut body = full();
    body.as_object_mut().unwrap().remove("counterparty");
    body["subject"]["email"] = json!("nobody");
    body["subject"]["phone"] = json!("12");
    body["subject"]["device_context"]["fingerprint"] = json!("short");
    body["subject"]["device_context"]["network_context"]["ip_address"] = json!("999.1.1.1");
    body["subject"]["payment_method"] = json!({ "method_type": "bank_card", "account_id": "4111" });
    let new = read(&body).unwrap();
    assert_eq!(values(&new), []);
    assert_eq!(participants(&new).len(), 1);
    assert_eq!(participants(&new)[0].side, Side::Subject);
}

#[test]
fn rules_see_flat_facts() {
    let facts = facts(&read(&full()).unwrap(), Some(3));
    assert_snapshot!(serde_json::to_string_pretty(&facts).unwrap(), @r#"
    {
      "amount": "1000",
      "currency": "EUR",
      "direction": "OUTBOUND",
      "action_type": "",
      "transaction_type": "finance",
      "payment_details": "rent",
      "subject_days_since_previous_transaction": 3,
      "custom_values": {
        "plan": "pro",
        "n": 1.5
      },
      "subject_country": "ESP",
      "subject_vendor_data": "ana",
      "subject_device_fingerprint": "AB:CD:EF:01:23",
      "subject_ip_country": "DEU",
      "subject_ip_address": "192.0.2.1",
      "subject_payment_method_type": "unhosted_wallet",
      "subject_payment_method_country": "USA",
      "subject_payment_method_fingerprint": "baaa706d7cfd4f76cd64b478c00763128b146b4a4db4e6c2b7641e81a22fa901",
      "subject_payment_method_account_id": " 0xABCdef ",
      "subject_email": "Ana@Example.com",
      "subject_phone": "+1 (415) 555-2671",
      "counterparty_country": "ESP",
      "counterparty_vendor_data": "bob",
      "counterparty_device_fingerprint": "AB:CD:EF:01:23",
      "counterparty_ip_country": "DEU",
      "counterparty_ip_address": "192.0.2.1",
      "counterparty_payment_method_type": "bank_account",
      "counterparty_payment_method_country": "GBR",
      "counterparty_payment_method_fingerprint": "051f5ee6fcfc8c8f8ce3e9349eb9dfc45fe97e3caf339097cc77601502380f9a",
      "counterparty_payment_method_account_id": "GB82 WEST 1234",
      "counterparty_email": "Ana@Example.com",
      "counterparty_phone": "+1 (415) 555-2671",
      "subject_platform": "ios",
      "subject_session_age_ms": 1500
    }
    "#);
}

/// Any JSON, with the names and words bodies are made of.
fn anything() -> impl Strategy<Value = Json> {
    let words = ["finance", "inbound", "company", "bank_account", "10.00", "-1", "1e30", "es", "", " ", "a\0b", "+14155552671"];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        proptest::sample::select(words.to_vec()).prop_map(Json::from),
        ".{0,20}".prop_map(Json::from),
    ];
    let names = [
        "transaction_id",
        "transaction_category",
        "transaction_at",
        "transaction_details",
        "direction",
        "amount",
        "currency",
        "subject",
        "counterparty",
        "vendor_data",
        "full_name",
        "entity_type",
        "address",
        "country",
        "payment_method",
        "method_type",
        "account_id",
        "device_context",
        "network_context",
        "ip_address",
        "custom_properties",
        "network_snapshot",
        "nodes",
        "edges",
        "metrics",
        "institution_details",
        "other",
    ];
    leaf.prop_recursive(4, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::vec((proptest::sample::select(names.to_vec()), inner), 0..8)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_sent_panics(body in anything(), path in proptest::sample::select(vec![
        "transaction_id", "transaction_details", "transaction_details.amount", "subject", "subject.address", "counterparty",
        "counterparty.payment_method", "counterparty.device_context", "custom_properties", "network_snapshot",
    ])) {
        let _ = read(&body);
        match read(&with(path, body)) {
            Ok(new) => {
                prop_assert!(values(&new).len() <= 12 && participants(&new).len() <= 2);
                prop_assert!(facts(&new, None).contains_key("amount"));
            }
            Err(errors) => prop_assert!(!errors.is_empty()),
        }
    }
}
