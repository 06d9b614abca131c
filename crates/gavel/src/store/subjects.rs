//! Users and businesses: one row per subject. What its sessions add up to: [`super::subject_facts`]; who may change it
//! when: [`super::subject_locks`].

use gavel_core::{
    ids::{ApplicationId, SubjectId},
    session::SessionKind,
    subject::{Profile, SubjectStatus, known_as},
    time::Timestamp,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{
    Row, StoreError, Tx, Value,
    db::{holds, placeholders},
    entries::{folded, read_json},
    subject_facts,
};
use crate::secrets::digest;

/// A user or a business.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its id: `didit_internal_id`.
    pub id: SubjectId,
    /// A person or a company.
    pub kind: SessionKind,
    /// The caller's id of it; only a company may have none.
    pub vendor_data: Option<String>,
    /// Where it stands.
    pub status: SubjectStatus,
    /// Moves by one with every event.
    pub version: u64,
    /// What is known of it.
    pub profile: Profile,
    /// The caller's JSON object.
    pub metadata: Option<Box<RawValue>>,
    /// When its first session was made.
    pub first_session_at: Option<Timestamp>,
    /// When its last session was made.
    pub last_session_at: Option<Timestamp>,
    /// When its profile last changed.
    pub profile_changed_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Subject {
    /// One nobody has said anything about.
    pub fn new(id: SubjectId, kind: SessionKind, vendor_data: Option<String>, now: Timestamp) -> Self {
        Self {
            id,
            kind,
            vendor_data,
            status: SubjectStatus::Active,
            version: 1,
            profile: Profile::default(),
            metadata: None,
            first_session_at: None,
            last_session_at: None,
            profile_changed_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The digest lists compare it by; none without `vendor_data`.
    pub fn key(&self) -> Option<[u8; 32]> {
        key_of(self.kind, self.vendor_data.as_deref())
    }

    fn folded(&self) -> String {
        let Profile { display_name, full_name, legal_name, approved_emails, .. } = &self.profile;
        let texts = [&self.vendor_data, display_name, full_name, legal_name];
        let texts = texts.into_iter().flatten().chain(approved_emails);
        folded(&texts.map(String::as_str).collect::<Vec<_>>())
    }
}

/// The digest lists compare a subject by.
pub fn key_of(kind: SessionKind, vendor_data: Option<&str>) -> Option<[u8; 32]> {
    known_as(kind, vendor_data).map(|value| value.digest())
}

pub(super) const COLUMNS: &str = "u.id, u.kind, u.vendor_data, u.status, u.version, u.display_name, u.full_name, u.date_of_birth,
    u.approved_emails, u.approved_phones, u.issuing_states, u.legal_name, u.registration_number, u.country_code, u.metadata,
    u.first_session_at, u.last_session_at, u.profile_changed_at, u.created_at, u.updated_at";

pub(super) fn from_row(row: &Row) -> Result<Subject, StoreError> {
    let mut c = row.columns();
    Ok(Subject {
        id: SubjectId(c.take()?),
        kind: SessionKind::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("subject kind"))?,
        vendor_data: c.take()?,
        status: SubjectStatus::from_name(&c.take::<String>()?).ok_or_else(|| StoreError::unreadable("subject status"))?,
        version: c.take()?,
        profile: Profile {
            display_name: c.take()?,
            full_name: c.take()?,
            date_of_birth: c.take()?,
            approved_emails: read_texts(&c.take::<String>()?)?,
            approved_phones: read_texts(&c.take::<String>()?)?,
            issuing_states: read_texts(&c.take::<String>()?)?,
            legal_name: c.take()?,
            registration_number: c.take()?,
            country_code: c.take()?,
        },
        metadata: read_json(c.take()?)?,
        first_session_at: c.take()?,
        last_session_at: c.take()?,
        profile_changed_at: c.take()?,
        created_at: c.take()?,
        updated_at: c.take()?,
    })
}

pub(super) fn read_texts(json: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::unreadable("texts"))
}

pub(super) fn texts(texts: &[String]) -> Result<String, StoreError> {
    serde_json::to_string(texts).map_err(|_| StoreError::unreadable("texts"))
}

/// The columns that change, in the order of their parameters from `$2` on.
fn changing(subject: &Subject) -> Result<[Value; 18], StoreError> {
    let Profile {
        display_name,
        full_name,
        date_of_birth,
        approved_emails,
        approved_phones,
        issuing_states,
        legal_name,
        registration_number,
        country_code,
    } = &subject.profile;
    Ok([
        subject.status.as_str().into(),
        subject.version.into(),
        display_name.as_ref().into(),
        full_name.as_ref().into(),
        date_of_birth.as_ref().into(),
        texts(approved_emails)?.into(),
        texts(approved_phones)?.into(),
        texts(issuing_states)?.into(),
        legal_name.as_ref().into(),
        registration_number.as_ref().into(),
        country_code.as_ref().into(),
        subject.metadata.as_ref().map(|json| json.get()).into(),
        subject.folded().into(),
        subject.first_session_at.into(),
        subject.last_session_at.into(),
        subject.profile_changed_at.into(),
        subject.updated_at.into(),
        subject.key().into(),
    ])
}

/// Writes a new subject; one that was deleted before may have sessions, whose times stand in the row then, not in the
/// [`Subject`] at hand. `false`: there is one of this kind with this `vendor_data`.
pub async fn insert_subject(tx: &mut Tx, application: ApplicationId, subject: &Subject) -> Result<bool, StoreError> {
    let mut params: Vec<Value> = vec![subject.id.0.into()];
    params.extend(changing(subject)?);
    params.extend([
        application.0.into(),
        subject.kind.as_str().into(),
        subject.vendor_data.as_ref().into(),
        subject.created_at.into(),
    ]);
    let sql = format!(
        "INSERT INTO subjects (id, status, version, display_name, full_name, date_of_birth, approved_emails, approved_phones,
             issuing_states, legal_name, registration_number, country_code, metadata, folded, first_session_at, last_session_at,
             profile_changed_at, updated_at, key_digest, application_id, kind, vendor_data, created_at)
         VALUES ({}) ON CONFLICT (application_id, kind, vendor_data) WHERE vendor_data IS NOT NULL DO NOTHING",
        placeholders(1, params.len())
    );
    let is_new = tx.execute(&sql, &params).await? == 1;
    if let Some(vendor_data) = subject.vendor_data.as_ref().filter(|_| is_new) {
        subject_facts::refresh_times(tx, application, subject.kind, Some(std::slice::from_ref(vendor_data))).await?;
    }
    Ok(is_new)
}

/// Writes everything that changes of a subject.
pub async fn set_subject(tx: &mut Tx, subject: &Subject) -> Result<(), StoreError> {
    let mut params: Vec<Value> = vec![subject.id.0.into()];
    params.extend(changing(subject)?);
    tx.send(
        "UPDATE subjects SET status = $2, version = $3, display_name = $4, full_name = $5, date_of_birth = $6,
             approved_emails = $7, approved_phones = $8, issuing_states = $9, legal_name = $10, registration_number = $11,
             country_code = $12, metadata = $13, folded = $14, first_session_at = $15, last_session_at = $16,
             profile_changed_at = $17, updated_at = $18, key_digest = $19
         WHERE id = $1",
        &params,
    )
    .await?;
    Ok(())
}

/// The subject with this `vendor_data`.
pub async fn find_by_vendor_data(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: &str,
) -> Result<Option<Subject>, StoreError> {
    find_with(tx, application, kind, vendor_data, "").await
}

/// The same, locked until the end of the transaction.
pub async fn lock_by_vendor_data(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: &str,
) -> Result<Option<Subject>, StoreError> {
    let lock = tx.for_update();
    find_with(tx, application, kind, vendor_data, lock).await
}

async fn find_with(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: &str,
    lock: &str,
) -> Result<Option<Subject>, StoreError> {
    if vendor_data.contains('\0') {
        return Ok(None); // No stored text holds it, and PostgreSQL takes it in no parameter.
    }
    let sql =
        format!("SELECT {COLUMNS} FROM subjects u WHERE u.application_id = $1 AND u.kind = $2 AND u.vendor_data = $3{lock}");
    let params = [application.0.into(), kind.as_str().into(), vendor_data.into()];
    tx.query_opt(&sql, &params).await?.as_ref().map(from_row).transpose()
}

/// The subject with this id.
pub async fn find_subject(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    id: SubjectId,
) -> Result<Option<Subject>, StoreError> {
    find_by_id(tx, application, kind, id, "").await
}

/// The same, locked until the end of the transaction.
pub async fn lock_subject(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    id: SubjectId,
) -> Result<Option<Subject>, StoreError> {
    let lock = tx.for_update();
    find_by_id(tx, application, kind, id, lock).await
}

async fn find_by_id(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    id: SubjectId,
    lock: &str,
) -> Result<Option<Subject>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM subjects u WHERE u.id = $1 AND u.application_id = $2 AND u.kind = $3{lock}");
    let params = [id.0.into(), application.0.into(), kind.as_str().into()];
    tx.query_opt(&sql, &params).await?.as_ref().map(from_row).transpose()
}

/// The ids of the subjects with these `vendor_data`.
pub async fn list_ids(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: &[&str],
) -> Result<Vec<(String, SubjectId)>, StoreError> {
    let mut found = Vec::with_capacity(vendor_data.len());
    for chunk in vendor_data.chunks(CHUNK) {
        let mut params: Vec<Value> = vec![application.0.into(), kind.as_str().into()];
        params.extend(chunk.iter().map(|text| Value::from(*text)));
        let sql = format!(
            "SELECT vendor_data, id FROM subjects WHERE application_id = $1 AND kind = $2 AND vendor_data IN ({})",
            placeholders(3, chunk.len())
        );
        for row in tx.query(&sql, &params).await? {
            found.push((row.get(0)?, SubjectId(row.get(1)?)));
        }
    }
    Ok(found)
}

/// Most members of one `IN (…)`.
pub(super) const CHUNK: usize = 500;

/// Which subjects a list shows.
#[derive(Debug, Default)]
pub struct Filter {
    /// Any of these.
    pub statuses: Option<Vec<String>>,
    /// Part of `vendor_data`, a name or an address, case ignored.
    pub search: Option<String>,
}

/// A page of subjects, those with the latest session first, and how many there are in all.
pub async fn list_subjects(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    filter: &Filter,
    (limit, offset): (u64, u64),
) -> Result<(Vec<Subject>, u64), StoreError> {
    let mut clause = String::from("u.application_id = $1 AND u.kind = $2");
    let mut params: Vec<Value> = vec![application.0.into(), kind.as_str().into()];
    if let Some(statuses) = &filter.statuses {
        let known: Vec<&str> =
            statuses.iter().filter_map(|name| SubjectStatus::from_name(name)).map(SubjectStatus::as_str).collect();
        match known.len() {
            0 => clause.push_str(" AND 1 = 0"),
            n => clause.push_str(&format!(" AND u.status IN ({})", placeholders(params.len() + 1, n))),
        }
        params.extend(known.into_iter().map(Value::from));
    }
    if let Some(search) = &filter.search {
        let (condition, text) = holds("u.folded", &format!("${}", params.len() + 1), &search.to_lowercase());
        params.push(text.into());
        clause.push_str(&format!(" AND {condition}"));
    }
    let total = tx.query_opt(&format!("SELECT count(*) FROM subjects u WHERE {clause}"), &params).await?;
    params.extend([limit.into(), offset.into()]);
    let sql = format!(
        "SELECT {COLUMNS} FROM subjects u WHERE {clause}
         ORDER BY u.last_session_at DESC NULLS LAST, u.created_at DESC, u.id DESC LIMIT ${} OFFSET ${}",
        params.len() - 1,
        params.len()
    );
    let rows = tx.query(&sql, &params).await?;
    Ok((rows.iter().map(from_row).collect::<Result<_, _>>()?, total.map_or(Ok(0), |row| row.get(0))?))
}

/// Which subjects are meant.
pub enum Selection {
    /// All of the application and kind.
    All,
    /// Those with one of these `vendor_data` or ids.
    Named(Vec<String>, Vec<Uuid>),
}

/// The ids of the chosen subjects, their rows locked in order of id.
pub async fn lock_selected(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    selection: &Selection,
) -> Result<Vec<SubjectId>, StoreError> {
    let own: [Value; 2] = [application.0.into(), kind.as_str().into()];
    let of_kind = "SELECT id FROM subjects WHERE application_id = $1 AND kind = $2";
    let mut ids: Vec<SubjectId> = match selection {
        Selection::All => read_ids(&tx.query(of_kind, &own).await?)?,
        Selection::Named(vendor_data, ids) => {
            let by_name = vendor_data.iter().map(|text| ("vendor_data", Value::from(text)));
            let named: Vec<(&str, Value)> = by_name.chain(ids.iter().map(|id| ("id", Value::from(*id)))).collect();
            let mut found = Vec::new();
            for chunk in named.chunk_by(|a, b| a.0 == b.0).flat_map(|run| run.chunks(CHUNK)) {
                let params: Vec<Value> = own.iter().cloned().chain(chunk.iter().map(|(_, value)| value.clone())).collect();
                let sql = format!("{of_kind} AND {} IN ({})", chunk[0].0, placeholders(3, chunk.len()));
                found.extend(read_ids(&tx.query(&sql, &params).await?)?);
            }
            found
        }
    };
    ids.sort_unstable();
    ids.dedup();
    let mut locked = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let params: Vec<Value> = chunk.iter().map(|id| id.0.into()).collect();
        let lock = tx.for_update();
        let sql = format!("SELECT id FROM subjects WHERE id IN ({}) ORDER BY id{lock}", placeholders(1, chunk.len()));
        locked.extend(read_ids(&tx.query(&sql, &params).await?)?);
    }
    Ok(locked)
}

fn read_ids(rows: &[Row]) -> Result<Vec<SubjectId>, StoreError> {
    rows.iter().map(|row| row.get(0).map(SubjectId)).collect()
}

/// Deletes subjects for good, with their comments and tags. What was told of them stays, and may still be on its way; a
/// digest of their name stays beside the id, so that an erasure finds it.
pub async fn remove_subjects(tx: &mut Tx, ids: &[SubjectId]) -> Result<(), StoreError> {
    for chunk in ids.chunks(CHUNK) {
        let params: Vec<Value> = chunk.iter().map(|id| id.0.into()).collect();
        let list = placeholders(1, chunk.len());
        let named =
            format!("SELECT id, application_id, vendor_data FROM subjects WHERE id IN ({list}) AND vendor_data IS NOT NULL");
        for row in tx.query(&named, &params).await? {
            let (id, application, name): (Uuid, Uuid, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let former = "INSERT INTO former_subjects (id, application_id, name_digest) VALUES ($1, $2, $3)";
            tx.send(former, &[id.into(), application.into(), digest(name.as_bytes()).into()]).await?;
        }
        tx.send(&format!("DELETE FROM subject_comments WHERE subject_id IN ({list})"), &params).await?;
        tx.send(&format!("DELETE FROM subject_origins WHERE subject_id IN ({list})"), &params).await?;
        tx.send(&format!("DELETE FROM subject_tags WHERE subject_id IN ({list})"), &params).await?;
        tx.send(&format!("DELETE FROM subjects WHERE id IN ({list})"), &params).await?;
    }
    Ok(())
}

/// The ids of deleted subjects that had this `vendor_data`.
pub async fn list_former(tx: &mut Tx, application: ApplicationId, vendor_data: &str) -> Result<Vec<SubjectId>, StoreError> {
    let sql = "SELECT id FROM former_subjects WHERE application_id = $1 AND name_digest = $2 ORDER BY id";
    read_ids(&tx.query(sql, &[application.0.into(), digest(vendor_data.as_bytes()).into()]).await?)
}

/// Subjects that came with a migration and are not complete yet. Whoever completes them holds [`super::subject_locks::lock_upgrade`].
pub async fn list_incomplete(tx: &mut Tx, most: u64) -> Result<Vec<(ApplicationId, Subject)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, u.application_id FROM subjects u WHERE u.key_digest IS NULL AND u.vendor_data IS NOT NULL
         ORDER BY u.id LIMIT $1"
    );
    let rows = tx.query(&sql, &[most.into()]).await?;
    rows.iter().map(|row| Ok((ApplicationId(row.get(20)?), from_row(row)?))).collect()
}
