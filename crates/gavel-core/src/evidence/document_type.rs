//! What kinds of identity documents are called.
//!
//! Filters and edits speak of codes, decisions of names. Six codes have a name of their own, all others are shown as
//! `Other`; which of them it is stands beside the name, in a member no answer shows.

use serde_json::{Map, Value};

/// The member that holds the code of a document shown as `Other`.
pub(crate) const CODE_MEMBER: &str = "document_type_code";

/// What documents without a name of their own are shown as.
const OTHER: &str = "Other";

/// Every code with the name it is shown under.
const TYPES: [(&str, &str); 12] = [
    ("P", "Passport"),
    ("DL", "Driver's License"),
    ("ID", "Identity Card"),
    ("RP", "Residence Permit"),
    ("SSC", OTHER),
    ("HIC", "Health Insurance Card"),
    ("WP", OTHER),
    ("TC", "Tax Card"),
    ("VISA", OTHER),
    ("PSC", OTHER),
    ("BC", OTHER),
    ("OTHER", OTHER),
];

/// The code of a code, or of a name of its own; exact case.
pub(crate) fn code_of_text(text: &str) -> Option<&'static str> {
    TYPES.into_iter().find(|(code, name)| *code == text || *name != OTHER && *name == text).map(|(code, _)| code)
}

/// The name documents of this code are shown under.
pub(crate) fn name_of(code: &str) -> &'static str {
    TYPES.into_iter().find(|(known, _)| *known == code).map_or(OTHER, |(_, name)| name)
}

/// Puts the type of this code into the data of a document.
pub(crate) fn set(data: &mut Map<String, Value>, code: Option<&'static str>) {
    data.insert("document_type".to_owned(), code.map(name_of).into());
    match code.filter(|code| *code != "OTHER" && name_of(code) == OTHER) {
        Some(code) => data.insert(CODE_MEMBER.to_owned(), code.into()),
        None => data.shift_remove(CODE_MEMBER),
    };
}

/// The code of the type in the data of a document; `None` when it is unknown.
pub fn document_code(data: &Map<String, Value>) -> Option<&'static str> {
    let name = data.get("document_type")?.as_str()?;
    let beside = || data.get(CODE_MEMBER).and_then(Value::as_str).and_then(code_of_text);
    if name == OTHER { Some(beside().unwrap_or("OTHER")) } else { Some(code_of_text(name).unwrap_or("OTHER")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_kept() {
        for (code, name) in TYPES {
            let mut data = Map::new();
            set(&mut data, Some(code));
            assert_eq!((data["document_type"].as_str(), document_code(&data)), (Some(name), Some(code)));
            set(&mut data, Some("P"));
            assert_eq!((data.len(), document_code(&data)), (1, Some("P")));
            set(&mut data, None);
            assert_eq!(document_code(&data), None);
        }
    }

    #[test]
    fn names_lead_to_codes_and_others_to_none() {
        for (text, code) in [("Passport", Some("P")), ("P", Some("P")), ("VISA", Some("VISA")), ("OTHER", Some("OTHER"))] {
            assert_eq!(code_of_text(text), code, "{text}");
        }
        for text in ["Other", "PASSPORT", "passport", "p", ""] {
            assert_eq!(code_of_text(text), None, "{text}");
        }
    }
}
