//! Lists: make, show, change, delete (contract, lists §1–§3).

use gavel_core::{
    entry::EntryType,
    ids::ListId,
    json::{FieldErrors, Fields, Value, read},
    list::ListType,
    time::Timestamp,
};
use serde::Serialize;

use super::{Caller, Error, amendment::Amendment, approval::Gate, subjects::sync};
use crate::{
    app::App,
    clock::new_id,
    store::{
        Tx, entries,
        lists::{self, Filter, List},
        marks,
        revisions::Effect,
    },
};

/// Longest name, in characters.
const NAME: usize = 255;
/// Longest description, in characters.
const DESCRIPTION: usize = 2_000;

/// A list as sent.
pub struct NewList {
    name: String,
    description: String,
    list_type: ListType,
    entry_type: EntryType,
}

impl NewList {
    /// Reads the body of a create.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let name = fields.required("name", read_name);
        let description = fields.optional("description", read::text(DESCRIPTION));
        let list_type = fields.required("list_type", read::choice_of(ListType::from_name));
        let entry_type = fields.required("entry_type", read::choice_of(EntryType::from_name));
        fields.finish(|| {
            Some(Self {
                name: name?,
                description: description?.unwrap_or_default(),
                list_type: list_type?,
                entry_type: entry_type?,
            })
        })
    }
}

/// A change as sent. What is not sent stays.
pub struct ListChange {
    name: Option<String>,
    description: Option<String>,
}

impl ListChange {
    /// Reads the body of a change. A name that is sent may not be null; a null description is the empty one.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let name = match fields.sent("name") {
            Some(_) => fields.required("name", read_name).map(Some),
            None => Some(None),
        };
        let description = fields.nullable("description", read::text(DESCRIPTION));
        fields.finish(|| {
            Some(Self {
                name: name?,
                description: match description? {
                    gavel_core::json::Sent::Absent => None,
                    sent => Some(sent.over(None).unwrap_or_default()),
                },
            })
        })
    }
}

fn read_name(sent: &Value<'_>) -> Result<String, gavel_core::json::FieldError> {
    let name = read::filled(read::trimmed_text(NAME))(sent)?;
    match name.chars().any(char::is_control) {
        true => Err(gavel_core::json::FieldError::text("Control characters are not allowed.")),
        false => Ok(name),
    }
}

/// A list as answered.
#[derive(Debug, Serialize)]
pub struct ListView {
    uuid: ListId,
    name: String,
    description: String,
    list_type: ListType,
    entry_type: EntryType,
    is_system: bool,
    entry_count: u64,
    last_entry_added_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ListView {
    /// Its id.
    pub fn id(&self) -> ListId {
        self.uuid
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<List> for ListView {
    fn from(list: List) -> Self {
        Self {
            uuid: list.id,
            name: list.name,
            description: list.description,
            list_type: list.list_type,
            entry_type: list.entry_type,
            is_system: list.is_system,
            entry_count: list.entry_count,
            last_entry_added_at: list.last_entry_added_at,
            created_at: list.created_at,
            updated_at: list.updated_at,
        }
    }
}

/// A page of lists and how many there are.
pub async fn list(app: &App, caller: &Caller, filter: Filter, window: (u64, u64)) -> Result<(Vec<ListView>, u64), Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store
        .read(move |tx| {
            Box::pin(async move {
                let (rows, total) = lists::list_lists(tx, application, &filter, window, now).await?;
                Ok((rows.into_iter().map(ListView::from).collect(), total))
            })
        })
        .await
}

/// One list.
pub async fn show(app: &App, caller: &Caller, id: ListId) -> Result<ListView, Error> {
    let (application, now) = (caller.application, app.clock.now());
    app.store.read(move |tx| Box::pin(async move { Ok(find(tx, application, id, now).await?.into()) })).await
}

async fn find(tx: &mut Tx, application: gavel_core::ids::ApplicationId, id: ListId, now: Timestamp) -> Result<List, Error> {
    lists::find_list(tx, application, id, now).await?.ok_or(Error::NOT_FOUND)
}

/// Makes a list.
pub async fn create(app: &App, caller: &Caller, body: Result<NewList, FieldErrors>) -> Result<ListView, Error> {
    let new = body?;
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let list = List {
                id: new_id(),
                name: new.name,
                description: new.description,
                list_type: new.list_type,
                entry_type: new.entry_type,
                is_system: false,
                entry_count: 0,
                last_entry_added_at: None,
                created_at: now,
                updated_at: now,
            };
            // Names are checked, and changed, one application at a time: the revision's lock sees to it.
            let amendment = Amendment::begin(tx, &caller_, now).await?;
            if !lists::insert_list(tx, caller_.application, &list).await? {
                return Err(name_taken());
            }
            amendment.note(tx, list.id, Effect::of_list("list.created")).await?;
            caller_.audit(tx, "list.created", &[("list", list.id.0)], now).await?;
            Ok(list.into())
        })
    })
    .await
}

fn name_taken() -> Error {
    Error::field("name", "A list with this name already exists.")
}

/// Renames or describes a list.
pub async fn update(app: &App, caller: &Caller, id: ListId, body: Result<ListChange, FieldErrors>) -> Result<ListView, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            let amendment = Amendment::begin(tx, &caller_, now).await?;
            let mut list = find(tx, application, id, now).await?;
            if list.is_system {
                return Err(Error::Refused("System lists cannot be modified.".into()));
            }
            Gate::of(tx, application, id).await?;
            let change = body?;
            list.name = change.name.unwrap_or(list.name);
            list.description = change.description.unwrap_or(list.description);
            list.updated_at = now;
            if !lists::set_name_and_description(tx, application, id, &list.name, &list.description, now).await? {
                return Err(name_taken());
            }
            amendment.note(tx, id, Effect::of_list("list.updated")).await?;
            caller_.audit(tx, "list.updated", &[("list", id.0)], now).await?;
            Ok(list.into())
        })
    })
    .await
}

/// Deletes a list with its entries.
pub async fn delete(app: &App, caller: &Caller, id: ListId) -> Result<(), Error> {
    let (caller_, clock) = (caller.clone(), app.clock.clone());
    app.act(caller, move |tx| {
        Box::pin(async move {
            let application = caller_.application;
            let scope = sync::lock_list(tx, application, id).await?;
            let now = clock.now();
            let amendment = Amendment::begin(tx, &caller_, now).await?;
            let list = find(tx, application, id, now).await?;
            if list.is_system {
                return Err(Error::Refused("System lists cannot be deleted.".into()));
            }
            Gate::of(tx, application, id).await?.must_let_go(tx).await?;
            let removed = entries::remove_all(tx, id, amendment.moment).await?;
            lists::set_deleted(tx, id, now).await?;
            marks::release_marks(tx, application, list.entry_type, amendment.moment.revision, now).await?;
            amendment.note(tx, id, Effect { removed, ..Effect::of_list("list.deleted") }).await?;
            caller_.audit(tx, "list.deleted", &[("list", id.0)], now).await?;
            sync::follow(tx, &caller_, &scope, now).await
        })
    })
    .await
}
