//! Users and businesses: the people and companies sessions are about (entities §1–§3).
//!
//! Both are one noun here, a *subject*, told apart by the [`SessionKind`] of their sessions. A subject is known by the
//! caller's own id for it, `vendor_data`, which is compared exactly. Lists compare the same text by its match key
//! ([`known_as`]), so several subjects may be one to a list.
//!
//! A subject is [`Blocked`](SubjectStatus::Blocked) if and only if a live entry of a blocklist of its type covers it: every
//! way of setting the one sets the other.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{
    access::Actor,
    entry::{EntryType, EntryValue},
    session::SessionKind,
};

/// The type of the entries lists know this kind by.
pub const fn entry_type(kind: SessionKind) -> EntryType {
    match kind {
        SessionKind::User => EntryType::User,
        SessionKind::Business => EntryType::Business,
    }
}

/// Whom entries of this type are about; `None` for values that are no subjects.
pub const fn kind_of(entry_type: EntryType) -> Option<SessionKind> {
    match entry_type {
        EntryType::User => Some(SessionKind::User),
        EntryType::Business => Some(SessionKind::Business),
        EntryType::Face
        | EntryType::Document
        | EntryType::Phone
        | EntryType::Email
        | EntryType::IpAddress
        | EntryType::DeviceFingerprint
        | EntryType::WalletAddress
        | EntryType::BankAccount
        | EntryType::Country
        | EntryType::Key => None,
    }
}

/// The value lists know a subject by; none without `vendor_data`.
pub fn known_as(kind: SessionKind, vendor_data: Option<&str>) -> Option<EntryValue> {
    vendor_data.and_then(|sent| EntryValue::parse(entry_type(kind), sent).ok())
}

/// Where a user or business stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectStatus {
    /// Nothing is held against it.
    Active,
    /// Its sessions are never approved without a person.
    Flagged,
    /// It starts no sessions.
    Blocked,
}

impl SubjectStatus {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Active, Self::Flagged, Self::Blocked];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Flagged => "FLAGGED",
            Self::Blocked => "BLOCKED",
        }
    }

    /// The value of this name; names are exact, case included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for SubjectStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for SubjectStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why a status changed: the `reason` of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A key asked for it.
    Api,
    /// A person did, or an entry is gone.
    Manual,
    /// An entry was added.
    BlocklistMatch,
    /// A session was declined, and declined sessions are blocked.
    SessionDeclined,
    /// A rule over transactions put it on a list.
    TransactionRule,
}

impl Reason {
    /// The reason of a status that somebody sets.
    pub const fn of(actor: &Actor) -> Self {
        match actor {
            Actor::ApiKey { .. } => Self::Api,
            Actor::Member { .. } | Actor::System => Self::Manual,
        }
    }

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Manual => "manual",
            Self::BlocklistMatch => "blocklist_match",
            Self::SessionDeclined => "session_declined",
            Self::TransactionRule => "transaction_rule",
        }
    }
}

/// What a row of a user's comments tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommentType {
    /// Somebody said something.
    Comment,
    /// A tag was put on.
    TagAdded,
    /// A tag was taken off.
    TagRemoved,
    /// The status changed.
    StatusChanged,
    /// The metadata changed.
    MetadataUpdated,
    /// Another field changed.
    ProfileUpdated,
}

impl CommentType {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "COMMENT",
            Self::TagAdded => "TAG_ADDED",
            Self::TagRemoved => "TAG_REMOVED",
            Self::StatusChanged => "STATUS_CHANGED",
            Self::MetadataUpdated => "METADATA_UPDATED",
            Self::ProfileUpdated => "PROFILE_UPDATED",
        }
    }
}

/// What is known of a subject beside its `vendor_data`; members of the other kind stay empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// What the caller calls it.
    pub display_name: Option<String>,
    /// Of a person.
    pub full_name: Option<String>,
    /// Of a person: `YYYY-MM-DD`.
    pub date_of_birth: Option<String>,
    /// Of a person: addresses found good.
    pub approved_emails: Vec<String>,
    /// Of a person: numbers found good, E.164.
    pub approved_phones: Vec<String>,
    /// Of a person: countries of documents, alpha-3.
    pub issuing_states: Vec<String>,
    /// Of a company.
    pub legal_name: Option<String>,
    /// Of a company.
    pub registration_number: Option<String>,
    /// Of a company.
    pub country_code: Option<String>,
}

/// A field of a profile that sessions fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Adopted {
    /// `full_name`.
    FullName,
    /// `date_of_birth`.
    DateOfBirth,
    /// One of `issuing_states`.
    IssuingState,
    /// One of `approved_emails`.
    Email,
    /// One of `approved_phones`.
    Phone,
}

impl Adopted {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::FullName, Self::DateOfBirth, Self::IssuingState, Self::Email, Self::Phone];

    /// The name of the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FullName => "full_name",
            Self::DateOfBirth => "date_of_birth",
            Self::IssuingState => "issuing_states",
            Self::Email => "approved_emails",
            Self::Phone => "approved_phones",
        }
    }
}

/// What an approved session found out about a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// On the latest document.
    pub full_name: Option<String>,
    /// On the latest document.
    pub date_of_birth: Option<String>,
    /// Of the latest document, alpha-3.
    pub issuing_state: Option<String>,
    /// Verified addresses.
    pub emails: Vec<String>,
    /// Verified numbers, E.164.
    pub phones: Vec<String>,
}

impl Finding {
    /// Everything in it.
    pub fn values(&self) -> Vec<(Adopted, &str)> {
        let single = [
            (Adopted::FullName, &self.full_name),
            (Adopted::DateOfBirth, &self.date_of_birth),
            (Adopted::IssuingState, &self.issuing_state),
        ];
        let single = single.into_iter().filter_map(|(field, value)| Some((field, value.as_deref()?)));
        let emails = self.emails.iter().map(|email| (Adopted::Email, email.as_str()));
        let phones = self.phones.iter().map(|phone| (Adopted::Phone, phone.as_str()));
        single.chain(emails).chain(phones).collect()
    }
}

impl Profile {
    /// The values of a field that sessions fill.
    pub fn adopted(&self, field: Adopted) -> Vec<&str> {
        match field {
            Adopted::FullName => self.full_name.as_deref().into_iter().collect(),
            Adopted::DateOfBirth => self.date_of_birth.as_deref().into_iter().collect(),
            Adopted::IssuingState => self.issuing_states.iter().map(String::as_str).collect(),
            Adopted::Email => self.approved_emails.iter().map(String::as_str).collect(),
            Adopted::Phone => self.approved_phones.iter().map(String::as_str).collect(),
        }
    }

    /// Takes values out of such a field. Answers how many they were.
    pub fn forget(&mut self, field: Adopted, is_gone: impl Fn(&str) -> bool) -> u64 {
        let before = self.adopted(field).len();
        let of_one = |own: &mut Option<String>| {
            if own.as_deref().is_some_and(&is_gone) {
                *own = None;
            }
        };
        match field {
            Adopted::FullName => of_one(&mut self.full_name),
            Adopted::DateOfBirth => of_one(&mut self.date_of_birth),
            Adopted::IssuingState => self.issuing_states.retain(|state| !is_gone(state)),
            Adopted::Email => self.approved_emails.retain(|email| !is_gone(email)),
            Adopted::Phone => self.approved_phones.retain(|phone| !is_gone(phone)),
        }
        (before - self.adopted(field).len()) as u64
    }

    /// The name to show: what the caller calls it, else its own.
    pub fn effective_name(&self) -> Option<&str> {
        let filled = |name: &'_ Option<String>| name.as_deref().is_some_and(|name| !name.is_empty());
        [&self.display_name, &self.full_name, &self.legal_name].into_iter().find(|name| filled(name))?.as_deref()
    }

    /// Takes over what an approved session found: names and dates only where there are none, everything else beside what is
    /// there. Answers whether that is news.
    pub fn adopt(&mut self, found: Finding) -> bool {
        let before = self.clone();
        for (own, found) in [(&mut self.full_name, found.full_name), (&mut self.date_of_birth, found.date_of_birth)] {
            if own.as_deref().unwrap_or_default().is_empty() {
                *own = found.or(own.take());
            }
        }
        found.issuing_state.into_iter().for_each(|state| add_new(&mut self.issuing_states, state));
        found.emails.into_iter().for_each(|email| add_new(&mut self.approved_emails, email));
        found.phones.into_iter().for_each(|phone| add_new(&mut self.approved_phones, phone));
        *self != before
    }
}

fn add_new(all: &mut Vec<String>, one: String) {
    if !all.contains(&one) {
        all.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_are_exact() {
        for status in SubjectStatus::ALL {
            assert_eq!(SubjectStatus::from_name(status.as_str()), Some(status));
        }
        for bad in ["active", "Blocked", ""] {
            assert_eq!(SubjectStatus::from_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn lists_know_subjects_in_lower_case() {
        let key = |kind, text| known_as(kind, Some(text)).map(|value| (value.entry_type(), value.key().to_owned()));
        assert_eq!(key(SessionKind::User, "Ana É"), Some((EntryType::User, "ana é".into())));
        assert_eq!(key(SessionKind::Business, "ACME"), Some((EntryType::Business, "acme".into())));
        assert_eq!(known_as(SessionKind::User, None), None);
        for kind in SessionKind::ALL {
            assert_eq!(kind_of(entry_type(kind)), Some(kind));
        }
    }

    #[test]
    fn the_first_name_that_is_filled_is_shown() {
        let shown = |display: Option<&str>, full: Option<&str>, legal: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let profile =
                Profile { display_name: text(display), full_name: text(full), legal_name: text(legal), ..Profile::default() };
            profile.effective_name().map(str::to_owned)
        };
        assert_eq!(shown(Some("A"), Some("B"), None).as_deref(), Some("A"));
        assert_eq!(shown(Some(""), Some("B"), None).as_deref(), Some("B"));
        assert_eq!(shown(None, None, Some("C")).as_deref(), Some("C"));
        assert_eq!(shown(None, Some(""), None), None);
    }

    #[test]
    fn what_is_known_is_not_overwritten() {
        let finding = || Finding {
            full_name: Some("Ana Ruiz".into()),
            date_of_birth: Some("1990-01-02".into()),
            issuing_state: Some("ESP".into()),
            emails: vec!["ana@example.com".into()],
            phones: vec!["+14155552671".into()],
        };
        let mut profile = Profile { full_name: Some("A. Ruiz".into()), issuing_states: vec!["PRT".into()], ..Profile::default() };
        assert!(profile.adopt(finding()));
        assert_eq!(profile.full_name.as_deref(), Some("A. Ruiz"));
        assert_eq!(profile.date_of_birth.as_deref(), Some("1990-01-02"));
        assert_eq!(profile.issuing_states, ["PRT", "ESP"]);
        assert!(!profile.adopt(finding()), "nothing is added twice");
        assert!(!profile.adopt(Finding::default()));
        for (field, value) in finding().values() {
            let other = |known: &str| known != value;
            let kept = profile.clone();
            assert_eq!(profile.forget(field, |_| false), 0);
            assert_eq!(profile, kept);
            let there = u64::from(profile.adopted(field).contains(&value));
            assert_eq!(profile.forget(field, |known| !other(known)), there, "{field:?}");
            assert!(!profile.adopted(field).contains(&value));
        }
        assert_eq!((profile.full_name.as_deref(), &profile.issuing_states[..]), (Some("A. Ruiz"), &["PRT".to_owned()][..]));
        let mut empty = Profile { full_name: Some(String::new()), ..Profile::default() };
        empty.adopt(finding());
        assert_eq!(empty.full_name.as_deref(), Some("Ana Ruiz"));
    }
}
