//! A workflow as sent.

use gavel_core::{
    json::{FieldError, FieldErrors, Fields, Sent, Value, read},
    time::Timestamp,
    workflow::Features,
};
use serde_json::value::{RawValue, to_raw_value};

use super::NewIds;
use crate::{actions::Error, store::workflows::Workflow};

/// Longest label, in characters.
const LABEL: usize = 50;
/// Every key a body may have.
const KEYS: [&str; 11] = [
    "workflow_label",
    "is_default",
    "status",
    "features",
    "is_white_label_enabled",
    "is_desktop_allowed",
    "max_retry_attempts",
    "retry_window_days",
    "session_expiration_time",
    "face_liveness_max_attempts",
    "face_match_max_attempts",
];

/// What a body says about a version; everything may be left out.
pub struct WorkflowChange {
    label: Option<String>,
    pub(super) is_default: Option<bool>,
    /// `published` or `draft`.
    pub(super) publish: Option<bool>,
    pub(super) features: Option<Features>,
    is_white_label_enabled: Option<bool>,
    is_desktop_allowed: Option<bool>,
    max_retry_attempts: Option<i64>,
    retry_window_days: Sent<i64>,
    session_expiration_time: Option<i64>,
    face_liveness_max_attempts: Option<i64>,
    face_match_max_attempts: Option<i64>,
}

/// A new workflow: the same with features.
pub struct NewWorkflow {
    pub(super) features: Features,
    pub(super) change: WorkflowChange,
}

impl WorkflowChange {
    /// Reads the body of a change.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        refuse_unknown(&mut fields);
        let features = fields.optional("features", Features::read);
        let change = read_rest(&mut fields);
        fields.finish(|| Some(Self { features: features?, ..change? }))
    }

    /// What a version holds after the change; whether it is published is the caller's to say.
    pub(super) fn over(self, standing: Workflow) -> Result<Workflow, Error> {
        let (workflow_type, features) = match &self.features {
            Some(features) => (features.workflow_type().to_owned(), to_raw(features)?),
            None => (standing.workflow_type, standing.features),
        };
        Ok(Workflow {
            label: self.label.unwrap_or(standing.label),
            workflow_type,
            features,
            is_white_label_enabled: self.is_white_label_enabled.unwrap_or(standing.is_white_label_enabled),
            is_desktop_allowed: self.is_desktop_allowed.unwrap_or(standing.is_desktop_allowed),
            max_retry_attempts: self.max_retry_attempts.unwrap_or(standing.max_retry_attempts),
            retry_window_days: self.retry_window_days.over(standing.retry_window_days),
            session_expiration_time: self.session_expiration_time.unwrap_or(standing.session_expiration_time),
            face_liveness_max_attempts: self.face_liveness_max_attempts.unwrap_or(standing.face_liveness_max_attempts),
            face_match_max_attempts: self.face_match_max_attempts.unwrap_or(standing.face_match_max_attempts),
            ..standing
        })
    }
}

impl NewWorkflow {
    /// Reads the body of a new workflow, in either form.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let features = match Features::read_flags(&mut fields) {
            Some(features) => features,
            None => {
                refuse_unknown(&mut fields);
                if fields.sent("features").is_some() {
                    fields.required("features", Features::read)
                } else {
                    fields.add_error("features", FieldError::text("At least one feature is required."));
                    None
                }
            }
        };
        let change = read_rest(&mut fields);
        fields.finish(|| Some(Self { features: features?, change: change? }))
    }

    /// The first version of the workflow.
    pub(super) fn workflow(
        self,
        (workflow_id, id): NewIds,
        created_by: Option<Box<RawValue>>,
        now: Timestamp,
    ) -> Result<Workflow, Error> {
        let is_published = self.change.publish != Some(false);
        let with_defaults = Workflow {
            id,
            workflow_id,
            version: 1,
            is_published,
            label: "ID Verification".into(),
            workflow_type: self.features.workflow_type().into(),
            features: to_raw(&self.features)?,
            is_default: false,
            is_white_label_enabled: false,
            max_retry_attempts: 3,
            retry_window_days: Some(7),
            session_expiration_time: 604_800,
            has_draft: false,
            updated_at: now,
            is_desktop_allowed: false,
            face_liveness_max_attempts: 3,
            face_match_max_attempts: 3,
            auto_blocklist_on_decline: None,
            created_by,
            published_at: is_published.then_some(now),
            created_at: now,
        };
        self.change.over(with_defaults)
    }
}

fn to_raw(features: &Features) -> Result<Box<RawValue>, Error> {
    to_raw_value(&features.to_json()).map_err(Error::fault)
}

fn refuse_unknown(fields: &mut Fields<'_, '_>) {
    let unknown: Vec<String> =
        fields.members().iter().map(|(name, _)| name.to_owned()).filter(|name| !KEYS.contains(&name.as_str())).collect();
    let known: Vec<String> = KEYS.iter().map(|key| format!("`{key}`")).collect();
    let text = format!("The v3 workflow API only accepts {}.", known.join(", "));
    for name in unknown {
        fields.add_error(name, FieldError::text(text.clone()));
    }
}

/// Everything but the features.
fn read_rest(fields: &mut Fields<'_, '_>) -> Option<WorkflowChange> {
    let label = fields.optional("workflow_label", read::filled(read::trimmed_text(LABEL)));
    let is_default = fields.optional("is_default", read::boolean);
    let status = fields.optional("status", read::choice(&["draft", "published"]));
    let white_label = fields.optional("is_white_label_enabled", read::boolean);
    let desktop = fields.optional("is_desktop_allowed", read::boolean);
    let retries = fields.optional("max_retry_attempts", read::integer(0, 10));
    let window = fields.nullable("retry_window_days", read::integer(1, 365));
    let expiration = fields.optional("session_expiration_time", read::integer(3_600, 2_419_200));
    let liveness = fields.optional("face_liveness_max_attempts", read::integer(1, 3));
    let face_match = fields.optional("face_match_max_attempts", read::integer(1, 3));
    Some(WorkflowChange {
        label: label?,
        is_default: is_default?,
        publish: status?.map(|status| status == "published"),
        features: None,
        is_white_label_enabled: white_label?,
        is_desktop_allowed: desktop?,
        max_retry_attempts: retries?,
        retry_window_days: window?,
        session_expiration_time: expiration?,
        face_liveness_max_attempts: liveness?,
        face_match_max_attempts: face_match?,
    })
}
