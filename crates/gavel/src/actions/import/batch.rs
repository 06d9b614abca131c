//! A batch of rows: judged, applied, and told of, in one transaction.

use std::{collections::HashMap, fmt::Write};

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{EntryId, ListId},
    json::{FieldError, FieldErrors},
    time::Timestamp,
};
use serde_json::{Value as Json, json};

use super::{ABORTED, DRY_RUN, How, Run, rows};
use crate::{
    actions::{Caller, Error, amendment::Amendment, approval::Gate, entries::NewEntry, subjects::sync, sweeps},
    clock::new_id,
    store::{
        Tx,
        entries::{self, Addition, Entry},
        imports::{self, Import},
        lists::{self, List},
        marks,
        revisions::{Effect, Moment},
        subject_locks::Scope,
    },
};

/// A row as read.
type Row = rows::Row<NewEntry>;

/// A row that can be added.
struct Good {
    number: u64,
    sent: String,
    value: EntryValue,
    new: NewEntry,
}

/// A row that cannot, with its reason.
struct Bad {
    number: u64,
    errors: FieldErrors,
    raw: Json,
}

/// What became of the rows of a batch.
#[derive(Default)]
struct Verdicts {
    lines: Vec<(u64, Json)>,
    rejects: String,
    added: u64,
    duplicates: u64,
    refused: u64,
}

impl Verdicts {
    fn added(&mut self, row: &Good, entry: Option<EntryId>) {
        let mut line = json!({ "row": row.number, "verdict": "added" });
        if let Some(entry) = entry {
            line["entry"] = entry.to_string().into();
        }
        self.added += 1;
        self.lines.push((row.number, normalised(line, row)));
    }

    fn duplicate(&mut self, row: &Good, of: &str, which: Json) {
        self.duplicates += 1;
        self.lines.push((row.number, normalised(json!({ "row": row.number, "verdict": "duplicate", of: which }), row)));
    }

    fn refused(&mut self, row: Bad) {
        self.refused += 1;
        let line = json!({ "row": row.number, "verdict": "refused", "errors": row.errors });
        let _ = writeln!(self.rejects, "{}", reject(&row));
        self.lines.push((row.number, line));
    }

    fn text(&mut self) -> String {
        self.lines.sort_by_key(|(number, _)| *number);
        self.lines.iter().map(|(_, line)| format!("{line}\n")).collect()
    }
}

/// A refused row as it was sent, in a form that can be corrected and sent again: what is told about it stands in members
/// an import passes over.
fn reject(row: &Bad) -> Json {
    let mut line = match &row.raw {
        Json::Object(cells) => Json::Object(cells.clone()),
        Json::String(text) => match serde_json::from_str(text) {
            Ok(object @ Json::Object(_)) => object,
            _ => json!({ "_line": text }),
        },
        _ => json!({}),
    };
    if let Some(metadata) = line.get("metadata").and_then(Json::as_str).and_then(|text| serde_json::from_str::<Json>(text).ok()) {
        line["metadata"] = metadata; // A cell of a CSV file holds it as text.
    }
    line["_row"] = row.number.into();
    line["_errors"] = json!(row.errors);
    line
}

/// What the value became, where that is another text.
fn normalised(mut line: Json, row: &Good) -> Json {
    if row.value.stored() != row.sent {
        line["normalised"] = row.value.stored().into();
    }
    line
}

fn judge(entry_type: EntryType, rows: Vec<Row>) -> (Vec<Good>, Vec<Bad>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for Row { number, read, raw } in rows {
        let judged = read.and_then(|mut new| {
            let sent = new.value.take().unwrap_or_default();
            let value = EntryValue::parse(entry_type, &sent)
                .map_err(|reason| FieldErrors::default().with("value", FieldError::text(reason.message())))?;
            Ok((sent, value, new))
        });
        match judged {
            Ok((sent, value, new)) => good.push(Good { number, sent, value, new }),
            Err(errors) => bad.push(Bad { number, errors, raw }),
        }
    }
    (good, bad)
}

impl Run {
    /// Applies the next rows.
    pub(super) async fn apply(&mut self, rows: Vec<Row>) -> Result<(), Error> {
        let (caller, how) = (self.caller.clone(), self.how);
        let (mut job, batch, now) = (self.job.clone(), self.batches, self.app.clock.now());
        let count = rows.len() as u64;
        if how.dry_run && job.rows + count > DRY_RUN {
            self.job.state = ABORTED.to_owned();
            self.job.message = format!("A dry run looks at {DRY_RUN} rows at most.");
            return Ok(());
        }
        let mut seen = std::mem::take(&mut self.seen);
        let (job, seen) = self
            .app
            .store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    // Before the revision; a list's type never changes, so the values can be read for it here.
                    let scope = if how.dry_run { Scope::Nobody } else { lock_subjects(tx, &caller, job.list, &rows).await? };
                    let amendment = Amendment::begin(tx, &caller, now).await?;
                    let list = lists::find_list(tx, caller.application, job.list, now).await?;
                    let Some(list) = list else {
                        job.state = ABORTED.to_owned();
                        job.message = "The list was deleted.".to_owned();
                        return Ok((job, seen));
                    };
                    let (good, bad) = judge(list.entry_type, rows);
                    if !how.dry_run && !may_add(tx, &caller, &list, &good, now).await? {
                        job.state = ABORTED.to_owned();
                        job.message = format!("The rows from {} on need approval; none of them was added.", job.rows + 1);
                        return Ok((job, seen));
                    }
                    let mut verdicts = Verdicts::default();
                    let ends = how.abort && !bad.is_empty();
                    for row in bad.into_iter().take(if ends { 1 } else { usize::MAX }) {
                        if ends {
                            let text = format!("Row {} was refused; nothing from row {} on was added.", row.number, job.rows + 1);
                            (job.state, job.message) = (ABORTED.to_owned(), text);
                        }
                        verdicts.refused(row);
                    }
                    if !ends {
                        match how.dry_run {
                            true => look(tx, &list, &good, &mut seen, &mut verdicts, now).await?,
                            false => {
                                add(tx, &amendment, &list, good, &mut verdicts).await?;
                                look_back(tx, &amendment, &list, (how, &job), verdicts.added).await?;
                            }
                        }
                        job.rows += count;
                    }
                    tell(tx, &caller, &mut job, batch, verdicts, now).await?;
                    sync::follow(tx, &caller, &scope, now).await?;
                    Ok((job, seen))
                })
            })
            .await?;
        (self.job, self.seen) = (job, seen);
        self.batches += 1;
        if self.batches.is_power_of_two() && !how.dry_run {
            let store = &self.app.store;
            store.write::<_, Error, _>(|tx| Box::pin(async move { Ok(imports::refresh_statistics(tx).await?) })).await?;
        }
        Ok(())
    }
}

/// Holds the users or businesses the rows name, when the list blocks such.
async fn lock_subjects(tx: &mut Tx, caller: &Caller, list: ListId, rows: &[Row]) -> Result<Scope, Error> {
    let values = rows.iter().filter_map(|row| row.read.as_ref().ok()?.value.as_deref());
    sync::lock_values(tx, caller.application, list, values).await
}

/// Whether these rows may come without another person.
async fn may_add(tx: &mut Tx, caller: &Caller, list: &List, rows: &[Good], now: Timestamp) -> Result<bool, Error> {
    let gate = match Gate::of(tx, caller.application, list.id).await {
        Err(Error::NotAllowed(_)) => return Ok(false),
        gate => gate?,
    };
    if !gate.counts() {
        return Ok(true);
    }
    let values: Vec<&EntryValue> = rows.iter().map(|row| &row.value).collect();
    let there = entries::find_by_keys(tx, list.id, &values, Some(now)).await?;
    let new: Vec<&EntryValue> = values.into_iter().filter(|value| !there.contains_key(&value.digest())).collect();
    match gate.must_let(tx, &new, &[]).await {
        Err(Error::NotAllowed(_)) => Ok(false),
        done => done.map(|()| true),
    }
}

/// Has a sweep follow what a batch has added.
async fn look_back(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: &List,
    (how, job): (How, &Import),
    added: u64,
) -> Result<(), Error> {
    if added == 0 {
        return Ok(());
    }
    let mode = sweeps::mode(tx, amendment.caller, list, how.sweep).await?;
    sweeps::follow(tx, amendment, list, mode, Some(job.id)).await
}

/// Adds what the list does not hold.
async fn add(tx: &mut Tx, amendment: &Amendment<'_>, list: &List, rows: Vec<Good>, verdicts: &mut Verdicts) -> Result<(), Error> {
    let (application, Moment { revision, at }) = (amendment.caller.application, amendment.moment);
    let values: Vec<&EntryValue> = rows.iter().map(|row| &row.value).collect();
    let expired = entries::remove_expired(tx, list.id, &values, amendment.moment).await?;
    let entry = |row: &Good| Entry {
        id: new_id(),
        value: row.value.stored().to_owned(),
        display_label: row.new.display_label.clone(),
        comment: row.new.comment.clone(),
        added_by: amendment.caller.actor.added_by().to_owned(),
        reference_session: None,
        reference_record: None,
        reference_object: row.new.reference_object,
        metadata: row.new.metadata.clone(),
        expires_at: row.new.expires_at,
        created_at: at,
        revision,
        held_at: None,
    };
    let new: Vec<(Addition<'_>, Entry)> = rows
        .iter()
        .map(|row| {
            let addition = Addition { application, list: list.id, value: &row.value, sent_value: &row.sent, version: new_id() };
            (addition, entry(row))
        })
        .collect();
    let added = imports::insert_entries(tx, &new).await?;
    let held: Vec<&EntryValue> =
        rows.iter().zip(&new).filter(|(_, (_, entry))| !added.contains(&entry.id)).map(|(row, _)| &row.value).collect();
    let there = entries::find_by_keys(tx, list.id, &held, None).await?;
    for (row, (_, entry)) in rows.iter().zip(&new) {
        match added.contains(&entry.id) {
            true => verdicts.added(row, Some(entry.id)),
            false => verdicts.duplicate(row, "of", there.get(&row.value.digest()).map(EntryId::to_string).into()),
        }
    }
    for by in [i64::try_from(verdicts.added).unwrap_or(0), -i64::try_from(expired).unwrap_or(0)] {
        lists::add_to_count(tx, list.id, by, at).await?;
    }
    if expired > 0 {
        marks::release_marks(tx, application, list.entry_type, revision, at).await?;
    }
    if verdicts.added + expired > 0 {
        let effect = Effect { kind: "entries.imported", added: verdicts.added, removed: expired, changed: 0 };
        amendment.note(tx, list.id, effect).await?;
    }
    Ok(())
}

/// Says what would become of the rows.
async fn look(
    tx: &mut Tx,
    list: &List,
    rows: &[Good],
    seen: &mut HashMap<u64, u64>,
    verdicts: &mut Verdicts,
    now: Timestamp,
) -> Result<(), Error> {
    let values: Vec<&EntryValue> = rows.iter().map(|row| &row.value).collect();
    let there = entries::find_by_keys(tx, list.id, &values, Some(now)).await?;
    for row in rows {
        let digest = row.value.digest();
        if let Some(entry) = there.get(&digest) {
            verdicts.duplicate(row, "of", entry.to_string().into());
            continue;
        }
        // Eight bytes of a digest are enough to tell a few million rows apart.
        let short = u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|place: usize| digest[place]));
        match seen.get(&short) {
            Some(first) => verdicts.duplicate(row, "of_row", (*first).into()),
            None => {
                seen.insert(short, row.number);
                verdicts.added(row, None);
            }
        }
    }
    Ok(())
}

/// Writes verdicts, progress and the audit row.
async fn tell(
    tx: &mut Tx,
    caller: &Caller,
    job: &mut Import,
    batch: u64,
    mut verdicts: Verdicts,
    now: Timestamp,
) -> Result<(), Error> {
    caller.renew_claim(tx, now).await?; // Were it at work elsewhere, what this one adds would be a duplicate there.
    job.added += verdicts.added;
    job.duplicates += verdicts.duplicates;
    job.refused += verdicts.refused;
    job.updated_at = now;
    imports::insert_batch(tx, job.id, batch, &verdicts.text(), &verdicts.rejects).await?;
    imports::set_progress(tx, job).await?;
    caller.audit(tx, "entries.imported", &[("list", job.list.0), ("import", job.id.0)], now).await?;
    Ok(())
}
