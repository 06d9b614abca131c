//! Writing what happened to a subject: its row, a comment for people, an event for the customer's systems, an audit row.

use gavel_core::{
    ids::ApplicationId,
    session::SessionKind,
    subject::{CommentType, Reason, SubjectStatus},
    time::Timestamp,
    webhook::EventType,
};
use serde_json::{Map, Value as Json, json};

use super::metadata;
use crate::{
    actions::{Caller, Error, events},
    clock::new_id,
    store::{
        Tx,
        applications::{self, Application},
        events::Event,
        subject_comments::{self, NewComment},
        subjects::{self, Subject},
    },
};

/// Who changes subjects, where, and when.
pub(super) struct Scribe<'a> {
    pub caller: &'a Caller,
    pub now: Timestamp,
    application: Application,
}

impl<'a> Scribe<'a> {
    pub(super) async fn of(tx: &mut Tx, caller: &'a Caller, now: Timestamp) -> Result<Self, Error> {
        let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
        Ok(Self { caller, now, application })
    }

    pub(super) fn application(&self) -> ApplicationId {
        self.application.id
    }

    /// Sets a status and tells of it. What it means for the lists is not this one's business.
    pub(super) async fn set_status(
        &self,
        tx: &mut Tx,
        subject: &mut Subject,
        to: SubjectStatus,
        reason: Reason,
        comment: Option<&str>,
    ) -> Result<(), Error> {
        let from = std::mem::replace(&mut subject.status, to);
        subject.version += 1;
        subject.updated_at = self.now;
        subjects::set_subject(tx, subject).await?;
        let comment = NewComment {
            comment,
            statuses: Some((from, to)),
            changed_fields: vec!["status".into()],
            metadata: Some(json!({ "reason": reason.as_str() }).to_string()),
            ..self.comment(CommentType::StatusChanged)
        };
        self.add_comment(tx, subject, comment).await?;
        let event = match subject.kind {
            SessionKind::User => EventType::UserStatusUpdated,
            SessionKind::Business => EventType::BusinessStatusUpdated,
        };
        let more = [
            ("previous_status", from.as_str().into()),
            ("reason", reason.as_str().into()),
            ("actor", self.caller.actor.signed_as().into()),
            ("metadata", metadata(subject)),
        ];
        self.queue(tx, subject, event, more).await?;
        self.audit(tx, subject, Deed::StatusUpdated).await
    }

    /// Tells of changed fields; the subject's row is written with it.
    pub(super) async fn set_data(&self, tx: &mut Tx, subject: &mut Subject, changes: Vec<FieldChange>) -> Result<(), Error> {
        subject.version += 1;
        subject.updated_at = self.now;
        subject.profile_changed_at = Some(self.now);
        subjects::set_subject(tx, subject).await?;
        let names: Vec<Json> = changes.iter().map(|change| change.name.into()).collect();
        let (of_metadata, of_profile): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| change.name == "metadata");
        if let Some(change) = of_metadata.into_iter().next() {
            let comment = NewComment {
                values: (Some(change.before.to_string()), Some(change.after.to_string())),
                changed_fields: vec!["metadata".into()],
                ..self.comment(CommentType::MetadataUpdated)
            };
            self.add_comment(tx, subject, comment).await?;
        }
        if !of_profile.is_empty() {
            let changed_fields = of_profile.iter().map(|change| change.name.to_owned()).collect();
            let (mut before, mut after) = (Map::new(), Map::new());
            for change in of_profile {
                before.insert(change.name.to_owned(), change.before);
                after.insert(change.name.to_owned(), change.after);
            }
            let comment = NewComment {
                values: (Some(Json::Object(before).to_string()), Some(Json::Object(after).to_string())),
                changed_fields,
                ..self.comment(CommentType::ProfileUpdated)
            };
            self.add_comment(tx, subject, comment).await?;
        }
        let event = match subject.kind {
            SessionKind::User => EventType::UserDataUpdated,
            SessionKind::Business => EventType::BusinessDataUpdated,
        };
        self.queue(tx, subject, event, [("changed_fields", names.into())]).await
    }

    /// The audit row of something done to a subject.
    pub(super) async fn audit(&self, tx: &mut Tx, subject: &Subject, deed: Deed) -> Result<(), Error> {
        let kind = match (subject.kind, deed) {
            (SessionKind::User, Deed::Created) => "user.created",
            (SessionKind::User, Deed::Updated) => "user.updated",
            (SessionKind::User, Deed::StatusUpdated) => "user.status_updated",
            (SessionKind::User, Deed::TagAdded) => "user.tag_added",
            (SessionKind::User, Deed::TagRemoved) => "user.tag_removed",
            (SessionKind::Business, Deed::TagAdded) => "business.tag_added",
            (SessionKind::Business, Deed::TagRemoved) => "business.tag_removed",
            (SessionKind::Business, Deed::Created) => "business.created",
            (SessionKind::Business, Deed::Updated) => "business.updated",
            (SessionKind::Business, Deed::StatusUpdated) => "business.status_updated",
        };
        Ok(self.caller.audit(tx, kind, &[(subject.kind.as_str(), subject.id.0)], self.now).await?)
    }

    /// A row that tells nothing yet.
    pub(super) fn comment(&self, kind: CommentType) -> NewComment<'_> {
        NewComment {
            id: new_id(),
            kind,
            comment: None,
            actor: (self.caller.actor.email(), self.caller.actor.display()),
            statuses: None,
            values: (None, None),
            changed_fields: Vec::new(),
            metadata: None,
            at: self.now,
        }
    }

    /// Only users have comments.
    pub(super) async fn add_comment(&self, tx: &mut Tx, subject: &Subject, comment: NewComment<'_>) -> Result<(), Error> {
        match subject.kind {
            SessionKind::User => Ok(subject_comments::insert_comment(tx, subject.id, comment).await?),
            SessionKind::Business => Ok(()),
        }
    }

    async fn queue<const N: usize>(
        &self,
        tx: &mut Tx,
        subject: &Subject,
        event_type: EventType,
        more: [(&str, Json); N],
    ) -> Result<(), Error> {
        let id = subject.id.to_string();
        let also_called = match subject.kind {
            SessionKind::User => "vendor_user_id",
            SessionKind::Business => "vendor_business_id",
        };
        let mut payload = json!({
            "webhook_type": event_type.as_str(),
            "created_at": self.now.as_unix_seconds(),
            "application_id": self.application.id.to_string(),
            "environment": self.application.environment.as_str(),
            "vendor_data": subject.vendor_data,
            "didit_internal_id": id,
            also_called: id,
            "status": subject.status.as_str(),
        });
        for (name, value) in more {
            payload[name] = value;
        }
        let event = Event {
            id: new_id(),
            application: self.application.id,
            event_type,
            object: subject.id.0,
            sequence: subject.version,
            session: None,
            payload: payload.to_string(),
            at: self.now,
        };
        events::queue(tx, &event).await
    }
}

/// What the audit trail tells of a subject.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    Created,
    Updated,
    StatusUpdated,
    TagAdded,
    TagRemoved,
}

/// A field before and after.
pub(super) struct FieldChange {
    pub name: &'static str,
    pub before: Json,
    pub after: Json,
}
