//! Which lists hold a value, now or at an earlier moment (`/x/`).

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::ListId,
    json::{FieldError, FieldErrors},
    list::ListType,
    time::Timestamp,
};
use serde::Serialize;

use super::{
    Caller, Error, as_of,
    entry_details::{EntryDetails, with_hits},
};
use crate::{
    app::App,
    store::{entries, entry_versions, lists, revisions::Moment},
};

/// Where a value is listed.
#[derive(Debug, Serialize)]
pub struct Lookup {
    lists_revision: u64,
    evaluated_at: Timestamp,
    entry_type: EntryType,
    /// As sent.
    value: String,
    normalised: String,
    lists: Vec<Found>,
}

/// A list that holds the value, and the entry that covers it.
#[derive(Debug, Serialize)]
struct Found {
    list_uuid: ListId,
    name: String,
    list_type: ListType,
    is_system: bool,
    comparison: &'static str,
    entry: EntryDetails,
}

/// Looks a value up in all lists of its type.
pub async fn look_up(
    app: &App,
    caller: &Caller,
    entry_type: Option<String>,
    value: Option<String>,
    as_of: Option<String>,
) -> Result<Lookup, Error> {
    let (application, now) = (caller.application, app.clock.now());
    let (entry_type, sent, value) = read(entry_type, value)?;
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let moment = as_of::resolve_param(tx, application, ("as_of", as_of.as_deref()), now).await?;
                let Moment { revision, at } = moment;
                let mut found = Vec::new();
                let hits = entry_versions::list_hits(tx, application, &value, moment).await?;
                let versions: Vec<_> = hits.iter().map(|hit| (hit.entry, hit.added_rev)).collect();
                let mut rows = entries::find_versions(tx, application, &versions).await?;
                for hit in hits {
                    let Some(row) = rows.remove(&(hit.entry, hit.added_rev)) else { continue };
                    let Some((name, is_system)) = lists::find_name(tx, hit.list).await? else { continue };
                    let Some(entry) = with_hits(tx, vec![row], at).await?.pop() else { continue };
                    let (list_uuid, list_type) = (hit.list, hit.list_type);
                    found.push(Found { list_uuid, name, list_type, is_system, comparison: hit.comparison.as_str(), entry });
                }
                let normalised = value.stored().to_owned();
                Ok(Lookup { lists_revision: revision, evaluated_at: at, entry_type, value: sent, normalised, lists: found })
            })
        })
        .await
}

fn read(entry_type: Option<String>, value: Option<String>) -> Result<(EntryType, String, EntryValue), Error> {
    let mut errors = FieldErrors::default();
    let known = match &entry_type {
        None => Err(FieldError::required()),
        Some(name) => EntryType::from_name(name)
            .ok_or_else(|| FieldError::text(format!("Select a valid choice. {name} is not one of the available choices."))),
    };
    let known = known.map_err(|error| errors.add("entry_type", error)).ok();
    let parsed = match (&value, known) {
        (None, _) => Err(FieldError::required()),
        (Some(sent), _) if sent.contains('\0') => Err(FieldError::null_character()),
        (Some(sent), Some(known)) => {
            EntryValue::parse(known, sent).map(Some).map_err(|reason| FieldError::text(reason.message()))
        }
        (Some(_), None) => Ok(None),
    };
    let parsed = parsed.map_err(|error| errors.add("value", error)).ok().flatten();
    match (known, value, parsed) {
        (Some(entry_type), Some(sent), Some(value)) if errors.is_empty() => Ok((entry_type, sent, value)),
        _ => Err(errors.into()),
    }
}
