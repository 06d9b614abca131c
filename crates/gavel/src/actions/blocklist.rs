//! The blocklist calls by session: block what a session has shown, unblock it, and see what was blocked so
//! (contract, lists §12). They write entries of the system blocklists; marks follow as a view.

use gavel_core::{
    entry::{EntryType, phone::Phone},
    evidence::document_code,
    ids::{ApplicationId, SessionId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    subject::known_as,
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error,
    amendment::Amendment,
    approval::Gate,
    decision,
    entries::{write_from_source, write_value},
    subjects, sweeps,
};
use crate::{
    app::App,
    store::{
        Tx,
        blocklist::{self, FromSession},
        entries, lists, marks,
        revisions::Effect,
        sessions::{self, Session},
        workflows,
    },
};

/// What can be blocked from a session, and how the flags of the two calls end.
const KINDS: [(EntryType, &str); 4] =
    [(EntryType::Face, "face"), (EntryType::Document, "document"), (EntryType::Phone, "phone"), (EntryType::Email, "email")];

/// Which values of which session.
pub struct Selection {
    session: SessionId,
    kinds: Vec<(EntryType, String)>,
}

impl Selection {
    /// Reads a body whose flags begin with `blocklist_`.
    pub fn read_addition(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent, "blocklist")
    }

    /// Reads a body whose flags begin with `unblock_`.
    pub fn read_removal(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        Self::read(sent, "unblock")
    }

    fn read(sent: &Value<'_>, verb: &str) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let session = fields.required("session_id", read::uuid);
        let mut kinds = Some(Vec::new());
        for (entry_type, name) in KINDS {
            let flag = format!("{verb}_{name}");
            match fields.optional(flag.clone(), read::boolean) {
                Some(Some(true)) => kinds.iter_mut().for_each(|kinds| kinds.push((entry_type, flag.clone()))),
                Some(_) => {}
                None => kinds = None,
            }
        }
        if kinds.as_ref().is_some_and(Vec::is_empty) && session.is_some() {
            return Err(FieldErrors::of_no_field("Select at least one item."));
        }
        fields.finish(|| Some(Self { session: session?, kinds: kinds? }))
    }
}

/// The answer to both calls.
#[derive(Debug, Serialize)]
pub struct Message {
    message: &'static str,
}

/// Blocks the session's most recent values of the chosen types; all of them or none.
pub async fn add(app: &App, caller: &Caller, body: Result<Selection, FieldErrors>) -> Result<Message, Error> {
    let selection = body?;
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let amendment = Amendment::begin(tx, &caller_, now).await?;
            let session = find(tx, &caller_, selection.session).await?;
            let mut errors = FieldErrors::default();
            for (entry_type, flag) in selection.kinds {
                let list = blocklist::find_system(tx, caller_.application, entry_type, now).await?;
                let gate = Gate::of(tx, caller_.application, list.id).await?;
                match marks::list_sources(tx, &session, entry_type).await?.pop() {
                    Some(source) => {
                        gate.must_let(tx, &[&source.value], &[]).await?;
                        if block(tx, &amendment, entry_type, source).await? {
                            let mode = sweeps::mode(tx, &caller_, &list, None).await?;
                            sweeps::follow(tx, &amendment, &list, mode, None).await?;
                        }
                    }
                    None => errors.add(flag, FieldError::text(format!("Session has no {entry_type} data."))),
                }
            }
            if !errors.is_empty() {
                return Err(errors.into()); // What was written is taken back with the transaction.
            }
            caller_.audit(tx, "blocklist.added", &[("session", session.id.0)], now).await?;
            Ok(Message { message: "Successfully updated blocklist." })
        })
    })
    .await
}

/// What follows when a session was declined without anybody's doing (contract, sessions §6.4): where the workflow or the
/// application says so, everything it has shown is blocked, and with it the person or company.
pub(super) async fn follow_decline(
    tx: &mut Tx,
    application: ApplicationId,
    session: &Session,
    now: Timestamp,
) -> Result<(), Error> {
    if !workflows::find_auto_blocklist(tx, application, session.workflow_id).await? {
        return Ok(());
    }
    let caller = Caller::system(application, "SERVER", "");
    let amendment = Amendment::begin(tx, &caller, now).await?;
    for (entry_type, _) in KINDS {
        if let Some(source) = marks::list_sources(tx, session, entry_type).await?.pop() {
            block(tx, &amendment, entry_type, source).await?;
        }
    }
    if let Some(value) = known_as(session.kind, session.vendor_data.as_deref())
        && !subjects::sessions::block_declined(tx, &caller, session, now).await?
    {
        let list = blocklist::find_system(tx, application, value.entry_type(), now).await?;
        if entries::find_live(tx, list.id, &value, now).await?.is_none() {
            let amendment = Amendment::begin(tx, &caller, now).await?;
            write_value(tx, &amendment, &list, value).await?;
        }
    }
    caller.audit(tx, "blocklist.added", &[("session", session.id.0)], now).await?;
    Ok(())
}

async fn find(tx: &mut Tx, caller: &Caller, id: SessionId) -> Result<Session, Error> {
    sessions::find_session(tx, caller.application, id).await?.ok_or(Error::NO_SESSION)
}

/// Puts one value on its system blocklist; an entry that is there already takes the mark, and the answer is `false`.
async fn block(tx: &mut Tx, amendment: &Amendment<'_>, entry_type: EntryType, source: marks::Source) -> Result<bool, Error> {
    let now = amendment.moment.at;
    let list = blocklist::find_system(tx, amendment.caller.application, entry_type, now).await?;
    match entries::find_live(tx, list.id, &source.value, now).await? {
        Some(entry) => Ok(marks::set_mark(tx, source.record, entry).await.map(|()| false)?),
        None => write_from_source(tx, amendment, &list, source).await.map(|()| true),
    }
}

/// Takes back what was blocked from a session. Entries added by hand stay and keep blocking.
pub async fn remove(app: &App, caller: &Caller, body: Result<Selection, FieldErrors>) -> Result<Message, Error> {
    let selection = body?;
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            let amendment = Amendment::begin(tx, &caller_, now).await?;
            let session = find(tx, &caller_, selection.session).await?;
            for (entry_type, _) in selection.kinds {
                let list = blocklist::find_system(tx, application, entry_type, now).await?;
                let made = blocklist::list_made_from(tx, list.id, session.id).await?;
                Gate::of(tx, application, list.id).await?.must_let(tx, &[], &made).await?;
                let sources = marks::list_sources(tx, &session, entry_type).await?;
                let records: Vec<_> = sources.iter().map(|source| source.record).collect();
                marks::clear_marks(tx, &records).await?;
                let mut removed = 0;
                for entry in made {
                    if entries::remove_entry(tx, list.id, entry, amendment.moment).await? {
                        lists::add_to_count(tx, list.id, -1, now).await?;
                        removed += 1;
                    }
                }
                marks::release_marks(tx, application, entry_type, amendment.moment.revision, now).await?;
                if removed > 0 {
                    amendment.note(tx, list.id, Effect { kind: "entry.removed", added: 0, removed, changed: 0 }).await?;
                }
            }
            caller_.audit(tx, "blocklist.removed", &[("session", session.id.0)], now).await?;
            Ok(Message { message: "Successfully removed from blocklist." })
        })
    })
    .await
}

/// A blocked value as answered; members of other types are null.
#[derive(Debug, Serialize)]
pub struct BlocklistRow {
    #[serde(rename = "type")]
    entry_type: EntryType,
    session_id: SessionId,
    session_number: i64,
    blocklisted_at: Timestamp,
    face_image: Option<String>,
    document_type: Option<&'static str>,
    document_number: Option<String>,
    front_image: Option<String>,
    phone_number: Option<String>,
    country_code: Option<String>,
    email: Option<String>,
}

impl BlocklistRow {
    fn of(app: &App, row: FromSession) -> Self {
        let text = |member: &str| Some(row.data.as_ref()?.get(member)?.as_str()?.to_owned());
        let is = |entry_type: EntryType| row.entry_type == entry_type;
        let value = || row.value.clone();
        let phone = is(EntryType::Phone).then(|| Phone::parse(&row.value).ok()).flatten();
        Self {
            entry_type: row.entry_type,
            session_id: row.session.0,
            session_number: row.session.1,
            blocklisted_at: row.created_at,
            face_image: None, // Faces do not become entries yet.
            document_type: row.data.as_ref().filter(|_| is(EntryType::Document)).and_then(document_code),
            document_number: is(EntryType::Document).then(|| text("document_number").unwrap_or_else(value)),
            front_image: text("front_image")
                .filter(|_| is(EntryType::Document))
                .and_then(|placeholder| decision::link(app, &placeholder)),
            phone_number: is(EntryType::Phone).then(value),
            country_code: phone.and_then(|phone| phone.region().map(str::to_owned)),
            email: is(EntryType::Email).then(value),
        }
    }
}

/// The type of this name, of those that can be blocked from a session.
pub fn item_type(name: &str) -> Option<EntryType> {
    KINDS.into_iter().find(|(_, known)| *known == name).map(|(entry_type, _)| entry_type)
}

/// A page of what was blocked from sessions and how much there is; of one type, or of all.
pub async fn list(
    app: &App,
    caller: &Caller,
    only: Option<EntryType>,
    window: (u64, u64),
) -> Result<(Vec<BlocklistRow>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    let types: Vec<EntryType> = KINDS.into_iter().map(|(t, _)| t).filter(|t| only.is_none_or(|only| only == *t)).collect();
    let (rows, total) = app
        .store
        .read::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(blocklist::list_from_sessions(tx, application, &types, window, now).await?) })
        })
        .await?;
    Ok((rows.into_iter().map(|row| BlocklistRow::of(app, row)).collect(), total))
}
