//! Links in the place of placeholders.
//!
//! A stored item names its pictures as `media:<uuid>`; an answer carries signed links that are made fresh each time.
//! The replacement walks the shape and touches media members only: a client that writes `media:…` into a name or a
//! free object gets back exactly what it sent, and no link to somebody else's picture.

use serde_json::{Map, Value};

use super::{
    Feature,
    item::stored_media,
    shape::{Field, Kind, Owned, media},
    shapes::shape_of,
};
use crate::ids::MediaId;

/// The pictures of `matches` rows, whose other members the server writes without the help of a shape.
const MATCH: &[Field] = &[media("front_image_url"), media("match_image_url")];

/// Replaces the placeholders in one item of a decision array. An array this crate has no shape of is left alone.
pub fn link_media(feature_array: &str, item: &mut Value, link: &dyn Fn(MediaId) -> String) {
    if let (Some(feature), Value::Object(members)) = (Feature::from_array(feature_array), item) {
        link_members(shape_of(feature), members, link);
    }
}

/// Replaces the placeholders in all feature arrays of a decision.
pub fn link_decision_media(decision: &mut Value, link: &dyn Fn(MediaId) -> String) {
    let Value::Object(members) = decision else { return };
    for (name, value) in members {
        for item in value.as_array_mut().into_iter().flatten() {
            link_media(name, item, link);
        }
    }
}

fn link_members(fields: &[Field], members: &mut Map<String, Value>, link: &dyn Fn(MediaId) -> String) {
    for field in fields {
        let Some(value) = members.get_mut(field.name) else { continue };
        match field.kind {
            Kind::Media => link_one(value, link),
            Kind::Medias => value.as_array_mut().into_iter().flatten().for_each(|file| link_one(file, link)),
            Kind::Object(inner) | Kind::Open(inner) => link_object(inner, value, link),
            Kind::Objects(inner) | Kind::ObjectsIfAny(inner) => {
                value.as_array_mut().into_iter().flatten().for_each(|object| link_object(inner, object, link));
            }
            Kind::Owned(Owned::Matches) => {
                value.as_array_mut().into_iter().flatten().for_each(|row| link_object(MATCH, row, link));
            }
            Kind::Text(_)
            | Kind::Choice(_)
            | Kind::DocumentType
            | Kind::Country
            | Kind::Number
            | Kind::Integer
            | Kind::Flag
            | Kind::Date
            | Kind::DateTime
            | Kind::Free
            | Kind::Frees
            | Kind::Texts
            | Kind::Choices(_)
            | Kind::Owned(Owned::NodeId | Owned::Status | Owned::Warnings) => {}
        }
    }
}

fn link_object(fields: &[Field], value: &mut Value, link: &dyn Fn(MediaId) -> String) {
    if let Value::Object(members) = value {
        link_members(fields, members, link);
    }
}

fn link_one(value: &mut Value, link: &dyn Fn(MediaId) -> String) {
    let id = value.as_str().and_then(stored_media);
    if let Some(id) = id {
        *value = Value::String(link(id));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STORED: &str = "media:9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10";

    fn link(id: MediaId) -> String {
        format!("https://id.example.com/media/{id}?sig=x")
    }

    #[test]
    fn only_media_members_become_links() {
        let linked = json!(link(STORED[6..].parse().unwrap()));
        let mut decision = json!({
            "vendor_data": STORED,
            "metadata": [{"front_image": STORED}],
            "id_verifications": [{
                "first_name": STORED,
                "front_image": STORED,
                "back_image": "https://elsewhere.example/x.jpg",
                "extra_files": [STORED, null],
                "extra_fields": {"front_image": STORED},
                "id_lookup": {"source": STORED, "registry_portrait": STORED},
                "matches": [{"vendor_data": STORED, "front_image_url": STORED}],
                "warnings": [{"additional_data": {"front_image": STORED}}],
            }],
            "liveness_checks": [{"reference_image": STORED, "matches": [{"match_image_url": STORED}]}],
            "questionnaire_responses": [{"sections": [{"items": [{"answer": {"text": STORED, "files": [STORED]}}]}]}],
            "phone_verifications": null,
        });
        link_decision_media(&mut decision, &link);
        assert_eq!(
            decision,
            json!({
                "vendor_data": STORED,
                "metadata": [{"front_image": STORED}],
                "id_verifications": [{
                    "first_name": STORED,
                    "front_image": linked,
                    "back_image": "https://elsewhere.example/x.jpg",
                    "extra_files": [linked, null],
                    "extra_fields": {"front_image": STORED},
                    "id_lookup": {"source": STORED, "registry_portrait": linked},
                    "matches": [{"vendor_data": STORED, "front_image_url": linked}],
                    "warnings": [{"additional_data": {"front_image": STORED}}],
                }],
                "liveness_checks": [{"reference_image": linked, "matches": [{"match_image_url": linked}]}],
                "questionnaire_responses": [{"sections": [{"items": [{"answer": {"text": STORED, "files": [linked]}}]}]}],
                "phone_verifications": null,
            })
        );
    }

    #[test]
    fn what_is_no_placeholder_stays() {
        for text in ["media:", "media:9b0f0d3a", "https://a.example/", ""] {
            let mut item = json!({"source_image": text});
            link_media("face_matches", &mut item, &link);
            assert_eq!(item, json!({"source_image": text}));
        }
    }
}
