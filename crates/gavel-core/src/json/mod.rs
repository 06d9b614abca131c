//! JSON as clients send it, and as webhooks sign it.
//!
//! [`Value::parse`] is the one reader of bodies: numbers keep their text, the last of repeated members counts, nesting
//! ends at 128 levels, and what a double or UTF-8 cannot hold is a syntax error (conventions §6). [`Fields`] reads an
//! object field by field and collects everything that is wrong with it; [`read`] has a reader for every type of the
//! contract's tables. [`canonical`] writes the sorted, compact form webhooks are signed over.
//!
//! Deliberately missing: writing into a value, and `serde` for reading. A value borrows from the body it was read
//! from and lives as long as the request; answers are written with `serde` by the types that make them.

pub mod canonical;
mod fields;
mod parse;
pub mod read;

use std::borrow::Cow;

pub use fields::{FieldError, FieldErrors, Fields, NAMED, Sent};
pub use parse::SyntaxError;

use canonical::{Escape, write_text};

/// JSON as sent; a number stays its text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number in the sender's spelling, within the range of a double.
    Number(&'a str),
    /// A string, escapes resolved; borrowed from the body when it had none.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Members<'a>),
}

impl<'a> Value<'a> {
    /// Reads one JSON text: RFC 8259 without extensions, UTF-8, at most 128 levels deep.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SyntaxError> {
        parse::parse(bytes)
    }

    /// Reads a request body: as [`Value::parse`], but an empty body is `{}`.
    pub fn parse_body(bytes: &'a [u8]) -> Result<Self, SyntaxError> {
        let empty = bytes.iter().all(|byte| parse::is_white_space(*byte));
        if empty { Ok(Self::Object(Members::default())) } else { Self::parse(bytes) }
    }

    /// The type's name in error texts: `str`, `int`, `float`, `bool`, `list`, `dict`, `NoneType`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Number(text) if text.contains(['.', 'e', 'E']) => "float",
            Self::Number(_) => "int",
            Self::Text(_) => "str",
            Self::Array(_) => "list",
            Self::Object(_) => "dict",
        }
    }

    /// Compact JSON text: members in the order sent, numbers as sent, characters outside ASCII as themselves.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(text) => out.push_str(text),
            Self::Text(text) => write_text(out, text, Escape::Needed),
            Self::Array(items) => separated(out, ('[', ']'), items, |out, item| item.write_json(out)),
            Self::Object(members) => separated(out, ('{', '}'), members.iter(), |out, (name, value)| {
                write_text(out, name, Escape::Needed);
                out.push(':');
                value.write_json(out);
            }),
        }
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Members<'a>> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The items, if this is an array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The text, if this is a string.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Writes items between brackets with commas, as both JSON writers of this module need it.
fn separated<T>(
    out: &mut String,
    (open, close): (char, char),
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

/// The members of an object in the order sent. Of members with the same name only the last one is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Members<'a> {
    members: Vec<(Cow<'a, str>, Value<'a>)>,
    /// Positions in `members`, sorted by name. A sorted index instead of a hash map: its cost is bounded whatever
    /// names a hostile sender picks, without a random seed.
    by_name: Vec<u32>,
}

impl<'a> Members<'a> {
    fn new(mut members: Vec<(Cow<'a, str>, Value<'a>)>) -> Self {
        let mut by_name = positions_by_name(&members);
        let mut counts = vec![true; members.len()];
        for pair in by_name.windows(2) {
            // The sort is stable: of two neighbours with one name the first was sent earlier.
            let (earlier, later) = (pair[0] as usize, pair[1] as usize);
            counts[earlier] = members[earlier].0 != members[later].0;
        }
        if counts.contains(&false) {
            let mut counts = counts.into_iter();
            members.retain(|_| counts.next() == Some(true));
            by_name = positions_by_name(&members);
        }
        Self { members, by_name }
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        let found = self.by_name.binary_search_by(|at| self.at(*at).0.cmp(name)).ok()?;
        Some(self.at(self.by_name[found]).1)
    }

    /// All members in the order sent.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// All members sorted by name, comparing Unicode code points (which is also the order of UTF-8 bytes).
    pub fn iter_by_name(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> {
        self.by_name.iter().map(|at| self.at(*at))
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether this is `{}`.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn at(&self, position: u32) -> (&str, &Value<'a>) {
        let (name, value) = &self.members[position as usize];
        (name.as_ref(), value)
    }
}

fn positions_by_name(members: &[(Cow<'_, str>, Value<'_>)]) -> Vec<u32> {
    // A body has far fewer than 2^32 members: each takes at least five bytes.
    let mut positions: Vec<u32> = (0..members.len() as u32).collect();
    positions.sort_by(|a, b| members[*a as usize].0.cmp(&members[*b as usize].0));
    positions
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Members<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(members: I) -> Self {
        Self::new(members.into_iter().collect())
    }
}

/// A view of a `serde_json` value, as the server's own payloads are built.
impl<'a> From<&'a serde_json::Value> for Value<'a> {
    fn from(value: &'a serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => Self::Number(number.as_str()),
            serde_json::Value::String(text) => Self::Text(Cow::Borrowed(text)),
            serde_json::Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), value.into())).collect())
            }
        }
    }
}

/// An owned copy for answers and payloads; numbers keep their spelling.
impl From<&Value<'_>> for serde_json::Value {
    fn from(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            // Only a `Number` put together by hand can hold a text that is no number.
            Value::Number(text) => text.parse().map_or(Self::Null, Self::Number),
            Value::Text(text) => Self::String(text.to_string()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(members.iter().map(|(name, value)| (name.to_owned(), value.into())).collect()),
        }
    }
}

#[cfg(test)]
mod tests;
