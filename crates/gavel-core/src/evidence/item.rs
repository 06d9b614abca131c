//! One feature result, read and normalised, before the server has said what it thinks of it.
//!
//! An [`Item`] holds everything its sender said and nothing the server adds: the members that belong to the server —
//! `node_id`, `status`, `warnings`, `matches` — are kept beside the data and put into their places when a record is
//! shown ([`compose`](super::compose)). Pictures are held as placeholders, `media:<uuid>`; a link that still has to be fetched is listed
//! in [`Item::media`] and its place in the data is null until [`Item::set_media`] fills it, so that a link can never be
//! stored in place of the content.

use serde_json::{Map, Value};

use super::{
    Feature, Placement,
    shape::{Field, Kind},
    shapes::shape_of,
    warning::Action,
};
use crate::{ids::MediaId, session::FeatureStatus};

/// What a placeholder of stored media starts with.
pub const MEDIA_PREFIX: &str = "media:";

/// A feature result as evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What was checked. Reading derives it from the array, [`Item::place`] from the step it takes.
    pub feature: Feature,
    /// Its position in the array it was sent in.
    pub index: usize,
    /// Where it was sent, for error messages: `phone_verifications[0]`.
    pub path: String,
    /// The step: as sent, after [`Item::place`] the one it was given.
    pub node_id: Option<String>,
    /// The sender's verdict.
    pub status: Option<FeatureStatus>,
    /// The sender's warnings, without those only the server may raise.
    pub warnings: Vec<SentWarning>,
    /// All members of the shape in the contract's order, except those the server owns.
    pub data: Map<String, Value>,
    /// Every picture, video and file of the item.
    pub media: Vec<MediaField>,
    /// A ready-made template of the face of a liveness check.
    pub face_embedding: Option<FaceEmbedding>,
}

/// A warning as sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SentWarning {
    /// The code of the risk.
    pub risk: String,
    /// What the sender wants done: `action`, or what its `log_type` stands for.
    pub action: Option<Action>,
    /// What it is about.
    pub additional_data: Option<Map<String, Value>>,
}

/// A picture, video or file of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaField {
    /// Where it stands in [`Item::data`], as a JSON pointer: `/id_lookup/registry_portrait`.
    pub pointer: String,
    /// Where it was sent, for error messages: `id_verifications[0].id_lookup.registry_portrait`.
    pub path: String,
    /// What was sent.
    pub sent: MediaRef,
}

/// A reference to a picture, video or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaRef {
    /// Media this server has.
    Stored(MediaId),
    /// An https address to fetch it from.
    Link(url::Url),
}

/// The template of a face, computed elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceEmbedding {
    /// The model that made it; vectors of different models cannot be compared.
    pub model: String,
    /// The vector, not empty, all numbers finite.
    pub vector: Vec<f32>,
}

impl Item {
    /// An item of which nothing is known.
    pub fn empty(feature: Feature, index: usize) -> Self {
        let members = shape_of(feature).iter().filter_map(|field| Some((field.name.to_owned(), unknown(field.kind)?)));
        Self {
            feature,
            index,
            path: format!("{}[{index}]", feature.array()),
            node_id: None,
            status: None,
            warnings: Vec::new(),
            data: members.collect(),
            media: Vec::new(),
            face_embedding: None,
        }
    }

    /// Gives the item its step; what is assessed afterwards speaks of this step.
    pub fn place(&mut self, placement: &Placement) {
        self.feature = placement.feature;
        self.node_id.clone_from(&placement.node_id);
    }

    /// Puts stored media at the place of a [`MediaField`]; a pointer that leads nowhere changes nothing.
    pub fn set_media(&mut self, pointer: &str, id: MediaId) {
        let (first, rest) = match pointer.strip_prefix('/').map(|path| path.split_once('/').unwrap_or((path, ""))) {
            Some((first, rest)) => (first, if rest.is_empty() { String::new() } else { format!("/{rest}") }),
            None => return,
        };
        if let Some(place) = self.data.get_mut(first).and_then(|member| member.pointer_mut(&rest)) {
            *place = Value::String(placeholder(id));
        }
    }

    /// A text of the data; `None` when it is unknown.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.data.get(member)?.as_str()
    }
}

/// How stored media is written in the data of an item.
pub fn placeholder(id: MediaId) -> String {
    format!("{MEDIA_PREFIX}{id}")
}

/// The stored file a placeholder stands for; `None` for any other text.
pub fn stored_media(placeholder: &str) -> Option<MediaId> {
    placeholder.strip_prefix(MEDIA_PREFIX)?.parse().ok()
}

/// Gives an object the members of its shape it lacks: nobody knows their values.
pub(crate) fn complete(fields: &[Field], members: &mut Map<String, Value>) {
    for field in fields {
        if let Some(unknown) = unknown(field.kind).filter(|_| !members.contains_key(field.name)) {
            members.insert(field.name.to_owned(), unknown);
        }
    }
}

/// What stands for a value nobody knows (conventions §11): arrays are empty, truth values false, all else is null.
/// `None`: the member is left out.
pub(super) fn unknown(kind: Kind) -> Option<Value> {
    match kind {
        Kind::Text(_)
        | Kind::Choice(_)
        | Kind::DocumentType
        | Kind::Country
        | Kind::Number
        | Kind::Integer
        | Kind::Date
        | Kind::DateTime
        | Kind::Media
        | Kind::Object(_)
        | Kind::Open(_)
        | Kind::Free => Some(Value::Null),
        Kind::Flag => Some(Value::Bool(false)),
        Kind::Objects(_) | Kind::Frees | Kind::Texts | Kind::Choices(_) | Kind::Medias => Some(Value::Array(Vec::new())),
        Kind::ObjectsIfAny(_) | Kind::Owned(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "9b0f0d3a-1f0e-4a53-8a53-2d1c6b7e9f10";

    #[test]
    fn media_is_put_in_its_place_and_nowhere_else() {
        let mut item = Item::empty(Feature::Ocr, 0);
        item.data["id_lookup"] = json!({"registry_portrait": null});
        item.data["extra_files"] = json!([null]);
        let id = ID.parse().unwrap();
        for pointer in ["/front_image", "/id_lookup/registry_portrait", "/extra_files/0"] {
            item.set_media(pointer, id);
        }
        let before = item.clone();
        for pointer in ["", "front_image", "/nowhere", "/extra_files/7", "/mrz/name"] {
            item.set_media(pointer, id);
        }
        assert_eq!(item, before);
        let stored = json!(format!("media:{ID}"));
        assert_eq!(item.data["front_image"], stored);
        assert_eq!(item.data["id_lookup"]["registry_portrait"], stored);
        assert_eq!(item.data["extra_files"][0], stored);
    }
}
