//! E-mail addresses: the contract's rule (lists §5), for entries and for every `email` field of the API.
//!
//! It is narrower than RFC 5322 (no quoted strings, comments, address literals) and wider than ASCII (RFC 6531 local
//! parts, internationalised domains), and no crate agrees with it, so it is spelled out here.
//!
//! Two addresses are the same when their local parts agree in lower case and their domains agree in IDNA ASCII form
//! (UTS 46). Everything is judged in lower case, because that is what is stored: a stored address read again must
//! keep its key, and UTS 46 maps a few capitals differently from lower-casing (a final `Σ`).

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::{EntryType, InvalidValue, MAX_CHARS, text};

const MAX_BYTES: usize = 254;
const MAX_LABEL_BYTES: usize = 63;

const INVALID: InvalidValue = InvalidValue::Format(EntryType::Email);

/// A valid e-mail address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email {
    stored: String,
    key: String,
}

impl Email {
    /// Reads an address; white space around it is ignored.
    pub fn parse(sent: &str) -> Result<Self, InvalidValue> {
        let trimmed = sent.trim();
        if trimmed.is_empty() {
            return Err(InvalidValue::Blank);
        }
        // Far above any address; it bounds the work for a body of megabytes.
        if trimmed.chars().nth(MAX_CHARS).is_some() {
            return Err(INVALID);
        }
        let stored = text::lower(&text::clean(trimmed));
        let (local, domain) = stored.split_once('@').ok_or(INVALID)?;
        if !is_local_part(local) {
            return Err(INVALID);
        }
        let domain = ascii_domain(domain).ok_or(INVALID)?;
        let key = format!("{local}@{domain}");
        if key.len() > MAX_BYTES { Err(INVALID) } else { Ok(Self { stored, key }) }
    }

    /// The address in lower case.
    pub fn stored(&self) -> &str {
        &self.stored
    }

    /// The form that is compared: the domain in IDNA ASCII.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn into_parts(self) -> (String, String) {
        (self.stored, self.key)
    }
}

/// Without the address: debug output ends up in logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email").finish_non_exhaustive()
    }
}

/// Atoms joined by single dots.
fn is_local_part(local: &str) -> bool {
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

fn is_atom_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c)
    } else {
        !c.is_whitespace() && !c.is_control() && !is_format_char(c)
    }
}

/// The general category Cf (Unicode 16), which the standard library cannot be asked for: joiners, direction marks, tags.
/// They are invisible, so two addresses that differ in them look alike.
fn is_format_char(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}' | '\u{8E2}'
        | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}'
        | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0001}'
        | '\u{E0020}'..='\u{E007F}')
}

/// The domain in IDNA ASCII form, when every label of it is acceptable.
fn ascii_domain(domain: &str) -> Option<String> {
    // STD3 leaves letters, digits and hyphens; `Check` keeps `--` to valid `xn--` labels. Lengths are ours to check: the
    // crate's rule would take a root dot or a single label.
    let ascii =
        Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Ignore).ok()?.into_owned();
    let mut labels = 0;
    let mut last = "";
    for label in ascii.split('.') {
        if label.is_empty() || label.len() > MAX_LABEL_BYTES {
            return None;
        }
        labels += 1;
        last = label;
    }
    let top_level = last.len() >= 2 && last.bytes().any(|b| b.is_ascii_alphabetic());
    (labels >= 2 && top_level).then_some(ascii)
}
