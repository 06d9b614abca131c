//! Bodies and what is read from them.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::{
    super::{
        shape::{Field, Kind},
        shapes::{SENDABLE, shape_of},
    },
    *,
};

const ID: &str = "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10";

fn pretty(item: &Item) -> String {
    serde_json::to_string_pretty(&item.data).unwrap()
}

#[test]
fn a_phone_item_is_completed_from_its_number() {
    let item = item(
        "phone_verifications",
        json!({
            "full_number": " +1 (415) 555-2671 ", "country_code": "XX", "is_virtual": "true",
            "verified_at": "2026-05-02T09:14:02+02:00", "verification_attempts": "2", "unknown": 1,
            "lifecycle": [{"type": "VALID_CODE_ENTERED", "details": {"status": "Success"}, "fee": 0.10}],
            "status": "In Review", "node_id": "feature_phone_1", "matches": [{"status": "Approved"}],
        }),
    );
    assert_eq!(item.node_id.as_deref(), Some("feature_phone_1"));
    assert_eq!(item.status, Some(crate::session::FeatureStatus::InReview));
    assert_snapshot!(pretty(&item), @r#"
    {
      "phone_number_prefix": "+1",
      "phone_number": "4155552671",
      "full_number": "+14155552671",
      "country_code": "US",
      "country_name": "United States of America",
      "carrier": null,
      "is_disposable": false,
      "is_virtual": true,
      "verification_method": null,
      "verification_attempts": 2,
      "verified_at": "2026-05-02T07:14:02.000000Z",
      "lifecycle": [
        {
          "type": "VALID_CODE_ENTERED",
          "timestamp": null,
          "details": {
            "status": "Success",
            "reason": null,
            "channel": null,
            "actual_channel": null,
            "code_tried": null
          },
          "fee": 0.1
        }
      ]
    }
    "#);
}

#[test]
fn a_number_in_parts_is_enough() {
    let item = item("phone_verifications", json!({"phone_number_prefix": "+44", "phone_number": "7400 123456"}));
    assert_eq!(item.text("full_number"), Some("+447400123456"));
    assert_eq!(item.text("country_name"), Some("United Kingdom of Great Britain and Northern Ireland"));
}

#[test]
fn an_id_item_names_country_and_person() {
    let item = item(
        "id_verifications",
        json!({
            "document_type": "P", "issuing_state": "ESP", "first_name": "Ana", "last_name": "Ruiz", "document_number": "X-1",
            "date_of_birth": "1990-02-28", "gender": "F", "front_image": format!("media:{}", ID.to_uppercase()),
            "extra_files": [format!("media:{ID}"), "https://files.example/a.pdf"],
            "id_lookup": {"registry_portrait": "https://files.example/p.jpg", "face_match_score": 81.50},
            "extra_fields": {"blood_group": "A+", "dl_categories": ["B"], "anything": {"goes": [1]}},
            "parsed_address": {"city": "Madrid", "document_location": {"latitude": 40.4}},
        }),
    );
    assert_eq!(item.text("document_type"), Some("Passport"));
    assert_eq!((item.text("issuing_state_name"), item.text("full_name")), (Some("Spain"), Some("Ana Ruiz")));
    assert_eq!(item.data["extra_fields"].to_string(), r#"{"blood_group":"A+","dl_categories":["B"],"anything":{"goes":[1]}}"#);
    assert_eq!(item.data["id_lookup"]["face_match_score"].to_string(), "81.5");
    let media: Vec<_> = item.media.iter().map(|field| (field.pointer.as_str(), field.path.as_str())).collect();
    assert_eq!(
        media,
        [
            ("/id_lookup/registry_portrait", "id_verifications[0].id_lookup.registry_portrait"),
            ("/front_image", "id_verifications[0].front_image"),
            ("/extra_files/0", "id_verifications[0].extra_files[0]"),
            ("/extra_files/1", "id_verifications[0].extra_files[1]"),
        ]
    );
    assert_eq!(item.data["front_image"], json!(format!("media:{ID}")));
    assert_eq!(item.data["extra_files"], json!([format!("media:{ID}"), null]), "a link is never stored");
    assert_snapshot!(serde_json::to_string(&item.data["parsed_address"]).unwrap(), @r#"{"city":"Madrid","label":null,"region":null,"country":null,"category":null,"street_1":null,"street_2":null,"is_verified":false,"postal_code":null,"raw_results":null,"address_type":null,"document_location":{"latitude":40.4,"longitude":null},"formatted_address":null}"#);
}

#[test]
fn numbers_keep_their_spelling() {
    let sent = br#"{"face_matches":[{"score":81.50},{"score":"60.25"},{"score":1e2}]}"#;
    let evidence = Evidence::read(&Value::parse(sent).unwrap()).unwrap();
    let scores: Vec<_> = evidence.items.iter().map(|item| item.data["score"].to_string()).collect();
    assert_eq!(scores, ["81.50", "60.25", "1e+2"]);
}

#[test]
fn what_was_sent_wins_over_what_would_be_computed_for_names() {
    let item = item(
        "id_verifications",
        json!({"issuing_state": "ESP", "issuing_state_name": "España", "full_name": "A R", "last_name": "R"}),
    );
    assert_eq!((item.text("issuing_state_name"), item.text("full_name")), (Some("España"), Some("A R")));
}

#[test]
fn an_ip_item_is_complete() {
    let item = item(
        "ip_analyses",
        json!({"ip_address": "2001:DB8:0:0::1", "device_fingerprint": "short", "latitude": "40.4", "ip": {"location": null}}),
    );
    assert_snapshot!(pretty(&item), @r#"
    {
      "device_brand": null,
      "device_model": null,
      "browser_family": null,
      "os_family": null,
      "platform": null,
      "device_fingerprint": "short",
      "ip_country": null,
      "ip_country_code": null,
      "ip_state": null,
      "ip_city": null,
      "latitude": 40.4,
      "longitude": null,
      "ip_address": "2001:db8::1",
      "isp": null,
      "organization": null,
      "is_vpn_or_tor": false,
      "is_data_center": false,
      "time_zone": null,
      "time_zone_offset": null,
      "ip": {
        "location": null,
        "distance_from_id_document": null,
        "distance_from_poa_document": null
      },
      "id_document": null,
      "poa_document": null
    }
    "#);
}

#[test]
fn items_come_in_the_contracts_order_with_their_paths() {
    let evidence = read(&json!({
        "complete": "false",
        "face_matches": [{}],
        "email_verifications": [{"email": "Ana@BÜCHER.example"}, {"email": "b@example.com"}],
        "liveness_checks": null,
        "id_verifications": [],
        "something_else": 5,
    }))
    .unwrap();
    let paths: Vec<_> = evidence.items.iter().map(|item| item.path.as_str()).collect();
    assert_eq!(paths, ["face_matches[0]", "email_verifications[0]", "email_verifications[1]"]);
    assert!(!evidence.complete);
    assert_eq!(evidence.items[1].text("email"), Some("ana@bücher.example"));
    assert!(read(&json!({})).unwrap().complete);
}

#[test]
fn every_mistake_is_named_by_its_path() {
    let errors = read(&json!({
        "complete": "maybe",
        "id_verifications": [{"issuing_state": "ES", "gender": "f", "date_of_birth": "1.1.2000", "front_image": "http://a.example/x",
            "back_image": "media:1", "mrz": [], "parsed_address": {"document_location": {"latitude": "north"}},
            "extra_fields": {"blood_group": []}, "status": "Fine", "warnings": [{}, {"risk": "X", "action": "SHRUG"}]}],
        "phone_verifications": [{"full_number": "12", "verification_attempts": 1.5}, {}, {"full_number": null}, 7],
        "email_verifications": [{"email": "nobody"}, {"email": " "}],
        "ip_analyses": [{"ip_address": "10.0.0.0/8"}],
        "aml_screenings": {},
        "liveness_checks": [{"face_embedding": {"vector": [1, "x"]}}, {"face_embedding": {"model": "m", "vector": [0, 0]}}],
        "questionnaire_responses": [{"sections": [{"items": [{}, {"choices": [{"label": {}}]}]}]}],
    }))
    .unwrap_err();
    assert_snapshot!(serde_json::to_string_pretty(&errors).unwrap(), @r#"
    {
      "complete": [
        "Must be a valid boolean."
      ],
      "id_verifications[0].front_image": [
        "Enter a valid URL."
      ],
      "id_verifications[0].back_image": [
        "Must be a valid UUID."
      ],
      "id_verifications[0].date_of_birth": [
        "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
      ],
      "id_verifications[0].issuing_state": [
        "Invalid ISO 3166-1 alpha-3 country code for issuing_state."
      ],
      "id_verifications[0].gender": [
        "\"f\" is not a valid choice."
      ],
      "id_verifications[0].extra_fields.blood_group": [
        "Not a valid string."
      ],
      "id_verifications[0].mrz": [
        "Invalid data. Expected a dictionary, but got list."
      ],
      "id_verifications[0].parsed_address.document_location.latitude": [
        "A valid number is required."
      ],
      "id_verifications[0].status": [
        "\"Fine\" is not a valid choice."
      ],
      "id_verifications[0].warnings[0].risk": [
        "This field is required."
      ],
      "id_verifications[0].warnings[1].action": [
        "\"SHRUG\" is not a valid choice."
      ],
      "liveness_checks[0].face_embedding.model": [
        "This field is required."
      ],
      "liveness_checks[0].face_embedding.vector": [
        "A valid number is required."
      ],
      "liveness_checks[1].face_embedding.vector": [
        "Ensure this vector is not zero."
      ],
      "phone_verifications[0].verification_attempts": [
        "A valid integer is required."
      ],
      "phone_verifications[0].full_number": [
        "Enter a valid international phone number."
      ],
      "phone_verifications[1].full_number": [
        "This field is required."
      ],
      "phone_verifications[2].full_number": [
        "This field may not be null."
      ],
      "phone_verifications[3]": [
        "Invalid data. Expected a dictionary, but got int."
      ],
      "email_verifications[0].email": [
        "Enter a valid email address."
      ],
      "email_verifications[1].email": [
        "This field may not be blank."
      ],
      "questionnaire_responses[0].sections[0].items[1].choices[0].label": [
        "Not a valid string."
      ],
      "aml_screenings": [
        "Expected a list of items but got type \"dict\"."
      ],
      "ip_analyses[0].ip_address": [
        "Enter a valid IPv4 or IPv6 address."
      ]
    }
    "#);
}

#[test]
fn a_body_that_is_no_object() {
    assert_eq!(
        read(&json!([1])).unwrap_err(),
        json!({"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]})
    );
}

#[test]
fn too_much_is_refused() {
    let many = |count: usize, item: Json| Json::Array(vec![item; count]);
    let address = json!({"email": "a@example.com"});
    for (body, errors) in [
        (
            json!({"email_verifications": many(101, address.clone())}),
            json!({"email_verifications": ["Ensure this field has no more than 100 elements."]}),
        ),
        (
            json!({"id_verifications": many(100, json!({})), "nfc_verifications": many(100, json!({})), "liveness_checks": many(100, json!({})),
                "face_matches": many(100, json!({})), "poa_verifications": many(100, json!({})), "aml_screenings": [{}]}),
            json!({"non_field_errors": ["Ensure this request has no more than 500 items."]}),
        ),
        (
            json!({"aml_screenings": [{"hits": many(1_001, json!({}))}]}),
            json!({"aml_screenings[0].hits": ["Ensure this field has no more than 1000 elements."]}),
        ),
        (
            json!({"id_verifications": [{"document_number": "x".repeat(1_025), "address": "x".repeat(10_001)}]}),
            json!({"id_verifications[0].document_number": ["Ensure this field has no more than 1024 characters."],
                "id_verifications[0].address": ["Ensure this field has no more than 10000 characters."]}),
        ),
        (
            json!({"id_verifications": [{"parsed_address": {"raw_results": {"x": "x".repeat(16_384)}}}]}),
            json!({"id_verifications[0].parsed_address.raw_results": ["Ensure this field has no more than 16384 bytes."]}),
        ),
    ] {
        assert_eq!(read(&body).unwrap_err(), errors);
    }
    let hits = json!({"hits": many(1_000, json!({}))});
    assert!(read(&json!({"aml_screenings": [hits, hits, hits, hits, hits]})).is_ok());
    let errors = read(&json!({"aml_screenings": [hits, hits, hits, hits, hits, hits]})).unwrap_err();
    assert_eq!(errors["aml_screenings[5].hits[0]"], json!(["Ensure this request has no more than 5000 nested objects."]));
    assert_eq!(errors.as_object().unwrap().len(), 500);
}

#[test]
fn only_what_a_client_may_say_is_kept_of_its_warnings() {
    let item = item(
        "phone_verifications",
        json!({"full_number": "+14155552671", "warnings": [
            {"risk": "PHONE_NUMBER_IN_BLOCKLIST", "log_type": "error"}, {"risk": "DUPLICATED_PHONE_NUMBER"},
            {"risk": "PHONE_NUMBER_IN_ALLOWLIST"}, {"risk": "REUSED_IMAGE"},
            {"risk": "OTHER", "log_type": "warning", "additional_data": {"a": 1}}, {"risk": "ELSE", "action": "decline", "log_type": "information"},
        ]}),
    );
    let kept: Vec<_> = item.warnings.iter().map(|warning| (warning.risk.as_str(), warning.action)).collect();
    assert_eq!(kept, [("OTHER", Some(Action::Review)), ("ELSE", Some(Action::Decline))]);
    assert_eq!(item.warnings[0].additional_data.as_ref().unwrap()["a"], json!(1));
}

#[test]
fn only_three_features_may_be_expired() {
    for feature in SENDABLE {
        let mut body = json!({"status": "Expired"});
        if feature == Feature::PhoneVerification {
            body["full_number"] = json!("+14155552671");
        }
        if feature == Feature::EmailVerification {
            body["email"] = json!("a@example.com");
        }
        assert_eq!(read(&json!({feature.array(): [body]})).is_ok(), feature.may_expire(), "{feature:?}");
    }
}

#[test]
fn a_ready_template_is_read() {
    let item = item("liveness_checks", json!({"face_embedding": {"model": "arc", "vector": [0.25, "-1", 3e0]}}));
    assert_eq!(item.face_embedding, Some(FaceEmbedding { model: "arc".into(), vector: vec![0.25, -1.0, 3.0] }));
    assert!(!item.data.contains_key("face_embedding"));
}

#[test]
fn signals_are_the_values_lists_know() {
    let of = |array: &str, body: Json| -> Vec<(&'static str, String)> {
        signals(&item(array, body)).into_iter().map(|signal| (signal.field, signal.value.stored().to_owned())).collect()
    };
    assert_eq!(of("id_verifications", json!({"document_number": " X-1 "})), [("document_number", "x-1".into())]);
    assert_eq!(of("id_verifications", json!({"document_number": " "})), []);
    assert_eq!(of("phone_verifications", json!({"full_number": "+14155552671"})), [("full_number", "+14155552671".into())]);
    assert_eq!(of("email_verifications", json!({"email": "A@b.example"})), [("email", "a@b.example".into())]);
    assert_eq!(
        of("ip_analyses", json!({"ip_address": "::ffff:192.0.2.1", "device_fingerprint": "AB:CD:EF:01:23"})),
        [("device_fingerprint", "ab:cd:ef:01:23".into()), ("ip_address", "192.0.2.1".into())]
    );
    assert_eq!(of("ip_analyses", json!({"device_fingerprint": "short"})), []);
    assert_eq!(of("liveness_checks", json!({"score": 99})), []);
}

/// Any JSON, shaped enough to get past the first checks: known names, plausible and implausible values.
fn any_value() -> impl Strategy<Value = Json> {
    let names: Vec<&'static str> = SENDABLE.iter().flat_map(|feature| names_of(shape_of(*feature))).collect();
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,12}".prop_map(Json::from),
        prop::sample::select(vec!["+14155552671", "a@example.com", "ESP", "2020-02-02", "https://a.example/x", "Approved"])
            .prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((prop::sample::select(names.clone()), inner), 0..6)
                .prop_map(|members| Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    })
}

fn names_of(fields: &'static [Field]) -> Vec<&'static str> {
    let inner = |field: &Field| match field.kind {
        Kind::Object(fields) | Kind::Open(fields) | Kind::Objects(fields) | Kind::ObjectsIfAny(fields) => names_of(fields),
        _ => Vec::new(),
    };
    fields.iter().map(|field| field.name).chain(fields.iter().flat_map(inner)).collect()
}

fn has_exactly(fields: &[Field], data: &serde_json::Map<String, Json>) {
    let owned = |field: &&Field| !matches!(field.kind, Kind::Owned(_));
    let optional = |name: &str| fields.iter().any(|field| field.name == name && matches!(field.kind, Kind::ObjectsIfAny(_)));
    let expected: Vec<_> = fields.iter().filter(owned).map(|field| field.name).filter(|name| !optional(name)).collect();
    let found: Vec<_> = data.keys().map(String::as_str).filter(|name| !optional(name)).collect();
    assert_eq!(found, expected);
    for field in fields {
        match (field.kind, data.get(field.name)) {
            (Kind::Object(inner), Some(Json::Object(members))) => has_exactly(inner, members),
            (Kind::Objects(inner) | Kind::ObjectsIfAny(inner), Some(Json::Array(items))) => {
                items.iter().for_each(|item| has_exactly(inner, item.as_object().unwrap()));
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_json_is_read_or_refused(feature in prop::sample::select(SENDABLE.to_vec()), body in any_value(), members in prop::collection::vec(any_value(), 0..3)) {
        let _ = read(&body);
        let _ = read(&json!({feature.array(): body}));
        if let Ok(evidence) = read(&json!({feature.array(): members})) {
            for item in evidence.items {
                has_exactly(shape_of(feature), &item.data);
                let pointers: BTreeSet<_> = item.media.iter().map(|field| field.pointer.as_str()).collect();
                prop_assert_eq!(pointers.len(), item.media.len());
                let assessment = super::super::assess(&item, &Config::default(), &[], &[]);
                prop_assert!(!assessment.status.is_open());
            }
        }
    }

    #[test]
    fn one_good_member_at_a_time(feature in prop::sample::select(SENDABLE.to_vec()), pick in any::<prop::sample::Index>(), value in any_value()) {
        let shape = shape_of(feature);
        let field = &shape[pick.index(shape.len())];
        if let Ok(evidence) = read(&json!({feature.array(): [{field.name: value}]})) {
            has_exactly(shape, &evidence.items[0].data);
        }
    }
}
