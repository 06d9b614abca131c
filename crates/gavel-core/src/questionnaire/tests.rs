//! The form of a questionnaire.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{
    element::{ID, LABEL, OPTIONS},
    *,
};

fn read_form(sent: &Json) -> Result<Form, Json> {
    Form::read(&Value::from(sent)).map_err(|error| serde_json::to_value(error).unwrap())
}

fn question(element_type: &str) -> Json {
    json!({ "element_type": element_type, "label": { "en": "Q" } })
}

#[test]
fn a_form_is_shown_as_a_chain() {
    let form = read_form(&json!([
        { "id": "funds", "element_type": "SINGLE_CHOICE", "label": { "en": "Source?", "fr": "Source ?" }, "is_required": "true",
          "options": [{ "value": "salary", "label": { "en": "Salary" } }, { "label": { "en": "Other" } }] },
        { "element_type": "file_upload", "label": { "en": "Proof" }, "description": { "en": "" }, "max_files": "5" },
        { "element_type": "number", "label": { "en": 7 }, "validation": { "min": "1.50", "max": 9, "unknown": true, "min_length": null } },
    ]))
    .unwrap();
    assert_eq!(
        form.graph(),
        json!({ "start_node": "funds", "nodes": {
            "funds": { "element_type": "SINGLE_CHOICE", "is_required": true, "title": { "en": "Source?", "fr": "Source ?" },
                "description": null, "placeholder": null, "max_files": 1, "next": "question_2",
                "choices": [{ "value": "salary", "label": { "en": "Salary" } }, { "value": "option_2", "label": { "en": "Other" } }] },
            "question_2": { "element_type": "FILE_UPLOAD", "is_required": false, "title": { "en": "Proof" },
                "description": { "en": "" }, "placeholder": null, "max_files": 5, "choices": [], "next": "question_3" },
            "question_3": { "element_type": "NUMBER", "is_required": false, "title": { "en": "7" },
                "description": null, "placeholder": null, "max_files": 1, "choices": [], "next": null },
        } })
    );
    let stored = serde_json::to_value(&form).unwrap();
    assert_eq!(stored[2]["validation"].to_string(), r#"{"min":1.50,"max":9}"#, "numbers keep their digits");
}

#[test]
fn types_are_read_in_both_spellings_and_shown_in_one() {
    let forms = ["date_picker", "paragraph", "consent", "DATE_PICKER", "separator", "heading", "section_header"];
    let form = read_form(&forms.map(question).into_iter().collect()).unwrap();
    assert_eq!(form.question_types(), ["DATE_PICKER", "CONSENT"]);
    for name in ["Date_Picker", "signature", ""] {
        let expected = json!([{ "element_type": [format!("\"{name}\" is not a valid choice.")] }]);
        assert_eq!(read_form(&json!([question(name)])), Err(expected));
    }
}

#[test]
fn ids_stand_once() {
    let named = |id: &str| json!({ "id": id, "element_type": "email", "label": { "en": "Q" } });
    let form = read_form(&json!([named("question_2"), question("email"), named("question_4"), question("email")])).unwrap();
    let ids: Vec<&str> = form.0.iter().map(|element| element.id.as_str()).collect();
    assert_eq!(ids, ["question_2", "question_3", "question_4", "question_5"]);
    let twice = read_form(&json!([named("a"), named("b"), named("a")]));
    assert_eq!(twice, Err(json!([{}, {}, { "id": ["This id is used more than once."] }])));
}

#[test]
fn what_is_wrong_is_named() {
    let required = json!(["This field is required."]);
    let long = |count: usize| "x".repeat(count);
    let of = |mut element: Json, name: &str, value: Json| {
        element[name] = value;
        json!([element])
    };
    let choice = |options: Json| of(question("dropdown"), "options", options);
    for (sent, expected) in [
        (json!([]), json!(["This list may not be empty."])),
        (json!({}), json!(["Expected a list of items but got type \"dict\"."])),
        (json!([{ "element_type": "email" }]), json!([{ "label": required }])),
        (json!([question("email"), {}]), json!([{}, { "element_type": required, "label": required }])),
        (json!(["email"]), json!([{ "non_field_errors": ["Invalid data. Expected a dictionary, but got str."] }])),
        (of(question("email"), "label", json!("Q")), json!([{ "label": ["Invalid data. Expected a dictionary, but got str."] }])),
        (of(question("email"), "label", json!({})), json!([{ "label": ["This field may not be blank."] }])),
        (
            of(question("email"), "label", json!({ "en": "", "xx": "Q", "de": null, "fr": [] })),
            json!([{ "label": { "en": ["This field may not be blank."], "xx": ["\"xx\" is not a valid choice."],
                "de": ["This field may not be null."], "fr": ["Not a valid string."] } }]),
        ),
        (
            of(question("email"), "label", json!({ "en": long(LABEL + 1) })),
            json!([{ "label": { "en": ["Ensure this field has no more than 1000 characters."] } }]),
        ),
        (
            of(question("email"), "id", json!(long(ID + 1))),
            json!([{ "id": ["Ensure this field has no more than 255 characters."] }]),
        ),
        (of(question("email"), "id", json!("")), json!([{ "id": ["This field may not be blank."] }])),
        (
            of(question("image"), "max_files", json!(6)),
            json!([{ "max_files": ["Ensure this value is less than or equal to 5."] }]),
        ),
        (json!([question("multiple_choice")]), json!([{ "options": required }])),
        (choice(json!([])), json!([{ "options": ["This list may not be empty."] }])),
        (choice(json!([{ "label": { "en": "A" } }, { "value": "b" }])), json!([{ "options": [{}, { "label": required }] }])),
        (
            choice(Json::from(vec![json!({ "label": { "en": "A" } }); OPTIONS + 1])),
            json!([{ "options": ["Ensure this field has no more than 300 elements."] }]),
        ),
        (
            of(
                question("number"),
                "validation",
                json!({ "min": "x", "min_length": -1, "pattern": [], "error_message": { "xx": "" } }),
            ),
            json!([{ "validation": { "pattern": ["Not a valid string."], "min_length": ["Ensure this value is greater than or equal to 0."],
                "min": ["A valid number is required."], "error_message": { "xx": ["\"xx\" is not a valid choice."] } } }]),
        ),
        (Json::from(vec![question("email"); ELEMENTS + 1]), json!(["Ensure this field has no more than 200 elements."])),
    ] {
        assert_eq!(read_form(&sent), Err(expected), "{sent}");
    }
    assert!(read_form(&Json::from(vec![question("email"); ELEMENTS])).is_ok());
    assert!(read_form(&choice(Json::from(vec![json!({ "label": { "en": long(LABEL) } }); OPTIONS]))).is_ok());
}

#[test]
fn languages_have_english_among_them() {
    let answer = |sent: Json| read_languages(&Value::from(&sent)).map_err(|error| serde_json::to_value(error).unwrap());
    assert_eq!(answer(json!(["fr", "en", "fr"])), Ok(vec!["fr", "en"]));
    for sent in [json!([]), json!(["fr"])] {
        assert_eq!(answer(sent), Err(json!(["English ('en') must be included."])));
    }
    assert_eq!(answer(json!(["en", "EN"])), Err(json!({ "1": ["\"EN\" is not a valid choice."] })));
    assert_eq!(answer(json!("en")), Err(json!(["Expected a list of items but got type \"str\"."])));
}

/// JSON made of the words a form knows, so that it often is nearly one.
fn nearly_a_form() -> impl Strategy<Value = Json> {
    let word = prop::sample::select(vec!["en", "xx", "email", "DROPDOWN", "question_1", "question_2", "", "1", "-0.5e3"]);
    let name = prop::sample::select(vec![
        "id",
        "element_type",
        "label",
        "en",
        "options",
        "value",
        "max_files",
        "validation",
        "min",
        "pattern",
        "is_required",
    ]);
    let leaf = prop_oneof![
        word.prop_map(Json::from),
        any::<i8>().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        Just(Json::Null),
        Just(json!({ "en": "Q" })),
    ];
    let nested = leaf.prop_recursive(4, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((name.clone(), inner), 0..7)
                .prop_map(|members| Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    });
    let sound = prop::sample::select(vec!["email", "short_text", "NUMBER"]).prop_map(question);
    prop::collection::vec(prop_oneof![nested, sound.boxed()], 0..6).prop_map(Json::from)
}

proptest! {
    /// Whatever is sent is read or refused; what is read is stored and comes back, and its graph visits every element once.
    #[test]
    fn any_form_is_read_or_refused(sent in nearly_a_form(), ids in prop::collection::vec(prop::option::of("question_[1-4]"), 0..6)) {
        let mut sent = sent;
        for (element, id) in sent.as_array_mut().unwrap().iter_mut().zip(ids) {
            if let (Json::Object(members), Some(id)) = (element, id) {
                members.insert("id".into(), id.into());
            }
        }
        if let Ok(form) = read_form(&sent) {
            let stored = serde_json::to_string(&form).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Form>(&stored).unwrap(), &form);
            let graph = form.graph();
            let (mut seen, mut next) = (Vec::new(), graph["start_node"].clone());
            while let Some(id) = next.as_str() {
                prop_assert!(!seen.contains(&id.to_owned()));
                seen.push(id.to_owned());
                next = graph["nodes"][id]["next"].clone();
            }
            prop_assert_eq!(seen.len(), sent.as_array().unwrap().len());
        }
    }
}
