//! What an item was weighed with beside its data and the lists: kept with the record, so that its assessment can be
//! repeated with other lists.

use serde_json::{Map, Value, json};

use super::{Action, Consulted, Duplicate, DuplicateKind, Feature, Item, SentWarning, SessionRef};
use crate::session::FeatureStatus;

/// The sender's word and what other sessions had shown at that moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weighed {
    /// The sender's verdict.
    pub status: Option<FeatureStatus>,
    /// The sender's warnings.
    pub warnings: Vec<SentWarning>,
    /// The duplicates found.
    pub duplicates: Vec<Duplicate>,
    /// What its status rules saw; none without rules.
    pub consulted: Option<Consulted>,
}

impl Weighed {
    /// What this item is weighed with.
    pub fn of(item: &Item, duplicates: &[Duplicate]) -> Self {
        Self { status: item.status, warnings: item.warnings.clone(), duplicates: duplicates.to_vec(), consulted: None }
    }

    /// As it is stored.
    pub fn to_json(&self) -> Value {
        let warnings = self.warnings.iter().map(|warning| {
            json!({
                "risk": warning.risk,
                "action": warning.action.map(Action::as_str),
                "additional_data": warning.additional_data,
            })
        });
        let duplicates = self.duplicates.iter().map(|duplicate| {
            json!({
                "risk": duplicate.kind.risk().0,
                "session_id": duplicate.session.id,
                "session_number": duplicate.session.number,
                "api_service": duplicate.session.api_service,
                "names_differ": duplicate.names_differ,
            })
        });
        let mut stored = json!({
            "status": self.status.map(FeatureStatus::as_str),
            "warnings": warnings.collect::<Vec<_>>(),
            "duplicates": duplicates.collect::<Vec<_>>(),
        });
        if let Some(consulted) = &self.consulted {
            stored["rules"] = consulted.to_json();
        }
        stored
    }

    /// From what was stored; `None` when it was not written by [`to_json`](Self::to_json).
    pub fn from_json(stored: &Value) -> Option<Self> {
        let name = |value: &Value| value.as_str().map(str::to_owned);
        let warning = |value: &Value| {
            Some(SentWarning {
                risk: name(&value["risk"])?,
                action: value["action"].as_str().and_then(Action::from_name),
                additional_data: value["additional_data"].as_object().cloned(),
            })
        };
        let duplicate = |value: &Value| {
            let risk = value["risk"].as_str()?;
            let session = SessionRef {
                id: value["session_id"].as_str().and_then(|id| id.parse().ok()),
                number: value["session_number"].as_i64(),
                api_service: name(&value["api_service"]),
            };
            let kind = DuplicateKind::ALL.into_iter().find(|kind| kind.risk().0 == risk)?;
            Some(Duplicate { kind, session, names_differ: value["names_differ"].as_bool()? })
        };
        Some(Self {
            status: stored["status"].as_str().and_then(FeatureStatus::from_name),
            warnings: stored["warnings"].as_array()?.iter().map(warning).collect::<Option<_>>()?,
            duplicates: stored["duplicates"].as_array()?.iter().map(duplicate).collect::<Option<_>>()?,
            consulted: match stored.get("rules") {
                None => None,
                Some(rules) => Some(Consulted::from_json(rules)?),
            },
        })
    }

    /// The item as it was before the server said what it thinks of it.
    pub fn item(&self, feature: Feature, node_id: Option<String>, data: Map<String, Value>) -> Item {
        Item { node_id, status: self.status, warnings: self.warnings.clone(), data, ..Item::empty(feature, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_reads_back() {
        let session = SessionRef { id: "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10".parse().ok(), number: Some(7), api_service: None };
        let weighed = Weighed {
            status: Some(FeatureStatus::InReview),
            warnings: vec![
                SentWarning { risk: "DOCUMENT_EXPIRED".into(), action: Some(Action::Decline), additional_data: None },
                SentWarning {
                    risk: "X".into(),
                    action: None,
                    additional_data: Some(Map::from_iter([("a".into(), json!(1.50))])),
                },
            ],
            duplicates: DuplicateKind::ALL.map(|kind| Duplicate { kind, session: session.clone(), names_differ: true }).into(),
            consulted: Some(Consulted::default()),
        };
        assert_eq!(Weighed::from_json(&weighed.to_json()), Some(weighed));
        assert_eq!(Weighed::from_json(&Weighed::default().to_json()), Some(Weighed::default()));
        for other in [json!(null), json!({}), json!({ "warnings": [{}], "duplicates": [] }), json!([])] {
            assert_eq!(Weighed::from_json(&other), None, "{other}");
        }
    }
}
