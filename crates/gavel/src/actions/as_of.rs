//! States of the lists to look back at: a revision by its number, or an instant.

use gavel_core::{
    ids::ApplicationId,
    json::{FieldError, Fields, Value, read},
    time::Timestamp,
};

use super::Error;
use crate::store::{
    Tx,
    applications::{self, Counter},
    revisions::{self, Moment},
};

/// A state as asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// The lists after this revision, at its instant.
    Revision(u64),
    /// The lists at this instant.
    Time(Timestamp),
    /// What an answer of the past was made with: its revision, read at its instant.
    Pair(Moment),
}

impl AsOf {
    /// Reads a query parameter: a number, or a time.
    pub fn parse(text: &str) -> Option<Self> {
        match text.parse() {
            Ok(revision) => Some(Self::Revision(revision)),
            Err(_) => Timestamp::parse(text).map(Self::Time),
        }
    }

    /// Reads a member of a body: a number, a time, or `{"lists_revision", "evaluated_at"}` as an answer had them.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldError> {
        match sent {
            Value::Object(_) => {
                let mut fields = Fields::of(sent).map_err(|_| not_a_state())?;
                let revision = fields.required("lists_revision", read::integer(0, i64::MAX));
                let at = fields.required("evaluated_at", read::timestamp);
                let pair = fields.finish(|| Some((revision?, at?))).map_err(|_| not_a_state())?;
                Ok(Self::Pair(Moment { revision: pair.0.unsigned_abs(), at: pair.1 }))
            }
            Value::Number(text) => Self::parse(text).ok_or_else(not_a_state),
            Value::Text(text) => Self::parse(text).ok_or_else(not_a_state),
            Value::Null | Value::Bool(_) | Value::Array(_) => Err(not_a_state()),
        }
    }
}

fn not_a_state() -> FieldError {
    FieldError::text(NOT_A_STATE)
}

const NOT_A_STATE: &str = "Enter a revision number or a date and time.";

/// The state a query parameter of this name asks for; without one the lists as they stand.
pub(super) async fn resolve_param(
    tx: &mut Tx,
    application: ApplicationId,
    (name, sent): (&'static str, Option<&str>),
    now: Timestamp,
) -> Result<Moment, Error> {
    let asked = sent.map(|text| AsOf::parse(text).ok_or(Error::field(name, NOT_A_STATE))).transpose()?;
    find(tx, application, (name, asked), now).await
}

/// The moment of a state; without one the lists as they stand.
pub(super) async fn find(
    tx: &mut Tx,
    application: ApplicationId,
    (name, asked): (&'static str, Option<AsOf>),
    now: Timestamp,
) -> Result<Moment, Error> {
    let current = applications::current(tx, application, Counter::ListsRevision).await?;
    let moment = match asked {
        None => return Ok(Moment { revision: current, at: now }),
        // Revisions without a row of their own belong to the application itself; before the first nothing was listed.
        Some(AsOf::Revision(revision)) => {
            Moment { revision, at: revisions::find_instant(tx, application, revision).await?.unwrap_or(now) }
        }
        Some(AsOf::Time(at)) if at > now => Moment { revision: u64::MAX, at },
        Some(AsOf::Time(at)) => Moment { revision: revisions::find_at(tx, application, at).await?, at },
        Some(AsOf::Pair(moment)) => moment,
    };
    if moment.revision > current {
        return Err(Error::field(name, "This state of the lists has not been reached yet."));
    }
    Ok(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_pairs_are_states() {
        let read = |text: &str| AsOf::read(&Value::parse_body(text.as_bytes()).unwrap());
        assert_eq!(read("7"), Ok(AsOf::Revision(7)));
        assert_eq!(read(r#""7""#), Ok(AsOf::Revision(7)));
        let at = Timestamp::parse("2026-05-02T09:00:00Z").unwrap();
        assert_eq!(read(r#""2026-05-02T09:00:00Z""#), Ok(AsOf::Time(at)));
        let pair = r#"{"lists_revision":7,"evaluated_at":"2026-05-02T09:00:00Z"}"#;
        assert_eq!(read(pair), Ok(AsOf::Pair(Moment { revision: 7, at })));
        for other in ["-1", "1.5", r#""""#, r#""yesterday""#, "true", "[]", "{}", r#"{"lists_revision":7}"#] {
            assert_eq!(read(other), Err(not_a_state()), "{other}");
        }
    }
}
