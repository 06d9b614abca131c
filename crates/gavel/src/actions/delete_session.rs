//! Sessions deleted: by id, by number, or all of them (contract, sessions §8, §9). A deleted session disappears from every
//! read; its rows stay, its files go.

use std::collections::BTreeSet;

use gavel_core::{
    ids::{MediaId, SessionId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    session::SessionKind,
    time::Timestamp,
};
use serde::Serialize;

use super::{Caller, Error, status, subjects};
use crate::{
    app::App,
    store::{Tx, db::parts_of, media, sessions},
};

/// Most numbers of one call.
const MOST: usize = 1_000;
/// Sessions of one statement: a statement costs more the more its transaction has changed, and one may delete them all.
const PART: usize = 1_024;

/// Files whose rows say they are gone: the bytes follow when the transaction has ended.
#[derive(Default, Serialize)]
struct Gone {
    #[serde(skip)]
    files: Vec<MediaId>,
}

/// Deletes one session of either kind. `seen` is the version the caller has looked at.
pub async fn delete(app: &App, caller: &Caller, id: SessionId, seen: Option<u64>) -> Result<(), Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    let gone = app
        .act(caller, move |tx| {
            Box::pin(async move {
                let session = sessions::lock_session(tx, caller_.application, id).await?.ok_or(Error::NOT_FOUND)?;
                status::must_be_at(&session, seen)?;
                let mut gone = Gone::default();
                remove(tx, &caller_, &[session.id], now, &mut gone).await?;
                let whose = session.vendor_data.into_iter().collect();
                subjects::sessions::forget(tx, caller_.application, session.kind, Some(whose)).await?;
                Ok(gone)
            })
        })
        .await?;
    app.media.remove(&gone.files).await;
    Ok(())
}

/// Deletes user sessions by number, or all of them (`None`). Numbers nobody has are skipped.
pub async fn delete_many(app: &App, caller: &Caller, body: Result<Selection, FieldErrors>) -> Result<(), Error> {
    let Selection(numbers) = body?;
    let (caller_, now) = (caller.clone(), app.clock.now());
    let gone = app
        .act(caller, move |tx| {
            Box::pin(async move {
                let mut gone = Gone::default();
                let locked = sessions::lock_by_number(tx, caller_.application, numbers.as_deref()).await?;
                let (ids, whose): (Vec<SessionId>, Vec<Option<String>>) = locked.into_iter().unzip();
                for part in parts_of(PART, &ids) {
                    remove(tx, &caller_, part, now, &mut gone).await?;
                }
                let whose: BTreeSet<String> = whose.into_iter().flatten().collect();
                let whose = numbers.map(|_| whose.into_iter().collect());
                subjects::sessions::forget(tx, caller_.application, SessionKind::User, whose).await?;
                Ok(gone)
            })
        })
        .await?;
    app.media.remove(&gone.files).await;
    Ok(())
}

/// Marks sessions and the files only they show as deleted.
async fn remove(tx: &mut Tx, caller: &Caller, ids: &[SessionId], now: Timestamp, gone: &mut Gone) -> Result<(), Error> {
    gone.files.extend(media::release_all(tx, ids, now).await?);
    sessions::set_deleted(tx, ids, now).await?;
    Ok(caller.audit_each(tx, "session.deleted", "session", ids.iter().map(|id| id.0), now).await?)
}

/// What a batch delete names.
pub struct Selection(Option<Vec<i64>>);

impl Selection {
    /// Reads the body of a batch delete.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let all = fields.optional("delete_all", read::boolean);
        if all == Some(Some(true)) {
            return Ok(Self(None));
        }
        let numbers = fields.optional("session_numbers", |sent| {
            let items = read::array(sent)?;
            match items.len() {
                0 => return Err(FieldError::empty_list()),
                n if n > MOST => return Err(FieldError::too_many_elements(MOST)),
                _ => {}
            }
            let numbers: Option<Vec<i64>> = items.iter().map(number).collect();
            numbers.ok_or_else(|| FieldError::text("All session_numbers must be numeric."))
        });
        if numbers == Some(None) {
            fields.add_error("session_numbers", FieldError::text("This field is required unless delete_all is true."));
        }
        fields.finish(|| Some(Self(numbers?)))
    }
}

/// An integer, or digits and nothing else. What is too large is a number like any other that no session has.
fn number(sent: &Value<'_>) -> Option<i64> {
    match sent {
        Value::Text(text) => {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(i64::MAX))
        }
        sent => match read::integer(i64::MIN, i64::MAX)(sent) {
            Ok(number) => Some(number),
            Err(error) => (error != FieldError::not_an_integer()).then_some(i64::MAX),
        },
    }
}
