//! The lists as conditions of rules see them: at one state, by the entries that live at one instant.

use std::{collections::HashMap, sync::Arc};

use gavel_core::{
    entry::{EntryType, EntryValue},
    ids::{ApplicationId, ListId},
    rules::Listed,
    screening::Index,
    time::Timestamp,
};

use crate::{
    actions::Error,
    store::{Tx, lists},
};

/// The lists some rules ask.
#[derive(Debug, Clone)]
pub(in crate::actions) struct Lists {
    index: Arc<Index>,
    types: HashMap<ListId, EntryType>,
    now: Timestamp,
}

impl Lists {
    /// Those of them that are there.
    pub(in crate::actions) async fn of(
        tx: &mut Tx,
        application: ApplicationId,
        named: &[ListId],
        (index, now): (&Arc<Index>, Timestamp),
    ) -> Result<Self, Error> {
        let types = if named.is_empty() { HashMap::new() } else { lists::list_entry_types(tx, application, named).await? };
        Ok(Self { index: index.clone(), types, now })
    }

    /// Whether a list holds a value. One that is gone holds none; one that refuses the value says nothing.
    pub(in crate::actions) fn say(&self, list: ListId, text: &str) -> Option<Listed> {
        let Some(entry_type) = self.types.get(&list) else { return Some(Listed::No) };
        let value = EntryValue::parse(*entry_type, text).ok()?;
        let hits = self.index.hits(&value, self.now);
        let held: Vec<bool> = hits.iter().filter(|hit| hit.list == list).map(|hit| hit.held).collect();
        Some(match held.as_slice() {
            [] => Listed::No,
            held if held.contains(&false) => Listed::Yes,
            _ => Listed::Held,
        })
    }
}
