//! Taking away what is held of a person: every statement that does it, table by table.
//!
//! What is left of a session is a skeleton: ids, numbers, kinds, statuses and times. A new table with values of people
//! belongs into [`SESSION`], or has a function of its own here.

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{ApplicationId, EntryId, ImportId, ListId, MediaId, ProposalId, RecordId, SessionId, SessionImportId, SubjectId},
    session::SessionKind,
    subject::Profile,
    time::Timestamp,
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{StoreError, Tx, Value, erasures::Counts, read_entry_value, revisions::Moment, subjects};

/// How many of these are about the events of any object.
const EVENTS: usize = 5;

/// What is removed of a session, in an order that no reference stands against. `$1` is the session.
const SESSION: [(&str, &str); 25] = [
    // First, because whoever gives an event up refers to it before anything else.
    ("events", "UPDATE events SET payload = '{}' WHERE object_id = $1"),
    ("waiting_deliveries", "DELETE FROM outbox WHERE event_id IN (SELECT id FROM events WHERE object_id = $1)"),
    ("dead_letters", "DELETE FROM dead_letters WHERE event_id IN (SELECT id FROM events WHERE object_id = $1)"),
    ("deliveries", "DELETE FROM deliveries WHERE event_id IN (SELECT id FROM events WHERE object_id = $1)"),
    ("", "DELETE FROM events WHERE object_id = $1"),
    ("", "DELETE FROM waiting_hits WHERE screening_id IN (SELECT id FROM screenings WHERE session_id = $1)"),
    ("hits", "DELETE FROM hits WHERE screening_id IN (SELECT id FROM screenings WHERE session_id = $1)"),
    ("", "DELETE FROM screening_items WHERE session_id = $1"),
    ("screenings", "DELETE FROM screenings WHERE session_id = $1"),
    ("signals", "DELETE FROM signals WHERE session_id = $1"),
    ("", "DELETE FROM corrected_signals WHERE session_id = $1"),
    ("", "DELETE FROM asked_values WHERE session_id = $1"),
    ("", "DELETE FROM queue_items WHERE session_id = $1"),
    ("", "DELETE FROM presences WHERE session_id = $1"),
    ("pending_reviews", "DELETE FROM pending_reviews WHERE session_id = $1"),
    ("mails", "DELETE FROM mails WHERE session_id = $1"),
    ("tags", "DELETE FROM session_tags WHERE session_id = $1"),
    ("risks", "DELETE FROM session_risks WHERE session_id = $1"),
    ("history", "DELETE FROM session_events WHERE session_id = $1"),
    ("activity_values", "DELETE FROM activity_values WHERE activity_id IN (SELECT id FROM activities WHERE session_id = $1)"),
    ("", "DELETE FROM sweep_items WHERE session_id = $1"),
    ("", "DELETE FROM subject_origins WHERE session_id = $1"),
    // Who has a copy; the copies are of others, who answer for them.
    ("", "DELETE FROM shares WHERE original_id = $1"),
    ("", "DELETE FROM imported_objects WHERE object_id = $1"),
    ("", "DELETE FROM shown_in WHERE session_id = $1 OR holder_id = $1"),
];

/// The same of a user or business.
const SUBJECT: [(&str, &str); 5] = [
    ("comments", "DELETE FROM subject_comments WHERE subject_id = $1"),
    ("", "DELETE FROM subject_origins WHERE subject_id = $1"),
    ("tags", "DELETE FROM subject_tags WHERE subject_id = $1"),
    ("subjects", "DELETE FROM subjects WHERE id = $1"),
    ("", "DELETE FROM former_subjects WHERE id = $1"),
];

/// Removes what a session holds of a person; what is left is its skeleton. Files and what other sessions show of it are
/// dealt with before.
pub async fn erase_session(tx: &mut Tx, id: SessionId, counts: &mut Counts) -> Result<(), StoreError> {
    for (name, sql) in SESSION {
        let rows = tx.execute(sql, &[id.0.into()]).await?;
        add(counts, name, rows);
    }
    add(counts, "stored_answers", clear_answers_about(tx, id.0).await?);
    let named = "DELETE FROM audit_values WHERE event_id IN (SELECT id FROM audit_events WHERE session_ref = $1)";
    add(counts, "audit_values", tx.execute(named, &[id.to_string().into()]).await?);
    let records = "UPDATE records SET data = '{}', warnings = '[]', matches = '[]', weighed_with = NULL, is_blocklisted = $2,
             marked_by = NULL
         WHERE session_id = $1";
    add(counts, "records", tx.execute(records, &[id.0.into(), false.into()]).await?);
    let row = "UPDATE sessions SET token = $2, vendor_data = NULL, vendor_folded = NULL, callback = NULL, metadata = NULL,
             language = NULL, contact_details = NULL, expected_details = NULL, portrait_media_id = NULL, expires_at = NULL,
             full_name = NULL, full_name_folded = NULL, document_number = NULL, personal_number = NULL, document_type = NULL,
             document_name_folded = NULL, country = NULL, region_folded = NULL, phone_digits = NULL, email_folded = NULL,
             screened_name_folded = NULL
         WHERE id = $1";
    tx.send(row, &[id.0.into(), format!("erased {id}").into()]).await?;
    add(counts, "sessions", 1);
    Ok(())
}

/// What users and businesses were known by that are gone now.
#[derive(Default)]
pub struct Known {
    /// How many there were, deleted before or not.
    pub subjects: usize,
    /// Of those that were not.
    pub profiles: Vec<Profile>,
}

/// Removes the users and businesses with this `vendor_data`, with what was told of them; also of those deleted before.
pub async fn erase_subjects(
    tx: &mut Tx,
    application: ApplicationId,
    vendor_data: &str,
    counts: &mut Counts,
) -> Result<Known, StoreError> {
    let (mut ids, mut profiles) = (subjects::list_former(tx, application, vendor_data).await?, Vec::new());
    for kind in SessionKind::ALL {
        if let Some(subject) = subjects::lock_by_vendor_data(tx, application, kind, vendor_data).await? {
            ids.push(subject.id);
            profiles.push(subject.profile);
        }
    }
    for SubjectId(id) in &ids {
        erase_events(tx, *id, counts).await?;
        add(counts, "stored_answers", clear_answers_about(tx, *id).await?);
        // Few rows name users, and the trail has no index by them: an erasure can wait.
        let named = "DELETE FROM audit_values WHERE event_id IN (SELECT id FROM audit_events WHERE application_id = $1 AND objects LIKE $2)";
        add(counts, "audit_values", tx.execute(named, &[application.0.into(), format!("%{id}%").into()]).await?);
        for (name, sql) in SUBJECT {
            add(counts, name, tx.execute(sql, &[(*id).into()]).await?);
        }
    }
    super::subject_tags::remove_unused(tx, application).await?;
    Ok(Known { subjects: ids.len(), profiles })
}

/// Removes what was told of an object, delivered or not.
pub(super) async fn erase_events(tx: &mut Tx, object: Uuid, counts: &mut Counts) -> Result<(), StoreError> {
    for (name, sql) in SESSION.iter().take(EVENTS) {
        add(counts, name, tx.execute(sql, &[object.into()]).await?);
    }
    Ok(())
}

/// Adds to the count of a kind; without a name to none.
pub fn add(counts: &mut Counts, name: &str, rows: u64) {
    if rows > 0 && !name.is_empty() {
        *counts.entry(name.to_owned()).or_default() += rows;
    }
}

/// Where a session is shown among the matches of others: record and the session it belongs to.
pub async fn list_shown_in(tx: &mut Tx, id: SessionId, most: u64) -> Result<Vec<(RecordId, SessionId)>, StoreError> {
    let sql = "SELECT record_id, holder_id FROM shown_in WHERE session_id = $1 ORDER BY record_id LIMIT $2";
    let rows = tx.query(sql, &[id.0.into(), most.into()]).await?;
    rows.iter().map(|row| Ok((RecordId(row.get(0)?), SessionId(row.get(1)?)))).collect()
}

/// Takes a session out of what another one's record, events and deliveries show. Answers how many texts were changed.
pub async fn take_out(tx: &mut Tx, id: SessionId, (record, holder): (RecordId, SessionId)) -> Result<u64, StoreError> {
    let mentioned = format!("%{id}%");
    let mut changed = 0;
    for (select, update, of) in [
        (
            "SELECT id, matches FROM records WHERE id = $1 AND matches LIKE $2",
            "UPDATE records SET matches = $2 WHERE id = $1",
            record.0,
        ),
        (
            "SELECT id, payload FROM events WHERE object_id = $1 AND payload LIKE $2",
            "UPDATE events SET payload = $2 WHERE id = $1",
            holder.0,
        ),
        (
            "SELECT d.id, d.request_body FROM events e JOIN deliveries d ON d.event_id = e.id
             WHERE e.object_id = $1 AND d.request_body LIKE $2",
            "UPDATE deliveries SET request_body = $2 WHERE id = $1",
            holder.0,
        ),
    ] {
        let select = format!("{select}{}", tx.for_update());
        for row in tx.query(&select, &[of.into(), (&mentioned).into()]).await? {
            let (row, text): (Uuid, String) = (row.get(0)?, row.get(1)?);
            if let Some(text) = without_matches(&text, &id.to_string()) {
                changed += tx.execute(update, &[row.into(), text.into()]).await?;
            }
        }
    }
    changed += forget_rulings(tx, holder).await?;
    let gone = "DELETE FROM shown_in WHERE session_id = $1 AND record_id = $2";
    tx.send(gone, &[id.0.into(), record.0.into()]).await?;
    Ok(changed)
}

/// Status rules may have looked at the matches of a session; what they saw is kept as plain values, of which nobody can say
/// whose they are. Then all of it goes, and those decisions cannot be made again.
async fn forget_rulings(tx: &mut Tx, holder: SessionId) -> Result<u64, StoreError> {
    let sql = "SELECT id FROM records WHERE session_id = $1 AND weighed_with LIKE '%.matches%'";
    let rows = tx.query(sql, &[holder.0.into()]).await?;
    for row in &rows {
        let record = RecordId(row.get(0)?);
        tx.send("UPDATE records SET weighed_with = NULL WHERE id = $1", &[record.0.into()]).await?;
        tx.send("DELETE FROM asked_values WHERE record_id = $1", &[record.0.into()]).await?;
        super::screenings::clear_item(tx, record).await?;
    }
    Ok(rows.len() as u64)
}

/// A JSON text without the rows of `matches` that show a session; `None`: there are none.
fn without_matches(text: &str, session: &str) -> Option<String> {
    let mut stored = serde_json::Deserializer::from_str(text);
    stored.disable_recursion_limit(); // Free JSON of a client inside a payload may be 128 levels deep.
    let mut value: Json = serde::Deserialize::deserialize(&mut stored).ok()?;
    let taken = match &mut value {
        Json::Array(rows) => drop_rows(rows, session), // The column of a record is the array itself.
        _ => 0,
    };
    (taken + walk(&mut value, session) > 0).then(|| value.to_string())
}

/// Drops such rows wherever they stand; answers how many.
fn walk(value: &mut Json, session: &str) -> usize {
    match value {
        Json::Array(items) => items.iter_mut().map(|item| walk(item, session)).sum(),
        Json::Object(members) => {
            let each = |(name, member): (&String, &mut Json)| match member {
                Json::Array(rows) if name == "matches" => drop_rows(rows, session) + walk(member, session),
                member => walk(member, session),
            };
            members.iter_mut().map(each).sum()
        }
        _ => 0,
    }
}

fn drop_rows(rows: &mut Vec<Json>, session: &str) -> usize {
    let before = rows.len();
    rows.retain(|row| row.get("session_id").and_then(Json::as_str) != Some(session));
    before - rows.len()
}

/// A value as lists compare it.
pub type Key = (EntryType, [u8; 32]);

/// What a session says about a person that could stand elsewhere: its own id of them, its values, its items.
pub struct Said {
    /// The caller's id of the person or company.
    pub vendor_data: Option<String>,
    /// Normalised values by type.
    pub values: Vec<EntryValue>,
    /// Values its records hold since they were corrected.
    pub corrected: Vec<Key>,
    /// The items as recorded.
    pub items: Vec<String>,
    /// The portrait given at creation.
    pub portrait: Option<MediaId>,
}

/// Reads it.
pub async fn find_said(tx: &mut Tx, id: SessionId) -> Result<Said, StoreError> {
    let sql = "SELECT vendor_data, portrait_media_id, contact_details FROM sessions WHERE id = $1";
    let (vendor_data, portrait, mut values) = match tx.query_opt(sql, &[id.0.into()]).await? {
        Some(row) => (row.get(0)?, row.get::<Option<Uuid>>(1)?.map(MediaId), contacts(row.get(2)?)),
        None => (None, None, Vec::new()),
    };
    for row in tx.query("SELECT entry_type, value, match_key FROM signals WHERE session_id = $1", &[id.0.into()]).await? {
        values.push(read_entry_value(&mut row.columns())?);
    }
    let rows = tx.query("SELECT data FROM records WHERE session_id = $1 ORDER BY ordinal", &[id.0.into()]).await?;
    let items = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let mut corrected = Vec::new();
    let sql = "SELECT entry_type, key_digest FROM corrected_signals WHERE session_id = $1 AND key_digest IS NOT NULL";
    for row in tx.query(sql, &[id.0.into()]).await? {
        let entry_type = EntryType::from_name(&row.get::<String>(0)?).ok_or_else(|| StoreError::unreadable("entry type"))?;
        let digest = row.get::<Vec<u8>>(1)?.try_into().map_err(|_| StoreError::unreadable("digest"))?;
        corrected.push((entry_type, digest));
    }
    Ok(Said { vendor_data, values, corrected, items, portrait })
}

/// Where a session's person was to be reached.
fn contacts(details: Option<String>) -> Vec<EntryValue> {
    let details: Json = details.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let read = |(entry_type, name): (_, &str)| EntryValue::parse(entry_type, details[name].as_str()?).ok();
    [(EntryType::Email, "email"), (EntryType::Phone, "phone")].into_iter().filter_map(read).collect()
}

/// Says of a file that it is gone; nobody may use it from then on. `false`: another session shows it, or there is none.
pub async fn set_file_gone(tx: &mut Tx, session: SessionId, id: MediaId, now: Timestamp) -> Result<bool, StoreError> {
    let rows = tx
        .execute(
            "UPDATE media SET deleted_at = COALESCE(deleted_at, $3) WHERE id = $2
                 AND NOT EXISTS (SELECT 1 FROM media_uses u WHERE u.media_id = $2 AND u.session_id <> $1)",
            &[session.0.into(), id.0.into(), now.into()],
        )
        .await?;
    Ok(rows == 1)
}

/// Forgets that a session shows files, and what is known of those that are gone.
pub async fn remove_files(tx: &mut Tx, session: SessionId, ids: &[MediaId], counts: &mut Counts) -> Result<(), StoreError> {
    tx.send("DELETE FROM session_files WHERE session_id = $1", &[session.0.into()]).await?;
    tx.send("DELETE FROM media_uses WHERE session_id = $1", &[session.0.into()]).await?;
    for id in ids {
        let sql = "DELETE FROM media WHERE id = $1 AND deleted_at IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM media_uses u WHERE u.media_id = $1)";
        add(counts, "files", tx.execute(sql, &[id.0.into()]).await?);
    }
    Ok(())
}

/// Entries of an application's lists with this value that are not removed, by list: all of them, or those that have expired
/// by then.
pub async fn list_entries(
    tx: &mut Tx,
    application: ApplicationId,
    (entry_type, digest): Key,
    expired: Option<Timestamp>,
) -> Result<Vec<(ListId, EntryId)>, StoreError> {
    let sql = "SELECT l.id, e.id FROM lists l JOIN entries e ON e.list_id = l.id AND e.key_digest = $3 AND e.removed_rev IS NULL
         WHERE l.application_id = $1 AND l.entry_type = $2 AND (CAST($4 AS bigint) IS NULL OR e.expires_at <= $4)
         ORDER BY l.id, e.id";
    let params: [Value; 4] = [application.0.into(), entry_type.as_str().into(), digest.into(), expired.into()];
    tx.query(sql, &params).await?.iter().map(|row| Ok((ListId(row.get(0)?), EntryId(row.get(1)?)))).collect()
}

/// The same of those made from a session.
pub async fn list_made_from(
    tx: &mut Tx,
    session: SessionId,
    expired: Option<Timestamp>,
) -> Result<Vec<(ListId, EntryId)>, StoreError> {
    let sql = "SELECT list_id, id FROM entries WHERE reference_session_id = $1 AND removed_rev IS NULL
             AND (CAST($2 AS bigint) IS NULL OR expires_at <= $2) ORDER BY list_id, id";
    let rows = tx.query(sql, &[session.0.into(), expired.into()]).await?;
    rows.iter().map(|row| Ok((ListId(row.get(0)?), EntryId(row.get(1)?)))).collect()
}

/// Ends an entry, expired or not. `false`: it was removed before.
pub async fn end_entry(tx: &mut Tx, list: ListId, id: EntryId, moment: Moment) -> Result<bool, StoreError> {
    let sql = "UPDATE entries SET removed_rev = $3, removed_at = $4 WHERE id = $2 AND list_id = $1 AND removed_rev IS NULL";
    let rows = tx.execute(sql, &[list.0.into(), id.0.into(), moment.revision.into(), moment.at.into()]).await?;
    Ok(rows == 1)
}

/// What a version of an entry becomes. It stays part of the revisions it was part of.
const SCRUBBED: &str = "UPDATE entries SET value = '[erased]', sent_value = '', match_key = NULL, key_digest = $2, folded = '',
         display_label = '', comment = '', metadata = NULL, erased_at = $3";

fn scrubbed(of: Value, now: Timestamp) -> Vec<Value> {
    vec![of, [0_u8; 32].into(), now.into()]
}

/// Erases what removed entries with this value said.
pub async fn scrub_removed(
    tx: &mut Tx,
    application: ApplicationId,
    (entry_type, digest): Key,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let sql = format!(
        "{SCRUBBED} WHERE removed_rev IS NOT NULL AND erased_at IS NULL AND key_digest = $1
             AND list_id IN (SELECT id FROM lists WHERE application_id = $4 AND entry_type = $5)
             AND NOT EXISTS (SELECT 1 FROM entries k WHERE k.id = entries.id AND k.removed_rev IS NULL)"
    );
    let mut params = scrubbed(digest.into(), now);
    params.extend([application.0.into(), entry_type.as_str().into()]);
    tx.execute(&sql, &params).await
}

/// Erases what removed entries made from a session said.
pub async fn scrub_removed_made_from(tx: &mut Tx, session: SessionId, now: Timestamp) -> Result<u64, StoreError> {
    let sql = format!(
        "{SCRUBBED} WHERE removed_rev IS NOT NULL AND erased_at IS NULL AND reference_session_id = $1
             AND NOT EXISTS (SELECT 1 FROM entries k WHERE k.id = entries.id AND k.removed_rev IS NULL)"
    );
    tx.execute(&sql, &scrubbed(session.0.into(), now)).await
}

/// Takes the metadata, which was taken from the session's documents, from all versions of entries made from it.
pub async fn clear_metadata(tx: &mut Tx, session: SessionId) -> Result<u64, StoreError> {
    let sql = "UPDATE entries SET metadata = NULL WHERE reference_session_id = $1 AND metadata IS NOT NULL";
    tx.execute(sql, &[session.0.into()]).await
}

/// What a proposal says.
pub struct Proposed {
    /// Which one.
    pub id: ProposalId,
    /// JSON array.
    pub changes: String,
    /// Why, and what was said when it was decided.
    pub comments: [Option<String>; 2],
}

/// The next proposals of an application, by id.
pub async fn list_proposals(
    tx: &mut Tx,
    application: ApplicationId,
    after: Uuid,
    most: u64,
) -> Result<Vec<Proposed>, StoreError> {
    let sql = "SELECT id, changes, comment, decision_comment FROM proposals WHERE application_id = $1 AND id > $2
         ORDER BY id LIMIT $3";
    let rows = tx.query(sql, &[application.0.into(), after.into(), most.into()]).await?;
    rows.iter()
        .map(|row| Ok(Proposed { id: ProposalId(row.get(0)?), changes: row.get(1)?, comments: [row.get(2)?, row.get(3)?] }))
        .collect()
}

/// Takes what was said of a proposal; what it changes stays.
pub async fn clear_comments(tx: &mut Tx, id: ProposalId) -> Result<(), StoreError> {
    tx.send("UPDATE proposals SET comment = '', decision_comment = NULL WHERE id = $1", &[id.0.into()]).await?;
    Ok(())
}

/// Takes what a proposal said. An open one is at its end then.
pub async fn clear_proposal(tx: &mut Tx, id: ProposalId) -> Result<(), StoreError> {
    tx.send(
        "UPDATE proposals SET changes = '[]', comment = '', decision_comment = NULL,
             state = CASE WHEN state = 'open' THEN 'withdrawn' ELSE state END
         WHERE id = $1",
        &[id.0.into()],
    )
    .await?;
    Ok(())
}

/// A batch of an import, by its place.
pub struct Batch {
    /// The import.
    pub import: ImportId,
    /// Which of its batches.
    pub ordinal: u64,
    /// Lines.
    pub verdicts: String,
    /// Lines.
    pub rejects: String,
}

/// The next batches of an application's imports, by import and ordinal.
pub async fn list_batches(
    tx: &mut Tx,
    application: ApplicationId,
    (import, ordinal): (Uuid, u64),
    most: u64,
) -> Result<Vec<Batch>, StoreError> {
    let sql = format!(
        "SELECT b.import_id, b.ordinal, b.verdicts, b.rejects FROM import_batches b
         WHERE b.import_id IN (SELECT id FROM imports WHERE application_id = $1) AND (b.import_id, b.ordinal) > ($2, $3)
         ORDER BY b.import_id, b.ordinal LIMIT $4{}",
        tx.for_update()
    );
    let rows = tx.query(&sql, &[application.0.into(), import.into(), ordinal.into(), most.into()]).await?;
    rows.iter()
        .map(|row| Ok(Batch { import: ImportId(row.get(0)?), ordinal: row.get(1)?, verdicts: row.get(2)?, rejects: row.get(3)? }))
        .collect()
}

/// Writes a batch anew.
pub async fn set_batch(tx: &mut Tx, batch: &Batch) -> Result<(), StoreError> {
    tx.send(
        "UPDATE import_batches SET verdicts = $3, rejects = $4 WHERE import_id = $1 AND ordinal = $2",
        &[batch.import.0.into(), batch.ordinal.into(), (&batch.verdicts).into(), (&batch.rejects).into()],
    )
    .await?;
    Ok(())
}

/// A refused row of a file of another system.
pub struct RowError {
    /// The import.
    pub import: SessionImportId,
    /// Its place in the file.
    pub row_number: u64,
    /// What it is called elsewhere.
    pub external_id: Option<String>,
    /// Why it was refused; may quote it.
    pub error: String,
    /// As sent, JSON.
    pub raw_row: String,
}

/// The next refused rows of an application's imports, by import and place.
pub async fn list_row_errors(
    tx: &mut Tx,
    application: ApplicationId,
    (import, row): (Uuid, u64),
    most: u64,
) -> Result<Vec<RowError>, StoreError> {
    let sql = format!(
        "SELECT e.import_id, e.row_number, e.external_id, e.error, e.raw_row FROM session_import_errors e
         WHERE e.import_id IN (SELECT id FROM session_imports WHERE application_id = $1) AND (e.import_id, e.row_number) > ($2, $3)
         ORDER BY e.import_id, e.row_number LIMIT $4{}",
        tx.for_update()
    );
    let rows = tx.query(&sql, &[application.0.into(), import.into(), row.into(), most.into()]).await?;
    let read = |row: &super::Row| {
        let mut c = row.columns();
        Ok(RowError {
            import: SessionImportId(c.take()?),
            row_number: c.take()?,
            external_id: c.take()?,
            error: c.take()?,
            raw_row: c.take()?,
        })
    };
    rows.iter().map(read).collect()
}

/// Takes what a refused row said.
pub async fn clear_row_error(tx: &mut Tx, import: SessionImportId, row: u64) -> Result<(), StoreError> {
    tx.send(
        "UPDATE session_import_errors SET external_id = NULL, error = '[erased]', raw_row = '{}' WHERE import_id = $1 AND row_number = $2",
        &[import.0.into(), row.into()],
    )
    .await?;
    Ok(())
}

/// The next answers kept for `Idempotency-Key`, by key; encrypted.
pub async fn list_answers(
    tx: &mut Tx,
    application: ApplicationId,
    after: Vec<u8>,
    most: u64,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
    let sql = "SELECT key_digest, answer FROM idempotency WHERE application_id = $1 AND key_digest > $2 AND answer IS NOT NULL
         ORDER BY key_digest LIMIT $3";
    let rows = tx.query(sql, &[application.0.into(), after.into(), most.into()]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Takes an answer; its key still says that the request was done.
pub async fn clear_answer(tx: &mut Tx, application: ApplicationId, key: Vec<u8>) -> Result<u64, StoreError> {
    let sql = "UPDATE idempotency SET answer = $3 WHERE application_id = $1 AND key_digest = $2 AND answer IS NOT NULL";
    tx.execute(sql, &[application.0.into(), key.into(), Vec::<u8>::new().into()]).await
}

/// Takes the answers to what was asked of an object, whatever they said: a comment need not name anybody to be about them.
/// Those that are taken already are not counted again.
async fn clear_answers_about(tx: &mut Tx, object: Uuid) -> Result<u64, StoreError> {
    let sql = "UPDATE idempotency SET answer = $2 WHERE object_id = $1 AND answer <> $2";
    tx.execute(sql, &[object.into(), Vec::<u8>::new().into()]).await
}

#[cfg(test)]
mod tests {
    use super::without_matches;

    #[test]
    fn a_session_is_taken_out_wherever_it_is_shown() {
        let text = r#"{"decision":{"id":[{"n":1.50,"matches":[{"session_id":"a","vendor_data":"x"},{"session_id":"b"}]}]}}"#;
        let expected = r#"{"decision":{"id":[{"n":1.50,"matches":[{"session_id":"b"}]}]}}"#;
        assert_eq!(without_matches(text, "a").as_deref(), Some(expected));
        assert_eq!(
            without_matches(r#"[{"session_id":"a"},{"session_id":null}]"#, "a").as_deref(),
            Some(r#"[{"session_id":null}]"#)
        );
        assert_eq!(without_matches(text, "c"), None);
        assert_eq!(without_matches(r#"{"session_id":"a"}"#, "a"), None, "only rows of matches");
    }
}
