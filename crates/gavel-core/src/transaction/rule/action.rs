//! What follows when a rule matches.

use uuid::Uuid;

use crate::{
    ids::ListId,
    transaction::{RuleEffect, TransactionStatus},
};

/// A tag a rule puts on transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The tag's id, where the rule names it by that.
    pub id: Option<Uuid>,
    /// Its name.
    pub name: Option<String>,
    /// Its colour.
    pub color: Option<String>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// So many points more, or fewer.
    AddScore(i64),
    /// At least this status; and the workflow of the session the subject is sent to.
    ChangeStatus(TransactionStatus, Option<Uuid>),
    /// A tag.
    AddTag(Tag),
    /// A note in the transaction's feed.
    AddNote(String),
    /// The subject's `vendor_data` goes onto a list.
    AddToList(ListId),
    /// Nothing yet.
    OpenCase,
}

/// What the actions of a rule come to. `held`: the rule matched with the help of an entry that the flood guard holds, so that
/// a person is to look where it would decline.
pub fn effect(title: &str, actions: &[Action], held: bool) -> RuleEffect {
    let mut effect = RuleEffect { title: title.to_owned(), score: 0, status: None };
    for action in actions {
        match action {
            Action::AddScore(points) => effect.score = effect.score.saturating_add(*points),
            Action::ChangeStatus(TransactionStatus::Declined, _) if held => {
                effect.status = effect.status.max(Some(TransactionStatus::InReview));
            }
            Action::ChangeStatus(status, _) => effect.status = effect.status.max(Some(*status)),
            Action::AddTag(_) | Action::AddNote(_) | Action::AddToList(_) | Action::OpenCase => {}
        }
    }
    effect
}

impl Action {
    /// The action in a few words.
    pub fn summary(&self) -> String {
        match self {
            Self::AddScore(points) => format!("score {points:+}"),
            Self::ChangeStatus(status, _) => format!("status {}", status.as_str()),
            Self::AddTag(tag) => format!("tag {}", tag.name.as_deref().unwrap_or("by id")),
            Self::AddNote(_) => "note".to_owned(),
            Self::AddToList(list) => format!("to list {list}"),
            Self::OpenCase => "case".to_owned(),
        }
    }
}

/// All actions of a rule in a few words; `None`: it has none.
pub fn summary(actions: &[Action]) -> Option<String> {
    let parts: Vec<String> = actions.iter().map(Action::summary).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
