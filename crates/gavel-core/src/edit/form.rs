//! What may be edited: the members of each form with their limits, as operations.md lists them.

use serde_json::{Map, Value};

use super::{
    Changes,
    members::{Kind, Member},
};
use crate::{
    entry::country,
    evidence::{Feature, shape::TEXT_LIMIT},
};

/// The members of one kind of document that may be edited.
#[derive(Debug)]
pub struct Form {
    /// What the records of this form are.
    pub feature: Feature,
    pub(super) members: &'static [Member],
    /// Members the answer has beside those that may be edited.
    derived: &'static [&'static str],
}

const fn nullable(name: &'static str, kind: Kind) -> Member {
    Member { name, nullable: true, kind }
}

const fn text(name: &'static str, limit: usize) -> Member {
    nullable(name, Kind::Text(limit))
}

const fn date(name: &'static str) -> Member {
    nullable(name, Kind::Date)
}

const fn choice(name: &'static str, values: &'static [&'static str]) -> Member {
    Member { name, nullable: false, kind: Kind::Choice(values) }
}

/// An identity document (`update-data`).
pub static DOCUMENT: Form = Form {
    feature: Feature::Ocr,
    members: &[
        nullable("document_type", Kind::DocumentType),
        text("document_subtype", 128),
        text("document_number", 255),
        text("personal_number", 255),
        date("date_of_birth"),
        date("date_of_issue"),
        date("expiration_date"),
        nullable("issuing_state", Kind::Country),
        text("first_name", 255),
        text("last_name", 255),
        nullable("gender", Kind::Choice(&["M", "F", "U"])),
        text("address", 255),
        text("place_of_birth", 255),
        text("nationality", 32),
        choice("marital_status", &["SINGLE", "MARRIED", "DIVORCED", "WIDOWED", "UNKNOWN"]),
        nullable("extra_fields", Kind::Extra { list: None }),
        nullable("parsed_address", Kind::Address { formatted: None }),
    ],
    derived: &["full_name", "issuing_state_name"],
};

/// A proof of address (`update-poa-data`).
pub static PROOF_OF_ADDRESS: Form = Form {
    feature: Feature::ProofOfAddress,
    members: &[
        nullable("issuing_state", Kind::Country),
        choice(
            "document_type",
            &["UTILITY_BILL", "BANK_STATEMENT", "GOVERNMENT_ISSUED_DOCUMENT", "OTHER_POA_DOCUMENT", "UNKNOWN"],
        ),
        text("document_language", 50),
        text("issuer", 255),
        date("issue_date"),
        text("poa_address", TEXT_LIMIT),
        text("name_on_document", 255),
        nullable("extra_fields", Kind::Extra { list: Some("additional_names") }),
        nullable("poa_parsed_address", Kind::Address { formatted: Some("poa_formatted_address") }),
    ],
    derived: &["poa_formatted_address"],
};

impl Form {
    /// The full record as the call answers it.
    pub fn show(&self, data: &Map<String, Value>) -> Map<String, Value> {
        let members = self.members.iter().map(|member| (member.name.to_owned(), member.answered(data)));
        let derived = self.derived.iter().map(|name| ((*name).to_owned(), data.get(*name).cloned().unwrap_or_default()));
        members.chain(derived).collect()
    }

    /// Puts right what follows from members that are different now.
    pub(super) fn follow(&self, data: &mut Map<String, Value>, changes: &Changes) {
        if self.feature != Feature::Ocr {
            return;
        }
        let text = |member: &str| data.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        let names: Vec<&str> = ["first_name", "last_name"].into_iter().filter_map(text).collect();
        let full_name = (!names.is_empty()).then(|| names.join(" "));
        let state = text("issuing_state").and_then(country::name_of);
        if changes.of("first_name") || changes.of("last_name") {
            data.insert("full_name".to_owned(), full_name.into());
        }
        if changes.of("issuing_state") {
            data.insert("issuing_state_name".to_owned(), state.into());
        }
    }
}
