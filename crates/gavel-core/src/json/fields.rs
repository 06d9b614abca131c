//! Reading an object field by field, and everything that is wrong with it.
//!
//! [`Fields`] wraps the members of one object. A field that cannot be read notes its reason and yields `None`, and
//! reading goes on, so one answer names all bad fields (conventions §5, shape 2). [`Fields::finish`] gives the body
//! or the collected [`FieldErrors`].
//!
//! ```
//! # use gavel_core::json::{FieldErrors, Fields, Value, read};
//! struct Greeting { name: String, times: Option<i64> }
//!
//! fn greeting(sent: &Value<'_>) -> Result<Greeting, FieldErrors> {
//!     let mut fields = Fields::of(sent)?;
//!     let name = fields.required("name", read::filled(read::trimmed_text(100)));
//!     let times = fields.optional("times", read::integer(1, 10));
//!     fields.finish(|| Some(Greeting { name: name?, times: times? }))
//! }
//! # assert!(greeting(&Value::parse(br#"{"name":" Ana "}"#).unwrap()).is_ok());
//! ```

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Members, Value};

/// The name under which errors stand that belong to no field.
const NO_FIELD: &str = "non_field_errors";
/// Most mistakes of one object or array that an answer names: whoever makes thousands is told of the first, and the answer
/// stays small.
pub const NAMED: usize = 500;

/// A member that a change may leave alone, clear or set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent<T> {
    /// Not sent: stays as it is.
    Absent,
    /// `null`: cleared.
    Null,
    /// A new value.
    Value(T),
}

impl<T> Sent<T> {
    /// What the field holds after the change.
    pub fn over(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Absent => current,
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }
}

/// The fields of one object while they are read.
#[derive(Debug)]
pub struct Fields<'v, 'a> {
    members: &'v Members<'a>,
    errors: FieldErrors,
}

impl<'v, 'a> Fields<'v, 'a> {
    /// The fields of an object. Anything else is an error of no field.
    pub fn of(sent: &'v Value<'a>) -> Result<Self, FieldErrors> {
        match sent {
            Value::Object(members) => Ok(Self { members, errors: FieldErrors::default() }),
            other => Err(FieldErrors::default().with(NO_FIELD, FieldError::not_an_object(other))),
        }
    }

    /// A member as sent, for rules that look at several members or at unknown ones.
    pub fn sent(&self, name: &str) -> Option<&'v Value<'a>> {
        self.members.get(name)
    }

    /// All members as sent.
    pub fn members(&self) -> &'v Members<'a> {
        self.members
    }

    /// A field that must be present and not null. `None`: the reason is noted under its name.
    pub fn required<T>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        read: impl FnOnce(&'v Value<'a>) -> Result<T, FieldError>,
    ) -> Option<T> {
        let name = name.into();
        let value = match self.members.get(&name) {
            None => Err(FieldError::required()),
            Some(Value::Null) => Err(FieldError::null()),
            Some(sent) => read(sent),
        };
        self.note(name, value)
    }

    /// A field that may be absent or null, which mean the same: `Some(None)`.
    pub fn optional<T>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        read: impl FnOnce(&'v Value<'a>) -> Result<T, FieldError>,
    ) -> Option<Option<T>> {
        let name = name.into();
        let value = match self.members.get(&name) {
            None | Some(Value::Null) => Ok(None),
            Some(sent) => read(sent).map(Some),
        };
        self.note(name, value)
    }

    /// A field of a change, where null has a meaning of its own.
    pub fn nullable<T>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        read: impl FnOnce(&'v Value<'a>) -> Result<T, FieldError>,
    ) -> Option<Sent<T>> {
        let name = name.into();
        let value = match self.members.get(&name) {
            None => Ok(Sent::Absent),
            Some(Value::Null) => Ok(Sent::Null),
            Some(sent) => read(sent).map(Sent::Value),
        };
        self.note(name, value)
    }

    /// Notes an error that reading one field alone cannot find.
    pub fn add_error(&mut self, name: impl Into<Cow<'static, str>>, error: FieldError) {
        self.errors.add(name, error);
    }

    /// The body, or everything that is wrong with it.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, FieldErrors> {
        match build() {
            Some(body) if self.errors.is_empty() => Ok(body),
            _ => Err(self.errors),
        }
    }

    fn note<T>(&mut self, name: Cow<'static, str>, value: Result<T, FieldError>) -> Option<T> {
        value.map_err(|error| self.errors.add(name, error)).ok()
    }
}

/// Bad fields by name, in the order they were found. Serialises as the body of a 400.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldErrors(Vec<(Cow<'static, str>, FieldError)>);

impl FieldErrors {
    /// One field, one text: `{"name":["text"]}` (shape 2).
    pub fn one(name: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Self {
        Self::default().with(name, FieldError::text(text))
    }

    /// A business rule found while executing: `{"name":"text"}` (shape 3).
    pub fn plain(name: impl Into<Cow<'static, str>>, text: impl Into<Cow<'static, str>>) -> Self {
        Self::default().with(name, FieldError::Plain(text.into()))
    }

    /// An error that belongs to no field: `{"non_field_errors":["text"]}`.
    pub fn of_no_field(text: impl Into<Cow<'static, str>>) -> Self {
        Self::one(NO_FIELD, text)
    }

    /// Adds an error. Texts for a field that has texts already are put behind them; otherwise the first error stands. Of
    /// very many bad fields the first are named.
    pub fn add(&mut self, name: impl Into<Cow<'static, str>>, error: FieldError) {
        let (name, named) = (name.into(), self.0.len());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            None if named >= NAMED => {}
            None => self.0.push((name, error)),
            Some((_, FieldError::Texts(texts))) => {
                if let FieldError::Texts(more) = error {
                    texts.extend(more);
                }
            }
            Some(_) => {}
        }
    }

    /// These errors and one more.
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, error: FieldError) -> Self {
        self.add(name, error);
        self
    }

    /// Adds all of another body's, after its own.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many mistakes these are, those of nested objects and arrays among them.
    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|(_, error)| error.count()).sum()
    }
}

impl Serialize for FieldErrors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, error)| (name, error)))
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldError {
    /// `["text",…]`
    Texts(Vec<Cow<'static, str>>),
    /// `"text"` (shape 3)
    Plain(Cow<'static, str>),
    /// The errors of a nested object: `{"code_size":["…"]}`
    Nested(FieldErrors),
    /// An array parallel to the array of objects sent, `{}` for good items.
    Items(Vec<FieldErrors>),
    /// The bad items of an array of scalars, keyed by index: `{"0":["…"]}`
    ByIndex(Vec<(usize, FieldError)>),
}

impl FieldError {
    /// An error with one text.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Texts(vec![text.into()])
    }

    /// A required field is absent.
    pub fn required() -> Self {
        Self::text("This field is required.")
    }

    /// A required field is null.
    pub fn null() -> Self {
        Self::text("This field may not be null.")
    }

    /// A required text is empty.
    pub fn blank() -> Self {
        Self::text("This field may not be blank.")
    }

    /// Neither a string nor a number.
    pub fn not_a_string() -> Self {
        Self::text("Not a valid string.")
    }

    /// A text contains U+0000.
    pub fn null_character() -> Self {
        Self::text("Null characters are not allowed.")
    }

    /// A text is longer than so many characters.
    pub fn too_many_characters(max: usize) -> Self {
        Self::text(format!("Ensure this field has no more than {max} characters."))
    }

    /// A JSON value is longer than so many bytes.
    pub fn too_many_bytes(max: usize) -> Self {
        Self::text(format!("Ensure this field has no more than {max} bytes."))
    }

    /// Not one of the values of an enum; quotes a string as it is and anything else as compact JSON.
    pub fn not_a_choice(sent: &Value<'_>) -> Self {
        let shown = sent.as_text().map_or_else(|| Cow::Owned(sent.to_json()), Cow::Borrowed);
        Self::text(format!("\"{shown}\" is not a valid choice."))
    }

    /// Not an integer.
    pub fn not_an_integer() -> Self {
        Self::text("A valid integer is required.")
    }

    /// Not a number.
    pub fn not_a_number() -> Self {
        Self::text("A valid number is required.")
    }

    /// A number below its minimum.
    pub fn below(min: impl std::fmt::Display) -> Self {
        Self::text(format!("Ensure this value is greater than or equal to {min}."))
    }

    /// A number above its maximum.
    pub fn above(max: impl std::fmt::Display) -> Self {
        Self::text(format!("Ensure this value is less than or equal to {max}."))
    }

    /// Not a truth value.
    pub fn not_a_boolean() -> Self {
        Self::text("Must be a valid boolean.")
    }

    /// Not a UUID.
    pub fn not_a_uuid() -> Self {
        Self::text("Must be a valid UUID.")
    }

    /// Not a calendar day.
    pub fn not_a_date() -> Self {
        Self::text("Date has wrong format. Use one of these formats instead: YYYY-MM-DD.")
    }

    /// Not an instant.
    pub fn not_a_datetime() -> Self {
        Self::text(
            "Datetime has wrong format. Use one of these formats instead: \
             YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
        )
    }

    /// Not an e-mail address.
    pub fn not_an_email() -> Self {
        Self::text("Enter a valid email address.")
    }

    /// Not an absolute http or https URL.
    pub fn not_a_url() -> Self {
        Self::text("Enter a valid URL.")
    }

    /// Not an object.
    pub fn not_an_object(sent: &Value<'_>) -> Self {
        Self::text(format!("Invalid data. Expected a dictionary, but got {}.", sent.type_name()))
    }

    /// Not an array.
    pub fn not_an_array(sent: &Value<'_>) -> Self {
        Self::text(format!("Expected a list of items but got type \"{}\".", sent.type_name()))
    }

    /// More conditions with a pattern than may be asked together.
    pub fn too_many_patterns(max: usize) -> Self {
        Self::text(format!("Ensure no more than {max} conditions use 'regex'."))
    }

    /// An array of more elements than are taken.
    pub fn too_many_elements(max: usize) -> Self {
        Self::text(format!("Ensure this field has no more than {max} elements."))
    }

    /// An empty array where that is forbidden.
    pub fn empty_list() -> Self {
        Self::text("This list may not be empty.")
    }

    /// Not an alpha-3 country code; the text names the field.
    pub fn not_a_country(field: &str) -> Self {
        Self::text(format!("Invalid ISO 3166-1 alpha-3 country code for {field}."))
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::Texts(_) | Self::Plain(_) => 1,
            Self::Nested(errors) => errors.count(),
            Self::Items(items) => items.iter().map(FieldErrors::count).sum(),
            Self::ByIndex(items) => items.iter().map(|(_, error)| error.count()).sum(),
        }
    }
}

impl Serialize for FieldError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Texts(texts) => texts.serialize(serializer),
            Self::Plain(text) => text.serialize(serializer),
            Self::Nested(errors) => errors.serialize(serializer),
            Self::Items(items) => items.serialize(serializer),
            Self::ByIndex(items) => {
                let mut map = serializer.serialize_map(Some(items.len()))?;
                for (index, error) in items {
                    map.serialize_entry(&index.to_string(), error)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests;
