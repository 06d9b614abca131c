//! What reviewers send.

use gavel_core::{
    evidence::Feature,
    ids::{SessionId, WorkflowId},
    json::{FieldError, FieldErrors, Fields, Value, read},
    session::SessionKind,
    time::Timestamp,
};

use crate::store::queue::Wanted;

/// Longest name of a reviewer, in characters.
const REVIEWER: usize = 100;
/// Longest age a filter asks for, in seconds: ten years.
const AGE: i64 = 315_360_000;
/// Priorities are between this and its negative.
const PRIORITY: i64 = 1_000_000;
/// Most sessions passed over by name.
const EXCLUDED: usize = 100;

fn reviewer(fields: &mut Fields<'_, '_>) -> Option<Option<String>> {
    fields.optional("reviewer", read::filled(read::trimmed_text(REVIEWER)))
}

/// A body that names nobody but, behind a key, who works.
pub struct ReviewerBody(pub Option<String>);

impl ReviewerBody {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let reviewer = reviewer(&mut fields);
        fields.finish(|| Some(Self(reviewer?)))
    }
}

/// The body of a claim.
pub struct ClaimBody {
    /// Who works, behind a key.
    pub reviewer: Option<String>,
    /// Also when it is somebody else's.
    pub take_over: bool,
}

impl ClaimBody {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let reviewer = reviewer(&mut fields);
        let take_over = fields.optional("take_over", read::boolean);
        fields.finish(|| Some(Self { reviewer: reviewer?, take_over: take_over?.unwrap_or(false) }))
    }
}

/// The body of a change of priority.
pub struct PriorityBody(pub i64);

impl PriorityBody {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let priority = fields.required("priority", read::integer(-PRIORITY, PRIORITY));
        fields.finish(|| Some(Self(priority?)))
    }
}

/// The body of `next`: who works, and what on.
pub struct NextBody {
    /// Who works, behind a key.
    pub reviewer: Option<String>,
    /// What is asked for.
    pub wanted: Filters,
}

/// What sessions are asked for; ages are still counted from now.
pub struct Filters {
    wanted: Wanted,
    min_age: Option<i64>,
    max_age: Option<i64>,
}

impl Filters {
    /// With ages counted from this instant.
    pub fn at(&self, now: Timestamp) -> Wanted {
        let ago = |seconds: i64| now.plus_seconds(-seconds);
        Wanted { since_until: self.min_age.map(ago), since_from: self.max_age.map(ago), ..self.wanted.clone() }
    }
}

impl NextBody {
    /// Reads the body.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let reviewer = reviewer(&mut fields);
        let kind = fields.optional("session_kind", read::choice_of(SessionKind::from_name));
        let workflow = fields.optional("workflow_id", read::uuid::<WorkflowId>);
        let vendor_data = fields.optional("vendor_data", read::filled(read::trimmed_text(255)));
        let feature = fields.optional("feature", read::choice_of(Feature::from_name));
        let risk = fields.optional("warning", read::filled(read::text(100)));
        let min_age = fields.optional("min_age_seconds", read::integer(0, AGE));
        let max_age = fields.optional("max_age_seconds", read::integer(0, AGE));
        let min_priority = fields.optional("min_priority", read::integer(-PRIORITY, PRIORITY));
        let max_priority = fields.optional("max_priority", read::integer(-PRIORITY, PRIORITY));
        let exclude = fields.optional("exclude", excluded);
        must_be_in_order(&mut fields, ("min_age_seconds", min_age), ("max_age_seconds", max_age));
        must_be_in_order(&mut fields, ("min_priority", min_priority), ("max_priority", max_priority));
        fields.finish(|| {
            let wanted = Wanted {
                kind: kind?,
                workflow: workflow?,
                vendor_data: vendor_data?,
                feature: feature?,
                risk: risk?,
                min_priority: min_priority?,
                max_priority: max_priority?,
                exclude: exclude?.unwrap_or_default(),
                since_until: None,
                since_from: None,
                among: None,
            };
            Some(Self { reviewer: reviewer?, wanted: Filters { wanted, min_age: min_age?, max_age: max_age? } })
        })
    }
}

fn excluded(sent: &Value<'_>) -> Result<Vec<SessionId>, FieldError> {
    match read::array(sent)?.len() {
        n if n > EXCLUDED => Err(FieldError::too_many_elements(EXCLUDED)),
        _ => read::list_of(read::uuid::<SessionId>)(sent),
    }
}

type Border = (&'static str, Option<Option<i64>>);

fn must_be_in_order(fields: &mut Fields<'_, '_>, (_, least): Border, (name, most): Border) {
    if let (Some(Some(least)), Some(Some(most))) = (least, most)
        && most < least
    {
        fields.add_error(name, FieldError::below(least));
    }
}
