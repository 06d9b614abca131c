//! Who is told of a row of the feed, as what, and how (reviews §6), and of webhooks that stand still.
//!
//! Members whom the row's comment mentions are told of a mention; those who wrote a row on the session before, of a
//! comment or an activity. Nobody is told of what they did themselves, and nobody twice of one row: mention comes
//! first. Those who may mend webhooks are told of a destination that was paused because nothing arrived there. Each member
//! says for each kind how far it reaches.

use serde::{Serialize, Serializer};

use super::ActivityType;

/// What a member is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// They are called in the comment.
    Mention,
    /// A note on a session they wrote on.
    Comment,
    /// Something happened to a session they wrote on.
    Activity,
    /// A destination of webhooks has paused itself.
    Webhook,
}

impl NoticeKind {
    /// Every kind; those of rows in the order of precedence.
    pub const ALL: [Self; 4] = [Self::Mention, Self::Comment, Self::Activity, Self::Webhook];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mention => "mention",
            Self::Comment => "comment",
            Self::Activity => "activity",
            Self::Webhook => "webhook",
        }
    }

    /// The kind of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What those are told who wrote on the session before. `None`: nothing; monitoring speaks by other ways.
    pub const fn of_row(row: ActivityType) -> Option<Self> {
        match row {
            ActivityType::Comment => Some(Self::Comment),
            ActivityType::StatusUpdated
            | ActivityType::FileAdded
            | ActivityType::FileRemoved
            | ActivityType::TagAdded
            | ActivityType::TagRemoved
            | ActivityType::KycDataUpdated
            | ActivityType::PoaDataUpdated
            | ActivityType::KybDataUpdated => Some(Self::Activity),
            ActivityType::AmlOngoingMatch
            | ActivityType::AmlStatusUpdated
            | ActivityType::AmlHitStatusUpdated
            | ActivityType::KybDocumentUploaded => None,
        }
    }
}

impl Serialize for NoticeKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How far a notice reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// Inbox and e-mail.
    #[default]
    Email,
    /// Inbox alone.
    Inbox,
    /// Nowhere.
    Off,
}

impl Reach {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Inbox => "inbox",
            Self::Off => "off",
        }
    }

    /// The reach of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Email, Self::Inbox, Self::Off].into_iter().find(|reach| reach.as_str() == name)
    }
}

impl Serialize for Reach {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How far each kind reaches one member. To begin with, everything reaches inbox and e-mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Preferences {
    /// When they are called.
    pub mention: Reach,
    /// When somebody notes.
    pub comment: Reach,
    /// When something happens.
    pub activity: Reach,
    /// When a destination pauses itself.
    pub webhook: Reach,
}

impl Preferences {
    /// How far this kind reaches.
    pub const fn reach(&self, kind: NoticeKind) -> Reach {
        match kind {
            NoticeKind::Mention => self.mention,
            NoticeKind::Comment => self.comment,
            NoticeKind::Activity => self.activity,
            NoticeKind::Webhook => self.webhook,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_tell_as_the_contract_says() {
        let told: Vec<_> = ActivityType::ALL.map(NoticeKind::of_row).into_iter().collect();
        let (comment, activity) = (Some(NoticeKind::Comment), Some(NoticeKind::Activity));
        assert_eq!(
            told,
            [comment, activity, activity, activity, activity, activity, None, None, None, activity, None, activity, activity]
        );
    }

    #[test]
    fn names_read_back() {
        for kind in NoticeKind::ALL {
            assert_eq!(NoticeKind::from_name(kind.as_str()), Some(kind));
        }
        for reach in [Reach::Email, Reach::Inbox, Reach::Off] {
            assert_eq!(Reach::from_name(reach.as_str()), Some(reach));
        }
        assert_eq!((NoticeKind::from_name("Mention"), Reach::from_name("")), (None, None));
    }
}
