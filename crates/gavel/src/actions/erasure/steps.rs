//! The steps of an erasure, in their order. Where a person is only found by what their sessions say comes first, the
//! sessions last; after them nobody could say any more what to look for.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::BoxFuture;
use gavel_core::{
    entry::EntryType,
    ids::{ApplicationId, EntryId, ErasureId, ListId, MediaId, SessionId, parse_uuid},
    time::Timestamp,
};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    subject::{About, Collected, Subject, keys},
    transactions,
};
use crate::{
    actions::{
        Caller, Error,
        amendment::Amendment,
        subjects::{origins, sync},
    },
    app::App,
    store::{
        Tx,
        erase::{self, Batch, Key, Said},
        erasures::{self, Erasure},
        lists, marks, media,
        revisions::Effect,
    },
};

/// Seconds a process has for a step before another one goes on.
pub const LEASE: i64 = 15;
/// Where an erasure begins.
pub(super) const FIRST: &str = "entries_of_record";
/// Where what is kept encrypted with an erasure belongs.
pub(super) const ABOUT: &str = "erasure";

/// Where one begins that looks for nobody beyond the sessions themselves.
pub(in crate::actions) const SESSIONS: &str = "sessions";

/// Sessions whose entries are dealt with at a time.
const AT_ONCE: u64 = 20;
/// Proposals, batches and refused rows of imports, and stored answers looked at at a time.
const PROPOSALS: u64 = 50;
const BATCHES: u64 = 10;
const ROWS: u64 = 500;
const ANSWERS: u64 = 200;
/// Records that show a session, dealt with at a time.
const SHOWN: u64 = 50;
/// How often the log is asked to be emptied before that is left for later: a long read may hold it.
const TRIES: usize = 20;

/// Does what is left to do. Ends early when another process has taken over.
pub async fn run(app: &App, mut at: Erasure) -> Result<(), Error> {
    let subject = match at.stage.as_str() {
        "transactions" | "sessions" | "log" => None,
        _ => Some(Arc::new(collect(app, at.id).await?)),
    };
    while at.finished_at.is_none() {
        let next = match (at.stage.as_str(), &subject) {
            ("entries_of_record", _) => entries_of_record(app, &at).await?,
            ("entries", _) => entries(app, &at).await?,
            ("entries_of_transactions", _) => transactions::entries(app, &at).await?,
            ("proposals", Some(subject)) => proposals(app, &at, subject.clone()).await?,
            ("imports", Some(subject)) => imports(app, &at, subject.clone()).await?,
            ("session_imports", Some(subject)) => session_imports(app, &at, subject.clone()).await?,
            ("answers", Some(subject)) => answers(app, &at, subject.clone()).await?,
            ("transactions", _) => transactions::erase(app, &at).await?,
            ("sessions", _) => session(app, &at).await?,
            ("log", _) => log(app, &at).await?,
            (stage, _) => return Err(Error::fault(format!("an erasure is at {stage}"))),
        };
        match next {
            Some(next) => at = next,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// What the records of a user and a business said, where the erasure is of one.
async fn of_record(app: &App, id: ErasureId) -> Result<Option<Said>, Error> {
    let read = app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(erasures::find_about(tx, id).await?) }));
    let Some(sealed) = read.await? else { return Ok(None) };
    let plain = app.secrets.open(ABOUT, &sealed).ok_or_else(|| Error::fault("an erasure was sealed with another key"))?;
    let about: About = serde_json::from_slice(&plain).map_err(Error::fault)?;
    Ok(Some(about.said()))
}

/// Reads what the records and the sessions say, a few at a time.
async fn collect(app: &App, id: ErasureId) -> Result<Subject, Error> {
    let (mut collected, mut after) = (Collected::default(), None);
    if let Some(said) = of_record(app, id).await? {
        collected.add(&said);
    }
    loop {
        let found: Vec<(SessionId, Said)> = app
            .store
            .read::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let mut found = Vec::new();
                    for session in erasures::list_sessions(tx, id, after, AT_ONCE).await? {
                        found.push((session, erase::find_said(tx, session).await?));
                    }
                    Ok(found)
                })
            })
            .await?;
        let Some((last, _)) = found.last() else { break };
        after = Some(*last);
        found.iter().for_each(|(session, said)| collected.note(&session.to_string(), said));
    }
    transactions::collect(app, id, &mut collected).await?;
    collected.finish()
}

/// A step: a transaction that finds the erasure where it was left, does something, and writes where it stands then.
/// `None`: another process has gone on.
pub(super) async fn step<F>(app: &App, left: &Erasure, job: F) -> Result<Option<Erasure>, Error>
where
    F: for<'t> FnOnce(&'t mut Tx, &'t mut Erasure) -> BoxFuture<'t, Result<(), Error>> + Send + 'static,
{
    let (left, now) = (left.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let Some(mut at) = erasures::lock_erasure(tx, left.id).await? else { return Ok(None) };
                if (&at.stage, &at.place, at.finished_at) != (&left.stage, &left.place, None) {
                    return Ok(None);
                }
                job(tx, &mut at).await?;
                erasures::set_progress(tx, &at, now.plus_seconds(LEASE)).await?;
                Ok(Some(at))
            })
        })
        .await
}

pub(super) fn move_on(at: &mut Erasure, stage: &str) {
    at.stage = stage.to_owned();
    at.place = String::new();
}

pub(super) fn worker(application: ApplicationId) -> Caller {
    Caller::system(application, "WORKER", "")
}

/// A session's place in the order of ids.
fn after(place: &str) -> Option<SessionId> {
    parse_uuid(place).ok().map(SessionId)
}

/// What is looked for in lists: values, and what was made from sessions.
#[derive(Default)]
pub(super) struct Listed {
    pub keys: Vec<Key>,
    pub sessions: Vec<SessionId>,
}

impl Listed {
    async fn find(&self, tx: &mut Tx, at: &Erasure, expired: Option<Timestamp>) -> Result<Vec<(ListId, EntryId)>, Error> {
        let mut found = Vec::new();
        for session in &self.sessions {
            found.extend(erase::list_made_from(tx, *session, expired).await?);
        }
        for key in &self.keys {
            found.extend(erase::list_entries(tx, at.application, *key, expired).await?);
        }
        Ok(found)
    }
}

/// Takes the person off the lists: live entries where that was asked for, expired ones, which decide nothing any more, always;
/// then what those that are removed by now said.
pub(super) async fn take_off(tx: &mut Tx, at: &mut Erasure, listed: &Listed, now: Timestamp) -> Result<(), Error> {
    let expired = (!at.list_entries).then_some(now);
    if !listed.find(tx, at, expired).await?.is_empty() {
        // Whoever changes lists takes their number before looking at anything: what was seen so far only says that it is worth it.
        let caller = worker(at.application);
        sync::lock_everybody(tx, at.application).await?;
        let amendment = Amendment::begin(tx, &caller, now).await?;
        let found = listed.find(tx, at, expired).await?;
        remove(tx, &amendment, at, found).await?;
    }
    for session in &listed.sessions {
        let versions = erase::scrub_removed_made_from(tx, *session, now).await?;
        erase::add(&mut at.counts, "entry_versions", versions);
        let metadata = erase::clear_metadata(tx, *session).await?;
        erase::add(&mut at.counts, "entry_metadata", metadata);
    }
    for key in &listed.keys {
        let versions = erase::scrub_removed(tx, at.application, *key, now).await?;
        erase::add(&mut at.counts, "entry_versions", versions);
    }
    Ok(())
}

/// Removes entries in one revision.
async fn remove(tx: &mut Tx, amendment: &Amendment<'_>, at: &mut Erasure, found: Vec<(ListId, EntryId)>) -> Result<(), Error> {
    let mut by_list: BTreeMap<ListId, Vec<EntryId>> = BTreeMap::new();
    found.into_iter().for_each(|(list, entry)| by_list.entry(list).or_default().push(entry));
    let now = amendment.moment.at;
    for (list, entries) in &by_list {
        let mut removed = 0;
        for entry in entries {
            removed += u64::from(erase::end_entry(tx, *list, *entry, amendment.moment).await?);
        }
        lists::add_to_count(tx, *list, -i64::try_from(removed).unwrap_or(0), now).await?;
        amendment.note(tx, *list, Effect { kind: "entries.erased", added: 0, removed, changed: 0 }).await?;
        amendment.caller.audit(tx, "entries.erased", &[("list", list.0), ("erasure", at.id.0)], now).await?;
        erase::add(&mut at.counts, "entries", removed);
    }
    for list in by_list.keys() {
        sync::follow_list(tx, amendment.caller, *list, now).await?;
    }
    if !by_list.is_empty() {
        for entry_type in EntryType::ALL {
            marks::release_marks(tx, at.application, entry_type, amendment.moment.revision, now).await?;
        }
    }
    Ok(())
}

/// Entries of lists with what the record of a user or business said: that may stand in no session.
async fn entries_of_record(app: &App, at: &Erasure) -> Result<Option<Erasure>, Error> {
    let (said, now) = (of_record(app, at.id).await?, app.clock.now());
    step(app, at, move |tx, at| {
        Box::pin(async move {
            move_on(at, "entries");
            let listed = Listed { keys: said.as_ref().map(keys).unwrap_or_default(), ..Listed::default() };
            take_off(tx, at, &listed, now).await
        })
    })
    .await
}

/// Entries of lists with what the sessions say, or made from them.
async fn entries(app: &App, at: &Erasure) -> Result<Option<Erasure>, Error> {
    let now = app.clock.now();
    step(app, at, move |tx, at| {
        Box::pin(async move {
            let sessions = erasures::list_sessions(tx, at.id, after(&at.place), AT_ONCE).await?;
            let Some(last) = sessions.last() else {
                move_on(at, "entries_of_transactions");
                return Ok(());
            };
            at.place = last.to_string();
            let mut listed = Listed::default();
            for session in &sessions {
                listed.keys.extend(keys(&erase::find_said(tx, *session).await?));
            }
            listed.sessions = sessions;
            take_off(tx, at, &listed, now).await
        })
    })
    .await
}

/// Proposals that speak of the person, open ones too.
async fn proposals(app: &App, at: &Erasure, subject: Arc<Subject>) -> Result<Option<Erasure>, Error> {
    step(app, at, move |tx, at| {
        Box::pin(async move {
            let place = parse_uuid(&at.place).unwrap_or(Uuid::nil());
            let found = erase::list_proposals(tx, at.application, place, PROPOSALS).await?;
            let Some(last) = found.last() else {
                move_on(at, "imports");
                return Ok(());
            };
            at.place = last.id.to_string();
            for proposed in found {
                let changes: Json = serde_json::from_str(&proposed.changes).map_err(Error::fault)?;
                if subject.is_in_json(&changes) {
                    erase::clear_proposal(tx, proposed.id).await?;
                } else if subject.is_in_json(&json!(proposed.comments)) {
                    erase::clear_comments(tx, proposed.id).await?;
                } else {
                    continue;
                }
                erase::add(&mut at.counts, "proposals", 1);
            }
            Ok(())
        })
    })
    .await
}

/// Rows of imports: what they were refused with, what their values became.
async fn imports(app: &App, at: &Erasure, subject: Arc<Subject>) -> Result<Option<Erasure>, Error> {
    step(app, at, move |tx, at| {
        Box::pin(async move {
            let place = at.place.split_once(' ').and_then(|(id, n)| Some((parse_uuid(id).ok()?, n.parse().ok()?)));
            let found = erase::list_batches(tx, at.application, place.unwrap_or((Uuid::nil(), 0)), BATCHES).await?;
            let Some(last) = found.last() else {
                move_on(at, "session_imports");
                return Ok(());
            };
            at.place = format!("{} {}", last.import, last.ordinal);
            for mut batch in found {
                let rows = scrub(&mut batch, &subject);
                if rows > 0 {
                    erase::set_batch(tx, &batch).await?;
                    erase::add(&mut at.counts, "import_rows", rows);
                }
            }
            Ok(())
        })
    })
    .await
}

/// Rows of files of other systems that were refused; they go on to say that there was a row.
async fn session_imports(app: &App, at: &Erasure, subject: Arc<Subject>) -> Result<Option<Erasure>, Error> {
    step(app, at, move |tx, at| {
        Box::pin(async move {
            let place = at.place.split_once(' ').and_then(|(id, n)| Some((parse_uuid(id).ok()?, n.parse().ok()?)));
            let found = erase::list_row_errors(tx, at.application, place.unwrap_or((Uuid::nil(), 0)), ROWS).await?;
            let Some(last) = found.last() else {
                move_on(at, "answers");
                return Ok(());
            };
            at.place = format!("{} {}", last.import, last.row_number);
            for row in found {
                let raw: Json = serde_json::from_str(&row.raw_row).map_err(Error::fault)?;
                let said = json!([raw, row.external_id, row.error]);
                if subject.is_in_json(&said) {
                    erase::clear_row_error(tx, row.import, row.row_number).await?;
                    erase::add(&mut at.counts, "import_rows", 1);
                }
            }
            Ok(())
        })
    })
    .await
}

/// Takes a person out of a batch's lines, which go on to say that there was a row.
fn scrub(batch: &mut Batch, subject: &Subject) -> u64 {
    let mut taken = 0;
    let mut lines = |text: &str, left: fn(&Json) -> Json| -> String {
        let line = |line: &str| match serde_json::from_str::<Json>(line) {
            Ok(row) if subject.is_in_json(&row) => {
                taken += 1;
                format!("{}\n", left(&row))
            }
            _ => format!("{line}\n"),
        };
        text.lines().map(line).collect()
    };
    batch.verdicts = lines(&batch.verdicts, |row| json!({ "row": row["row"], "verdict": row["verdict"], "erased": true }));
    batch.rejects = lines(&batch.rejects, |row| json!({ "_row": row["_row"], "_erased": true }));
    taken
}

/// Answers kept for `Idempotency-Key`.
async fn answers(app: &App, at: &Erasure, subject: Arc<Subject>) -> Result<Option<Erasure>, Error> {
    let app_ = app.clone();
    step(app, at, move |tx, at| {
        Box::pin(async move {
            let place = crate::secrets::unhex(&at.place).unwrap_or_default();
            let found = erase::list_answers(tx, at.application, place, ANSWERS).await?;
            let Some((last, _)) = found.last() else {
                move_on(at, "transactions");
                return Ok(erasures::set_about(tx, at.id, None).await?); // Nobody is looked for any more.
            };
            at.place = crate::secrets::hex(last);
            for (key, sealed) in found {
                let plain = app_.secrets.open("idempotency", &sealed).unwrap_or_default();
                if subject.is_in(&String::from_utf8_lossy(&plain)) {
                    let rows = erase::clear_answer(tx, at.application, key).await?;
                    erase::add(&mut at.counts, "stored_answers", rows);
                }
            }
            Ok(())
        })
    })
    .await
}

/// The next session: what others show of it, its files, then the rest.
async fn session(app: &App, at: &Erasure) -> Result<Option<Erasure>, Error> {
    let (id, place, now) = (at.id, after(&at.place), app.clock.now());
    let next =
        app.store.read::<_, Error, _>(move |tx| Box::pin(async move { Ok(erasures::list_sessions(tx, id, place, 1).await?) }));
    let Some(session) = next.await?.pop() else {
        return step(app, at, |_, at| {
            Box::pin(async move {
                move_on(at, "log");
                Ok(())
            })
        })
        .await;
    };
    let mut at = at.clone();
    loop {
        let shown = step(app, &at, move |tx, at| {
            Box::pin(async move {
                for shown in erase::list_shown_in(tx, session, SHOWN).await? {
                    let changed = erase::take_out(tx, session, shown).await?;
                    erase::add(&mut at.counts, "shown_elsewhere", changed);
                }
                Ok(())
            })
        });
        let Some(next) = shown.await? else { return Ok(None) };
        at = next;
        if !is_shown(app, session).await? {
            break;
        }
    }
    let files = release_files(app, session, now).await?;
    step(app, &at, move |tx, at| {
        Box::pin(async move {
            erase::remove_files(tx, session, &files, &mut at.counts).await?;
            let values = origins::forget(tx, at.application, session, now).await?;
            erase::add(&mut at.counts, "profile_values", values);
            erase::erase_session(tx, session, &mut at.counts).await?;
            let objects = [("erasure", at.id.0), ("session", session.0)];
            worker(at.application).audit(tx, "session.erased", &objects, now).await?;
            at.place = session.to_string();
            Ok(())
        })
    })
    .await
}

async fn is_shown(app: &App, session: SessionId) -> Result<bool, Error> {
    let read = app
        .store
        .read::<_, Error, _>(move |tx| Box::pin(async move { Ok(!erase::list_shown_in(tx, session, 1).await?.is_empty()) }));
    read.await
}

/// Deletes the files only this session shows. They are said to be gone before they are, so that nobody else begins to show
/// one; their rows go with the session's, so that a process that is killed in between does it again.
pub(in crate::actions) async fn release_files(app: &App, session: SessionId, now: Timestamp) -> Result<Vec<MediaId>, Error> {
    let gone = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let mut files = media::list_uses(tx, session).await?;
                let said = erase::find_said(tx, session).await?;
                files.extend(said.portrait);
                files.extend(said.items.iter().flat_map(|item| placeholders(item)));
                files.sort_unstable();
                files.dedup();
                let mut gone = Vec::new();
                for file in files {
                    if erase::set_file_gone(tx, session, file, now).await? {
                        gone.push(file);
                    }
                }
                Ok(gone)
            })
        })
        .await?;
    app.media.erase(&gone).await?;
    Ok(gone)
}

/// Files an item names, those of deleted sessions too.
fn placeholders(item: &str) -> Vec<MediaId> {
    item.split('"').filter_map(gavel_core::evidence::stored_media).collect()
}

/// The log of the database, where what was removed still stands; then the end.
async fn log(app: &App, at: &Erasure) -> Result<Option<Erasure>, Error> {
    let mut empty = false;
    for _ in 0..TRIES {
        empty = app.store.empty_log().await?;
        if empty {
            break;
        }
    }
    if !empty {
        tracing::warn!(erasure = %at.id, "a long read holds the log; the erasure ends when it has been emptied");
        return Ok(None);
    }
    let now = app.clock.now();
    step(app, at, move |tx, at| {
        Box::pin(async move {
            at.stage = "done".to_owned();
            at.finished_at = Some(now);
            worker(at.application).audit(tx, "subject.erased", &[("erasure", at.id.0)], now).await?;
            Ok(())
        })
    })
    .await
}
