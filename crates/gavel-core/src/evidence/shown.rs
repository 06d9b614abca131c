//! A record as answers show it: all members of its shape, in the contract's order.
//!
//! Every event of a decided session carries all its records, so they are shown far more often than they change. None is
//! read into values for that: its members are found in the stored text and copied as they stand.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;

use super::{
    Feature,
    item::unknown,
    shape::{Field, Kind, Owned},
    shapes::shape_of,
};
use crate::session::FeatureStatus;

/// What the server knows about a record, beside its data.
#[derive(Debug, Clone, Copy)]
pub struct ServerMembers<'a> {
    /// `node_id`
    pub node_id: Option<&'a str>,
    /// `status`
    pub status: FeatureStatus,
    /// `warnings`, an array
    pub warnings: &'a RawValue,
    /// `matches`, an array
    pub matches: &'a RawValue,
}

/// A feature item as answers show it; serialises as an object.
pub struct Shown<'a> {
    shape: &'static [Field],
    data: Members<'a>,
    server: ServerMembers<'a>,
}

/// Puts a record together. `data` is the text of [`Item::data`](super::Item::data) as it was stored, perhaps by an older version:
/// members it lacks are unknown.
///
/// # Errors
/// When `data` is no JSON object.
pub fn compose<'a>(feature: Feature, data: &'a str, server: ServerMembers<'a>) -> serde_json::Result<Shown<'a>> {
    Ok(Shown { shape: shape_of(feature), data: serde_json::from_str(data)?, server })
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        let mut place = 0;
        for field in self.shape {
            match field.kind {
                Kind::Owned(Owned::NodeId) => object.serialize_entry(field.name, &self.server.node_id)?,
                Kind::Owned(Owned::Status) => object.serialize_entry(field.name, self.server.status.as_str())?,
                Kind::Owned(Owned::Warnings) => object.serialize_entry(field.name, self.server.warnings)?,
                Kind::Owned(Owned::Matches) => object.serialize_entry(field.name, self.server.matches)?,
                kind => match (self.data.find(field.name, &mut place), unknown(kind)) {
                    (Some(value), _) => object.serialize_entry(field.name, value)?,
                    (None, Some(unknown)) => object.serialize_entry(field.name, &unknown)?,
                    (None, None) => {}
                },
            }
        }
        object.end()
    }
}

/// The members of an object, their values as text.
struct Members<'a>(Vec<(Key<'a>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// A member. They are stored in the order of the shape, so it is looked for from where the last one was found.
    fn find(&self, name: &str, place: &mut usize) -> Option<&'a RawValue> {
        let (before, after) = self.0.split_at(*place);
        let is_it = |(key, _): &(Key<'_>, _)| key.0 == name;
        let found = after.iter().position(is_it).map(|n| n + before.len()).or_else(|| before.iter().position(is_it))?;
        *place = found + 1;
        Some(self.0[found].1)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Read)
    }
}

/// A key; copied only where its text has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads [`Members`].
struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(64);
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json, value::to_raw_value};

    use super::*;
    use crate::evidence::Item;

    fn shown(feature: Feature, data: &str, node_id: Option<&str>) -> String {
        let (warnings, matches) = (to_raw_value(&json!([])).unwrap(), to_raw_value(&json!([{ "session_id": null }])).unwrap());
        let server = ServerMembers { node_id, status: FeatureStatus::InReview, warnings: &warnings, matches: &matches };
        serde_json::to_string(&compose(feature, data, server).unwrap()).unwrap()
    }

    #[test]
    fn has_the_contracts_members_in_order() {
        let data = Value::Object(Item::empty(Feature::FaceMatch, 0).data).to_string();
        assert_eq!(
            shown(Feature::FaceMatch, &data, Some("feature_face_match_1")),
            r#"{"node_id":"feature_face_match_1","status":"In Review","score":null,"source_image_session_id":null,"source_image":null,"target_image":null,"warnings":[]}"#
        );
    }

    #[test]
    fn is_completed_when_an_older_version_wrote_it() {
        let item: Value = serde_json::from_str(&shown(Feature::EmailVerification, "{}", None)).unwrap();
        assert_eq!((&item["email"], &item["is_breached"], &item["breaches"]), (&json!(null), &json!(false), &json!([])));
    }

    #[test]
    fn keeps_the_text_of_values_and_finds_members_in_any_order() {
        let as_is =
            shown(Feature::EmailVerification, r#"{"is_breached":true,"nobodys":1,"\u0065mail":"a\u0040b.example"}"#, None);
        assert!(as_is.contains(r#""email":"a\u0040b.example""#) && as_is.contains(r#""is_breached":true"#), "{as_is}");
        assert!(!as_is.contains("nobodys"), "{as_is}");
    }

    #[test]
    fn shows_every_feature_as_values_would() {
        for feature in Feature::ALL {
            let mut data = Item::empty(feature, 0).data;
            for (n, value) in data.values_mut().enumerate().filter(|(n, _)| n % 3 == 0) {
                *value = json!({ "n": n });
            }
            let text = Value::Object(data.clone()).to_string();
            let item: Map<String, Value> = serde_json::from_str(&shown(feature, &text, None)).unwrap();
            let names: Vec<&str> = shape_of(feature).iter().map(|field| field.name).collect();
            assert!(item.keys().all(|name| names.contains(&name.as_str())));
            for (name, value) in &data {
                assert_eq!(item.get(name), Some(value), "{feature:?} {name}");
            }
        }
    }

    #[test]
    fn only_objects_are_records() {
        for text in ["", "[]", "null", r#"{"email":}"#] {
            let empty = to_raw_value(&json!([])).unwrap();
            let server = ServerMembers { node_id: None, status: FeatureStatus::Approved, warnings: &empty, matches: &empty };
            assert!(compose(Feature::EmailVerification, text, server).is_err(), "{text}");
        }
    }
}
