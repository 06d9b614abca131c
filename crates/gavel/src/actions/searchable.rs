//! What of a session's evidence the session list can be searched by.

use gavel_core::evidence::{Feature, Item};

use crate::store::{records::document_code, sessions::Searchable};

/// The copies the latest items leave in the session's row.
pub(super) fn of(items: &[Item]) -> Searchable {
    let mut copy = Searchable::default();
    for item in items {
        let text = |member: &str| item.text(member).map(str::to_owned);
        match item.feature {
            Feature::Ocr => {
                copy.full_name = text("full_name").or(copy.full_name);
                copy.document_number = text("document_number").or(copy.document_number);
                copy.personal_number = text("personal_number").or(copy.personal_number);
                copy.document_type = item.text("document_type").map(|name| document_code(name).to_owned()).or(copy.document_type);
                copy.document_name = document_name(item).or(copy.document_name);
                copy.country = text("issuing_state").or(copy.country);
                copy.region = member_of(item, "parsed_address", "region").or(copy.region);
            }
            Feature::PhoneVerification => {
                copy.phone_digits =
                    item.text("full_number").map(|number| number.trim_start_matches('+').to_owned()).or(copy.phone_digits);
            }
            Feature::EmailVerification => copy.email = text("email").or(copy.email),
            Feature::Aml => copy.screened_name = member_of(item, "screened_data", "full_name").or(copy.screened_name),
            _ => {}
        }
    }
    copy
}

/// Such as `Spain Passport`: what a person would call the document.
fn document_name(item: &Item) -> Option<String> {
    let parts: Vec<&str> =
        ["issuing_state_name", "document_type", "document_subtype"].iter().filter_map(|member| item.text(member)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn member_of(item: &Item, object: &str, member: &str) -> Option<String> {
    Some(item.data.get(object)?.get(member)?.as_str()?.to_owned())
}
