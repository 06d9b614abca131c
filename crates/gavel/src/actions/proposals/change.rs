//! What a proposal would do: read from the body, and read again from what is kept when it is looked at or approved.

use std::collections::HashSet;

use gavel_core::{
    access::{Level, Resource},
    entry::EntryValue,
    ids::EntryId,
    json::{FieldError, FieldErrors, Fields, Value, read},
};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::{
    actions::{
        Caller, Error,
        entries::{self, NewEntry},
        entry_details::EntryChange,
        list_settings::SettingsChange,
    },
    store::{
        Tx,
        entries::{self as rows, Entry},
        entry_versions,
        lists::List,
    },
};

/// Most changes of one proposal.
const MOST: usize = 1_000;
/// What of a change is kept.
const MEMBERS: [&str; 11] = [
    "op",
    "value",
    "display_label",
    "comment",
    "metadata",
    "expires_at",
    "reference_session_id",
    "reference_object_uuid",
    "held",
    "flood_guard",
    "approval",
];

/// The changes as sent.
pub(super) struct Changes(pub(super) Vec<Change>);

/// One of them, and the members of it that mean something.
pub(super) struct Change {
    pub(super) op: Op,
    pub(super) kept: Map<String, Json>,
}

/// What it does.
pub(super) enum Op {
    Add(Box<NewEntry>),
    Remove(String),
    Update(String, Box<EntryChange>),
    Settings(SettingsChange),
}

impl Changes {
    /// Reads the array.
    pub(super) fn read(sent: &Value<'_>) -> Result<Self, FieldError> {
        if read::array(sent)?.len() > MOST {
            return Err(FieldError::too_many_elements(MOST));
        }
        read::not_empty(read::list_of_objects(read_change))(sent).map(Self)
    }

    /// Reads what was kept.
    pub(super) fn from_store(text: &str) -> Result<Self, Error> {
        let sent = Value::parse(text.as_bytes()).map_err(Error::fault)?;
        let changes = read::list_of_objects(read_change)(&sent).map_err(|_| Error::fault("a stored proposal cannot be read"))?;
        Ok(Self(changes))
    }

    /// As it is kept.
    pub(super) fn to_store(&self) -> String {
        Json::Array(self.0.iter().map(|change| Json::Object(change.kept.clone())).collect()).to_string()
    }
}

fn read_change(sent: &Value<'_>) -> Result<Change, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let kind = fields.required("op", read::choice(&["add", "remove", "update", "settings"]));
    let value = match kind {
        Some("remove" | "update") => fields.required("value", read::filled(read::trimmed_text(gavel_core::entry::MAX_CHARS))),
        _ => Some(String::new()),
    };
    let (kind, value) = fields.finish(|| Some((kind?, value?)))?;
    let op = match kind {
        "add" => Op::Add(Box::new(NewEntry::read(sent)?)),
        "remove" => Op::Remove(value),
        "update" => Op::Update(value, Box::new(EntryChange::read(sent)?)),
        _ => Op::Settings(SettingsChange::read(sent)?),
    };
    let members: Map<String, Json> = serde_json::from_str(&sent.to_json()).unwrap_or_default();
    let kept = members.into_iter().filter(|(name, _)| MEMBERS.contains(&name.as_str())).collect();
    Ok(Change { op, kept })
}

/// A change of this list as it stands.
pub(super) enum Resolved {
    Add(Box<NewEntry>, EntryValue),
    Remove(EntryId),
    Update(Box<EntryChange>, Uuid, Box<Entry>),
    Settings(SettingsChange),
}

/// What the changes mean for the list as it stands, or what is wrong with each.
pub(super) async fn resolve(
    tx: &mut Tx,
    caller: &Caller,
    list: &List,
    changes: Changes,
    now: gavel_core::time::Timestamp,
) -> Result<Result<Vec<Resolved>, Vec<FieldErrors>>, Error> {
    let (mut good, mut bad, mut keys) = (Vec::new(), Vec::new(), HashSet::new());
    for change in changes.0 {
        let resolved = match resolve_one(tx, caller, list, change.op, now).await {
            Ok((_, value)) if value.as_ref().is_some_and(|value| !keys.insert(value.digest())) => {
                Err(FieldErrors::one("value", "This value is changed twice."))
            }
            Ok((resolved, _)) => Ok(resolved),
            Err(Error::Invalid(errors)) => Err(errors),
            Err(error) => return Err(error),
        };
        bad.push(resolved.map(|resolved| good.push(resolved)).err().unwrap_or_default());
    }
    Ok(if bad.iter().all(FieldErrors::is_empty) { Ok(good) } else { Err(bad) })
}

async fn resolve_one(
    tx: &mut Tx,
    caller: &Caller,
    list: &List,
    op: Op,
    now: gavel_core::time::Timestamp,
) -> Result<(Resolved, Option<EntryValue>), Error> {
    let parse = |sent: &str| EntryValue::parse(list.entry_type, sent).map_err(|e| Error::field("value", e.message()));
    match op {
        Op::Settings(change) => {
            change.must_suit(list)?;
            Ok((Resolved::Settings(change), None))
        }
        Op::Add(new) => {
            if new.reference_session.is_some() {
                caller.must(Resource::Sessions, Level::Read)?;
            }
            let value = entries::value_of(tx, caller.application, list, &new).await?;
            match rows::find_live(tx, list.id, &value, now).await? {
                Some(_) => Err(Error::field("value", "This value already exists in the list.")),
                None => Ok((Resolved::Add(new, value.clone()), Some(value))),
            }
        }
        Op::Remove(sent) => {
            let value = parse(&sent)?;
            let (_, entry) = held(tx, list, &value, now).await?;
            Ok((Resolved::Remove(entry.id), Some(value)))
        }
        Op::Update(sent, change) => {
            let value = parse(&sent)?;
            let (version, entry) = held(tx, list, &value, now).await?;
            Ok((Resolved::Update(change, version, Box::new(entry)), Some(value)))
        }
    }
}

/// The entry that holds a value.
async fn held(tx: &mut Tx, list: &List, value: &EntryValue, now: gavel_core::time::Timestamp) -> Result<(Uuid, Entry), Error> {
    let missing = || Error::field("value", "This value is not in the list.");
    let id = rows::find_live(tx, list.id, value, now).await?.ok_or_else(missing)?;
    entry_versions::find_kept(tx, list.id, id).await?.ok_or_else(missing)
}
