//! Answers for those who may look but not see: roles without personal data (Developer, Reader) get what `/v3/` and `/x/`
//! answer with every text hidden but those known to be nobody's.
//!
//! It is a filter over the finished JSON, in one place, and it hides by default: a field that is new and not listed here is
//! hidden. Ids, times, statuses, kinds, numbers and booleans stay; names, values, comments, links, free objects and
//! secrets do not. What is not JSON (exports, files) is refused. Where a role may write (a Developer's webhooks and
//! workflows), it sees what it works on.

use axum::{body::Body, response::Response};
use gavel_core::{
    access::{Actor, Level, Power, Resource},
    ids::parse_uuid,
    session::SessionStatus,
    subject::SubjectStatus,
    time::Timestamp,
};
use http::header;
use http_body_util::BodyExt;
use serde_json::Value;

use super::{error::ApiResult, extract::content_type, routes::Access};
use crate::actions::Error;

/// What stands in the place of a hidden text.
const HIDDEN: &str = "***";

/// Texts that say something of the process and nothing of a person.
const OPEN: &[&str] = &[
    "activity_type",
    "actor_type",
    "api_service",
    "bundle",
    "changed_fields",
    "comment_type",
    "comparison",
    "decision_reason_code",
    "direction",
    "entity_type",
    "entry_type",
    "environment",
    "evaluation_mode",
    "feature",
    "features",
    "format",
    "group_logic",
    "groups_logic",
    "import_type",
    "kind",
    "library_key",
    "lifecycle",
    "list_type",
    "log_type",
    "match_type",
    "method",
    "metric",
    "mode",
    "next",
    "node_id",
    "operator",
    "owner_kind",
    "payment_method_type",
    "previous",
    "previous_status",
    "risk",
    "route",
    "session_kind",
    "session_type",
    "severity",
    "source",
    "source_format",
    "status",
    "status_target",
    "subscribed_events",
    "transaction_type",
    "type",
    "verdict",
    "webhook_type",
    "webhook_version",
    "window",
    "workflow_type",
];

/// Names that people give to lists, workflows and destinations, where those are what is asked for.
const NAMES: &[&str] = &["description", "label", "name", "workflow_label"];

/// What a questionnaire says of itself, where questionnaires are what is asked for.
const FORMS: &[&str] = &["default_language", "languages", "question_types", "title", "workflow_names"];

/// What proves the audit trail, where that is what is asked for: keys, hashes and signatures are for everybody to check.
const PROOFS: &[&str] =
    &["algorithm", "application", "at", "hash", "head", "key_id", "public_key", "signature", "since", "until", "values_state"];

/// Objects of the client's own making, and arrays of them: even the names of their members may be about somebody. Every
/// such member of evidence is here, which a test asks the shapes.
const FREE: &[&str] = &[
    "additional_data",
    "additional_information",
    "adverse_keywords",
    "adverse_media_matches",
    "attributes",
    "categories",
    "chip_data",
    "contact_details",
    "countries",
    "crimes",
    "cross_check_result",
    "custom_list",
    "detected_codes",
    "document_metadata",
    "expected_details",
    "expected_details_parsed_address",
    "external_owner_snapshot",
    "external_party_snapshot",
    "extra_fields",
    "extracted_data",
    "facts",
    "features",
    "fields",
    "institution_info",
    "linked_entities",
    "metadata",
    "network_snapshot",
    "pep_matches",
    "properties",
    "props",
    "raw_results",
    "raw_row",
    "repeatable_config",
    "required_if",
    "sanction_matches",
    "signature_info",
    "source_data",
    "warning_matches",
];

/// Numbers that are about somebody.
const PERSONAL_NUMBERS: &[&str] = &["age", "age_estimation", "latitude", "longitude", "value"];

/// What is hidden from one caller in one answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mask {
    names: bool,
    forms: bool,
    proofs: bool,
}

impl Mask {
    /// What this caller may not see behind a route. `None`: they see everything.
    pub(super) fn for_actor(actor: &Actor, access: Access) -> Option<Self> {
        match (actor, access) {
            (Actor::Member { role, .. }, Access::Scope(resource, _))
                if !role.has(Power::PersonalData) && role.level(resource) < Level::Write =>
            {
                let names = matches!(resource, Resource::Lists | Resource::Workflows | Resource::Webhooks);
                Some(Self { names, forms: resource == Resource::Workflows, proofs: resource == Resource::Audit })
            }
            // Nobody has other routes without the power they ask for, or they are about the caller.
            _ => None,
        }
    }

    /// The answer as this caller gets it.
    pub(super) async fn over(self, response: Response) -> ApiResult<Response> {
        if !response.status().is_success() {
            return Ok(response);
        }
        let (mut parts, body) = response.into_parts();
        let is_json = content_type(&parts.headers) == "application/json";
        if !is_json && parts.headers.contains_key(header::CONTENT_TYPE) {
            return Err(Error::Forbidden.into());
        }
        let bytes = body.collect().await.map_err(Error::fault)?.to_bytes();
        if bytes.is_empty() {
            return Ok(Response::from_parts(parts, Body::empty()));
        }
        let mut answer = serde_json::Deserializer::from_slice(&bytes);
        answer.disable_recursion_limit(); // What a client sent may be 128 levels deep, and stands inside what we say.
        let mut answer: Value = serde::Deserialize::deserialize(&mut answer).map_err(|_| Error::Forbidden)?;
        self.hide(&mut answer, "");
        parts.headers.remove(header::CONTENT_LENGTH);
        let bytes = serde_json::to_vec(&answer).map_err(Error::fault)?;
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }

    /// Hides what is personal in the value of a member with this name.
    fn hide(self, value: &mut Value, name: &str) {
        match value {
            Value::Object(_) if FREE.contains(&name) => *value = Value::Null,
            Value::Object(_) if self.forms && name == "graph" => {} // What is asked, of nobody in particular.
            Value::Object(_) if self.proofs && name == "objects" => {} // Ids by kind.
            Value::Object(members) => members.iter_mut().for_each(|(name, value)| self.hide(value, name)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide(item, name)),
            Value::String(text) if !self.is_open(name, text) => *text = HIDDEN.to_owned(),
            Value::Number(_) if PERSONAL_NUMBERS.contains(&name) || FREE.contains(&name) => *value = Value::Null,
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }

    fn is_open(self, name: &str, text: &str) -> bool {
        let is_id = (name.ends_with("uuid") || name.ends_with("_id")) && !name.starts_with("vendor");
        text.is_empty()
            || OPEN.contains(&name)
            || (self.names && NAMES.contains(&name))
            || (self.forms && FORMS.contains(&name))
            || (self.proofs && PROOFS.contains(&name))
            || name.ends_with("_status") && (SessionStatus::from_name(text).is_some() || SubjectStatus::from_name(text).is_some())
            || (is_id && parse_uuid(text).is_ok())
            || ((name.ends_with("_at") || name == "txn_date") && Timestamp::parse(text).is_some())
    }
}

#[cfg(test)]
mod tests {
    use gavel_core::{
        access::Role,
        evidence::{
            shape::{Field, Kind},
            shapes::{SENDABLE, shape_of},
        },
    };
    use serde_json::json;

    use super::*;

    fn member(role: Role) -> Actor {
        Actor::Member { id: uuid::Uuid::nil(), name: String::new(), email: "lea@acme.example".into(), role }
    }

    #[test]
    fn only_roles_without_personal_data_get_masks() {
        let masked = |role, resource| Mask::for_actor(&member(role), Access::Scope(resource, Level::Read)).is_some();
        for resource in Resource::ALL {
            assert!(!masked(Role::Owner, resource) && !masked(Role::Admin, resource));
            assert!(masked(Role::Reader, resource));
        }
        assert!(!masked(Role::ComplianceOfficer, Resource::Sessions));
        assert!(masked(Role::Developer, Resource::Sessions) && !masked(Role::Developer, Resource::Webhooks));
    }

    #[test]
    fn what_is_not_known_to_be_open_is_hidden() {
        let mut answer = json!({
            "session_id": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10",
            "vendor_data": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10",
            "vendor_business_id": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10",
            "other_id": "X123",
            "created_at": "2026-05-02T09:14:02.118450Z",
            "seen_at": "the bar",
            "status": "In Review",
            "score": 91.5,
            "age": 31,
            "metadata": { "lea@acme.example": 1 },
            "new_field": "who knows",
            "items": [{ "full_name": "Lea", "is_ported": true, "feature": "LIVENESS", "tags": ["a", null] }],
            "comment": null,
            "name": "",
        });
        Mask { names: false, forms: false, proofs: false }.hide(&mut answer, "");
        assert_eq!(
            answer,
            json!({
                "session_id": "0d9b1c52-6a0e-4c57-8f6e-5f9e2f5f7a10",
                "vendor_data": "***",
                "vendor_business_id": "***",
                "other_id": "***",
                "created_at": "2026-05-02T09:14:02.118450Z",
                "seen_at": "***",
                "status": "In Review",
                "score": 91.5,
                "age": null,
                "metadata": null,
                "new_field": "***",
                "items": [{ "full_name": "***", "is_ported": true, "feature": "LIVENESS", "tags": ["***", null] }],
                "comment": null,
                "name": "",
            })
        );
    }

    /// Members whose own members are not laid down, wherever they stand.
    fn free_in(fields: &'static [Field]) -> Vec<&'static str> {
        let free = |field: &Field| match field.kind {
            Kind::Free | Kind::Frees => vec![field.name],
            Kind::Open(inner) => [vec![field.name], free_in(inner)].concat(),
            Kind::Object(inner) | Kind::Objects(inner) | Kind::ObjectsIfAny(inner) => free_in(inner),
            Kind::Text(_)
            | Kind::Choice(_)
            | Kind::DocumentType
            | Kind::Country
            | Kind::Number
            | Kind::Integer
            | Kind::Flag
            | Kind::Date
            | Kind::DateTime
            | Kind::Media
            | Kind::Texts
            | Kind::Choices(_)
            | Kind::Medias
            | Kind::Owned(_) => Vec::new(),
        };
        fields.iter().flat_map(free).collect()
    }

    #[test]
    fn no_free_member_of_evidence_shows_what_it_holds() {
        let all: Vec<_> = SENDABLE.into_iter().flat_map(|feature| free_in(shape_of(feature))).collect();
        assert!(all.len() > 20, "{all:?}");
        for name in all {
            let held = json!({ "ssn": 123_456_789, "ana": true, "source": "Ana Ruiz", "inside": [{ "status": "married" }] });
            let mut answer = json!({ name: held, "deeper": [{ name: [held, [held, 7]] }] });
            Mask { names: true, forms: false, proofs: false }.hide(&mut answer, "");
            assert_eq!(answer, json!({ name: null, "deeper": [{ name: [null, [null, null]] }] }), "{name}");
        }
    }

    #[test]
    fn what_a_questionnaire_asks_is_nobodys() {
        let form =
            json!({ "title": "Funds", "languages": ["en"], "graph": { "nodes": { "a": { "title": { "en": "Source?" } } } } });
        let shown = |forms: bool| {
            let mut answer = form.clone();
            Mask { names: true, forms, proofs: false }.hide(&mut answer, "");
            answer
        };
        assert_eq!(shown(true), form);
        let hidden = json!({ "title": "***", "languages": ["***"], "graph": { "nodes": { "a": { "title": { "en": "***" } } } } });
        assert_eq!(shown(false), hidden);
    }
}
