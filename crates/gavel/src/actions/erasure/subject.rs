//! What a person is known by: their sessions, their values, the texts of their documents. Used to find them where no id of
//! a session leads: rows of imports, proposals, stored answers.

use std::collections::HashSet;

use aho_corasick::AhoCorasick;
use gavel_core::{
    entry::{EntryType, EntryValue},
    subject::Profile,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    actions::Error,
    store::erase::{Key, Said},
};

/// Members of items that name a person, wherever they stand.
const NAMING: [&str; 20] = [
    "account_id",
    "owner_name",
    "street",
    "full_name",
    "document_number",
    "personal_number",
    "phone_number",
    "full_number",
    "email",
    "ip_address",
    "device_fingerprint",
    "address",
    "formatted_address",
    "poa_address",
    "poa_formatted_address",
    "name_on_document",
    "mrz_string",
    "tax_number",
    "identification_number",
    "caption",
];
/// Shorter texts name nobody: they stand inside too many others.
const SHORTEST: usize = 5;
/// What a cell of a row may be.
const TYPES: [EntryType; 9] = [
    EntryType::Email,
    EntryType::Phone,
    EntryType::Document,
    EntryType::IpAddress,
    EntryType::DeviceFingerprint,
    EntryType::WalletAddress,
    EntryType::BankAccount,
    EntryType::User,
    EntryType::Business,
];

/// What the records of a user and a business said; they are gone when it is looked for elsewhere.
#[derive(Serialize, Deserialize)]
pub(super) struct About {
    vendor_data: String,
    emails: Vec<String>,
    phones: Vec<String>,
    /// Of people and companies.
    names: Vec<String>,
    /// Of companies.
    numbers: Vec<String>,
}

impl About {
    /// What is to be looked for.
    pub(super) fn of(vendor_data: &str, profiles: Vec<Profile>) -> Self {
        let mut about =
            Self { vendor_data: vendor_data.to_owned(), emails: vec![], phones: vec![], names: vec![], numbers: vec![] };
        for profile in profiles {
            about.emails.extend(profile.approved_emails);
            about.phones.extend(profile.approved_phones);
            about.names.extend([profile.full_name, profile.legal_name].into_iter().flatten());
            about.numbers.extend(profile.registration_number);
        }
        about
    }

    /// The same as what a session says.
    pub(super) fn said(&self) -> Said {
        let values = |entry_type, texts: &[String]| -> Vec<EntryValue> {
            texts.iter().filter_map(|text| EntryValue::parse(entry_type, text).ok()).collect()
        };
        let item = |name: &str, text: &String| json!({ name: text }).to_string();
        let names = self.names.iter().map(|text| item("full_name", text));
        let numbers = self.numbers.iter().map(|text| item("identification_number", text));
        Said {
            vendor_data: Some(self.vendor_data.clone()),
            values: [values(EntryType::Email, &self.emails), values(EntryType::Phone, &self.phones)].concat(),
            corrected: Vec::new(),
            items: names.chain(numbers).collect(),
            portrait: None,
        }
    }
}

/// A person, as far as the server knows them.
#[derive(Default)]
pub(super) struct Collected {
    texts: HashSet<String>,
    keys: HashSet<Key>,
}

impl Collected {
    /// Adds what a session or a transaction says, and its id.
    pub(super) fn note(&mut self, id: &str, said: &Said) {
        self.texts.insert(id.to_owned());
        self.add(said);
    }

    /// Adds what is said of them.
    pub(super) fn add(&mut self, said: &Said) {
        self.keys.extend(keys(said));
        values(said).iter().for_each(|value| self.text(value.stored()));
        for item in &said.items {
            if let Ok(item) = serde_json::from_str::<Json>(item) {
                self.naming(&item);
            }
        }
    }

    fn text(&mut self, text: &str) {
        let text = text.trim().to_lowercase();
        if text.chars().count() >= SHORTEST {
            self.texts.insert(text);
        }
    }

    fn naming(&mut self, item: &Json) {
        match item {
            Json::Array(items) => items.iter().for_each(|item| self.naming(item)),
            Json::Object(members) => {
                for (name, member) in members {
                    match member {
                        Json::String(text) if NAMING.contains(&name.as_str()) => self.text(text),
                        other => self.naming(other),
                    }
                }
            }
            _ => {}
        }
    }

    /// Ready to look with.
    pub(super) fn finish(self) -> Result<Subject, Error> {
        let texts = AhoCorasick::new(&self.texts).map_err(Error::fault)?;
        Ok(Subject { texts, keys: self.keys })
    }
}

/// The values of a session lists may hold, as they compare them; what an edit has left of them too.
pub(super) fn keys(said: &Said) -> Vec<Key> {
    let shown = values(said).into_iter().map(|value| (value.entry_type(), value.digest()));
    shown.chain(said.corrected.iter().copied()).collect()
}

/// What it has shown, and the caller's id of the person.
fn values(said: &Said) -> Vec<EntryValue> {
    let of_vendor = |entry_type| said.vendor_data.as_deref().and_then(|text| EntryValue::parse(entry_type, text).ok());
    let vendor = [EntryType::User, EntryType::Business].into_iter().filter_map(of_vendor);
    said.values.iter().cloned().chain(vendor).collect()
}

/// A person to look for.
pub(super) struct Subject {
    texts: AhoCorasick,
    keys: HashSet<Key>,
}

impl Subject {
    /// Whether a text mentions them.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.texts.is_match(&text.to_lowercase())
    }

    /// Whether any text inside is one of their values, however it is spelled, or mentions them.
    pub(super) fn is_in_json(&self, value: &Json) -> bool {
        match value {
            Json::String(text) => self.is_in(text) || self.is_value(text),
            Json::Array(items) => items.iter().any(|item| self.is_in_json(item)),
            Json::Object(members) => members.values().any(|member| self.is_in_json(member)),
            // A CSV cell of digits, written as a number where the row came as JSON.
            Json::Number(number) => self.is_value(&number.to_string()),
            Json::Null | Json::Bool(_) => false,
        }
    }

    fn is_value(&self, text: &str) -> bool {
        let is = |entry_type: EntryType| {
            EntryValue::parse(entry_type, text).is_ok_and(|value| self.keys.contains(&(entry_type, value.digest())))
        };
        text.len() <= 4 * gavel_core::entry::MAX_CHARS && TYPES.into_iter().any(is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> Subject {
        let mut collected = Collected::default();
        let said = Said {
            vendor_data: Some("c9".into()),
            values: vec![EntryValue::parse(EntryType::Phone, "+14155552671").unwrap()],
            corrected: vec![],
            items: vec![
                json!({ "full_name": "Ana Pérez", "mrz": { "document_number": "XDB-123" }, "gender": "female" }).to_string(),
            ],
            portrait: None,
        };
        collected.note("0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10", &said);
        collected.finish().unwrap()
    }

    #[test]
    fn a_person_is_found_in_other_spellings() {
        for text in ["+1 (415) 555-2671", "C9", "seen with ANA PÉREZ again", "xdb-123"] {
            assert!(ana().is_in_json(&json!({ "_row": 1, "x": [text] })), "{text}");
        }
    }

    #[test]
    fn nobody_else_is_found() {
        for text in ["+14155552672", "c99", "ana", "female", ""] {
            assert!(!ana().is_in_json(&json!({ "value": text })), "{text}");
        }
    }
}
