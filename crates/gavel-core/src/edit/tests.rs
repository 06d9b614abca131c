use serde_json::{Value as Json, json};

use super::*;
use crate::{
    evidence::{Feature, Item},
    json::Value,
};

fn read(form: &'static Form, body: &Json) -> Result<Edit, Json> {
    let text = body.to_string();
    Edit::read(form, &Value::parse(text.as_bytes()).unwrap()).map_err(|errors| serde_json::to_value(errors).unwrap())
}

fn apply(form: &'static Form, data: &mut Map<String, Json>, body: Json) -> Changes {
    read(form, &body).unwrap().apply(data).unwrap()
}

fn empty(feature: Feature) -> Map<String, Json> {
    Item::empty(feature, 0).data
}

#[test]
fn what_follows_is_put_right_and_the_rest_stays() {
    let mut data = empty(Feature::Ocr);
    data["full_name"] = json!("As printed");
    let changes = apply(&DOCUMENT, &mut data, json!({ "gender": "F", "place_of_birth": "" }));
    assert_eq!((changes.fields.as_slice(), &data["full_name"]), (&["gender", "place_of_birth"][..], &json!("As printed")));
    let changes = apply(&DOCUMENT, &mut data, json!({ "last_name": "Ruiz", "issuing_state": "ESP", "x": 1 }));
    assert_eq!(changes.fields, ["issuing_state", "last_name"]);
    assert_eq!(
        (&changes.previous, &changes.new),
        (
            json!({ "issuing_state": null, "last_name": null }).as_object().unwrap(),
            json!({ "issuing_state": "ESP", "last_name": "Ruiz" }).as_object().unwrap(),
        )
    );
    assert_eq!((&data["full_name"], &data["issuing_state_name"]), (&json!("Ruiz"), &json!("Spain")));
    apply(&DOCUMENT, &mut data, json!({ "first_name": "Ana" }));
    assert_eq!(data["full_name"], "Ana Ruiz");
    apply(&DOCUMENT, &mut data, json!({ "first_name": null, "last_name": null, "issuing_state": null }));
    assert_eq!((&data["full_name"], &data["issuing_state_name"]), (&json!(null), &json!(null)));
}

#[test]
fn null_clears_what_may_be_empty_and_is_nothing_elsewhere() {
    let edit = read(&DOCUMENT, &json!({ "marital_status": null })).unwrap();
    assert!(edit.is_empty());
    let edit = read(&PROOF_OF_ADDRESS, &json!({ "document_type": null, "issuer": null })).unwrap();
    assert!(!edit.is_empty() && edit.touches("issuer") && !edit.touches("document_type"));
    let mut data = empty(Feature::Ocr);
    apply(
        &DOCUMENT,
        &mut data,
        json!({ "document_type": "VISA", "gender": "M", "extra_fields": { "a": 1 }, "parsed_address": { "city": "x" } }),
    );
    let cleared = json!({ "document_type": null, "gender": null, "extra_fields": null, "parsed_address": null });
    assert_eq!(apply(&DOCUMENT, &mut data, cleared.clone()).new, *cleared.as_object().unwrap());
    assert_eq!(data, empty(Feature::Ocr));
}

#[test]
fn extra_members_are_merged_one_by_one() {
    let mut data = empty(Feature::Ocr);
    apply(&DOCUMENT, &mut data, json!({ "extra_fields": { "blood_group": "A+", "own": { "n": 1 }, "gone": 1 } }));
    let changes = apply(&DOCUMENT, &mut data, json!({ "extra_fields": { "gone": null, "own": [1], "never": null } }));
    assert_eq!(data["extra_fields"], json!({ "blood_group": "A+", "own": [1] }));
    assert_eq!(changes.previous["extra_fields"], json!({ "blood_group": "A+", "own": { "n": 1 }, "gone": 1 }));
    let mut data = empty(Feature::ProofOfAddress);
    apply(&PROOF_OF_ADDRESS, &mut data, json!({ "extra_fields": { "additional_names": ["Ana"], "bank_iban": "X" } }));
    apply(&PROOF_OF_ADDRESS, &mut data, json!({ "extra_fields": { "additional_names": null, "bank_iban": null } }));
    assert_eq!((&data["extra_fields"]["additional_names"], &data["extra_fields"]["bank_iban"]), (&json!([]), &json!(null)));
    assert_eq!(data["extra_fields"].as_object().unwrap().len(), 9, "all that the decision shows");
}

#[test]
fn an_address_keeps_all_its_members() {
    let mut data = empty(Feature::Ocr);
    let changes = apply(&DOCUMENT, &mut data, json!({ "parsed_address": { "city": "Madrid", "country": "ES", "region": null } }));
    assert_eq!(changes.previous["parsed_address"], Json::Null);
    assert_eq!(data["parsed_address"]["document_location"], Json::Null);
    assert_eq!(data["parsed_address"]["is_verified"], false);
    data["parsed_address"]["formatted_address"] = json!("Madrid, Spain");
    apply(&DOCUMENT, &mut data, json!({ "parsed_address": { "city": null } }));
    let shown = DOCUMENT.show(&data);
    assert_eq!(
        shown["parsed_address"],
        json!({
            "address_type": null, "city": null, "region": null, "street_1": null, "street_2": null, "postal_code": null,
            "country": "ES", "formatted_address": "Madrid, Spain",
        })
    );
    let unchanged = apply(&DOCUMENT, &mut data, json!({ "parsed_address": {} }));
    assert!(unchanged.is_empty());
    let mut data = empty(Feature::ProofOfAddress);
    data["poa_formatted_address"] = json!("1 Main St");
    apply(&PROOF_OF_ADDRESS, &mut data, json!({ "poa_parsed_address": { "street_1": "1 Main St" } }));
    assert_eq!(PROOF_OF_ADDRESS.show(&data)["poa_parsed_address"]["formatted_address"], "1 Main St");
}

#[test]
fn nothing_merged_into_nothing_stays_nothing() {
    for (form, feature, address) in
        [(&DOCUMENT, Feature::Ocr, "parsed_address"), (&PROOF_OF_ADDRESS, Feature::ProofOfAddress, "poa_parsed_address")]
    {
        for (member, nothing) in [
            (address, json!({})),
            (address, json!({ "city": null })),
            ("extra_fields", json!({})),
            ("extra_fields", json!({ "x": null })),
        ] {
            let mut data = empty(feature);
            assert!(apply(form, &mut data, json!({ member: nothing })).is_empty(), "{member} {nothing}");
            assert_eq!(data, empty(feature));
        }
    }
}

#[test]
fn extra_members_stay_small_however_often_they_are_merged() {
    let mut data = empty(Feature::Ocr);
    apply(&DOCUMENT, &mut data, json!({ "extra_fields": { "a": "x".repeat(16_000) } }));
    let edit = read(&DOCUMENT, &json!({ "extra_fields": { "b": "x".repeat(500) } })).unwrap();
    let errors = serde_json::to_value(edit.apply(&mut data).unwrap_err()).unwrap();
    assert_eq!(errors, json!({ "extra_fields": ["Ensure this field has no more than 16384 bytes."] }));
}

#[test]
fn mistakes_are_told_all_at_once() {
    const KEYS: &str = "Unsupported key. Allowed keys: address_type, city, region, street_1, street_2, postal_code, country";
    let errors = read(
        &DOCUMENT,
        &json!({
            "document_type": "PASSPORT", "document_subtype": "x".repeat(129), "date_of_birth": "1990-02-30", "gender": "X",
            "issuing_state": "es", "first_name": [], "nationality": "x".repeat(33), "marital_status": "ENGAGED", "extra_fields": [],
            "parsed_address": { "zipcode": "1", "country": "ESP", "city": {} },
        }),
    );
    assert_eq!(
        errors.unwrap_err(),
        json!({
            "document_type": ["\"PASSPORT\" is not a valid choice."],
            "document_subtype": ["Ensure this field has no more than 128 characters."],
            "date_of_birth": ["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."],
            "issuing_state": ["Invalid ISO 3166-1 alpha-3 country code for issuing_state."],
            "first_name": ["Not a valid string."],
            "gender": ["\"X\" is not a valid choice."],
            "nationality": ["Ensure this field has no more than 32 characters."],
            "marital_status": ["\"ENGAGED\" is not a valid choice."],
            "extra_fields": ["This field must be a JSON object."],
            "parsed_address": {
                "zipcode": KEYS, "country": "Invalid ISO 3166-1 alpha-2 country code.", "city": ["Not a valid string."],
            },
        })
    );
    let errors = read(
        &PROOF_OF_ADDRESS,
        &json!({ "document_type": "utility_bill", "extra_fields": { "additional_names": "Ana" }, "poa_parsed_address": "x" }),
    );
    assert_eq!(
        errors.unwrap_err(),
        json!({
            "document_type": ["\"utility_bill\" is not a valid choice."],
            "extra_fields": { "additional_names": "Must be a list or null." },
            "poa_parsed_address": ["Invalid data. Expected a dictionary, but got str."],
        })
    );
    let many: Map<String, Json> = (0..2_000).map(|n| (format!("k{n}"), Json::Null)).collect();
    let errors = read(&DOCUMENT, &json!({ "parsed_address": many })).unwrap_err();
    assert_eq!(errors["parsed_address"].as_object().unwrap().len(), 500);
}

#[test]
fn verdicts_are_put_in_all_or_not_at_all() {
    let reviews = |body: Json| read_hit_reviews(&Value::parse(body.to_string().as_bytes()).unwrap());
    let of = |hits: Json| json!({ "hits": hits }).as_object().unwrap().clone();
    let mut data =
        of(json!([{ "id": "a", "review_status": null }, { "id": "b", "review_status": "Unreviewed" }, { "id": null }, 5]));
    let wanted = json!({ "hit_updates": [
        { "hit_id": "b", "review_status": "Inconclusive" }, { "hit_id": "a", "review_status": "False Positive" },
        { "hit_id": "b", "review_status": "Confirmed Match" },
    ] });
    let done = ReviewedHits::apply(&mut data, &reviews(wanted).unwrap()).unwrap();
    assert_eq!(
        done.previous,
        [json!({ "hit_id": "b", "review_status": "Unreviewed" }), json!({ "hit_id": "a", "review_status": null })]
    );
    assert_eq!(done.new[0], json!({ "hit_id": "b", "review_status": "Confirmed Match" }));
    assert_eq!(
        (&data["hits"][0]["review_status"], &data["hits"][1]["review_status"]),
        (&json!("False Positive"), &json!("Confirmed Match"))
    );
    let before = data.clone();
    let unknown = json!({ "hit_updates": [
        { "hit_id": "z", "review_status": "Unreviewed" }, { "hit_id": "a", "review_status": "Unreviewed" },
        { "hit_id": "y", "review_status": "Unreviewed" },
    ] });
    assert_eq!(ReviewedHits::apply(&mut data, &reviews(unknown).unwrap()).unwrap_err(), ["z", "y"]);
    assert_eq!(data, before);
    assert_eq!(ReviewedHits::apply(&mut Map::new(), &[]).unwrap(), ReviewedHits::default());
    for (body, errors) in [
        (json!({}), json!({ "hit_updates": ["This field is required."] })),
        (json!({ "hit_updates": [] }), json!({ "hit_updates": ["hit_updates cannot be empty"] })),
        (
            json!({ "hit_updates": [{ "hit_id": "a", "review_status": "Unreviewed" }, { "hit_id": "", "review_status": "Maybe" }] }),
            json!({ "hit_updates": [{}, { "hit_id": ["This field may not be blank."], "review_status": ["\"Maybe\" is not a valid choice."] }] }),
        ),
        (
            json!({ "hit_updates": vec![json!({}); 1_001] }),
            json!({ "hit_updates": ["Ensure this field has no more than 1000 elements."] }),
        ),
    ] {
        assert_eq!(serde_json::to_value(reviews(body).unwrap_err()).unwrap(), errors);
    }
}
