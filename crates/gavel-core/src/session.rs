//! Sessions: their statuses, kinds and languages, and what a caller may set their status to.
//!
//! A session is one verification attempt. Its [`SessionStatus`] is one of ten words that clients compare literally; a
//! feature record inside it has a [`FeatureStatus`]. How statuses follow from evidence is in
//! [`evidence`](crate::evidence); how people decide in [`review`](crate::review).
//!
//! [`status_update`] is the oldest way to decide, kept for clients of the API: a PATCH that sets Approved or Declined or
//! asks the user to repeat steps.

use std::fmt;

use serde::{Serialize, Serializer};

mod language;
pub mod status_update;

pub use language::{LANGUAGES, language};
pub use status_update::{AgainstCurrent, NewStatus, SessionFeature, StatusUpdate, check_source, is_backend_only};

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionStatus {
    /// Created; its link was not opened.
    NotStarted,
    /// The user is in the flow.
    InProgress,
    /// A business session that waits for other parties.
    AwaitingUser,
    /// Waits for a person to decide.
    InReview,
    /// Decided.
    Approved,
    /// Decided.
    Declined,
    /// The user was asked to repeat steps.
    Resubmitted,
    /// Never opened in time.
    Expired,
    /// An approval that aged out.
    KycExpired,
    /// Opened, not finished in time.
    Abandoned,
}

impl SessionStatus {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 10] = [
        Self::NotStarted,
        Self::InProgress,
        Self::AwaitingUser,
        Self::InReview,
        Self::Approved,
        Self::Declined,
        Self::Resubmitted,
        Self::Expired,
        Self::KycExpired,
        Self::Abandoned,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "Not Started",
            Self::InProgress => "In Progress",
            Self::AwaitingUser => "Awaiting User",
            Self::InReview => "In Review",
            Self::Approved => "Approved",
            Self::Declined => "Declined",
            Self::Resubmitted => "Resubmitted",
            Self::Expired => "Expired",
            Self::KycExpired => "Kyc Expired",
            Self::Abandoned => "Abandoned",
        }
    }

    /// The value of this name; names are exact, case included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the session can still be worked on: it has a hosted page and a time at which it ends.
    pub const fn is_unfinished(self) -> bool {
        match self {
            Self::NotStarted | Self::InProgress | Self::AwaitingUser | Self::Resubmitted => true,
            Self::InReview | Self::Approved | Self::Declined | Self::Expired | Self::KycExpired | Self::Abandoned => false,
        }
    }

    /// Whether webhooks about this status carry the decision.
    pub const fn is_in_decision_webhooks(self) -> bool {
        match self {
            Self::InReview | Self::Approved | Self::Declined | Self::Abandoned => true,
            Self::NotStarted | Self::InProgress | Self::AwaitingUser | Self::Resubmitted | Self::Expired | Self::KycExpired => {
                false
            }
        }
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for SessionStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Who is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// A person.
    User,
    /// A company.
    Business,
}

impl SessionKind {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 2] = [Self::User, Self::Business];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Business => "business",
        }
    }

    /// The value of this name; names are exact, case included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for SessionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for SessionKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What an application is for; fixed when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Real people.
    Live,
    /// Trials.
    Sandbox,
}

impl Environment {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 2] = [Self::Live, Self::Sandbox];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Sandbox => "sandbox",
        }
    }

    /// The value of this name; names are exact, case included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.as_str() == name)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Environment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How a session came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionType {
    /// Made for a flow.
    Hosted,
    /// Made by a standalone call.
    Api,
    /// Made by an import.
    Migrated,
}

impl SessionType {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Hosted, Self::Api, Self::Migrated];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hosted => "HOSTED",
            Self::Api => "API",
            Self::Migrated => "MIGRATED",
        }
    }

    /// The value of this name; names are exact, case included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|session_type| session_type.as_str() == name)
    }
}

impl fmt::Display for SessionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for SessionType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Where a feature of a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeatureStatus {
    /// Has no result yet.
    NotFinished,
    /// Nothing speaks against it.
    Approved,
    /// Something does.
    Declined,
    /// Somebody has to look.
    InReview,
    /// The user was asked to repeat it.
    ResubRequested,
    /// Its result was not there in time, or aged out.
    Expired,
}

impl FeatureStatus {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 6] =
        [Self::NotFinished, Self::Approved, Self::Declined, Self::InReview, Self::ResubRequested, Self::Expired];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFinished => "Not Finished",
            Self::Approved => "Approved",
            Self::Declined => "Declined",
            Self::InReview => "In Review",
            Self::ResubRequested => "Resub Requested",
            Self::Expired => "Expired",
        }
    }

    /// The value of this name; names are exact, case included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether a result is still to come.
    pub const fn is_open(self) -> bool {
        match self {
            Self::NotFinished | Self::ResubRequested => true,
            Self::Approved | Self::Declined | Self::InReview | Self::Expired => false,
        }
    }
}

impl fmt::Display for FeatureStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FeatureStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_are_exact() {
        for status in SessionStatus::ALL {
            assert_eq!(SessionStatus::from_name(status.as_str()), Some(status));
        }
        for status in FeatureStatus::ALL {
            assert_eq!(FeatureStatus::from_name(status.as_str()), Some(status));
        }
        assert_eq!(SessionStatus::ALL.len(), 10);
        for bad in ["approved", "KYC Expired", "In review", ""] {
            assert_eq!(SessionStatus::from_name(bad), None, "{bad}");
        }
        assert_eq!(serde_json::to_string(&SessionStatus::KycExpired).unwrap(), r#""Kyc Expired""#);
    }

    #[test]
    fn four_statuses_are_unfinished_and_four_carry_a_decision() {
        let names = |picked: fn(SessionStatus) -> bool| -> Vec<&str> {
            SessionStatus::ALL.into_iter().filter(|status| picked(*status)).map(SessionStatus::as_str).collect()
        };
        assert_eq!(names(SessionStatus::is_unfinished), ["Not Started", "In Progress", "Awaiting User", "Resubmitted"]);
        assert_eq!(names(SessionStatus::is_in_decision_webhooks), ["In Review", "Approved", "Declined", "Abandoned"]);
    }
}
