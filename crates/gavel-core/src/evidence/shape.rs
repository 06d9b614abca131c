//! The notation in which the shapes of evidence are written down.
//!
//! The contract (sessions.md §5) describes every feature item in a shorthand: `name` a text, `name#` a number,
//! `name{…}` an object. The tables in [`shapes`](super::shapes) are that text in Rust: one constructor of this module
//! per sign, keys in the contract's order. Everything that handles items walks these tables — reading evidence,
//! putting an answer together, turning placeholders of media into links — so a key is named once.
//!
//! | contract | here | | contract | here |
//! |---|---|---|---|---|
//! | `name` | [`text`], [`key`] | | `name~` | [`media`] |
//! | `name` (`A`, `B`) | [`choice`] | | `name{…}` | [`object`], [`open`], [`free`] |
//! | `name#`, `name:int` | [`number`], [`integer`] | | `name[…]` | [`objects`], [`frees`] |
//! | `name!` | [`flag`] | | `name[]` | [`texts`], [`choices`], [`medias`] |
//! | `name@`, `name@@` | [`date`], [`datetime`] | | `node_id`, `status`, `W`, `matches` | [`owned`] |

/// Longest free text of an item, in characters.
pub const TEXT_LIMIT: usize = 10_000;
/// Longest value that is screened, in characters: as long as a value of a list may be (lists.md §4).
pub const KEY_LIMIT: usize = 1_024;

/// A member of an object: its key and what may stand there.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
}

/// What a member holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text of at most so many characters.
    Text(usize),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// The display name of a document type; codes are understood too.
    DocumentType,
    /// An ISO 3166-1 alpha-3 code.
    Country,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// A truth value; unknown is false.
    Flag,
    /// A calendar day.
    Date,
    /// An instant.
    DateTime,
    /// A picture, video or file.
    Media,
    /// An object with exactly these members.
    Object(&'static [Field]),
    /// An object with any members, some of them known; only those that were sent are present.
    Open(&'static [Field]),
    /// Any object.
    Free,
    /// An array of objects with exactly these members.
    Objects(&'static [Field]),
    /// The same, left out altogether while it is empty.
    ObjectsIfAny(&'static [Field]),
    /// An array of any objects.
    Frees,
    /// An array of texts.
    Texts,
    /// An array of texts out of a closed set.
    Choices(&'static [&'static str]),
    /// An array of pictures or files.
    Medias,
    /// A member the server fills; what a client sends there is no part of the item's data.
    Owned(Owned),
}

/// The members of an item that belong to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned {
    /// `node_id`
    NodeId,
    /// `status`
    Status,
    /// `warnings`
    Warnings,
    /// `matches`
    Matches,
}

/// `name`: a free text.
pub const fn text(name: &'static str) -> Field {
    Field { name, kind: Kind::Text(TEXT_LIMIT) }
}

/// `name`: a text that identifies something and is screened or searched.
pub const fn key(name: &'static str) -> Field {
    Field { name, kind: Kind::Text(KEY_LIMIT) }
}

/// `name` with a closed set of values.
pub const fn choice(name: &'static str, values: &'static [&'static str]) -> Field {
    Field { name, kind: Kind::Choice(values) }
}

/// `document_type` of an identity document.
pub const fn document_type() -> Field {
    Field { name: "document_type", kind: Kind::DocumentType }
}

/// An alpha-3 country.
pub const fn country(name: &'static str) -> Field {
    Field { name, kind: Kind::Country }
}

/// `name#`
pub const fn number(name: &'static str) -> Field {
    Field { name, kind: Kind::Number }
}

/// `name:int`
pub const fn integer(name: &'static str) -> Field {
    Field { name, kind: Kind::Integer }
}

/// `name!`
pub const fn flag(name: &'static str) -> Field {
    Field { name, kind: Kind::Flag }
}

/// `name@`
pub const fn date(name: &'static str) -> Field {
    Field { name, kind: Kind::Date }
}

/// `name@@`
pub const fn datetime(name: &'static str) -> Field {
    Field { name, kind: Kind::DateTime }
}

/// `name~`
pub const fn media(name: &'static str) -> Field {
    Field { name, kind: Kind::Media }
}

/// `name{…}`
pub const fn object(name: &'static str, fields: &'static [Field]) -> Field {
    Field { name, kind: Kind::Object(fields) }
}

/// `name{…}` where other members are allowed too.
pub const fn open(name: &'static str, known: &'static [Field]) -> Field {
    Field { name, kind: Kind::Open(known) }
}

/// `name{}`
pub const fn free(name: &'static str) -> Field {
    Field { name, kind: Kind::Free }
}

/// `name[…]`
pub const fn objects(name: &'static str, fields: &'static [Field]) -> Field {
    Field { name, kind: Kind::Objects(fields) }
}

/// `name[…]`, absent when there is none.
pub const fn objects_if_any(name: &'static str, fields: &'static [Field]) -> Field {
    Field { name, kind: Kind::ObjectsIfAny(fields) }
}

/// `name[…]` of objects whose members are not laid down.
pub const fn frees(name: &'static str) -> Field {
    Field { name, kind: Kind::Frees }
}

/// `name[]`
pub const fn texts(name: &'static str) -> Field {
    Field { name, kind: Kind::Texts }
}

/// `name[]` with a closed set of values.
pub const fn choices(name: &'static str, values: &'static [&'static str]) -> Field {
    Field { name, kind: Kind::Choices(values) }
}

/// `name[]` of links to pictures or files.
pub const fn medias(name: &'static str) -> Field {
    Field { name, kind: Kind::Medias }
}

/// `node_id`, `status`, `warnings` or `matches`.
pub const fn owned(member: Owned) -> Field {
    let name = match member {
        Owned::NodeId => "node_id",
        Owned::Status => "status",
        Owned::Warnings => "warnings",
        Owned::Matches => "matches",
    };
    Field { name, kind: Kind::Owned(member) }
}

/// `node_id`
pub const NODE_ID: Field = owned(Owned::NodeId);
/// `status`
pub const STATUS: Field = owned(Owned::Status);
/// `warnings` W
pub const WARNINGS: Field = owned(Owned::Warnings);
/// `matches[…]`
pub const MATCHES: Field = owned(Owned::Matches);
