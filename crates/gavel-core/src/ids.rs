//! Identifiers: one type per noun, so that a list's id cannot be passed where an entry's is meant.
//!
//! All are UUIDs. New ones are version 7 (made by the server, which owns clock and randomness); those read from
//! outside may be of any version. They are written in lower case with hyphens.

use std::{fmt, str::FromStr};

use serde::Serialize;
use uuid::Uuid;

/// The text is not a UUID of the form 8-4-4-4-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

/// Reads the one accepted spelling: 8-4-4-4-12 hex digits with hyphens, any case (contract, conventions §6).
pub fn parse_uuid(text: &str) -> Result<Uuid, NotAnId> {
    if text.len() != 36 {
        return Err(NotAnId); // The other spellings the uuid crate knows: simple, braced, URN.
    }
    Uuid::try_parse(text).map_err(|_| NotAnId)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> { parse_uuid(text).map(Self) }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self { Self(id) }
        }
    )*};
}

ids! {
    /// An application: the border nothing crosses.
    ApplicationId;
    /// An API key.
    KeyId;
    /// A person with an account.
    MemberId;
    /// A person's sign-in on one device.
    SigninId;
    /// What tells a person of a row of an activity feed.
    NotificationId;
    /// A verification session.
    SessionId;
    /// A user or a business: whoever sessions are about.
    SubjectId;
    /// A transaction between a user or business and somebody else.
    TransactionId;
    /// A rule over transactions.
    RuleId;
    /// A tag of users and businesses.
    TagId;
    /// One recorded feature result of a session.
    RecordId;
    /// A row of a session's activity feed.
    ActivityId;
    /// A file somebody attached to a session.
    SessionFileId;
    /// A list of values.
    ListId;
    /// A file of entries on its way into a list.
    ImportId;
    /// A file of sessions from elsewhere.
    SessionImportId;
    /// An entry of a list; the same through all its versions.
    EntryId;
    /// Changes of a list that wait for another person.
    ProposalId;
    /// A look at past sessions after additions to a blocklist.
    SweepId;
    /// The removal of everything held about a person.
    ErasureId;
    /// A stored picture, video or document.
    MediaId;
    /// All versions of one workflow.
    WorkflowId;
    /// One version of a workflow.
    WorkflowVersionId;
    /// All versions of one questionnaire.
    QuestionnaireGroupId;
    /// One version of a questionnaire.
    QuestionnaireId;
    /// A webhook destination.
    DestinationId;
    /// An event at one destination; the same on every attempt.
    EventId;
    /// One attempt to deliver an event.
    DeliveryId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let id = "9B0F0D3A-1f0e-4a53-8a53-2d1c6b7e9f10";
        assert_eq!(id.parse::<ListId>().unwrap().to_string(), id.to_lowercase());
        for bad in [
            "",
            "9b0f0d3a1f0e4a538a532d1c6b7e9f10",
            "{9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10}",
            "urn:uuid:9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10",
            "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f1g",
        ] {
            assert_eq!(bad.parse::<ListId>(), Err(NotAnId), "{bad}");
        }
    }
}
