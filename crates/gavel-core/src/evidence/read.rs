//! Reading an evidence call.
//!
//! The body is any number of decision arrays. Each item is walked along its shape: what is there is typed, what is not
//! there becomes the value of the unknown, what nobody asked for is ignored. Reading never stops at the first mistake;
//! every mistake is noted under its path (`phone_verifications[0].full_number`), and one is enough to refuse the whole
//! call: evidence is atomic.
//!
//! A body is small but its meaning need not be: `[{},{},…]` asks for an object with all members at every third byte.
//! The limits of this module bound items, elements, nested objects and noted mistakes, so that the work and the memory
//! of a call stay in proportion to the largest body the server accepts.

use serde_json::{Map, Value};

use super::{
    FaceEmbedding, Feature, Item, MediaField, MediaRef, SentWarning,
    item::unknown,
    normalise::normalise,
    risks::is_server_owned,
    shape::{Field, Kind, Owned, TEXT_LIMIT},
    shapes::{SENDABLE, shape_of},
    values,
    warning::{Action, LogType},
};
use crate::json::{FieldError, FieldErrors, Fields, Members, NAMED, Value as Sent, read};

/// The most items of one array in one call.
pub const ITEM_LIMIT: usize = 100;
/// The most items of all arrays in one call.
pub const TOTAL_ITEM_LIMIT: usize = 500;
/// The most objects in all arrays inside all items of a call.
pub const TOTAL_OBJECT_LIMIT: usize = 5_000;
const NAME_LIMIT: usize = 255;

/// The body of an evidence call.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// All items, array by array in the contract's order, in each array as sent.
    pub items: Vec<Item>,
    /// Whether the call ends the session.
    pub complete: bool,
}

impl Evidence {
    /// Reads the body. The errors are keyed by path.
    pub fn read(body: &Sent<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(body)?;
        let complete = fields.optional("complete", read::boolean);
        let mut reader = Reader::default();
        for feature in SENDABLE {
            if let Some(array) = fields.sent(feature.array()).filter(|sent| **sent != Sent::Null) {
                reader.array(feature, array);
            }
        }
        for (path, error) in reader.errors {
            fields.add_error(path, error);
        }
        fields.finish(|| Some(Self { items: reader.items, complete: complete?.unwrap_or(true) }))
    }
}

#[derive(Default)]
struct Reader {
    items: Vec<Item>,
    /// Objects read so far inside items.
    objects: usize,
    errors: Vec<(String, FieldError)>,
}

/// Where reading stands inside an item, as an error names it and as a pointer into its data.
struct Place {
    path: String,
    pointer: String,
}

impl Place {
    fn inside<T>(&mut self, member: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.deeper(&format!(".{member}"), member, read)
    }

    fn at<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        self.deeper(&format!("[{index}]"), &index.to_string(), read)
    }

    fn deeper<T>(&mut self, path: &str, token: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let lengths = (self.path.len(), self.pointer.len());
        self.path.push_str(path);
        self.pointer.push('/');
        // Members of free objects never become places, so no token needs the escapes of JSON pointers.
        self.pointer.push_str(token);
        let read = read(self);
        self.path.truncate(lengths.0);
        self.pointer.truncate(lengths.1);
        read
    }
}

impl Reader {
    fn array(&mut self, feature: Feature, sent: &Sent<'_>) {
        let sent = match read::array(sent) {
            Ok(items) => items,
            Err(error) => return self.note(feature.array().to_owned(), error),
        };
        if sent.len() > ITEM_LIMIT {
            return self.note(feature.array().to_owned(), FieldError::too_many_elements(ITEM_LIMIT));
        }
        if self.items.len() + sent.len() > TOTAL_ITEM_LIMIT {
            let error = format!("Ensure this request has no more than {TOTAL_ITEM_LIMIT} items.");
            return self.note("non_field_errors".to_owned(), FieldError::text(error));
        }
        for (index, sent) in sent.iter().enumerate() {
            self.item(Item::empty(feature, index), sent);
        }
    }

    fn item(&mut self, mut item: Item, sent: &Sent<'_>) {
        let mut place = Place { path: item.path.clone(), pointer: String::new() };
        match read::object(sent) {
            Err(error) => self.note(place.path, error),
            Ok(members) => {
                item.data = self.members(shape_of(item.feature), members, &mut place, &mut item.media);
                self.owned(&mut item, members, &mut place);
                if let Err((field, error)) = normalise(&mut item, members) {
                    self.note(format!("{}.{field}", place.path), error);
                }
            }
        }
        self.items.push(item);
    }

    /// The members the server owns, of which it takes the sender's word into account, and the template of a face.
    fn owned(&mut self, item: &mut Item, sent: &Members<'_>, place: &mut Place) {
        let feature = item.feature;
        item.node_id = self.optional(sent, "node_id", place, read::text(NAME_LIMIT));
        item.status = self.optional(sent, "status", place, values::status(feature));
        if shape_of(feature).iter().any(|field| matches!(field.kind, Kind::Owned(Owned::Warnings))) {
            item.warnings = self.warnings(sent, place);
        }
        if feature == Feature::Liveness {
            item.face_embedding = self.optional(sent, "face_embedding", place, Ok).and_then(|sent| self.embedding(sent, place));
        }
    }

    fn warnings(&mut self, sent: &Members<'_>, place: &mut Place) -> Vec<SentWarning> {
        let Some(sent) = self.optional(sent, "warnings", place, values::elements) else { return Vec::new() };
        let warnings = place.inside("warnings", |place| {
            let read = |(index, sent)| place.at(index, |place| self.warning(sent, place));
            sent.iter().enumerate().map(read).collect::<Vec<_>>()
        });
        warnings.into_iter().flatten().filter(|warning| !is_server_owned(&warning.risk)).collect()
    }

    fn warning(&mut self, sent: &Sent<'_>, place: &mut Place) -> Option<SentWarning> {
        let members = read::object(sent).map_err(|error| self.note(place.path.clone(), error)).ok()?;
        let risk = self.required(members, "risk", place, read::filled(read::text(NAME_LIMIT)));
        let action = self.optional(members, "action", place, read::choice_of(Action::from_name));
        // Items of a decision carry no action, but a log type that followed from one.
        let log_type = self.optional(members, "log_type", place, read::choice_of(LogType::from_name));
        let additional_data = self.optional(members, "additional_data", place, values::free);
        Some(SentWarning { risk: risk?, action: action.or(log_type.map(LogType::action)), additional_data })
    }

    fn embedding(&mut self, sent: &Sent<'_>, place: &mut Place) -> Option<FaceEmbedding> {
        place.inside("face_embedding", |place| {
            let members = read::object(sent).map_err(|error| self.note(place.path.clone(), error)).ok()?;
            let model = self.required(members, "model", place, read::filled(read::text(NAME_LIMIT)));
            let vector = self.required(members, "vector", place, values::vector);
            Some(FaceEmbedding { model: model?, vector: vector? })
        })
    }

    /// All members of an object, in the order of its shape.
    fn members(
        &mut self,
        fields: &[Field],
        sent: &Members<'_>,
        place: &mut Place,
        media: &mut Vec<MediaField>,
    ) -> Map<String, Value> {
        let mut read = Map::new();
        for field in fields {
            let value = match sent.get(field.name) {
                None | Some(Sent::Null) => unknown(field.kind),
                Some(sent) => place.inside(field.name, |place| self.value(field, sent, place, media)),
            };
            read.extend(value.map(|value| (field.name.to_owned(), value)));
        }
        read
    }

    /// One value that is not null. `None`: the member is left out, or its mistake was noted.
    fn value(&mut self, field: &Field, sent: &Sent<'_>, place: &mut Place, media: &mut Vec<MediaField>) -> Option<Value> {
        let read = match field.kind {
            Kind::Text(limit) => values::text(limit)(sent),
            Kind::Choice(known) => values::choice(known)(sent),
            Kind::DocumentType => values::document_name(sent),
            Kind::Country => read::country3(field.name)(sent).map(Value::String),
            Kind::Number => values::number(sent),
            Kind::Integer => read::integer(i64::MIN, i64::MAX)(sent).map(Value::from),
            Kind::Flag => read::boolean(sent).map(Value::Bool),
            Kind::Date => read::day(sent).map(|day| Value::String(day.to_string())),
            Kind::DateTime => read::timestamp(sent).map(|at| Value::String(at.to_string())),
            Kind::Media => values::medium(sent).map(|sent| keep_medium(sent, place, media)),
            Kind::Object(fields) => read::object(sent).map(|sent| Value::Object(self.members(fields, sent, place, media))),
            Kind::Open(known) => values::small_object(sent).map(|sent| self.open(known, sent, place, media)),
            Kind::Free => values::free(sent).map(Value::Object),
            Kind::Objects(fields) => self.objects(fields, sent, place, media),
            Kind::ObjectsIfAny(_) if sent.as_array().is_some_and(<[_]>::is_empty) => return None,
            Kind::ObjectsIfAny(fields) => self.objects(fields, sent, place, media),
            Kind::Frees => self.each(sent, place, |reader, sent, _| {
                reader.count_object()?;
                values::free(sent).map(Value::Object)
            }),
            Kind::Texts => self.each(sent, place, |_, sent, _| values::text(TEXT_LIMIT)(sent)),
            Kind::Choices(known) => self.each(sent, place, |_, sent, _| values::choice(known)(sent)),
            Kind::Medias => {
                self.each(sent, place, |_, sent, place| values::medium(sent).map(|sent| keep_medium(sent, place, media)))
            }
            Kind::Owned(_) => return None,
        };
        read.map_err(|error| self.note(place.path.clone(), error)).ok()
    }

    fn objects(
        &mut self,
        fields: &[Field],
        sent: &Sent<'_>,
        place: &mut Place,
        media: &mut Vec<MediaField>,
    ) -> Result<Value, FieldError> {
        self.each(sent, place, |reader, sent, place| {
            reader.count_object()?;
            read::object(sent).map(|sent| Value::Object(reader.members(fields, sent, place, media)))
        })
    }

    /// An object that keeps what it brings: known members are typed, others stay as they are.
    fn open(&mut self, known: &[Field], sent: &Members<'_>, place: &mut Place, media: &mut Vec<MediaField>) -> Value {
        let mut read = Map::new();
        for (name, sent) in sent.iter() {
            let value = match known.iter().find(|field| field.name == name) {
                Some(field) if *sent != Sent::Null => place.inside(name, |place| self.value(field, sent, place, media)),
                Some(_) | None => Some(Value::from(sent)),
            };
            read.extend(value.map(|value| (name.to_owned(), value)));
        }
        Value::Object(read)
    }

    /// The elements of an array. A bad one is noted and left out; the call is refused anyway.
    fn each(
        &mut self,
        sent: &Sent<'_>,
        place: &mut Place,
        mut read: impl FnMut(&mut Self, &Sent<'_>, &mut Place) -> Result<Value, FieldError>,
    ) -> Result<Value, FieldError> {
        let mut elements = Vec::new();
        for (index, sent) in values::elements(sent)?.iter().enumerate() {
            place.at(index, |place| match read(self, sent, place) {
                Ok(element) => elements.push(element),
                Err(error) => self.note(place.path.clone(), error),
            });
        }
        Ok(Value::Array(elements))
    }

    fn count_object(&mut self) -> Result<(), FieldError> {
        self.objects += 1;
        if self.objects > TOTAL_OBJECT_LIMIT {
            let error = format!("Ensure this request has no more than {TOTAL_OBJECT_LIMIT} nested objects.");
            return Err(FieldError::text(error));
        }
        Ok(())
    }

    fn optional<'v, 'a, T>(
        &mut self,
        members: &'v Members<'a>,
        name: &str,
        place: &Place,
        read: impl FnOnce(&'v Sent<'a>) -> Result<T, FieldError>,
    ) -> Option<T> {
        let sent = members.get(name).filter(|sent| **sent != Sent::Null)?;
        read(sent).map_err(|error| self.note(format!("{}.{name}", place.path), error)).ok()
    }

    fn required<'v, 'a, T>(
        &mut self,
        members: &'v Members<'a>,
        name: &str,
        place: &Place,
        read: impl FnOnce(&'v Sent<'a>) -> Result<T, FieldError>,
    ) -> Option<T> {
        let read = match members.get(name) {
            None => Err(FieldError::required()),
            Some(Sent::Null) => Err(FieldError::null()),
            Some(sent) => read(sent),
        };
        read.map_err(|error| self.note(format!("{}.{name}", place.path), error)).ok()
    }

    fn note(&mut self, path: String, error: FieldError) {
        if self.errors.len() < NAMED {
            self.errors.push((path, error));
        }
    }
}

fn keep_medium(sent: MediaRef, place: &Place, media: &mut Vec<MediaField>) -> Value {
    let field = MediaField { pointer: place.pointer.clone(), path: place.path.clone(), sent };
    let value = values::medium_value(&field);
    media.push(field);
    value
}
