//! What a subject's sessions add up to: how many came out how, where its features stand, which entries name it. Read when it
//! is shown, from the sessions themselves, so that nothing has to be kept in step with them; only the times of the
//! first and last session stand in the subject's row, because lists are ordered by them.

use std::collections::HashMap;

use gavel_core::{
    evidence::Feature,
    ids::{ApplicationId, EntryId, ListId, SubjectId},
    session::{FeatureStatus, SessionKind, SessionStatus},
    time::Timestamp,
};

use super::{
    StoreError, Tx, Value,
    db::placeholders,
    entries::{self, Entry},
    sessions::read_status,
    subjects::CHUNK,
};

/// Of how many of its newest sessions the features are told.
const SESSIONS: u64 = 200;

/// What the sessions of one subject add up to.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Live sessions.
    pub sessions: u64,
    /// Of these, by current status.
    pub approved: u64,
    /// Of these, by current status.
    pub declined: u64,
    /// Of these, by current status.
    pub in_review: u64,
    /// The newest record of each feature.
    pub features: Vec<(Feature, FeatureStatus)>,
    /// Where the newest session stands.
    pub newest: Option<SessionStatus>,
}

/// The facts of subjects by their `vendor_data`; of those without sessions there are none.
pub async fn list_facts(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: &[&str],
) -> Result<HashMap<String, Facts>, StoreError> {
    let mut found: HashMap<String, Facts> = HashMap::new();
    if vendor_data.is_empty() {
        return Ok(found);
    }
    let mut params: Vec<Value> = vec![application.0.into(), kind.as_str().into()];
    params.extend(vendor_data.iter().map(|text| Value::from(*text)));
    let of_these = format!(
        "s.application_id = $1 AND s.kind = $2 AND s.deleted_at IS NULL AND s.vendor_data IN ({})",
        placeholders(3, vendor_data.len())
    );
    let sql = format!(
        "SELECT s.vendor_data, s.status, count(*), max(s.number) FROM sessions s WHERE {of_these}
         GROUP BY s.vendor_data, s.status ORDER BY max(s.number)"
    );
    for row in tx.query(&sql, &params).await? {
        let status = read_status(&row.get::<String>(1)?)?;
        found.entry(row.get(0)?).or_default().count(status, row.get(2)?);
    }
    if kind == SessionKind::User {
        params.push(SESSIONS.into());
        let sql = format!(
            "SELECT n.vendor_data, r.feature, r.status
             FROM (SELECT s.id, s.vendor_data, row_number() OVER (PARTITION BY s.vendor_data ORDER BY s.number DESC) AS place
                   FROM sessions s WHERE {of_these}) n
             JOIN records r ON r.session_id = n.id WHERE n.place <= ${} ORDER BY r.created_at, n.place DESC, r.ordinal",
            params.len()
        );
        for row in tx.query(&sql, &params).await? {
            let feature = Feature::from_name(&row.get::<String>(1)?).ok_or_else(|| StoreError::unreadable("feature"))?;
            let status =
                FeatureStatus::from_name(&row.get::<String>(2)?).ok_or_else(|| StoreError::unreadable("feature status"))?;
            found.entry(row.get(0)?).or_default().note(feature, status);
        }
    }
    Ok(found)
}

impl Facts {
    /// Counts sessions of a status; those of the newest session come last.
    fn count(&mut self, status: SessionStatus, sessions: u64) {
        self.sessions += sessions;
        self.newest = Some(status);
        match status {
            SessionStatus::Approved => self.approved = sessions,
            SessionStatus::Declined => self.declined = sessions,
            SessionStatus::InReview => self.in_review = sessions,
            SessionStatus::NotStarted
            | SessionStatus::InProgress
            | SessionStatus::AwaitingUser
            | SessionStatus::Resubmitted
            | SessionStatus::Expired
            | SessionStatus::KycExpired
            | SessionStatus::Abandoned => {}
        }
    }

    /// A later record of a feature counts instead of an earlier one.
    fn note(&mut self, feature: Feature, status: FeatureStatus) {
        match self.features.binary_search_by_key(&feature, |(known, _)| *known) {
            Ok(place) => self.features[place].1 = status,
            Err(place) => self.features.insert(place, (feature, status)),
        }
    }
}

/// A session was made: perhaps it is the subject's last one, perhaps its first.
pub async fn note_session(tx: &mut Tx, subject: SubjectId, at: Timestamp) -> Result<(), StoreError> {
    tx.send(
        "UPDATE subjects SET first_session_at = CASE WHEN first_session_at < $2 THEN first_session_at ELSE $2 END,
             last_session_at = CASE WHEN last_session_at > $2 THEN last_session_at ELSE $2 END
         WHERE id = $1",
        &[subject.0.into(), at.into()],
    )
    .await?;
    Ok(())
}

/// Sessions were deleted: which are the first and the last is read anew, for these `vendor_data` or for all.
pub async fn refresh_times(
    tx: &mut Tx,
    application: ApplicationId,
    kind: SessionKind,
    vendor_data: Option<&[String]>,
) -> Result<(), StoreError> {
    let times = "UPDATE subjects SET
             first_session_at = (SELECT min(s.created_at) FROM sessions s WHERE s.application_id = $1 AND s.kind = $2
                 AND s.vendor_data = subjects.vendor_data AND s.deleted_at IS NULL),
             last_session_at = (SELECT max(s.created_at) FROM sessions s WHERE s.application_id = $1 AND s.kind = $2
                 AND s.vendor_data = subjects.vendor_data AND s.deleted_at IS NULL)
         WHERE application_id = $1 AND kind = $2";
    let own: [Value; 2] = [application.0.into(), kind.as_str().into()];
    let Some(vendor_data) = vendor_data else {
        return tx.execute(&format!("{times} AND last_session_at IS NOT NULL"), &own).await.map(drop);
    };
    for chunk in vendor_data.chunks(CHUNK) {
        let params: Vec<Value> = own.iter().cloned().chain(chunk.iter().map(Value::from)).collect();
        tx.send(&format!("{times} AND vendor_data IN ({})", placeholders(3, chunk.len())), &params).await?;
    }
    Ok(())
}

/// An entry about a subject.
pub struct Naming {
    /// The entry.
    pub entry: Entry,
    /// Its list.
    pub list: ListId,
    /// What that is called.
    pub list_name: String,
    /// What a match with it means.
    pub list_type: String,
    /// Whether it matches the subject, or only refers to it.
    pub matches: bool,
}

/// The live entries that match a subject or refer to it, newest first.
pub async fn list_naming(
    tx: &mut Tx,
    application: ApplicationId,
    (kind, id, key): (SessionKind, SubjectId, Option<[u8; 32]>),
    now: Timestamp,
) -> Result<Vec<Naming>, StoreError> {
    /// No subject has so many lists.
    const MOST: u64 = 200;
    let columns = super::traces::entry_columns();
    let half = |condition: &str| {
        format!(
            "SELECT {columns}, l.id AS of_list, l.name, l.list_type, (l.entry_type = $3 AND e.key_digest = $4) AS is_match
             FROM lists l JOIN entries e ON e.list_id = l.id
             WHERE l.application_id = $1 AND l.deleted_at IS NULL AND e.removed_rev IS NULL
                 AND (e.expires_at IS NULL OR e.expires_at > $2) AND {condition}"
        )
    };
    // Two halves, because each has an index of its own.
    let sql = format!(
        "SELECT * FROM ({} UNION {}) AS naming ORDER BY created_at DESC, id DESC LIMIT $6",
        half("l.entry_type = $3 AND e.key_digest = $4"),
        half("e.reference_object_uuid = $5")
    );
    let key: Value = key.unwrap_or([0; 32]).into();
    let params = [application.0.into(), now.into(), kind.as_str().into(), key, id.0.into(), MOST.into()];
    let rows = tx.query(&sql, &params).await?;
    rows.iter()
        .map(|row| {
            Ok(Naming {
                entry: entries::from_row(row)?,
                list: ListId(row.get(entries::WIDTH)?),
                list_name: row.get(entries::WIDTH + 1)?,
                list_type: row.get(entries::WIDTH + 2)?,
                matches: row.get(entries::WIDTH + 3)?,
            })
        })
        .collect()
}

/// The live entries of blocklists about a subject's kind that have its key, with their lists.
pub async fn list_blocking(
    tx: &mut Tx,
    application: ApplicationId,
    (kind, key): (SessionKind, [u8; 32]),
    now: Timestamp,
) -> Result<Vec<(ListId, EntryId)>, StoreError> {
    let sql = "SELECT l.id, e.id FROM lists l JOIN entries e ON e.list_id = l.id AND e.key_digest = $3
         WHERE l.application_id = $1 AND l.list_type = 'blocklist' AND l.entry_type = $2 AND l.deleted_at IS NULL
             AND e.removed_rev IS NULL AND (e.expires_at IS NULL OR e.expires_at > $4)
         ORDER BY l.id";
    let rows = tx.query(sql, &[application.0.into(), kind.as_str().into(), key.into(), now.into()]).await?;
    rows.iter().map(|row| Ok((ListId(row.get(0)?), EntryId(row.get(1)?)))).collect()
}
