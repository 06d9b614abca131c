//! What a list has beyond the contract (`/x/`): its flood guard, which of its changes need another person, and how many of
//! its entries have ended or are held.

use gavel_core::{
    access::Power,
    guard::Approval,
    ids::ListId,
    json::{FieldErrors, Fields, Sent, Value, read},
    list::{FloodGuard, ListType},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::{Caller, Error, approval, lists::ListView};
use crate::{
    app::App,
    store::{
        Tx,
        lists::{self, List},
        revisions,
    },
};

/// A list as answered under `/x/`.
#[derive(Debug, Serialize)]
pub struct ListSettings {
    #[serde(flatten)]
    list: ListView,
    flood_guard: Option<FloodGuard>,
    approval: Approval,
    expired_entries: u64,
    held_entries: u64,
}

/// A change as sent.
pub struct SettingsChange {
    flood_guard: Sent<FloodGuard>,
    approval: Option<Approval>,
}

impl SettingsChange {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let flood_guard = fields.nullable("flood_guard", read::nested(read_guard));
        let approval = fields.nullable("approval", read::nested(read_approval));
        fields.finish(|| {
            let approval = match approval? {
                Sent::Absent => None,
                sent => Some(sent.over(None).unwrap_or(Approval::None)),
            };
            Some(Self { flood_guard: flood_guard?, approval })
        })
    }

    /// What of it this list cannot have.
    pub(super) fn must_suit(&self, list: &List) -> Result<(), FieldErrors> {
        match matches!(self.flood_guard, Sent::Value(_)) && list.list_type != ListType::Blocklist {
            true => Err(FieldErrors::one("flood_guard", "Only blocklists have a flood guard.")),
            false => Ok(()),
        }
    }

    /// Makes the change. Answers what stood there before and what stands there now.
    pub(super) async fn apply(&self, tx: &mut Tx, id: ListId, now: Timestamp) -> Result<Map<String, Json>, Error> {
        let mut values = Map::new();
        if self.flood_guard != Sent::Absent {
            let before = lists::find_facts(tx, id, now).await?.flood_guard;
            lists::set_flood_guard(tx, id, self.flood_guard.over(None)).await?;
            values.insert("flood_guard".into(), json!({ "before": before, "after": self.flood_guard.over(None) }));
        }
        if let Some(approval) = self.approval {
            let before = lists::find_approval(tx, id).await?;
            lists::set_approval(tx, id, approval).await?;
            values.insert("approval".into(), json!({ "before": before, "after": approval }));
        }
        Ok(values)
    }
}

fn read_approval(sent: &Value<'_>) -> Result<Approval, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let policy = fields.required("policy", read::choice(&["none", "always", "threshold"]));
    let threshold = match policy {
        Some("threshold") => fields.required("threshold", read::integer(0, 1_000_000)).map(Some),
        _ => Some(None),
    };
    fields.finish(|| {
        Some(match (policy?, threshold?) {
            ("always", _) => Approval::Always,
            ("threshold", Some(threshold)) => Approval::Threshold { threshold: threshold.unsigned_abs() },
            _ => Approval::None,
        })
    })
}

fn read_guard(sent: &Value<'_>) -> Result<FloodGuard, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let min_hits = fields.required("min_hits", read::integer(1, 1_000_000));
    let factor = fields.optional("factor", read::integer(1, 10_000));
    fields.finish(|| Some(FloodGuard { min_hits: min_hits?.unsigned_abs(), factor: factor?.unwrap_or(10).unsigned_abs() }))
}

/// One list with its settings.
pub async fn show(app: &App, caller: &Caller, id: ListId) -> Result<ListSettings, Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let list = lists::find_list(tx, application, id, now).await?.ok_or(Error::NOT_FOUND)?;
                view(tx, list, now).await
            })
        })
        .await
}

async fn view(tx: &mut Tx, list: List, now: Timestamp) -> Result<ListSettings, Error> {
    let facts = lists::find_facts(tx, list.id, now).await?;
    Ok(ListSettings {
        flood_guard: facts.flood_guard,
        approval: lists::find_approval(tx, list.id).await?,
        expired_entries: facts.expired,
        held_entries: facts.held,
        list: list.into(),
    })
}

/// Changes the settings of a list; of a system list as well.
pub async fn update(
    app: &App,
    caller: &Caller,
    id: ListId,
    body: Result<SettingsChange, FieldErrors>,
) -> Result<ListSettings, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let list = lists::find_list(tx, caller.application, id, now).await?.ok_or(Error::NOT_FOUND)?;
            // Between somebody who adds and somebody who asks who may add there is an order.
            revisions::begin(tx, caller.application, now).await?;
            let current = lists::find_approval(tx, id).await?;
            if current == Approval::Always {
                return Err(approval::NEEDED);
            }
            let change = body?;
            change.must_suit(&list)?;
            if let Some(wanted) = change.approval {
                caller.must_have(Power::Settings)?;
                if wanted.is_looser_than(current) {
                    return Err(approval::NEEDED);
                }
            }
            let values = change.apply(tx, id, now).await?;
            if !values.is_empty() {
                caller.audit_values(tx, "list.settings_updated", &[("list", id.0)], values, now).await?;
            }
            view(tx, list, now).await
        })
    })
    .await
}

/// Lets a list be changed directly again: for whoever owns the server, when nobody is left who could approve anything.
pub async fn release(app: &App, caller: &Caller, id: ListId) -> Result<ListSettings, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let caller = caller_;
            let list = lists::find_list(tx, caller.application, id, now).await?.ok_or(Error::NOT_FOUND)?;
            revisions::begin(tx, caller.application, now).await?;
            let change = SettingsChange { flood_guard: Sent::Absent, approval: Some(Approval::None) };
            let values = change.apply(tx, id, now).await?;
            caller.audit_values(tx, "list.settings_updated", &[("list", id.0)], values, now).await?;
            view(tx, list, now).await
        })
    })
    .await
}
