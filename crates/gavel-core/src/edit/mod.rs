//! Corrections by hand: members of a recorded document that a person or a system sets anew (sessions §10, §11), and
//! verdicts on the hits of a screening (§13).
//!
//! What may be edited is a [`Form`]: a table of members, one per kind of document. [`Edit::read`] reads a body along the
//! form, [`Edit::apply`] changes the data of a record and answers what is different now ([`Changes`]), [`Form::show`] is
//! the answer of the call. Nothing here weighs anything: an edit changes what is known, never what was decided.

mod form;
mod hits;
mod members;

pub use form::{DOCUMENT, Form, PROOF_OF_ADDRESS};
pub use hits::{HitReview, ReviewedHits, read_hit_review, read_hit_reviews};

use serde_json::{Map, Value};

use crate::json::{FieldErrors, Fields, Sent as Given, Value as Sent};
use members::{Member, Set};

/// An edit as sent: members of a form and what to put there.
#[derive(Debug, Clone)]
pub struct Edit {
    form: &'static Form,
    sent: Vec<(&'static Member, Set)>,
}

impl Edit {
    /// Reads a body along a form. Members the form does not know are ignored.
    pub fn read(form: &'static Form, body: &Sent<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(body)?;
        let mut sent = Vec::new();
        for member in form.members {
            match fields.nullable(member.name, |sent| member.read(sent)) {
                Some(Given::Value(set)) => sent.push((member, set)),
                Some(Given::Null) if member.nullable => sent.push((member, Set::To(Value::Null))),
                Some(Given::Null | Given::Absent) | None => {}
            }
        }
        fields.finish(|| Some(Self { form, sent }))
    }

    /// Whether no known member was sent.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Whether this member was sent.
    pub fn touches(&self, member: &str) -> bool {
        self.sent.iter().any(|(known, _)| known.name == member)
    }

    /// Changes the data of a record. Answers what is different now; what follows from the members is put right too.
    pub fn apply(&self, data: &mut Map<String, Value>) -> Result<Changes, FieldErrors> {
        let before = data.clone();
        for (member, set) in &self.sent {
            member.set(data, set, self.form.feature)?;
        }
        let mut changes = Changes::default();
        for (member, _) in &self.sent {
            let (was, is) = (member.shown(&before), member.shown(data));
            if was != is {
                changes.fields.push(member.name);
                changes.previous.insert(member.name.to_owned(), was);
                changes.new.insert(member.name.to_owned(), is);
            }
        }
        self.form.follow(data, &changes);
        Ok(changes)
    }
}

/// What an edit made different.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Names of the members, in the order of the form.
    pub fields: Vec<&'static str>,
    /// These members before.
    pub previous: Map<String, Value>,
    /// These members now.
    pub new: Map<String, Value>,
}

impl Changes {
    /// Whether all members hold what they held before.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether this member is different.
    pub fn of(&self, member: &str) -> bool {
        self.fields.contains(&member)
    }
}

#[cfg(test)]
mod tests;
