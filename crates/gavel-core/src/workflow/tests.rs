//! The form of a workflow's features.

use serde_json::{Value as Json, json};

use super::*;

fn answer(sent: Json) -> Json {
    match Features::read(&Value::from(&sent)) {
        Ok(features) => features.to_json(),
        Err(error) => serde_json::to_value(error).unwrap(),
    }
}

fn features(names: &[&str]) -> Json {
    names.iter().map(|name| json!({ "feature": name })).collect()
}

#[test]
fn names_are_all_there_and_sorted() {
    assert!(NAMES.is_sorted());
    let mut known: Vec<&str> = Feature::ALL.into_iter().filter_map(Feature::workflow_name).collect();
    known.sort_unstable();
    assert_eq!(known, NAMES);
}

#[test]
fn what_does_not_fit_together() {
    for (sent, expected) in [
        (json!([]), json!(["At least one feature is required."])),
        (json!("OCR"), json!(["Expected a list of items but got type \"str\"."])),
        (json!([{}]), json!([{ "feature": ["This field is required."] }])),
        (json!(["OCR"]), json!([{ "non_field_errors": ["Invalid data. Expected a dictionary, but got str."] }])),
        (
            json!([{ "feature": "OCR" }, { "feature": "NFC", "config": 5, "label": [] }]),
            json!([{}, { "label": ["Not a valid string."], "config": ["Invalid data. Expected a dictionary, but got int."] }]),
        ),
        (
            features(&["OCR", "FOO"]),
            json!([
                "Invalid feature 'FOO'. Allowed values: AGE_ESTIMATION, AML, DATABASE_VALIDATION, DOCUMENT_AI, EMAIL_VERIFICATION, FACE_MATCH, IP_ANALYSIS, KYB_DOCUMENTS, KYB_KEY_PEOPLE, KYB_REGISTRY, LIVENESS, NFC, OCR, PHONE_VERIFICATION, PROOF_OF_ADDRESS, QUESTIONNAIRE."
            ]),
        ),
        (features(&["FACE_MATCH"]), json!(["Feature 'FACE_MATCH' must appear after one of: OCR."])),
        (features(&["NFC", "OCR"]), json!(["Feature 'NFC' must appear after one of: OCR."])),
        (features(&["LIVENESS", "DATABASE_VALIDATION"]), json!(["Feature 'DATABASE_VALIDATION' must appear after one of: OCR."])),
        (features(&["AML"]), json!(["Feature 'AML' must appear after one of: OCR, KYB_REGISTRY."])),
        (features(&["KYB_DOCUMENTS"]), json!(["Feature 'KYB_DOCUMENTS' must appear after one of: KYB_REGISTRY."])),
        (features(&["KYB_KEY_PEOPLE"]), json!(["Feature 'KYB_KEY_PEOPLE' must appear after one of: KYB_REGISTRY."])),
        (features(&["IP_ANALYSIS", "OCR"]), json!(["Feature 'IP_ANALYSIS' cannot be the first feature."])),
        (features(&["KYB_REGISTRY", "LIVENESS"]), json!(["Feature 'LIVENESS' cannot be used in a business workflow."])),
        (features(&["OCR", "KYB_REGISTRY"]), json!(["Feature 'OCR' cannot be used in a business workflow."])),
        (features(&["QUESTIONNAIRE"]), json!(["Feature 'QUESTIONNAIRE' requires config.questionnaire_uuid."])),
        (
            features(&["KYB_REGISTRY", "KYB_DOCUMENTS"]),
            json!(["Feature 'KYB_DOCUMENTS' requires config.kyb_required_document_groups."]),
        ),
        (Json::from(vec![json!({ "feature": "OCR" }); 51]), json!(["Ensure this field has no more than 50 elements."])),
    ] {
        assert_eq!(answer(sent.clone()), expected, "{sent}");
    }
}

fn config(feature: &str, config: Json) -> Json {
    let needs_document = ["NFC", "FACE_MATCH", "DATABASE_VALIDATION", "AML"].contains(&feature);
    let mut sent = if needs_document { vec![json!({ "feature": "OCR" })] } else { Vec::new() };
    sent.push(json!({ "feature": feature, "config": config }));
    match answer(Json::from(sent)) {
        Json::Array(steps) if steps.last().is_some_and(|step| step.get("config").is_some()) => {
            steps.last().unwrap()["config"].clone()
        }
        refused => refused,
    }
}

#[test]
fn known_keys_are_kept_and_others_dropped() {
    let id = "9B0F0D3A-1f0e-4a53-8a53-2d1c6b7e9f10";
    let rules = json!([{ "field": "kyc.issuing_state", "operator": "in", "value_type": "list", "value": id, "status": "Declined", "note": 1 }]);
    for (feature, sent, stored) in [
        (
            "OCR",
            json!({ "invalid_mrz_action": "decline", "expected_details_mismatch_action": "Review", "unknown": 1, "voip_number_action": "DECLINE" }),
            json!({ "invalid_mrz_action": "DECLINE", "expected_details_mismatch_action": "REVIEW" }),
        ),
        (
            "OCR",
            json!({ "documents_allowed": { "ESP": ["P"] }, "minimum_age_action": null }),
            json!({ "documents_allowed": { "ESP": ["P"] } }),
        ),
        (
            "NFC",
            json!({ "inconsistent_data_action": "REVIEW", "unverified_chip_action": "NO_ACTION" }),
            json!({ "unverified_chip_action": "NO_ACTION" }),
        ),
        (
            "LIVENESS",
            json!({ "face_liveness_score_decline_threshold": 12.5, "face_quality_review_threshold": "40", "face_liveness_method": "FLASHING", "face_liveness_duplicated_face_name_mismatch_action": "review" }),
            json!({ "face_liveness_score_decline_threshold": 12.5, "face_quality_review_threshold": 40, "face_liveness_method": "FLASHING", "face_liveness_duplicated_face_name_mismatch_action": "REVIEW" }),
        ),
        ("AML", json!({ "aml_score_approve_threshold": 100 }), json!({ "aml_score_approve_threshold": 100 })),
        ("EMAIL_VERIFICATION", json!({ "email_max_retries": "5", "phone_max_retries": 9 }), json!({ "email_max_retries": 5 })),
        (
            "QUESTIONNAIRE",
            json!({ "questionnaire_uuid": id, "review_questionnaire_manually": "true" }),
            json!({ "questionnaire_uuid": id.to_lowercase(), "review_questionnaire_manually": true }),
        ),
        ("OCR", json!({ "status_rules": rules }), json!({ "status_rules": rules })),
    ] {
        assert_eq!(config(feature, sent.clone()), stored, "{feature} {sent}");
    }
}

#[test]
fn bad_values_are_named() {
    let rule = |field: &str, operator: &str, value_type: &str| json!([{ "field": field, "operator": operator, "value_type": value_type, "value": "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10", "status": "Declined" }]);
    for (feature, key, value) in [
        ("OCR", "invalid_mrz_action", json!("SHRUG")),
        ("OCR", "invalid_mrz_action", json!(1)),
        ("LIVENESS", "face_liveness_score_decline_threshold", json!(100.5)),
        ("LIVENESS", "face_liveness_method", json!("passive")),
        ("PHONE_VERIFICATION", "phone_max_check_attempts", json!(6)),
        ("QUESTIONNAIRE", "questionnaire_uuid", json!("x")),
        ("OCR", "status_rules", json!({})),
        ("OCR", "status_rules", rule("ocr.age", "in", "list")),
        ("OCR", "status_rules", rule("kyc.nonsense", "in", "list")),
        ("OCR", "status_rules", rule("kyc.age", "like", "literal")),
        ("OCR", "status_rules", json!([{ "field": "kyc.age", "operator": "regex", "value": "(", "status": "Declined" }])),
        ("OCR", "status_rules", json!([{ "field": "kyc.age", "operator": "is_empty", "status": "Expired" }])),
        (
            "OCR",
            "status_rules",
            Json::from(vec![json!({ "field": "kyc.age", "operator": "is_empty", "status": "Declined" }); 101]),
        ),
    ] {
        let expected = json!([format!("Invalid value for '{key}' in feature '{feature}'.")]);
        assert_eq!(config(feature, json!({ key: value })), expected, "{key} {value}");
    }
    let refused = config("OCR", json!({ "status_rules": rule("kyc.age", "greater_than", "list") }));
    assert_eq!(refused, json!(["Operator 'greater_than' cannot be used with a list."]));
}

fn flags(body: Json) -> Option<Json> {
    let value = Value::from(&body);
    let mut fields = Fields::of(&value).unwrap();
    let read = Features::read_flags(&mut fields)?;
    Some(match fields.finish(|| read) {
        Ok(features) => features.to_json(),
        Err(errors) => serde_json::to_value(errors).unwrap(),
    })
}

#[test]
fn the_older_form() {
    let named = |body: Json| {
        let steps = flags(body).unwrap();
        steps.as_array().unwrap().iter().map(|step| step["feature"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(named(json!({ "workflow_type": "kyc" })), "OCR");
    assert_eq!(named(json!({ "is_aml_enabled": true, "is_nfc_enabled": "1", "is_liveness_enabled": false })), "OCR NFC AML");
    assert_eq!(
        named(json!({ "workflow_type": "kyb", "is_phone_verification_enabled": true })),
        "KYB_REGISTRY PHONE_VERIFICATION"
    );
    assert_eq!(named(json!({ "is_foo_enabled": true })), "OCR");
    let configured =
        flags(json!({ "is_phone_verification_enabled": true, "voip_number_action": "decline", "unknown": 1 })).unwrap();
    assert_eq!(
        configured[1],
        json!({ "feature": "PHONE_VERIFICATION", "label": null, "config": { "voip_number_action": "DECLINE" } })
    );
    for body in [
        json!({}),
        json!({ "is_white_label_enabled": true }),
        json!({ "features": [], "is_nfc_enabled": true }),
        json!({ "is_default": true }),
    ] {
        assert_eq!(flags(body.clone()), None, "{body}");
    }
    for (body, errors) in [
        (json!({ "workflow_type": "x" }), json!({ "workflow_type": ["\"x\" is not a valid choice."] })),
        (json!({ "is_nfc_enabled": "maybe" }), json!({ "is_nfc_enabled": ["Must be a valid boolean."] })),
        (
            json!({ "workflow_type": "kyb", "is_liveness_enabled": true }),
            json!({ "features": ["Feature 'LIVENESS' cannot be used in a business workflow."] }),
        ),
    ] {
        assert_eq!(flags(body.clone()), Some(errors), "{body}");
    }
}
