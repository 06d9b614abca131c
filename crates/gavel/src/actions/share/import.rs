//! Redeeming a share token: the copy is made in one transaction, beside its files, which are copied before.

use std::sync::Arc;

use gavel_core::{
    ids::{ApplicationId, MediaId},
    json::{FieldErrors, Fields, Value, read},
    screening::Index,
    session::SessionStatus,
    time::Timestamp,
};
use serde_json::{json, value::RawValue};
use uuid::Uuid;

use super::{
    copy::{self, Copied},
    must_be_finished,
};
use crate::{
    actions::{Caller, Error, decision, discard_if_refused, events, sessions::refuse_blocked, steps::kind_of, subjects},
    app::App,
    clock::new_id,
    share_token::{self, Share, TokenError},
    store::{
        Tx, applications, events as event_rows,
        sessions::{self, Session},
        shares,
        workflows::{self, Workflow},
    },
};

/// How often the files are copied anew because the original has changed meanwhile.
const TRIES: usize = 3;

/// A redemption, as sent.
#[derive(Clone)]
pub struct ImportBody {
    token: String,
    trust_review: bool,
    workflow: Uuid,
    vendor_data: Option<String>,
}

impl ImportBody {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let token = fields.required("share_token", read::filled(read::text(usize::MAX)));
        let trust_review = fields.required("trust_review", read::boolean);
        let workflow = fields.required("workflow_id", read::uuid);
        let vendor_data = fields.optional("vendor_data", read::trimmed_text(255));
        fields.finish(|| {
            Some(Self {
                token: token?,
                trust_review: trust_review?,
                workflow: workflow?,
                vendor_data: vendor_data?.filter(|text| !text.is_empty()),
            })
        })
    }
}

fn refused(text: &'static str) -> Error {
    Error::field("share_token", text)
}

/// Makes the caller's copy of a session another application has shared; its decision.
pub async fn import(app: &App, caller: &Caller, body: Result<ImportBody, FieldErrors>) -> Result<Box<RawValue>, Error> {
    let body = body?;
    let share = share_token::read(&app.secrets, &body.token, app.clock.now()).map_err(|error| match error {
        TokenError::Invalid => refused("Invalid share token."),
        TokenError::Expired => refused("Share token has expired."),
    })?;
    if share.to != caller.application {
        return Err(refused("This token is not valid for this application."));
    }
    let index = app.live.snapshot(caller.application).await?;
    let mut done = Err(Error::Stale);
    for _ in 0..TRIES {
        let copied = copy_files(app, caller, share, &body).await?;
        let files: Vec<MediaId> = copied.files.iter().map(|(_, file)| file.id).collect();
        let (app_, caller_, body, index) = (app.clone(), caller.clone(), body.clone(), index.clone());
        done = app
            .act(caller, move |tx| Box::pin(async move { redeem(tx, &app_, &caller_, (share, body), copied, &index).await }))
            .await;
        discard_if_refused(app, &done, &files).await;
        if !matches!(done, Err(Error::Stale)) {
            break;
        }
    }
    done
}

/// Copies the files of the original, when everything that can be asked now says that it will be copied.
async fn copy_files(app: &App, caller: &Caller, share: Share, body: &ImportBody) -> Result<Copied, Error> {
    let (application, workflow) = (caller.application, body.workflow);
    let (version, files) = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let original = sessions::find_session(tx, share.from, share.session).await?;
                let (original, _) = grounds(tx, share, original, (application, workflow)).await?;
                Ok((original.version, copy::list_files(tx, &original).await?))
            })
        })
        .await?;
    copy::files(app, version, files).await
}

/// The original and the workflow, when there are such and the copy may be made.
async fn grounds(
    tx: &mut Tx,
    share: Share,
    original: Option<Session>,
    (application, workflow): (ApplicationId, Uuid),
) -> Result<(Session, Workflow), Error> {
    let original = original.ok_or_else(|| refused("Original session does not exist."))?;
    must_be_finished(original.status)?; // It may have been opened again since.
    let workflow = workflows::find_for_session(tx, application, workflow).await?;
    let workflow = workflow.ok_or(Error::NotFound("Workflow does not exist for this application."))?;
    if shares::find_copy(tx, share.session, application).await?.is_some() {
        return Err(ALREADY_SHARED);
    }
    if kind_of(&workflow)? != original.kind {
        return Err(Error::field("workflow_id", "This workflow is for sessions of another kind."));
    }
    Ok((original, workflow))
}

const ALREADY_SHARED: Error = Error::NotAllowed("This session has already been shared with your application.");

/// The transaction. The caller's name first, then the original, which nobody deletes or changes from then on.
async fn redeem(
    tx: &mut Tx,
    app: &App,
    caller: &Caller,
    (share, body): (Share, ImportBody),
    copied: Copied,
    index: &Arc<Index>,
) -> Result<Box<RawValue>, Error> {
    let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
    subjects::sessions::hold_namesakes(tx, caller.application, body.vendor_data.as_deref()).await?;
    let now = app.clock.now();
    let original = sessions::lock_session(tx, share.from, share.session).await?;
    let (original, workflow) = grounds(tx, share, original, (caller.application, body.workflow)).await?;
    if original.version != copied.version {
        return Err(Error::Stale); // Its files may be others now.
    }
    let vendor_data = body.vendor_data.as_deref();
    let index = app.live.within(tx, caller.application, index).await?;
    refuse_blocked(&index, original.kind, vendor_data, now)?;
    let subject = subjects::sessions::note_new(tx, caller.application, original.kind, vendor_data, now).await?;
    let number = applications::take_session_number(tx, application.id, original.kind).await?;
    let mut session = copy::session(&original, &workflow, body.vendor_data, number, now)?;
    let trusted = match original.status {
        SessionStatus::Approved if subjects::sessions::is_flagged(tx, caller.application, &session).await? => {
            SessionStatus::InReview
        }
        status => status,
    };
    session.status = if body.trust_review { trusted } else { SessionStatus::InReview };
    copy::rows(tx, application.id, &original, &mut session, &copied).await?;
    if !shares::insert_share(tx, (share.session, application.id), session.id, now).await? {
        return Err(ALREADY_SHARED);
    }
    subjects::sessions::follow(tx, application.id, &session, SessionStatus::NotStarted, now).await?;
    tell(tx, caller, &session, (share, subject.map(|id| (original.kind.as_str(), id.0))), now).await?;
    let decision = events::status_updated_for_answer(tx, app, &application, &session).await?;
    decision::linked(app, decision)
}

/// The copy's history, and what the trails of both applications say. The owner's trail names nobody of the other one.
async fn tell(
    tx: &mut Tx,
    caller: &Caller,
    session: &Session,
    (share, subject): (Share, Option<(&str, Uuid)>),
    now: Timestamp,
) -> Result<(), Error> {
    let details = json!({ "status": session.status.as_str() });
    let kind = ("SESSION_CREATED", caller.actor.display());
    event_rows::insert_history(tx, session.id, new_id(), kind, &details, now).await?;
    let mut objects = vec![("session", session.id.0), ("application", share.from.0)];
    objects.extend(subject);
    caller.audit(tx, "session.imported", &objects, now).await?;
    let owner = Caller { success: caller.success, ..Caller::system(share.from, &caller.method, caller.route) };
    let objects = [("session", share.session.0), ("application", share.to.0)];
    Ok(owner.audit(tx, "session.share_redeemed", &objects, now).await?)
}
