//! Values without a grammar: document numbers, bank accounts, ids of users and businesses, keys, typed face values.
//!
//! Any text that is not blank is accepted and lower-cased. Numbers of documents and accounts are printed with changing
//! separators, so their match key leaves white space, `-`, `.` and `/` out; a value made of nothing else keeps them, so
//! that a key is never empty.

use super::text::lower;

/// Stored form and match key of a `face`, `user`, `business` or `key` value.
pub(super) fn normalize(cleaned: &str) -> String {
    lower(cleaned)
}

/// Stored form and match key of a `document` or `bank_account` value.
pub(super) fn normalize_number(cleaned: &str) -> (String, String) {
    let stored = lower(cleaned);
    let key: String = stored.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.' | '/')).collect();
    if key.is_empty() { (stored.clone(), stored) } else { (stored, key) }
}
