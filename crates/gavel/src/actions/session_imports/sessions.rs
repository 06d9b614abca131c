//! Sessions that ended elsewhere: made as if they had been here, and changed when a file says something else of them.
//!
//! Nothing is screened, and nobody is told. What a session shows is kept like that of any other, so that later sessions
//! with the same values find it.

use std::collections::{BTreeSet, HashMap};

use gavel_core::{
    evidence::{Item, assign_steps, signals},
    ids::SessionId,
    session::{FeatureStatus, SessionKind, SessionStatus, SessionType},
    time::Timestamp,
};
use serde_json::json;

use super::{
    ImportType,
    rows::{ImportedSession, What},
    run::{Good, Outcome, worker},
};
use crate::{
    actions::{
        Caller, Error,
        evidence::{add_step, workflow_steps},
        searchable, status,
        steps::steps_of,
        subjects,
    },
    clock::{new_id, random_text},
    store::{
        Tx, applications, events as event_rows,
        imported::{self, Known},
        media,
        records::{self, Record},
        session_imports::Job,
        sessions::{self, Session},
        subject_locks,
        workflows::{self, Workflow},
    },
};

/// What is known of sessions stands under this.
pub(super) const KIND: &str = "session";

/// What all rows of a batch share.
struct Batch<'b> {
    caller: &'b Caller,
    kind: SessionKind,
    workflow: Workflow,
    now: Timestamp,
}

/// Applies the rows. `None`: the workflow is gone.
pub(super) async fn apply(tx: &mut Tx, job: &Job, rows: Vec<Good>, now: Timestamp) -> Result<Option<Outcome>, Error> {
    let caller = worker(job);
    let application = caller.application;
    let workflow = match job.workflow {
        Some(id) => workflows::find_for_session(tx, application, id).await?,
        None => None,
    };
    let Some(workflow) = workflow else { return Ok(None) };
    let kind = if job.import_type == ImportType::Users.as_str() { SessionKind::User } else { SessionKind::Business };
    let batch = Batch { caller: &caller, kind, workflow, now };
    subject_locks::hold_kind(tx, application, kind).await?;
    let keys: Vec<[u8; 32]> = rows.iter().map(|row| row.key).collect();
    let mut known = imported::find_known(tx, application, KIND, &keys).await?;
    let ids: Vec<SessionId> = known.values().map(|known| SessionId(known.object)).collect();
    let locked = sessions::lock_those(tx, application, &ids).await?;
    let mut standing: HashMap<SessionId, Session> = locked.into_iter().map(|session| (session.id, session)).collect();
    known.retain(|_, known| standing.contains_key(&SessionId(known.object))); // One that was deleted may come again.
    batch.meet_everybody(tx, &rows).await?;
    let mut outcome = Outcome::default();
    for mut row in rows {
        let same = known.get(&row.key).and_then(|known| standing.get(&SessionId(known.object)));
        if same.is_some_and(|session| session.kind != kind) {
            outcome.gone.extend(row.files.iter().map(|file| file.id));
            outcome.refused.push(row.refused("external_id: A session of another kind has this external_id."));
            continue;
        }
        let content = row.row.content;
        let What::Session(session) = row.row.what else { return Err(Error::fault("a row of another import")) };
        for file in std::mem::take(&mut row.files) {
            media::insert_media(tx, application, &file).await?;
        }
        let found = known.get(&row.key).copied();
        let stands = found.and_then(|found| standing.remove(&SessionId(found.object)));
        let session = match (found, stands) {
            (Some(found), Some(stands)) if found.content == content => {
                outcome.skipped += 1;
                standing.insert(stands.id, stands);
                continue;
            }
            (_, Some(stands)) => {
                outcome.updated += 1;
                batch.update(tx, stands, *session, &mut outcome).await?
            }
            (_, None) => {
                outcome.created += 1;
                batch.create(tx, *session).await?
            }
        };
        let now_known = Known { object: session.id.0, content };
        imported::set_known(tx, application, KIND, row.key, now_known).await?;
        known.insert(row.key, now_known);
        standing.insert(session.id, session);
    }
    if outcome.created + outcome.updated > 0 {
        caller.audit(tx, "sessions.imported", &[("import", job.id.0)], now).await?;
    }
    Ok(Some(outcome))
}

impl Batch<'_> {
    /// Makes the users or businesses nobody has named before, and locks the others: they come before the numbers.
    async fn meet_everybody(&self, tx: &mut Tx, rows: &[Good]) -> Result<(), Error> {
        let named = rows.iter().filter_map(|row| match &row.row.what {
            What::Session(session) => Some((session.vendor_data.as_deref()?, session.created_at.unwrap_or(self.now))),
            What::Rule(_) | What::Transaction(_) => None,
        });
        let mut earliest: HashMap<&str, Timestamp> = HashMap::new();
        for (vendor_data, at) in named {
            earliest.entry(vendor_data).and_modify(|first| *first = at.min(*first)).or_insert(at);
        }
        let mut made = Vec::new();
        for (vendor_data, at) in earliest {
            let met = subjects::sessions::meet(tx, self.caller.application, self.kind, Some(vendor_data), at).await?;
            made.extend(met.filter(|(_, is_new)| *is_new).map(|(subject, _)| subject));
        }
        subjects::sessions::block_covered(tx, self.caller.application, self.kind, &made, self.now).await
    }

    async fn create(&self, tx: &mut Tx, row: ImportedSession) -> Result<Session, Error> {
        let (application, at) = (self.caller.application, row.created_at.unwrap_or(self.now));
        let mut session = Session {
            id: new_id(),
            kind: self.kind,
            number: applications::take_session_number(tx, application, self.kind).await?,
            token: random_text::<9>(),
            status: row.status,
            version: 1,
            vendor_data: row.vendor_data,
            workflow_version_id: Some(self.workflow.id),
            workflow_id: Some(self.workflow.workflow_id),
            workflow_version: i64::try_from(self.workflow.version).ok(),
            session_type: SessionType::Migrated,
            api_service: None,
            callback: None,
            callback_method: "initiator".to_owned(),
            metadata: row.metadata,
            language: None,
            contact_details: None,
            expected_details: row.expected_details,
            portrait: None,
            steps: Vec::new(),
            created_at: at,
            lifetime: self.workflow.session_expiration_time,
            expires_at: None,
            first_outcome: Some(row.status),
            approved_at: (row.status == SessionStatus::Approved).then_some(at),
        };
        let written = self.records_of(&mut session, row.items)?;
        sessions::insert_session(tx, application, &session).await?;
        sessions::set_state(tx, &session).await?; // What a session that begins does not have.
        let details = json!({ "status": session.status.as_str() });
        let actor = ("SESSION_CREATED", self.caller.actor.display());
        event_rows::insert_history(tx, session.id, new_id(), actor, &details, at).await?;
        self.write(tx, &session, written).await?;
        subjects::sessions::follow(tx, application, &session, SessionStatus::NotStarted, self.now).await?;
        let whose: Vec<String> = session.vendor_data.iter().cloned().collect();
        subjects::sessions::forget(tx, application, self.kind, Some(whose)).await?;
        Ok(session)
    }

    /// The session becomes what the file says now. Its activities and what people have added to it stay.
    async fn update(
        &self,
        tx: &mut Tx,
        mut session: Session,
        row: ImportedSession,
        outcome: &mut Outcome,
    ) -> Result<Session, Error> {
        let (application, from) = (self.caller.application, session.status);
        let mut whose: BTreeSet<String> = session.vendor_data.iter().cloned().collect();
        let standing = records::list_records(tx, session.id).await?;
        for record in &standing {
            records::clear_record(tx, record.id).await?;
        }
        outcome.gone.extend(media::release(tx, session.id, &records::media_of(&standing), self.now).await?);
        sessions::clear_risks(tx, session.id).await?;
        session.vendor_data = row.vendor_data;
        session.metadata = row.metadata;
        session.expected_details = row.expected_details;
        session.created_at = row.created_at.unwrap_or(session.created_at);
        session.steps = Vec::new();
        whose.extend(session.vendor_data.clone());
        let written = self.records_of(&mut session, row.items)?;
        status::move_to(&mut session, row.status, self.now);
        let actor = self.caller.actor.display();
        event_rows::insert_history(tx, session.id, new_id(), ("DATA_UPDATED", actor), &json!({}), self.now).await?;
        status::note_change(tx, &session, from, actor, self.now).await?; // Before the status: the queue reads since when.
        sessions::set_imported(tx, &session).await?;
        sessions::set_state(tx, &session).await?;
        self.write(tx, &session, written).await?;
        subjects::sessions::follow(tx, application, &session, from, self.now).await?;
        subjects::sessions::forget(tx, application, self.kind, Some(whose.into_iter().collect())).await?;
        Ok(session)
    }

    /// A record per kind of data, and the steps they stand in.
    fn records_of(&self, session: &mut Session, items: Vec<Item>) -> Result<Vec<(Item, Record)>, Error> {
        session.steps = steps_of(&self.workflow)?;
        let placements = assign_steps(&items, &workflow_steps(session), &[]);
        for placement in &placements {
            add_step(session, placement);
        }
        let taken = |node: &str| placements.iter().any(|placement| placement.node_id.as_deref() == Some(node));
        session.steps.retain(|step| taken(&step.node_id)); // What the other system did not say was not asked here either.
        let record = |((mut item, placement), ordinal): ((Item, &_), u64)| {
            item.place(placement);
            let record = Record {
                id: new_id(),
                session: session.id,
                feature: item.feature,
                node_id: item.node_id.clone(),
                ordinal,
                status: FeatureStatus::Approved,
                data: item.data.clone(),
                warnings: json!([]),
                matches: json!([]),
                is_blocklisted: false,
                created_at: session.created_at,
                weighed_with: None,
            };
            (item, record)
        };
        Ok(items.into_iter().zip(&placements).zip(1..).map(record).collect())
    }

    async fn write(&self, tx: &mut Tx, session: &Session, written: Vec<(Item, Record)>) -> Result<(), Error> {
        let application = self.caller.application;
        let mut all = Vec::with_capacity(written.len());
        for (item, record) in written {
            records::insert_record(tx, application, &record).await?;
            media::insert_uses(tx, session.id, &records::media_of(std::slice::from_ref(&record))).await?;
            for signal in signals(&item) {
                let row = records::Signal { record: record.id, session: session.id, value: &signal.value, at: record.created_at };
                records::insert_signal(tx, application, &row).await?;
            }
            all.push(record);
        }
        Ok(sessions::set_searchable(tx, session.id, &searchable::of(session, &all)).await?)
    }
}
