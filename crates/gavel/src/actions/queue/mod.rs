//! The reviewers' queue: sessions In Review, by priority and then by how long they wait. A claim keeps one session to one
//! reviewer, so that no two look at the same one; it ends with a decision, with its release, or when nothing was heard of
//! its holder for a while.
//!
//! A claim is no change of the session: its version does not move. Reviews by API key take effect whoever holds the
//! session; a console user is told first ([`must_not_be_others`]).

mod bodies;

use gavel_core::{
    access::Actor,
    ids::SessionId,
    json::FieldErrors,
    session::{SessionKind, SessionStatus},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;

pub use bodies::{ClaimBody, NextBody, PriorityBody, ReviewerBody};

use super::{Caller, Error, decision, status};
use crate::{
    app::App,
    store::{
        Tx, applications, pending_reviews,
        queue::{self, Claim, Holder, Item, Wanted},
        sessions::{self, Session},
    },
};

const OTHERS: &str = "This session is claimed by someone else.";

/// Whoever works on a session, as answered.
#[derive(Debug, Serialize)]
pub struct HolderView {
    actor_type: &'static str,
    actor_id: uuid::Uuid,
    reviewer: Option<String>,
    name: String,
}

impl From<Holder> for HolderView {
    fn from(holder: Holder) -> Self {
        Self {
            actor_type: holder.actor_type.as_str(),
            actor_id: holder.actor_id,
            reviewer: Some(holder.reviewer).filter(|name| !name.is_empty()),
            name: holder.name,
        }
    }
}

#[derive(Debug, Serialize)]
struct ClaimView {
    holder: HolderView,
    claimed_at: Timestamp,
    expires_at: Timestamp,
}

/// A session's place in the queue, as answered.
#[derive(Debug, Serialize)]
pub struct ItemView {
    session_id: SessionId,
    session_number: i64,
    session_kind: SessionKind,
    status: SessionStatus,
    version: u64,
    priority: i64,
    waiting_since: Option<Timestamp>,
    claim: Option<ClaimView>,
}

impl ItemView {
    fn of(session: &Session, priority: i64, item: Option<&Item>, now: Timestamp) -> Self {
        let claim = item.and_then(|item| item.claim(now)).cloned();
        Self {
            session_id: session.id,
            session_number: session.number,
            session_kind: session.kind,
            status: session.status,
            version: session.version,
            priority,
            waiting_since: item.map(|item| item.since),
            claim: claim.map(|claim| ClaimView { holder: claim.holder.into(), claimed_at: claim.at, expires_at: claim.until }),
        }
    }

    /// The version of the session, for `ETag`.
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// The next session, or none.
#[derive(Debug, Serialize)]
pub struct Next {
    /// The decision.
    session: Option<Box<RawValue>>,
    item: Option<ItemView>,
}

impl Next {
    /// The version of the session, for `ETag`.
    pub fn version(&self) -> Option<u64> {
        self.item.as_ref().map(ItemView::version)
    }
}

/// Whom a caller works as. A console user is himself; behind a key there may be several people.
pub(super) fn holder(caller: &Caller, reviewer: Option<String>) -> Result<Holder, Error> {
    let actor_type = caller.actor.actor_type();
    let name = caller.actor.display().to_owned();
    match (&caller.actor, reviewer) {
        (Actor::ApiKey { id, .. }, reviewer) => {
            Ok(Holder { actor_type, actor_id: id.0, reviewer: reviewer.unwrap_or_default(), name })
        }
        (Actor::Member { .. }, Some(_)) => Err(Error::field("reviewer", "Only API keys name a reviewer.")),
        (Actor::Member { id, .. }, None) => Ok(Holder { actor_type, actor_id: *id, reviewer: String::new(), name }),
        (Actor::System, _) => Err(Error::Forbidden),
    }
}

fn new_claim(app: &App, holder: Holder, now: Timestamp) -> Claim {
    let idle = i64::try_from(app.config.claim_idle.as_secs()).unwrap_or(i64::MAX);
    Claim { holder, at: now, until: now.plus_seconds(idle) }
}

/// Sessions looked for before the transaction, and how often when others take all of them meanwhile.
const CANDIDATES: u64 = 64;
const ROUNDS: usize = 4;

/// Claims the first session nobody holds and nobody is about to decide.
pub async fn next(app: &App, caller: &Caller, body: Result<NextBody, FieldErrors>) -> Result<Next, Error> {
    let NextBody { reviewer, wanted } = body?;
    let holder = holder(caller, reviewer)?;
    let mut next = Next { session: None, item: None };
    for _ in 0..ROUNDS {
        let mut wanted = wanted.at(app.clock.now());
        let is_searched_for = wanted.is_searched_for();
        if is_searched_for {
            wanted.among = Some(search(app, caller, wanted.clone()).await?);
        }
        let found_none = wanted.among.as_ref().is_some_and(Vec::is_empty);
        if found_none && caller.claim.is_none() {
            break;
        }
        next = take(app, caller, wanted, holder.clone()).await?;
        if next.item.is_some() || found_none || !is_searched_for {
            break;
        }
    }
    Ok(next)
}

async fn search(app: &App, caller: &Caller, wanted: Wanted) -> Result<Vec<SessionId>, Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| Box::pin(async move { Ok(queue::list_candidates(tx, application, &wanted, now, CANDIDATES).await?) }))
        .await
}

async fn take(app: &App, caller: &Caller, wanted: Wanted, holder: Holder) -> Result<Next, Error> {
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller, now) = (&app_, &caller_, app_.clock.now());
            let nothing = wanted.among.as_ref().is_some_and(Vec::is_empty);
            let found = if nothing { None } else { queue::lock_next(tx, caller.application, &wanted, now).await? };
            let Some(mut item) = found else { return Ok(Next { session: None, item: None }) };
            let gone = || Error::fault("a session is in the queue and nowhere else");
            let session = sessions::find_session(tx, caller.application, item.session).await?.ok_or_else(gone)?;
            let application = applications::find_application(tx, caller.application).await?.ok_or(Error::NOT_FOUND)?;
            let claim = new_claim(app, holder, now);
            queue::set_claim(tx, item.session, &claim).await?;
            caller.audit(tx, "queue.claimed", &[("session", item.session.0)], now).await?;
            item.claim = Some(claim);
            let decision = decision::load(tx, app, &application, &session).await?;
            Ok(Next {
                session: Some(decision::linked(app, decision)?),
                item: Some(ItemView::of(&session, item.priority, Some(&item), now)),
            })
        })
    })
    .await
}

/// Claims a session, or holds it for another while. `seen` is the version the caller has looked at.
pub async fn claim(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<ClaimBody, FieldErrors>,
    seen: Option<u64>,
) -> Result<ItemView, Error> {
    let wish = body.map(|body| (Wish::Claim { take_over: body.take_over }, body.reviewer));
    change(app, caller, id, wish, seen).await
}

/// Holds a session for another while.
pub async fn renew(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<ReviewerBody, FieldErrors>,
) -> Result<ItemView, Error> {
    change(app, caller, id, body.map(|body| (Wish::Renew, body.0)), None).await
}

/// Gives a session back. One that is nobody's stays so.
pub async fn release(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<ReviewerBody, FieldErrors>,
) -> Result<ItemView, Error> {
    change(app, caller, id, body.map(|body| (Wish::Release, body.0)), None).await
}

/// What somebody wants with a session of the queue.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Claim { take_over: bool },
    Renew,
    Release,
}

/// What comes of it, and the kind of its audit row: holding on is none of anybody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Claimed(&'static str),
    Renewed,
    Released,
    Nothing,
}

/// `held` is whose it is now.
fn judge(wish: Wish, held: Option<&Claim>, me: &Holder) -> Result<Outcome, Error> {
    let mine = held.map(|claim| claim.holder.is(me));
    match (wish, mine) {
        (Wish::Claim { .. } | Wish::Renew, Some(true)) => Ok(Outcome::Renewed),
        (Wish::Claim { .. }, None) => Ok(Outcome::Claimed("queue.claimed")),
        (Wish::Claim { take_over: true }, Some(false)) => Ok(Outcome::Claimed("queue.taken_over")),
        (Wish::Claim { take_over: false } | Wish::Release, Some(false)) => Err(Error::Conflict(OTHERS.into())),
        (Wish::Renew, Some(false) | None) => Err(Error::Conflict("You do not hold this session.".into())),
        (Wish::Release, Some(true)) => Ok(Outcome::Released),
        (Wish::Release, None) => Ok(Outcome::Nothing),
    }
}

async fn change(
    app: &App,
    caller: &Caller,
    id: SessionId,
    wish: Result<(Wish, Option<String>), FieldErrors>,
    seen: Option<u64>,
) -> Result<ItemView, Error> {
    let (app_, caller_) = (app.clone(), caller.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let (app, caller, now) = (&app_, &caller_, app_.clock.now());
            // The place first: a decision holds the session while it waits for the place.
            let mut item = queue::lock_item(tx, caller.application, id).await?;
            let session = sessions::find_session(tx, caller.application, id).await?.ok_or(Error::NOT_FOUND)?;
            let (wish, reviewer) = wish?;
            let me = holder(caller, reviewer)?;
            let Some(place) = &mut item else { return outside(tx, &session, wish, now).await };
            status::must_be_at(&session, seen)?;
            let held = place.claim(now).cloned();
            let outcome = judge(wish, held.as_ref(), &me)?;
            if matches!(outcome, Outcome::Claimed(_)) && pending_reviews::is_pending(tx, id).await? {
                return Err(Error::Conflict("A decision on this session is pending.".into()));
            }
            let claim = new_claim(app, me, now);
            match outcome {
                Outcome::Claimed(_) => place.claim = Some(claim),
                Outcome::Renewed => place.claim = Some(Claim { at: held.map_or(now, |held| held.at), ..claim }),
                Outcome::Released => place.claim = None,
                Outcome::Nothing => {}
            }
            match (&place.claim, outcome) {
                (Some(claim), Outcome::Claimed(_) | Outcome::Renewed) => queue::set_claim(tx, id, claim).await?,
                (_, Outcome::Claimed(_) | Outcome::Renewed | Outcome::Released | Outcome::Nothing) => {
                    queue::end_claim(tx, id).await?;
                }
            }
            match outcome {
                Outcome::Claimed(kind) => caller.audit(tx, kind, &[("session", id.0)], now).await?,
                Outcome::Released => caller.audit(tx, "queue.released", &[("session", id.0)], now).await?,
                Outcome::Renewed | Outcome::Nothing => {}
            }
            Ok(ItemView::of(&session, place.priority, Some(place), now))
        })
    })
    .await
}

/// A session that is not in the queue is nobody's, and can be given back but not taken.
async fn outside(tx: &mut Tx, session: &Session, wish: Wish, now: Timestamp) -> Result<ItemView, Error> {
    match wish {
        Wish::Release => Ok(ItemView::of(session, queue::find_priority(tx, session.id).await?, None, now)),
        Wish::Claim { .. } | Wish::Renew => {
            let text = format!("Only sessions In Review can be claimed. Current status: {}", session.status);
            Err(Error::Conflict(text))
        }
    }
}

/// Sets which sessions are looked at before others. It may be said before the session is In Review.
pub async fn set_priority(
    app: &App,
    caller: &Caller,
    id: SessionId,
    body: Result<PriorityBody, FieldErrors>,
) -> Result<ItemView, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let session = sessions::lock_session(tx, caller_.application, id).await?.ok_or(Error::NOT_FOUND)?;
            let PriorityBody(priority) = body?;
            if queue::find_priority(tx, id).await? != priority {
                queue::set_priority(tx, id, priority).await?;
                caller_.audit(tx, "queue.priority_set", &[("session", id.0)], now).await?;
            }
            let item = queue::find_item(tx, id).await?;
            Ok(ItemView::of(&session, priority, item.as_ref(), now))
        })
    })
    .await
}

/// A session's place in the queue.
pub async fn show(app: &App, caller: &Caller, id: SessionId) -> Result<ItemView, Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let session = sessions::find_session(tx, application, id).await?.ok_or(Error::NOT_FOUND)?;
                let item = queue::find_item(tx, id).await?;
                let priority = queue::find_priority(tx, id).await?;
                Ok(ItemView::of(&session, priority, item.as_ref(), now))
            })
        })
        .await
}

/// How full the queue is, and who holds what.
#[derive(Debug, Serialize)]
pub struct Overview {
    in_review: u64,
    waiting: u64,
    claimed: u64,
    oldest_waiting_since: Option<Timestamp>,
    holders: Vec<HolderRow>,
}

#[derive(Debug, Serialize)]
struct HolderRow {
    #[serde(flatten)]
    holder: HolderView,
    sessions: u64,
}

/// The queue of the caller's application: how full it is, a page of it in its order, and how long the list is.
pub async fn list(
    app: &App,
    caller: &Caller,
    claimed: Option<bool>,
    window: (u64, u64),
) -> Result<(Overview, Vec<ItemView>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let totals = queue::count(tx, application, now).await?;
                let holders = queue::list_holders(tx, application, now).await?;
                let mut rows = Vec::new();
                for item in queue::list_items(tx, application, claimed, now, window).await? {
                    if let Some(session) = sessions::find_session(tx, application, item.session).await? {
                        rows.push(ItemView::of(&session, item.priority, Some(&item), now));
                    }
                }
                let overview = Overview {
                    in_review: totals.waiting + totals.claimed,
                    waiting: totals.waiting,
                    claimed: totals.claimed,
                    oldest_waiting_since: totals.oldest,
                    holders: holders
                        .into_iter()
                        .map(|(holder, sessions)| HolderRow { holder: holder.into(), sessions })
                        .collect(),
                };
                let count = match claimed {
                    None => overview.in_review,
                    Some(true) => overview.claimed,
                    Some(false) => overview.waiting,
                };
                Ok((overview, rows, count))
            })
        })
        .await
}

/// Refuses a console user's decision on a session that is somebody else's, unless he takes it over. Keys are not asked: their
/// decisions take effect at once. The session is locked.
pub(super) async fn must_not_be_others(
    tx: &mut Tx,
    caller: &Caller,
    session: &Session,
    take_over: bool,
    now: Timestamp,
) -> Result<(), Error> {
    match &caller.actor {
        Actor::Member { .. } if !take_over => {}
        Actor::Member { .. } | Actor::ApiKey { .. } | Actor::System => return Ok(()),
    }
    let me = holder(caller, None)?;
    let item = queue::lock_item(tx, caller.application, session.id).await?;
    match item.as_ref().and_then(|item| item.claim(now)) {
        Some(claim) if !claim.holder.is(&me) => Err(Error::Conflict(OTHERS.into())),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
