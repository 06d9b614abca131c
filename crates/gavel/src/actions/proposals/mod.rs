//! Changes of a list that another person approves (`/x/lists/{list}/proposals/`).
//!
//! Anybody who may change lists may propose, a key as well. An approval is a person's, and another one's: neither the
//! proposer nor whoever made the proposing key. It makes all the changes in one revision, or, when the list has moved on
//! and one of them means nothing any more, none.

mod change;

use gavel_core::{
    access::{Actor, Power},
    ids::{ListId, ProposalId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, value::RawValue};
use uuid::Uuid;

use super::{
    Caller, Error,
    amendment::Amendment,
    entries::{self, COMMENT},
    entry_details,
    preview::{self, Preview},
    subjects::sync,
    sweeps,
};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, entries as entry_rows, keys,
        lists::{self, List},
        marks,
        proposals::{self, Proposal, Who},
        revisions::Effect,
    },
};
use change::{Changes, Op, Resolved};

const OPEN: &str = "open";

/// A proposal as sent.
pub struct NewProposal {
    comment: String,
    changes: Changes,
}

impl NewProposal {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let comment = fields.optional("comment", read::text(COMMENT));
        let changes = fields.required("changes", Changes::read);
        fields.finish(|| Some(Self { comment: comment?.unwrap_or_default(), changes: changes? }))
    }
}

/// What somebody says when they approve, reject or withdraw.
#[derive(Default)]
pub struct DecisionNote {
    comment: String,
}

impl DecisionNote {
    /// Reads the body; it may be empty.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let comment = fields.optional("comment", read::text(COMMENT));
        fields.finish(|| Some(Self { comment: comment?.unwrap_or_default() }))
    }
}

/// How a proposal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By another person, who does not want it.
    Rejected,
    /// By whoever proposed it.
    Withdrawn,
}

/// Who proposed or decided, as answered.
#[derive(Debug, Serialize)]
struct WhoView {
    #[serde(rename = "type")]
    kind: String,
    uuid: Option<Uuid>,
    name: String,
}

impl From<Who> for WhoView {
    fn from(who: Who) -> Self {
        Self { kind: who.kind, uuid: who.id, name: who.name }
    }
}

/// A proposal as answered.
#[derive(Debug, Serialize)]
pub struct ProposalView {
    uuid: ProposalId,
    list_uuid: ListId,
    status: String,
    comment: String,
    change_count: u64,
    proposed_by: WhoView,
    created_at: Timestamp,
    decided_by: Option<WhoView>,
    decided_at: Option<Timestamp>,
    decision_comment: Option<String>,
    revision: Option<u64>,
}

impl From<Proposal> for ProposalView {
    fn from(proposal: Proposal) -> Self {
        let (decided_by, decided_at) = proposal.decided.map_or((None, None), |(who, at)| (Some(who.into()), Some(at)));
        Self {
            uuid: proposal.id,
            list_uuid: proposal.list,
            status: proposal.state,
            comment: proposal.comment,
            change_count: proposal.change_count,
            proposed_by: proposal.proposer.into(),
            created_at: proposal.created_at,
            decided_by,
            decided_at,
            decision_comment: proposal.decision_comment,
            revision: proposal.revision,
        }
    }
}

/// A proposal with what it would do; an open one that is asked for also with what that would mean.
#[derive(Debug, Serialize)]
pub struct ProposalDetails {
    #[serde(flatten)]
    proposal: ProposalView,
    changes: Box<RawValue>,
    /// The changes that mean nothing any more, by their place; with one of them it cannot be approved.
    stale: Vec<Stale>,
    preview: Option<Preview>,
}

#[derive(Debug, Serialize)]
struct Stale {
    index: usize,
    errors: FieldErrors,
}

async fn find_list(tx: &mut Tx, caller: &Caller, id: ListId, now: Timestamp) -> Result<List, Error> {
    lists::find_list(tx, caller.application, id, now).await?.ok_or(Error::NOT_FOUND)
}

/// Proposes changes of a list. What means nothing as the list stands is refused at once.
pub async fn create(
    app: &App,
    caller: &Caller,
    id: ListId,
    body: Result<NewProposal, FieldErrors>,
) -> Result<ProposalDetails, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let list = find_list(tx, &caller, id, now).await?;
            let mut body = body?;
            may_propose(&caller, &body.changes)?;
            let again = Changes::from_store(&body.changes.to_store())?;
            let resolved = change::resolve(tx, &caller, &list, again, now).await?;
            for (change, resolved) in body.changes.0.iter_mut().zip(resolved.map_err(in_changes)?) {
                if let Resolved::Add(_, value) = resolved {
                    // A value taken from a session is the one proposed, whatever the session shows later.
                    change.kept.entry("value").or_insert_with(|| value.stored().into());
                }
            }
            let proposal = Proposal {
                id: new_id(),
                list: id,
                state: OPEN.to_owned(),
                comment: body.comment,
                changes: body.changes.to_store(),
                change_count: body.changes.0.len() as u64,
                proposer: who(&caller),
                proposer_person: person_behind(tx, &caller).await?,
                created_at: now,
                decided: None,
                decision_comment: None,
                revision: None,
            };
            proposals::insert_proposal(tx, caller.application, &proposal).await?;
            caller.audit(tx, "proposal.created", &[("list", id.0), ("proposal", proposal.id.0)], now).await?;
            details(tx, &caller, &list, proposal, now).await
        })
    })
    .await
}

/// Who may change what a list lets through are fewer than those who may change its entries.
fn may_propose(caller: &Caller, changes: &Changes) -> Result<(), Error> {
    match changes.0.iter().any(|change| matches!(change.op, Op::Settings(_))) {
        true => caller.must_have(Power::Settings),
        false => Ok(()),
    }
}

fn in_changes(errors: Vec<FieldErrors>) -> Error {
    FieldErrors::default().with("changes", FieldError::Items(errors)).into()
}

fn who(caller: &Caller) -> Who {
    let actor = &caller.actor;
    Who { kind: actor.actor_type().as_str().to_owned(), id: actor.id(), name: actor.added_by().to_owned() }
}

/// The person who acts, or who made the key that does.
pub(super) async fn person_behind(tx: &mut Tx, caller: &Caller) -> Result<Option<Uuid>, Error> {
    match &caller.actor {
        Actor::Member { id, .. } => Ok(Some(*id)),
        Actor::ApiKey { id, .. } => Ok(keys::find_maker(tx, *id).await?),
        Actor::System => Ok(None),
    }
}

/// A page of a list's proposals, newest first, and how many there are.
pub async fn list(
    app: &App,
    caller: &Caller,
    id: ListId,
    state: Option<&'static str>,
    window: (u64, u64),
) -> Result<(Vec<ProposalView>, u64), Error> {
    let (caller, now) = (caller.clone(), app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                find_list(tx, &caller, id, now).await?;
                let (rows, total) = proposals::list_proposals(tx, id, state, window).await?;
                Ok((rows.into_iter().map(ProposalView::from).collect(), total))
            })
        })
        .await
}

/// One proposal.
pub async fn show(app: &App, caller: &Caller, list: ListId, id: ProposalId) -> Result<ProposalDetails, Error> {
    let (caller, now) = (caller.clone(), app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let list = find_list(tx, &caller, list, now).await?;
                let proposal = proposals::find_proposal(tx, list.id, id).await?.ok_or(Error::NOT_FOUND)?;
                let asked = preview::Changes::of_list(list.id, sides(&proposal.changes)?);
                let open = proposal.state == OPEN;
                let mut shown = details(tx, &caller, &list, proposal, now).await?;
                if open {
                    // It looks at up to ten thousand sessions, so no change of the list waits for it.
                    shown.preview = Some(preview::look(tx, caller.application, asked, now).await?);
                }
                Ok(shown)
            })
        })
        .await
}

async fn details(
    tx: &mut Tx,
    caller: &Caller,
    list: &List,
    proposal: Proposal,
    now: Timestamp,
) -> Result<ProposalDetails, Error> {
    let changes = RawValue::from_string(proposal.changes.clone()).map_err(Error::fault)?;
    let mut stale = Vec::new();
    if proposal.state == OPEN {
        // What was proposed was allowed then; the reader need not be allowed it.
        let reader = Caller { actor: Actor::System, ..caller.clone() };
        let resolved = change::resolve(tx, &reader, list, Changes::from_store(&proposal.changes)?, now).await?;
        if let Err(errors) = &resolved {
            let wrong = errors.iter().enumerate().filter(|(_, errors)| !errors.is_empty());
            stale = wrong.map(|(index, errors)| Stale { index, errors: errors.clone() }).collect();
        }
    }
    Ok(ProposalDetails { proposal: proposal.into(), changes, stale, preview: None })
}

/// The values that would come (`true`) and go, for a preview.
fn sides(changes: &str) -> Result<Vec<(bool, String)>, Error> {
    let changes = Changes::from_store(changes)?;
    let side = |op: Op| match op {
        Op::Add(new) => new.value.map(|value| (true, value)),
        Op::Remove(value) => Some((false, value)),
        Op::Update(..) | Op::Settings(_) => None,
    };
    Ok(changes.0.into_iter().filter_map(|change| side(change.op)).collect())
}

/// Approves a proposal: all it would do is done, in one revision.
pub async fn approve(
    app: &App,
    caller: &Caller,
    list: ListId,
    id: ProposalId,
    body: Result<DecisionNote, FieldErrors>,
) -> Result<ProposalDetails, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let scope = sync::lock_list(tx, caller.application, list).await?;
            let mut amendment = Amendment::begin(tx, &caller, now).await?;
            let list = find_list(tx, &caller, list, now).await?;
            let proposal = proposals::lock_proposal(tx, list.id, id).await?.ok_or(Error::NOT_FOUND)?;
            let note = body?;
            must_be_open(&proposal)?;
            must_be_another(&caller, &proposal)?;
            let changes = Changes::from_store(&proposal.changes)?;
            may_propose(&caller, &changes)?;
            let resolved = change::resolve(tx, &caller, &list, changes, now).await?.map_err(in_changes)?;
            amendment.proposed_by = Some(proposal.proposer.name.clone());
            let (effect, values) = apply(tx, &amendment, &list, resolved).await?;
            let moved = effect.added + effect.removed + effect.changed > 0;
            if moved {
                amendment.note(tx, list.id, effect).await?;
            }
            if effect.added > 0 {
                let mode = sweeps::mode(tx, &caller, &list, None).await?;
                sweeps::follow(tx, &amendment, &list, mode, None).await?;
            }
            let revision = moved.then_some(amendment.moment.revision);
            decided(tx, id, "approved", &caller, note, (now, revision)).await?;
            let mut objects = vec![("list", list.id.0), ("proposal", id.0)];
            objects.extend(proposal.proposer.id.map(|id| ("proposed_by", id)));
            objects.extend(caller.actor.id().map(|id| ("approved_by", id)));
            caller.audit_values(tx, "proposal.approved", &objects, values, now).await?;
            sync::follow(tx, &caller, &scope, now).await?;
            let proposal = proposals::find_proposal(tx, list.id, id).await?.ok_or(Error::NOT_FOUND)?;
            details(tx, &caller, &list, proposal, now).await
        })
    })
    .await
}

fn must_be_open(proposal: &Proposal) -> Result<(), Error> {
    match proposal.state.as_str() {
        OPEN => Ok(()),
        state => Err(Error::Refused(format!("This proposal was {state} before."))),
    }
}

/// Writes how it ended, whatever was looked at before.
async fn decided(
    tx: &mut Tx,
    id: ProposalId,
    state: &str,
    caller: &Caller,
    note: DecisionNote,
    when: (Timestamp, Option<u64>),
) -> Result<(), Error> {
    match proposals::set_decided(tx, id, state, &who(caller), &note.comment, when).await? {
        true => Ok(()),
        false => Err(Error::Refused("This proposal was decided before.".into())),
    }
}

/// An approval is a person's, and not that of whoever proposed.
fn must_be_another(caller: &Caller, proposal: &Proposal) -> Result<(), Error> {
    match &caller.actor {
        Actor::Member { id, .. } if proposal.proposer_person != Some(*id) => Ok(()),
        Actor::Member { .. } => Err(Error::NotAllowed("A proposal is approved by somebody else.")),
        Actor::ApiKey { .. } | Actor::System => Err(Error::NotAllowed("A proposal is approved by a person, not by a key.")),
    }
}

/// Makes the changes. Answers what they come to, and for the trail what settings stood before.
async fn apply(
    tx: &mut Tx,
    amendment: &Amendment<'_>,
    list: &List,
    changes: Vec<Resolved>,
) -> Result<(Effect, Map<String, Json>), Error> {
    let (moment, mut effect) = (amendment.moment, Effect::of_list("proposal.approved"));
    let mut values = Map::new();
    for change in changes {
        match change {
            Resolved::Add(new, _) => {
                let (entry, value, sent) = entries::make(tx, amendment, list, *new).await?;
                effect.removed += entries::put(tx, amendment, list, &entry, &value, &sent).await?;
                effect.added += 1;
            }
            Resolved::Remove(entry) => {
                entry_rows::remove_entry(tx, list.id, entry, moment).await?;
                lists::add_to_count(tx, list.id, -1, moment.at).await?;
                effect.removed += 1;
            }
            Resolved::Update(change, version, entry) => {
                effect.changed += u64::from(entry_details::apply(tx, amendment, list, (version, &entry), *change).await?);
            }
            Resolved::Settings(change) => values.extend(change.apply(tx, list.id, moment.at).await?),
        }
    }
    if effect.removed > 0 {
        marks::release_marks(tx, amendment.caller.application, list.entry_type, moment.revision, moment.at).await?;
    }
    Ok((effect, values))
}

/// Ends an open proposal without doing what it says.
pub async fn end(
    app: &App,
    caller: &Caller,
    (list, id): (ListId, ProposalId),
    how: Ending,
    body: Result<DecisionNote, FieldErrors>,
) -> Result<ProposalDetails, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let list = find_list(tx, &caller, list, now).await?;
            let proposal = proposals::lock_proposal(tx, list.id, id).await?.ok_or(Error::NOT_FOUND)?;
            let note = body?;
            must_be_open(&proposal)?;
            let own = proposal.proposer.id.is_some() && proposal.proposer.id == caller.actor.id();
            let (state, kind) = match how {
                Ending::Rejected if own => return Err(Error::NotAllowed("Withdraw a proposal of your own.")),
                Ending::Withdrawn if !own => return Err(Error::NotAllowed("A proposal is withdrawn by whoever proposed it.")),
                Ending::Rejected => ("rejected", "proposal.rejected"),
                Ending::Withdrawn => ("withdrawn", "proposal.withdrawn"),
            };
            decided(tx, id, state, &caller, note, (now, None)).await?;
            caller.audit(tx, kind, &[("list", list.id.0), ("proposal", id.0)], now).await?;
            let proposal = proposals::find_proposal(tx, list.id, id).await?.ok_or(Error::NOT_FOUND)?;
            details(tx, &caller, &list, proposal, now).await
        })
    })
    .await
}
