//! The kinds of rows in a session's activity feed (reviews §4).

use std::fmt;

use serde::{Serialize, Serializer};

/// What a row of the feed tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActivityType {
    /// A note.
    Comment,
    /// A decision, or a status noted as a label.
    StatusUpdated,
    /// Identity data was corrected.
    KycDataUpdated,
    /// Data of a proof of address was corrected.
    PoaDataUpdated,
    /// A file was attached.
    FileAdded,
    /// A file was taken away.
    FileRemoved,
    /// Ongoing monitoring found something.
    AmlOngoingMatch,
    /// The screening's status was set.
    AmlStatusUpdated,
    /// A single hit was judged.
    AmlHitStatusUpdated,
    /// Company data was corrected.
    KybDataUpdated,
    /// A company document was uploaded.
    KybDocumentUploaded,
    /// A tag was put on.
    TagAdded,
    /// A tag was taken off.
    TagRemoved,
}

impl ActivityType {
    /// Every kind, in the order of the contract.
    pub const ALL: [Self; 13] = [
        Self::Comment,
        Self::StatusUpdated,
        Self::KycDataUpdated,
        Self::PoaDataUpdated,
        Self::FileAdded,
        Self::FileRemoved,
        Self::AmlOngoingMatch,
        Self::AmlStatusUpdated,
        Self::AmlHitStatusUpdated,
        Self::KybDataUpdated,
        Self::KybDocumentUploaded,
        Self::TagAdded,
        Self::TagRemoved,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Comment => "COMMENT",
            Self::StatusUpdated => "STATUS_UPDATED",
            Self::KycDataUpdated => "KYC_DATA_UPDATED",
            Self::PoaDataUpdated => "POA_DATA_UPDATED",
            Self::FileAdded => "FILE_ADDED",
            Self::FileRemoved => "FILE_REMOVED",
            Self::AmlOngoingMatch => "AML_ONGOING_MATCH",
            Self::AmlStatusUpdated => "AML_STATUS_UPDATED",
            Self::AmlHitStatusUpdated => "AML_HIT_STATUS_UPDATED",
            Self::KybDataUpdated => "KYB_DATA_UPDATED",
            Self::KybDocumentUploaded => "KYB_DOCUMENT_UPLOADED",
            Self::TagAdded => "TAG_ADDED",
            Self::TagRemoved => "TAG_REMOVED",
        }
    }

    /// The kind of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for ActivityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ActivityType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for kind in ActivityType::ALL {
            assert_eq!(ActivityType::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!(ActivityType::from_name("comment"), None);
    }
}
