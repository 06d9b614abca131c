//! What rows say, and what is wrong with them.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::actions::import::rows::{Format, Rows};

fn read_line(import_type: ImportType, line: &Json) -> Result<Imported, String> {
    (import_type.shape().read)(&Value::from(line)).map_err(|errors| told(&errors))
}

fn content(line: &Json) -> [u8; 32] {
    read_line(ImportType::Users, line).unwrap_or_else(|error| panic!("{error}")).content
}

#[test]
fn equal_rows_have_one_digest_and_others_another() {
    let row = json!({ "external_id": "a", "status": "Approved", "email": "a@b.example" });
    let same = json!({ "email": "a@b.example", "unknown": 1, "status": "Approved", "first_name": "", "last_name": null, "external_id": "a" });
    assert_eq!(content(&row), content(&same));
    for (name, value) in [("email", "b@b.example"), ("status", "Declined"), ("first_name", "Ana")] {
        let mut other = row.clone();
        other[name] = value.into();
        assert_ne!(content(&row), content(&other), "{name}");
    }
    let with = |metadata: &str| {
        content(
            &serde_json::from_str(&format!("{{\"external_id\":\"a\",\"status\":\"Approved\",\"metadata\":{metadata}}}")).unwrap(),
        )
    };
    assert_eq!(with("{\"n\":2.50,\"m\":1}"), with("{\"m\":1.0,\"n\":2.5}"));
    assert_ne!(with("{\"n\":2.5}"), with("{\"n\":\"2.5\"}"));
}

#[test]
fn every_kind_of_data_is_one_item() {
    let row = json!({ "external_id": " a ", "status": "Kyc Expired", "first_name": "Ana", "issuing_state": "ESP", "email": "A@b.example",
        "phone_number": "+1 415 555 2671", "ip_address": "203.0.113.9", "portrait_image_url": "https://example.com/a.png" });
    let read = read_line(ImportType::Users, &row).unwrap_or_else(|error| panic!("{error}"));
    let What::Session(session) = read.what else { panic!("no session") };
    let features: Vec<Feature> = session.items.iter().map(|item| item.feature).collect();
    assert_eq!((read.external_id.as_str(), session.status), ("a", SessionStatus::KycExpired));
    assert_eq!(features, [Feature::Ocr, Feature::PhoneVerification, Feature::EmailVerification, Feature::IpAnalysis]);
    assert_eq!(session.items[0].media.len(), 1, "the picture is still to be fetched");
    assert_eq!(session.items[2].text("email"), Some("a@b.example"));
}

#[test]
fn wrong_columns_are_named() {
    for (import_type, row, expected) in [
        (ImportType::Users, json!({}), "external_id: This field is required. status: This field is required."),
        (ImportType::Users, json!([]), "Invalid data. Expected a dictionary, but got list."),
        (
            ImportType::Users,
            json!({ "external_id": "a", "status": "Approved", "phone_number": [] , "portrait_image_url": "media:1" }),
            "portrait_image_url: Enter a valid URL. portrait_image_url:",
        ),
        (
            ImportType::Businesses,
            json!({ "external_id": "a", "status": "Not Started", "country": "Deutschland" }),
            "company_name: This field is required. country: Ensure this field has no more than 10 characters. status:",
        ),
        (ImportType::StatusRules, json!({ "external_id": "a", "feature": "FOO" }), "feature: \"FOO\" is not a valid choice."),
        (
            ImportType::Transactions,
            json!({ "transaction_id": "t", "transaction_category": "finance", "direction": "in", "amount": "x", "currency": "eur", "subject_full_name": "A" }),
            "amount: A valid number is required. subject: subject.vendor_data and subject.full_name are required.",
        ),
        (
            ImportType::Transactions,
            json!({ "transaction_id": "t", "transaction_category": "finance", "direction": "in", "amount": "1", "currency": "eur",
                "subject_vendor_data": "a", "subject_full_name": "A", "metadata": "x" }),
            "metadata: Invalid data. Expected a dictionary, but got str.",
        ),
    ] {
        let error = read_line(import_type, &row).err().unwrap();
        assert!(error.starts_with(expected), "{row}: {error}");
    }
}

proptest! {
    /// Whatever stands in a file is a row that is read or one that is refused, and every row is one of the two.
    #[test]
    fn any_file_is_read(
        rows in prop::collection::vec("(,|\"|a|é|[1-9]|Approved|OCR|kyc.age|\\{|\\}|\\[|:| |=){0,12}", 0..8),
        kind in 0..4_usize,
        csv in any::<bool>(),
    ) {
        let import_type = TYPES[kind].0;
        let (head, format) = if csv { (import_type.columns().join(","), Format::Csv) } else { ("{}".to_owned(), Format::Ndjson) };
        let file = format!("{head}\n{}", rows.join("\n"));
        let (mut read, mut reader) = (Vec::new(), Rows::new(format, import_type.shape()));
        reader.push(file.as_bytes(), &mut read).unwrap();
        reader.finish(&mut read).unwrap();
        for (row, number) in read.iter().zip(1..) {
            prop_assert_eq!(row.number, number);
            prop_assert!(row.read.as_ref().map_or_else(|errors| !told(errors).is_empty(), |row| !row.external_id.is_empty()));
        }
    }
}
