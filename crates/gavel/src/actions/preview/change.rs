//! A change of lists as it is asked about: which values would come, which entries would go.

use std::collections::{BTreeMap, HashSet};

use gavel_core::{
    entry::EntryValue,
    evidence::{Consulted, Covering, ListFinding},
    ids::{ApplicationId, EntryId, ListId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    list::ListType,
    subject::{kind_of, known_as},
    time::Timestamp,
};
use serde::Serialize;

use crate::{
    actions::Error,
    store::{Tx, entries, entry_versions, lists, lists::List, sessions::Session},
};

/// Most changes of one call.
const MOST: usize = 1_000;

/// The changes as sent.
pub struct Changes(Vec<Sent>);

struct Sent {
    op: Op,
    list: ListId,
    value: String,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Remove,
}

impl Changes {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let changes = fields.required("changes", |sent| {
            if read::array(sent)?.len() > MOST {
                return Err(FieldError::too_many_elements(MOST));
            }
            read::not_empty(read::list_of_objects(read_change))(sent)
        });
        fields.finish(|| Some(Self(changes?)))
    }
}

fn read_change(sent: &Value<'_>) -> Result<Sent, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let op = fields.required(
        "op",
        read::choice_of(|name| match name {
            "add" => Some(Op::Add),
            "remove" => Some(Op::Remove),
            _ => None,
        }),
    );
    let list = fields.required("list", read::uuid);
    let value = fields.required("value", read::filled(read::trimmed_text(gavel_core::entry::MAX_CHARS)));
    fields.finish(|| Some(Sent { op: op?, list: list?, value: value? }))
}

/// A change that would change nothing: what it adds is there, what it removes is not.
#[derive(Debug, Serialize)]
pub(super) struct WithoutEffect {
    index: usize,
    reason: &'static str,
}

/// A value that would come to a list.
pub(super) struct Addition {
    list: ListId,
    list_type: ListType,
    pub(super) value: EntryValue,
    /// By itself, without any condition.
    pub(super) decides: bool,
}

/// What the changes come to.
#[derive(Default)]
pub(super) struct Effect {
    pub(super) additions: Vec<Addition>,
    pub(super) removed: HashSet<EntryId>,
    /// People and companies whose sessions would have been refused.
    pub(super) refused: Vec<EntryValue>,
    /// Whom blocklists name otherwise than before, and the entry that goes.
    pub(super) judged: Vec<(EntryValue, Option<EntryId>)>,
    /// People and companies whose held entries go.
    pub(super) let_go: Vec<EntryValue>,
    /// Everything that comes or goes, for conditions that name the lists.
    pub(super) changed: Vec<(ListId, EntryValue)>,
}

impl Effect {
    /// Whether the session would not have been created.
    pub(super) fn refuses(&self, session: &Session) -> bool {
        let value = known_as(session.kind, session.vendor_data.as_deref());
        value.is_some_and(|value| self.names(&value))
    }

    /// Whether the value names somebody blocklists would name from then on.
    pub(super) fn names(&self, value: &EntryValue) -> bool {
        self.refused.iter().any(|refused| refused.entry_type() == value.entry_type() && refused.key() == value.key())
    }

    /// The blocklists that would cover a value by an entry that comes.
    pub(super) fn blocking(&self, value: &EntryValue) -> impl Iterator<Item = ListId> {
        let matching = self.additions.iter().filter(|addition| addition.decides && addition.covers(value));
        matching.filter(|addition| addition.list_type == ListType::Blocklist).map(|addition| addition.list)
    }

    /// What the additions say about a value.
    pub(super) fn findings(&self, shown: &EntryValue) -> impl Iterator<Item = ListFinding> {
        let matching = self.additions.iter().filter(|addition| addition.decides && addition.covers(shown));
        matching.map(|addition| ListFinding {
            entry_type: shown.entry_type(),
            list_type: addition.list_type,
            list: addition.list,
            entry: EntryId(uuid::Uuid::nil()),
            value: shown.stored().to_owned(),
            held: false,
            face: None,
        })
    }
}

impl Addition {
    fn covers(&self, value: &EntryValue) -> bool {
        match (self.value.network(), value.network()) {
            (Some(of_entry), Some(asked)) => of_entry.contains(&asked),
            _ => self.value.entry_type() == value.entry_type() && self.value.key() == value.key(),
        }
    }
}

impl Effect {
    /// What conditions would have heard from the lists.
    pub(super) fn change(&self, consulted: &mut Consulted) {
        for ((list, text), answer) in &mut consulted.answers {
            let Some(answer) = answer else { continue }; // No value of the list's type, before and after.
            answer.entries.retain(|covering| !self.removed.contains(&covering.entry));
            let new = self.additions.iter().filter(|addition| {
                let read = || EntryValue::parse(addition.value.entry_type(), text);
                addition.list == *list && read().is_ok_and(|value| addition.covers(&value))
            });
            answer.entries.extend(new.map(|_| Covering { entry: EntryId(uuid::Uuid::nil()), revision: 0, held: false }));
        }
    }
}

impl Changes {
    /// Values that would come to a list (`true`) or go.
    pub(in crate::actions) fn of_list(list: ListId, values: Vec<(bool, String)>) -> Self {
        let change = |(comes, value)| Sent { op: if comes { Op::Add } else { Op::Remove }, list, value };
        Self(values.into_iter().map(change).collect())
    }

    /// Looks lists and values up. Of several changes of one value the last counts.
    pub(super) async fn resolve(
        self,
        tx: &mut Tx,
        application: ApplicationId,
        now: Timestamp,
    ) -> Result<(Effect, Vec<WithoutEffect>), Error> {
        let mut errors = Vec::with_capacity(self.0.len());
        let mut wanted: BTreeMap<(ListId, String), (usize, Op, List, EntryValue)> = BTreeMap::new();
        for (index, sent) in self.0.into_iter().enumerate() {
            let mut wrong = FieldErrors::default();
            match lists::find_list(tx, application, sent.list, now).await? {
                None => wrong.add("list", FieldError::text("List not found.")),
                Some(list) => match EntryValue::parse(list.entry_type, &sent.value) {
                    Err(reason) => wrong.add("value", FieldError::text(reason.message())),
                    Ok(value) => {
                        wanted.insert((sent.list, value.key().to_owned()), (index, sent.op, list, value));
                    }
                },
            }
            errors.push(wrong);
        }
        if errors.iter().any(|wrong| !wrong.is_empty()) {
            return Err(FieldErrors::default().with("changes", FieldError::Items(errors)).into());
        }
        let (mut effect, mut without) = (Effect::default(), Vec::new());
        for (index, op, list, value) in wanted.into_values() {
            match (op, entries::find_live(tx, list.id, &value, now).await?) {
                (Op::Add, Some(_)) => without.push(WithoutEffect { index, reason: "This value already exists in the list." }),
                (Op::Remove, None) => without.push(WithoutEffect { index, reason: "This value is not in the list." }),
                (Op::Remove, Some(entry)) => {
                    effect.removed.insert(entry);
                    if blocks_subjects(&list) {
                        effect.judged.push((value.clone(), Some(entry)));
                        let kept = entry_versions::find_kept(tx, list.id, entry).await?;
                        effect.let_go.extend(kept.filter(|(_, kept)| kept.held_at.is_some()).map(|_| value.clone()));
                    }
                    effect.changed.push((list.id, value));
                }
                (Op::Add, None) => effect.add(&list, value),
            }
        }
        without.sort_by_key(|row| row.index);
        Ok((effect, without))
    }
}

fn blocks_subjects(list: &List) -> bool {
    list.list_type == ListType::Blocklist && kind_of(list.entry_type).is_some()
}

impl Effect {
    fn add(&mut self, list: &List, value: EntryValue) {
        let of_subject = kind_of(list.entry_type).is_some();
        if blocks_subjects(list) {
            self.refused.push(value.clone());
            self.judged.push((value.clone(), None));
        }
        self.changed.push((list.id, value.clone()));
        let decides = list.list_type != ListType::Custom && !of_subject;
        self.additions.push(Addition { list: list.id, list_type: list.list_type, value, decides });
    }
}
