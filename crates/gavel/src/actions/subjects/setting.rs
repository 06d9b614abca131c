//! Setting a subject's status, and the entries of lists that follow (contract, entities §2).
//!
//! To BLOCKED puts the subject on the system list of its kind; from BLOCKED takes it off every blocklist of that kind. Others that
//! lists know by the same key follow. The approval a list may ask for (four eyes) is not asked for here: these entries follow
//! the status.

use std::collections::BTreeMap;

use gavel_core::{
    entry::EntryValue,
    ids::{ApplicationId, ListId},
    session::SessionKind,
    subject::{Reason, SubjectStatus, entry_type, known_as},
    time::Timestamp,
};
use serde_json::{json, value::to_raw_value};

use super::{sync, telling::Scribe};
use crate::{
    actions::{Caller, Error, amendment::Amendment},
    clock::new_id,
    store::{
        Tx, blocklist,
        entries::{self, Addition, Entry},
        entry_versions::{self, Revised},
        hits, lists,
        revisions::Effect,
        subject_facts,
        subject_locks::Scope,
        subjects::{self, Subject},
    },
};

/// Sets statuses, one or many, in one revision of the lists. Whoever has one holds the names of all subjects it is used for.
pub(super) struct Setter<'a> {
    pub scribe: Scribe<'a>,
    amendment: Option<Amendment<'a>>,
    effects: BTreeMap<ListId, Effect>,
}

impl<'a> Setter<'a> {
    pub(super) async fn of(tx: &mut Tx, caller: &'a Caller, now: Timestamp) -> Result<Self, Error> {
        Ok(Self { scribe: Scribe::of(tx, caller, now).await?, amendment: None, effects: BTreeMap::new() })
    }

    /// Sets a status; to the same one nothing happens.
    pub(super) async fn set(
        &mut self,
        tx: &mut Tx,
        subject: &mut Subject,
        to: SubjectStatus,
        comment: Option<&str>,
    ) -> Result<(), Error> {
        let reason = Reason::of(&self.scribe.caller.actor);
        self.set_because(tx, subject, to, reason, comment).await
    }

    /// The same for another reason than that somebody asked for it.
    pub(super) async fn set_because(
        &mut self,
        tx: &mut Tx,
        subject: &mut Subject,
        to: SubjectStatus,
        reason: Reason,
        comment: Option<&str>,
    ) -> Result<(), Error> {
        if (subject.status, to) == (SubjectStatus::Blocked, SubjectStatus::Blocked) {
            self.follow_expiry(tx, subject).await?;
        }
        let from = subject.status;
        if from == to {
            return Ok(());
        }
        self.scribe.set_status(tx, subject, to, reason, comment).await?;
        let Some(value) = known_as(subject.kind, subject.vendor_data.as_deref()) else { return Ok(()) };
        match (from, to) {
            (_, SubjectStatus::Blocked) => self.block(tx, subject, &value).await?,
            (SubjectStatus::Blocked, SubjectStatus::Active | SubjectStatus::Flagged) => {
                self.unblock(tx, subject.kind, &value).await?;
            }
            (SubjectStatus::Active | SubjectStatus::Flagged, SubjectStatus::Active | SubjectStatus::Flagged) => return Ok(()),
        }
        let scope = Scope::Keys(subject.kind, vec![value.digest()]);
        sync::judge(tx, &self.scribe, &scope, reason).await
    }

    /// Whose last entry has expired is blocked no longer, though the worker that writes so may not have come yet.
    async fn follow_expiry(&self, tx: &mut Tx, subject: &mut Subject) -> Result<(), Error> {
        let Some(key) = subject.key() else { return Ok(()) };
        let application = self.scribe.application();
        sync::follow_expiry(tx, application, (subject.kind, key), self.scribe.now).await?;
        *subject = subjects::find_subject(tx, application, subject.kind, subject.id).await?.ok_or(Error::NOT_FOUND)?;
        Ok(())
    }

    /// Writes what became of the lists.
    pub(super) async fn finish(self, tx: &mut Tx) -> Result<(), Error> {
        if let Some(amendment) = &self.amendment {
            for (list, effect) in self.effects {
                amendment.note(tx, list, effect).await?;
            }
        }
        Ok(())
    }

    /// The revision, locked when it is first needed: after the subjects, before everything in it.
    async fn begin(&mut self, tx: &mut Tx) -> Result<(), Error> {
        if self.amendment.is_none() {
            self.amendment = Some(Amendment::begin(tx, self.scribe.caller, self.scribe.now).await?);
        }
        Ok(())
    }

    fn amendment(&self) -> Result<&Amendment<'a>, Error> {
        self.amendment.as_ref().ok_or_else(|| Error::fault("a list was changed outside a revision"))
    }

    fn effect(&mut self, list: ListId, kind: &'static str) -> &mut Effect {
        self.effects.entry(list).or_insert_with(|| Effect::of_list(kind))
    }

    async fn block(&mut self, tx: &mut Tx, subject: &Subject, value: &EntryValue) -> Result<(), Error> {
        self.begin(tx).await?;
        let (application, now) = (self.scribe.application(), self.scribe.now);
        let list = blocklist::find_system(tx, application, entry_type(subject.kind), now).await?.id;
        if entries::find_live(tx, list, value, now).await?.is_some() {
            return self.release_held(tx, list, value).await;
        }
        let moment = self.amendment()?.moment;
        let expired = entries::remove_expired(tx, list, &[value], moment).await?;
        let entry = self.entry(subject, value, moment.revision, moment.at)?;
        let sent = subject.vendor_data.as_deref().unwrap_or_default();
        let addition = Addition { application, list, value, sent_value: sent, version: new_id() };
        if !entries::insert_entry(tx, &addition, &entry).await? {
            return Err(Error::fault("an entry that was not there is there"));
        }
        for by in [1, -i64::try_from(expired).unwrap_or(0)] {
            lists::add_to_count(tx, list, by, moment.at).await?;
        }
        let effect = self.effect(list, "entry.added");
        effect.added += 1;
        effect.removed += expired;
        Ok(())
    }

    fn entry(&self, subject: &Subject, value: &EntryValue, revision: u64, at: Timestamp) -> Result<Entry, Error> {
        let reference_type = match subject.kind {
            SessionKind::User => "vendor_user",
            SessionKind::Business => "vendor_business",
        };
        let metadata = json!({ "reference_type": reference_type, "reference_id": subject.id.to_string() });
        Ok(Entry {
            id: new_id(),
            value: value.stored().to_owned(),
            display_label: String::new(),
            comment: String::new(),
            added_by: self.scribe.caller.actor.added_by().to_owned(),
            reference_session: None,
            reference_record: None,
            reference_object: Some(subject.id.0),
            metadata: Some(to_raw_value(&metadata).map_err(Error::fault)?),
            expires_at: None,
            created_at: at,
            revision,
            held_at: None,
        })
    }

    /// The list has the value already; if the flood guard holds it, somebody has decided now.
    async fn release_held(&mut self, tx: &mut Tx, list: ListId, value: &EntryValue) -> Result<(), Error> {
        let Some(id) = entries::find_live(tx, list, value, self.scribe.now).await? else { return Ok(()) };
        let Some((version, row)) = entry_versions::find_kept(tx, list, id).await? else { return Ok(()) };
        if row.held_at.is_none() {
            return Ok(());
        }
        let moment = self.amendment()?.moment;
        let revised = Revised {
            display_label: row.display_label,
            comment: row.comment,
            metadata: row.metadata,
            expires_at: row.expires_at,
            held_at: None,
        };
        entry_versions::end_version(tx, version, moment).await?;
        entry_versions::insert_revised(tx, (version, new_id()), &row.value, &revised, moment).await?;
        hits::quieten(tx, id, self.scribe.now).await?;
        self.effect(list, "entry.updated").changed += 1;
        Ok(())
    }

    async fn unblock(&mut self, tx: &mut Tx, kind: SessionKind, value: &EntryValue) -> Result<(), Error> {
        self.begin(tx).await?;
        let (application, now): (ApplicationId, _) = (self.scribe.application(), self.scribe.now);
        let moment = self.amendment()?.moment;
        for (list, entry) in subject_facts::list_blocking(tx, application, (kind, value.digest()), now).await? {
            if entries::remove_entry(tx, list, entry, moment).await? {
                lists::add_to_count(tx, list, -1, moment.at).await?;
                self.effect(list, "entry.removed").removed += 1;
            }
        }
        Ok(())
    }
}
