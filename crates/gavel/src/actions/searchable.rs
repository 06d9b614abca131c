//! What of a session the session list can be searched by: copies of the latest results' values in the session's row.
//!
//! They are drawn from all records anew with every change, so that a result that was taken back (a resubmission) or
//! followed by a later one leaves nothing behind.

use gavel_core::{
    entry::country,
    evidence::{Feature, document_code},
    session::{FeatureStatus, SessionKind},
};
use serde_json::Value;

use super::decision;
use crate::store::{
    records::Record,
    sessions::{Searchable, Session},
};

/// The copies these records leave in the session's row.
pub(super) fn of(session: &Session, records: &[Record]) -> Searchable {
    let mut copy = match session.kind {
        SessionKind::User => Searchable::default(),
        SessionKind::Business => company(session),
    };
    let mut latest: Vec<&Record> = records.iter().filter(|record| record.status != FeatureStatus::ResubRequested).collect();
    latest.sort_by_key(|record| record.ordinal);
    let mut screened_names = Vec::new();
    for record in latest {
        let text = |member: &str| record.data.get(member)?.as_str().map(str::to_owned);
        match record.feature {
            Feature::Ocr => {
                copy.full_name = text("full_name");
                copy.document_number = text("document_number");
                copy.personal_number = text("personal_number");
                copy.document_type = document_code(&record.data).map(str::to_owned);
                copy.document_name = document_name(record);
                copy.country = text("issuing_state");
                copy.region = member_of(record, "parsed_address", "region");
            }
            Feature::PhoneVerification => {
                copy.phone_digits = text("full_number").map(|number| number.trim_start_matches('+').to_owned());
            }
            Feature::EmailVerification => copy.email = text("email"),
            Feature::Aml => screened_names.extend(member_of(record, "screened_data", "full_name")),
            _ => {}
        }
    }
    // A search is for a part of any one of them.
    copy.screened_name = (!screened_names.is_empty()).then(|| screened_names.join("\n"));
    copy
}

/// A company is listed by what its session was started with.
fn company(session: &Session) -> Searchable {
    let expected = decision::raw(session.expected_details.as_deref());
    let member = |name: &str| expected.get(name).and_then(Value::as_str);
    Searchable {
        full_name: member("company_name").map(str::to_owned),
        country: member("registry_country").map(|code| country::alpha3(code).unwrap_or(code).to_owned()),
        ..Searchable::default()
    }
}

/// Such as `Spain Passport`: what a person would call the document.
fn document_name(record: &Record) -> Option<String> {
    let text = |member: &&str| record.data.get(*member).and_then(Value::as_str);
    let parts: Vec<&str> = ["issuing_state_name", "document_type", "document_subtype"].iter().filter_map(text).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn member_of(record: &Record, object: &str, member: &str) -> Option<String> {
    Some(record.data.get(object)?.get(member)?.as_str()?.to_owned())
}
