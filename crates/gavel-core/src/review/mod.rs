//! Reviews: what a person may send, what it does to a session, and whom a comment calls (reviews.md).
//!
//! A review decides: [`NewReview`] has one of three outcomes, and [`decide`] says what becomes of the session, whatever
//! its status was. Where an application has switched that off, the same route takes a [`NewNote`], which changes
//! nothing. Both leave a row of the activity feed, whose kinds are [`ActivityType`]. [`mentions`] finds the addresses
//! a comment calls, [`matched`] the members behind them; [`NoticeKind`] says who is told of a row, [`Preferences`] how;
//! [`mod@letter`] is what the person behind the session reads.
//!
//! Who may review, and every effect beyond the new status (event, counters, mail), is the server's to say and to do.

mod activity;
mod letter;
mod mention;
mod notice;

pub use activity::ActivityType;
pub use letter::{News, letter};
pub use mention::{MAX_MENTIONED, matched, mentions};
pub use notice::{NoticeKind, Preferences, Reach};

use crate::{
    json::{FieldErrors, Fields, Value, read},
    session::SessionStatus,
};

/// The longest comment, in characters.
pub const MAX_COMMENT: usize = 10_000;

/// What a review decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewOutcome {
    /// The person is who they say.
    Approved,
    /// They are refused.
    Declined,
    /// Somebody has to look again.
    InReview,
}

impl ReviewOutcome {
    /// The outcome of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        match SessionStatus::from_name(name)? {
            SessionStatus::Approved => Some(Self::Approved),
            SessionStatus::Declined => Some(Self::Declined),
            SessionStatus::InReview => Some(Self::InReview),
            SessionStatus::NotStarted
            | SessionStatus::InProgress
            | SessionStatus::AwaitingUser
            | SessionStatus::Resubmitted
            | SessionStatus::Expired
            | SessionStatus::KycExpired
            | SessionStatus::Abandoned => None,
        }
    }

    /// The status a session gets by it.
    pub const fn status(self) -> SessionStatus {
        match self {
            Self::Approved => SessionStatus::Approved,
            Self::Declined => SessionStatus::Declined,
            Self::InReview => SessionStatus::InReview,
        }
    }
}

/// A decision as sent (reviews §1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReview {
    /// What it decides.
    pub outcome: ReviewOutcome,
    /// Why; never the empty text.
    pub comment: Option<String>,
}

impl NewReview {
    /// Reads the body of a review that decides.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let outcome = fields.required("new_status", read::choice_of(ReviewOutcome::from_name));
        let comment = comment(&mut fields);
        fields.finish(|| Some(Self { outcome: outcome?, comment: comment? }))
    }
}

/// A note as sent where reviews do not decide (reviews §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    /// A status as a mere label; the session keeps its own.
    pub label: Option<SessionStatus>,
    /// The note; never the empty text.
    pub comment: Option<String>,
}

impl NewNote {
    /// Reads the body of a review that only notes.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let label = fields.optional("new_status", read::choice_of(SessionStatus::from_name));
        let comment = comment(&mut fields);
        fields.finish(|| Some(Self { label: label?, comment: comment? }))
    }

    /// The kind of row it leaves.
    pub const fn activity_type(&self) -> ActivityType {
        if self.label.is_some() { ActivityType::StatusUpdated } else { ActivityType::Comment }
    }
}

/// Stored exactly as sent, except that an empty comment is none.
fn comment(fields: &mut Fields<'_, '_>) -> Option<Option<String>> {
    let sent = fields.optional("comment", read::text(MAX_COMMENT))?;
    Some(sent.filter(|comment| !comment.is_empty()))
}

/// What a decision does to a session's status; both may be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusChange {
    /// The status before.
    pub from: SessionStatus,
    /// The status after.
    pub to: SessionStatus,
}

/// Every status may be decided on, also the one the review asks for: it is written and announced all the same.
pub fn decide(current: SessionStatus, review: &NewReview) -> StatusChange {
    StatusChange { from: current, to: review.outcome.status() }
}

#[cfg(test)]
mod tests;
