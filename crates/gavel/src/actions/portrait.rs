//! The picture a session is started with, for workflows that compare a face before they read a document.

use gavel_core::json::FieldErrors;

use super::{Caller, Error, new_session::NewSession, steps::needs_portrait};
use crate::{
    app::App,
    clock::new_id,
    media::sniff,
    secrets::digest,
    store::{
        media::Media,
        records,
        workflows::{self, Workflow},
    },
};

/// The portrait of a session to be: the one sent, or a copy of the face the person is known by. A copy, because a file goes
/// with the session it belongs to.
pub(super) async fn make_ready(app: &App, caller: &Caller, new: &mut NewSession) -> Result<Option<Media>, Error> {
    match new.portrait.take() {
        Some(sent) => Ok(Some(store(app, sent).await?)),
        None => match stored_face(app, caller, new).await? {
            Some(face) => Ok(Some(store(app, face).await?)),
            None => Ok(None),
        },
    }
}

/// Refuses when the workflow needs a portrait and there is none.
pub(super) fn must_suffice(workflow: &Workflow, new: &NewSession, portrait: Option<&Media>) -> Result<(), Error> {
    if portrait.is_some() || !needs_portrait(workflow)? {
        return Ok(());
    }
    let text = if new.vendor_data.is_some() {
        "No stored face image was found for this user. Send a portrait_image, or complete an approved verification with \
         face liveness or an ID document for this vendor_data first."
    } else {
        "A portrait image is required to perform face match for this workflow. Send a portrait_image, or provide the \
         vendor_data of a user with a previously stored face image to reuse it."
    };
    Err(Error::Invalid(FieldErrors::plain("portrait_image", text)))
}

async fn stored_face(app: &App, caller: &Caller, new: &NewSession) -> Result<Option<Vec<u8>>, Error> {
    let Some(vendor_data) = new.vendor_data.clone() else { return Ok(None) };
    let (application, workflow) = (caller.application, new.workflow);
    let face = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move {
                match workflows::find_for_session(tx, application, workflow).await? {
                    Some(workflow) if needs_portrait(&workflow)? => {
                        Ok(records::find_stored_face(tx, application, &vendor_data).await?)
                    }
                    Some(_) | None => Ok(None),
                }
            })
        })
        .await?;
    match face {
        Some(id) => app.media.read(id).await,
        None => Ok(None),
    }
}

async fn store(app: &App, content: Vec<u8>) -> Result<Media, Error> {
    let content_type = sniff(&content).filter(|found| found.starts_with("image/"));
    let media = Media {
        id: new_id(),
        content_type: content_type.ok_or_else(|| Error::field("portrait_image", "Unsupported image format."))?.to_owned(),
        size: content.len() as u64,
        sha256: digest(&content).to_vec(),
        created_at: app.clock.now(),
    };
    app.media.put(media.id, content).await?;
    Ok(media)
}
