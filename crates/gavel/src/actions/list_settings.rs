//! What a list has beyond the contract (`/x/`): its flood guard, and how many of its entries have ended or are held.

use gavel_core::{
    ids::ListId,
    json::{FieldError, FieldErrors, Fields, Sent, Value, read},
    list::{FloodGuard, ListType},
};
use serde::Serialize;

use super::{Caller, Error, lists::ListView};
use crate::{
    app::App,
    store::{
        Tx,
        lists::{self, List},
    },
};

/// A list as answered under `/x/`.
#[derive(Debug, Serialize)]
pub struct ListSettings {
    #[serde(flatten)]
    list: ListView,
    flood_guard: Option<FloodGuard>,
    expired_entries: u64,
    held_entries: u64,
}

/// A change as sent.
pub struct SettingsChange {
    flood_guard: Sent<FloodGuard>,
}

impl SettingsChange {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let flood_guard = fields.nullable("flood_guard", read::nested(read_guard));
        fields.finish(|| Some(Self { flood_guard: flood_guard? }))
    }
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

async fn view(tx: &mut Tx, list: List, now: gavel_core::time::Timestamp) -> Result<ListSettings, Error> {
    let facts = lists::find_facts(tx, list.id, now).await?;
    Ok(ListSettings {
        flood_guard: facts.flood_guard,
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
            let change = body?;
            if matches!(change.flood_guard, Sent::Value(_)) && list.list_type != ListType::Blocklist {
                let error = FieldError::text("Only blocklists have a flood guard.");
                return Err(FieldErrors::default().with("flood_guard", error).into());
            }
            if change.flood_guard != Sent::Absent {
                lists::set_flood_guard(tx, id, change.flood_guard.over(None)).await?;
                caller.audit(tx, "list.settings_updated", &[("list", id.0)], now).await?;
            }
            view(tx, list, now).await
        })
    })
    .await
}
