//! The inbox of a member: what they were told in the application they work in.

use gavel_core::{
    access::{Actor, Power},
    ids::{ActivityId, DestinationId, NotificationId, SessionId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    review::NoticeKind,
    time::Timestamp,
};
use serde::Serialize;

use super::{Caller, Error, accounts};
use crate::{
    app::App,
    store::notifications::{self, About, Notification},
};

/// How much of a comment a notice shows, in characters.
pub const EXCERPT: usize = 200;
/// Most notices marked in one call.
const MOST: usize = 200;

/// A notice as answered.
#[derive(Debug, Serialize)]
pub struct NotificationView {
    uuid: NotificationId,
    kind: NoticeKind,
    session_id: Option<SessionId>,
    session_number: Option<u64>,
    activity_uuid: Option<ActivityId>,
    activity_type: Option<String>,
    actor_display: String,
    actor_email: Option<String>,
    comment: Option<String>,
    destination_uuid: Option<DestinationId>,
    destination_label: Option<String>,
    url: Option<String>,
    created_at: Timestamp,
    read_at: Option<Timestamp>,
}

/// Where the console shows a session.
pub fn session_url(app: &App, session: SessionId) -> String {
    format!("{}/sessions/{session}", app.config.public_url)
}

/// The beginning of a comment.
pub fn excerpt(comment: &str) -> String {
    comment.chars().take(EXCERPT).collect()
}

/// A page of the caller's notices, newest first, and how many there are.
pub async fn list(
    app: &App,
    caller: &Caller,
    unread: Option<bool>,
    window: (u64, u64),
) -> Result<(Vec<NotificationView>, u64), Error> {
    let whose = (accounts::member_of(caller)?, caller.application);
    let (rows, total) = app
        .store
        .read::<_, Error, _>(move |tx| Box::pin(async move { Ok(notifications::list_page(tx, whose, unread, window).await?) }))
        .await?;
    // Comments are about people: who sees personal data masked does not see them.
    let open = caller.actor.has(Power::PersonalData);
    Ok((rows.into_iter().map(|row| view(app, row, open)).collect(), total))
}

fn view(app: &App, row: Notification, open: bool) -> NotificationView {
    let bare = NotificationView {
        uuid: row.id,
        kind: row.kind,
        session_id: None,
        session_number: None,
        activity_uuid: None,
        activity_type: None,
        actor_display: Actor::System.display().to_owned(),
        actor_email: None,
        comment: None,
        destination_uuid: None,
        destination_label: None,
        url: None,
        created_at: row.created_at,
        read_at: row.read_at,
    };
    match row.about {
        About::Row(feed) => NotificationView {
            session_id: Some(feed.session),
            session_number: Some(feed.session_number),
            activity_uuid: Some(feed.activity),
            activity_type: Some(feed.activity_type),
            actor_display: feed.actor_display.unwrap_or_default(),
            actor_email: feed.actor_email,
            comment: feed.comment.map(|comment| if open { excerpt(&comment) } else { "***".to_owned() }),
            url: Some(session_url(app, feed.session)),
            ..bare
        },
        About::Destination(id, label) => NotificationView { destination_uuid: Some(id), destination_label: Some(label), ..bare },
    }
}

/// Which notices were read.
pub struct WasRead(Option<Vec<NotificationId>>);

impl WasRead {
    /// Reads the body: `ids`, or `all`.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let all = fields.optional("all", read::boolean);
        if all == Some(Some(true)) {
            return Ok(Self(None));
        }
        let ids = fields.required("uuids", |sent| match read::array(sent)?.len() {
            0 => Err(FieldError::empty_list()),
            1..=MOST => read::list_of(read::uuid)(sent),
            _ => Err(FieldError::too_many_elements(MOST)),
        });
        fields.finish(|| Some(Self(Some(ids?))))
    }
}

/// How many notices a call has marked, and how many are left.
#[derive(Debug, Serialize)]
pub struct ReadView {
    marked: u64,
    unread: u64,
}

/// Marks notices as read. Those that are not the caller's, or were read before, are passed over.
pub async fn mark_read(app: &App, caller: &Caller, WasRead(ids): WasRead) -> Result<ReadView, Error> {
    let (whose, now) = ((accounts::member_of(caller)?, caller.application), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let marked = notifications::set_read(tx, whose, ids.as_deref(), now).await?;
            Ok(ReadView { marked, unread: notifications::count_unread(tx, whose).await? })
        })
    })
    .await
}
